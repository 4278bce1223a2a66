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
#define MAD_ABI_VERSION 13u
/* int64_t that a failed check is told by, and bytes of the status of a device. */
#define MAD_INFO_WORDS 12
#define MAD_STATUS_BYTES 128
#define MAD_TARGET "x86_64-unknown-linux-gnu"

/* Features of a CPU. A bit never changes its meaning. */
#define MAD_CPU_SSE3 (1ull << 0)
#define MAD_CPU_SSSE3 (1ull << 1)
#define MAD_CPU_SSE4_1 (1ull << 2)
#define MAD_CPU_SSE4_2 (1ull << 3)
#define MAD_CPU_POPCNT (1ull << 4)
#define MAD_CPU_CX16 (1ull << 5)
#define MAD_CPU_SAHF (1ull << 6)
#define MAD_CPU_AVX (1ull << 7)
#define MAD_CPU_AVX2 (1ull << 8)
#define MAD_CPU_BMI (1ull << 9)
#define MAD_CPU_BMI2 (1ull << 10)
#define MAD_CPU_F16C (1ull << 11)
#define MAD_CPU_FMA (1ull << 12)
#define MAD_CPU_LZCNT (1ull << 13)
#define MAD_CPU_MOVBE (1ull << 14)
#define MAD_CPU_AVX512F (1ull << 15)
#define MAD_CPU_AVX512BW (1ull << 16)
#define MAD_CPU_AVX512CD (1ull << 17)
#define MAD_CPU_AVX512DQ (1ull << 18)
#define MAD_CPU_AVX512VL (1ull << 19)
/* What code of a level may use. */
#define MAD_CPU_LEVEL_3 (MAD_CPU_AVX512F - 1)
#define MAD_CPU_LEVEL_4 ((MAD_CPU_AVX512VL << 1) - 1)

/* Binds and checks the dimensions of a call, and sizes its memory.
 *   extents  extents of all inputs, one after the other
 *   dims     out: value of each dimension parameter, in the order of the entry
 *   results  out: extents of all outputs, one after the other
 *   arena    out: bytes of scratch memory that `run` needs, 64-byte aligned
 *   info     out, on failure: the value found and the value expected
 * Returns 0, or 1 + the number of the failed check in `checks`. */
typedef int32_t (*mad_prepare_fn)(const int64_t *extents, int64_t *dims, int64_t *results,
                                  int64_t *arena, int64_t *info);

/* Boxes of a tensor of 16-bit floats, as the copy engine of a GPU brings them to shared memory:
 * rows of 128 bytes, swizzled by 128 bytes, with zeros for what is outside of the tensor. Dimension
 * 0 has neighbours. All members are words of 64 bits. */
typedef struct mad_boxes {
  int64_t dtype;      /* MAD_F16 or MAD_BF16 */
  int64_t rank;       /* 2 to 5 */
  const void *memory; /* of the device; a multiple of 16 */
  int64_t sizes[5];   /* of the tensor */
  int64_t
      strides[5]; /* bytes from one to the next, multiples of 16; that of dimension 0 is not used */
  int64_t box[5]; /* elements of a box, at most 256 along a dimension */
} mad_boxes;

/* What code for a device is given instead of an executor: where its memory is, and how
 * its kernels are run. Memory is the device's, unless said otherwise; work is done in the
 * order of the calls. What fails is kept, and told by `failure`. A function that may be null
 * says so. */
