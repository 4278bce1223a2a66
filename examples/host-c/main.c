/*===- main.c - A C program that calls a compiled model -------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * usage: host FOLDER     where libmodel.so, model.weights and other.weights are
 *
 * Every call answers with a status, and the context (or a mad_error, where there is no
 * context yet) holds the message. jit.c does the same without a build.
 *
 *===------------------------------------------------------------------------===*/
#include "model.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static const float points[3][2] = {{1.0f, 0.0f}, {-1.0f, 1.0f}, {-1.0f, -1.0f}};

static int failed(mad_status status, const char *message) {
  if (status != MAD_OK)
    fprintf(stderr, "%s: %s\n", mad_status_name(status), message);
  return status != MAD_OK;
}

/* The typed function of model.h: sizes as numbers, then inputs, then results. */
static int classify(mad_context *context) {
  const int64_t batch = 3;
  float *p = malloc((size_t)model_classify_result_size(batch) * sizeof *p);
  if (!p)
    return 1;
  const mad_status status = model_classify(context, batch, &points[0][0], p);
  for (int64_t i = 0; status == MAD_OK && i < batch; ++i)
    printf("(%4.1f, %4.1f): %.4f %.4f %.4f\n", (double)points[i][0], (double)points[i][1],
           (double)p[3 * i], (double)p[3 * i + 1], (double)p[3 * i + 2]);
  free(p);
  return failed(status, mad_context_message(context));
}

/* The same call by number and without types: for hosts that learn at run time
 * what a model takes. Its input is one column too wide. */
static int callWrongly(mad_module *module, mad_context *context) {
  const int32_t number = mad_module_find(module, "classify");
  const mad_entry_info *entry = mad_module_entry(module, number);
  if (!entry)
    return 1;
  printf("`%s` takes `%s` of rank %d: %s x %s\n", entry->name, entry->inputs[0].name,
         (int)entry->inputs[0].rank, entry->inputs[0].dims[0], entry->inputs[0].dims[1]);
  float x[2][3] = {{0}}, p[2][3];
  const int64_t wide[2] = {2, 3}, result[2] = {2, 3};
  const mad_tensor input = {x, wide, 2, MAD_F32}, output = {p, result, 2, MAD_F32};
  const mad_status status = mad_entry_call(context, number, &input, 1, &output, 1);
  printf("%s: %s\n", mad_status_name(status), mad_context_message(context));
  return status != MAD_SHAPE_MISMATCH;
}

/* Memory for results, asked for when their extents are known. */
static void *allocate(void *user, int32_t output, const mad_tensor *result) {
  size_t bytes = mad_dtype_size(result->dtype);
  for (int32_t i = 0; i < result->rank; ++i)
    bytes *= (size_t)result->shape[i];
  *(size_t *)user += bytes;
  (void)output;
  return malloc(bytes ? bytes : 1);
}

static int callWithAllocator(mad_module *module, mad_context *context) {
  const int32_t number = mad_module_find(module, "first");
  int64_t keep[2] = {2, 0}, extents[2];
  const int64_t batch[2] = {3, 2}, kept[1] = {2};
  const mad_tensor inputs[2] = {{(void *)&points, batch, 2, MAD_F32}, {keep, kept, 1, MAD_I64}};
  /* The extents alone: nothing runs, and no data is looked at. */
  mad_status status = mad_entry_shapes(context, number, inputs, 2, extents);
  if (failed(status, mad_context_message(context)))
    return 1;
  printf("`first` will give %d x %d\n", (int)extents[0], (int)extents[1]);

  size_t bytes = 0;
  const mad_allocator allocator = {allocate, &bytes};
  mad_tensor outputs[2];
  status = mad_entry_call_alloc(context, number, inputs, 2, &allocator, outputs, 2);
  if (status == MAD_OK) {
    const float *p = outputs[0].data;
    printf("the model asked for %d bytes; %d point lies right; %.4f %.4f\n", (int)bytes,
           (int)*(const int64_t *)outputs[1].data, (double)p[0], (double)p[3]);
  }
  free(outputs[0].data);
  free(outputs[1].data);
  return failed(status, mad_context_message(context));
}

