//===- ContractionOrder.h - The order in which tensors are multiplied -------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A sum of products of several tensors ("einsum") is computed two tensors at a time. What is kept
// between does not depend on the order in which it was made: an index stays until the last tensor
// that has it. So the cheapest tree of a set of tensors is made of the cheapest trees of two
// parts of the set (Lam, Sadayappan and Wenger, "On optimizing a class of multi-dimensional loops
// with reductions for parallel execution", 1997; Pfeifer, Haegeman and Verstraete, "Faster
// identification of optimal contraction sequences for tensor networks", 2014).
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_EGRAPH_CONTRACTIONORDER_H
#define MAD_PASSES_EGRAPH_CONTRACTIONORDER_H

#include <cstdint>
#include <functional>
#include <vector>

namespace mad::egraph {

/// Some of the tensors, and the indices of their product that are needed beyond it; bits.
struct ContractionPart {
  uint64_t leaves = 0, labels = 0;
};

/// Several tensors whose product is summed over all indices that the result does not have.
struct Contractions {
  static constexpr unsigned most = 60; ///< tensors, and labels of indices

  std::vector<uint64_t> leaves; ///< labels of each tensor, as bits
  uint64_t output = 0;          ///< labels of the result
  std::vector<double> sizes;    ///< of labels
  /// What it costs to sum the product of two parts over the indices that `result` does not have.
  std::function<double(const ContractionPart &a, const ContractionPart &b,
                       const ContractionPart &result)>
      product;
  /// What it costs to sum a tensor over indices that nothing else has.
  std::function<double(unsigned leaf, uint64_t kept)> sum;
};

/// A product of two values: those up to the number of leaves are the leaves, each summed over the
/// indices that it has alone; then come the steps.
struct ContractionStep {
  unsigned lhs = 0, rhs = 0;
  ContractionPart result;
};

struct ContractionTree {
  std::vector<ContractionStep> steps; ///< operands first; the last one is the result
  std::vector<uint64_t> kept;         ///< labels of the leaves after their own sums
  double cost = 0;
  bool isOptimal = false; ///< no tree costs less
};

/// The cheapest tree of up to ten tensors; of more the cheapest one without products of tensors
/// that have no index in common, if there are few such trees, as of a chain; else the best of trees
/// that are found greedily and whose parts are then made cheapest (Gray and Kourtis,
/// "Hyper-optimized tensor network contraction", 2021). `work` is how many products may be looked
/// at; what was looked at is taken off. The same input gives the same tree.
ContractionTree cheapestContraction(const Contractions &problem, size_t &work);

} // namespace mad::egraph

#endif // MAD_PASSES_EGRAPH_CONTRACTIONORDER_H
