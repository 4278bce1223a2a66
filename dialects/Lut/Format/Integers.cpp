//===- Integers.cpp - Integers with a scale a group -----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Lut/Format/Grid.h"
#include "dialects/Lut/Format/Scalars.h"

namespace mad::lut {

namespace {

Range rangeOf(const Matrix &matrix, const Group &group) {
  Range range;
  for (int64_t i = group.from; i < group.to; ++i)
    range.add(matrix.values[i * matrix.m + group.column]);
  return range;
}

float scaleOf(const Format &format, float scale) {
  return format.half ? floatOf(halfOf(scale)) : roundedScale(scale);
}

int zeroOf(float low, float scale, int last) {
  return scale > 0 ? int(std::clamp(std::nearbyintf(-low / scale), 0.0f, float(last))) : 0;
}

} // namespace

Grid roundingGrid(const Format &format, const Range &range, int64_t count) {
  Grid grid;
  grid.last = (1 << format.bits) - 1;
  if (format.affine) {
    grid.scale = scaleOf(format, (range.high - range.low) / float(grid.last));
    grid.zero = zeroOf(range.low, grid.scale, grid.last);
  } else if (format.bits == 1) {
    grid.signs = true;
    grid.scale = scaleOf(format, float(range.sum) / float(std::max<int64_t>(count, 1)));
  } else {
    grid.zero = 1 << (format.bits - 1);
    grid.scale = scaleOf(format, range.largest / float(grid.zero - 1));
  }
  return grid;
}

namespace {

bool holds(const Matrix &matrix, const Group &group, const Grid &grid) {
  if (grid.zero > grid.last || !std::isfinite(grid.scale))
    return false;
  for (int64_t i = group.from; i < group.to; ++i) {
    float value = matrix.values[i * matrix.m + group.column];
    if (grid.value(grid.code(value)) != value)
      return false;
  }
  return true;
}

/// A grid that has all values of a group: the range is some number of its steps. The roundings of
/// products hide the last bit of the scale, so its neighbours are tried, too. Symmetric codes go
/// one step further down than up, so a scale may be negative.
bool exactGrid(const Format &format, const Matrix &matrix, const Group &group, Grid &grid) {
  Range range = rangeOf(matrix, group);
  grid = roundingGrid(format, range, group.to - group.from);
  if (holds(matrix, group, grid))
    return true;
  if (grid.signs) {
    grid.scale = stored(format, range.largest);
    return holds(matrix, group, grid);
  }
  float span = format.affine ? range.high - range.low : range.largest;
  for (int steps = format.affine ? grid.last : grid.zero; steps > 0; --steps) {
    float scale = span / float(steps);
    for (float candidate : {scale, std::nextafterf(scale, 0), std::nextafterf(scale, INFINITY)}) {
      grid.scale = stored(format, candidate);
      if (format.affine)
        grid.zero = zeroOf(range.low, grid.scale, grid.last);
      if (holds(matrix, group, grid))
        return true;
      grid.scale = -grid.scale;
      if (!format.affine && holds(matrix, group, grid))
        return true;
    }
  }
  return false;
}

} // namespace

static void store(const Matrix &matrix, const Group &group, int64_t number, const Grid &grid) {
  int64_t at = number * matrix.m + group.column;
  matrix.scales[at] = grid.scale;
  if (matrix.zeros)
    matrix.zeros[at] = uint8_t(grid.zero);
  for (int64_t i = group.from; i < group.to; ++i)
    matrix.codes[i * matrix.m + group.column] =
        grid.code(matrix.values[i * matrix.m + group.column]);
}

bool encodeInt(const Format &format, const Matrix &matrix, Mode mode) {
  int64_t length = format.groupLength(matrix.k);
  for (int64_t number = 0; number < format.groups(matrix.k); ++number)
    for (int64_t column = 0; column < matrix.m; ++column) {
      Group group{number * length, std::min(matrix.k, (number + 1) * length), column};
      Grid grid;
      if (mode == Mode::Round)
        grid = roundingGrid(format, rangeOf(matrix, group), group.to - group.from);
      else if (!exactGrid(format, matrix, group, grid)) {
        *matrix.error =
            "the elements " + group.str() + " are not " +
            (grid.signs ? "a scale and its negative"
             : format.affine
                 ? "multiples of one scale within " + std::to_string(grid.last) + " steps"
                 : "multiples of one scale from " + std::to_string(-(1 << (format.bits - 1))) +
                       " to " + std::to_string((1 << (format.bits - 1)) - 1));
        return false;
      }
      store(matrix, group, number, grid);
    }
  return true;
}

} // namespace mad::lut
