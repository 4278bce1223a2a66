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
 *
 * Threads:
 * - A module never changes after loading. Any number of threads may use one module
 *   at the same time, with every function of this header.
 * - A context holds the memory of calls: one thread at a time. It may go from thread
 *   to thread. Several threads that call one model take a context each.
 * - `destroy` of a module and of its contexts may come in any order and from any
 *   thread; the last one frees.
 * - A call may use more threads than its caller's (mad_context_set_threads). They
 *   run the model's code and nothing else, with signals blocked and the caller's
 *   floating-point modes, and are done when the call returns.
 * - Results have the same bits for every number of threads, executor and pool.
 * - After fork, the child may use modules, and contexts that no thread was in.
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
  MAD_BOOL = 4, /* one byte, 0 or 1 */
  MAD_F16 = 5,  /* IEEE binary16; its bits as uint16_t in X.h */
  MAD_BF16 = 6, /* the upper half of an f32; its bits as uint16_t in X.h */
  MAD_I8 = 7,
  MAD_U8 = 8
} mad_dtype;

/* Bytes of one element; 0 for an unknown type. */
MAD_API size_t mad_dtype_size(mad_dtype dtype);
/* "f32" and so on; "?" for an unknown type. */
MAD_API const char *mad_dtype_name(mad_dtype dtype);

/* No extent is larger, so that sums of extents stay within 64 bits: no memory has more
 * elements, and a tensor without elements needs no more. */
#define MAD_MAX_EXTENT ((int64_t)1 << 47)

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

/* What loading verifies besides the code, the header and the tables, which it always
 * does. */
typedef enum mad_verify {
  MAD_VERIFY_CODE = 0, /* nothing more: bytes of weights are mapped, not read */
  MAD_VERIFY_ALL = 1   /* the checksum of every weight */
} mad_verify;

/* How to load; zero in all fields but the first is the default. */
typedef struct mad_load_options {
  size_t struct_size; /* sizeof(mad_load_options) */
  /* A .weights or .safetensors file that replaces all weights; null: those of the
   * build. Element types and shapes must be those of the model's weights, and so must
   * the names of a .weights file. A .safetensors file is read as the model reads its
   * own: by the names there, transposed where it says so; tensors that it does not have
   * under such a name are looked for under the name of the weight. */
  const char *weights;
  mad_verify verify;
} mad_load_options;

/* Loads libX.so. Verifies it before any of its code is called. Where the build wrote
 * the weights to a file of their own, that is looked for beside the library. */
MAD_API mad_status mad_module_load(const char *path, mad_module **module, mad_error *error);
MAD_API mad_status mad_module_load_with(const char *path, const mad_load_options *options,
                                        mad_module **module, mad_error *error);
/* The same for an artifact that is linked into the program or was compiled in
 * memory (see X.h); it must outlive the module. */
MAD_API mad_status mad_module_create(const struct mad_artifact *artifact, mad_module **module,
                                     mad_error *error);
MAD_API mad_status mad_module_create_with(const struct mad_artifact *artifact,
                                          const mad_load_options *options, mad_module **module,
                                          mad_error *error);
MAD_API void mad_module_destroy(mad_module *module);
/* The manifest: JSON text that describes entries, dimensions, weights, target. */
MAD_API const char *mad_module_manifest(const mad_module *module);
/* Name of the code variant that this machine's CPU runs: "x86-64", "x86-64-v3"; where there is
 * code for GPUs alone, "cuda". */
MAD_API const char *mad_module_variant(const mad_module *module);

