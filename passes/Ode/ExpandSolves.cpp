//===- ExpandSolves.cpp - Differential equations become loops ---------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Ode/Tableaus/Tableau.h"
#include "passes/Ode/ExpandLanes.h"
#include "passes/Ode/Passes.h"
#include "passes/Ode/SolveLoops.h"
#include "passes/Transforms/Remarks.h"

using namespace mlir;

namespace mad {
#define GEN_PASS_DEF_EXPANDSOLVES
#include "passes/Ode/Passes.h.inc"

namespace {

/// How often a step has the right-hand side.
int64_t copiesOf(ode::SolveOp op) {
  std::string name = op.getMethod().str();
  switch (ode::methodOf(name).family) {
  case ode::Family::Explicit:
    return static_cast<int64_t>(ode::tableauOf(name).stages());
  case ode::Family::Rosenbrock:
    return static_cast<int64_t>(ode::rosenbrockOf(name).stages());
  case ode::Family::Esdirk:
    return static_cast<int64_t>(ode::esdirkOf(name).stages());
  case ode::Family::Ndf:
    return 2;
  }
  return 1;
}

struct ExpandSolvesPass : impl::ExpandSolvesBase<ExpandSolvesPass> {
  using ExpandSolvesBase::ExpandSolvesBase;

  void runOnOperation() override {
    while (ode::SolveOp op = next())
      if (!expand(op))
        return signalPassFailure();
  }

  /// A solve in a right-hand side comes first, so that all stages share what it becomes. But an
  /// implicit method differentiates its right-hand side, and loops of steps have no derivative:
  /// there the solve inside comes later. Null where none is left.
  ode::SolveOp next() {
    ode::SolveOp found;
    getOperation()->walk<WalkOrder::PostOrder>([&](ode::SolveOp op) {
      for (auto outer = op->getParentOfType<ode::SolveOp>(); outer;
           outer = outer->getParentOfType<ode::SolveOp>())
        if (ode::methodOf(outer.getMethod().str()).family != ode::Family::Explicit)
          return WalkResult::advance();
      found = op;
      return WalkResult::interrupt();
    });
    return found;
  }

  /// Element by element where that can be, and a remark that says so.
  std::unique_ptr<RightHandSide> choose(ode::SolveOp op) {
    std::string reason;
    auto rhs = RightHandSide::onScalars(op, scalars, ops / copiesOf(op), reason);
    if (rhs)
      remarkTaken(op.getLoc(), "the steps of `" + op.getName() + "` are written out in scalars");
    else
      remarkMissed(op.getLoc(),
                   "the steps of `" + op.getName() + "` are not written out in scalars: " + reason);
    return rhs ? std::move(rhs) : RightHandSide::onTensors(op);
  }

  /// False, after a message, where it cannot be.
  bool expand(ode::SolveOp op) {
    OpBuilder b(op);
    Leaves results;
    if (op.getLaneRank()) {
      results = expandLanes(op, [&](ode::SolveOp one) { return choose(one); });
    } else {
      std::unique_ptr<RightHandSide> rhs = choose(op);
      SolveLoops loops(op, *rhs, b);
      if (loops.isPossible())
        results = loops.build();
    }
    if (results.empty())
      return false;
    for (auto [old, result] : llvm::zip_equal(op->getResults(), results))
      if (result) // what nobody reads need not be there
        old.replaceAllUsesWith(result);
    op->erase();
    return true;
  }
};

} // namespace
} // namespace mad
