/*===- cpu.h - Which code this CPU can run --------------------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===*/
#ifndef MAD_RUNTIME_CORE_CPU_H
#define MAD_RUNTIME_CORE_CPU_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* MAD_CPU_... of runtime/artifact.h: what this CPU and this operating system can run. */
uint64_t mad_cpu_features(void);
/* 0 baseline, 3 x86-64-v3, 4 x86-64-v4. */
int32_t mad_cpu_level(void);
/* What code of a level uses. */
uint64_t mad_cpu_features_of_level(int32_t level);
/* "avx2, fma": names of the bits, as many as fit. */
void mad_cpu_names(uint64_t features, char *text, size_t size);

#ifdef __cplusplus
}
#endif
#endif /* MAD_RUNTIME_CORE_CPU_H */
