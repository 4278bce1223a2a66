//===- ExtractImprove.cpp - Changes single choices of a program -----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Uses of each class are counted. To take another node in a class, what only the node before it
// needed is given back, and what only the new one needs is paid: a walk over what changes, not
// over the program. Mishchenko, Chatterjee and Brayton, "DAG-aware AIG rewriting" (DAC 2006).
//
//===----------------------------------------------------------------------===//
#include "passes/EGraph/ExtractImprove.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace mad::egraph {
namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();

class Improver {
public:
  Improver(const EGraph &graph, ArrayRef<Id> roots, const Cost &cost, Extraction &extraction)
      : graph(graph), roots(roots), cost(cost), extraction(extraction), uses(graph.numIds(), 0),
        place(graph.numIds(), 0) {}

  void run() {
    for (Id root : roots)
      count(graph.find(root), true);
    // Few sweeps find nearly all; the limit is for time alone.
    for (unsigned sweep = 0; sweep < 8 && improveAll(); ++sweep)
      ;
  }

private:
  bool improveAll();
  bool tryNode(Id id, Id node);
  /// Counts one more use of a class, and those below it when it is the first. Returns what that
  /// Counts a use more or less of a class, and of those below it where it is the first or the last.
  /// Returns what they cost.
  double count(Id id, bool isUse);
  double countBelow(Id node, bool isUse);
  bool isBefore(Id node, Id target);
  bool needs(Id id, Id other) const;
  void order();

  const EGraph &graph;
  ArrayRef<Id> roots;
  const Cost &cost;
  Extraction &extraction;
  std::vector<uint32_t> uses;
  std::vector<double> place; ///< of used classes: operands come before
  std::vector<Id> ordered;
  bool isMoved = false; ///< places do not fit the last node that was looked at
};

double Improver::count(Id id, bool isUse) {
  double sum = 0;
  SmallVector<Id> stack{id};
  while (!stack.empty()) {
    Id at = stack.pop_back_val();
    if (isUse ? uses[at]++ : --uses[at])
      continue;
    Id node = extraction.chosen[at];
    sum += cost(graph, node);
    for (Id operand : graph.operands(node))
      stack.push_back(graph.find(operand));
  }
  return sum;
}

double Improver::countBelow(Id node, bool isUse) {
  double sum = 0;
  for (Id operand : graph.operands(node))
    sum += count(graph.find(operand), isUse);
  return sum;
}

/// Whether a class that is used needs another one. Where that would take long: yes.
bool Improver::needs(Id id, Id other) const {
  constexpr size_t most = 512;
  SmallVector<Id> stack{id};
  SmallDenseSet<Id> seen;
  while (!stack.empty()) {
    Id at = stack.pop_back_val();
    if (at == other || seen.size() > most)
      return true;
    // What comes before the other one does not need it.
    if (place[at] < place[other] || !seen.insert(at).second)
      continue;
    for (Id operand : graph.operands(extraction.chosen[at]))
      stack.push_back(graph.find(operand));
  }
  return false;
}

/// Whether all that a node needs can be made before the class that takes it. What is not used yet
/// gets a place.
bool Improver::isBefore(Id node, Id target) {
  const double limit = place[target];
  isMoved = false;
  constexpr size_t most = 256;
  SmallVector<std::pair<Id, bool>> stack;
  SmallVector<Id> fresh;
  DenseSet<Id> seen;
  for (Id operand : graph.operands(node))
    stack.push_back({graph.find(operand), false});
  while (!stack.empty()) {
    auto [id, done] = stack.pop_back_val();
    if (done) {
      fresh.push_back(id);
      continue;
    }
    if (uses[id]) {
      if (place[id] >= limit) {
        if (needs(id, target))
          return false;
        isMoved = true;
      }
      continue;
    }
    if (!seen.insert(id).second)
      continue;
    Id below = extraction.chosen[id];
    if (below == none || seen.size() > most)
      return false;
    stack.push_back({id, true});
    for (Id operand : graph.operands(below))
      stack.push_back({graph.find(operand), false});
  }
  if (isMoved)
    return true; // places are given anew
  // Between what they need and what needs them.
  for (Id id : fresh) {
    double last = -1;
    for (Id operand : graph.operands(extraction.chosen[id]))
      last = std::max(last, place[graph.find(operand)]);
    place[id] = last + (limit - last) / 2;
    if (!(place[id] > last && place[id] < limit))
      return false;
  }
  return true;
}

/// Classes in the order of a program.
void Improver::order() {
  ordered.clear();
  std::vector<char> done(graph.numIds(), 0);
  SmallVector<std::pair<Id, bool>> stack;
  for (Id root : roots) {
    stack.push_back({graph.find(root), false});
    while (!stack.empty()) {
      auto [id, ready] = stack.pop_back_val();
      if (ready) {
        place[id] = double(ordered.size());
        ordered.push_back(id);
        continue;
      }
      if (std::exchange(done[id], 1))
        continue;
      stack.push_back({id, true});
      for (Id operand : graph.operands(extraction.chosen[id]))
        stack.push_back({graph.find(operand), false});
    }
  }
}

bool Improver::tryNode(Id id, Id node) {
  const Id before = extraction.chosen[id];
  const double price = cost(graph, node);
  if (price == infinite || !isBefore(node, id))
    return false;
  // First paid, then given back: what both need is not walked through twice.
  double change = price - cost(graph, before) + countBelow(node, true);
  change -= countBelow(before, false);
  if (change < -1e-9 * std::abs(extraction.cost)) {
    extraction.chosen[id] = node;
    extraction.cost += change;
    if (isMoved)
      order();
    return true;
  }
  countBelow(before, true);
  countBelow(node, false);
  return false;
}

bool Improver::improveAll() {
  order();
  bool gained = false;
  for (Id id : std::vector<Id>(ordered)) {
    if (!uses[id])
      continue;
    for (Id node : graph.nodesOf(id))
      if (uses[id] && node != extraction.chosen[id])
        gained |= tryNode(id, node);
  }
  return gained;
}

} // namespace

void improve(const EGraph &graph, ArrayRef<Id> roots, const Cost &cost, Extraction &extraction) {
  Improver(graph, roots, cost, extraction).run();
  extraction.cost = costOf(graph, extraction.chosen, roots, cost);
}

} // namespace mad::egraph