typedef struct mad_device {
  void *self; /* the first argument of all functions */
  /* Runs a kernel of the artifact: `shape` are the sizes of the grid, then of a block; nothing
   * is run when one of the grid is 0. `shared` are bytes of dynamic shared memory; `params`
   * points to each parameter (host). */
  int32_t (*launch)(void *self, const void *kernel, const int64_t *shape, int32_t shared,
                    void **params);
  /* Copies to memory of the host, after all work before. */
  int32_t (*read)(void *self, void *to, const void *from, int64_t bytes);
  void *status; /* MAD_STATUS_BYTES that a run may use; zeros before each run that checks */
  /* Its compute capability, 10 * major + minor: kernels of one chip are launched there alone. */
  int32_t chip;
  int32_t multiprocessors; /* at least 1 */
  /* Describes boxes to the copy engine: `map` are 128 bytes of the host, at a multiple of 64, that
   * kernels are given by value. Where a size is 0 nothing is written, and no kernel may be run with
   * it. For chips from 9.0 on. */
  int32_t (*tensor_map)(void *self, void *map, const mad_boxes *boxes);
  /* The rest is not for compiled code. */
  void *(*allocate)(void *self, int64_t bytes); /* aligned to 256; null: no memory */
  void (*release)(void *self, void *memory);
  /* Copies from memory of the host, which may change when this has returned; `from` null:
   * zeros. */
  int32_t (*write)(void *self, void *to, const void *from, int64_t bytes);
  /* What has gone wrong since it was last asked, and of what kind; null: nothing. Lives until
   * the next call. */
  const char *(*failure)(void *self, mad_status *status);
  /* Like `read`, but the bytes are there after `finish` only. Null: `read` does. */
  int32_t (*fetch)(void *self, void *to, const void *from, int64_t bytes);
  int32_t (*finish)(void *self);
  /* Before the functions above are used, and when they have been. May be null. */
  int32_t (*enter)(void *self);
  void (*leave)(void *self);
  /* 1 where a tensor of the caller lies on this device and is used there, 0 where it is memory
   * of the host, -1 where it can be neither. Null: all is memory of the host. */
  int32_t (*holds)(void *self, const void *data);
  /* A weight, by its number in the artifact. Null: each context has copies. */
  void *(*weight)(void *self, int32_t number);
  /* 1: memory of a call is kept for the next ones of its context. */
  int32_t reuses;
  /* Before `run` of an entry. `key` are all words that decide what it launches. 1: the same was
   * launched before and is under way again, so `run` is not needed. Null: never. */
  int32_t (*repeat)(void *self, const uint64_t *key, int32_t words);
  /* Behind `run`, which answered `code`. 1: it is to be run once more. */
  int32_t (*ran)(void *self, int32_t code);
} mad_device;

/* Runs the entry.
 *   data   inputs, then outputs, then weights (base pointers, in the order of `weights` of the
 *          entry, or for code of a device of `device_weights`); row-major
 *   dims   as `prepare` wrote them
 *   arena  at least the bytes that `prepare` asked for, 64-byte aligned
 *   info   out, on failure: MAD_INFO_WORDS, what the check is told by
 *   executor  runs the pieces of large loops; never null. Code for a device is given a
 *             `mad_device` instead, and all memory but dims and info is the device's
 * Returns 0, or 1 + the number of the failed check in `checks`. Code for a device always
 * returns 0; a check that fails is in the status of the device: as int64_t 1 + its number among
 * those behind the checks of `prepare`, then what `info` is told. */
typedef int32_t (*mad_run_fn)(void *const *data, const int64_t *dims, void *arena, int64_t *info,
                              const mad_executor *executor);

/* A check that may fail at a call. `message` is complete but for the values, words of `info`,
 * which the runtime appends: the value found and its bound as ": found A, expected B" ("expected at
 * least B", "expected 0 <= index < B"), if there are any. Of a solve ": at t = T, step S, component
 * `x[I, J]`, last error E times the tolerance": T as a double, S, E as a double or less than 0
 * where there is none, which of the further lines of `message` is the name x or -1 for none, how
 * many indices there are, and they. Of an ensemble S is the number of the trajectory. */
typedef struct mad_check {
  int32_t kind; /* 0 equal, 1 at least, 2 index, 3 without values, 4 of a solve, 5 of an ensemble */
  const char *message;
  const char *place; /* "digits.mad:14:11" */
} mad_check;

