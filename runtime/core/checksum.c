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

/* Takes whole blocks; returns how many bytes. */
static size_t addBlocks(uint64_t *lanes, const unsigned char *p, size_t bytes) {
  uint64_t a = lanes[0], b = lanes[1], c = lanes[2], d = lanes[3];
  uint64_t words[4];
  size_t left = bytes;
  for (; left >= sizeof words; left -= sizeof words, p += sizeof words) {
    memcpy(words, p, sizeof words);
    a = step(a, words[0]);
    b = step(b, words[1]);
    c = step(c, words[2]);
    d = step(d, words[3]);
  }
  lanes[0] = a, lanes[1] = b, lanes[2] = c, lanes[3] = d;
  return bytes - left;
}

void mad_checksum_add(mad_checksum *sum, const void *data, size_t bytes) {
  const unsigned char *p = data;
  const size_t block = sizeof sum->held, held = sum->total % block;
  if (bytes == 0)
    return;
  sum->total += bytes;
  if (held > 0) {
    const size_t room = block - held, taken = bytes < room ? bytes : room;
    memcpy(sum->held + held, p, taken);
    if (taken < room)
      return;
    addBlocks(sum->lanes, sum->held, block);
    p += taken, bytes -= taken;
  }
  const size_t done = addBlocks(sum->lanes, p, bytes);
  if (bytes > done)
    memcpy(sum->held, p + done, bytes - done);
}

uint64_t mad_checksum_value(const mad_checksum *sum) {
  uint64_t lanes[4];
  memcpy(lanes, sum->lanes, sizeof lanes);
  const size_t held = sum->total % sizeof sum->held;
  if (held > 0) {
    unsigned char last[sizeof sum->held] = {0};
    memcpy(last, sum->held, held);
    addBlocks(lanes, last, sizeof last);
  }
  uint64_t h = sum->total * PRIME_3;
  for (int i = 0; i < 4; ++i)
    h = step(h, lanes[i]) + PRIME_3;
  h ^= h >> 33;
  h *= PRIME_2;
  h ^= h >> 29;
  h *= PRIME_3;
  return h ^ h >> 32;
}
