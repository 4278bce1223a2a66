/*===- cold.c - Calls whose weights are out of the caches ------------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * For scripts that reach it by ctypes. A sweep through other memory puts everything out of the
 * caches; then a call of a like entry brings code and activations back, as in a model of many
 * layers, where weights alone are read from memory.
 *
 *===------------------------------------------------------------------------===*/
#define _POSIX_C_SOURCE 200809L
#include <stddef.h>
#include <stdint.h>
#include <time.h>

typedef int call(void *context, int32_t entry, const void *inputs, int32_t inputCount,
                 const void *outputs, int32_t outputCount);
typedef float vec __attribute__((vector_size(64)));

static volatile float kept;

static double now(int cpu) {
  struct timespec t;
  clock_gettime(cpu ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/** Touches each line of other memory. */
static void sweep(const char *other, size_t bytes) {
  int sum = 0;
  for (size_t i = 0; i < bytes; i += 64)
    sum += other[i];
  kept = (float)sum;
}

typedef struct arguments {
  void *context;
  int32_t entry;
  const void *inputs;
  int32_t inputCount;
  const void *outputs;
  int32_t outputCount;
} arguments;

static int called(call *entryCall, const arguments *a) {
  return entryCall(a->context, a->entry, a->inputs, a->inputCount, a->outputs, a->outputCount);
}

/** Seconds of one call behind a sweep and a call of `like`, of the process's processor time where
 *  `cpu`; less than 0: it failed. */
double coldCall(call *entryCall, const arguments *measured, const arguments *like,
                const char *other, size_t bytes, int cpu) {
  sweep(other, bytes);
  if (called(entryCall, like) != 0)
    return -1;
  const double start = now(cpu);
  const int status = called(entryCall, measured);
  return status ? -1 : now(cpu) - start;
}

/** Seconds that a loop of nothing but loads takes for the memory at `from`, a multiple of 512 bytes
 *  at a multiple of 64: the limit. */
double coldRead(const vec *from, size_t size, const char *other, size_t bytes, int cpu) {
  sweep(other, bytes);
  const double start = now(cpu);
  vec sums[8] = {{0}};
  for (size_t i = 0; i + 8 <= size / sizeof(vec); i += 8)
    for (size_t k = 0; k < 8; ++k)
      sums[k] += from[i + k];
  const double seconds = now(cpu) - start;
  for (size_t k = 1; k < 8; ++k)
    sums[0] += sums[k];
  for (size_t n = 0; n < 16; ++n)
    kept = kept + sums[0][n];
  return seconds;
}
