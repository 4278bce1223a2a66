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

#if defined(__x86_64__)
#include <cpuid.h>

static uint32_t savedRegisters(void) {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

int32_t mad_cpu_level(void) {
  uint32_t a, b, c, d, b7, c7, d7;
  const uint32_t v3 = bit_OSXSAVE | bit_AVX | bit_FMA | bit_MOVBE | bit_F16C | bit_POPCNT;
  const uint32_t v37 = bit_AVX2 | bit_BMI | bit_BMI2;
  const uint32_t v4 = bit_AVX512F | bit_AVX512BW | bit_AVX512CD | bit_AVX512DQ | bit_AVX512VL;
  const uint32_t ymm = 0x6, zmm = 0xe0;
  if (!__get_cpuid(1, &a, &b, &c, &d) || (c & v3) != v3)
    return 0;
  if (!__get_cpuid_count(7, 0, &a, &b7, &c7, &d7) || (b7 & v37) != v37)
    return 0;
  if (!__get_cpuid(0x80000001, &a, &b, &c, &d) || !(c & bit_LZCNT))
    return 0;
  const uint32_t saved = savedRegisters();
  if ((saved & ymm) != ymm)
    return 0;
  return (b7 & v4) == v4 && (saved & zmm) == zmm ? 4 : 3;
}
#else
int32_t mad_cpu_level(void) { return 0; }
#endif
