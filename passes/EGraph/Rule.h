//===- Rule.h - Rewrite rules -----------------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_EGRAPH_RULE_H
#define MAD_PASSES_EGRAPH_RULE_H

#include "passes/EGraph/Pattern.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <functional>

namespace mad::egraph {

/// Where all terms on the left are found, with the same variables, each is made equal to the
/// term on the right at its place.
struct Rule {
  std::string name;
  std::vector<Pattern> left, right;
  unsigned variables = 0, opVariables = 0;
  uint32_t flags = 0; ///< permissions that matched operations need

  /// Whether a match counts; null: always. Reads facts of the classes of variables.
  std::function<bool(const EGraph &, const Bindings &)> condition;
  /// Makes the right side of the one term on the left instead of a pattern, or declines.
  std::function<std::optional<Id>(EGraph &, const Bindings &)> build;

  /// Instead of terms on the left: finds what it will in the graph, as of the last rebuild, makes
  /// terms and says which classes are one.
  std::function<void(EGraph &, llvm::function_ref<void(Id, Id)> unite)> sweep;

  /// With more matches than this in an iteration the rule waits; 0: what the run says. ~0: never.
  size_t matchLimit = 0;
};

} // namespace mad::egraph

#endif // MAD_PASSES_EGRAPH_RULE_H
