//===- TableauTest.cpp - Order conditions of all methods --------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// J. C. Butcher: an explicit method has order p if sum_i b_i Phi_i(tree) = 1 / density(tree)
// for all rooted trees of at most p vertices. So has an interpolant, with x^vertices / density.
//
//===----------------------------------------------------------------------===//
#include "dialects/Ode/Tableaus/Tableau.h"
#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <numeric>

using namespace mad::ode;

namespace {

/// A rooted tree: the numbers of its subtrees, ascending.
struct Tree {
  std::vector<size_t> children;
  int vertices = 1;
  double density = 1;
};

void addTrees(std::vector<Tree> &trees, size_t known, Tree tree, size_t least, int vertices) {
  if (tree.vertices == vertices) {
    tree.density = vertices;
    for (size_t child : tree.children)
      tree.density *= trees[child].density;
    trees.push_back(tree);
    return;
  }
  for (size_t next = least; next < known; ++next) {
    Tree larger = tree;
    larger.children.push_back(next);
    larger.vertices += trees[next].vertices;
    if (larger.vertices <= vertices)
      addTrees(trees, known, larger, next, vertices);
  }
}

/// All trees of at most so many vertices, smaller ones first.
std::vector<Tree> treesUpTo(int vertices) {
  std::vector<Tree> trees(1);
  for (int n = 2; n <= vertices; ++n)
    addTrees(trees, trees.size(), Tree(), 0, n);
  return trees;
}

/// All stages of the interpolant, f(t + h, y') among them.
std::vector<std::vector<double>> allStages(const Tableau &t) {
  std::vector<std::vector<double>> a = t.a;
  if (!t.fsal)
    a.push_back(t.b);
  a.insert(a.end(), t.denseA.begin(), t.denseA.end());
  return a;
}

/// Phi of each tree in each stage.
std::vector<std::vector<double>> weights(const std::vector<std::vector<double>> &a,
                                         const std::vector<Tree> &trees) {
  std::vector<std::vector<double>> phi(trees.size(), std::vector<double>(a.size(), 1.0));
  for (size_t t = 0; t < trees.size(); ++t)
    for (size_t i = 0; i < a.size(); ++i)
      for (size_t child : trees[t].children) {
        double sum = 0;
        for (size_t j = 0; j < a[i].size(); ++j)
          sum += a[i][j] * phi[child][j];
        phi[t][i] *= sum;
      }
  return phi;
}

/// The least vertices of a tree whose condition does not hold, less 1.
int orderOf(const std::vector<double> &b, const std::vector<std::vector<double>> &phi,
            const std::vector<Tree> &trees, double x = 1) {
  for (size_t t = 0; t < trees.size(); ++t) {
    double sum = 0, size = 0;
    for (size_t i = 0; i < b.size(); ++i) {
      sum += b[i] * phi[t][i];
      size += std::fabs(b[i] * phi[t][i]);
    }
    // Coefficients have 53 bits, and up to 200 of them cancel.
    if (std::fabs(sum - std::pow(x, trees[t].vertices) / trees[t].density) > 1e-13 * (1 + size))
      return trees[t].vertices - 1;
  }
  return trees.back().vertices;
}

std::vector<double> less(std::vector<double> b, const std::vector<double> &error) {
  for (size_t i = 0; i < error.size(); ++i)
    b[i] -= error[i];
  return b;
}

std::vector<std::string> explicitNames() {
  std::vector<std::string> names;
  for (const std::string &name : methodNames())
    if (methodOf(name).family == Family::Explicit)
      names.push_back(name);
  return names;
}

} // namespace

TEST(Tableau, Trees) {
  const size_t counts[] = {1, 2, 4, 8, 17, 37, 85, 200};
  for (int n = 1; n <= 8; ++n)
    EXPECT_EQ(treesUpTo(n).size(), counts[n - 1]);
}

TEST(Tableau, Shapes) {
  for (const std::string &name : explicitNames()) {
    SCOPED_TRACE(name);
    ASSERT_TRUE(isMethod(name));
    Tableau t = tableauOf(name);
    EXPECT_EQ(t.name, name);
    ASSERT_EQ(t.a.size(), t.stages());
    ASSERT_EQ(t.b.size(), t.stages());
    for (size_t i = 0; i < t.stages(); ++i) {
      ASSERT_EQ(t.a[i].size(), i);
      double sum = 0;
      for (double a : t.a[i])
        sum += a;
      EXPECT_NEAR(sum, t.c[i], 1e-13);
    }
    if (t.adaptive())
      EXPECT_EQ(t.error.size(), t.stages());
    if (t.fsal)
      EXPECT_EQ(std::vector<double>(t.b.begin(), t.b.end() - 1), t.a.back());
    ASSERT_EQ(t.denseA.size(), t.denseC.size());
    EXPECT_EQ(t.interpolant().size(), t.next() + 1 + t.denseC.size());
  }
  EXPECT_FALSE(isMethod("rk5"));
}

