/*===- pages.h - Memory for tensors ---------------------------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===*/
#ifndef MAD_RUNTIME_CORE_PAGES_H
#define MAD_RUNTIME_CORE_PAGES_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* `bytes` zeros, aligned to 64 bytes; NULL where there is no memory. From 4 MiB on they lie on
 * pages of 2 MiB, where the system has them: what a call reads once comes twice as fast from
 * those as from pages of 4 KiB. Never NULL for 0 bytes. */
void *mad_pages_take(uint64_t bytes);

/* Gives back what `mad_pages_take` of as many bytes gave; NULL is nothing. */
void mad_pages_give(void *memory, uint64_t bytes);

#ifdef __cplusplus
}
#endif

#endif /* MAD_RUNTIME_CORE_PAGES_H */