typedef struct mad_value_info {
  const char *name;
  mad_dtype dtype;
  int32_t rank;
  const char *const *dims; /* text of each dimension: "Batch", "64", "H - 2" */
  /* Not 0 where an input and an output are one tensor, which the call updates: of an
   * input 1 + the number of that output, of an output 1 + the number of that input. */
  int32_t state;
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

/* Runs a model's large loops, in pieces. `parallel_for` calls `task(data, number)` for
 * 0 <= number < count, each number once, on any threads and in any order, and returns
 * when all are done. Tasks never wait for each other and never call back. It may be
 * called by several threads at once if several contexts use it. */
typedef void (*mad_task)(void *data, int64_t number);
typedef struct mad_executor {
  void (*parallel_for)(void *user, int64_t count, mad_task task, void *data);
  void *user;
} mad_executor;

/* An executor with threads of its own. They sleep while there is nothing to do. */
typedef struct mad_pool mad_pool;
/* `threads` counts that of the caller; 0 means one for each CPU that this process may
 * use. They start with the first large loop; where the system gives fewer, those do
 * the work. */
MAD_API mad_status mad_pool_create(int32_t threads, mad_pool **pool, mad_error *error);
/* No call that uses it may be running. */
MAD_API void mad_pool_destroy(mad_pool *pool);
MAD_API int32_t mad_pool_threads(const mad_pool *pool);
/* For mad_context_set_executor. Contexts may share a pool: it works for one call at a
 * time, the others meanwhile run on their own thread. */
MAD_API mad_executor mad_pool_executor(mad_pool *pool);

/* Where the calls of a context are computed; zero in all fields but the first is the default. */
typedef struct mad_context_options {
  size_t struct_size; /* sizeof(mad_context_options) */
  /* "cpu", "cuda" (the first GPU), "cuda:1", or "auto": on the first GPU if the module has code
   * for CUDA and this machine a GPU that runs it, else on the CPU. Null: what the environment
   * variable MAD_DEVICE says; where it is not set, auto. */
  const char *device;
  /* A CUcontext of the host to work in, which must outlive this one. Null: the primary context of
   * the device, which the CUDA runtime and with it most programs use. */
  void *cuda_context;
  /* A CUstream to put the work on, which must outlive this one, of the context above or of the
   * primary one; (void *)1 is CUDA's default stream. Null: a stream of its own. */
  void *cuda_stream;
} mad_context_options;

MAD_API mad_status mad_context_create(mad_module *module, mad_context **context, mad_error *error);
MAD_API mad_status mad_context_create_with(mad_module *module, const mad_context_options *options,
                                           mad_context **context, mad_error *error);
/* Where it computes: "cpu", "cuda:0". Lives as long as the context. */
MAD_API const char *mad_context_device(const mad_context *context);
/* The CUstream that its work is on, where it computes on a GPU; else null. */
MAD_API void *mad_context_cuda_stream(const mad_context *context);
/* Name of the code variant that its calls run. */
MAD_API const char *mad_context_variant(const mad_context *context);
MAD_API void mad_context_destroy(mad_context *context);
/* How many threads calls may use: 1 is the caller's alone; 0, the default, one for each
 * CPU that this process may use. They belong to the context; a program with many
 * contexts lets them share a pool, or sets 1. Results do not depend on it. */
MAD_API mad_status mad_context_set_threads(mad_context *context, int32_t threads);
/* Has calls run their large loops there (copied); null: on the context's own threads. */
MAD_API mad_status mad_context_set_executor(mad_context *context, const mad_executor *executor);
/* Message of the last failed call on this context; "" when the last one was good. */
MAD_API const char *mad_context_message(const mad_context *context);

/* Extents of all outputs for given inputs (only shape, rank and dtype of the
 * inputs are read): `extents` receives them output after output; its size must
 * be the sum of the outputs' ranks. */
MAD_API mad_status mad_entry_shapes(mad_context *context, int32_t entry, const mad_tensor *inputs,
                                    int32_t num_inputs, int64_t *extents);
/* Runs an entry. Inputs are read, outputs written; on a GPU each of them may lie in memory of
 * the host or of that GPU, where it is used in place. An output must not overlap
 * any other tensor of the call, but for the state that it updates: there both have
 * the same data. On failure the contents of outputs are not defined. */
MAD_API mad_status mad_entry_call(mad_context *context, int32_t entry, const mad_tensor *inputs,
                                  int32_t num_inputs, const mad_tensor *outputs,
                                  int32_t num_outputs);

/* On a GPU: 1 has calls return when their work is on the stream, 0, the default, when it is
 * done. All tensors of a call stay as they are until the work is waited for, by
 * mad_context_synchronize or on the stream. A call behind one of an entry that checks indices
 * waits for that first. On a CPU it changes nothing. */
MAD_API mad_status mad_context_set_async(mad_context *context, int32_t async);
/* On a GPU: the work of calls from here on begins when that of another CUstream, as it is now, is
 * done; null is CUDA's default stream. On a CPU it changes nothing. */
MAD_API mad_status mad_context_wait_for(mad_context *context, void *cuda_stream);
/* Waits for the work of all calls before. What failed in it is the answer. */
MAD_API mad_status mad_context_synchronize(mad_context *context);

/* Gives memory for result number `output`, whose element type, rank and extents are
 * known now; null means that there is none. */
typedef struct mad_allocator {
  void *(*allocate)(void *user, int32_t output, const mad_tensor *result);
  void *user;
} mad_allocator;

/* Runs an entry whose results the host allocates when their extents are known. Fills
 * `outputs`; their shapes live until the next call on the context. What was allocated
 * is in `outputs` also after a failure, everything else there is null; it belongs to
 * the caller. A state is not allocated: its output is the input. */
MAD_API mad_status mad_entry_call_alloc(mad_context *context, int32_t entry,
                                        const mad_tensor *inputs, int32_t num_inputs,
                                        const mad_allocator *allocator, mad_tensor *outputs,
                                        int32_t num_outputs);

#ifdef __cplusplus
}
#endif
#endif /* MAD_H */
