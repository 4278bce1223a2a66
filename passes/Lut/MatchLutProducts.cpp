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

  /// Nothing if neither factor is such a weight.
  static std::optional<Match> of(ContractOp op) {
    if (auto right = op.getRhs().getDefiningOp<lut::DequantOp>())
      return Match{op, right, op.getLhs(), op.getLhsMap(), op.getRhsMap()};
    if (auto left = op.getLhs().getDefiningOp<lut::DequantOp>())
      return Match{op, left, op.getRhs(), op.getRhsMap(), op.getLhsMap()};
    return std::nullopt;
  }
  /// Why no kernel reads the codes, else empty.
  std::string obstacle();
  /// Whether it is `x[e, ...] @ w[e]` or `x @ w[e]`, of several matrices.
  bool isBatch();
  Value product(OpBuilder &b);

private:
  bool rowsTimesMatrix(unsigned batch);
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

bool Match::isBatch() { return cast<RankedTensorType>(weight.getType()).getRank() == 3; }

Value Match::product(OpBuilder &b) {
  if (weight.getFormat().getValue().blockType())
    return blockProduct(b);
  return lut::ProductOp::create(b, op.getLoc(), op.getType(), source, weight.getParts(),
                                weight.getFormat());
}

/// x[b..., t..., k] w[b..., k, m] or x[t..., k] w[b..., k, m], with so many dimensions b.
bool Match::rowsTimesMatrix(unsigned batch) {
  unsigned rank = cast<RankedTensorType>(op.getType()).getRank();
  unsigned space = op.getLhsMap().getNumDims();
  MLIRContext *context = op.getContext();
  SmallVector<AffineExpr> x, w;
  for (unsigned d = 0; d + 1 < rank; ++d)
    x.push_back(getAffineDimExpr(d, context));
  x.push_back(getAffineDimExpr(rank, context));
  for (unsigned d = 0; d < batch; ++d)
    w.push_back(getAffineDimExpr(d, context));
  w.push_back(getAffineDimExpr(rank, context));
  w.push_back(getAffineDimExpr(rank - 1, context));
  auto isRows = [&](ArrayRef<AffineExpr> dims) {
    return sourceMap == AffineMap::get(space, 0, dims, context);
  };
  return rank > batch && space == rank + 1 &&
         (isRows(x) || isRows(ArrayRef(x).drop_front(batch))) &&
         weightMap == AffineMap::get(space, 0, w, context);
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
  if (!rowsTimesMatrix(matrix.getRank() - 2)) {
    unsigned summed = op.getLhsMap().getNumDims() - 1;
    bool turned = matrix.getRank() == 2 && weightMap.getNumResults() == 2 &&
                  weightMap.getDimPosition(1) == summed;
    return turned ? "it sums over columns, and codes lie along rows: store the weight with `along "
                    "= last`, or "
                    "declare it turned, with `transposed`, and write `x @ w`"
                  : "it is not of the form `x @ w`";
  }
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

struct MatchLutProductsPass : impl::MatchLutProductsBase<MatchLutProductsPass> {
  void runOnOperation() override {
    getOperation().walk([&](lut::GemmOp op) {
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
      std::optional<Match> match = Match::of(op);
      if (!match)
        return;
      if (std::string obstacle = match->obstacle(); !obstacle.empty()) {
        remarkMissed(op.getLoc(),
                     describe(op) + ": the weight is decoded whole, because " + obstacle);
        return;
      }
      if (match->isBatch())
        match = Match::of(splitBatch(op, match->weight));
      OpBuilder b(match->op);
      match->op.replaceAllUsesWith(match->product(b));
      match->op.erase();
      if (match->weight.use_empty())
        match->weight.erase();
      ++numMatched;
    });
  }
};

} // namespace
} // namespace mad
