//===- TermText.h - Terms of a graph as the language writes them ----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_EGRAPH_BRIDGE_TERMTEXT_H
#define MAD_PASSES_EGRAPH_BRIDGE_TERMTEXT_H

#include "passes/EGraph/Bridge/Terms.h"
#include "passes/EGraph/Extract.h"

namespace mad::rewrite {

/// Texts for people: names of values, operators, calls. Views that only permute and repeat are
/// left out; deep terms end in `...`.
class TermText {
public:
  TermText(const Terms &terms, const egraph::EGraph &graph) : terms(terms), graph(graph) {}
  /// What the program computes.
  std::string of(mlir::Value value) const;
  /// What was chosen for a class.
  std::string of(const egraph::Extraction &extraction, egraph::Id id) const;

private:
  const Terms &terms;
  const egraph::EGraph &graph;
};

} // namespace mad::rewrite

#endif // MAD_PASSES_EGRAPH_BRIDGE_TERMTEXT_H
