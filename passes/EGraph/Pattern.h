//===- Pattern.h - Terms with variables -------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_EGRAPH_PATTERN_H
#define MAD_PASSES_EGRAPH_PATTERN_H

#include "passes/EGraph/EGraph.h"
#include "llvm/ADT/SmallVector.h"

namespace mad::egraph {

/// A term over operations and variables. Nodes come after their operands; the last one is the
/// root.
struct Pattern {
  struct Node {
    Symbol symbol = none; ///< none: a variable
    unsigned variable = 0;
    OpId op = none;             ///< this one; flags that are permissions may differ
    unsigned opVariable = none; ///< or any of the symbol, which this variable of operations is
    llvm::SmallVector<unsigned, 3> operands;
    bool isVariable() const { return symbol == none; }
  };
  std::vector<Node> nodes;

  unsigned root() const { return unsigned(nodes.size()) - 1; }
  unsigned addVariable(unsigned variable);
  unsigned add(Symbol symbol, OpId op, llvm::ArrayRef<unsigned> operands,
               unsigned opVariable = none);
  /// Steps of operands below the root, without variables.
  unsigned depth() const;
};

/// A match: a class for each variable, an operation for each variable of operations, and the
/// flags that all matched operations with permissions carry.
struct Bindings {
  llvm::ArrayRef<Id> classes;
  llvm::ArrayRef<OpId> ops;
  uint32_t flags = ~0u;
};

/// Names of variables as numbers.
struct Variables {
  std::vector<std::string> names;
  unsigned of(llvm::StringRef name);
};

/// Makes the terms of a pattern, operands first, and its root equal to `id`. True if that is new.
bool instantiateAt(EGraph &graph, Id id, const Pattern &pattern, const Bindings &bindings,
                   uint32_t because);
/// Makes the term of a pattern, operands first. Operations with permissions get the flags of the
/// match. Returns the class of its root.
Id instantiate(EGraph &graph, const Pattern &pattern, const Bindings &bindings);

/// Matches of a rule: rows of the flags that all have, the classes matched by the roots, those
/// of the variables, and the variables of operations.
struct Matches {
  unsigned roots = 1, classes = 0, ops = 0;
  std::vector<uint32_t> rows;

  unsigned width() const { return 1 + roots + classes + ops; }
  size_t size() const { return rows.size() / width(); }
  llvm::ArrayRef<uint32_t> row(size_t i) const {
    return llvm::ArrayRef(rows).slice(i * width(), width());
  }
  llvm::ArrayRef<Id> rootsOf(size_t i) const { return row(i).slice(1, roots); }
  Bindings operator[](size_t i) const {
    return {row(i).slice(1 + roots, classes), row(i).drop_front(1 + roots + classes), row(i)[0]};
  }
};

} // namespace mad::egraph

#endif // MAD_PASSES_EGRAPH_PATTERN_H
