//===- SortedValues.cpp - Values in ascending order, and their sums --------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Lut/Format/SortedValues.h"
#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <utility>

namespace mad::lut {

/// Sums are kept of so many values together: what lies between is added when it is asked for.
static constexpr size_t block = 16;
/// Fewer values are sorted by comparing them.
static constexpr size_t fewest = 2048;
/// Keys are sorted by three digits of these bits.
static constexpr int digitBits = 11, digits = 3;

namespace {
using Counts = std::array<size_t, size_t(1) << digitBits>;

/// An integer without a sign that is ordered as the floats are.
uint32_t keyOf(float value) {
  auto bits = std::bit_cast<uint32_t>(value);
  return bits >> 31 ? ~bits : bits | 0x80000000u;
}

uint32_t digitOf(uint32_t key, int digit) {
  return key >> (digit * digitBits) & ((1u << digitBits) - 1);
}
} // namespace

/// Radix sort from the last digit on: reads and writes all values once for each.
static void radixSort(std::vector<float> &values, std::vector<float> &spare) {
  std::vector<Counts> starts(digits, Counts{});
  for (float value : values) {
    const uint32_t key = keyOf(value);
    for (int digit = 0; digit < digits; ++digit)
      ++starts[digit][digitOf(key, digit)];
  }
  spare.resize(values.size());
  for (int digit = 0; digit < digits; ++digit) {
    Counts &start = starts[digit];
    size_t at = 0;
    for (size_t &count : start)
      at += std::exchange(count, at);
    float *to = spare.data();
    for (float value : values)
      to[start[digitOf(keyOf(value), digit)]++] = value;
    values.swap(spare);
  }
}

void SortedValues::sort() {
  if (values.size() < fewest)
    std::sort(values.begin(), values.end());
  else
    radixSort(values, spare);
  sums.clear();
  double sum = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    if (i % block == 0)
      sums.push_back(sum);
    sum += double(values[i]);
  }
  sums.push_back(sum);
}

size_t SortedValues::below(double limit, size_t near) const {
  // Steps that double, until it lies between.
  size_t first = std::min(near, values.size()), last = first;
  for (size_t step = 1; first > 0 && double(values[first - 1]) > limit; step *= 2)
    last = first - 1, first -= std::min(step, first);
  for (size_t step = 1; last < values.size() && double(values[last]) <= limit; step *= 2)
    first = last + 1, last += std::min(step, values.size() - last);
  return size_t(std::upper_bound(values.begin() + first, values.begin() + last, limit,
                                 [](double a, float b) { return a < double(b); }) -
                values.begin());
}

double SortedValues::sum(size_t count) const {
  double sum = sums[count / block];
  for (size_t i = count / block * block; i < count; ++i)
    sum += double(values[i]);
  return sum;
}

std::vector<float> SortedValues::different(size_t most) const {
  std::vector<float> found;
  for (auto at = values.begin(); at != values.end() && found.size() < most;
       at = std::upper_bound(at, values.end(), *at))
    found.push_back(*at);
  return found;
}

size_t SortedValues::countDifferent() const {
  size_t count = values.empty() ? 0 : 1;
  for (size_t i = 1; i < values.size(); ++i)
    count += values[i] != values[i - 1];
  return count;
}

} // namespace mad::lut
