//===- WeightProduct.cpp - Products with a weight of few bits -------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Lut/WeightProduct.h"
#include "passes/Lut/Reorder.h"

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

/// Where the dimensions of a factor run, each along another one.
static SmallVector<unsigned> dimsOf(AffineMap map) {
  SmallVector<unsigned> dims;
  for (AffineExpr e : map.getResults())
    dims.push_back(cast<AffineDimExpr>(e).getPosition());
  return dims;
}

bool WeightProduct::isRowsTimesMatrix() const {
  const unsigned summed = cast<RankedTensorType>(ContractOp(op).getType()).getRank();
  if (weightType().getRank() > 3 || sourceMap.getNumDims() != summed + 1 ||
      !sourceMap.isProjectedPermutation() || !weightMap.isProjectedPermutation())
    return false;
  SmallVector<unsigned> rows = dimsOf(sourceMap), matrix = dimsOf(weightMap);
  return matrix.end()[-2] == summed && llvm::is_contained(rows, summed) &&
         !llvm::is_contained(rows, matrix.back());
}

WeightProduct WeightProduct::inOrder() const {
  ContractOp op = this->op;
  auto type = cast<RankedTensorType>(op.getType());
  const unsigned summed = type.getRank();
  SmallVector<unsigned> from = dimsOf(sourceMap), matrix = dimsOf(weightMap);
  SmallVector<unsigned> result(ArrayRef(matrix).drop_back(2)), rows;
  auto declared = llvm::to_vector(llvm::seq<unsigned>(summed));
  for (unsigned dim : declared)
    if (dim != matrix.back() && !llvm::is_contained(result, dim))
      result.push_back(dim);
  llvm::copy_if(result, std::back_inserter(rows),
                [&](unsigned dim) { return llvm::is_contained(from, dim); });
  result.push_back(matrix.back());
  rows.push_back(summed);
  if (rows == from && result == declared)
    return *this;
  OpBuilder b(op);
  auto x = cast<RankedTensorType>(source.getType());
  auto size = [&](unsigned dim) {
    return dim == summed ? dimExpr(x, llvm::find(from, dim) - from.begin()) : dimExpr(type, dim);
  };
  // Of the product with its dimensions in order.
  SmallVector<unsigned> inSpace(result);
  inSpace.push_back(summed);
  auto mapOf = [&](ArrayRef<unsigned> dims) {
    SmallVector<AffineExpr> at;
    for (unsigned dim : dims)
      at.push_back(b.getAffineDimExpr(llvm::find(inSpace, dim) - inSpace.begin()));
    return AffineMap::get(inSpace.size(), 0, at, b.getContext());
  };
  auto made = ContractOp::create(
      b, op.getLoc(), result == declared ? type : typeAlong(result, type.getElementType(), size),
      reordered(b, source, from, rows, typeAlong(rows, x.getElementType(), size)),
      lut::DequantOp(weight), mapOf(rows), mapOf(matrix));
  made->setDiscardableAttrs(op->getDiscardableAttrDictionary());
  op.replaceAllUsesWith(reordered(b, made, result, declared, type));
  op.erase();
  return *of(made);
}

bool isMadeOfCodes(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (isa<lut::DequantOp>(op))
      return true;
    if (auto branch = dyn_cast<IfOp>(op))
      value = branch.getThenRegion().front().getTerminator()->getOperand(
          cast<OpResult>(value).getResultNumber());
    else if (isa<ViewOp, ReshapeOp, CastOp>(op))
      value = op->getOperand(0);
    else
      return false;
  }
  return false;
}

} // namespace mad
