//===- TensorMap.cpp - Boxes of a tensor -----------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "runtime/simt/TensorMap.h"
#include <cstring>

using namespace mad::simt;

const char *simt_tensor_map(void *map, uint32_t element_bytes, uint32_t rank, void *base,
                            const uint64_t *dims, const uint64_t *strides, const uint32_t *box,
                            simt_swizzle swizzle) {
  if (rank < 1 || rank > 5)
    return "the rank must be 1 to 5";
  if (element_bytes != 1 && element_bytes != 2 && element_bytes != 4 && element_bytes != 8)
    return "an element must have 1, 2, 4 or 8 bytes";
  if (reinterpret_cast<uintptr_t>(map) % 64 != 0)
    return "the map must be aligned to 64 bytes";
  if (reinterpret_cast<uintptr_t>(base) % 16 != 0)
    return "the tensor must be aligned to 16 bytes";
  TensorMap made{};
  made.magic = TensorMap::mark;
  made.rank = rank;
  made.elementBytes = element_bytes;
  made.swizzle = swizzle;
  made.base = static_cast<uint8_t *>(base);
  for (uint32_t i = 0; i < rank; ++i) {
    if (dims[i] == 0 || dims[i] > uint64_t(1) << 32)
      return "a dimension must be 1 to 2^32";
    if (box[i] == 0 || box[i] > 256)
      return "an edge of the box must be 1 to 256";
    if (i > 0 && (strides[i - 1] % 16 != 0 || strides[i - 1] >= uint64_t(1) << 40))
      return "strides must be multiples of 16 below 2^40";
    made.dims[i] = dims[i];
    made.box[i] = uint16_t(box[i]);
    if (i > 0)
      made.strides[i - 1] = strides[i - 1];
  }
  uint32_t row = box[0] * element_bytes;
  if (row % 16 != 0)
    return "a row of the box must have a multiple of 16 bytes";
  if (swizzle != SIMT_SWIZZLE_NONE && row > 16u << swizzle)
    return "a row of the box must not be wider than the swizzle";
  memset(map, 0, 128);
  memcpy(map, &made, sizeof made);
  return nullptr;
}
