//===- PackOps.cpp - Packs of scalars ---------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// They stay what they are, on scalars instead of tensors of rank 0.
//
//===----------------------------------------------------------------------===//
#include "passes/Conversion/MadToLinalg/PackOps.h"
#include "dialects/Ode/IR/OdePackOps.h"
#include "passes/Conversion/MadToLinalg/Lowering.h"

using namespace mlir;

namespace mad {
namespace {

template <typename Op> struct PackLowering : LoweringPattern<Op> {
  using LoweringPattern<Op>::LoweringPattern;

  LogicalResult matchAndRewrite(Op op, typename Op::Adaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    if (!isa<RankedTensorType>(op.getType()))
      return failure();
    OperationState state(op.getLoc(), op->getName());
    for (Value tensor : adaptor.getOperands())
      state.addOperands(scalarOf(b, op.getLoc(), tensor, isBool(op.getType())));
    state.addTypes(state.operands.front().getType());
    state.addAttributes(op->getAttrs());
    b.replaceOp(op, tensorOf(b, op.getLoc(), b.create(state)->getResult(0)));
    return success();
  }
};

} // namespace

void populatePackPatterns(RewritePatternSet &patterns, Lowering &lowering) {
  patterns.add<PackLowering<ode::PackOp>, PackLowering<ode::ShuffleOp>>(lowering,
                                                                        patterns.getContext());
}

void allowPacks(ConversionTarget &target) {
  target.addDynamicallyLegalOp<ode::PackOp, ode::ShuffleOp>(
      [](Operation *op) { return !isa<RankedTensorType>(op->getResult(0).getType()); });
}

} // namespace mad
