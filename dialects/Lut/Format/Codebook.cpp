//===- Codebook.cpp - Tables of values ------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Lut/Format/Scalars.h"

namespace mad::lut {

/// Rounds of Lloyd's algorithm at most; each makes the sum of squared errors smaller.
static constexpr int maxRounds = 100;

namespace {
/// Values in ascending order, and the sums of the first ones.
struct Sorted {
  explicit Sorted(std::vector<float> all) : values(std::move(all)), sums(values.size() + 1) {
    std::sort(values.begin(), values.end());
    for (size_t i = 0; i < values.size(); ++i)
      sums[i + 1] = sums[i] + double(values[i]);
  }
  /// How many are not above `limit`.
  size_t below(double limit) const {
    return size_t(std::upper_bound(values.begin(), values.end(), limit,
                                   [](double a, float b) { return a < double(b); }) -
                  values.begin());
  }
  std::vector<float> values;
  std::vector<double> sums;
};
} // namespace

/// 1-d k-means (Lloyd, 1982): begins with the middles of equal parts of the sorted values; a value
/// halfway between two centres belongs to the lower one; a centre without values stays.
static std::vector<float> kMeans(const Sorted &sorted, int levels) {
  size_t count = sorted.values.size();
  std::vector<double> centres(levels);
  for (int j = 0; j < levels; ++j)
    centres[j] = sorted.values[(2 * size_t(j) + 1) * count / (2 * size_t(levels))];
  std::vector<size_t> ends(levels), before;
  for (int round = 0; round < maxRounds && ends != before; ++round) {
    before = ends;
    for (int j = 0; j < levels; ++j)
      ends[j] = j + 1 < levels ? sorted.below((centres[j] + centres[j + 1]) / 2) : count;
    for (int j = 0; j < levels; ++j)
      if (size_t first = j ? ends[j - 1] : 0; ends[j] > first)
        centres[j] = (sorted.sums[ends[j]] - sorted.sums[first]) / double(ends[j] - first);
  }
  return {centres.begin(), centres.end()};
}

/// The table of some values: they themselves where there are few enough.
static bool tableOf(const Sorted &sorted, int levels, Mode mode, std::vector<float> &table,
                    size_t &different) {
  table = sorted.values;
  table.erase(std::unique(table.begin(), table.end()), table.end());
  different = table.size();
  if (different <= size_t(levels)) {
    table.resize(levels, table.empty() ? 0.0f : table.back());
    return true;
  }
  if (mode == Mode::Exact)
    return false;
  table = kMeans(sorted, levels);
  return true;
}

static uint8_t nearest(const std::vector<float> &table, float value) {
  auto above = std::lower_bound(table.begin(), table.end(), value);
  if (above == table.begin())
    return 0;
  auto under = above - 1;
  if (above == table.end() || double(value) <= (double(*under) + double(*above)) / 2)
    above = under;
  // Entries may be equal: the first of them.
  return uint8_t(std::lower_bound(table.begin(), table.end(), *above) - table.begin());
}

bool encodeCodebook(const Format &format, const Matrix &matrix, Mode mode, float *into) {
  bool whole = format.group == Format::wholeTensor;
  int64_t columns = whole ? 1 : matrix.m, levels = format.levels();
  for (int64_t column = 0; column < columns; ++column) {
    std::vector<float> values;
    for (int64_t i = whole ? 0 : column; i < matrix.k * matrix.m; i += whole ? 1 : matrix.m)
      values.push_back(matrix.values[i] + 0.0f); // no -0
    std::vector<float> table;
    size_t different;
    if (!tableOf(Sorted(values), int(levels), mode, table, different)) {
      *matrix.error = "the elements " + Group{0, matrix.k, whole ? -1 : column}.str() + " have " +
                      std::to_string(different) + " different values, and the table has " +
                      std::to_string(levels);
      return false;
    }
    for (int64_t j = 0; j < levels; ++j)
      into[j * columns + column] = table[j];
    for (int64_t i = whole ? 0 : column; i < matrix.k * matrix.m; i += whole ? 1 : matrix.m)
      matrix.codes[i] = nearest(table, matrix.values[i]);
  }
  return true;
}

} // namespace mad::lut
