//===- Numbers.h - Elements of matrices ------------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_RUNTIME_SIMT_NUMBERS_H
#define MAD_RUNTIME_SIMT_NUMBERS_H

#include <bit>
#include <cmath>
#include <cstdint>

namespace mad::simt {

inline double halfToDouble(uint16_t bits) { return double(std::bit_cast<_Float16>(bits)); }
inline uint16_t doubleToHalf(double x) { return std::bit_cast<uint16_t>(_Float16(float(x))); }
inline double bfloatToDouble(uint16_t bits) { return std::bit_cast<float>(uint32_t(bits) << 16); }
/// The tensor unit looks at the upper 19 bits only.
inline double tf32ToDouble(uint32_t bits) { return std::bit_cast<float>(bits & 0xffffe000u); }

/// Four bits exponent with bias 7, three of the mantissa, no infinity.
inline double e4m3ToDouble(uint8_t bits) {
  int exponent = bits >> 3 & 15, mantissa = bits & 7;
  if (exponent == 15 && mantissa == 7)
    return NAN;
  double x = exponent ? std::ldexp(8 + mantissa, exponent - 10) : std::ldexp(mantissa, -9);
  return bits & 0x80 ? -x : x;
}
/// The upper byte of a half.
inline double e5m2ToDouble(uint8_t bits) { return halfToDouble(uint16_t(bits) << 8); }

} // namespace mad::simt

#endif // MAD_RUNTIME_SIMT_NUMBERS_H