typedef struct mad_entry {
  mad_entry_info info;
  /* One a variant, in the order of `variants`. */
  const mad_prepare_fn *prepare;
  const mad_run_fn *run;
  int32_t num_weights;
  const int32_t *weights; /* numbers in `weights` of the artifact, for code of CPUs */
  int32_t num_checks;
  const mad_check *checks;
  int32_t num_prepare_checks; /* the first ones, which `prepare` makes */
  int32_t num_device_weights;
  const int32_t *device_weights; /* for code of a device, which may read other forms of them */
} mad_entry;

typedef struct mad_weight {
  const char *name;
  const char *source; /* its name in the file that the model names; null: none */
  mad_dtype dtype;
  int32_t rank;
  const int64_t *shape;
  int32_t transposed; /* `source` holds it with its two dimensions swapped */
  /* 0: row-major. Else the dimension `axis`, of size N, is stored in groups of `panel`, with
   * zeros behind the last one: [.., N, K..] as [.., ceil(N / panel), K.., panel], and where
   * `axis` is the last one, [.., K, N] as [.., ceil(N / panel), K, panel]. */
  int32_t panel;
  int32_t axis;
  /* Not 0: of bytes in panels of 64 columns each block of 4 * `weave` rows is woven
   * (runtime/core/panels.h). */
  int32_t weave;
  /* What other files must keep: `w.codes` of a `w` stored as words of a dictionary: elements of a
   * column; `w.zeros`: the largest zero point that code is right for; else 0. */
  int32_t bound;
  /* 1: the compiler made it when the model was built, of other weights or of another form of this
   * one. No file that a program of its own wrote has it. */
  int32_t computed;
  /* 1: code for CPUs without F16C is given it in f32, in the same order. It is f16 or bf16. */
  int32_t widened;
  const void *data; /* 64-byte aligned; null: in the file `weights_file` */
  uint64_t bytes;
  uint64_t checksum; /* runtime/core/checksum.h; 0: not known */
} mad_weight;

/* Which launches of a kernel begin before the kernel in front of them has ended, and wait for that:
 * all; those of at most half as many blocks as the GPU has multiprocessors. 0: none. */
#define MAD_KERNEL_EARLY 1
#define MAD_KERNEL_EARLY_IF_FEW 2

/* A kernel of code for CUDA; `launch` is given a pointer to one. */
typedef struct mad_kernel {
  const char *name;
  const char *place; /* of what it computes, "digits.mad:14:11"; "": not known */
  int32_t chip;      /* 0: of all chips; else code launches it on a device of that `chip` alone, or,
                      * below 0, of all but that */
  int32_t early;     /* MAD_KERNEL_EARLY... */
} mad_kernel;

/* Kernels as PTX or as machine code of one chip. Those of machine code, or PTX that is `exact`, for
 * a chip from 9.0 on may begin before the kernel in front has ended: they wait themselves. */
#define MAD_IMAGE_PTX 1
#define MAD_IMAGE_CUBIN 2
typedef struct mad_image {
  int32_t kind;
  int32_t chip;           /* its compute capability: 10 * major + minor */
  int32_t exact;          /* 0: PTX that runs on later chips, too */
  int32_t num_kernels;    /* that it has */
  const int32_t *kernels; /* numbers in `kernels` of the variant, ascending */
  const void *data;       /* of PTX, a text that ends with a 0 byte */
  uint64_t bytes;         /* with that byte */
} mad_image;

#define MAD_DEVICE_NONE 0     /* a CPU */
#define MAD_DEVICE_EMULATOR 1 /* what mad_context_set_device names */
#define MAD_DEVICE_CUDA 2

/* A code variant. The runtime takes the last one for CPUs whose features are all there, or,
 * where there is a GPU, the last one for CUDA whose kernels it can run. */
typedef struct mad_variant {
  const char *name; /* "x86-64", "x86-64-v3", "cuda" */
  int32_t level;    /* 0 baseline, 3 x86-64-v3, 4 x86-64-v4 */
  int32_t device;   /* MAD_DEVICE_: `run` launches kernels of a `mad_device` */
  uint64_t features;
  int32_t num_kernels; /* for CUDA */
  int32_t num_images;
  const mad_kernel *kernels;
  const mad_image *images; /* any order; each kernel is in one that a chip can run */
} mad_variant;

