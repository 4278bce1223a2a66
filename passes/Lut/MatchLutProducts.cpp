//===- MatchLutProducts.cpp - Products that read codes --------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Lut/Format/Activations.h"
#include "dialects/Lut/IR/LutOps.h"
#include "dialects/Mad/IR/MadMathOps.h"
#include "dialects/Mad/IR/MadPrecision.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "passes/Lut/BlockScales.h"
#include "passes/Lut/Passes.h"
#include "passes/Lut/SplitBatches.h"
#include "passes/Lut/WeightProduct.h"
#include "passes/Lut/WordProduct.h"
#include "passes/Transforms/Remarks.h"

using namespace mlir;

namespace mad {
#define GEN_PASS_DEF_MATCHLUTPRODUCTS
#include "passes/Lut/Passes.h.inc"

namespace {

/// One that kernels may compute from codes.
struct Match : WeightProduct {
  Match(const WeightProduct &product) : WeightProduct(product) {}
  /// Why no kernel reads the codes, else empty.
  std::string obstacle();
  Value product(OpBuilder &b);

private:
  Value blockProduct(OpBuilder &b);
};

/// Of a weight in blocks: its codes with one scale a group, and what its minima add, which are as a
/// matrix [groups, M] for the sums of groups of x.
Value Match::blockProduct(OpBuilder &b) {
  Location loc = op.getLoc();
  const lut::BlockType &block = *weight.getFormat().getValue().blockType();
  BlockScales scales = centredScales(b, weight);
  Value made = lut::ProductOp::create(b, loc, op.getType(), source,
                                      ValueRange{weight.getParts()[0], scales.scale},
                                      lut::FormatAttr::get(b.getContext(), integersOf(block)));
  if (!scales.minimum)
    return made;
  Value sums = groupSums(b, loc, source, block.group);
  Value least =
      ContractOp::create(b, loc, op.getType(), sums, scales.minimum, sourceMap, weightMap);
  return AddOp::create(b, loc, op.getType(), made, least);
}

Value Match::product(OpBuilder &b) {
  if (weight.getFormat().getValue().blockType())
    return blockProduct(b);
  return lut::ProductOp::create(b, op.getLoc(), op.getType(), source, weight.getParts(),
                                weight.getFormat());
}

std::string Match::obstacle() {
  auto type = cast<RankedTensorType>(op.getType());
  auto from = cast<RankedTensorType>(source.getType());
  auto matrix = cast<RankedTensorType>(weight.getType());
  if (precisionOf(op) == Precision::Strict)
    return "its sums are strict";
  if (!type.getElementType().isF32() || !from.getElementType().isF32() ||
      !matrix.getElementType().isF32())
    return "kernels compute in f32";
  if (matrix.getRank() > 3)
    return "the weight is no single matrix, nor one for each of a batch";
  if (!isRowsTimesMatrix()) {
    unsigned summed = op.getLhsMap().getNumDims() - 1;
    bool turned = matrix.getRank() == 2 && weightMap.getNumResults() == 2 &&
                  weightMap.getDimPosition(1) == summed;
    return turned ? "it sums over columns, and codes lie along rows: store the weight with `along "
                    "= last`, or "
                    "declare it turned, with `transposed`, and write `x @ w`"
                  : "it is not of the form `x @ w`";
  }
  if (matrix.getNumElements() == 0)
    return "there is nothing to sum";
  return "";
}

/// Why no kernel multiplies its integers, else empty.
std::string obstacle(lut::GemmOp op) {
  auto codes = cast<RankedTensorType>(op.getParts().front().getType());
  int64_t K = op.getSource().getType().getShape().back();
  if (codes.getRank() > 3)
    return "the weight is no single matrix, nor one for each of a batch";
  if (op.getFormat().getValue().groupLength(K) > lut::exactSteps)
    return "a group is cut into several sums";
  return "";
}

/// Kernels on bytes read codes of 2 bits.
void expandWords(lut::GemmOp op) {
  const lut::Format format = op.getFormat().getValue();
  if (!format.dictionary)
    return;
  int64_t batch = cast<RankedTensorType>(op.getParts().front().getType()).getRank() - 2;
  auto source = cast<RankedTensorType>(op.getSource().getType());
  SmallVector<int64_t> shape(source.getShape().take_front(batch));
  shape.push_back(source.getShape().back());
  shape.push_back(cast<RankedTensorType>(op.getResult().getType()).getShape().back());
  OpBuilder b(op);
  remarkMissed(op.getLoc(), describe(op) + ": the words of the weight are decoded whole, to codes "
                                           "of 2 bits");
  SmallVector<Value> parts = {lut::expandedCodes(b, op.getLoc(), format, op.getParts(), shape),
                              op.getParts()[1]};
  op.getPartsMutable().assign(parts);
  op.setFormatAttr(lut::FormatAttr::get(op.getContext(), format.expanded()));
}

/// Rows of a matrix from which on its words take less time decoded, as far as is known: then bytes
/// are multiplied (docs/performance/low-bit.md).
constexpr int64_t manyRows = 64;

/// Sums of activations of 8 bits that f32 holds exactly are a product of floats: of all terms of a
/// word at once.
bool walksWords(lut::GemmOp op) {
  int64_t K = op.getSource().getType().getShape().back(), rows = 1;
  int64_t batch = cast<RankedTensorType>(op.getParts().front().getType()).getRank() - 2;
  for (int64_t size : op.getSource().getType().getShape().drop_back().drop_front(batch))
    rows *= ShapedType::isDynamic(size) ? 1 : size;
  return mad::walksWords(op.getFormat().getValue(), K) && isExactSum(K) && batch <= 1 &&
         rows < manyRows;
}

Value wordProduct(lut::GemmOp op) {
  OpBuilder b(op);
  Location loc = op.getLoc();
  auto type = cast<RankedTensorType>(op.getResult().getType());
  RankedTensorType from = op.getSource().getType();
  auto rows = RankedTensorType::get(from.getShape(), b.getF32Type(), from.getEncoding());
  Value x = CastOp::create(b, loc, rows, op.getSource());
  Value product = lut::ProductOp::create(b, loc, type, x, op.getParts(), op.getFormat(),
                                         /*integers=*/true);
  // Of a vector there is one scale.
  unsigned rank = type.getRank();
  SmallVector<AffineExpr> rowsOnly;
  for (unsigned dim = 0; dim + 1 < rank; ++dim)
    rowsOnly.push_back(b.getAffineDimExpr(dim));
  auto each = AffineMap::get(rank, 0, rowsOnly, b.getContext());
  Value scales =
      ViewOp::create(b, loc, type, op.getSourceScales(), ValueRange(), each, Boundary::inside);
  return MulOp::create(b, loc, type, product, scales);
}

/// Else nothing would say that codes are decoded.
void remarkParts(ContractOp op) {
  if (isMadeOfCodes(op.getLhs()) || isMadeOfCodes(op.getRhs()))
    remarkMissed(op.getLoc(), describe(op) + ": codes are decoded whole, because " + partOfCodes);
}

struct MatchLutProductsPass : impl::MatchLutProductsBase<MatchLutProductsPass> {
  void runOnOperation() override {
    getOperation().walk([&](lut::GemmOp op) {
      if (walksWords(op)) {
        if (cast<RankedTensorType>(op.getParts().front().getType()).getRank() == 3)
          op = splitBatch(op);
        op.getResult().replaceAllUsesWith(wordProduct(op));
        op.erase();
        ++numMatched;
        return;
      }
      expandWords(op);
      if (std::string why = obstacle(op); !why.empty()) {
        remarkMissed(op.getLoc(), describe(op) + ": the weight is decoded whole, because " + why);
        return;
      }
      if (cast<RankedTensorType>(op.getParts().front().getType()).getRank() == 3)
        op = splitBatch(op);
      op.setKernel(true);
      ++numMatched;
    });
    getOperation().walk([&](ContractOp op) {
      std::optional<WeightProduct> found = WeightProduct::of(op);
      if (!found) {
        remarkParts(op);
        return;
      }
      Match match = *found;
      if (std::string obstacle = match.obstacle(); !obstacle.empty()) {
        remarkMissed(op.getLoc(),
                     describe(op) + ": the weight is decoded whole, because " + obstacle);
        return;
      }
      match = match.inOrder();
      if (match.isBatch())
        match = *WeightProduct::of(splitBatch(match.op, match.weight));
      OpBuilder b(match.op);
      match.op.replaceAllUsesWith(match.product(b));
      match.op.erase();
      if (match.weight.use_empty())
        match.weight.erase();
      ++numMatched;
    });
  }
};

} // namespace
} // namespace mad
