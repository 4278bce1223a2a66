//===- Colouring.cpp - Columns that can be computed together ---------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/Derivatives/Sparsity.h"

#include <algorithm>
#include <numeric>

namespace mad {

int64_t Sparsity::entries() const {
  int64_t count = 0;
  for (const std::vector<int32_t> &row : rows)
    count += int64_t(row.size());
  return count;
}

Colouring colourColumns(const Sparsity &sparsity) {
  size_t columns = size_t(sparsity.columns);
  std::vector<std::vector<int32_t>> rowsOf(columns);
  for (size_t row = 0; row < sparsity.rows.size(); ++row)
    for (int32_t column : sparsity.rows[row])
      rowsOf[column].push_back(int32_t(row));
  // The last column for which another one was seen.
  std::vector<int32_t> seen(columns, -1);
  auto eachNeighbour = [&](int32_t column, auto visit) {
    seen[column] = column;
    for (int32_t row : rowsOf[column])
      for (int32_t other : sparsity.rows[row])
        if (seen[other] != column) {
          seen[other] = column;
          visit(other);
        }
  };
  std::vector<int32_t> degree(columns), order(columns);
  for (size_t column = 0; column < columns; ++column)
    eachNeighbour(int32_t(column), [&](int32_t) { ++degree[column]; });
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int32_t a, int32_t b) { return degree[a] > degree[b]; });

  Colouring result;
  result.colours.assign(columns, -1);
  std::fill(seen.begin(), seen.end(), -1);
  std::vector<int32_t> takenBy(columns, -1); // of each colour, the last column that cannot have it
  for (int32_t column : order) {
    eachNeighbour(column, [&](int32_t other) {
      if (result.colours[other] >= 0)
        takenBy[result.colours[other]] = column;
    });
    int32_t colour = 0;
    while (takenBy[colour] == column)
      ++colour;
    result.colours[column] = colour;
    result.count = std::max(result.count, colour + 1);
  }
  return result;
}

} // namespace mad
