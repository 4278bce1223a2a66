/*===- arena.c - Scratch memory of calls ----------------------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===*/
#include "runtime/core/core.h"
#include "runtime/core/errors.h"
#include <stdlib.h>

mad_status mad_arena_reserve(mad_context *context, const mad_entry *entry, int64_t bytes) {
  const size_t alignment = 64;
  if (bytes < 0)
    return mad_error_bad_arena(&context->error, entry, bytes);
  if ((uint64_t)bytes <= context->arena_bytes)
    return MAD_OK;
  const size_t held = context->arena_bytes;
  if ((uint64_t)bytes > SIZE_MAX / 2)
    return mad_error_arena(&context->error, entry, bytes, held);
  const size_t rounded = ((size_t)bytes + alignment - 1) / alignment * alignment;
  /* Nothing in it outlives a call, so both need never be there at once. */
  free(context->arena);
  context->arena_bytes = 0;
  context->arena = aligned_alloc(alignment, rounded);
  if (!context->arena)
    return mad_error_arena(&context->error, entry, bytes, held);
  context->arena_bytes = rounded;
  return MAD_OK;
}
