//===- Conservation.cpp - What a network of reactions keeps -----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Gaussian elimination without fractions: each row is one of integers without a common divisor.
//
//===----------------------------------------------------------------------===//
#include "dialects/Ode/Networks/Conservation.h"
#include <algorithm>
#include <cstdlib>
#include <numeric>

namespace mad::ode {
namespace {

class Elimination {
public:
  explicit Elimination(int32_t species) : species(species), pivots(size_t(species)) {}

  bool add(Integers row);
  std::optional<std::vector<Integers>> laws();

private:
  std::optional<Integers> combined(const Integers &x, int64_t a, const Integers &y, int64_t b);
  std::optional<Integers> law(int32_t free);

  static constexpr int64_t maxWork = 300'000'000;
  int32_t species;
  std::vector<Integers> pivots; ///< by their first species; empty: there is none
  int64_t work = 0;
};

bool isWide(__int128 x) { return x > INT64_MAX || x < -INT64_MAX; }

__int128 divisorOf(__int128 a, __int128 b) {
  a = a < 0 ? -a : a;
  b = b < 0 ? -b : b;
  while (b != 0) {
    __int128 rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

/// Without a common divisor, the first number positive. Empty where one is too large.
std::optional<Integers> primitive(const std::vector<std::pair<int32_t, __int128>> &row) {
  __int128 divisor = 0;
  for (auto [at, number] : row)
    divisor = divisorOf(divisor, number);
  if (!row.empty() && row.front().second < 0)
    divisor = -divisor;
  Integers found;
  for (auto [at, number] : row) {
    if (isWide(number / divisor))
      return std::nullopt;
    found.emplace_back(at, int64_t(number / divisor));
  }
  return found;
}

/// a x + b y.
std::optional<Integers> Elimination::combined(const Integers &x, int64_t a, const Integers &y,
                                              int64_t b) {
  std::vector<std::pair<int32_t, __int128>> sum;
  work += int64_t(x.size() + y.size());
  auto i = x.begin(), j = y.begin();
  while (i != x.end() || j != y.end()) {
    bool first = j == y.end() || (i != x.end() && i->first <= j->first);
    bool second = i == x.end() || (j != y.end() && j->first <= i->first);
    int32_t at = first ? i->first : j->first;
    __int128 number = 0;
    if (first)
      number += __int128(a) * (i++)->second;
    if (second)
      number += __int128(b) * (j++)->second;
    if (number != 0)
      sum.emplace_back(at, number);
  }
  return primitive(sum);
}

/// False where numbers are too large or it takes too long.
bool Elimination::add(Integers row) {
  while (!row.empty()) {
    Integers &pivot = pivots[size_t(row.front().first)];
    if (pivot.empty()) {
      pivot = std::move(row);
      return true;
    }
    int64_t divisor = std::gcd(row.front().second, pivot.front().second);
    auto rest =
        combined(row, pivot.front().second / divisor, pivot, -(row.front().second / divisor));
    if (!rest || work > maxWork)
      return false;
    row = std::move(*rest);
  }
  return true;
}

/// The law in which one species without a pivot has a weight and the others of this kind do not.
std::optional<Integers> Elimination::law(int32_t free) {
  std::vector<__int128> weight(size_t(species), 0);
  weight[size_t(free)] = 1;
  for (int32_t at = free - 1; at >= 0; --at) {
    const Integers &row = pivots[size_t(at)];
    __int128 sum = 0;
    work += int64_t(row.size());
    for (auto [other, number] : row) {
      sum += number * weight[size_t(other)];
      if (isWide(sum))
        return std::nullopt;
    }
    if (sum == 0)
      continue;
    // All weights so far grow so that this one is whole.
    __int128 lead = row.front().second, factor = lead / divisorOf(lead, sum);
    factor = factor < 0 ? -factor : factor;
    if (factor != 1)
      for (__int128 &one : weight) {
        one *= factor;
        if (isWide(one))
          return std::nullopt;
      }
    weight[size_t(at)] = -(sum * factor) / lead;
  }
  if (work > maxWork)
    return std::nullopt;
  std::vector<std::pair<int32_t, __int128>> found;
  for (int32_t at = 0; at <= free; ++at)
    if (weight[size_t(at)] != 0)
      found.emplace_back(at, weight[size_t(at)]);
  return primitive(found);
}

size_t negatives(const Integers &law) {
  return size_t(std::count_if(law.begin(), law.end(), [](auto w) { return w.second < 0; }));
}

std::optional<std::vector<Integers>> Elimination::laws() {
  std::vector<Integers> found;
  for (int32_t at = 0; at < species; ++at) {
    if (!pivots[size_t(at)].empty())
      continue;
    std::optional<Integers> one = law(at);
    if (!one)
      return std::nullopt;
    found.push_back(std::move(*one));
  }
  // Sums of amounts say more than differences. Adding another law leaves a basis one.
  constexpr size_t maxLaws = 200;
  for (size_t i = 0; i < found.size() && found.size() <= maxLaws; ++i)
    for (size_t j = 0; j < found.size() && negatives(found[i]) > 0; ++j) {
      if (i == j || negatives(found[j]) > 0)
        continue;
      for (int64_t sign : {1, -1}) {
        int64_t times = 0;
        for (auto [at, number] : found[i]) {
          auto same = std::find_if(found[j].begin(), found[j].end(),
                                   [at = at](auto w) { return w.first == at; });
          if (sign * number < 0 && same != found[j].end())
            times = std::max(times, (-sign * number + same->second - 1) / same->second);
        }
        auto sum = times > 0 ? combined(found[i], sign, found[j], times) : std::nullopt;
        if (sum && negatives(*sum) < negatives(found[i]))
          found[i] = std::move(*sum);
      }
    }
  return found;
}

} // namespace

std::optional<std::vector<Integers>> conservationLaws(int32_t species,
                                                      const std::vector<Integers> &changes) {
  Elimination elimination(species);
  for (const Integers &change : changes)
    if (!elimination.add(change))
      return std::nullopt;
  return elimination.laws();
}

} // namespace mad::ode
