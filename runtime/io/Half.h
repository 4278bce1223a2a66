//===- Half.h - Numbers of 16 bits -------------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_RUNTIME_IO_HALF_H
#define MAD_RUNTIME_IO_HALF_H

#include <bit>
#include <cstdint>

namespace mad::io {

/// The f16 with these bits; every one is exact in f32.
inline float halfToFloat(uint16_t bits) {
  uint32_t sign = static_cast<uint32_t>(bits & 0x8000) << 16;
  uint32_t rest = static_cast<uint32_t>(bits & 0x7fff) << 13;
  // Scaling moves the exponent from the bias of f16 to that of f32 and makes
  // small numbers normal.
  float number = rest >= 0x0f800000 ? std::bit_cast<float>(rest | 0x7f800000)
                                    : std::bit_cast<float>(rest) * 0x1p112f;
  return std::bit_cast<float>(std::bit_cast<uint32_t>(number) | sign);
}

} // namespace mad::io

#endif // MAD_RUNTIME_IO_HALF_H
