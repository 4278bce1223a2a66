/*===- simt.h - GPU kernels on the CPU, with checks ---------------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * A kernel that went through `mad-nvvm-to-simt` runs here block by block, or cluster by cluster;
 * every thread of a block is a fiber. Nothing is printed and nothing ends the process: what is
 * wrong with a kernel comes as findings, what is wrong with a call as a status. There is no global
 * state: launches on different devices may run at the same time. docs/simt.md says what is checked
 * and what is not.
 *
 *===------------------------------------------------------------------------===*/
#ifndef MAD_RUNTIME_SIMT_SIMT_H
#define MAD_RUNTIME_SIMT_SIMT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The state of one emulated thread; made by a launch, read by generated code. */
typedef struct simt_thread simt_thread;
typedef void (*simt_entry)(simt_thread *thread, void **params);

/*===- Memory of the device ----------------------------------------------------*/

/* Knows the buffers that kernels may touch. */
typedef struct simt_device simt_device;

/* Null when there is no memory. */
simt_device *simt_device_create(void);
void simt_device_destroy(simt_device *device);

/* A buffer, aligned to 256 bytes, of which nothing is initialised. Null when there is no
 * memory. The host reads it directly, but writes with simt_upload: else kernels that
 * read what the host wrote are told of. */
void *simt_alloc(simt_device *device, size_t bytes);
void simt_free(simt_device *device, void *buffer);
/* Copies into a buffer; without `from` zeros. 0 when the bytes are not within one buffer. */
int simt_upload(simt_device *device, void *to, const void *from, size_t bytes);
/* Copies out of a buffer. 0 when the bytes are not within one. */
int simt_download(simt_device *device, void *to, const void *from, size_t bytes);
/* From now on the host reaches buffers by copies alone, as those of a GPU: its own accesses are
 * faults of the processor. 0 when the system refuses. */
int simt_hide(simt_device *device);
/* How many of these bytes have been written, by the host or by kernels. */
size_t simt_initialised(const simt_device *device, const void *at, size_t bytes);

/* Makes constant memory of the host known: read-only tables. 0: no memory. */
int simt_constant(simt_device *device, const void *at, size_t bytes);

/*===- Tensor maps ---------------------------------------------------------------*/

typedef enum simt_swizzle {
  SIMT_SWIZZLE_NONE = 0,
  SIMT_SWIZZLE_32B = 1,
  SIMT_SWIZZLE_64B = 2,
  SIMT_SWIZZLE_128B = 3
} simt_swizzle;

/* Stands for cuTensorMapEncodeTiled, whose rules it checks: rank 1 to 5, dimension 0 is the
 * innermost, `strides[i]` are the bytes from one to the next along dimension i + 1. `map` are 128
 * bytes, aligned to 64, and are passed to the kernel as the value of the parameter. Null, or
 * what is wrong. */
const char *simt_tensor_map(void *map, uint32_t element_bytes, uint32_t rank, void *base,
                            const uint64_t *dims, const uint64_t *strides, const uint32_t *box,
                            simt_swizzle swizzle);

/*===- Findings ------------------------------------------------------------------*/

typedef enum simt_kind {
#define SIMT_FINDING(name, word, text) SIMT_##name,
#include "runtime/simt/Findings.def"
#undef SIMT_FINDING
  SIMT_KINDS
} simt_kind;

/* `race-write-write`, and so on; what it means. */
const char *simt_kind_name(simt_kind kind);
const char *simt_kind_text(simt_kind kind);

/* One side of a finding. */
typedef struct simt_party {
  int32_t thread; /* linear within its block; -1: nobody in particular */
  uint32_t block[3];
  const char *place; /* `file:line:col`; "" when unknown */
} simt_party;

/* Texts live as long as the code of the kernel, `detail` as long as the call. */
typedef struct simt_finding {
  simt_kind kind;
  const char *kernel;
  simt_party at;
  simt_party other;
  uint64_t address;   /* in shared memory: from its start; else the address itself; else 0 */
  const char *detail; /* more, for people; "" if there is no more */
} simt_finding;

/*===- Launches ------------------------------------------------------------------*/

/* When the data of an asynchronous copy arrives. Findings do not depend on it. */
typedef enum simt_arrival {
  SIMT_ARRIVAL_RANDOM = 0,
  SIMT_ARRIVAL_LATE = 1, /* as late as it may */
  SIMT_ARRIVAL_EARLY = 2
} simt_arrival;

/* Which races are looked for in buffers. Threads of a block that have nothing to do often load
 * anything, or store what another one stores, too: these are races by the letter. */
typedef enum simt_races {
  SIMT_RACES_NONE = 0,
  SIMT_RACES_OF_BLOCKS = 1, /* between blocks, and within one where kernels say SIMT_EXCHANGES */
  SIMT_RACES_ALL = 2
} simt_races;

enum {
  SIMT_NEEDS_CLOCKS = 1, /* orders threads otherwise than by barriers of the block and warp */
  SIMT_BYTE_CELLS = 2,   /* has accesses of an odd number of bytes */
  SIMT_HALF_WORDS = 4,   /* has accesses to buffers of no multiple of four bytes */
  SIMT_HAS_FENCES = 8,   /* has fences for other blocks */
  SIMT_EXCHANGES = 16,   /* threads of a block exchange values by buffers */
  SIMT_ONLY_NEW = 32,    /* there is code for chips 9.0 alone */
  SIMT_ONLY_OLD = 64     /* there is code for all chips but these */
};

/* What the pass says of a kernel: the constant `<name>.simt`. */
typedef struct simt_kernel {
  simt_entry entry;
  const char *name;
  uint32_t static_shared; /* bytes of shared memory, without the dynamic part */
  uint32_t flags;
  uint32_t max_threads; /* of a block; 0: not known */
  uint32_t cluster[3];  /* blocks of a cluster, which divide those of the grid; 0: no clusters */
} simt_kernel;

typedef struct simt_launch {
  uint32_t grid[3], block[3];
  uint32_t dynamic_shared;
  uint64_t seed; /* of the order of threads and blocks */
  simt_arrival arrival;
  simt_races global_races;
  int max_findings; /* distinct ones that are reported; 0: 64 */
  void (*found)(void *user, const simt_finding *finding);
  void *user;
} simt_launch;

typedef enum simt_status {
  SIMT_OK = 0,     /* the kernel ran; see `findings` */
  SIMT_BAD_LAUNCH, /* a launch that no device would take */
  SIMT_NO_MEMORY,
} simt_status;

typedef struct simt_result {
  simt_status status;
  char message[160]; /* of the status; "" after SIMT_OK */
  uint64_t findings; /* all of them, with repetitions */
  uint64_t switches, shared_accesses, global_accesses, products;
} simt_result;

/* Runs a kernel; `params` as for cuLaunchKernel. Returns the status. */
simt_status simt_run(simt_device *device, const simt_kernel *kernel, void **params,
                     const simt_launch *launch, simt_result *result);

/* What generated code calls: name and address of function `number`; null at the end. */
const char *simt_symbol(size_t number, void **address);

#ifdef __cplusplus
}
#endif

#endif /* MAD_RUNTIME_SIMT_SIMT_H */
