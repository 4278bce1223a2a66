//===- TermTables.cpp - Sums of few terms each, as tables of one shape ------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Ode/Networks/TermTables.h"
#include <algorithm>
#include <numeric>

namespace mad::ode {

TermTables termTables(const std::vector<std::vector<std::pair<int32_t, int64_t>>> &sums,
                      int32_t zero) {
  TermTables found;
  std::vector<int32_t> byLength(sums.size());
  std::iota(byLength.begin(), byLength.end(), 0);
  std::stable_sort(byLength.begin(), byLength.end(), [&](int32_t x, int32_t y) {
    return sums[size_t(x)].size() > sums[size_t(y)].size();
  });
  found.order.resize(sums.size());
  for (size_t begin = 0; begin < byLength.size();) {
    size_t length = std::max<size_t>(sums[size_t(byLength[begin])].size(), 1), end = begin;
    while (end < byLength.size() &&
           4 * std::max<size_t>(sums[size_t(byLength[end])].size(), 1) >= 3 * length)
      ++end;
    TermTable &table = found.tables.emplace_back();
    table.sums.assign(byLength.begin() + long(begin), byLength.begin() + long(end));
    table.places.assign(length, std::vector<int32_t>(end - begin, zero));
    table.factors.assign(length, std::vector<int64_t>(end - begin, 0));
    for (size_t s = 0; s < table.sums.size(); ++s) {
      const auto &terms = sums[size_t(table.sums[s])];
      found.order[size_t(table.sums[s])] = int32_t(begin + s);
      for (size_t l = 0; l < terms.size(); ++l) {
        table.places[l][s] = terms[l].first;
        table.factors[l][s] = terms[l].second;
      }
    }
    begin = end;
  }
  return found;
}

} // namespace mad::ode
