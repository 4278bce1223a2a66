//===- SortedValues.h - Values in ascending order, and their sums -*- C++ -*-===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_LUT_FORMAT_SORTEDVALUES_H
#define MAD_DIALECTS_LUT_FORMAT_SORTEDVALUES_H

#include <cstddef>
#include <vector>

namespace mad::lut {

/// Finite values in ascending order, and the sums of the first ones. Memory is kept for the next.
class SortedValues {
public:
  /// Room for so many values, which are to be written; then `sort` them.
  float *room(size_t count) {
    values.resize(count);
    return values.data();
  }
  void sort();

  size_t size() const { return values.size(); }
  float operator[](size_t i) const { return values[i]; }
  /// How many are not above `limit`; quick where that is about `near`.
  size_t below(double limit, size_t near) const;
  /// The sum of the first ones, added one after the other.
  double sum(size_t count) const;
  /// The first different ones, at most so many.
  std::vector<float> different(size_t most) const;
  size_t countDifferent() const;

private:
  std::vector<float> values, spare;
  std::vector<double> sums; ///< of the first 0, `block`, 2 `block`, ...
};

} // namespace mad::lut

#endif // MAD_DIALECTS_LUT_FORMAT_SORTEDVALUES_H
