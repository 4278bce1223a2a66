//===- Matcher.h - Finds a pattern in an e-graph ----------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_EGRAPH_MATCHER_H
#define MAD_PASSES_EGRAPH_MATCHER_H

#include "passes/EGraph/Pattern.h"

namespace mad::egraph {

/// What a search leaves out, because an earlier one has seen it.
struct Seen {
  uint32_t round = 0; ///< of the earlier search; 0: there was none
  unsigned reach = 0; ///< classes where nothing changed after it up to so many operands below
  bool nodes = false; ///< and matches of nodes none of which changed after it
};

/// A pattern as instructions on registers that hold classes: de Moura and Bjorner, "Efficient
/// E-matching for SMT solvers" (CADE 2007). Operands of commutative operations are tried in both
/// orders.
class Matcher {
public:
  /// Variables are numbered below `variables` and `opVariables`. Operations whose flags are
  /// permissions must carry all of `flags`.
  Matcher(const Language &language, Pattern pattern, unsigned variables, unsigned opVariables,
          uint32_t flags = 0);

  const Pattern &pattern() const { return source; }
  /// How many operands below the root a change may be that makes a new match.
  unsigned reach() const { return steps; }

  /// Adds a row for each match, no more once there are more than `limit`.
  void search(const EGraph &graph, Matches &matches, size_t limit, Seen seen = {}) const;
  /// The same at one class.
  void searchAt(const EGraph &graph, Id id, Matches &matches, size_t limit) const;

  /// Nodes that searches have looked at.
  mutable uint64_t visits = 0;

private:
  struct Instruction {
    enum Kind { Bind, Compare } kind = Bind;
    unsigned reg = 0;     ///< of the class
    unsigned other = 0;   ///< Compare: an earlier register; Bind: the first of the operands
    Symbol symbol = none; ///< Bind
    OpId op = none;       ///< Bind: this one only; where flags are permissions, of this payload
    unsigned opVariable = none;
    bool isFirst = false; ///< that binds the variable
    unsigned arity = 0;
    bool commutes = false, flagged = false;
  };
  struct Ground {
    unsigned reg;
    unsigned node;
  };
  struct Run;

  void compile(unsigned variables);
  bool findGround(Run &state) const;
  void run(Run &state, unsigned pc) const;
  bool isThat(const Instruction &wanted, OpId op) const;
  bool bind(Run &state, unsigned pc, Id node) const;
  void emit(Run &state) const;

  const Language &language;
  Pattern source;
  std::vector<Instruction> program;
  std::vector<Ground> grounds;
  llvm::SmallVector<unsigned> variableRegister;
  unsigned registers = 1, opVariables, steps = 0, lastBind = 0;
  bool hasFlagged = false;
  uint32_t flags;
};

} // namespace mad::egraph

#endif // MAD_PASSES_EGRAPH_MATCHER_H
