//===- SparseLuTest.cpp - Sparse factors against dense ones -----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Ode/Sparse/SparseLu.h"
#include "gtest/gtest.h"
#include <cmath>
#include <numeric>
#include <random>

using namespace mad::ode;

namespace {

using Dense = std::vector<std::vector<double>>;

SparsePattern patternOf(const std::vector<Numbers> &rows) {
  SparsePattern found;
  found.starts.push_back(0);
  for (const Numbers &row : rows) {
    found.columns.insert(found.columns.end(), row.begin(), row.end());
    found.starts.push_back(int32_t(found.columns.size()));
  }
  return found;
}

/// Each place with a chance; some rows have no diagonal, one row may be empty.
SparsePattern randomPattern(int32_t n, double chance, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> draw(0, 1);
  std::vector<Numbers> rows{size_t(n)};
  for (int32_t i = 0; i < n; ++i)
    for (int32_t j = 0; j < n; ++j)
      if (i != n / 2 && draw(random) < (i == j ? 0.8 : chance))
        rows[size_t(i)].push_back(j);
  return patternOf(rows);
}

/// Gaussian elimination with the largest pivot of each column.
std::vector<double> denseSolve(Dense a, std::vector<double> b) {
  size_t n = b.size();
  for (size_t k = 0; k < n; ++k) {
    size_t best = k;
    for (size_t i = k; i < n; ++i)
      if (std::fabs(a[i][k]) > std::fabs(a[best][k]))
        best = i;
    std::swap(a[k], a[best]);
    std::swap(b[k], b[best]);
    for (size_t i = k + 1; i < n; ++i) {
      double m = a[i][k] / a[k][k];
      for (size_t j = k; j < n; ++j)
        a[i][j] -= m * a[k][j];
      b[i] -= m * b[k];
    }
  }
  for (size_t i = n; i-- > 0;) {
    for (size_t j = i + 1; j < n; ++j)
      b[i] -= a[i][j] * b[j];
    b[i] /= a[i][i];
  }
  return b;
}

TEST(MinimumDegree, HasEachRowOnce) {
  for (int32_t n : {1, 2, 17, 60}) {
    Numbers order = minimumDegree(randomPattern(n, 0.1, unsigned(n))), all(size_t(n), 0);
    std::iota(all.begin(), all.end(), 0);
    std::sort(order.begin(), order.end());
    EXPECT_EQ(order, all);
  }
}

/// The row of all others goes last: no new entries. In the given order all would be full.
TEST(MinimumDegree, OfAnArrowThereIsNoFill) {
  const int32_t n = 40;
  std::vector<Numbers> rows{size_t(n)};
  for (int32_t i = 0; i < n; ++i) {
    rows[0].push_back(i);
    if (i > 0)
      rows[size_t(i)] = {0, i};
  }
  SparsePattern pattern = patternOf(rows);
  EXPECT_EQ(SparseLu(pattern, minimumDegree(pattern)).places(), 3 * n - 2);
  Numbers given(size_t(n), 0);
  std::iota(given.begin(), given.end(), 0);
  EXPECT_EQ(SparseLu(pattern, given).places(), n * n);
}

/// A grid of 20 x 20 and its neighbours: a band of 20 would have 400 * 41 places.
TEST(MinimumDegree, OfAGridThereIsLittleFill) {
  std::vector<Numbers> rows(400);
  for (int32_t i = 0; i < 400; ++i)
    for (int32_t j : {i - 20, i - 1, i, i + 1, i + 20})
      if (j >= 0 && j < 400 && (j / 20 == i / 20 || j % 20 == i % 20))
        rows[size_t(i)].push_back(j);
  SparsePattern pattern = patternOf(rows);
  EXPECT_LT(SparseLu(pattern, minimumDegree(pattern)).places(), 400 * 41 / 2);
}

/// The last rows are made full where little is missing, and not where much is.
TEST(SparseLu, HasAFullCorner) {
  SparsePattern dense = randomPattern(100, 0.5, 1), line = randomPattern(100, 0, 1);
  EXPECT_EQ(SparseLu(line, minimumDegree(line)).dense, 100);
  SparseLu lu(dense, minimumDegree(dense));
  EXPECT_EQ(lu.dense, 100 - 2 * SparseLu::denseUnit);
  for (size_t i = size_t(lu.dense); i < 100; ++i) {
    EXPECT_EQ(lu.columns[size_t(lu.diagonals[i])], int32_t(i));
    for (size_t j = size_t(lu.dense); j < 100; ++j)
      EXPECT_EQ(lu.columns[size_t(lu.starts[i + 1]) - 100 + j], int32_t(j));
  }
}

TEST(SparseLu, SolvesAsDenseElimination) {
  // From 51 on there is a full corner.
  for (unsigned seed = 0; seed < 24; ++seed) {
    int32_t n = 1 + int32_t(seed) * 5;
    SparsePattern pattern = randomPattern(n, 0.15, seed);
    SparseLu lu(pattern, minimumDegree(pattern));
    std::mt19937 random(seed + 100);
    std::uniform_real_distribution<double> draw(-1, 1);
    std::vector<double> values(pattern.columns.size());
    for (double &value : values)
      value = draw(random);
    // So that the diagonal is larger than the rest of its row.
    double diagonal = 2.0 * n, scale = -1.5;
    Dense a(size_t(n), std::vector<double>(size_t(n), 0));
    for (size_t i = 0; i < size_t(n); ++i) {
      a[i][i] = diagonal;
      for (auto e = size_t(pattern.starts[i]); e < size_t(pattern.starts[i + 1]); ++e)
        a[i][size_t(pattern.columns[e])] += scale * values[e];
    }
    std::vector<double> x, factors;
    for (int32_t i = 0; i < n; ++i)
      x.push_back(draw(random));
    std::vector<double> expected = denseSolve(a, x);
    EXPECT_EQ(lu.factor(values, diagonal, scale, factors), -1);
    lu.solve(factors, x);
    // Both are off by a few roundings a row: the condition of a dominant matrix is below 10.
    for (size_t i = 0; i < size_t(n); ++i)
      EXPECT_NEAR(x[i], expected[i], 1e-14) << n << " " << i;
  }
}

TEST(SparseLu, SaysWhichPivotIsOfNoUse) {
  // Row 1 becomes (0, 0) when row 0 is taken off.
  SparsePattern pattern = patternOf({{0, 1}, {0, 1}, {2}});
  SparseLu lu(pattern, {0, 1, 2});
  std::vector<double> factors;
  EXPECT_EQ(lu.factor({1, 2, 1, 2, 5}, 0, 1, factors), 1);
  EXPECT_EQ(lu.factor({1, 2, 1, 3, 5}, 0, 1, factors), -1);
  EXPECT_EQ(lu.factor({1, 2, 1, 3, NAN}, 0, 1, factors), 2);
  EXPECT_EQ(lu.factor({1, 2, 1, INFINITY, 5}, 0, 1, factors), 1);
  EXPECT_EQ(lu.factor({0, 2, 1, 3, 5}, 0, 1, factors), 0);
}

} // namespace
