//===- Sums.h - Sums and products of an e-graph as polynomials --------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Instead of rules for associativity, which make of a sum of n terms 3^n nodes: classes that are
// sums and products have a polynomial over classes that are not, and classes with equal
// polynomials are equal. What is cheap to compute comes from `factor`, as nodes that are added.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_EGRAPH_SUMS_H
#define MAD_PASSES_EGRAPH_SUMS_H

#include "passes/EGraph/EGraph.h"
#include "passes/EGraph/Factor.h"
#include <functional>

namespace mad::egraph {

/// Which nodes are sums and products, and how they are made.
struct Ring {
  enum Kind { Atom, Constant, Add, Subtract, Negate, Multiply, MultiplyAdd };
  struct Meaning {
    Kind kind = Atom;
    double constant = 0; ///< of a constant, finite
  };
  /// What a node is. A node that must not be reassociated is an atom. `MultiplyAdd` is the product
  /// of the first two operands plus the third.
  std::function<Meaning(const EGraph &, Id node)> meaning;

  /// Whether others need the value of a class, too: a sum of several terms is then computed once,
  /// and stands as an atom in other sums. Null: no.
  std::function<bool(Id)> isShared;

  std::function<Id(EGraph &, double)> constant;
  std::function<Id(EGraph &, Id, Id)> add, subtract, multiply;
  std::function<Id(EGraph &, Id)> negate;

  /// Equal polynomials are equal values in every bit, as of integers. Otherwise no class becomes
  /// one with an atom or a constant: who uses `a` must not be given `(a + b) - b`, although who
  /// uses that may be given `a`; nor `a - a` instead of 0.
  bool isExact = false;
};

/// Polynomials of classes as of the last rebuild. A class with several nodes has the polynomial of
/// one of them; one that would need itself, or has more terms than `limit`, is an atom.
class Sums {
public:
  Sums(const EGraph &graph, const Ring &ring, size_t limit = 4096);

  bool isAtom(Id id) const { return chosen[graph.find(id)] == none; }
  /// Whether the class may become one with others of the same polynomial.
  bool mayUnite(Id id) const;
  /// Over `monomials`; variables are numbers in `atoms`.
  const Polynomial &of(Id id);
  Monomials &monomials() { return system.monomials; }
  llvm::ArrayRef<Id> atoms() const { return atomIds; }

  /// Polynomials of classes as a system; ends the use of this.
  System take(llvm::ArrayRef<Id> roots);

private:
  void choose();
  bool isKnown(Id node) const;
  void compute(Id id);
  Variable variableOf(Id id);

  const EGraph &graph;
  const Ring &ring;
  const size_t limit;
  System system;
  std::vector<Id> chosen;    ///< of a class: the node that it is the sum or product of
  std::vector<Id> order;     ///< classes with one, operands first
  std::vector<char> settled; ///< of a class, while nodes are chosen
  llvm::DenseMap<Id, Polynomial> known;
  llvm::DenseMap<Id, Variable> variables;
  std::vector<Id> atomIds;
};

using Unite = llvm::function_ref<void(Id, Id)>;

/// Which of the classes have equal polynomials. As of the last rebuild, so a rule may do this as
/// its sweep.
void findEqualSums(const EGraph &graph, const Ring &ring, llvm::ArrayRef<Id> classes, Unite unite,
                   size_t limit = 4096);
/// Makes them one and rebuilds the graph, until there are none. Returns how many became one.
size_t uniteEqualSums(EGraph &graph, const Ring &ring, llvm::ArrayRef<Id> classes,
                      size_t limit = 4096);

/// Adds nodes of a cheap program that computes all of the roots that are sums or products, and
/// says which classes of it are those of roots. May be a sweep, too.
void addFactored(EGraph &graph, const Ring &ring, llvm::ArrayRef<Id> roots, Unite unite,
                 const FactorCost &cost = {});

} // namespace mad::egraph

#endif // MAD_PASSES_EGRAPH_SUMS_H
