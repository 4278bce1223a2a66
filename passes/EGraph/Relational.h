//===- Relational.h - Finds several patterns that share variables -----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_EGRAPH_RELATIONAL_H
#define MAD_PASSES_EGRAPH_RELATIONAL_H

#include "passes/EGraph/Rule.h"

namespace mad::egraph {

/// The left side of a rule as a query on tables: one for each operation of the patterns, a row
/// for each node, its columns the node's class and operands. Variable after variable is
/// intersected over all tables that have it: Zhang et al., "Relational e-matching" (POPL 2022),
/// with the join of Veldhuizen, "Leapfrog triejoin" (ICDT 2014), on sorted rows.
class Query {
public:
  Query(const Language &language, const Rule &rule);

  /// Adds a row for each match; no more once there are more than `limit`.
  void search(const EGraph &graph, Matches &matches, size_t limit) const;

private:
  /// An operation of a pattern.
  struct Atom {
    Symbol symbol = none;
    OpId op = none; ///< this one only; where flags are permissions, of this payload
    unsigned opVariable = none;
    bool flagged = false, commutes = false;
    llvm::SmallVector<unsigned, 4> variables; ///< of the class, then of the operands
    llvm::SmallVector<unsigned, 4> columns;   ///< different variables, in the order of the join
  };
  /// Rows of an atom: values of its columns, then the node. Sorted.
  struct Table {
    unsigned width = 0;
    std::vector<uint32_t> cells;
    size_t size() const { return cells.size() / width; }
    uint32_t at(size_t row, unsigned column) const { return cells[row * width + column]; }
  };
  struct Join;

  unsigned addAtoms(const Pattern &pattern);
  void orderVariables();
  Table tableOf(const EGraph &graph, const Atom &atom) const;

  const Language &language;
  uint32_t flags;
  unsigned numVariables, numOps, count;
  std::vector<Atom> atoms;
  llvm::SmallVector<unsigned, 4> roots; ///< variables
  llvm::SmallVector<unsigned> order;
};

} // namespace mad::egraph

#endif // MAD_PASSES_EGRAPH_RELATIONAL_H
