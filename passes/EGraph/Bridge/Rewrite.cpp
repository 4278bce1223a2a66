//===- Rewrite.cpp - Replaces programs by the cheapest equal ones ---------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/EGraph/Bridge/Rewrite.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "passes/EGraph/Bridge/BlockGraph.h"
#include "passes/EGraph/Bridge/Passes.h"
#include "passes/EGraph/Bridge/Rules.h"
#include "passes/EGraph/Bridge/TermText.h"
#include "passes/EGraph/Explain.h"
#include "passes/EGraph/Runner.h"
#include "llvm/Support/Format.h"

using namespace mlir;

namespace mad {
#define GEN_PASS_DEF_REWRITE
#include "passes/EGraph/Bridge/Passes.h.inc"

namespace {

using namespace rewrite;

/// A program must cost so much less that it is worth another one.
constexpr double leastGain = 1e-3;

/// Rewrites the blocks of a module.
class Rewriter {
public:
  Rewriter(ModuleOp module, const RewriteLimits &limits, RewriteExtras extras)
      : limits(limits), blocks(extras.blocks), terms(module.getContext()), context{terms} {
    for (Operation *from : {module.getOperation(), extras.rules}) {
      if (!from)
        continue;
      loadRules(cast<ModuleOp>(from), /*ofSeveral=*/false, context, loaded, rules);
      loadRules(cast<ModuleOp>(from), /*ofSeveral=*/true, context, loadedJoining, joining);
    }
    hasRules = !rules.empty() || !joining.empty();
    addViewRules(context, rules);
    addReshapeRules(context, rules);
    addViewRules(context, joining);
    addSiblingRules(context, joining);
  }
  /// Values are joined when it is settled which there are: while rules turn them into others,
  /// each of them would be another one of several.
  bool rewrite(Block &block, StringRef function) {
    bool changed = rewrite(block, function, rules);
    return rewrite(block, function, joining) || changed;
  }

private:
  bool rewrite(Block &block, StringRef function, ArrayRef<egraph::Rule> by);
  void explain(BlockGraph &blockGraph, const egraph::Extraction &best, RewrittenBlock &record);
  RewriteStep stepOf(const egraph::ProofStep &step) const;

