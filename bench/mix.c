/*===- mix.c - How fast the instructions of a function can be -----------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * The instructions that a function takes for 16 elements of f32, with AVX-512, but
 * none waits for another: what no order of them can exceed. Prints one line a
 * function: name, nanoseconds an element. Prints nothing without AVX-512.
 *
 *===------------------------------------------------------------------------===*/
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <time.h>

#if defined(__AVX512F__)
#define REST "%%zmm28, %%zmm29, %%zmm"
#define FMA(r) "vfmadd231ps " REST #r "\n"
#define MUL(r) "vmulps " REST #r "\n"
#define ADD(r) "vaddps " REST #r "\n"
#define MIN(r) "vminps " REST #r "\n"
#define IMIN(r) "vpminsd " REST #r "\n"
#define AND(r) "vpternlogd $0x78, " REST #r "\n"
#define PERM(r) "vpermps " REST #r "\n"
#define PERM2(r) "vpermi2ps " REST #r "\n"
#define SCALE(r) "vscalefps " REST #r "\n"
#define NAN2 "vcmpunordps %%zmm28, %%zmm29, %%k1\n"
#define LOAD(r) "vmovups (%0), %%zmm" #r "\n"
#define STORE(r) "vmovups %%zmm" #r ", 64(%0)\n"

/* clang-format changes its mind about these each time. */
/* clang-format off */
#define EXP(a)                                                                                     \
  a MIN(2) IMIN(3) FMA(4) ADD(5) FMA(6) FMA(7) FMA(8) FMA(13) MUL(9) PERM(10) FMA(11) SCALE(12)
#define ODD(perm)                                                                                  \
  AND(2)                                                                                           \
  MIN(3)                                                                                           \
  MIN(4)                                                                                           \
  ADD(5)                                                                                           \
  ADD(6)                                                                                           \
  ADD(7) perm(8) perm(9) perm(10) perm(11) perm(12) perm(13) FMA(14) FMA(15) FMA(16) FMA(17)       \
      FMA(18) AND(19)
/* clang-format on */

/* The work of each pass over a row, one after the other. Half a comparison is for NaN. */
#define TWICE(x) x x
#define MEASURE(name, vectors, body)                                                               \
  {                                                                                                \
    double best = 1;                                                                               \
    for (int n = 0; n < 60; ++n) {                                                                 \
      const double start = seconds();                                                              \
      for (int i = 0; i < 4000; ++i)                                                               \
        __asm__ volatile(TWICE(TWICE(body))::"r"(buffer)                                           \
                         : "memory", "k1", "zmm0", "zmm1", "zmm2", "zmm3", "zmm4", "zmm5", "zmm6", \
                           "zmm7", "zmm8", "zmm9", "zmm10", "zmm11", "zmm12", "zmm13", "zmm14",    \
                           "zmm15", "zmm16", "zmm17", "zmm18", "zmm19", "zmm20", "zmm21", "zmm22", \
                           "zmm23", "zmm24", "zmm25", "zmm26", "zmm27");                           \
      const double took = (seconds() - start) / (4000.0 * 4 * 16 * vectors);                       \
      best = took < best ? took : best;                                                            \
    }                                                                                              \
    printf("%s %.4f\n", name, 1e9 * best);                                                         \
  }

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static char buffer[128] __attribute__((aligned(64)));

int main(void) {
  MEASURE("exp", 1, LOAD(0) EXP() STORE(20))
  MEASURE("tanh", 1, LOAD(0) ODD(PERM2) STORE(20))
  MEASURE("gelu", 1, LOAD(0) MUL(1) ODD(PERM) ADD(21) MUL(22) MUL(23) STORE(20))
  MEASURE("gelu_tanh", 1,
          LOAD(0) MUL(1) MUL(24) FMA(25) MUL(26) ODD(PERM2) ADD(21) MUL(22) MUL(23) STORE(20))
  MEASURE("softmax", 2,
          LOAD(0) LOAD(1) MIN(2) MIN(3) NAN2 LOAD(0) EXP(ADD(1)) STORE(20) LOAD(0) EXP(ADD(1))
              STORE(20) LOAD(0) ADD(21) LOAD(1) ADD(22) LOAD(0) MUL(23) STORE(20) LOAD(1) MUL(24)
                  STORE(20))
  MEASURE("layer_norm", 1, LOAD(0) ADD(1) LOAD(2) ADD(3) FMA(4) LOAD(5) ADD(6) MUL(7) STORE(20))
  return 0;
}
#else
int main(void) { return 0; }
#endif
