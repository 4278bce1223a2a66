//===- LowerChecks.cpp - A failed check ends the run ------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/Transforms/Passes.h"

using namespace mlir;

namespace mad {
#define GEN_PASS_DEF_LOWERCHECKS
#include "passes/Transforms/Passes.h.inc"

namespace {

struct LowerChecksPass : impl::LowerChecksBase<LowerChecksPass> {
  using LowerChecksBase::LowerChecksBase;

  void runOnOperation() override {
    SmallVector<cf::AssertOp> checks;
    getOperation().walk([&](cf::AssertOp op) { checks.push_back(op); });
    if (checks.empty())
      return;
    OpBuilder b(&getContext());
    Region &body = getOperation().getFunctionBody();
    // A return without results, of a function or a kernel.
    Operation *end = body.back().getTerminator()->clone();
    b.createBlock(&body, body.end())->push_back(end);
    // The last one first, so that each op moves to another block once only.
    for (cf::AssertOp check : llvm::reverse(checks)) {
      Block *here = check->getBlock(), *next = here->splitBlock(check);
      b.setInsertionPointToEnd(here);
      cf::CondBranchOp::create(b, check.getLoc(), check.getArg(), next, ValueRange(),
                               end->getBlock(), ValueRange());
      check.erase();
    }
  }
};

} // namespace
} // namespace mad
