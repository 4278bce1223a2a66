//===- Grid.h - The integers that a group of elements is rounded to ---------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_LUT_FORMAT_GRID_H
#define MAD_DIALECTS_LUT_FORMAT_GRID_H

#include "dialects/Lut/Format/Format.h"
#include <algorithm>
#include <cmath>

namespace mad::lut {

/// What a group of one column needs to know of its elements.
struct Range {
  float low = 0, high = 0; ///< with 0 between them
  float largest = 0;       ///< absolute
  double sum = 0;          ///< of absolute values

  void add(float value) {
    low = std::min(low, value);
    high = std::max(high, value);
    largest = std::max(high, -low);
    sum += std::fabs(value);
  }
};

/// Codes of a group: `value = scale * (code - zero)`; of one bit `scale * (2 code - 1)`.
struct Grid {
  float scale = 0;
  int zero = 0, last = 0; ///< codes are 0..last
  bool signs = false;

  uint8_t code(float value) const {
    if (signs)
      return value >= 0;
    if (scale == 0)
      return uint8_t(zero);
    float nearest = std::nearbyintf(value / scale);
    return uint8_t(std::clamp(nearest + float(zero), 0.0f, float(last)));
  }
  float value(uint8_t code) const { return scale * float(signs ? 2 * code - 1 : int(code) - zero); }
};

/// Round to nearest: `absmax / (2^(bits - 1) - 1)`, or `(max - min) / (2^bits - 1)`, or, of one bit
/// without a zero point, signs and the mean of the absolute values.
Grid roundingGrid(const Format &format, const Range &range, int64_t count);

} // namespace mad::lut

#endif // MAD_DIALECTS_LUT_FORMAT_GRID_H
