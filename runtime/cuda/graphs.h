/*===- graphs.h - Calls that are repeated, as one launch --------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * What kernels a call launches, and with what, follows from its key: the entry, its
 * dimensions and where its operands lie. The first call of a key runs as it is. If its code read
 * nothing of what the GPU computed, the second is captured as a CUDA graph, which all
 * later ones launch. Graphs belong to one context and its stream.
 *
 *===------------------------------------------------------------------------===*/
#ifndef MAD_RUNTIME_CUDA_GRAPHS_H
#define MAD_RUNTIME_CUDA_GRAPHS_H

#include "runtime/cuda/driver.h"

typedef struct mad_cuda_graphs mad_cuda_graphs;

/* Null: no memory, and no graphs. */
mad_cuda_graphs *mad_cuda_graphs_create(void);
/* When nothing that they do is under way. */
void mad_cuda_graphs_destroy(mad_cuda_graphs *graphs, const mad_cu_driver *driver);

enum {
  MAD_GRAPH_RUN,     /* the code is to be run; `end` follows */
  MAD_GRAPH_LAUNCHED /* it is under way */
};
/* Before the code of a call runs. A graph that does not start is an error of the driver: `result`.
 */
int32_t mad_cuda_graphs_begin(mad_cuda_graphs *graphs, const mad_cu_driver *driver,
                              mad_cu_stream stream, const uint64_t *key, int32_t words,
                              mad_cu_result *result);
/* The code reads what was computed: it is no graph. */
void mad_cuda_graphs_read(mad_cuda_graphs *graphs);
/* Behind the code; `good`: nothing failed. 1: what was captured cannot be launched, and the code is
 * to be run once more. */
int32_t mad_cuda_graphs_end(mad_cuda_graphs *graphs, const mad_cu_driver *driver,
                            mad_cu_stream stream, int good);

#endif /* MAD_RUNTIME_CUDA_GRAPHS_H */
