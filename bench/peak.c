/*===- peak.c - Fused multiply-adds a second ---------------------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * usage: peak [SECONDS]     prints the best GFLOP/s in f32 of one thread
 *
 * Sums in registers alone: what no matrix product can exceed. Build with -O2 -march=native and
 * -ffp-contract=fast.
 *
 *===------------------------------------------------------------------------===*/
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#if defined(__AVX512F__)
enum { lanes = 16 };
#elif defined(__AVX__)
enum { lanes = 8 };
#else
enum { lanes = 4 };
#endif
typedef float vec __attribute__((vector_size(4 * lanes)));

/* Enough sums that none waits for another: two units of a latency of four. */
enum { sums = 12, rounds = 1 << 20 };

static double seconds(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(int argc, char **argv) {
  const double limit = argc > 1 ? atof(argv[1]) : 0.5;
  const double start = seconds(CLOCK_MONOTONIC);
  volatile float factor = 0.999f, term = 1e-3f;
  vec a = factor - (vec){0}, b = term - (vec){0}, s[sums];
  for (int i = 0; i < sums; ++i)
    s[i] = b * (float)i;
  double best = 0;
  do {
    const double before = seconds(CLOCK_THREAD_CPUTIME_ID);
    for (int n = 0; n < rounds; ++n)
      for (int i = 0; i < sums; ++i)
        s[i] = s[i] * a + b;
    const double took = seconds(CLOCK_THREAD_CPUTIME_ID) - before;
    const double rate = 2e-9 * sums * lanes * rounds / took;
    best = rate > best ? rate : best;
  } while (seconds(CLOCK_MONOTONIC) - start < limit);
  float sum = 0;
  for (int i = 0; i < sums; ++i)
    for (int j = 0; j < lanes; ++j)
      sum += s[i][j];
  volatile float sink = sum;
  (void)sink;
  printf("%.1f\n", best);
  return 0;
}
