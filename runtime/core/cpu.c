/*===- cpu.c - Which code this CPU can run --------------------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Asks the CPU and, through XGETBV, the operating system: registers that it does
 * not save may not be used.
 *
 *===------------------------------------------------------------------------===*/
#include "runtime/core/cpu.h"
#include "runtime/artifact.h"
#include <stdio.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>

static uint32_t savedRegisters(void) {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

/* `mask` where `bit` is set in `word`. */
static uint64_t when(uint32_t word, uint32_t bit, uint64_t mask) { return word & bit ? mask : 0; }

uint64_t mad_cpu_features(void) {
  const uint32_t lahf = 1u << 0, ymm = 0x6, zmm = 0xe0;
  uint32_t a, b, c, d, b7, unused;
  if (!__get_cpuid(1, &a, &b, &c, &d))
    return 0;
  uint64_t all = when(c, bit_SSE3, MAD_CPU_SSE3) | when(c, bit_SSSE3, MAD_CPU_SSSE3) |
                 when(c, bit_SSE4_1, MAD_CPU_SSE4_1) | when(c, bit_SSE4_2, MAD_CPU_SSE4_2) |
                 when(c, bit_POPCNT, MAD_CPU_POPCNT) | when(c, bit_CMPXCHG16B, MAD_CPU_CX16) |
                 when(c, bit_MOVBE, MAD_CPU_MOVBE);
  const uint32_t saved = c & bit_OSXSAVE ? savedRegisters() : 0;
  const int hasYmm = (saved & ymm) == ymm, hasZmm = hasYmm && (saved & zmm) == zmm;
  if (hasYmm)
    all |= when(c, bit_AVX, MAD_CPU_AVX) | when(c, bit_FMA, MAD_CPU_FMA) |
           when(c, bit_F16C, MAD_CPU_F16C);
  if (__get_cpuid_count(7, 0, &a, &b7, &unused, &d)) {
    all |= when(b7, bit_BMI, MAD_CPU_BMI) | when(b7, bit_BMI2, MAD_CPU_BMI2);
    if (hasYmm)
      all |= when(b7, bit_AVX2, MAD_CPU_AVX2);
    if (hasZmm)
      all |= when(b7, bit_AVX512F, MAD_CPU_AVX512F) | when(b7, bit_AVX512BW, MAD_CPU_AVX512BW) |
             when(b7, bit_AVX512CD, MAD_CPU_AVX512CD) | when(b7, bit_AVX512DQ, MAD_CPU_AVX512DQ) |
             when(b7, bit_AVX512VL, MAD_CPU_AVX512VL);
  }
  if (__get_cpuid(0x80000001, &a, &b, &c, &d))
    all |= when(c, bit_LZCNT, MAD_CPU_LZCNT) | when(c, lahf, MAD_CPU_SAHF);
  return all;
}
#else
uint64_t mad_cpu_features(void) { return 0; }
#endif

uint64_t mad_cpu_features_of_level(int32_t level) {
  return level >= 4 ? MAD_CPU_LEVEL_4 : level == 3 ? MAD_CPU_LEVEL_3 : 0;
}

int32_t mad_cpu_level(void) {
  const uint64_t all = mad_cpu_features();
  if ((all & MAD_CPU_LEVEL_4) == MAD_CPU_LEVEL_4)
    return 4;
  return (all & MAD_CPU_LEVEL_3) == MAD_CPU_LEVEL_3 ? 3 : 0;
}

void mad_cpu_names(uint64_t features, char *text, size_t size) {
  static const char *const names[] = {"sse3",    "ssse3",    "sse4.1",   "sse4.2",   "popcnt",
                                      "cx16",    "sahf",     "avx",      "avx2",     "bmi",
                                      "bmi2",    "f16c",     "fma",      "lzcnt",    "movbe",
                                      "avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"};
  size_t used = 0;
  text[0] = 0;
  for (unsigned bit = 0; bit < 64 && used < size; ++bit) {
    if (!(features >> bit & 1))
      continue;
    const char *comma = used ? ", " : "";
    const int length = bit < sizeof names / sizeof *names
                           ? snprintf(text + used, size - used, "%s%s", comma, names[bit])
                           : snprintf(text + used, size - used, "%sbit %u", comma, bit);
    used += length > 0 ? (size_t)length : 0;
  }
}
