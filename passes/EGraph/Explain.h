//===- Explain.h - Why two terms are equal ----------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_EGRAPH_EXPLAIN_H
#define MAD_PASSES_EGRAPH_EXPLAIN_H

#include "passes/EGraph/EGraph.h"

namespace mad::egraph {

/// One use of a rule, which turned the term of a node into that of another.
struct ProofStep {
  Id from, to;
  uint32_t because; ///< the number of a rule, or `becauseGiven`
  bool forward;     ///< the left side became the right one
};

/// Unions as a forest over nodes: an edge for each, with its reason. Nieuwenhuis and Oliveras,
/// "Proof-producing congruence closure" (RTA 2005).
class Proofs {
public:
  void link(Id a, Id b, uint32_t because);
  /// The uses of rules that make the terms of two nodes of one class equal, in order, those within
  /// operands where congruence needs them. What was shown once is not shown again.
  std::vector<ProofStep> explain(const EGraph &graph, Id a, Id b) const;

private:
  struct Edge {
    Id to = none;
    uint32_t because = 0;
    bool forward = true;
  };
  class Walk;
  const Edge *edgeOf(Id id) const {
    return id < edges.size() && edges[id].to != none ? &edges[id] : nullptr;
  }
  std::vector<Edge> edges; ///< of each id towards its root
};

} // namespace mad::egraph

#endif // MAD_PASSES_EGRAPH_EXPLAIN_H