/* A state is the caller's memory: each call reads it and leaves the new value there. Point
 * by point it comes to the mean that all points together have. */
static int callWithState(mad_context *context) {
  float p[3][3], mean[3] = {0};
  int64_t count = 0;
  mad_status status = model_classify(context, 3, &points[0][0], &p[0][0]);
  for (int i = 0; status == MAD_OK && i < 3; ++i)
    status = model_observe(context, 1, points[i], &count, mean);
  if (failed(status, mad_context_message(context)))
    return 1;
  printf("after %d steps: %.4f %.4f %.4f\n", (int)count, (double)mean[0], (double)mean[1],
         (double)mean[2]);
  for (int c = 0; c < 3; ++c) {
    /* Three roundings of numbers below 1 on either side. */
    const double expected = ((double)p[0][c] + (double)p[1][c] + (double)p[2][c]) / 3.0;
    if (!((double)mean[c] - expected < 1e-6 && expected - (double)mean[c] < 1e-6))
      return 1;
  }
  return 0;
}

/* One module for all threads, a context for each. The contexts share a pool for loops
 * that are worth it; results do not depend on it. */
typedef struct work {
  mad_module *module;
  mad_pool *pool;
  float p[3][3];
  mad_status status;
  mad_error error;
} work;

static void *runWork(void *argument) {
  work *w = argument;
  mad_context *context = NULL;
  w->status = mad_context_create(w->module, &context, &w->error);
  if (w->status == MAD_OK) {
    const mad_executor executor = mad_pool_executor(w->pool);
    w->status = mad_context_set_executor(context, &executor);
  }
  if (w->status == MAD_OK)
    w->status = model_classify(context, 3, &points[0][0], &w->p[0][0]);
  mad_context_destroy(context);
  return NULL;
}

static int callFromThreads(mad_module *module) {
  enum { count = 4 };
  pthread_t threads[count];
  work works[count];
  mad_error error;
  mad_pool *pool = NULL;
  int bad = failed(mad_pool_create(2, &pool, &error), error.message);
  int started = 0;
  for (; !bad && started < count; ++started) {
    works[started] = (work){.module = module, .pool = pool};
    if (pthread_create(&threads[started], NULL, runWork, &works[started]) != 0)
      break;
  }
  for (int i = 0; i < started; ++i) {
    pthread_join(threads[i], NULL);
    bad = bad || failed(works[i].status, works[i].error.message);
  }
  if (!bad)
    printf("%d threads: %.4f %.4f\n", started, (double)works[0].p[1][1],
           (double)works[started - 1].p[1][1]);
  mad_pool_destroy(pool);
  return bad;
}

/* Opens the library; with `weights`, with these in place of its own. */
static int open(const char *folder, const char *weights, mad_module **module,
                mad_context **context) {
  char library[1024], file[1024];
  mad_error error;
  snprintf(library, sizeof library, "%s/libmodel.so", folder);
  snprintf(file, sizeof file, "%s/%s", folder, weights ? weights : "");
  const mad_load_options options = {
      .struct_size = sizeof options, .weights = weights ? file : NULL, .verify = MAD_VERIFY_ALL};
  mad_status status = mad_module_load_with(library, &options, module, &error);
  if (status == MAD_OK)
    status = mad_context_create(*module, context, &error);
  return failed(status, error.message);
}

int main(int argc, char **argv) {
  const char *folder = argc > 1 ? argv[1] : "out";
  mad_module *module = NULL, *other = NULL, *missing = NULL;
  mad_context *context = NULL, *otherContext = NULL;
  int bad = open(folder, NULL, &module, &context) || classify(context) ||
            callWrongly(module, context) || callWithAllocator(module, context) ||
            callWithState(context) || callFromThreads(module);
  /* The same code with other weights: their file is mapped, not copied. */
  if (!bad) {
    printf("with other weights:\n");
    bad = open(folder, "other.weights", &other, &otherContext) || classify(otherContext);
  }
  mad_error error;
  const mad_status status = mad_module_load("missing.so", &missing, &error);
  printf("%s: %s\n", mad_status_name(status), error.message);

  mad_context_destroy(otherContext);
  mad_module_destroy(other);
  mad_context_destroy(context);
  mad_module_destroy(module);
  return bad;
}
