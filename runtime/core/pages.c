/*===- pages.c - Memory for tensors ---------------------------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===*/
#define _GNU_SOURCE /* MAP_ANONYMOUS, madvise */
#include "runtime/core/pages.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static const uint64_t line = 64, huge = (uint64_t)2 << 20;

static uint64_t roundUp(uint64_t bytes, uint64_t unit) { return (bytes + unit - 1) / unit * unit; }

static int isLarge(uint64_t bytes) { return bytes >= 2 * huge; }

/* The system gives any pages: what is in front of the first huge one, and behind the last, goes
 * back. */
static void *takeHuge(uint64_t bytes) {
  const uint64_t used = roundUp(bytes, huge);
  char *all = mmap(NULL, used + huge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (all == MAP_FAILED)
    return NULL;
  const uint64_t front = roundUp((uintptr_t)all, huge) - (uintptr_t)all;
  char *memory = all + front;
  if (front > 0)
    (void)munmap(all, front);
  if (front < huge)
    (void)munmap(memory + used, huge - front);
#ifdef MADV_HUGEPAGE
  (void)madvise(memory, used, MADV_HUGEPAGE);
#endif
  return memory;
}

void *mad_pages_take(uint64_t bytes) {
  if (bytes > SIZE_MAX / 2)
    return NULL;
  if (isLarge(bytes))
    return takeHuge(bytes);
  const uint64_t used = roundUp(bytes ? bytes : 1, line);
  void *memory = aligned_alloc(line, used);
  if (memory)
    memset(memory, 0, used);
  return memory;
}

void mad_pages_give(void *memory, uint64_t bytes) {
  if (!isLarge(bytes))
    free(memory);
  else if (memory)
    (void)munmap(memory, roundUp(bytes, huge));
}
