//===- ContractionOrderTest.cpp - Orders of products against all trees ------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/EGraph/ContractionOrder.h"
#include "gtest/gtest.h"
#include <bit>
#include <cmath>
#include <random>

using namespace mad::egraph;

namespace {

double elements(const std::vector<double> &sizes, uint64_t labels) {
  double product = 1;
  for (unsigned label = 0; label < sizes.size(); ++label)
    if (labels >> label & 1)
      product *= sizes[label];
  return product;
}

/// Multiplications, and a part of what is read and written.
void setCosts(Contractions &problem) {
  problem.product = [sizes = problem.sizes](const ContractionPart &a, const ContractionPart &b,
                                            const ContractionPart &result) {
    return elements(sizes, a.labels | b.labels) +
           0.25 * (elements(sizes, a.labels) + elements(sizes, b.labels) +
                   elements(sizes, result.labels));
  };
  problem.sum = [sizes = problem.sizes, leaves = problem.leaves](unsigned leaf, uint64_t) {
    return elements(sizes, leaves[leaf]);
  };
}

Contractions randomProblem(std::mt19937 &random, unsigned tensors, unsigned labels) {
  Contractions problem;
  for (unsigned label = 0; label < labels; ++label)
    problem.sizes.push_back(double(random() % 30 + 1));
  uint64_t all = 0;
  for (unsigned tensor = 0; tensor < tensors; ++tensor) {
    uint64_t own = 0;
    for (unsigned i = 0; i < 1 + random() % 3; ++i)
      own |= uint64_t(1) << random() % labels;
    problem.leaves.push_back(own);
    all |= own;
  }
  problem.output = all & random() & random();
  setCosts(problem);
  return problem;
}

/// Every way to multiply the values two at a time.
double leastOf(const Contractions &problem, std::vector<ContractionPart> parts) {
  if (parts.size() == 1)
    return 0;
  double least = HUGE_VAL;
  for (size_t a = 0; a < parts.size(); ++a)
    for (size_t b = a + 1; b < parts.size(); ++b) {
      uint64_t needed = problem.output;
      for (size_t other = 0; other < parts.size(); ++other)
        if (other != a && other != b)
          needed |= parts[other].labels;
      ContractionPart both{parts[a].leaves | parts[b].leaves,
                           (parts[a].labels | parts[b].labels) & needed};
      std::vector<ContractionPart> rest = parts;
      rest[a] = both;
      rest.erase(rest.begin() + b);
      least = std::min(least, problem.product(parts[a], parts[b], both) + leastOf(problem, rest));
    }
  return least;
}

/// The cost of the steps, which must be a tree of all tensors.
double checkedCost(const Contractions &problem, const ContractionTree &tree) {
  const size_t count = problem.leaves.size();
  EXPECT_EQ(tree.steps.size(), count - 1);
  std::vector<ContractionPart> values;
  double cost = 0;
  for (size_t leaf = 0; leaf < count; ++leaf) {
    uint64_t needed = problem.output;
    for (size_t other = 0; other < count; ++other)
      needed |= other == leaf ? 0 : problem.leaves[other];
    values.push_back({uint64_t(1) << leaf, problem.leaves[leaf] & needed});
    EXPECT_EQ(tree.kept[leaf], values[leaf].labels);
    if (values[leaf].labels != problem.leaves[leaf])
      cost += problem.sum(unsigned(leaf), values[leaf].labels);
  }
  std::vector<unsigned> uses(2 * count, 0);
  for (const ContractionStep &step : tree.steps) {
    EXPECT_LT(std::max(step.lhs, step.rhs), values.size());
    ++uses[step.lhs], ++uses[step.rhs];
    const ContractionPart &a = values[step.lhs], &b = values[step.rhs];
    EXPECT_EQ(a.leaves & b.leaves, 0u);
    EXPECT_EQ(a.leaves | b.leaves, step.result.leaves);
    uint64_t needed = problem.output;
    for (size_t leaf = 0; leaf < count; ++leaf)
      needed |= step.result.leaves >> leaf & 1 ? 0 : problem.leaves[leaf];
    EXPECT_EQ(step.result.labels, (a.labels | b.labels) & needed);
    cost += problem.product(a, b, step.result);
    values.push_back(step.result);
  }
  EXPECT_EQ(values.back().labels, problem.output);
  for (size_t value = 0; value + 1 < values.size(); ++value)
    EXPECT_EQ(uses[value], 1u);
  return cost;
}

TEST(ContractionOrder, IsOptimalOfAllTrees) {
  for (uint32_t seed = 0; seed < 400; ++seed) {
    std::mt19937 random(seed);
    const unsigned tensors = 2 + seed % 5;
    Contractions problem = randomProblem(random, tensors, 2 + random() % 6);
    size_t work = 100000;
    ContractionTree tree = cheapestContraction(problem, work);
    EXPECT_TRUE(tree.isOptimal);
    EXPECT_LT(work, 100000u);
    const double cost = checkedCost(problem, tree);
    EXPECT_NEAR(cost, tree.cost, 1e-9 * cost);
    std::vector<ContractionPart> parts;
    double least = 0;
    for (unsigned leaf = 0; leaf < tensors; ++leaf) {
      parts.push_back({uint64_t(1) << leaf, tree.kept[leaf]});
      if (tree.kept[leaf] != problem.leaves[leaf])
        least += problem.sum(leaf, tree.kept[leaf]);
    }
    least += leastOf(problem, parts);
    EXPECT_NEAR(cost, least, 1e-9 * least) << "seed " << seed;
  }
}

// Of more tensors than all trees are compared of.
TEST(ContractionOrder, ChainsAreOptimal) {
  for (unsigned count : {3u, 11u, 25u, 40u, 60u}) {
    std::mt19937 random(count);
    Contractions problem;
    for (unsigned i = 0; i <= count; ++i)
      problem.sizes.push_back(double(random() % 90 + 10));
    // There are 61 labels for 60 matrices: the first one is that of a vector.
    for (unsigned i = 0; i < count; ++i)
      problem.leaves.push_back((i ? uint64_t(1) << i : 0) | uint64_t(2) << i);
    problem.output = uint64_t(1) << count;
    problem.sizes[0] = 1;
    setCosts(problem);
    auto part = [&](unsigned from, unsigned to) { // of matrices
      return ContractionPart{0, (from ? uint64_t(1) << from : 0) | uint64_t(1) << to};
    };
    std::vector<std::vector<double>> least(count + 1, std::vector<double>(count + 1, 0));
    for (unsigned length = 2; length <= count; ++length)
      for (unsigned i = 0; i + length <= count; ++i) {
        double &best = least[i][i + length] = HUGE_VAL;
        for (unsigned cut = i + 1; cut < i + length; ++cut)
          best = std::min(
              best, least[i][cut] + least[cut][i + length] +
                        problem.product(part(i, cut), part(cut, i + length), part(i, i + length)));
      }
    size_t work = 1000000;
    ContractionTree tree = cheapestContraction(problem, work);
    const double cost = checkedCost(problem, tree);
    EXPECT_NEAR(cost, least[0][count], 1e-9 * cost) << count;
    // Without work to spend: near it. The vector first is what is cheapest.
    work = 0;
    EXPECT_LE(checkedCost(problem, cheapestContraction(problem, work)), 2 * least[0][count]);
  }
}

// Found greedily, where every tensor shares an index with many others; with no work to spend, too.
TEST(ContractionOrder, LargeOnesAreBounded) {
  for (uint32_t seed = 0; seed < 12; ++seed) {
    std::mt19937 random(seed);
    Contractions problem = randomProblem(random, 20 + 3 * (seed % 14), 12);
    double asWritten = 0;
    for (size_t i = 1; i < problem.leaves.size(); ++i) {
      uint64_t inside = 0, outside = problem.output;
      for (size_t leaf = 0; leaf < problem.leaves.size(); ++leaf)
        (leaf < i ? inside : outside) |= problem.leaves[leaf];
      ContractionPart before{0, inside & outside}, next{0, problem.leaves[i]};
      asWritten += problem.product(before, next, {});
    }
    size_t much = 1000000, little = 0;
    ContractionTree tree = cheapestContraction(problem, much);
    ContractionTree greedy = cheapestContraction(problem, little);
    EXPECT_FALSE(tree.isOptimal);
    EXPECT_GT(much, 0u);
    EXPECT_EQ(little, 0u);
    const double cost = checkedCost(problem, tree), first = checkedCost(problem, greedy);
    EXPECT_NEAR(cost, tree.cost, 1e-9 * cost);
    EXPECT_LE(cost, first);
    EXPECT_LT(cost, asWritten) << seed;
  }
}

} // namespace
