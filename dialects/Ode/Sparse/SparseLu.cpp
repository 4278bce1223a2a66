//===- SparseLu.cpp - Factors of matrices of one pattern --------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Ode/Sparse/SparseLu.h"
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <queue>

namespace mad::ode {

/// Row i has the entries of A and the diagonal, and for each k left of the diagonal those of U in
/// row k, smallest k first. Where row m < i has an entry at k and row k of U one at m, what row k
/// has behind m is in row m, too, and need not be looked at (Eisenstat and Liu, "Exploiting
/// structural symmetry in unsymmetric sparse symbolic factorization", 1992).
SparseLu::SparseLu(const SparsePattern &pattern, const Numbers &order) : order(order) {
  const int32_t n = size();
  Numbers place(size_t(n), 0), mark(size_t(n), -1);
  for (int32_t i = 0; i < n; ++i)
    place[size_t(order[size_t(i)])] = i;
  starts.push_back(0);
  entryStarts.push_back(0);
  std::vector<std::pair<int32_t, int32_t>> entries;
  std::priority_queue<int32_t, Numbers, std::greater<>> left;
  Numbers row, ends; // of what of each row of U is looked at
  for (int32_t i = 0; i < n; ++i) {
    entries.clear();
    row.clear();
    auto add = [&](int32_t column) {
      if (mark[size_t(column)] == i)
        return;
      mark[size_t(column)] = i;
      row.push_back(column);
      if (column < i)
        left.push(column);
    };
    add(i);
    const auto from = size_t(order[size_t(i)]);
    for (int32_t e = pattern.starts[from]; e < pattern.starts[from + 1]; ++e) {
      int32_t column = place[size_t(pattern.columns[size_t(e)])];
      entries.emplace_back(column, e);
      add(column);
    }
    for (; !left.empty(); left.pop()) {
      int32_t k = left.top();
      for (int32_t q = diagonals[size_t(k)] + 1; q < ends[size_t(k)]; ++q)
        add(columns[size_t(q)]);
      work += 1 + starts[size_t(k) + 1] - diagonals[size_t(k)] - 1;
    }
    std::sort(row.begin(), row.end());
    std::sort(entries.begin(), entries.end());
    auto middle = std::lower_bound(row.begin(), row.end(), i) - row.begin();
    diagonals.push_back(starts.back() + int32_t(middle));
    columns.insert(columns.end(), row.begin(), row.end());
    starts.push_back(int32_t(columns.size()));
    ends.push_back(starts.back());
    for (int32_t k : row) {
      if (k >= i)
        break;
      if (ends[size_t(k)] != starts[size_t(k) + 1])
        continue;
      auto begin = columns.begin() + diagonals[size_t(k)] + 1,
           end = columns.begin() + ends[size_t(k)];
      auto found = std::lower_bound(begin, end, i);
      if (found != end && *found == i)
        ends[size_t(k)] = int32_t(found - columns.begin()) + 1;
    }
    for (auto [column, value] : entries) {
      entryColumns.push_back(column);
      entryValues.push_back(value);
    }
    entryStarts.push_back(int32_t(entryColumns.size()));
  }
  fillCorner();
}

/// Chooses the corner by the work of all, where a multiplication in it counts as an eighth: that is
/// how many a vector has.
void SparseLu::fillCorner() {
  const int32_t n = size();
  std::vector<int64_t> below(size_t(n), 0), right;
  for (int32_t i = 0; i < n; ++i) {
    right.push_back(starts[size_t(i) + 1] - diagonals[size_t(i)] - 1);
    for (int32_t p = starts[size_t(i)]; p < diagonals[size_t(i)]; ++p)
      ++below[size_t(columns[size_t(p)])];
  }
  dense = n;
  int64_t sparse = work, full = 0, best = sparse;
  for (int32_t k = n - 1; k >= 0; --k) {
    const int64_t rows = n - k;
    sparse -= below[size_t(k)] * (1 + right[size_t(k)]);
    full += (rows - 1) * rows;
    if (rows % denseUnit == 0 && sparse + full / 8 < best) {
      best = sparse + full / 8;
      dense = k;
      work = sparse + full;
    }
  }
  const Numbers old = columns, begins = starts;
  columns.resize(size_t(starts[size_t(dense)]));
  for (auto i = size_t(dense); i < size_t(n); ++i) {
    auto begin = old.begin() + begins[i], end = old.begin() + begins[i + 1];
    columns.insert(columns.end(), begin, std::lower_bound(begin, end, dense));
    diagonals[i] = int32_t(columns.size() + i) - dense;
    for (int32_t column = dense; column < n; ++column)
      columns.push_back(column);
    starts[i + 1] = int32_t(columns.size());
  }
}

Numbers SparseLu::tails() const {
  Numbers found;
  for (size_t i = 0; i < order.size(); ++i) {
    int32_t tail = starts[i + 1];
    while (tail > diagonals[i] + 1 &&
           columns[size_t(tail) - 1] == size() - (starts[i + 1] - tail) - 1)
      --tail;
    found.push_back(tail);
  }
  return found;
}

int32_t SparseLu::factor(const std::vector<double> &values, double diagonal, double scale,
                         std::vector<double> &factors) const {
  std::vector<double> row(order.size(), 0);
  factors.assign(columns.size(), 0);
  int32_t bad = -1;
  for (size_t i = 0; i < order.size(); ++i) {
    auto begin = size_t(starts[i]), end = size_t(starts[i + 1]), middle = size_t(diagonals[i]);
    for (size_t p = begin; p < end; ++p)
      row[size_t(columns[p])] = 0;
    row[i] = diagonal;
    for (auto e = size_t(entryStarts[i]); e < size_t(entryStarts[i + 1]); ++e)
      row[size_t(entryColumns[e])] += scale * values[size_t(entryValues[e])];
    for (size_t p = begin; p < middle; ++p) {
      auto k = size_t(columns[p]);
      double multiple = row[k] * factors[size_t(diagonals[k])];
      factors[p] = multiple;
      for (auto q = size_t(diagonals[k]) + 1; q < size_t(starts[k + 1]); ++q)
        row[size_t(columns[q])] -= multiple * factors[q];
    }
    double pivot = row[i];
    if (bad < 0 && (pivot == 0 || !std::isfinite(pivot)))
      bad = order[i];
    // By 0 for an infinite one its element would stand still.
    factors[middle] = std::isfinite(pivot) ? 1 / pivot : std::numeric_limits<double>::quiet_NaN();
    for (size_t p = middle + 1; p < end; ++p)
      factors[p] = row[size_t(columns[p])];
  }
  return bad;
}

void SparseLu::solve(const std::vector<double> &factors, std::vector<double> &x) const {
  std::vector<double> y(order.size());
  for (size_t i = 0; i < y.size(); ++i) {
    double sum = x[size_t(order[i])];
    for (auto p = size_t(starts[i]); p < size_t(diagonals[i]); ++p)
      sum -= factors[p] * y[size_t(columns[p])];
    y[i] = sum;
  }
  for (size_t i = y.size(); i-- > 0;) {
    double sum = y[i];
    // The last columns are known first.
    for (auto p = size_t(starts[i + 1]); --p > size_t(diagonals[i]);)
      sum -= factors[p] * y[size_t(columns[p])];
    y[i] = sum * factors[size_t(diagonals[i])];
    x[size_t(order[i])] = y[i];
  }
}

} // namespace mad::ode
