/*===- graphs.c - Calls that are repeated, as one launch --------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===*/
#include "runtime/cuda/graphs.h"
#include <stdlib.h>
#include <string.h>

enum { mostGraphs = 32 };
enum state { FREE, RUNNING, SEEN, CAPTURING, READY, UNFIT };

typedef struct slot {
  enum state state;
  uint64_t *key;
  int32_t words;
  uint64_t used; /* when */
  mad_cu_graph_exec graph;
} slot;

struct mad_cuda_graphs {
  slot slots[mostGraphs];
  slot *now; /* of the call under way, or null */
  uint64_t time;
};

mad_cuda_graphs *mad_cuda_graphs_create(void) { return calloc(1, sizeof(mad_cuda_graphs)); }

static void clear(slot *s, const mad_cu_driver *driver) {
  if (s->graph)
    driver->graph_exec_destroy(s->graph);
  free(s->key);
  memset(s, 0, sizeof *s);
}

void mad_cuda_graphs_destroy(mad_cuda_graphs *graphs, const mad_cu_driver *driver) {
  if (!graphs)
    return;
  for (int i = 0; i < mostGraphs; ++i)
    clear(&graphs->slots[i], driver);
  free(graphs);
}

static slot *find(mad_cuda_graphs *graphs, const uint64_t *key, int32_t words) {
  for (int i = 0; i < mostGraphs; ++i) {
    slot *s = &graphs->slots[i];
    if (s->state != FREE && s->words == words &&
        memcmp(s->key, key, (size_t)words * sizeof *key) == 0)
      return s;
  }
  return NULL;
}

/* A slot for a new key: a free one, or that which was not used for the longest time, whose graph
 * may be under way. */
static slot *make(mad_cuda_graphs *graphs, const mad_cu_driver *driver, mad_cu_stream stream,
                  const uint64_t *key, int32_t words) {
  uint64_t *copy = malloc((size_t)words * sizeof *key);
  if (!copy)
    return NULL;
  slot *oldest = &graphs->slots[0];
  for (int i = 1; i < mostGraphs; ++i)
    if (graphs->slots[i].used < oldest->used)
      oldest = &graphs->slots[i];
  if (oldest->graph && driver->stream_synchronize(stream) != 0) {
    free(copy);
    return NULL;
  }
  clear(oldest, driver);
  memcpy(copy, key, (size_t)words * sizeof *key);
  oldest->key = copy;
  oldest->words = words;
  oldest->state = RUNNING;
  return oldest;
}

int32_t mad_cuda_graphs_begin(mad_cuda_graphs *graphs, const mad_cu_driver *driver,
                              mad_cu_stream stream, const uint64_t *key, int32_t words,
                              mad_cu_result *result) {
  *result = 0;
  slot *s = find(graphs, key, words);
  if (!s)
    s = make(graphs, driver, stream, key, words);
  graphs->now = s;
  if (!s)
    return MAD_GRAPH_RUN;
  s->used = ++graphs->time;
  if (s->state == READY) {
    graphs->now = NULL;
    *result = driver->graph_launch(s->graph, stream);
    return MAD_GRAPH_LAUNCHED;
  }
  if (s->state == SEEN)
    s->state = driver->capture_begin(stream, MAD_CU_CAPTURE_THREAD_LOCAL) == 0 ? CAPTURING : UNFIT;
  return MAD_GRAPH_RUN;
}

void mad_cuda_graphs_read(mad_cuda_graphs *graphs) {
  if (graphs->now && graphs->now->state == RUNNING)
    graphs->now->state = UNFIT;
}

int32_t mad_cuda_graphs_end(mad_cuda_graphs *graphs, const mad_cu_driver *driver,
                            mad_cu_stream stream, int good) {
  slot *s = graphs->now;
  graphs->now = NULL;
  if (!s)
    return 0;
  if (s->state == RUNNING)
    s->state = good ? SEEN : UNFIT;
  if (s->state != CAPTURING)
    return 0;
  mad_cu_graph captured = NULL;
  s->state = UNFIT;
  if (driver->capture_end(stream, &captured) != 0 || !captured)
    return 1;
  if (good && driver->graph_instantiate(&s->graph, captured, 0) != 0)
    s->graph = NULL;
  driver->graph_destroy(captured);
  if (!s->graph || driver->graph_launch(s->graph, stream) != 0)
    return 1;
  s->state = READY;
  return 0;
}
