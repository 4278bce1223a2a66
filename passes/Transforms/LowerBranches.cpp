//===- LowerBranches.cpp - Branches, the last one first --------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Long code of scalars has a branch a function that libm may have to compute, so
// one block may hold thousands.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Transforms/Passes.h"

using namespace mlir;

namespace mad {
#define GEN_PASS_DEF_LOWERBRANCHES
#include "passes/Transforms/Passes.h.inc"

namespace {

/// Moves the blocks of a side behind `here`; its end goes to `next`. Returns its first block.
Block *inlineSide(Region &side, Block *here, Block *next, OpBuilder &b) {
  Block *first = &side.front();
  Operation *yield = side.back().getTerminator();
  b.setInsertionPoint(yield);
  cf::BranchOp::create(b, yield->getLoc(), next, yield->getOperands());
  yield->erase();
  here->getParent()->getBlocks().splice(next->getIterator(), side.getBlocks());
  return first;
}

void lower(scf::IfOp op) {
  Block *here = op->getBlock(), *next = here->splitBlock(++op->getIterator());
  OpBuilder b(op);
  for (Value result : op.getResults())
    result.replaceAllUsesWith(next->addArgument(result.getType(), op.getLoc()));
  Block *yes = inlineSide(op.getThenRegion(), here, next, b);
  Block *no = op.getElseRegion().empty() ? next : inlineSide(op.getElseRegion(), here, next, b);
  b.setInsertionPoint(op);
  cf::CondBranchOp::create(b, op.getLoc(), op.getCondition(), yes, ValueRange(), no, ValueRange());
  op.erase();
}

struct LowerBranchesPass : impl::LowerBranchesBase<LowerBranchesPass> {
  using LowerBranchesBase::LowerBranchesBase;

  void runOnOperation() override {
    SmallVector<scf::IfOp> branches;
    getOperation()->walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (op == getOperation())
        return WalkResult::advance();
      auto branch = dyn_cast<scf::IfOp>(op);
      if (branch)
        branches.push_back(branch);
      return branch ? WalkResult::advance() : WalkResult::skip();
    });
    // An inner one comes before the one around it.
    for (scf::IfOp branch : llvm::reverse(branches))
      lower(branch);
  }
};

} // namespace
} // namespace mad
