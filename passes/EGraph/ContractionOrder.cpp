//===- ContractionOrder.cpp - The order in which tensors are multiplied -----===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/EGraph/ContractionOrder.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include <bit>
#include <cassert>
#include <limits>

using namespace llvm;

namespace mad::egraph {
namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();
/// Tensors of which all trees are compared.
constexpr unsigned mostExact = 10;
/// Sets of tensors that are joined by indices, of more tensors.
constexpr size_t mostSets = 2000;
/// Parts of a tree that are put in another order at once.
constexpr unsigned mostParts = 7;
/// Times that this is done for all parts.
constexpr unsigned mostRounds = 3;

/// What greedy searches choose the next pair by.
enum class Next { Smallest, Cheapest, AsWritten };

uint64_t bit(unsigned at) { return uint64_t(1) << at; }

class Search {
public:
  Search(const Contractions &problem, size_t &work) : problem(problem), work(work) {}
  ContractionTree run();

private:
  ContractionPart partOf(uint64_t leaves) const;
  double elements(uint64_t labels) const;
  bool spend(size_t count);
  /// A value of the tree that is being made, for a set of tensors.
  unsigned valueOf(uint64_t leaves) const { return values.lookup(leaves); }
  void addStep(uint64_t a, uint64_t b);

  bool solveAll(ArrayRef<ContractionPart> parts, std::vector<std::pair<uint64_t, uint64_t>> &pairs,
                double &cost) const;
  bool solveConnected();
  void solveGreedily(Next next);
  bool improve();
  double cost() const;

