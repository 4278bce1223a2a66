/*===- clock.c - How long a cycle takes ----------------------------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * For scripts that reach it by ctypes. Additions of integers that wait for each other take a
 * cycle each on all processors that run x86-64.
 *
 *===------------------------------------------------------------------------===*/
#define _POSIX_C_SOURCE 200809L
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/** Seconds of a cycle, over 64 * rounds of them. */
double cycle(long rounds) {
  unsigned long sum = 0, one = 1;
  const double start = now();
  for (long i = 0; i < rounds; ++i)
    __asm__ volatile(".rept 64\n\tadd %1, %0\n\t.endr" : "+r"(sum) : "r"(one));
  return (now() - start) / (64.0 * (double)rounds);
}
