/*===- call.c - What a call costs -----------------------------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * usage: call LIBRARY LARGE_LIBRARY
 * Prints nanoseconds of one call of `tiny` of LIBRARY (call.mad), the median of 101
 * runs of 10000 calls, and milliseconds of loading LARGE_LIBRARY, the median of 21.
 *
 *===------------------------------------------------------------------------===*/
#define _POSIX_C_SOURCE 200809L
#include "runtime/mad.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void fail(const char *text) {
  fprintf(stderr, "%s\n", text);
  exit(1);
}

static void calls(const char *path) {
  enum { rounds = 101, each = 10000 };
  mad_module *module = NULL;
  mad_context *context = NULL;
  mad_error error;
  if (mad_module_load(path, &module, &error) != MAD_OK ||
      mad_context_create(module, &context, &error) != MAD_OK)
    fail(error.message);
  const int32_t entry = mad_module_find(module, "tiny");
  const int64_t four = 4;
  float x[4] = {1, 2, 3, 4}, y[4] = {0};
  const mad_tensor input = {x, &four, 1, MAD_F32}, output = {y, &four, 1, MAD_F32};
  double times[rounds];
  for (int i = 0; i < rounds; ++i) {
    const double start = now();
    for (int k = 0; k < each; ++k)
      if (mad_entry_call(context, entry, &input, 1, &output, 1) != MAD_OK)
        fail(mad_context_message(context));
    times[i] = (now() - start) / each;
  }
  qsort(times, rounds, sizeof *times, ascending);
  printf("call %.1f %.1f %.1f\n", times[rounds / 2], times[0], times[rounds - 1]);
  mad_context_destroy(context);
  mad_module_destroy(module);
}

static void loads(const char *path, mad_verify verify, const char *name) {
  enum { rounds = 21 };
  double times[rounds];
  const mad_load_options options = {sizeof options, NULL, verify};
  for (int i = 0; i < rounds; ++i) {
    mad_module *module = NULL;
    mad_error error;
    const double start = now();
    if (mad_module_load_with(path, &options, &module, &error) != MAD_OK)
      fail(error.message);
    times[i] = (now() - start) * 1e-6;
    mad_module_destroy(module);
  }
  qsort(times, rounds, sizeof *times, ascending);
  printf("%s %.3f %.3f %.3f\n", name, times[rounds / 2], times[0], times[rounds - 1]);
}

int main(int argc, char **argv) {
  if (argc != 3)
    fail("usage: call LIBRARY LARGE_LIBRARY");
  calls(argv[1]);
  loads(argv[2], MAD_VERIFY_CODE, "load");
  loads(argv[2], MAD_VERIFY_ALL, "verify");
  return 0;
}
