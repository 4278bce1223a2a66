//===- NarrowFloats.h - Rounding to f16 and bf16 ----------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// On numbers held in f64: for the reference evaluation and for constants of
// programs. Neither MLIR nor LLVM here.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_MAD_IR_NARROWFLOATS_H
#define MAD_DIALECTS_MAD_IR_NARROWFLOATS_H

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

namespace mad {

/// The nearest number with `precision` bits, ties to even, whose unit is at least
/// that of the binary exponent `least`; infinity beyond `greatest`.
inline double roundTo(double value, int precision, int least, double greatest) {
  if (value == 0 || !std::isfinite(value))
    return value;
  int exponent;
  std::frexp(value, &exponent);
  int unit = std::max(exponent, least) - precision;
  // Scaling by a power of two is exact here, and a process rounds to nearest even.
  double nearest = std::ldexp(std::nearbyint(std::ldexp(value, -unit)), unit);
  return std::fabs(nearest) > greatest
             ? std::copysign(std::numeric_limits<double>::infinity(), value)
             : nearest;
}
inline double roundToF16(double value) { return roundTo(value, 11, -13, 65504.0); }
inline double roundToBF16(double value) { return roundTo(value, 8, -125, 0x1.FEp127); }

/// An integer on its way to f16 or bf16. Where f64 lacks bits they become one, so
/// that the second rounding is that of the integer itself.
inline double sticky(int64_t value) {
  bool exact = value >= -(int64_t(1) << 53) && value <= int64_t(1) << 53;
  if (!exact && (value & 0xFFF))
    value = (value & ~int64_t(0xFFF)) | 0x800;
  return static_cast<double>(value);
}

} // namespace mad

#endif // MAD_DIALECTS_MAD_IR_NARROWFLOATS_H