TEST(Tableau, OrderConditions) {
  // The orders of the solution, of the method that it is compared with, of the interpolant.
  struct Orders {
    const char *name;
    int order, embedded, interpolant;
  };
  const Orders all[] = {{"euler", 1, 0, 2}, {"heun", 2, 1, 3},   {"rk4", 4, 0, 3},
                        {"bs3", 3, 2, 3},   {"dopri5", 5, 4, 4}, {"tsit5", 5, 4, 4},
                        {"vern7", 7, 6, 6}, {"dop853", 8, 5, 7}};
  ASSERT_EQ(std::size(all), explicitNames().size());
  std::vector<Tree> trees = treesUpTo(9);
  for (const Orders &expected : all) {
    SCOPED_TRACE(expected.name);
    Tableau t = tableauOf(expected.name);
    auto phi = weights(allStages(t), trees);
    EXPECT_EQ(orderOf(t.b, phi, trees), expected.order);
    EXPECT_EQ(t.order, expected.order);
    if (t.adaptive())
      EXPECT_EQ(orderOf(less(t.b, t.error), phi, trees), expected.embedded);
    if (!t.errorLow.empty())
      EXPECT_EQ(orderOf(less(t.b, t.errorLow), phi, trees), 3);
    for (double x : {0.25, 0.6, 1.0}) {
      std::vector<double> b;
      for (const auto &row : t.interpolant()) {
        double value = 0;
        for (size_t q = row.size(); q > 0; --q)
          value = (value + row[q - 1]) * x;
        b.push_back(value);
      }
      // A cubic is of no higher order than the solution that it goes through.
      int order = std::min(expected.interpolant, expected.order);
      EXPECT_GE(orderOf(b, phi, trees, x), order) << "at " << x;
    }
  }
}

TEST(Tableau, DiagonallyImplicit) {
  // The orders of the solution and of the method that it is compared with; rounded coefficients.
  struct Orders {
    const char *name;
    int order, embedded;
  };
  const Orders all[] = {
      {"trbdf2", 2, 3}, {"kvaerno3", 3, 2}, {"kencarp4", 4, 3}, {"kvaerno5", 5, 4}};
  std::vector<Tree> trees = treesUpTo(6);
  for (const Orders &expected : all) {
    SCOPED_TRACE(expected.name);
    ASSERT_EQ(methodOf(expected.name).family, Family::Esdirk);
    Esdirk t = esdirkOf(expected.name);
    ASSERT_EQ(t.a.size(), t.stages());
    ASSERT_EQ(t.error.size(), t.stages());
    for (size_t i = 0; i < t.stages(); ++i) {
      ASSERT_EQ(t.a[i].size(), i + 1);
      EXPECT_NEAR(std::accumulate(t.a[i].begin(), t.a[i].end(), 0.0), t.c[i], 1e-14);
      EXPECT_EQ(t.a[i].back(), i ? t.gamma() : 0);
    }
    auto phi = weights(t.a, trees);
    EXPECT_EQ(orderOf(t.a.back(), phi, trees), expected.order);
    EXPECT_EQ(t.order, expected.order);
    EXPECT_EQ(orderOf(less(t.a.back(), t.error), phi, trees), expected.embedded);
    EXPECT_EQ(t.errorOrder, std::min(expected.order, expected.embedded) + 1);
  }
}

using Function = std::function<long double(long double)>;
using RightHandSide = std::function<long double(long double, long double)>;

/// y of y' = f(t, y), y(0) = y0 at t = 2, in n steps; between them at the middle of each step, the
/// largest error of the interpolant.
static long double solved(const Tableau &t, const RightHandSide &f, const Function &exact, int n,
                          long double *between) {
  long double y = exact(0), h = 2.0L / n;
  for (int step = 0; step < n; ++step) {
    long double time = step * h;
    std::vector<long double> k;
    auto at = [&](const std::vector<double> &weights) {
      long double sum = 0;
      for (size_t i = 0; i < weights.size(); ++i)
        sum += weights[i] * k[i];
      return y + h * sum;
    };
    for (size_t i = 0; i < t.stages(); ++i)
      k.push_back(f(time + t.c[i] * h, at(t.a[i])));
    long double end = at(t.b);
    if (!t.fsal)
      k.push_back(f(time + h, end));
    for (size_t i = 0; i < t.denseC.size(); ++i)
      k.push_back(f(time + t.denseC[i] * h, at(t.denseA[i])));
    std::vector<double> weights;
    for (const auto &row : t.interpolant()) {
      double value = 0;
      for (size_t q = row.size(); q > 0; --q)
        value = (value + row[q - 1]) * 0.5;
      weights.push_back(value);
    }
    *between = std::max(*between, std::fabs(at(weights) - exact(time + h / 2)));
    y = end;
  }
  return std::fabs(y - exact(2));
}

// Two equations, so that methods of high order end far from roundings and those of low order where
// the first term of the error counts: n and 2 n steps.
TEST(Tableau, ConvergenceSlopes) {
  RightHandSide wave = [](long double t, long double y) { return y * std::cos(t); };
  Function waveExact = [](long double t) { return std::exp(std::sin(t)); };
  RightHandSide square = [](long double t, long double y) { return t * y * y; };
  Function squareExact = [](long double t) { return -1 / (1 + t * t / 2); };
  for (const std::string &name : explicitNames()) {
    SCOPED_TRACE(name);
    Tableau t = tableauOf(name);
    bool isHigh = t.order >= 7;
    int n = isHigh ? 10 : 80;
    const RightHandSide &f = isHigh ? wave : square;
    const Function &exact = isHigh ? waveExact : squareExact;
    long double coarse = 0, fine = 0;
    long double one = solved(t, f, exact, n, &coarse), two = solved(t, f, exact, 2 * n, &fine);
    EXPECT_NEAR(static_cast<double>(std::log2(one / two)), t.order, 0.15);
    // Of an interpolant of order q the error within a step is of order q + 1, behind that of y.
    int between = std::min<int>(t.order, name == "dop853"  ? 8
                                         : name == "vern7" ? 7
                                         : name == "rk4"   ? 4
                                                           : 5);
    EXPECT_NEAR(static_cast<double>(std::log2(coarse / fine)), between, 0.15);
  }
}
