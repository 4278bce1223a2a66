//===- Ternary.cpp - Minus a scale, nothing, a scale ----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Lut/Format/Scalars.h"

namespace mad::lut {

template <typename Visit>
static void eachElement(const Matrix &matrix, const Group &group, Visit visit) {
  bool all = group.column < 0;
  for (int64_t i = group.from; i < group.to; ++i)
    for (int64_t j = all ? 0 : group.column; j < (all ? matrix.m : group.column + 1); ++j)
      visit(i * matrix.m + j);
}

/// The mean of the absolute values, of BitNet b1.58 (Ma et al., 2024); exactly, and of elements
/// that are -s, 0 or s already: the largest one.
static float scaleOf(const Format &format, const Matrix &matrix, const Group &group, Mode mode) {
  double sum = 0;
  float largest = 0;
  int64_t count = 0;
  eachElement(matrix, group, [&](int64_t at) {
    sum += std::fabs(matrix.values[at]);
    largest = std::max(largest, std::fabs(matrix.values[at]));
    ++count;
  });
  bool isTernary = stored(format, largest) == largest;
  eachElement(matrix, group, [&](int64_t at) {
    float size = std::fabs(matrix.values[at]);
    isTernary &= size == 0 || size == largest;
  });
  if (mode == Mode::Exact || isTernary)
    return stored(format, largest);
  return stored(format, float(sum) / float(std::max<int64_t>(count, 1)));
}

static bool encodeGroup(const Format &format, const Matrix &matrix, const Group &group, Mode mode,
                        float &scale) {
  scale = scaleOf(format, matrix, group, mode);
  bool good = true;
  eachElement(matrix, group, [&](int64_t at) {
    float value = matrix.values[at];
    float nearest = scale > 0 ? std::clamp(std::nearbyintf(value / scale), -1.0f, 1.0f) : 0.0f;
    matrix.codes[at] = uint8_t(nearest + 1);
    good &= mode == Mode::Round || scale * nearest == value;
  });
  if (!good)
    *matrix.error = "the elements " + group.str() + " are not all -s, 0 or s of one scale s";
  return good;
}

bool encodeTernary(const Format &format, const Matrix &matrix, Mode mode) {
  if (format.group == Format::wholeTensor)
    return encodeGroup(format, matrix, {0, matrix.k, -1}, mode, *matrix.scales);
  int64_t length = format.groupLength(matrix.k);
  for (int64_t number = 0; number < format.groups(matrix.k); ++number)
    for (int64_t column = 0; column < matrix.m; ++column) {
      Group group{number * length, std::min(matrix.k, (number + 1) * length), column};
      float &scale = matrix.scales[number * matrix.m + column];
      if (!encodeGroup(format, matrix, group, mode, scale))
        return false;
    }
  return true;
}

} // namespace mad::lut
