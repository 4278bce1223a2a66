//===- Explain.cpp - Why two terms are equal --------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/EGraph/Explain.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace mad::egraph {

void Proofs::link(Id a, Id b, uint32_t because) {
  if (edges.size() <= std::max(a, b))
    edges.resize(std::max(a, b) + 1);
  // The edges above `a` turn round, so that it is a root.
  Edge next{b, because, true};
  for (Id id = a; id != none;) {
    Edge old = edges[id];
    edges[id] = next;
    next = {id, old.because, !old.forward};
    id = old.to;
  }
}

/// Unfolds a proof without recursion over paths: only nested operands recurse, and each pair of
/// terms is unfolded once.
class Proofs::Walk {
public:
  Walk(const Proofs &proofs, const EGraph &graph) : proofs(proofs), graph(graph) {}

  void explain(Id a, Id b) {
    if (a == b || !shown.insert({std::min(a, b), std::max(a, b)}).second)
      return;
    // Both paths to the root, without what they share.
    SmallVector<Id> up = path(a), down = path(b);
    while (up.size() > 1 && down.size() > 1 && up[up.size() - 2] == down[down.size() - 2]) {
      up.pop_back();
      down.pop_back();
    }
    for (Id id : ArrayRef(up).drop_back())
      step(id, *proofs.edgeOf(id), false);
    for (Id id : reverse(ArrayRef(down).drop_back()))
      step(id, *proofs.edgeOf(id), true);
  }

  std::vector<ProofStep> steps;

private:
  SmallVector<Id> path(Id id) const {
    SmallVector<Id> result{id};
    while (const Edge *edge = proofs.edgeOf(id))
      result.push_back(id = edge->to);
    return result;
  }

  void step(Id id, const Edge &edge, bool backwards) {
    Id from = backwards ? edge.to : id, to = backwards ? id : edge.to;
    if (edge.because != becauseCongruent) {
      steps.push_back({from, to, edge.because, edge.forward != backwards});
      return;
    }
    ArrayRef<Id> x = graph.given(from), y = graph.given(to);
    bool turned = x.size() == 2 && graph.find(x[0]) != graph.find(y[0]);
    for (unsigned i = 0; i < x.size(); ++i)
      explain(x[i], y[turned ? 1 - i : i]);
  }

  const Proofs &proofs;
  const EGraph &graph;
  DenseSet<std::pair<Id, Id>> shown;
};

std::vector<ProofStep> Proofs::explain(const EGraph &graph, Id a, Id b) const {
  Walk walk(*this, graph);
  if (graph.find(a) == graph.find(b))
    walk.explain(a, b);
  return std::move(walk.steps);
}

} // namespace mad::egraph
