//===- TensorRules.h - Rules with contractions and reductions -------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_EGRAPH_BRIDGE_TENSORRULES_H
#define MAD_PASSES_EGRAPH_BRIDGE_TENSORRULES_H

#include "passes/EGraph/Bridge/Rules.h"

namespace mad::rewrite {

/// A term whose dimensions have labels instead of places: an index that is the same in two tensors
/// has one label, as in Einstein's notation, so views that permute and repeat are no nodes.
///
/// A rule that holds for tensors holds for each index of what its result is indexed by, whether a
/// variable depends on that index or not. So labels of the result need no counterpart in the rule,
/// and one pattern stands for all ranks, layouts and batches. Labels that are summed (or reduced)
/// must occur in the variables in which the rule has them, and in no other.
struct TensorPattern {
  struct Node {
    enum Kind { Variable, Number, Elementwise, Contract, Reduce } kind = Variable;
    unsigned variable = 0;
    RefScalar number;
    std::optional<Term> term; ///< Elementwise, Reduce
    mlir::Type element;       ///< null: that of the variables
    llvm::SmallVector<unsigned, 3> operands;
    unsigned bound = none;          ///< Contract, Reduce: the label that goes
    llvm::SmallBitVector labels;    ///< of labels that go, those that its value has
    llvm::SmallBitVector variables; ///< below
    static constexpr unsigned none = ~0u;
  };
  std::vector<Node> nodes; ///< operands first; the last is the root
  const Node &root() const { return nodes.back(); }
};

/// Both sides, with one numbering of the labels that go.
struct TensorRule {
  TensorPattern left, right;
  unsigned labels = 0;
  /// The variables in which each label occurs.
  llvm::SmallVector<llvm::SmallBitVector> occurs;

  /// Empty when an op is none of these.
  static std::optional<TensorRule> read(RuleOp op, bool forward);
};

/// A tensor of a graph with labels of its dimensions.
struct Labelled {
  egraph::Id id = egraph::none;
  llvm::SmallVector<unsigned, 4> labels;
};

/// Where the left side was found.
struct TensorMatch {
  egraph::Id root = egraph::none; ///< a class
  egraph::Id node = egraph::none; ///< of it, that was matched
  llvm::SmallVector<unsigned, 4> rootLabels;
  llvm::SmallVector<Labelled, 4> variables;
  llvm::SmallVector<DimExpr, 8> sizes;     ///< of labels
  llvm::SmallVector<unsigned, 8> leader;   ///< the label that a label is the same as
  llvm::SmallVector<unsigned, 8> declared; ///< of labels that go: which of the rule
  uint32_t flags = AllPermissions;

  unsigned find(unsigned label) const {
    while (leader[label] != label)
      label = leader[label];
    return label;
  }
};

/// All matches with a class as root.
std::vector<TensorMatch> findMatches(const egraph::EGraph &graph, egraph::Id root,
                                     const TensorRule &rule, uint32_t permissions,
                                     RuleContext &context);
/// Makes the right side of a match, or declines.
std::optional<egraph::Id> buildTensor(egraph::EGraph &graph, const TensorRule &rule,
                                      const TensorMatch &match, RuleContext &context);

/// The rule for graphs; empty when it has ops that are not understood.
std::optional<egraph::Rule> loadTensor(RuleOp op, bool forward, RuleContext &context);

} // namespace mad::rewrite

#endif // MAD_PASSES_EGRAPH_BRIDGE_TENSORRULES_H
