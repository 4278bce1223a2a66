/*===- main.c - A C program that calls a compiled model -------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * usage: host LIBRARY
 *
 * Loads libmodel.so, calls it through the typed function of model.h, and shows what
 * failures look like: every call answers with a status, and the context (or a
 * mad_error, where there is no context yet) holds the message.
 *
 *===------------------------------------------------------------------------===*/
#include "model.h"
#include <stdio.h>
#include <stdlib.h>

static int classify(mad_context *context) {
  const float x[3][2] = {{1.0f, 0.0f}, {-1.0f, 1.0f}, {-1.0f, -1.0f}};
  const int64_t batch = 3;
  float *p = malloc((size_t)model_classify_result_size(batch) * sizeof *p);
  if (!p)
    return 1;
  const mad_status status = model_classify(context, batch, &x[0][0], p);
  if (status == MAD_OK)
    for (int64_t i = 0; i < batch; ++i)
      printf("(%4.1f, %4.1f): %.4f %.4f %.4f\n", (double)x[i][0], (double)x[i][1], (double)p[3 * i],
             (double)p[3 * i + 1], (double)p[3 * i + 2]);
  else
    fprintf(stderr, "%s: %s\n", mad_status_name(status), mad_context_message(context));
  free(p);
  return status != MAD_OK;
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

int main(int argc, char **argv) {
  mad_error error;
  mad_module *module = NULL;
  mad_context *context = NULL;
  mad_status status = mad_module_load(argc > 1 ? argv[1] : "out/libmodel.so", &module, &error);
  if (status == MAD_OK)
    status = mad_context_create(module, &context, &error);
  if (status != MAD_OK) {
    fprintf(stderr, "%s: %s\n", mad_status_name(status), error.message);
    mad_module_destroy(module);
    return 1;
  }
  int failed = classify(context) || callWrongly(module, context) || classify(context);

  mad_module *missing = NULL;
  status = mad_module_load("missing.so", &missing, &error);
  printf("%s: %s\n", mad_status_name(status), error.message);

  mad_context_destroy(context);
  mad_module_destroy(module);
  return failed;
}
