/*===- arena.c - Scratch memory of calls ----------------------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===*/
#define _GNU_SOURCE /* madvise */
#include "runtime/core/core.h"
#include "runtime/core/errors.h"
#include <stdlib.h>
#include <sys/mman.h>

/* From this size on scratch memory lies on pages of 2 MiB, where the system has them:
 * packed matrices are read across many small pages otherwise. */
static const size_t huge = (size_t)2 << 20;

mad_status mad_arena_reserve(mad_context *context, const mad_entry *entry, int64_t bytes) {
  size_t alignment = 64;
  if (bytes < 0)
    return mad_error_bad_arena(&context->error, entry, bytes);
  if ((uint64_t)bytes <= context->arena_bytes)
    return MAD_OK;
  const size_t held = context->arena_bytes;
  if ((uint64_t)bytes > SIZE_MAX / 2)
    return mad_error_arena(&context->error, entry, bytes, held);
  if ((uint64_t)bytes >= 2 * huge)
    alignment = huge;
  const size_t rounded = ((size_t)bytes + alignment - 1) / alignment * alignment;
  /* Nothing in it outlives a call, so both need never be there at once. */
  free(context->arena);
  context->arena_bytes = 0;
  context->arena = aligned_alloc(alignment, rounded);
  if (!context->arena)
    return mad_error_arena(&context->error, entry, bytes, held);
  context->arena_bytes = rounded;
#ifdef MADV_HUGEPAGE
  if (alignment == huge)
    (void)madvise(context->arena, rounded, MADV_HUGEPAGE);
#endif
  return MAD_OK;
}
