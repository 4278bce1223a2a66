/*===- orders.c - In which order a file has a weight ----------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===*/
#include "runtime/core/orders.h"
#include "runtime/core/panels.h"

/* Panels of a weight: of which dimension, how wide, and how rows are woven. */
typedef struct order {
  int32_t axis;
  int64_t panel, weave;
} order;

static order ofWeight(const mad_weight *weight) {
  const order found = {weight->axis, weight->panel, weight->weave};
  return found;
}

static order ofStored(const mad_weight *weight, const mad_stored *stored) {
  if (!stored->panels)
    return ofWeight(weight);
  const order found = {(int32_t)stored->panels - 1,
                       stored->shape[stored->rank - 1] / (stored->weave ? 4 : 1), stored->weave};
  return found;
}

static mad_panels matrixOf(const mad_weight *weight, order in, int *transposed) {
  return mad_panels_of(weight->shape, weight->rank, in.axis, in.panel, in.weave,
                       mad_dtype_size(weight->dtype), transposed);
}

int mad_order_known(const mad_weight *weight, const mad_stored *stored) {
  const int32_t rank = weight->rank;
  const order in = ofStored(weight, stored);
  if (in.panel <= 0 || rank < 2 || stored->rank != (uint32_t)rank + 1 || in.axis >= rank)
    return 0;
  const int last = in.axis == rank - 1;
  const int64_t woven = in.weave ? 4 : 1; /* rows that are one of woven panels */
  const int32_t layers = last ? rank - 2 : in.axis;
  const int64_t columns = weight->shape[in.axis];
  if (in.weave && weight->shape[rank - 2] % (4 * in.weave) != 0)
    return 0;
  for (int32_t i = 0; i < layers; ++i)
    if (stored->shape[i] != weight->shape[i])
      return 0;
  if (stored->shape[layers] != columns / in.panel + (columns % in.panel != 0) ||
      stored->shape[rank] != in.panel * woven)
    return 0;
  for (int32_t i = layers + 1; i < rank; ++i)
    if (stored->shape[i] > INT64_MAX / woven ||
        stored->shape[i] * woven != weight->shape[last ? i - 1 : i])
      return 0;
  return 1;
}

int mad_order_same(const mad_weight *weight, const mad_stored *stored) {
  const order in = ofStored(weight, stored), needed = ofWeight(weight);
  return in.axis == needed.axis && in.panel == needed.panel && in.weave == needed.weave;
}

uint64_t mad_order_plain_bytes(const mad_weight *weight) {
  return mad_stored_bytes(weight->shape, (uint32_t)weight->rank, weight->dtype);
}

void mad_order_pack(const mad_weight *weight, char *to, const char *from, int transposed) {
  int columns = 0;
  const mad_panels matrix = matrixOf(weight, ofWeight(weight), &columns);
  const uint64_t packed = mad_panels_bytes(&matrix);
  const uint64_t plain = (uint64_t)matrix.rows * (uint64_t)matrix.columns * matrix.size;
  for (uint64_t done = 0; done < weight->bytes; done += packed, from += plain)
    mad_panels_pack(&matrix, to + done, from, columns != transposed);
}

void mad_order_unpack(const mad_weight *weight, const mad_stored *stored, char *to,
                      const char *from) {
  int columns = 0;
  const mad_panels matrix = matrixOf(weight, ofStored(weight, stored), &columns);
  const uint64_t packed = mad_panels_bytes(&matrix);
  const uint64_t plain = (uint64_t)matrix.rows * (uint64_t)matrix.columns * matrix.size;
  for (uint64_t done = 0; done < stored->bytes; done += packed, to += plain)
    mad_panels_unpack(&matrix, to, from + done, columns);
}

const char *mad_order_fault(const mad_stored *stored) {
  if (!stored->panels)
    return stored->weave ? "a weight is woven, but not in panels" : NULL;
  /* The dimensions of the weight are one less. */
  if (stored->rank < 3 || stored->panels >= stored->rank || stored->dtype == MAD_BOOL ||
      stored->shape[stored->rank - 1] < 1)
    return "a weight lies in panels that there are not";
  if (stored->weave &&
      (stored->weave > 8 || stored->panels != stored->rank - 1 ||
       mad_dtype_size(stored->dtype) != 1 || stored->shape[stored->rank - 1] != 256))
    return "a weight is woven as none is";
  return NULL;
}
