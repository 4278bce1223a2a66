/*===- core.h - Inside the runtime ----------------------------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===*/
#ifndef MAD_RUNTIME_CORE_CORE_H
#define MAD_RUNTIME_CORE_CORE_H

#include "runtime/artifact.h"
#include "runtime/core/cpu.h"
#include "runtime/core/weights.h"
#include <pthread.h>
#include <stdatomic.h>

struct mad_module {
  const mad_artifact *artifact;
  void *handle;         /* of dlopen, or null */
  const void **weights; /* one pointer a weight of the artifact */
  const void **read;    /* the same, as code for CPUs is given them */
  mad_weight_memory memory;
  int32_t variant;    /* chosen for this machine's CPU; -1: there is code for GPUs alone */
  atomic_int holders; /* the creator and the contexts: they may go in any order */
  pthread_mutex_t lock;
  struct mad_cuda_code *cuda; /* what GPUs hold of it (runtime/cuda/cuda.h) */
};

/* Where an operand of a call on a device is. */
typedef struct mad_on_device {
  void *memory; /* to be given back after the call, or null */
  int inPlace;  /* it is the caller's own */
} mad_on_device;

/* What the last call of an entry was prepared for, and what that gave. Calls of the same extents
 * need not be prepared again: models with dimension parameters are mostly called with the same. */
typedef struct mad_prepared {
  int known;
  int64_t arena;    /* bytes of scratch memory */
  int64_t *extents; /* of all inputs */
  int64_t *dims;
  int64_t *results; /* extents of all outputs */
} mad_prepared;

struct mad_context {
  mad_module *module;
  int32_t variant;
  mad_error error;
  void *arena;
  size_t arena_bytes;
  mad_executor executor;
  int32_t threads;          /* of the pool below, as it was asked for */
  mad_pool *pool;           /* of this context; made when it is first needed */
  const mad_device *device; /* or null */
  void **device_weights;    /* copies of weights, null where there is none yet */
  void *device_memory;      /* what calls share on a device that reuses it */
  uint64_t device_bytes;
  struct mad_cuda *cuda;             /* the device, where it is a GPU */
  int async;                         /* calls do not wait for their work */
  const struct mad_entry *pending;   /* the last one whose work was not waited for, or null */
  int64_t found[1 + MAD_INFO_WORDS]; /* what its checks said */
  char device_name[16];
  mad_prepared *prepared; /* of each entry */
  int64_t *dims;          /* of the entry that was prepared last */
  int64_t *results;
  /* Room for the largest entry. */
  void **data;
  mad_on_device *places; /* of inputs, outputs and the arena */
  uint64_t *key;         /* room for what decides what a device launches */
};

/* Checks what was read before it is believed, and picks the variant. */
mad_status mad_artifact_check(const mad_artifact *artifact, int32_t *variant, mad_error *error);

/* What loading must know of a verified file. */
typedef struct mad_file_facts {
  mad_file_header header;
  uint64_t header_address; /* relative to where the file is loaded */
} mad_file_facts;
/* Reads the file as bytes, all but the weights; runs nothing. */
mad_status mad_file_verify(const char *path, mad_file_facts *facts, mad_error *error);

/* The options that a caller gave (null: none), in the form of this version. */
mad_status mad_read_options(const mad_load_options *given, mad_load_options *options,
                            mad_error *error);

void mad_module_hold(mad_module *module);

/* Whether a number of threads can be asked for. */
mad_status mad_check_threads(mad_error *error, int32_t threads);

/* At least `bytes` of scratch memory, aligned to 64. Keeps what is there when
 * it is large enough. */
mad_status mad_arena_reserve(mad_context *context, const mad_entry *entry, int64_t bytes);
void mad_arena_release(mad_context *context);

/* Runs an entry whose operands were accepted on the device of the context. `code` is what
 * the code returned. */
mad_status mad_device_run(mad_context *context, const mad_entry *entry, const mad_tensor *inputs,
                          const mad_tensor *outputs, int64_t arena, int32_t *code, int64_t *info);
/* Waits for the work of the pending entry; `code` as above. */
mad_status mad_device_wait(mad_context *context, int32_t *code, int64_t *info);
/* Gives back what the context has on its device. */
void mad_device_forget(mad_context *context);

/* What `device` of mad_context_options, or MAD_DEVICE, asks for. */
typedef struct mad_choice {
  int cpu, cuda; /* whether it may be one */
  int32_t number;
} mad_choice;
mad_status mad_choose_device(const char *text, mad_choice *choice, mad_error *error);

/* The elements of a weight row by row: null in `rows` where they lie so, else a copy that the
 * caller frees. */
mad_status mad_weight_rows(const mad_module *module, int32_t number, void **rows, uint64_t *bytes,
                           mad_error *error);

/* Bytes of a tensor that was accepted. */
uint64_t mad_tensor_bytes(const mad_tensor *tensor);
mad_status mad_check_inputs(mad_context *context, const mad_entry *entry, const mad_tensor *inputs,
                            int32_t count, int with_data);
/* Extents must equal `expected`, those of all outputs one after the other. */
mad_status mad_check_outputs(mad_context *context, const mad_entry *entry, const mad_tensor *inputs,
                             const mad_tensor *outputs, int32_t count, const int64_t *expected);
mad_status mad_check_overlap(mad_context *context, const mad_entry *entry, const mad_tensor *inputs,
                             const mad_tensor *outputs);
/* Where an output lies: a state may be passed once, as input. */
static inline void *mad_output_data(const mad_entry *entry, const mad_tensor *inputs,
                                    const mad_tensor *outputs, int32_t number) {
  const int32_t state = entry->info.outputs[number].state;
  return state > 0 ? inputs[state - 1].data : outputs[number].data;
}

#endif /* MAD_RUNTIME_CORE_CORE_H */
