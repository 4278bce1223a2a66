//===- Extract.cpp - The cheapest program of an e-graph ---------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/EGraph/Extract.h"
#include "passes/EGraph/ExtractImprove.h"
#include "passes/EGraph/Sexpr.h"
#include "llvm/ADT/STLExtras.h"
#include <limits>
#include <queue>

using namespace llvm;

namespace mad::egraph {
namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();

/// Classes of operands, each once.
SmallVector<Id, 4> below(const EGraph &graph, Id node) {
  SmallVector<Id, 4> result;
  for (Id operand : graph.operands(node))
    if (Id id = graph.find(operand); !is_contained(result, id))
      result.push_back(id);
  return result;
}

} // namespace

//===----------------------------------------------------------------------===//
// Trees
//===----------------------------------------------------------------------===//

Extraction extractTree(const EGraph &graph, ArrayRef<Id> roots, const Cost &cost) {
  Extraction result;
  result.chosen.assign(graph.numIds(), none);
  std::vector<double> best(graph.numIds(), infinite);
  std::vector<uint32_t> missing(graph.numIds(), 0);
  std::vector<Id> told(graph.numIds(), none); ///< a class may have a parent several times
  using Entry = std::pair<double, Id>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> queue;
  auto ready = [&](Id node) {
    double sum = cost(graph, node);
    for (Id operand : graph.operands(node))
      sum += best[graph.find(operand)];
    if (sum < infinite)
      queue.push({sum, node});
  };
  for (Id id : graph.classes())
    for (Id node : graph.nodesOf(id)) {
      missing[node] = uint32_t(below(graph, node).size());
      if (missing[node] == 0)
        ready(node);
    }
  while (!queue.empty()) {
    auto [sum, node] = queue.top();
    queue.pop();
    Id id = graph.find(node);
    if (result.chosen[id] != none)
      continue;
    result.chosen[id] = node;
    best[id] = sum;
    graph.forParents(id, [&](Id parent) {
      if (std::exchange(told[parent], id) != id && --missing[parent] == 0)
        ready(parent);
    });
  }
  for (Id root : roots)
    result.cost += best[graph.find(root)];
  return result;
}

double costOf(const EGraph &graph, ArrayRef<Id> chosen, ArrayRef<Id> roots, const Cost &cost) {
  enum : uint8_t { New, Open, Done };
  std::vector<uint8_t> state(graph.numIds(), New);
  std::vector<std::pair<Id, bool>> stack;
  for (Id root : roots)
    stack.push_back({graph.find(root), false});
  double sum = 0;
  while (!stack.empty()) {
    auto [id, isLeft] = stack.back();
    stack.pop_back();
    if (isLeft) {
      state[id] = Done;
      continue;
    }
    if (state[id] == Done)
      continue;
    if (chosen[id] == none)
      return infinite;
    state[id] = Open;
    sum += cost(graph, chosen[id]);
    stack.push_back({id, true});
    for (Id operand : graph.operands(chosen[id])) {
      Id next = graph.find(operand);
      if (state[next] == Open)
        return infinite;
      if (state[next] == New)
        stack.push_back({next, false});
    }
  }
  return sum;
}

//===----------------------------------------------------------------------===//
// Graphs
//===----------------------------------------------------------------------===//

namespace {

/// Nodes of graphs that are searched by sets.
constexpr size_t largestGreedy = 1500;

/// What a class needs, and what all of it costs.
struct CostSet {
  std::vector<std::pair<Id, double>> members; ///< by class
  double total = infinite;
  Id choice = none;
};

class Greedy {
public:
  Greedy(const EGraph &graph, const Cost &cost)
      : graph(graph), cost(cost), sets(graph.numIds()), queued(graph.numIds(), false) {}

  /// Empty when it takes too long.
  std::vector<Id> run() {
    for (Id id : graph.classes())
      for (Id node : graph.nodesOf(id))
        if (graph.operands(node).empty())
          push(node);
    for (size_t at = 0; at < queue.size(); ++at) {
      Id node = queue[at];
      queued[node] = false;
      Id id = graph.find(node);
      CostSet set = evaluate(node);
      work += set.members.size() + 8;
      if (work > mostWork)
        return {};
      if (set.total >= sets[id].total)
        continue;
      sets[id] = std::move(set);
      graph.forParents(id, [&](Id parent) { push(parent); });
      if (at > 4096 && at * 2 > queue.size()) {
        queue.erase(queue.begin(), queue.begin() + at + 1);
        at = size_t(-1);
      }
    }
    std::vector<Id> chosen(graph.numIds(), none);
    for (Id id : graph.classes())
      chosen[id] = sets[id].choice;
    return chosen;
  }

private:
  /// Larger sets are not worth their time: such classes are left to the tree.
  static constexpr size_t largest = 4096;
  /// Members of all sets that were made. Where many classes are parts of each other it would go on.
  static constexpr size_t mostWork = 400000;

  void push(Id node) {
    if (!queued[node]) {
      queued[node] = true;
      queue.push_back(node);
    }
  }

  CostSet evaluate(Id node) const {
    const Id own = graph.find(node);
    double price = cost(graph, node);
    SmallVector<Id, 4> children = below(graph, node);
    for (Id child : children)
      if (child == own || sets[child].total == infinite)
        return {};
    if (price == infinite ||
        (children.size() == 1 && price + sets[children[0]].total > sets[own].total))
      return {};
    CostSet set;
    auto entry = std::pair(own, price);
    for (Id child : children) {
      std::vector<std::pair<Id, double>> both;
      both.reserve(set.members.size() + sets[child].members.size());
      std::set_union(set.members.begin(), set.members.end(), sets[child].members.begin(),
                     sets[child].members.end(), std::back_inserter(both),
                     [](const auto &a, const auto &b) { return a.first < b.first; });
      set.members = std::move(both);
    }
    auto place = llvm::lower_bound(set.members, own,
                                   [](const auto &member, Id id) { return member.first < id; });
    if ((place != set.members.end() && place->first == own) || set.members.size() >= largest)
      return {};
    set.members.insert(place, entry);
    set.total = 0;
    for (const auto &[id, sum] : set.members)
      set.total += sum;
    set.choice = node;
    return set;
  }

  const EGraph &graph;
  const Cost &cost;
  std::vector<CostSet> sets;
  std::vector<bool> queued;
  std::vector<Id> queue;
  size_t work = 0;
};

} // namespace

Extraction extractDag(const EGraph &graph, ArrayRef<Id> roots, const Cost &cost) {
  Extraction tree = extractTree(graph, roots, cost);
  tree.cost = costOf(graph, tree.chosen, roots, cost);
  if (tree.cost < infinite)
    improve(graph, roots, cost, tree);
  // Its time grows with the square of the program.
  if (graph.numNodes() > largestGreedy)
    return tree;
  Extraction result;
  result.chosen = Greedy(graph, cost).run();
  if (result.chosen.empty())
    return tree;
  for (Id id : graph.classes())
    if (result.chosen[id] == none)
      result.chosen[id] = tree.chosen[id];
  // Choices made at different times may form a ring.
  result.cost = costOf(graph, result.chosen, roots, cost);
  if (result.cost < infinite)
    improve(graph, roots, cost, result);
  return result.cost < tree.cost ? result : tree;
}

std::string textOf(const EGraph &graph, const Extraction &extraction, Id root) {
  Id node = extraction.nodeOf(graph, root);
  SmallVector<std::string> operands;
  for (Id operand : graph.operands(node))
    operands.push_back(textOf(graph, extraction, operand));
  return textOf(graph.language(), graph.op(node), operands);
}

} // namespace mad::egraph
