//===- ExpandSolves.cpp - Differential equations become loops ---------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Ode/Tableaus/Tableau.h"
#include "passes/Ode/Passes.h"
#include "passes/Ode/SolveLoops.h"
#include "passes/Transforms/Remarks.h"

using namespace mlir;

namespace mad {
#define GEN_PASS_DEF_EXPANDSOLVES
#include "passes/Ode/Passes.h.inc"

namespace {

struct ExpandSolvesPass : impl::ExpandSolvesBase<ExpandSolvesPass> {
  using ExpandSolvesBase::ExpandSolvesBase;

  void runOnOperation() override {
    SmallVector<ode::SolveOp> solves;
    // Those in a right-hand side first.
    getOperation()->walk<WalkOrder::PostOrder>([&](ode::SolveOp op) { solves.push_back(op); });
    for (ode::SolveOp op : solves)
      expand(op);
  }

  void expand(ode::SolveOp op) {
    std::string reason;
    auto stages = static_cast<int64_t>(ode::tableauOf(op.getMethod().str()).stages());
    auto rhs = RightHandSide::onScalars(op, scalars, ops / stages, reason);
    if (rhs)
      remarkTaken(op.getLoc(), "the steps of `" + op.getName() + "` are written out in scalars");
    else
      remarkMissed(op.getLoc(),
                   "the steps of `" + op.getName() + "` are not written out in scalars: " + reason);
    if (!rhs)
      rhs = RightHandSide::onTensors(op);
    OpBuilder b(op);
    SmallVector<Value> results = SolveLoops(op, *rhs, b).build();
    op->replaceAllUsesWith(results);
    op->erase();
  }
};

} // namespace
} // namespace mad
