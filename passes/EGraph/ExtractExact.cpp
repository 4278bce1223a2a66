//===- ExtractExact.cpp - The cheapest program, proved ----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Branch and bound over the classes that are needed: a class that waits for its node costs at
// least its cheapest one. Classes that all nodes of a class need are needed at once.
//
//===----------------------------------------------------------------------===//
#include "passes/EGraph/Extract.h"
#include "llvm/ADT/STLExtras.h"
#include <chrono>
#include <limits>
#include <tuple>

using namespace llvm;

namespace mad::egraph {
namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();

class Search {
public:
  Search(const EGraph &graph, ArrayRef<Id> roots, const Cost &cost, Extraction &best,
         ExactLimits limits)
      : graph(graph), best(best), limits(limits), chosen(graph.numIds(), none),
        needs(graph.numIds(), false), options(graph.numIds()), least(graph.numIds(), infinite) {
    collect(roots, cost);
    for (Id root : roots)
      need(graph.find(root));
  }

  /// Whether all was searched.
  bool run() {
    size_t open = llvm::count_if(ids, [&](Id id) { return options[id].size() > 1; });
    if (open > limits.classes)
      return false;
    start = std::chrono::steady_clock::now();
    branch();
    return !isLate;
  }

private:
  struct Option {
    double cost;
    Id node;
    SmallVector<Id, 4> operands; ///< classes
  };

  /// The classes below the roots and their nodes, the cheapest first. A node is left out where
  /// another one is no dearer and needs nothing that it does not need.
  void collect(ArrayRef<Id> roots, const Cost &cost) {
    std::vector<bool> seen(graph.numIds(), false);
    auto visit = [&](Id id) {
      id = graph.find(id);
      if (!seen[id]) {
        seen[id] = true;
        ids.push_back(id);
      }
    };
    for (Id root : roots)
      visit(root);
    for (size_t i = 0; i < ids.size(); ++i) {
      Id id = ids[i];
      for (Id node : graph.nodesOf(id)) {
        Option option{cost(graph, node), node, {}};
        for (Id operand : graph.operands(node))
          if (Id other = graph.find(operand); !is_contained(option.operands, other))
            option.operands.push_back(other);
        if (option.cost < infinite && !is_contained(option.operands, id))
          options[id].push_back(std::move(option));
      }
      llvm::sort(options[id], [](const Option &a, const Option &b) {
        return std::tuple(a.cost, a.operands.size(), a.node) <
               std::tuple(b.cost, b.operands.size(), b.node);
      });
      SmallVector<Option, 2> kept;
      for (Option &option : options[id])
        if (none_of(kept, [&](const Option &other) {
              return all_of(other.operands,
                            [&](Id operand) { return is_contained(option.operands, operand); });
            }))
          kept.push_back(std::move(option));
      options[id] = std::move(kept);
      if (!options[id].empty())
        least[id] = options[id].front().cost;
      for (const Option &option : options[id])
        for (Id operand : option.operands)
          visit(operand);
    }
  }

  void need(Id id) {
    if (needs[id])
      return;
    needs[id] = true;
    waiting.push_back(id);
    bound += least[id];
  }

  /// Whether a class needs another one by the choices made so far.
  bool reaches(Id from, Id to) const {
    SmallVector<Id, 32> stack{from};
    std::vector<bool> seen(graph.numIds(), false);
    while (!stack.empty()) {
      Id id = stack.pop_back_val();
      if (id == to)
        return true;
      if (seen[id] || chosen[id] == none)
        continue;
      seen[id] = true;
      for (Id operand : graph.operands(chosen[id]))
        stack.push_back(graph.find(operand));
    }
    return false;
  }

  bool late() {
    if ((steps++ & 255) == 0)
      isLate |= std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() >
                limits.seconds;
    return isLate;
  }

  void branch() {
    if (late() || bound >= best.cost)
      return;
    if (waiting.empty()) {
      best.cost = bound;
      best.chosen = chosen;
      return;
    }
    // Where there is no choice there is nothing to try; else the class with the fewest nodes.
    size_t at = 0;
    for (size_t i = 1; i < waiting.size(); ++i)
      if (options[waiting[i]].size() < options[waiting[at]].size())
        at = i;
    Id id = waiting[at];
    std::vector<Id> saved = waiting;
    const double before = bound;
    for (const Option &option : options[id]) {
      double own = before - least[id] + option.cost;
      if (own >= best.cost || isLate)
        break;
      if (any_of(option.operands, [&](Id operand) { return reaches(operand, id); }))
        continue;
      waiting = saved;
      waiting.erase(waiting.begin() + at);
      bound = own;
      chosen[id] = option.node;
      size_t first = waiting.size();
      for (Id operand : option.operands)
        need(operand);
      SmallVector<Id, 4> added(waiting.begin() + first, waiting.end());
      branch();
      for (Id other : added)
        needs[other] = false;
    }
    chosen[id] = none;
    waiting = std::move(saved);
    bound = before;
  }

  const EGraph &graph;
  Extraction &best;
  ExactLimits limits;
  std::vector<Id> ids;
  std::vector<Id> chosen;
  std::vector<bool> needs;
  std::vector<SmallVector<Option, 2>> options;
  std::vector<double> least;
  std::vector<Id> waiting;
  double bound = 0;
  std::chrono::steady_clock::time_point start;
  uint64_t steps = 0;
  bool isLate = false;
};

} // namespace

Extraction extractExact(const EGraph &graph, ArrayRef<Id> roots, const Cost &cost,
                        ExactLimits limits) {
  Extraction best = extractDag(graph, roots, cost);
  if (best.cost == infinite)
    return best;
  // What the search finds replaces only what costs more.
  std::vector<Id> others = best.chosen;
  best.isExact = Search(graph, roots, cost, best, limits).run();
  for (Id id : graph.classes())
    if (best.chosen[id] == none)
      best.chosen[id] = others[id];
  return best;
}

} // namespace mad::egraph
