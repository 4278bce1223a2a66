//===- Rewrite.cpp - Replaces a program by the cheapest equal one ---------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "passes/EGraph/Bridge/BlockGraph.h"
#include "passes/EGraph/Bridge/Passes.h"
#include "passes/EGraph/Bridge/Rules.h"
#include "passes/EGraph/Runner.h"
#include "llvm/Support/Format.h"

using namespace mlir;

namespace mad {
#define GEN_PASS_DEF_REWRITE
#define GEN_PASS_DEF_ERASERULES
#include "passes/EGraph/Bridge/Passes.h.inc"

namespace {

using namespace rewrite;

/// A program must cost so much less that it is worth another one.
constexpr double leastGain = 1e-3;

struct RewritePass : impl::RewriteBase<RewritePass> {
  using RewriteBase::RewriteBase;

  void runOnOperation() override {
    Terms terms(&getContext());
    RuleContext context{terms};
    std::vector<LoadedRule> loaded;
    std::vector<egraph::Rule> rules;
    loadRules(getOperation(), context, loaded, rules);
    if (rules.empty())
      return;
    for (auto function : getOperation().getOps<FunctionOpInterface>())
      function.walk([&](Block *block) { numBlocks += rewrite(*block, context, rules); });
  }

  bool rewrite(Block &block, RuleContext &context, ArrayRef<egraph::Rule> rules) {
    Facts facts(context.terms);
    BlockGraph blockGraph(block, context.terms, facts, /*explains=*/false);
    if (blockGraph.roots().empty())
      return false;
    context.facts = &facts;
    context.relaxes = !blockGraph.isFast();
    const double before = blockGraph.costBefore();
    egraph::Limits limits;
    limits.iterations = iterations;
    limits.nodes = std::max<size_t>(nodes, 4 * blockGraph.graph().numIds());
    limits.seconds = std::numeric_limits<double>::infinity();
    egraph::Report ran = egraph::Runner(blockGraph.graph(), rules, limits).run();
    // Facts that contradict each other come of a wrong rule: the program stays.
    if (ran.stop == egraph::Stop::Conflict)
      return false;
    egraph::Extraction best = blockGraph.extract();
    const bool gains = best.cost < before * (1 - leastGain);
    if (report) {
      std::string text;
      llvm::raw_string_ostream os(text);
      os << "cost " << llvm::format("%.2f", before) << " -> " << llvm::format("%.2f", best.cost)
         << "; ";
      ran.print(os);
      block.getParentOp()->emitRemark(text);
    }
    if (gains)
      blockGraph.emit(best);
    return gains;
  }
};

struct EraseRulesPass : impl::EraseRulesBase<EraseRulesPass> {
  void runOnOperation() override {
    for (auto rule : llvm::make_early_inc_range(getOperation().getOps<RuleOp>()))
      rule.erase();
  }
};

} // namespace
} // namespace mad
