/*===- checksum.c - The checksum of files and weights ---------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===*/
#include "runtime/core/checksum.h"
#include <string.h>

#define PRIME_1 0x9e3779b97f4a7c15ull
#define PRIME_2 0xbf58476d1ce4e5b9ull
#define PRIME_3 0x94d049bb133111ebull

static uint64_t rotate(uint64_t x, int by) { return x << by | x >> (64 - by); }

/* One to one in `lane` for a given word and in `word` for a given lane. */
static uint64_t step(uint64_t lane, uint64_t word) {
  return rotate(lane + word * PRIME_2, 31) * PRIME_1;
}

void mad_checksum_start(mad_checksum *sum) {
  const uint64_t lanes[4] = {PRIME_1, PRIME_2, PRIME_3, PRIME_1 + PRIME_2};
  memcpy(sum->lanes, lanes, sizeof lanes);
  sum->total = 0;
}

void mad_checksum_add(mad_checksum *sum, const void *data, size_t bytes) {
  const unsigned char *p = data;
  uint64_t a = sum->lanes[0], b = sum->lanes[1], c = sum->lanes[2], d = sum->lanes[3];
  uint64_t words[4];
  sum->total += bytes;
  for (; bytes >= sizeof words; bytes -= sizeof words, p += sizeof words) {
    memcpy(words, p, sizeof words);
    a = step(a, words[0]);
    b = step(b, words[1]);
    c = step(c, words[2]);
    d = step(d, words[3]);
  }
  if (bytes > 0) {
    memset(words, 0, sizeof words);
    memcpy(words, p, bytes);
    a = step(a, words[0]);
    b = step(b, words[1]);
    c = step(c, words[2]);
    d = step(d, words[3]);
  }
  sum->lanes[0] = a, sum->lanes[1] = b, sum->lanes[2] = c, sum->lanes[3] = d;
}

uint64_t mad_checksum_value(const mad_checksum *sum) {
  uint64_t h = sum->total * PRIME_3;
  for (int i = 0; i < 4; ++i)
    h = step(h, sum->lanes[i]) + PRIME_3;
  h ^= h >> 33;
  h *= PRIME_2;
  h ^= h >> 29;
  h *= PRIME_3;
  return h ^ h >> 32;
}
