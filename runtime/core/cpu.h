/*===- cpu.h - Which code this CPU can run --------------------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===*/
#ifndef MAD_RUNTIME_CORE_CPU_H
#define MAD_RUNTIME_CORE_CPU_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* 0 baseline, 3 x86-64-v3, 4 x86-64-v4: what this CPU and this operating system
 * can run. */
int32_t mad_cpu_level(void);

#ifdef __cplusplus
}
#endif
#endif /* MAD_RUNTIME_CORE_CPU_H */
