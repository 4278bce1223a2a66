/*===- flops.c - Fused multiply-adds of one core ---------------------------===*\
|*
|* Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* Prints the GFLOP/s of f32 that a loop over registers reaches: 12 independent
|* chains of 256-bit vectors. Best of several runs, in processor time.
|*
\*===----------------------------------------------------------------------===*/
#define _POSIX_C_SOURCE 200809L
#include <immintrin.h>
#include <stdio.h>
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(void) {
  enum { chains = 12, steps = 10000000 };
  double best = 0;
  for (int run = 0; run < 5; ++run) {
    __m256 a[chains], x = _mm256_set1_ps(0.999f), y = _mm256_set1_ps(1e-3f);
    for (int i = 0; i < chains; ++i)
      a[i] = _mm256_set1_ps((float)i);
    double start = now();
    for (int s = 0; s < steps; ++s)
      for (int i = 0; i < chains; ++i) {
        a[i] = _mm256_fmadd_ps(a[i], x, y);
        __asm__ volatile("" : "+x"(a[i])); /* one instruction each, in this order */
      }
    double rate = 1e-9 * 2 * 8 * chains * steps / (now() - start);
    best = rate > best ? rate : best;
  }
  printf("%.1f\n", best);
  return 0;
}
