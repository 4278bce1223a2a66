//===- WeightProduct.cpp - Products with a weight of few bits -------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Lut/WeightProduct.h"

using namespace mlir;

namespace mad {

std::optional<WeightProduct> WeightProduct::of(ContractOp op) {
  if (auto right = op.getRhs().getDefiningOp<lut::DequantOp>())
    return WeightProduct{op, right, op.getLhs(), op.getLhsMap(), op.getRhsMap()};
  if (auto left = op.getLhs().getDefiningOp<lut::DequantOp>())
    return WeightProduct{op, left, op.getRhs(), op.getRhsMap(), op.getLhsMap()};
  return std::nullopt;
}

RankedTensorType WeightProduct::weightType() const {
  return cast<RankedTensorType>(lut::DequantOp(weight).getType());
}

bool WeightProduct::isRowsTimesMatrix() const {
  ContractOp op = this->op;
  const unsigned rank = cast<RankedTensorType>(op.getType()).getRank(), batch = isBatch();
  const unsigned space = op.getLhsMap().getNumDims();
  MLIRContext *context = op.getContext();
  SmallVector<AffineExpr> x, w;
  for (unsigned d = 0; d + 1 < rank; ++d)
    x.push_back(getAffineDimExpr(d, context));
  x.push_back(getAffineDimExpr(rank, context));
  if (batch)
    w.push_back(getAffineDimExpr(0, context));
  w.push_back(getAffineDimExpr(rank, context));
  w.push_back(getAffineDimExpr(rank - 1, context));
  auto isRows = [&](ArrayRef<AffineExpr> dims) {
    return sourceMap == AffineMap::get(space, 0, dims, context);
  };
  return rank > batch && space == rank + 1 &&
         (isRows(x) || isRows(ArrayRef(x).drop_front(batch))) &&
         weightMap == AffineMap::get(space, 0, w, context);
}

} // namespace mad
