//===- Sums.cpp - Sums and products of an e-graph as polynomials ------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/EGraph/Sums.h"
#include "llvm/ADT/Hashing.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/bit.h"
#include <cmath>

using namespace llvm;

namespace mad::egraph {

/// Terms of a product of two sums.
static constexpr size_t mostExpanded = 16;

Sums::Sums(const EGraph &graph, const Ring &ring, size_t limit)
    : graph(graph), ring(ring), limit(limit), chosen(graph.numIds(), none) {
  choose();
}

bool Sums::mayUnite(Id id) const {
  const Id node = chosen[graph.find(id)];
  return ring.isExact || (node != none && ring.meaning(graph, node).kind != Ring::Constant);
}

/// Whether all that the node needs is settled.
bool Sums::isKnown(Id node) const {
  return llvm::all_of(graph.operands(node), [&](Id o) { return settled[graph.find(o)]; });
}

/// A class takes the first of its sums and products whose operands have taken one, or are atoms,
/// before. So no class needs itself.
void Sums::choose() {
  settled.assign(graph.numIds(), false);
  auto isSum = [&](Id node) { return ring.meaning(graph, node).kind != Ring::Atom; };
  std::vector<Id> front, waiting;
  for (Id id : graph.classes()) {
    if (llvm::none_of(graph.nodesOf(id), isSum)) {
      settled[id] = true;
      front.push_back(id);
      continue;
    }
    waiting.push_back(id);
    // A constant needs nothing.
    if (auto node = llvm::find_if(graph.nodesOf(id),
                                  [&](Id n) { return graph.operands(n).empty() && isSum(n); });
        node != graph.nodesOf(id).end()) {
      settled[id] = true;
      chosen[id] = *node;
      order.push_back(id);
      front.push_back(id);
    }
  }
  for (size_t at = 0;; ++at) {
    while (!front.empty()) {
      Id id = front.back();
      front.pop_back();
      graph.forParents(id, [&](Id node) {
        Id parent = graph.find(node);
        if (settled[parent] || !isSum(node) || !isKnown(node))
          return;
        settled[parent] = true;
        chosen[parent] = node;
        order.push_back(parent);
        front.push_back(parent);
      });
    }
    while (at < waiting.size() && settled[waiting[at]])
      ++at;
    if (at == waiting.size())
      break;
    // Every sum that it is needs itself.
    settled[waiting[at]] = true;
    front.push_back(waiting[at]);
  }
  std::vector<char>().swap(settled);
}

Variable Sums::variableOf(Id id) {
  auto [at, isNew] = variables.try_emplace(id, Variable(atomIds.size()));
  if (isNew)
    atomIds.push_back(id);
  return at->second;
}

/// The polynomial of the chosen node, whose operands have theirs.
void Sums::compute(Id id) {
  const Id node = chosen[id];
  Polynomial sum;
  Polynomial shared[3];
  auto operand = [&](unsigned i) -> const Polynomial & {
    const Id below = graph.find(graph.operands(node)[i]);
    const Polynomial &whole = known.find(below)->second;
    if (whole.size() <= 1 || !ring.isShared || !ring.isShared(below))
      return whole;
    shared[i] = Polynomial();
    shared[i].add(system.monomials.of(variableOf(below)), 1);
    return shared[i];
  };
  auto addProduct = [&] {
    // Sums are taken apart where that is little: else what was factored becomes long.
    const size_t most = operand(0).size() == 1 || operand(1).size() == 1 ? limit : mostExpanded;
    std::optional<Polynomial> product =
        multiply(system.monomials, operand(0), operand(1), std::min(limit, most));
    if (product)
      sum = std::move(*product);
    return product.has_value();
  };
  bool fits = true;
  if (node != none) {
    const Ring::Meaning meaning = ring.meaning(graph, node);
    switch (meaning.kind) {
    case Ring::Atom:
      break;
    case Ring::Constant:
      sum.add(one, meaning.constant);
      break;
    case Ring::Negate:
      sum.add(operand(0), -1);
      break;
    case Ring::Add:
    case Ring::Subtract:
      sum = operand(0);
      sum.add(operand(1), meaning.kind == Ring::Add ? 1 : -1);
      break;
    case Ring::Multiply:
      fits = addProduct();
      break;
    case Ring::MultiplyAdd:
      if ((fits = addProduct()))
        sum.add(operand(2));
      break;
    }
    // What overflows stays as it is.
    fits &= sum.size() <= limit &&
            llvm::all_of(sum.terms(), [](Term t) { return std::isfinite(t.coefficient); });
  }
  if (node == none || !fits) {
    chosen[id] = none;
    sum = Polynomial();
    sum.add(system.monomials.of(variableOf(id)), 1);
  }
  known[id] = std::move(sum);
}

const Polynomial &Sums::of(Id id) {
  SmallVector<Id> waiting{graph.find(id)};
  while (!waiting.empty()) {
    Id at = waiting.back();
    const size_t before = waiting.size();
    if (!known.count(at) && chosen[at] != none)
      for (Id o : graph.operands(chosen[at]))
        if (!known.count(graph.find(o)))
          waiting.push_back(graph.find(o));
    if (waiting.size() > before)
      continue;
    waiting.pop_back();
    if (!known.count(at))
      compute(at);
  }
  return known.find(graph.find(id))->second;
}

System Sums::take(ArrayRef<Id> roots) {
  for (Id root : roots)
    system.polynomials.push_back(of(root));
  system.variables = unsigned(atomIds.size());
  return std::move(system);
}

//===----------------------------------------------------------------------===//
// Back into the graph
//===----------------------------------------------------------------------===//

void findEqualSums(const EGraph &graph, const Ring &ring, ArrayRef<Id> classes, Unite unite,
                   size_t limit) {
  Sums sums(graph, ring, limit);
  DenseMap<uint64_t, SmallVector<Id, 1>> byHash;
  SmallVector<std::pair<Id, Id>> equal; // what is united while this looks would change classes
  for (Id id : classes) {
    id = graph.find(id);
    const Polynomial &polynomial = sums.of(id);
    if (!sums.mayUnite(id))
      continue;
    hash_code hash(polynomial.size());
    for (Term t : polynomial.terms())
      hash = hash_combine(hash, t.monomial, bit_cast<uint64_t>(t.coefficient));
    auto &same = byHash[uint64_t(hash) >> 1];
    auto at = llvm::find_if(same, [&](Id other) { return sums.of(other) == sums.of(id); });
    if (at == same.end())
      same.push_back(id);
    else if (*at != id)
      equal.push_back({*at, id});
  }
  for (auto [a, b] : equal)
    unite(a, b);
}

size_t uniteEqualSums(EGraph &graph, const Ring &ring, ArrayRef<Id> classes, size_t limit) {
  size_t total = 0, before;
  do {
    graph.rebuild();
    before = total;
    findEqualSums(graph, ring, classes, [&](Id a, Id b) { total += graph.unite(a, b); }, limit);
  } while (total != before);
  return total;
}

namespace {

/// The steps of a program as nodes.
class Adder {
public:
  Adder(EGraph &graph, const Ring &ring, const StraightLine &program, ArrayRef<Id> atoms)
      : graph(graph), ring(ring), values(atoms) {
    for (const StraightLine::Step &step : program.steps)
      values.push_back(add(step));
  }
  Id of(StraightLine::Value value) const { return values[value]; }

private:
  Id product(const StraightLine::Summand &s) {
    const double size = std::abs(s.scale);
    if (s.a == StraightLine::nothing)
      return ring.constant(graph, size);
    Id result = values[s.a];
    if (s.b != StraightLine::nothing)
      result = ring.multiply(graph, result, values[s.b]);
    return size == 1 ? result : ring.multiply(graph, ring.constant(graph, size), result);
  }