  const Contractions &problem;
  size_t &work;
  ContractionTree tree;
  DenseMap<uint64_t, unsigned> values;
  /// The two parts of each set that the tree has.
  DenseMap<uint64_t, std::pair<uint64_t, uint64_t>> halves;
};

ContractionPart Search::partOf(uint64_t leaves) const {
  uint64_t inside = 0, outside = problem.output;
  for (auto [leaf, labels] : enumerate(problem.leaves))
    (leaves & bit(leaf) ? inside : outside) |= labels;
  return {leaves, inside & outside};
}

double Search::elements(uint64_t labels) const {
  double product = 1;
  for (; labels; labels &= labels - 1)
    product *= problem.sizes[std::countr_zero(labels)];
  return product;
}

bool Search::spend(size_t count) {
  if (count > work)
    return false;
  work -= count;
  return true;
}

/// The cheapest tree of some parts: pairs that are multiplied, each as two sets of tensors, the
/// last one first. Sets of parts are bits here.
bool Search::solveAll(ArrayRef<ContractionPart> parts,
                      std::vector<std::pair<uint64_t, uint64_t>> &pairs, double &cost) const {
  const uint64_t count = bit(parts.size());
  std::vector<ContractionPart> sets(count);
  std::vector<double> best(count, infinite);
  std::vector<uint32_t> half(count, 0);
  for (uint64_t set = 1; set < count; ++set) {
    const uint64_t low = set & -set;
    if (set == low) {
      sets[set] = parts[std::countr_zero(set)];
      best[set] = 0;
      continue;
    }
    sets[set] = partOf(sets[low].leaves | sets[set - low].leaves);
    // The half that has the lowest part.
    for (uint64_t rest = (set - low) & -(set - low);; rest = (rest - (set - low)) & (set - low)) {
      const uint64_t a = set - rest;
      const double below = best[a] + best[rest];
      if (below < best[set]) {
        const double sum = below + problem.product(sets[a], sets[rest], sets[set]);
        if (sum < best[set]) {
          best[set] = sum;
          half[set] = uint32_t(a);
        }
      }
      if (rest == set - low)
        break;
    }
  }
  cost = best[count - 1];
  if (!(cost < infinite))
    return false;
  SmallVector<uint64_t> stack{count - 1};
  while (!stack.empty()) {
    const uint64_t set = stack.pop_back_val(), a = half[set];
    if (!a)
      continue;
    pairs.push_back({sets[a].leaves, sets[set - a].leaves});
    stack.push_back(a);
    stack.push_back(set - a);
  }
  return true;
}

/// The cheapest tree all of whose sets are joined by indices. False where there are too many, or
/// none.
bool Search::solveConnected() {
  const unsigned count = problem.leaves.size();
  std::vector<uint64_t> near(count, 0);
  for (unsigned a = 0; a < count; ++a)
    for (unsigned b = 0; b < count; ++b)
      if (a != b && (problem.leaves[a] & problem.leaves[b]))
        near[a] |= bit(b);
  std::vector<uint64_t> sets;
  DenseMap<uint64_t, unsigned> numbers;
  auto see = [&](uint64_t set) {
    if (numbers.try_emplace(set, sets.size()).second)
      sets.push_back(set);
  };
  for (unsigned leaf = 0; leaf < count; ++leaf)
    see(bit(leaf));
  for (size_t at = 0; at < sets.size(); ++at) {
    uint64_t around = 0;
    for (uint64_t rest = sets[at]; rest; rest &= rest - 1)
      around |= near[std::countr_zero(rest)];
    around &= ~sets[at];
    for (; around; around &= around - 1)
      see(sets[at] | (around & -around));
    if (sets.size() > mostSets)
      return false;
  }
  if (std::popcount(sets.back()) != int(count) || !spend(sets.size() * sets.size() / 8))
    return false;
  // They come by the number of their tensors.
  std::vector<ContractionPart> parts;
  std::vector<double> best(sets.size(), infinite);
  std::vector<uint64_t> half(sets.size(), 0);
  for (auto [at, set] : enumerate(sets)) {
    parts.push_back(partOf(set));
    if (at < count) {
      best[at] = 0;
      continue;
    }
    const uint64_t low = set & -set;
    for (size_t part = 0; part < at; ++part) {
      const uint64_t a = sets[part];
      if ((a & ~set) || !(a & low) || a == set)
        continue;
      auto rest = numbers.find(set & ~a);
      if (rest == numbers.end())
        continue;
      const double below = best[part] + best[rest->second];
      if (!(below < best[at]))
        continue;
      const double sum = below + problem.product(parts[part], parts[rest->second], parts[at]);
      if (sum < best[at]) {
        best[at] = sum;
        half[at] = a;
      }
    }
  }
  if (!(best.back() < infinite))
    return false;
  for (auto [at, set] : enumerate(sets))
    if (at >= count && best[at] < infinite)
      halves[set] = {half[at], set & ~half[at]};
  return true;
}

/// Again and again the pair whose product is smallest beside its factors, or costs least, or the
/// first two.
void Search::solveGreedily(Next next) {
  std::vector<ContractionPart> parts;
  for (unsigned leaf = 0; leaf < problem.leaves.size(); ++leaf)
    parts.push_back(partOf(bit(leaf)));
  while (parts.size() > 1) {
    size_t bestA = 0, bestB = 1;
    std::pair<bool, double> least = {true, infinite};
    ContractionPart made = partOf(parts[0].leaves | parts[1].leaves);
    for (size_t a = 0; next != Next::AsWritten && a < parts.size(); ++a)
      for (size_t b = a + 1; b < parts.size(); ++b) {
        ContractionPart both = partOf(parts[a].leaves | parts[b].leaves);
        // Products of what has no index in common come last.
        std::pair<bool, double> score = {!(parts[a].labels & parts[b].labels),
                                         next == Next::Cheapest
                                             ? problem.product(parts[a], parts[b], both)
                                             : elements(both.labels) - elements(parts[a].labels) -
                                                   elements(parts[b].labels)};
        if (score < least) {
          least = score;
          made = both;
          bestA = a, bestB = b;
        }
      }
    halves[made.leaves] = {parts[bestA].leaves, parts[bestB].leaves};
    parts[bestA] = made;
    parts.erase(parts.begin() + bestB);
  }
}

/// What the tree costs.
double Search::cost() const {
  double sum = 0;
  for (auto &[set, half] : halves)
    sum += problem.product(partOf(half.first), partOf(half.second), partOf(set));
  return sum;
}

/// Puts parts of the tree in the cheapest order, from small ones on. True if that gained.
bool Search::improve() {
  bool gained = false;
  std::vector<uint64_t> sets;
  for (auto &entry : halves)
    sets.push_back(entry.first);
  llvm::sort(sets, [](uint64_t a, uint64_t b) {
    return std::pair(std::popcount(a), a) < std::pair(std::popcount(b), b);
  });
  for (uint64_t set : sets) {
    if (!halves.contains(set))
      continue; // of the tree before
    SmallVector<ContractionPart> parts{partOf(set)};
    SmallVector<uint64_t> opened;
    double before = 0;
    while (parts.size() < mostParts) {
      auto largest = llvm::max_element(parts, [](const auto &a, const auto &b) {
        return std::popcount(a.leaves) < std::popcount(b.leaves);
      });
      auto found = halves.find(largest->leaves);
      if (found == halves.end())
        break;
      opened.push_back(largest->leaves);
      ContractionPart a = partOf(found->second.first), b = partOf(found->second.second);
      before += problem.product(a, b, *largest);
      *largest = a;
      parts.push_back(b);
    }
    size_t splits = 1;
    for (size_t i = 0; i < parts.size(); ++i)
      splits *= 3;
    if (parts.size() < 3 || !spend(splits / 2))
      continue;
    std::vector<std::pair<uint64_t, uint64_t>> pairs;
    double cost = infinite;
    if (!solveAll(parts, pairs, cost) || !(cost < before * (1 - 1e-9)))
      continue;
    for (uint64_t one : opened)
      halves.erase(one);
    for (auto [a, b] : pairs)
      halves[a | b] = {a, b};
    gained = true;
  }
  return gained;
}

void Search::addStep(uint64_t a, uint64_t b) {
  ContractionStep step{valueOf(a), valueOf(b), partOf(a | b)};
  tree.cost += problem.product(partOf(a), partOf(b), step.result);
  values[a | b] = unsigned(problem.leaves.size() + tree.steps.size());
  tree.steps.push_back(step);
}

ContractionTree Search::run() {
  const unsigned count = problem.leaves.size();
  assert(count >= 1 && count <= Contractions::most);
  SmallVector<ContractionPart> parts;
  for (unsigned leaf = 0; leaf < count; ++leaf) {
    parts.push_back(partOf(bit(leaf)));
    values[bit(leaf)] = leaf;
    tree.kept.push_back(parts.back().labels);
    if (parts.back().labels != problem.leaves[leaf])
      tree.cost += problem.sum(leaf, parts.back().labels);
  }
  size_t splits = 1;
  for (unsigned i = 0; i < std::min(count, mostExact); ++i)
    splits *= 3;
  if (count <= mostExact && spend(splits / 2)) {
    std::vector<std::pair<uint64_t, uint64_t>> pairs;
    double cost = 0;
    tree.isOptimal = solveAll(parts, pairs, cost);
    for (auto [a, b] : pairs)
      halves[a | b] = {a, b};
  }
  if (!tree.isOptimal && !solveConnected()) {
    DenseMap<uint64_t, std::pair<uint64_t, uint64_t>> best;
    double least = infinite;
    for (Next next : {Next::Smallest, Next::Cheapest, Next::AsWritten}) {
      halves.clear();
      solveGreedily(next);
      for (unsigned round = 0; round < mostRounds && improve(); ++round)
        ;
      if (double sum = cost(); sum < least || best.empty()) {
        least = sum;
        best = halves;
      }
    }
    halves = std::move(best);
  }
  // Operands first.
  const uint64_t all = bit(count) - 1;
  SmallVector<std::pair<uint64_t, bool>> stack{{all, false}};
  while (!stack.empty()) {
    auto [set, ready] = stack.pop_back_val();
    if (values.contains(set))
      continue;
    auto [a, b] = halves.lookup(set);
    if (ready) {
      addStep(a, b);
      continue;
    }
    stack.push_back({set, true});
    stack.push_back({b, false});
    stack.push_back({a, false});
  }
  return std::move(tree);
}

} // namespace

ContractionTree cheapestContraction(const Contractions &problem, size_t &work) {
  return Search(problem, work).run();
}

} // namespace mad::egraph
