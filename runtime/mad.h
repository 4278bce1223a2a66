/*===- mad.h - The C interface of compiled MAD models -----------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Rules that hold for every function:
 * - Failure is a return value. No call exits, aborts, throws or prints.
 * - The message of the last failure is in the context (or, where there is none
 *   yet, in the caller's mad_error).
 * - Pointers passed in are borrowed for the call. What a `create` or `load`
 *   returns belongs to the caller until the matching `destroy`.
 * - A module never changes after loading and may be shared by threads. A context
 *   holds the memory of calls: one thread at a time.
 *
 *===------------------------------------------------------------------------===*/
#ifndef MAD_H
#define MAD_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define MAD_API __attribute__((visibility("default")))
#else
#define MAD_API
#endif

typedef enum mad_status {
  MAD_OK = 0,
  MAD_INVALID_ARGUMENT = 1, /* null pointer, unknown entry, wrong count, rank or element type */
  MAD_SHAPE_MISMATCH = 2,   /* extents do not fit the declared dimensions */
  MAD_OUT_OF_RANGE = 3,     /* an index computed by the model lies outside its tensor */
  MAD_OUT_OF_MEMORY = 4,
  MAD_FILE_ERROR = 5,  /* cannot be opened, read or written */
  MAD_BAD_FORMAT = 6,  /* the file is not what it should be: damaged, truncated, other version */
  MAD_UNSUPPORTED = 7, /* this machine cannot run the artifact */
  MAD_INTERNAL = 8,
  MAD_COMPILE_ERROR = 9 /* the model has errors (mad_compiler.h) */
} mad_status;

/* "MAD_SHAPE_MISMATCH" and so on; never null. */
MAD_API const char *mad_status_name(mad_status status);

typedef enum mad_dtype {
  MAD_F32 = 0,
  MAD_F64 = 1,
  MAD_I32 = 2,
  MAD_I64 = 3,
  MAD_BOOL = 4 /* one byte, 0 or 1 */
} mad_dtype;

/* Bytes of one element; 0 for an unknown type. */
MAD_API size_t mad_dtype_size(mad_dtype dtype);
/* "f32" and so on; "?" for an unknown type. */
MAD_API const char *mad_dtype_name(mad_dtype dtype);

/* A dense row-major tensor in the caller's memory. A scalar has rank 0 and may
 * have a null shape. `data` may be null when an extent is 0. Aligned to its
 * element type; 64 bytes is fastest. */
typedef struct mad_tensor {
  void *data;
  const int64_t *shape;
  int32_t rank;
  mad_dtype dtype;
} mad_tensor;

/* Text of a failure, for calls that have no context. */
typedef struct mad_error {
  char message[512];
} mad_error;

typedef struct mad_module mad_module;
typedef struct mad_context mad_context;
struct mad_artifact;

/* Loads libX.so. Verifies it before any of its code is called. */
MAD_API mad_status mad_module_load(const char *path, mad_module **module, mad_error *error);
/* The same for an artifact that is linked into the program or was compiled in
 * memory (see X.h); it must outlive the module. */
MAD_API mad_status mad_module_create(const struct mad_artifact *artifact, mad_module **module,
                                     mad_error *error);
MAD_API void mad_module_destroy(mad_module *module);
/* The manifest: JSON text that describes entries, dimensions, weights, target. */
MAD_API const char *mad_module_manifest(const mad_module *module);
/* Name of the code variant that this machine runs: "x86-64", "x86-64-v3". */
MAD_API const char *mad_module_variant(const mad_module *module);

typedef struct mad_value_info {
  const char *name;
  mad_dtype dtype;
  int32_t rank;
  const char *const *dims; /* text of each dimension: "Batch", "64", "H - 2" */
} mad_value_info;

typedef struct mad_entry_info {
  const char *name;
  const char *doc;
  int32_t num_dims;
  const char *const *dims; /* dimension parameters */
  int32_t num_inputs;
  const mad_value_info *inputs;
  int32_t num_outputs;
  const mad_value_info *outputs;
} mad_entry_info;

MAD_API int32_t mad_module_num_entries(const mad_module *module);
/* Null when `index` is out of range. Lives as long as the module. */
MAD_API const mad_entry_info *mad_module_entry(const mad_module *module, int32_t index);
/* Number of the entry of this name, or -1. */
MAD_API int32_t mad_module_find(const mad_module *module, const char *name);

MAD_API mad_status mad_context_create(mad_module *module, mad_context **context, mad_error *error);
MAD_API void mad_context_destroy(mad_context *context);
/* Message of the last failed call on this context; "" when the last one was good. */
MAD_API const char *mad_context_message(const mad_context *context);

/* Extents of all outputs for given inputs (only shape, rank and dtype of the
 * inputs are read): `extents` receives them output after output; its size must
 * be the sum of the outputs' ranks. */
MAD_API mad_status mad_entry_shapes(mad_context *context, int32_t entry, const mad_tensor *inputs,
                                    int32_t num_inputs, int64_t *extents);
/* Runs an entry. Inputs are read, outputs written; an output must not overlap
 * any other tensor of the call. On failure the contents of outputs are not
 * defined. */
MAD_API mad_status mad_entry_call(mad_context *context, int32_t entry, const mad_tensor *inputs,
                                  int32_t num_inputs, const mad_tensor *outputs,
                                  int32_t num_outputs);

#ifdef __cplusplus
}
#endif
#endif /* MAD_H */
