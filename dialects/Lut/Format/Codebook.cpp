//===- Codebook.cpp - Tables of values ------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Lut/Format/Scalars.h"
#include "dialects/Lut/Format/SortedValues.h"
#include "dialects/Lut/Format/Threads.h"

namespace mad::lut {

/// Rounds of Lloyd's algorithm at most; each makes the sum of squared errors smaller.
static constexpr int maxRounds = 100;

/// 1-d k-means (Lloyd, 1982): begins with the middles of equal parts of the sorted values; a value
/// halfway between two centres belongs to the lower one; a centre without values stays.
static std::vector<float> kMeans(const SortedValues &sorted, int levels) {
  size_t count = sorted.size();
  std::vector<double> centres(levels);
  for (int j = 0; j < levels; ++j)
    centres[j] = sorted[(2 * size_t(j) + 1) * count / (2 * size_t(levels))];
  std::vector<size_t> ends(levels), before;
  std::vector<double> sums(levels); // up to each end
  for (int round = 0; round < maxRounds && ends != before; ++round) {
    before = ends;
    for (int j = 0; j < levels; ++j) {
      const size_t near = round ? ends[j] : (size_t(j) + 1) * count / size_t(levels);
      ends[j] = j + 1 < levels ? sorted.below((centres[j] + centres[j + 1]) / 2, near) : count;
      if (ends[j] != before[j])
        sums[j] = sorted.sum(ends[j]);
    }
    for (int j = 0; j < levels; ++j)
      if (size_t first = j ? ends[j - 1] : 0; ends[j] > first)
        centres[j] = (sums[j] - (j ? sums[j - 1] : 0)) / double(ends[j] - first);
  }
  return {centres.begin(), centres.end()};
}

/// The table of some values: they themselves where there are few enough. False where a table has
/// to hold them, and they are more.
static bool tableOf(const SortedValues &sorted, int levels, Mode mode, std::vector<float> &table) {
  table = sorted.different(size_t(levels) + 1);
  if (table.size() <= size_t(levels)) {
    table.resize(levels, table.empty() ? 0.0f : table.back());
    return true;
  }
  if (mode == Mode::Exact)
    return false;
  table = kMeans(sorted, levels);
  return true;
}

namespace {
/// The codes of values: the nearest entries, of two the lower one, and of equal ones the first. A
/// search would branch on what cannot be foretold. Here a value lies in one of equal parts of the
/// range, and most parts are on one side of all limits.
class Nearest {
public:
  explicit Nearest(const std::vector<float> &table)
      : limits(table.size() - 1), first(table.size()), ends(partsOfEntry * table.size()) {
    for (size_t j = 0; j < limits.size(); ++j)
      limits[j] = notAbove((double(table[j]) + double(table[j + 1])) / 2);
    for (size_t j = 1; j < table.size(); ++j)
      first[j] = table[j] == table[j - 1] ? first[j - 1] : uint8_t(j);
    least = limits.front();
    const double range = double(limits.back()) - least;
    scale = range > 0 ? double(ends.size() - 1) / range : 0;
    for (float limit : limits)
      ++ends[partOf(limit)];
    uint8_t sum = 0;
    for (uint8_t &end : ends)
      end = sum += end;
  }
  uint8_t operator()(float value) const {
    const size_t part = partOf(value);
    const float *from = limits.data() + (part ? ends[part - 1] : 0);
    const float *end = limits.data() + ends[part];
    return first[std::lower_bound(from, end, value) - limits.data()];
  }

private:
  static constexpr size_t partsOfEntry = 16;
  /// Of two values the larger one is in no lower part.
  size_t partOf(float value) const {
    const double at = (double(value) - least) * scale;
    return at > 0 ? size_t(std::min(at, double(ends.size() - 1))) : 0;
  }
  /// The largest float that is not above a number: a float is above both or neither.
  static float notAbove(double number) {
    auto near = float(number);
    return double(near) > number ? std::nextafter(near, -INFINITY) : near;
  }

