//===- ReuseOperands.cpp - Ops in place --------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "passes/Transforms/Passes.h"

using namespace mlir;
using linalg::GenericOp;

namespace mad {
#define GEN_PASS_DEF_REUSEOPERANDS
#include "passes/Transforms/Passes.h.inc"

namespace {

/// Whether all other users come before `op`, in its block.
bool diesAt(Value v, GenericOp op) {
  return v.getParentBlock() == op->getBlock() && llvm::all_of(v.getUsers(), [&](Operation *user) {
           return user == op || (user->getBlock() == op->getBlock() && user->isBeforeInBlock(op));
         });
}

/// An input that dies here and has the place of the result: same type, same
/// position, and written by an op that can write anywhere.
OpOperand *dyingInput(GenericOp op) {
  OpOperand *init = op.getDpsInitOperand(0);
  for (OpOperand *input : op.getDpsInputOperands()) {
    Value v = input->get();
    auto producer = v.getDefiningOp<linalg::LinalgOp>();
    if (producer && v.getType() == init->get().getType() && diesAt(v, op) &&
        op.getMatchingIndexingMap(input) == op.getMatchingIndexingMap(init))
      return input;
  }
  return nullptr;
}

/// What is written in place, one op after the other, is one place for the analysis of
/// bufferization, whose time grows with the square of that and more.
constexpr unsigned maxChain = 16;

struct ReuseOperandsPass : impl::ReuseOperandsBase<ReuseOperandsPass> {
  using ReuseOperandsBase::ReuseOperandsBase;

  DenseMap<Value, unsigned> chains; ///< ops in place that end in a value
  DenseSet<Value> filling;          ///< memory that is being filled for the first time

  void reuse(GenericOp op, OpBuilder &b) {
    if (op.getNumReductionLoops() || op.getNumResults() != 1 || !op.hasPureTensorSemantics() ||
        !op.getDpsInits().front().getDefiningOp<tensor::EmptyOp>() ||
        op.payloadUsesValueFromOperand(op.getDpsInitOperand(0)))
      return;
    OpOperand *input = dyingInput(op);
    if (!input)
      return;
    unsigned length = chains.lookup(input->get()) + 1;
    if (length > maxChain)
      return;
    chains[op->getResult(0)] = length;
    unsigned position = input->getOperandNumber();
    Block *body = op.getBody();
    body->getArgument(position).replaceAllUsesWith(body->getArguments().back());
    op.getDpsInitOperand(0)->set(input->get());
    body->eraseArgument(position);
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    maps.erase(maps.begin() + position);
    op.setIndexingMapsAttr(b.getAffineMapArrayAttr(maps));
    op.getInputsMutable().erase(position);
    ++numReused;
  }

  /// An update after many others works on a copy, where a new chain begins.
  void endChain(DestinationStyleOpInterface op, OpBuilder &b) {
    OpOperand *dest = op.getDpsInitOperand(0);
    // The parts of a concatenation fill new memory; each is best computed where it goes.
    if (dest->get().getDefiningOp<tensor::EmptyOp>() || filling.contains(dest->get())) {
      filling.insert(op->getResult(0));
      return;
    }
    unsigned &length = chains[op->getResult(0)];
    length = chains.lookup(dest->get()) + 1;
    // What a loop carries must stay where it is.
    if (length <= maxChain || op->getParentOfType<LoopLikeOpInterface>())
      return;
    b.setInsertionPoint(op);
    dest->set(bufferization::AllocTensorOp::create(
        b, op.getLoc(), cast<RankedTensorType>(dest->get().getType()), ValueRange(), dest->get()));
    length = 1;
    ++numCopied;
  }

  void runOnOperation() override {
    OpBuilder b(&getContext());
    chains.clear();
    filling.clear();
    getOperation().walk([&](Operation *op) {
      if (auto generic = dyn_cast<GenericOp>(op))
        reuse(generic, b);
      else if (isa<tensor::InsertOp, tensor::InsertSliceOp>(op))
        endChain(cast<DestinationStyleOpInterface>(op), b);
    });
  }
};

} // namespace
} // namespace mad
