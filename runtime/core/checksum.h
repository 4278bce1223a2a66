/*===- checksum.h - The checksum of files and weights ---------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Four lanes of 64 bits. A change inside one aligned word is always found; the rest
 * with a probability of 1 - 2^-64. No protection against a forger.
 *
 *===------------------------------------------------------------------------===*/
#ifndef MAD_RUNTIME_CORE_CHECKSUM_H
#define MAD_RUNTIME_CORE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mad_checksum {
  uint64_t lanes[4];
  uint64_t total;
  unsigned char held[32]; /* the first total % 32 are bytes that wait for more */
} mad_checksum;

void mad_checksum_start(mad_checksum *sum);
/* Pieces of any size, one after the other. */
void mad_checksum_add(mad_checksum *sum, const void *data, size_t bytes);
uint64_t mad_checksum_value(const mad_checksum *sum);

#ifdef __cplusplus
}
#endif
#endif /* MAD_RUNTIME_CORE_CHECKSUM_H */
