//===- Update.cpp - Functional update to an insertion -----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Bufferization writes into the old tensor when that dies, and the value is
// computed where it ends up.
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadStateOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "passes/Conversion/MadToLinalg/CoordinateRange.h"

using namespace mlir;

namespace mad {
namespace {

struct UpdateLowering : LoweringPattern<UpdateOp> {
  using LoweringPattern::LoweringPattern;

  LogicalResult matchAndRewrite(UpdateOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    auto type = cast<RankedTensorType>(op.getValue().getType());
    AffineMap map = op.getMap();
    SmallVector<Value> scalars;
    for (Value s : adaptor.getScalars())
      scalars.push_back(
          arith::IndexCastOp::create(b, loc, b.getIndexType(), scalarOf(b, loc, s, false)));
    SmallVector<OpFoldResult> offsets, sizes, strides;
    SmallVector<Value> positions;
    for (auto [k, e] : llvm::enumerate(map.getResults())) {
      auto form = linearForm(e, map.getNumDims(), map.getNumSymbols());
      if (!form)
        return b.notifyMatchFailure(op, "the map is not linear");
      Value offset = indexConstant(b, loc, form->back());
      for (auto [s, scalar] : llvm::enumerate(scalars))
        if (int64_t factor = (*form)[type.getRank() + s]) {
          Value part = arith::MulIOp::create(b, loc, scalar, indexConstant(b, loc, factor));
          offset = arith::AddIOp::create(b, loc, offset, part);
        }
      OpFoldResult size = b.getIndexAttr(1);
      int64_t stride = 1;
      DimExpr reach(0);
      for (int64_t d = 0; d < type.getRank(); ++d)
        if ((*form)[d]) {
          stride = (*form)[d];
          size = lowering.sizes(b, op, type)[d];
          reach = (dimExpr(type, d) - 1) * DimExpr(stride);
        }
      if (op.getBoundary() == Boundary::checked)
        check(op, k, *form, scalars, reach, b);
      positions.push_back(offset);
      offsets.push_back(getAsOpFoldResult(offset));
      sizes.push_back(size);
      strides.push_back(b.getIndexAttr(stride));
    }
    Value value = withoutUnits(b, loc, adaptor.getValue());
    if (cast<RankedTensorType>(value.getType()).getRank() == 0) {
      Value element = tensor::ExtractOp::create(b, loc, value, ValueRange());
      b.replaceOpWithNewOp<tensor::InsertOp>(op, element, adaptor.getDest(), positions);
      return success();
    }
    b.replaceOpWithNewOp<tensor::InsertSliceOp>(op, value, adaptor.getDest(), offsets, sizes,
                                                strides);
    return success();
  }

  /// Fails the call when the coordinate lies outside.
  void check(UpdateOp op, int64_t k, ArrayRef<int64_t> form, ValueRange scalars,
             const DimExpr &reach, OpBuilder &b) const {
    auto type = cast<RankedTensorType>(op.getValue().getType());
    auto dest = cast<RankedTensorType>(op.getDest().getType());
    bool moves = llvm::any_of(form.drop_front(type.getRank()).drop_back(),
                              [](int64_t factor) { return factor != 0; });
    auto above = (dimExpr(dest, k) - 1 - reach - form.back()).lowerBound();
    if (!moves && form.back() >= 0 && above && *above >= 0)
      return;
    CoordinateRange(lowering, b, op, type, form, scalars).checkInside(op.getDest(), k);
  }
};

} // namespace

void populateUpdatePatterns(RewritePatternSet &patterns, Lowering &lowering) {
  patterns.add<UpdateLowering>(lowering, patterns.getContext());
}

} // namespace mad
