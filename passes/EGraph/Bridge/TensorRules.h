//===- TensorRules.h - Rules with contractions and reductions -------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_EGRAPH_BRIDGE_TENSORRULES_H
#define MAD_PASSES_EGRAPH_BRIDGE_TENSORRULES_H

#include "passes/EGraph/Bridge/Rules.h"
#include <map>

namespace mad::rewrite {

/// A term whose dimensions have labels instead of places: an index that is the same in two tensors
/// has one label, as in Einstein's notation, so views that permute and repeat are no nodes.
///
/// A rule that holds for tensors holds for each index of what its result is indexed by, whether a
/// variable depends on that index or not. So labels of the result need no counterpart in the rule,
/// and one pattern stands for all ranks, layouts and batches. Labels that are summed (or reduced)
/// occur in variables in which the rule has them, and in no other; one that does not depend on such
/// a label is repeated along it. Labels of results along which a rule puts tensors side by side,
/// which are placed, and those that go in rules of several results are in all of them.
///
/// Only the scope of a sum has its label, so a label may stand for several sums, and for a
/// dimension of the result: in `x - mean(x)` both are the last one of `x`.
struct TensorPattern {
  struct Node {
    /// Concat and Part, a part of one dimension, are built only.
    enum Kind {
      Variable,
      Number,
      Size,
      Elementwise,
      Contract,
      Reduce,
      Concat,
      Part
    } kind = Variable;
    unsigned variable = 0;
    RefScalar number;
    std::optional<Term> term;             ///< Elementwise, Reduce
    egraph::Symbol symbol = egraph::none; ///< of ops; set when a rule is loaded
    mlir::Type element;                   ///< null: that of the variables
    llvm::SmallVector<unsigned, 3> operands;
    unsigned bound = none;               ///< Contract, Reduce, Part: the label that goes
    unsigned placed = none;              ///< Concat, Part: the label that comes
    llvm::SmallVector<unsigned, 3> ends; ///< Concat: the label of each operand that goes
    DimExpr offset;                      ///< Part: over the names of sizes in the rule
    DimExpr size;                        ///< Size: the same
    llvm::SmallBitVector labels;         ///< of labels that go, those that its value has
    llvm::SmallBitVector variables;      ///< below
    static constexpr unsigned none = ~0u;
  };
  std::vector<Node> nodes; ///< operands first
  llvm::SmallVector<unsigned, 1> roots;
};

/// Both sides, with one numbering of the labels that go and of those that are placed.
struct TensorRule {
  TensorPattern left, right;
  unsigned labels = 0;
  /// The variables in which each label occurs.
  llvm::SmallVector<llvm::SmallBitVector> occurs;
  /// Labels of results that are placed: the result, and the label.
  llvm::SmallVector<std::pair<unsigned, unsigned>> placed;
  llvm::SmallBitVector ofResult; ///< of labels that go, those that the result has, too
  /// Where a name of a size stands: labels that go or are placed, and others of results, by the
  /// variables in which they occur.
  struct Named {
    llvm::SmallVector<unsigned, 2> labels;
    std::vector<llvm::SmallBitVector> ofResult;
  };
  std::map<std::string, Named> sizes;

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
  struct Root {
    egraph::Id id = egraph::none;   ///< a class
    egraph::Id node = egraph::none; ///< of it, that was matched
    llvm::SmallVector<unsigned, 4> labels;
  };
  /// A sum or reduction that was matched: the label of the rule, and those that go.
  struct Scope {
    unsigned label;
    llvm::SmallVector<unsigned, 2> gone;
  };
  /// A place of a variable: its labels before any are made the same, and the scopes around it.
  struct Place {
    unsigned variable;
    llvm::SmallVector<unsigned, 4> labels;
    llvm::SmallVector<unsigned, 2> scopes;
  };
  llvm::SmallVector<Root, 1> roots;
  llvm::SmallVector<Labelled, 4> variables;
  llvm::SmallVector<DimExpr, 8> sizes;     ///< of labels
  llvm::SmallVector<unsigned, 8> leader;   ///< the label that a label is the same as
  llvm::SmallVector<unsigned, 8> declared; ///< of labels that go or are placed: which of the rule
  llvm::SmallVector<Scope, 2> scopes;
  llvm::SmallVector<Place, 4> places;
  llvm::SmallVector<std::pair<unsigned, egraph::Id>, 2>
      numbers;                                       ///< that must be sizes: node, class
  std::vector<llvm::SmallVector<unsigned, 2>> going; ///< of labels of the rule: which they are here
  mlir::Type element; ///< of the variables whose type the rule leaves open
  uint32_t flags = AllPermissions;

  /// Whether a result has the label as its own.
  bool isOfResult(unsigned label) const {
    return llvm::any_of(roots,
                        [&](const Root &root) { return llvm::is_contained(root.labels, label); });
  }
  unsigned find(unsigned label) const {
    while (leader[label] != label)
      label = leader[label];
    return label;
  }
};

/// All matches with a class as the first root.
std::vector<TensorMatch> findMatches(const egraph::EGraph &graph, egraph::Id root,
                                     const TensorRule &rule, uint32_t permissions,
                                     RuleContext &context);
/// A size of the rule where it was found; empty when that is open.
std::optional<DimExpr> sizeAt(const TensorRule &rule, const TensorMatch &match,
                              const DimExpr &size);
/// Whether all elements of a class are the number `size`.
bool isSize(const egraph::EGraph &graph, egraph::Id id, const DimExpr &size, RuleContext &context);
/// Whether the relations of sizes that a rule asks for can be shown to hold.
bool meetsChecks(RuleOp op, const TensorRule &rule, const TensorMatch &match);
/// Makes the right side of a match: a term for each root, or none.
llvm::SmallVector<egraph::Id, 1> buildTensor(egraph::EGraph &graph, const TensorRule &rule,
                                             const TensorMatch &match, RuleContext &context);

/// The rule for graphs; empty when it has ops that are not understood.
std::optional<egraph::Rule> loadTensor(RuleOp op, bool forward, RuleContext &context);

} // namespace mad::rewrite

#endif // MAD_PASSES_EGRAPH_BRIDGE_TENSORRULES_H
