//===- Bounded.cpp - Reads at computed positions ----------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Conversion/MadToLinalg/Bounded.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace mad {

/// Whether a loop over `result` that runs at all proves `extent` to be positive.
static bool positiveIn(const DimExpr &extent, RankedTensorType result) {
  auto positive = [](const DimExpr &e, int64_t least) {
    auto bound = e.lowerBound();
    return bound && *bound >= least;
  };
  if (positive(extent, 1))
    return true;
  for (int64_t d = 0; d < result.getRank(); ++d)
    if (positive(extent - dimExpr(result, d), 0))
      return true;
  return false;
}

BoundedSource::BoundedSource(Lowering &lowering, OpBuilder &b, Operation *op, Value source,
                             RankedTensorType type, RankedTensorType result)
    : loc(op->getLoc()), source(source) {
  Value empty, zero = indexConstant(b, loc, 0), one = indexConstant(b, loc, 1);
  for (int64_t k = 0; k < type.getRank(); ++k) {
    extents.push_back(lowering.extent(b, op, type, k));
    if (positiveIn(dimExpr(type, k), result))
      continue;
    Value none = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, extents[k], zero);
    empty = empty ? arith::OrIOp::create(b, loc, empty, none).getResult() : none;
  }
  guarded = static_cast<bool>(empty);
  for (Value extent : extents) {
    Value safe = guarded ? arith::SelectOp::create(b, loc, empty, one, extent).getResult() : extent;
    last.push_back(arith::SubIOp::create(b, loc, safe, one));
  }
}

Value BoundedSource::clamp(OpBuilder &b, int64_t k, Value position) const {
  Value zero = indexConstant(b, loc, 0);
  Value low = arith::MaxSIOp::create(b, loc, position, zero);
  return arith::MinSIOp::create(b, loc, low, last[k]);
}

Value BoundedSource::read(OpBuilder &b, ValueRange positions) const {
  return tensor::ExtractOp::create(b, loc, source, positions);
}

} // namespace mad
