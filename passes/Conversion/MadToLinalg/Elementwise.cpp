//===- Elementwise.cpp - Elementwise ops to linalg --------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Conversion/MadToLinalg/Lowering.h"

using namespace mlir;

namespace mad {
namespace {

struct ElementwiseLowering : OpInterfaceConversionPattern<ElementwiseOpInterface> {
  ElementwiseLowering(Lowering &lowering, MLIRContext *context)
      : OpInterfaceConversionPattern(lowering.types, context), lowering(lowering) {}

  LogicalResult matchAndRewrite(ElementwiseOpInterface op, ArrayRef<Value> operands,
                                ConversionPatternRewriter &b) const override {
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    SmallVector<AffineMap> maps(operands.size(), b.getMultiDimIdentityMap(type.getRank()));
    bool known = true;
    Value result = lowering.map(b, op, type, operands, maps, [&](OpBuilder &b, ValueRange v) {
      Value scalar = scalarOp(b, op, v);
      known &= static_cast<bool>(scalar);
      return scalar ? scalar : v.back();
    });
    if (!known)
      return op->emitError("has no scalar function on this target");
    b.replaceOp(op, result);
    return success();
  }

  Lowering &lowering;
};

} // namespace

void populateElementwisePatterns(RewritePatternSet &patterns, Lowering &lowering) {
  patterns.add<ElementwiseLowering>(lowering, patterns.getContext());
}

} // namespace mad
