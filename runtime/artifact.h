/*===- artifact.h - What the compiler writes and the runtime reads ----------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * A compiled model is one `mad_artifact` in read-only data, exported by libX.so
 * as `mad_artifact_v1` (and, for hosts that link it, as `X_artifact`), and handed
 * over by the JIT as a pointer. passes/Target/Artifact.cpp emits these structs
 * field by field: change both together and raise MAD_ABI_VERSION.
 *
 *===------------------------------------------------------------------------===*/
#ifndef MAD_ARTIFACT_H
#define MAD_ARTIFACT_H

#include "mad.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MAD_ARTIFACT_MAGIC 0x314d4144414d4c44ull
#define MAD_ABI_VERSION 1u

/* Binds and checks the dimensions of a call, and sizes its memory.
 *   extents  extents of all inputs, one after the other
 *   dims     out: value of each dimension parameter, in the order of the entry
 *   results  out: extents of all outputs, one after the other
 *   arena    out: bytes of scratch memory that `run` needs, 64-byte aligned
 *   info     out, on failure: the value found and the value expected
 * Returns 0, or 1 + the number of the failed check in `checks`. */
typedef int32_t (*mad_prepare_fn)(const int64_t *extents, int64_t *dims, int64_t *results,
                                  int64_t *arena, int64_t *info);

/* Runs the entry.
 *   data   inputs, then outputs, then weights (base pointers, in the order of
 *          `weights` of the entry); row-major
 *   dims   as `prepare` wrote them
 *   arena  at least the bytes that `prepare` asked for, 64-byte aligned
 *   info   out, on failure: the value found and the bound
 * Returns 0, or 1 + the number of the failed check in `checks`. */
typedef int32_t (*mad_run_fn)(void *const *data, const int64_t *dims, void *arena, int64_t *info);

/* A check that may fail at a call. `message` is complete but for the values,
 * which the runtime appends as ": found A, expected B" ("expected at least B",
 * "expected 0 <= index < B"). */
typedef struct mad_check {
  int32_t kind; /* 0 equal, 1 at least, 2 index */
  const char *message;
  const char *place; /* "digits.mad:14:11" */
} mad_check;

typedef struct mad_entry {
  mad_entry_info info;
  mad_prepare_fn prepare;
  const mad_run_fn *run; /* one a variant, in the order of `variants` */
  int32_t num_weights;
  const int32_t *weights; /* numbers in `weights` of the artifact */
  int32_t num_checks;
  const mad_check *checks;
} mad_entry;

typedef struct mad_weight {
  const char *name;
  mad_dtype dtype;
  int32_t rank;
  const int64_t *shape;
  const void *data; /* 64-byte aligned */
  uint64_t bytes;
} mad_weight;

/* A code variant. The runtime takes the last one whose level the CPU reaches. */
typedef struct mad_variant {
  const char *name; /* "x86-64", "x86-64-v3" */
  int32_t level;    /* 0 baseline, 3 x86-64-v3, 4 x86-64-v4 */
} mad_variant;

typedef struct mad_artifact {
  uint64_t magic;
  uint32_t abi_version;
  uint32_t size; /* sizeof(mad_artifact) */
  const char *name;
  const char *compiler; /* version text */
  const char *manifest; /* JSON */
  int32_t num_variants;
  const mad_variant *variants;
  int32_t num_entries;
  const mad_entry *entries;
  int32_t num_weights;
  const mad_weight *weights;
} mad_artifact;

/* What a libX.so says of itself before any of its code runs: the content of its
 * section `.mad.header`, read from the file. `file_bytes` and `checksum` are
 * filled in after linking. */
#define MAD_HEADER_SECTION ".mad.header"
#define MAD_MANIFEST_SECTION ".mad.manifest"
#define MAD_WEIGHTS_SECTION ".mad.weights"

typedef struct mad_file_header {
  uint64_t magic; /* MAD_ARTIFACT_MAGIC */
  uint32_t abi_version;
  uint32_t size;     /* sizeof(mad_file_header) */
  int32_t level;     /* lowest level of the variants */
  uint32_t reserved; /* 0 */
  uint64_t file_bytes;
  uint64_t checksum; /* runtime/core/checksum.h over the file, this field being 0 */
  char compiler[64]; /* version text, ends with a 0 byte */
} mad_file_header;

#ifdef __cplusplus
}
#endif
#endif /* MAD_ARTIFACT_H */
