/*===- arena.c - Scratch memory of calls ----------------------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===*/
#include "runtime/core/core.h"
#include "runtime/core/errors.h"
#include "runtime/core/pages.h"

mad_status mad_arena_reserve(mad_context *context, const mad_entry *entry, int64_t bytes) {
  if (bytes < 0)
    return mad_error_bad_arena(&context->error, entry, bytes);
  if ((uint64_t)bytes <= context->arena_bytes)
    return MAD_OK;
  const size_t held = context->arena_bytes;
  /* Nothing in it outlives a call, so both need never be there at once. */
  mad_arena_release(context);
  context->arena = mad_pages_take((uint64_t)bytes);
  if (!context->arena)
    return mad_error_arena(&context->error, entry, bytes, held);
  context->arena_bytes = (size_t)bytes;
  return MAD_OK;
}

void mad_arena_release(mad_context *context) {
  mad_pages_give(context->arena, context->arena_bytes);
  context->arena = NULL;
  context->arena_bytes = 0;
}
