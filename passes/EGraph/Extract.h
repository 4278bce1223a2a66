//===- Extract.h - The cheapest program of an e-graph -----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_EGRAPH_EXTRACT_H
#define MAD_PASSES_EGRAPH_EXTRACT_H

#include "passes/EGraph/EGraph.h"
#include <functional>
#include <string>

namespace mad::egraph {

/// What a node costs without its operands: at least 0; infinite where it must not be taken.
using Cost = std::function<double(const EGraph &, Id)>;

/// A node for each class that is needed. None of them needs itself, by whatever way.
struct Extraction {
  std::vector<Id> chosen; ///< by class; `none` where there is none
  double cost = 0;        ///< of all nodes that the roots need, each counted once
  bool isExact = false;   ///< no extraction costs less

  Id nodeOf(const EGraph &graph, Id id) const { return chosen[graph.find(id)]; }
};

/// The least cost of each class where shared operands count each time (Knuth, "A generalization of
/// Dijkstra's algorithm", 1977). `chosen` holds for all classes; `cost` is that of the roots
/// as terms.
Extraction extractTree(const EGraph &graph, llvm::ArrayRef<Id> roots, const Cost &cost);

/// Sharing counts: the greedy search of extraction-gym over sets of classes, never worse than the
/// tree, then single choices are changed as long as that gains.
Extraction extractDag(const EGraph &graph, llvm::ArrayRef<Id> roots, const Cost &cost);

struct ExactLimits {
  size_t classes = 500; ///< with several nodes, below the roots
  double seconds = 0.1;
};
/// Branch and bound from that. `isExact` says whether it ended within the limits; the best that
/// was found is given in any case.
Extraction extractExact(const EGraph &graph, llvm::ArrayRef<Id> roots, const Cost &cost,
                        ExactLimits limits = {});

/// The cost of what the roots need; infinite where a class has no node or needs itself.
double costOf(const EGraph &graph, llvm::ArrayRef<Id> chosen, llvm::ArrayRef<Id> roots,
              const Cost &cost);
/// The chosen term of a class, as text.
std::string textOf(const EGraph &graph, const Extraction &extraction, Id root);

} // namespace mad::egraph

#endif // MAD_PASSES_EGRAPH_EXTRACT_H
