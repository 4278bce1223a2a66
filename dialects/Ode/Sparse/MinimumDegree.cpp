//===- MinimumDegree.cpp - An order with little fill ------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Ode/Sparse/SparseLu.h"
#include <algorithm>
#include <set>

namespace mad::ode {

/// Both directions, no loops.
static std::vector<Numbers> symmetric(const SparsePattern &pattern) {
  std::vector<Numbers> found(size_t(pattern.size()));
  for (int32_t row = 0; row < pattern.size(); ++row)
    for (int32_t i = pattern.starts[size_t(row)]; i < pattern.starts[size_t(row) + 1]; ++i) {
      int32_t column = pattern.columns[size_t(i)];
      if (column == row)
        continue;
      found[size_t(row)].push_back(column);
      found[size_t(column)].push_back(row);
    }
  for (Numbers &all : found) {
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
  }
  return found;
}

Numbers minimumDegree(const SparsePattern &pattern) {
  std::vector<Numbers> neighbours = symmetric(pattern);
  std::set<std::pair<size_t, int32_t>> next;
  for (int32_t row = 0; row < pattern.size(); ++row)
    next.emplace(neighbours[size_t(row)].size(), row);
  Numbers order, joined;
  while (!next.empty()) {
    auto [degree, row] = *next.begin();
    // Where each has all others as neighbours, any order is as good.
    if (degree + 1 == next.size()) {
      for (auto [others, one] : next)
        order.push_back(one);
      break;
    }
    next.erase(next.begin());
    order.push_back(row);
    const Numbers clique = std::move(neighbours[size_t(row)]);
    for (int32_t one : clique) {
      Numbers &own = neighbours[size_t(one)];
      next.erase({own.size(), one});
      joined.clear();
      std::set_union(own.begin(), own.end(), clique.begin(), clique.end(),
                     std::back_inserter(joined));
      own.clear();
      std::copy_if(joined.begin(), joined.end(), std::back_inserter(own),
                   [row = row, one](int32_t other) { return other != one && other != row; });
      next.emplace(own.size(), one);
    }
  }
  return order;
}

} // namespace mad::ode