/* Calls with this context run on the device, which must outlive it: for code of
 * MAD_DEVICE_EMULATOR. Null: none, the default. */
MAD_API mad_status mad_context_set_device(mad_context *context, const mad_device *device);

typedef struct mad_artifact {
  uint64_t magic;
  uint32_t abi_version;
  uint32_t size; /* sizeof(mad_artifact) */
  const char *name;
  const char *compiler;     /* version text */
  const char *manifest;     /* JSON */
  const char *weights_file; /* "X.weights", beside the library; null: none */
  int32_t num_variants;
  const mad_variant *variants;
  int32_t num_entries;
  const mad_entry *entries;
  int32_t num_weights;
  const mad_weight *weights;
} mad_artifact;

/* What a libX.so says of itself before any of its code runs: the content of its
 * section `.mad.header`, read from the file. Sizes and checksums are filled in after
 * linking. The first four fields stay where they are in every version. */
#define MAD_HEADER_SECTION ".mad.header"
#define MAD_MANIFEST_SECTION ".mad.manifest"
#define MAD_WEIGHTS_SECTION ".mad.weights"
#define MAD_FORMAT_VERSION 2u

typedef struct mad_file_header {
  uint64_t magic; /* MAD_ARTIFACT_MAGIC */
  uint32_t abi_version;
  uint32_t size;           /* sizeof(mad_file_header) */
  char compiler[64];       /* version text, ends with a 0 byte */
  uint32_t format_version; /* of this header and the sections: MAD_FORMAT_VERSION */
  int32_t level;           /* of the least demanding variant */
  uint64_t features;       /* of the same */
  char target[48];         /* MAD_TARGET, ends with a 0 byte */
  uint64_t file_bytes;
  uint64_t weights_offset; /* where the section of weights lies in the file */
  uint64_t weights_bytes;  /* 0: there is none */
  /* Over the file without the section of weights, this field being 0. Each weight has
   * a checksum of its own in the artifact. */
  uint64_t checksum;
} mad_file_header;

/* A file of weights, `X.weights`: this header, a record a weight, their shapes and
 * names, each with a note behind it; then the bytes of each weight at a multiple of 64. Numbers are
 * little-endian. */
#define MAD_WEIGHTS_MAGIC 0x315448475744414dull /* "MADWGHT1" */
#define MAD_WEIGHTS_VERSION                                                                        \
  3u /* 2: no notes; 1: nor `panels` and `weave` in records, but zeros                             \
      */

typedef struct mad_weights_header {
  uint64_t magic;
  uint32_t version; /* MAD_WEIGHTS_VERSION */
  uint32_t size;    /* sizeof(mad_weights_header) */
  char compiler[64];
  uint64_t file_bytes;
  uint64_t head_bytes; /* header, records, shapes, names and notes */
  uint64_t num_weights;
  uint64_t checksum; /* over the first `head_bytes`, this field being 0 */
} mad_weights_header;

typedef struct mad_weights_record {
  /* Offset in the file; ends with a 0 byte. Then the note, which ends so, too: a JSON object for
   * people, of the keys that `weights` of a manifest have, or nothing. */
  uint64_t name;
  uint64_t shape; /* offset of `rank` int64_t, 8-byte aligned */
  uint16_t dtype;
  /* Not 0: it lies in panels of the dimension `panels` - 1 of the weight, whose extents these
   * are; with `weave` they are woven (`mad_weight`). */
  uint8_t panels;
  uint8_t weave;
  uint32_t rank;
  uint64_t data; /* offset, a multiple of 64 */
  uint64_t bytes;
  uint64_t checksum;
} mad_weights_record;

#ifdef __cplusplus
}
#endif
#endif /* MAD_ARTIFACT_H */
