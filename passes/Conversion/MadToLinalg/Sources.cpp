//===- Sources.cpp - Constants and positions to linalg ----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Weights are not here: the pass makes them arguments before any pattern runs.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "passes/Conversion/MadToLinalg/Lowering.h"

using namespace mlir;

namespace mad {
namespace {

struct ConstantLowering : LoweringPattern<ConstantOp> {
  using LoweringPattern::LoweringPattern;
  LogicalResult matchAndRewrite(ConstantOp op, OpAdaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    auto elements = dyn_cast<DenseElementsAttr>(op.getValue());
    if (!elements)
      return b.notifyMatchFailure(op, "not a dense constant");
    auto type = cast<RankedTensorType>(op.getType());
    if (elements.isSplat()) {
      // A number, and not a table in the object file.
      auto number = cast<TypedAttr>(elements.getSplatValue<Attribute>());
      if (type.getElementType().isUnsignedInteger())
        number = b.getI8IntegerAttr(cast<IntegerAttr>(number).getValue().getSExtValue());
      Value scalar = arith::ConstantOp::create(b, loc, number);
      b.replaceOp(
          op, lowering.map(b, op, type, {}, {}, [&](OpBuilder &, ValueRange) { return scalar; }));
      return success();
    }
    RankedTensorType plain = lowering.plain(type);
    if (type.getElementType().isInteger(1)) {
      SmallVector<int8_t> bytes;
      for (bool v : elements.getValues<bool>())
        bytes.push_back(v);
      elements = DenseElementsAttr::get(plain, ArrayRef<int8_t>(bytes));
    } else {
      elements = elements.bitcast(plain.getElementType()).reshape(plain);
    }
    b.replaceOp(op, arith::ConstantOp::create(b, loc, plain, elements));
    return success();
  }
};

struct DimLowering : LoweringPattern<DimOp> {
  using LoweringPattern::LoweringPattern;
  LogicalResult matchAndRewrite(DimOp op, OpAdaptor, ConversionPatternRewriter &b) const override {
    auto dim = DimExpr::parse(op.getExpression());
    if (!dim)
      return b.notifyMatchFailure(op, "not a dimension");
    lowering.checkNestedSize(b, op, *dim);
    Value index = lowering.size(b, op, *dim);
    Value scalar = arith::IndexCastOp::create(b, op.getLoc(), b.getI64Type(), index);
    b.replaceOp(op, tensorOf(b, op.getLoc(), scalar));
    return success();
  }
};

struct IotaLowering : LoweringPattern<IotaOp> {
  using LoweringPattern::LoweringPattern;
  LogicalResult matchAndRewrite(IotaOp op, OpAdaptor, ConversionPatternRewriter &b) const override {
    auto body = [&](OpBuilder &b, ValueRange) -> Value {
      Value index = linalg::IndexOp::create(b, op.getLoc(), op.getAxis());
      return arith::IndexCastOp::create(b, op.getLoc(), b.getI64Type(), index);
    };
    auto type = cast<RankedTensorType>(op.getType());
    b.replaceOp(op, lowering.map(b, op, type, {}, {}, body));
    return success();
  }
};

} // namespace

void populateSourcePatterns(RewritePatternSet &patterns, Lowering &lowering) {
  patterns.add<ConstantLowering, DimLowering, IotaLowering>(lowering, patterns.getContext());
}

} // namespace mad