  const RewriteLimits &limits;
  std::vector<RewrittenBlock> *blocks;
  Terms terms;
  RuleContext context;
  std::vector<LoadedRule> loaded, loadedJoining; ///< the first of those below
  std::vector<egraph::Rule> rules, joining;
  ArrayRef<egraph::Rule> current; ///< by which the block is being rewritten

public:
  bool hasRules = false;
};

bool Rewriter::rewrite(Block &block, StringRef function, ArrayRef<egraph::Rule> by) {
  current = by;
  terms.forgetLeaves();
  Facts facts(terms);
  BlockGraph blockGraph(block, terms, facts, /*explains=*/blocks != nullptr);
  if (blockGraph.roots().empty())
    return false;
  context.facts = &facts;
  context.groups.clear();
  context.joined.clear();
  context.together.clear();
  ++context.block;
  context.relaxes = !blockGraph.isFast();
  RewrittenBlock record{function.str(), block.getParentOp()->getLoc(), 0, 0, {}, {}, false};
  record.before = blockGraph.costBefore();
  if (by.data() == rules.data())
    addContractionTrees(blockGraph.graph(), blockGraph.roots(), context);
  egraph::Limits run;
  run.iterations = limits.iterations;
  run.nodes = std::max<size_t>(limits.nodes, 4 * blockGraph.graph().numIds());
  run.made = run.nodes;
  run.reuses = by.data() == rules.data(); // groups of products are kept
  run.seconds = std::numeric_limits<double>::infinity();
  egraph::Report report = egraph::Runner(blockGraph.graph(), by, run).run();
  // Facts that contradict each other come of a wrong rule: the program stays.
  if (report.stop == egraph::Stop::Conflict)
    return false;
  if (by.data() == rules.data())
    addSums(blockGraph.graph(), blockGraph.roots(), blockGraph.usedTwice(), context);
  if (!blockGraph.graph().conflict().empty())
    return false;
  egraph::Extraction best = blockGraph.extract(context.groups);
  record.after = best.cost;
  record.changed = best.cost < record.before * (1 - leastGain);
  if (blocks) {
    llvm::raw_string_ostream os(record.report);
    report.print(os);
    if (record.changed)
      explain(blockGraph, best, record);
  }
  if (record.changed)
    blockGraph.emit(best);
  if (blocks)
    blocks->push_back(record);
  return record.changed;
}

RewriteStep Rewriter::stepOf(const egraph::ProofStep &step) const {
  if (step.because == becauseFolded)
    return {"constants are computed", UnknownLoc::get(terms.context), true};
  if (step.because == becauseFactored)
    return {"sums are factored", UnknownLoc::get(terms.context), true};
  if (step.because == becauseOrdered)
    return {"factors are multiplied in the cheapest order", UnknownLoc::get(terms.context), true};
  ArrayRef<LoadedRule> written = current.data() == rules.data() ? loaded : loadedJoining;
  if (step.because >= written.size())
    return {current[step.because].name, UnknownLoc::get(terms.context), true};
  LoadedRule rule = written[step.because];
  // Of a rule in both directions each is a rule of its own.
  return {rule.op.getSymName().str(), rule.op.getLoc(), step.forward == rule.forward};
}

void Rewriter::explain(BlockGraph &blockGraph, const egraph::Extraction &best,
                       RewrittenBlock &record) {
  const egraph::EGraph &graph = blockGraph.graph();
  TermText text(terms, graph);
  for (const BlockGraph::Changed &changed : blockGraph.changed(best)) {
    RewrittenValue value{
        changed.op->getLoc(), text.of(changed.op->getResult(0)), text.of(best, changed.id), {}};
    llvm::SmallDenseSet<std::pair<uint32_t, unsigned>> seen;
    for (auto [from, to] : changed.choices)
      for (const egraph::ProofStep &step : graph.proofs()->explain(graph, from, to))
        if (step.because != egraph::becauseGiven &&
            seen.insert({step.because, unsigned(step.forward)}).second)
          value.steps.push_back(stepOf(step));
    record.values.push_back(std::move(value));
  }
}

struct RewritePass : impl::RewriteBase<RewritePass> {
  using RewriteBase::RewriteBase;
  RewriteExtras extras;

  void runOnOperation() override {
    std::vector<RewrittenBlock> blocks;
    if (report && !extras.blocks)
      extras.blocks = &blocks;
    numBlocks += rewriteModule(getOperation(), {iterations, nodes}, extras);
    if (extras.blocks == &blocks)
      extras.blocks = nullptr;
    for (const RewrittenBlock &block : blocks) {
      std::string text;
      llvm::raw_string_ostream os(text);
      os << "cost " << llvm::format("%.2f", block.before) << " -> "
         << llvm::format("%.2f", block.after) << "; " << block.report;
      for (const RewrittenValue &value : block.values) {
        os << value.before << "\n  is " << value.after << "\n";
        for (const RewriteStep &step : value.steps)
          os << "  by " << step.rule << (step.forward ? "" : " (from right to left)") << "\n";
      }
      emitRemark(block.place) << text;
    }
  }
};

} // namespace

std::unique_ptr<Pass> createRewrite(RewriteExtras extras) {
  auto pass = std::make_unique<RewritePass>();
  pass->extras = extras;
  return pass;
}

unsigned rewriteModule(ModuleOp module, const RewriteLimits &limits, RewriteExtras extras) {
  unsigned changed = 0;
  Rewriter rewriter(module, limits, extras);
  if (!rewriter.hasRules)
    return 0;
  for (auto function : module.getOps<FunctionOpInterface>())
    function.walk([&](Block *block) { changed += rewriter.rewrite(*block, function.getName()); });
  return changed;
}

} // namespace mad