  /// Sums are trees, so that no term waits for all others.
  Id sum(SmallVector<Id> terms) {
    while (terms.size() > 1) {
      SmallVector<Id> joined;
      for (size_t i = 0; i + 1 < terms.size(); i += 2)
        joined.push_back(ring.add(graph, terms[i], terms[i + 1]));
      if (terms.size() % 2)
        joined.push_back(terms.back());
      terms = std::move(joined);
    }
    return terms[0];
  }

  Id add(const StraightLine::Step &step) {
    SmallVector<Id> positive, negative;
    for (const StraightLine::Summand &s : step.sum)
      (s.scale < 0 ? negative : positive).push_back(product(s));
    if (positive.empty() && negative.empty())
      return ring.constant(graph, 0);
    if (negative.empty())
      return sum(std::move(positive));
    Id taken = sum(std::move(negative));
    return positive.empty() ? ring.negate(graph, taken)
                            : ring.subtract(graph, sum(std::move(positive)), taken);
  }

  EGraph &graph;
  const Ring &ring;
  SmallVector<Id> values;
};

} // namespace

void addFactored(EGraph &graph, const Ring &ring, ArrayRef<Id> given, Unite unite,
                 const FactorCost &cost) {
  Sums sums(graph, ring);
  SmallVector<Id> roots;
  for (Id id : given) {
    sums.of(id); // says whether it has too many terms
    if (!sums.isAtom(id) && sums.mayUnite(id))
      roots.push_back(graph.find(id));
  }
  System system = sums.take(roots);
  StraightLine program = factor(system, cost);
  Adder adder(graph, ring, program, sums.atoms());
  for (auto [root, output] : llvm::zip(roots, program.outputs))
    if (ring.isExact || (output >= program.variables && !program.isConstant(output)))
      unite(root, adder.of(output));
}

} // namespace mad::egraph
