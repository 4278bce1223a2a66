//===- Rules.h - Rules of a module for the graphs of its programs ---------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_EGRAPH_BRIDGE_RULES_H
#define MAD_PASSES_EGRAPH_BRIDGE_RULES_H

#include "dialects/Mad/IR/MadRuleOps.h"
#include "passes/EGraph/Bridge/Facts.h"
#include "passes/EGraph/Rule.h"
#include <set>

namespace mad::rewrite {

/// What the rules of a run ask of it.
struct RuleContext {
  explicit RuleContext(Terms &terms) : terms(terms) {}

  Terms &terms;
  Facts *facts = nullptr; ///< of the graph that is searched
  bool relaxes = true;    ///< some ops of the graph lack permissions that others have
  unsigned block = 0;     ///< counts the graphs
  /// Classes with a node for each that pay only all together, since they share what is dear.
  std::vector<std::vector<std::pair<egraph::Id, egraph::Id>>> groups;
  llvm::DenseSet<egraph::Id> joined; ///< weights that were put side by side
  /// Classes that a rule with several values has been used for.
  std::set<std::pair<const void *, std::vector<egraph::Id>>> together;

  /// Whether a rule is used for these values for the first time, in any order.
  bool isNewGroup(RuleOp rule, const egraph::EGraph &graph, llvm::ArrayRef<egraph::Id> values);
  /// Other terms for values, which pay only together.
  void addGroup(llvm::ArrayRef<egraph::Id> values, llvm::ArrayRef<egraph::Id> made,
                llvm::function_ref<void(egraph::Id, egraph::Id)> unite);
};

/// Matches of a rule with several values in one graph that are looked at.
constexpr size_t maxTogether = 256;

/// A rule in one direction.
struct LoadedRule {
  RuleOp op;
  bool forward = true;
};

/// Rules of the module, both directions of some, as rules of graphs: those of one value, or those
/// of several. `context` must live as long.
void loadRules(mlir::ModuleOp module, bool ofSeveral, RuleContext &context,
               std::vector<LoadedRule> &loaded, std::vector<egraph::Rule> &rules);

/// One whose ops are elementwise alone: of any shape. Empty when it has other ops.
std::optional<egraph::Rule> loadElementwise(RuleOp op, bool forward, RuleContext &context);

/// Rules of the ops that say where elements are read, behind those of the module.
void addViewRules(RuleContext &context, std::vector<egraph::Rule> &rules);

/// Rules of other shapes of the same elements.
void addReshapeRules(RuleContext &context, std::vector<egraph::Rule> &rules);
/// Products that can be one.
void addSiblingRules(RuleContext &context, std::vector<egraph::Rule> &rules);

/// Adds cheap programs of the sums and products of a graph that may be reordered. `roots` are
/// classes that are needed, `several` those that the program uses several times. True if there were
/// any.
bool addSums(egraph::EGraph &graph, llvm::ArrayRef<egraph::Id> roots,
             llvm::ArrayRef<egraph::Id> several, RuleContext &context);

/// Adds the cheapest order of each sum of a product of several tensors that may be reordered, to a
/// graph to which no rule was applied. `roots` are classes that are needed. True if there were any.
bool addContractionTrees(egraph::EGraph &graph, llvm::ArrayRef<egraph::Id> roots,
                         RuleContext &context);

/// The element type of a value in a rule; null for f32, which stands for that of the variables.
mlir::Type elementInRule(mlir::Value value);
/// A rule that looks at the graph by itself.
egraph::Rule
sweep(std::string name,
      std::function<void(egraph::EGraph &, llvm::function_ref<void(egraph::Id, egraph::Id)>)> run);
/// Permissions and conditions of a rule.
uint32_t permissionsOf(RuleOp op);
/// Whether what is known of the classes of the variables meets the conditions of the rule.
bool meets(RuleOp op, const egraph::EGraph &graph, llvm::ArrayRef<egraph::Id> variables,
           const Facts &facts);
/// Makes `id` equal to what a rule with permissions matched: apart from what needs it exactly.
/// `always`: also where nothing does, since what the rule takes for granted (no NaN) is no fact of
/// the value elsewhere.
egraph::Id relax(egraph::EGraph &graph, egraph::Id id, RuleContext &context, bool always = false);

} // namespace mad::rewrite

#endif // MAD_PASSES_EGRAPH_BRIDGE_RULES_H
