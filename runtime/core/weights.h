/*===- weights.h - Where the weights of a module lie ----------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===*/
#ifndef MAD_RUNTIME_CORE_WEIGHTS_H
#define MAD_RUNTIME_CORE_WEIGHTS_H

#include "runtime/artifact.h"
#include "runtime/core/file.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What holds the bytes of weights that are not in the artifact. */
typedef struct mad_weight_memory {
  void *map;
  size_t mapped;
  void *copies; /* of those that a file has in another place or order */
  uint64_t copied;
  void *wide; /* of those that are widened */
  uint64_t widened;
} mad_weight_memory;

/* Fills `data`, one pointer a weight of the artifact. On failure `memory` holds nothing. */
mad_status mad_weights_find(const mad_artifact *artifact, const mad_load_options *options,
                            const void **data, mad_weight_memory *memory, mad_error *error);
/* Puts what is `widened` into `wide`, in f32. */
mad_status mad_weights_widen(const mad_artifact *artifact, const void *const *data,
                             const void **wide, mad_weight_memory *memory, mad_error *error);
void mad_weights_release(mad_weight_memory *memory);

/* A tensor of a file of weights. */
typedef struct mad_stored {
  const char *name;
  const int64_t *shape;
  uint32_t rank;
  mad_dtype dtype; /* unknown ones have size 0 */
  uint64_t data;   /* offset in the file */
  uint64_t bytes;
  uint64_t checksum; /* 0: not known */
  /* `mad_weights_record`; 0: row-major, or it is not said. */
  uint32_t panels, weave;
  const char *note; /* `mad_weights_record`; null: none */
} mad_stored;

/* The tensors of a file; all numbers and names have been checked against the file. */
typedef struct mad_stored_list {
  mad_stored *tensors;
  size_t count;
  void *head;  /* what names and shapes point to */
  int foreign; /* a file of another program: names and orders may be those of the source */
} mad_stored_list;

mad_status mad_weights_read(const mad_file *file, mad_stored_list *list);
mad_status mad_safetensors_read(const mad_file *file, mad_stored_list *list);
void mad_stored_free(mad_stored_list *list);

/* Bytes of a tensor with these extents; UINT64_MAX where they do not fit. */
uint64_t mad_stored_bytes(const int64_t *shape, uint32_t rank, mad_dtype dtype);

#ifdef __cplusplus
}
#endif
#endif /* MAD_RUNTIME_CORE_WEIGHTS_H */
