//===- EliminateEmptyTensors.cpp - Values are made where they end up ------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What upstream does, but for one thing: a value that is inserted into a part of a
// tensor is written there early, when it is computed. A check of the place that
// stands in between would come too late, behind a write to memory of others.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/Transforms.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "passes/Transforms/Passes.h"

using namespace mlir;

namespace mad {
#define GEN_PASS_DEF_ELIMINATEEMPTYTENSORS
#include "passes/Transforms/Passes.h.inc"

namespace {

/// Whether a check may fail after `first` has run and before `last` does.
bool checksBetween(Operation *first, Operation *last) {
  // Both, or what holds them, in the innermost block that holds both.
  Block *block = last->getBlock();
  Operation *begin = block->findAncestorOpInBlock(*first);
  while (!begin && block->getParentOp() && block->getParentOp()->getBlock()) {
    block = block->getParentOp()->getBlock();
    begin = block->findAncestorOpInBlock(*first);
  }
  Operation *end = block->findAncestorOpInBlock(*last);
  if (!begin || !end || end->isBeforeInBlock(begin))
    return true;
  for (Operation *op = begin; op; op = op == end ? nullptr : op->getNextNode()) {
    auto found = op->walk([](cf::AssertOp) { return WalkResult::interrupt(); });
    if (found.wasInterrupted())
      return true;
  }
  return false;
}

Value makePlace(RewriterBase &b, SubsetInsertionOpInterface op, tensor::EmptyOp empty,
                Operation *user) {
  if (isa<tensor::InsertSliceOp>(op.getOperation()) && checksBetween(user, op))
    return {};
  return bufferization::buildSubsetExtraction(b, op, empty, user);
}

struct EliminateEmptyTensorsPass : impl::EliminateEmptyTensorsBase<EliminateEmptyTensorsPass> {
  using EliminateEmptyTensorsBase::EliminateEmptyTensorsBase;

  void runOnOperation() override {
    bufferization::OneShotBufferizationOptions options;
    options.allowReturnAllocsFromLoops = true;
    bufferization::OneShotAnalysisState state(getOperation(), options);
    IRRewriter b(&getContext());
    if (failed(bufferization::analyzeOp(getOperation(), state)) ||
        failed(bufferization::eliminateEmptyTensors(b, getOperation(), state, makePlace)))
      signalPassFailure();
  }
};

} // namespace
} // namespace mad
