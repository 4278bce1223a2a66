/* Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Seconds of the processor that `times` calls of a right-hand side take. */
#define _GNU_SOURCE
#include <time.h>

typedef void rhs(const double *y, const double *k, double *d);

double seconds(rhs *f, const double *y, const double *k, double *d, long times) {
  struct timespec from, to;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
  for (long i = 0; i < times; ++i)
    f(y, k, d);
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
  return (double)(to.tv_sec - from.tv_sec) + 1e-9 * (double)(to.tv_nsec - from.tv_nsec);
}