  std::vector<float> limits; ///< between entries
  std::vector<uint8_t> first;
  std::vector<uint8_t> ends; ///< of each part: limits in it and before
  double least, scale;
};

/// Columns that are encoded together: a line of the cache has so many floats.
constexpr int64_t panel = 16;
/// Elements that one thread gives codes at a time.
constexpr int64_t piece = int64_t(1) << 18;

/// Tables of all columns of a matrix, or of the whole.
class Encoder {
public:
  Encoder(const Format &format, const Matrix &matrix, Mode mode, float *into)
      : levels(int(format.levels())), matrix(matrix), mode(mode), into(into) {}

  bool whole();
  bool columns();

private:
  bool panelOf(int64_t from, int64_t to, int64_t &failed, size_t &different) const;
  bool fail(int64_t column, size_t different) const;

  int levels;
  const Matrix &matrix;
  Mode mode;
  float *into;
};
} // namespace

bool Encoder::fail(int64_t column, size_t different) const {
  *matrix.error = "the elements " + Group{0, matrix.k, column}.str() + " have " +
                  std::to_string(different) + " different values, and the table has " +
                  std::to_string(levels);
  return false;
}

bool Encoder::whole() {
  const int64_t count = matrix.k * matrix.m;
  std::vector<float> table;
  {
    SortedValues sorted;
    float *values = sorted.room(size_t(count));
    for (int64_t i = 0; i < count; ++i)
      values[i] = matrix.values[i] + 0.0f; // no -0
    sorted.sort();
    if (!tableOf(sorted, levels, mode, table))
      return fail(-1, sorted.countDifferent());
  }
  std::copy(table.begin(), table.end(), into);
  const Nearest nearest(table);
  inThreads((count + piece - 1) / piece, [&](int64_t number) {
    const int64_t end = std::min(count, (number + 1) * piece);
    for (int64_t i = number * piece; i < end; ++i)
      matrix.codes[i] = nearest(matrix.values[i]);
  });
  return true;
}

/// Some columns. False with the first one that no table holds.
bool Encoder::panelOf(int64_t from, int64_t to, int64_t &failed, size_t &different) const {
  const int64_t k = matrix.k, m = matrix.m, width = to - from;
  std::vector<float> turned(size_t(width * k)), table;
  for (int64_t row = 0; row < k; ++row)
    for (int64_t column = 0; column < width; ++column)
      turned[column * k + row] = matrix.values[row * m + from + column] + 0.0f; // no -0
  std::vector<uint8_t> codes(turned.size());
  SortedValues sorted;
  for (int64_t column = 0; column < width; ++column) {
    const float *values = turned.data() + column * k;
    std::copy_n(values, k, sorted.room(size_t(k)));
    sorted.sort();
    if (!tableOf(sorted, levels, mode, table)) {
      failed = from + column, different = sorted.countDifferent();
      return false;
    }
    for (int j = 0; j < levels; ++j)
      into[j * m + from + column] = table[j];
    const Nearest nearest(table);
    for (int64_t row = 0; row < k; ++row)
      codes[column * k + row] = nearest(values[row]);
  }
  for (int64_t row = 0; row < k; ++row)
    for (int64_t column = 0; column < width; ++column)
      matrix.codes[row * m + from + column] = codes[column * k + row];
  return true;
}

bool Encoder::columns() {
  const int64_t panels = (matrix.m + panel - 1) / panel;
  std::vector<int64_t> failed(size_t(panels), -1);
  std::vector<size_t> different(size_t(panels), 0);
  inThreads(panels, [&](int64_t number) {
    panelOf(number * panel, std::min(matrix.m, (number + 1) * panel), failed[number],
            different[number]);
  });
  for (int64_t number = 0; number < panels; ++number)
    if (failed[number] >= 0)
      return fail(failed[number], different[number]);
  return true;
}

bool encodeCodebook(const Format &format, const Matrix &matrix, Mode mode, float *table) {
  Encoder encoder(format, matrix, mode, table);
  return format.group == Format::wholeTensor ? encoder.whole() : encoder.columns();
}

} // namespace mad::lut
