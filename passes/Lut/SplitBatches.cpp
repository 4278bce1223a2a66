//===- SplitBatches.cpp - Products with several matrices ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Lut/SplitBatches.h"
#include "mlir/IR/Builders.h"

using namespace mlir;

namespace mad {

/// A tensor without the dimension that numbers the matrices.
static RankedTensorType withoutFirst(RankedTensorType type) {
  SmallVector<DimExpr> sizes;
  for (int64_t d = 1; d < type.getRank(); ++d)
    sizes.push_back(dimExpr(type, d));
  return tensorType(sizes, {}, type.getElementType());
}

static Value slice(OpBuilder &b, Location loc, Value from, Value counter) {
  auto type = cast<RankedTensorType>(from.getType());
  SmallVector<AffineExpr> map = {b.getAffineSymbolExpr(0)};
  for (int64_t d = 1; d < type.getRank(); ++d)
    map.push_back(b.getAffineDimExpr(unsigned(d - 1)));
  return ViewOp::create(b, loc, withoutFirst(type), from, counter,
                        AffineMap::get(unsigned(type.getRank() - 1), 1, map, b.getContext()),
                        Boundary::inside);
}

/// A map without the dimension that numbers the matrices.
static AffineMap withoutBatch(AffineMap map) {
  bool along = map.getResult(0) == getAffineDimExpr(0, map.getContext());
  SmallVector<AffineExpr> dims = {getAffineConstantExpr(0, map.getContext())};
  for (unsigned d = 1; d < map.getNumDims(); ++d)
    dims.push_back(getAffineDimExpr(d - 1, map.getContext()));
  SmallVector<AffineExpr> results;
  for (AffineExpr e : map.getResults().drop_front(along ? 1 : 0))
    results.push_back(e.replaceDims(dims));
  return AffineMap::get(map.getNumDims() - 1, 0, results, map.getContext());
}

namespace {
/// A scan over matrices, whose result takes the place of another one.
struct Matrices {
  Location loc;
  ScanOp scan;
  OpBuilder inner;
  Value counter;

  Matrices(Value result, int64_t count) : loc(result.getLoc()), inner(result.getContext()) {
    OpBuilder b(result.getDefiningOp());
    scan = ScanOp::create(b, loc, result.getType(), ValueRange(), "0", std::to_string(count));
    Block &body = scan.getBody().emplaceBlock();
    counter = body.addArgument(RankedTensorType::get({}, b.getI64Type()), loc);
    inner.setInsertionPointToEnd(&body);
  }
  Value of(Value all) { return slice(inner, loc, all, counter); }
  void yield(Value one, Operation *before) {
    YieldOp::create(inner, loc, one);
    before->getResult(0).replaceAllUsesWith(scan.getResult(0));
    before->erase();
  }
};
} // namespace

ContractOp splitBatch(ContractOp op, lut::DequantOp weight) {
  auto matrix = cast<RankedTensorType>(weight.getType());
  Matrices each(op, matrix.getDimSize(0));
  std::vector<lut::Part> described = weight.getFormat().getValue().parts(matrix.getShape().vec());
  SmallVector<Value> parts;
  for (auto [part, own] : llvm::zip_equal(weight.getParts(), described))
    parts.push_back(own.shared ? part : each.of(part));
  auto decoded = lut::DequantOp::create(
      each.inner, each.loc,
      RankedTensorType::get(matrix.getShape().drop_front(), matrix.getElementType()), parts,
      weight.getFormat());
  auto factor = [&](Value all, AffineMap map) -> Value {
    if (all == weight)
      return decoded;
    return map.isFunctionOfDim(0) ? each.of(all) : all;
  };
  Value lhs = factor(op.getLhs(), op.getLhsMap()), rhs = factor(op.getRhs(), op.getRhsMap());
  auto one =
      ContractOp::create(each.inner, each.loc, withoutFirst(cast<RankedTensorType>(op.getType())),
                         lhs, rhs, withoutBatch(op.getLhsMap()), withoutBatch(op.getRhsMap()));
  one->setDiscardableAttrs(op->getDiscardableAttrDictionary());
  each.yield(one, op);
  if (weight.use_empty())
    weight.erase();
  return one;
}

lut::GemmOp splitBatch(lut::GemmOp op) {
  auto codes = cast<RankedTensorType>(op.getParts().front().getType());
  Matrices each(op.getResult(), codes.getDimSize(0));
  SmallVector<int64_t> matrices{codes.getDimSize(0), op.getSource().getType().getShape().back(),
                                cast<RankedTensorType>(op.getResult().getType()).getShape().back()};
  SmallVector<Value> parts;
  for (auto [part, own] : llvm::zip_equal(
           op.getParts(), op.getFormat().getValue().parts({matrices.begin(), matrices.end()})))
    parts.push_back(own.shared ? part : each.of(part));
  Value rows = each.of(op.getSource()), scales = each.of(op.getSourceScales());
  auto one = lut::GemmOp::create(each.inner, each.loc, withoutFirst(op.getResult().getType()), rows,
                                 scales, parts, /*precomputed=*/ValueRange(), op.getFormat(),
                                 /*kernel=*/false);
  each.yield(one.getResult(), op);
  return one;
}

} // namespace mad
