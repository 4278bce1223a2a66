//===- SettleRules.cpp - Rewrite rules as folded programs are ---------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadRuleOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Dominance.h"
#include "mlir/Transforms/CSE.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "passes/Transforms/Passes.h"

using namespace mlir;

namespace mad {
#define GEN_PASS_DEF_SETTLERULES
#include "passes/Transforms/Passes.h.inc"

namespace {

using Values = llvm::SmallDenseSet<Value>;

/// The variables that values are made of.
Values variablesOf(ValueRange values) {
  Values seen, variables;
  SmallVector<Value> list(values.begin(), values.end());
  while (!list.empty()) {
    Value value = list.pop_back_val();
    if (!seen.insert(value).second)
      continue;
    if (isa<BlockArgument>(value))
      variables.insert(value);
    else
      llvm::append_range(list, value.getDefiningOp()->getOperands());
  }
  return variables;
}

/// Whether one side can be looked for and the other one be made of what was found.
bool isGood(ValueRange from, ValueRange to) {
  for (Value value : from)
    if (isa<BlockArgument>(value) || variablesOf(value).empty())
      return false;
  Values bound = variablesOf(from);
  return llvm::all_of(variablesOf(to), [&](Value value) { return bound.contains(value); });
}

struct SettleRulesPass : impl::SettleRulesBase<SettleRulesPass> {
  using SettleRulesBase::SettleRulesBase;

  void runOnOperation() override {
    SmallVector<RuleOp> rules(getOperation().getOps<RuleOp>());
    if (rules.empty())
      return;
    RewritePatternSet patterns(&getContext());
    for (Dialect *dialect : getContext().getLoadedDialects())
      dialect->getCanonicalizationPatterns(patterns);
    for (RegisteredOperationName name : getContext().getRegisteredOperations())
      if (name.getDialectNamespace() == "mad")
        name.getCanonicalizationPatterns(patterns, &getContext());
    FrozenRewritePatternSet frozen(std::move(patterns));
    for (RuleOp rule : rules)
      settle(rule, frozen);
  }

  void settle(RuleOp rule, const FrozenRewritePatternSet &patterns) {
    GreedyRewriteConfig config;
    config.setRegionSimplificationLevel(GreedySimplifyRegionLevel::Disabled);
    (void)applyPatternsGreedily(rule.getBody(), patterns, config);
    IRRewriter rewriter(&getContext());
    DominanceInfo dominance(rule);
    eliminateCommonSubExpressions(rewriter, dominance, rule);
    auto sides = cast<SidesOp>(rule.getBody().front().getTerminator());
    bool forth = isGood(sides.getLeft(), sides.getRight());
    bool back = rule.getBoth() && isGood(sides.getRight(), sides.getLeft());
    if (llvm::equal(sides.getLeft(), sides.getRight()) || (!forth && !back)) {
      rule.erase();
      return;
    }
    if (forth == back)
      return;
    rule.setBoth(false);
    if (forth)
      return;
    SmallVector<Value> left(sides.getLeft()), right(sides.getRight());
    sides.getLeftMutable().assign(right);
    sides.getRightMutable().assign(left);
  }
};

} // namespace
} // namespace mad
