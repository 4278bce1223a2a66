//===- TensorMap.h - Boxes of a tensor -------------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_RUNTIME_SIMT_TENSORMAP_H
#define MAD_RUNTIME_SIMT_TENSORMAP_H

#include "runtime/simt/simt.h"

namespace mad::simt {

/// What the 128 bytes of a tensor map hold here.
struct TensorMap {
  static constexpr uint32_t mark = 0x4d414454;
  uint32_t magic, rank; ///< `mark`; 0: not a tensor map
  uint32_t elementBytes, swizzle;
  uint8_t *base;
  uint64_t dims[5];
  uint64_t strides[4];
  uint16_t box[5];

  uint32_t boxBytes() const {
    uint32_t bytes = elementBytes;
    for (uint32_t i = 0; i < rank; ++i)
      bytes *= box[i];
    return bytes;
  }
  /// From one row of a box to the next in shared memory: narrow rows lie as wide as the swizzle.
  uint32_t pitch() const {
    return swizzle == SIMT_SWIZZLE_NONE ? box[0] * elementBytes : 16u << swizzle;
  }
  /// Of shared memory, with what lies between narrow rows.
  uint32_t extent() const { return boxBytes() / (box[0] * elementBytes) * pitch(); }
  uint32_t alignment() const { return swizzle == SIMT_SWIZZLE_NONE ? 128 : 128u << swizzle; }

  /// Calls `part(shared, global, bytes)` with pieces of the rows of the box at `at`: the
  /// offset from the start of the box without swizzle, and the address, null outside
  /// the tensor.
  template <typename F> void forPieces(const int32_t *at, F part) const {
    uint32_t rowBytes = box[0] * elementBytes, rows = boxBytes() / rowBytes;
    for (uint32_t row = 0; row < rows; ++row) {
      uint8_t *global = base;
      bool inside = true;
      uint32_t rest = row;
      for (uint32_t d = 1; d < rank; ++d) {
        int64_t x = int64_t(at[d]) + rest % box[d];
        rest /= box[d];
        inside &= x >= 0 && uint64_t(x) < dims[d];
        global += inside ? x * int64_t(strides[d - 1]) : 0;
      }
      auto clamp = [&](int64_t x) { return x < 0 ? 0 : x > box[0] ? int64_t(box[0]) : x; };
      int64_t first = clamp(-int64_t(at[0])), end = clamp(int64_t(dims[0]) - at[0]);
      if (!inside || end < first)
        first = end = inside ? clamp(end) : 0;
      uint32_t from = row * pitch(), low = uint32_t(first) * elementBytes,
               high = uint32_t(end) * elementBytes;
      if (low > 0)
        part(from, static_cast<uint8_t *>(nullptr), low);
      if (high > low)
        part(from + low, global + (at[0] + first) * elementBytes, high - low);
      if (high < rowBytes)
        part(from + high, static_cast<uint8_t *>(nullptr), rowBytes - high);
    }
  }
};
static_assert(sizeof(TensorMap) <= 128);

/// Where the hardware puts a byte: chunks of 16 bytes change places within the rows of
/// the swizzle (1: 32, 2: 64, 3: 128 bytes). Works on the address in shared memory.
inline uint32_t swizzled(uint32_t address, uint32_t swizzle) {
  uint32_t mask = (1u << swizzle) - 1;
  return address ^ ((address >> 7 & mask) << 4);
}

} // namespace mad::simt

#endif // MAD_RUNTIME_SIMT_TENSORMAP_H
