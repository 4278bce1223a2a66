/*===- widen.c - 16-bit weights for CPUs that cannot widen them -----------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Without F16C code that widens a weight at each call takes longer for that than for the products.
 *
 *===------------------------------------------------------------------------===*/
#include "runtime/core/errors.h"
#include "runtime/core/pages.h"
#include "runtime/core/weights.h"

/* The bits of the same number in f32. */
static uint32_t fromHalf(uint16_t half) {
  const uint32_t sign = (uint32_t)(half & 0x8000u) << 16, least = 1u << 23;
  uint32_t rest = (uint32_t)(half & 0x7fffu) << 13;
  /* Infinity and NaN have the highest exponent in both. */
  if (rest >= 0x1fu << 23)
    return sign | (rest + ((0xffu - 0x1fu) << 23));
  /* From the bias of f16 to that of f32. */
  if (rest >= least)
    return sign | (rest + ((127u - 15u) << 23));
  /* Denormal numbers become normal ones, without arithmetic of floats: threads may flush them. */
  if (rest == 0)
    return sign;
  uint32_t exponent = (127u - 14u) << 23;
  for (; rest < least; rest <<= 1)
    exponent -= least;
  return sign | exponent | (rest - least);
}

static void widen(uint32_t *to, const uint16_t *from, uint64_t count, mad_dtype dtype) {
  for (uint64_t i = 0; dtype == MAD_F16 && i < count; ++i)
    to[i] = fromHalf(from[i]);
  for (uint64_t i = 0; dtype == MAD_BF16 && i < count; ++i)
    to[i] = (uint32_t)from[i] << 16;
}

static uint64_t roundUp(uint64_t bytes) { return (bytes + 63) / 64 * 64; }

mad_status mad_weights_widen(const mad_artifact *artifact, const void *const *data,
                             const void **wide, mad_weight_memory *memory, mad_error *error) {
  uint64_t bytes = 0;
  for (int32_t i = 0; i < artifact->num_weights; ++i)
    if (artifact->weights[i].widened)
      bytes += roundUp(2 * artifact->weights[i].bytes);
  if (bytes == 0)
    return MAD_OK;
  memory->wide = mad_pages_take(bytes);
  if (!memory->wide)
    return mad_error_memory(error, "weights of 16 bits in 32", bytes);
  memory->widened = bytes;
  char *next = memory->wide;
  for (int32_t i = 0; i < artifact->num_weights; ++i) {
    const mad_weight *weight = &artifact->weights[i];
    if (!weight->widened)
      continue;
    widen((uint32_t *)(void *)next, data[i], weight->bytes / 2, weight->dtype);
    wide[i] = next;
    next += roundUp(2 * weight->bytes);
  }
  return MAD_OK;
}
