//===- MatchLutProducts.cpp - Products that read codes --------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Lut/Format/Activations.h"
#include "dialects/Lut/IR/LutOps.h"
#include "dialects/Mad/IR/MadPrecision.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "passes/Lut/Passes.h"
#include "passes/Transforms/Remarks.h"

using namespace mlir;

namespace mad {
#define GEN_PASS_DEF_MATCHLUTPRODUCTS
#include "passes/Lut/Passes.h.inc"

namespace {

/// A sum of products of something and a weight of few bits.
struct Match {
  ContractOp op;
  lut::DequantOp weight;
  Value source;
  AffineMap sourceMap, weightMap;

  /// Why no kernel reads the codes, else empty.
  std::string obstacle();
};

std::string Match::obstacle() {
  auto type = cast<RankedTensorType>(op.getType());
  auto from = cast<RankedTensorType>(source.getType());
  auto matrix = cast<RankedTensorType>(weight.getType());
  if (precisionOf(op) == Precision::Strict)
    return "its sums are strict";
  if (!type.getElementType().isF32() || !from.getElementType().isF32() ||
      !matrix.getElementType().isF32())
    return "kernels compute in f32";
  if (matrix.getRank() != 2)
    return "the weight is no single matrix";
  unsigned rank = type.getRank(), space = op.getLhsMap().getNumDims();
  MLIRContext *context = op.getContext();
  // x[t..., k] w[k, m].
  SmallVector<AffineExpr> x;
  for (unsigned d = 0; d + 1 < rank; ++d)
    x.push_back(getAffineDimExpr(d, context));
  x.push_back(getAffineDimExpr(rank, context));
  if (rank == 0 || space != rank + 1 || sourceMap != AffineMap::get(space, 0, x, context) ||
      weightMap !=
          AffineMap::get(space, 0, {x.back(), getAffineDimExpr(rank - 1, context)}, context))
    return "it is not of the form `x @ w`";
  const lut::Format &format = weight.getFormat().getValue();
  if (format.family == lut::Family::Codebook && format.group == lut::Format::wholeRow)
    return "columns have tables of their own";
  if (matrix.getNumElements() == 0)
    return "there is nothing to sum";
  return "";
}

/// Why no kernel multiplies its integers, else empty.
std::string obstacle(lut::GemmOp op) {
  auto codes = cast<RankedTensorType>(op.getParts().front().getType());
  int64_t K = op.getSource().getType().getShape().back();
  if (codes.getRank() != 2)
    return "the weight is no single matrix";
  if (op.getFormat().getValue().groupLength(K) > lut::exactSteps)
    return "a group is cut into several sums";
  return "";
}

struct MatchLutProductsPass : impl::MatchLutProductsBase<MatchLutProductsPass> {
  void runOnOperation() override {
    getOperation().walk([&](lut::GemmOp op) {
      if (std::string why = obstacle(op); !why.empty()) {
        remarkMissed(op.getLoc(), describe(op) + ": the weight is decoded whole, because " + why);
        return;
      }
      op.setKernel(true);
      ++numMatched;
    });
    getOperation().walk([&](ContractOp op) {
      Match match{op};
      if (auto right = op.getRhs().getDefiningOp<lut::DequantOp>())
        match = {op, right, op.getLhs(), op.getLhsMap(), op.getRhsMap()};
      else if (auto left = op.getLhs().getDefiningOp<lut::DequantOp>())
        match = {op, left, op.getRhs(), op.getRhsMap(), op.getLhsMap()};
      else
        return;
      if (std::string obstacle = match.obstacle(); !obstacle.empty()) {
        remarkMissed(op.getLoc(),
                     describe(op) + ": the weight is decoded whole, because " + obstacle);
        return;
      }
      OpBuilder b(op);
      Value made = lut::ProductOp::create(b, op.getLoc(), op.getType(), match.source,
                                          match.weight.getParts(), match.weight.getFormat());
      op.replaceAllUsesWith(made);
      op.erase();
      if (match.weight.use_empty())
        match.weight.erase();
      ++numMatched;
    });
  }
};

} // namespace
} // namespace mad
