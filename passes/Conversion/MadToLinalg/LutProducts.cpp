//===- LutProducts.cpp - Products with weights of few bits ----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Conversion/MadToLinalg/LutProducts.h"
#include "dialects/Lut/IR/LutOps.h"

using namespace mlir;

namespace mad {
namespace {

struct LutProductLowering : LoweringPattern<lut::ProductOp> {
  using LoweringPattern::LoweringPattern;

  LogicalResult matchAndRewrite(lut::ProductOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Value init = lowering.empty(b, op, op.getResult().getType());
    auto made =
        lut::ProductIntoOp::create(b, op.getLoc(), init.getType(), adaptor.getSource(),
                                   adaptor.getParts(), init, op.getFormat(), op.getIntegers());
    b.replaceOp(op, made.getResult());
    return success();
  }
};

struct LutGemmLowering : LoweringPattern<lut::GemmOp> {
  using LoweringPattern::LoweringPattern;

  LogicalResult matchAndRewrite(lut::GemmOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Value init = lowering.empty(b, op, op.getResult().getType());
    auto made = lut::GemmIntoOp::create(b, op.getLoc(), init.getType(), adaptor.getSource(),
                                        adaptor.getSourceScales(), adaptor.getParts(),
                                        adaptor.getPrecomputed(), init, op.getFormat());
    b.replaceOp(op, made.getResult());
    return success();
  }
};

struct PrecomputeLowering : LoweringPattern<lut::PrecomputeOp> {
  using LoweringPattern::LoweringPattern;

  LogicalResult matchAndRewrite(lut::PrecomputeOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Value tables = lowering.empty(b, op, op.getTables().getType());
    Value sums = lowering.empty(b, op, op.getSums().getType());
    auto made =
        lut::PrecomputeIntoOp::create(b, op.getLoc(), TypeRange{tables.getType(), sums.getType()},
                                      adaptor.getSource(), tables, sums, op.getFormat());
    b.replaceOp(op, made.getResult());
    return success();
  }
};

struct UnpackLowering : LoweringPattern<lut::UnpackOp> {
  using LoweringPattern::LoweringPattern;

  LogicalResult matchAndRewrite(lut::UnpackOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Value init = lowering.empty(b, op, op.getResult().getType());
    auto made = lut::UnpackIntoOp::create(b, op.getLoc(), init.getType(), adaptor.getTiles(), init,
                                          op.getFormat());
    b.replaceOp(op, made.getResult());
    return success();
  }
};

struct ExpandLowering : LoweringPattern<lut::ExpandOp> {
  using LoweringPattern::LoweringPattern;

  LogicalResult matchAndRewrite(lut::ExpandOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Value init = lowering.empty(b, op, op.getResult().getType());
    auto made =
        lut::ExpandIntoOp::create(b, op.getLoc(), init.getType(), adaptor.getWords(),
                                  adaptor.getStarts(), adaptor.getDictionary(), init, op.getRows());
    b.replaceOp(op, made.getResult());
    return success();
  }
};

} // namespace

void populateLutPatterns(RewritePatternSet &patterns, Lowering &lowering) {
  patterns
      .add<LutProductLowering, LutGemmLowering, PrecomputeLowering, UnpackLowering, ExpandLowering>(
          lowering, patterns.getContext());
}

} // namespace mad
