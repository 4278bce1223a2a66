/*===- cuda.h - Calls on a GPU, through the CUDA driver ---------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * A context has a stream and scratch memory of its own (`mad_cuda`). Code and weights are
 * loaded once for all contexts of a module that work in one CUDA context (`mad_cuda_code`).
 *
 *===------------------------------------------------------------------------===*/
#ifndef MAD_RUNTIME_CUDA_CUDA_H
#define MAD_RUNTIME_CUDA_CUDA_H

#include "runtime/artifact.h"
#include "runtime/core/core.h"
#include "runtime/cuda/driver.h"
#include <stdatomic.h>

/* Where to work: `context` and `stream` as in mad_context_options. */
typedef struct mad_cuda_place {
  int32_t number; /* of the GPU; -1 where the context says it */
  mad_cu_context context;
  mad_cu_stream stream;
} mad_cuda_place;

/* Kernels and weights of a module on a GPU. */
typedef struct mad_cuda_code {
  struct mad_cuda_code *next; /* in the list of the module, whose lock guards it */
  int32_t holders;            /* contexts, likewise */
  const mad_module *module;
  int32_t variant;
  mad_cu_driver driver;
  mad_cu_device device;
  int32_t number; /* of the device */
  int32_t chip;   /* 10 * major + minor */
  int32_t multiprocessors;
  mad_cu_context context;
  int retained;             /* the context is the primary one, and we hold it */
  mad_cu_module *images;    /* one an image of the variant; null: not loaded */
  mad_cu_function *kernels; /* one a kernel of the variant; null: for another chip */
  char *overlaps;           /* of each: MAD_KERNEL_EARLY... where chip, driver and image can */
  /* The lock guards changes of these. */
  _Atomic(mad_cu_address) *weights; /* 0: not there yet */
  atomic_int *shared;               /* bytes of shared memory that each kernel may ask for */
} mad_cuda_code;

/* Finds or loads the code of a variant and counts the caller among its holders. */
mad_status mad_cuda_code_take(mad_module *module, int32_t variant, const mad_cuda_place *place,
                              mad_cuda_code **code, mad_error *error);
void mad_cuda_code_drop(mad_module *module, mad_cuda_code *code);
/* The address of a weight, copied when it is first asked for. */
mad_status mad_cuda_weight(mad_module *module, mad_cuda_code *code, int32_t number,
                           mad_cu_stream stream, mad_cu_address *address, mad_error *error);

/* Makes the device of a context. MAD_UNSUPPORTED: this machine cannot run the code. */
typedef struct mad_cuda mad_cuda;
mad_status mad_cuda_create(mad_module *module, const mad_cuda_place *place, mad_cuda **cuda,
                           mad_error *error);
void mad_cuda_destroy(mad_cuda *cuda);
const mad_device *mad_cuda_device(const mad_cuda *cuda);
mad_cu_stream mad_cuda_stream(const mad_cuda *cuda);
/* Has its stream wait for what another one holds now. */
mad_status mad_cuda_wait_for(mad_cuda *cuda, mad_cu_stream other, mad_error *error);
int32_t mad_cuda_number(const mad_cuda *cuda);
int32_t mad_cuda_variant(const mad_cuda *cuda);

#endif /* MAD_RUNTIME_CUDA_CUDA_H */
