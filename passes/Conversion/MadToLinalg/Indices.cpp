//===- Indices.cpp - Computed positions and their checks --------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Conversion/MadToLinalg/Indices.h"
#include "dialects/Mad/IR/MadMathOps.h"
#include "dialects/Mad/IR/MadSubject.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace mad {
namespace {

/// The lowest and the highest of some indices, as i64.
struct IndexRange {
  Value lowest, highest;
};

/// Of an index in the order of numbers without a sign: those below 0 are above all others, the
/// lowest one last. This is its own inverse.
Value codeOf(OpBuilder &b, Location loc, Value index) {
  Value zero = arith::ConstantIntOp::create(b, loc, 0, 64);
  Value most = arith::ConstantIntOp::create(b, loc, INT64_MAX, 64);
  Value below = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, index, zero);
  Value turned = arith::XOrIOp::create(b, loc, index, most);
  return arith::SelectOp::create(b, loc, below, turned, index);
}

/// The lowest index if it is below 0, else the highest; 0 if there is none. One result, so that
/// devices can cut the reduction in pieces.
Value worstOf(OpBuilder &b, Location loc, Value indices) {
  const int64_t rank = cast<RankedTensorType>(indices.getType()).getRank();
  Value empty = tensor::EmptyOp::create(b, loc, ArrayRef<int64_t>(), b.getI64Type());
  Value zero = arith::ConstantIntOp::create(b, loc, 0, 64);
  Value init = linalg::FillOp::create(b, loc, zero, empty).getResult(0);
  AffineMap in = b.getMultiDimIdentityMap(rank), out = AffineMap::get(rank, 0, b.getContext());
  SmallVector<utils::IteratorType> loops(rank, utils::IteratorType::reduction);
  auto worst =
      linalg::GenericOp::create(b, loc, init.getType(), indices, init, ArrayRef<AffineMap>{in, out},
                                loops, [](OpBuilder &b, Location loc, ValueRange v) {
                                  Value most =
                                      arith::MaxUIOp::create(b, loc, v[1], codeOf(b, loc, v[0]));
                                  linalg::YieldOp::create(b, loc, most);
                                });
  return codeOf(b, loc, scalarOf(b, loc, worst.getResult(0), false));
}

/// Whether a view only repeats or permutes what it reads, or reads it at 0.
bool isPlain(ViewOp view) {
  return view.getBoundary() == Boundary::inside && view.getScalars().empty() &&
         llvm::all_of(view.getMap().getResults(), [](AffineExpr e) {
           auto constant = dyn_cast<AffineConstantExpr>(e);
           return isa<AffineDimExpr>(e) || (constant && constant.getValue() == 0);
         });
}

/// The same indices, without views that only repeat or permute them.
Value plainest(Value indices) {
  auto view = indices.getDefiningOp<ViewOp>();
  if (!view || !isPlain(view))
    return indices;
  auto from = cast<RankedTensorType>(view.getSource().getType());
  auto to = cast<RankedTensorType>(view.getType());
  for (auto [k, e] : llvm::enumerate(view.getMap().getResults())) {
    auto dim = dyn_cast<AffineDimExpr>(e);
    if (dim ? dimExpr(from, k) != dimExpr(to, dim.getPosition()) : dimExpr(from, k) != DimExpr(1))
      return indices;
  }
  return plainest(view.getSource());
}

/// Finds the range in a pass of its own: it vectorises, and the loop that reads
/// needs no way out.
IndexRange rangeOf(Lowering &lowering, Operation *op, Value indices, ConversionPatternRewriter &b) {
  Location loc = op->getLoc();
  auto type = cast<RankedTensorType>(indices.getType());
  if (auto iota = indices.getDefiningOp<IotaOp>()) {
    Value extent = lowering.extent(b, op, type, iota.getAxis());
    extent = arith::IndexCastOp::create(b, loc, b.getI64Type(), extent);
    Value one = arith::ConstantIntOp::create(b, loc, 1, 64);
    return {arith::ConstantIntOp::create(b, loc, 0, 64),
            arith::SubIOp::create(b, loc, extent, one)};
  }
  Value tensor = b.getRemappedValue(indices);
  int64_t rank = type.getRank();
  if (rank == 0) {
    Value index = scalarOf(b, loc, tensor, false);
    return {index, index};
  }
  auto filled = [&](int64_t value) -> Value {
    Value number = arith::ConstantIntOp::create(b, loc, value, 64);
    Value empty = tensor::EmptyOp::create(b, loc, ArrayRef<int64_t>(), b.getI64Type());
    return linalg::FillOp::create(b, loc, number, empty).getResult(0);
  };
  SmallVector<Value> inits{filled(INT64_MAX), filled(INT64_MIN)};
  AffineMap in = b.getMultiDimIdentityMap(rank), out = AffineMap::get(rank, 0, b.getContext());
  SmallVector<utils::IteratorType> loops(rank, utils::IteratorType::reduction);
  auto body = [](OpBuilder &b, Location loc, ValueRange v) {
    Value low = arith::MinSIOp::create(b, loc, v[1], v[0]);
    Value high = arith::MaxSIOp::create(b, loc, v[2], v[0]);
    linalg::YieldOp::create(b, loc, ValueRange{low, high});
  };
  auto range =
      linalg::GenericOp::create(b, loc, TypeRange{inits[0].getType(), inits[1].getType()}, tensor,
                                inits, ArrayRef<AffineMap>{in, out, out}, loops, body);
  return {scalarOf(b, loc, range.getResult(0), false), scalarOf(b, loc, range.getResult(1), false)};
}

} // namespace

/// Whether all of them are known when compiling, and none is outside.
static bool areKnownInside(Value indices, const DimExpr &extent) {
  DenseIntElementsAttr numbers;
  if (!matchPattern(indices, m_Constant(&numbers)))
    return false;
  int64_t most = -1;
  for (const APInt &number : numbers) {
    if (number.isNegative())
      return false;
    most = std::max(most, number.getSExtValue());
  }
  auto rest = (extent - DimExpr(most + 1)).lowerBound();
  return rest && *rest >= 0;
}

void checkIndices(Lowering &lowering, Operation *op, Value source, int64_t k, Value given,
                  RankedTensorType over, ConversionPatternRewriter &b) {
  Location loc = op->getLoc();
  auto sourceType = cast<RankedTensorType>(source.getType());
  Value indices = plainest(given);
  if (auto iota = indices.getDefiningOp<IotaOp>()) {
    DimExpr extent = dimExpr(cast<RankedTensorType>(iota.getType()), iota.getAxis());
    auto rest = (dimExpr(sourceType, k) - extent).lowerBound();
    if (rest && *rest >= 0)
      return;
  }
  // A number is known, and bits that are masked are none beyond the mask.
  auto staysBelow = [&](Value numbers) {
    std::optional<RefScalar> number = splatValue(numbers);
    if (!number || number->i < 0)
      return false;
    auto rest = (dimExpr(sourceType, k) - DimExpr(number->i + 1)).lowerBound();
    return rest && *rest >= 0;
  };
  auto masked = indices.getDefiningOp<BitAndOp>();
  if (staysBelow(indices) || (masked && llvm::any_of(masked->getOperands(), staysBelow)) ||
      areKnownInside(indices, dimExpr(sourceType, k)))
    return;
  const bool many = lowering.device && !indices.getDefiningOp<IotaOp>() &&
                    cast<RankedTensorType>(indices.getType()).getRank() > 0;
  IndexRange range;
  if (many)
    range.lowest = range.highest = worstOf(b, loc, b.getRemappedValue(indices));
  else
    range = rangeOf(lowering, op, indices, b);
  auto [lowest, highest] = range;
  Value extent = lowering.extent(b, op, sourceType, k);
  Value bound = arith::IndexCastOp::create(b, loc, b.getI64Type(), extent);
  Value zero = arith::ConstantIntOp::create(b, loc, 0, 64);
  // No index at all: lowest is above highest, and neither compares as outside.
  Value below = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, lowest, zero);
  Value above = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, highest, bound);
  Value failed = arith::OrIOp::create(b, loc, below, above);
  // The indices may be there without the dims that they are repeated along; `worstOf` takes 0 for
  // none.
  if (many || indices != given)
    for (int64_t d = 0; d < over.getRank(); ++d) {
      Value extent = lowering.extent(b, op, over, d), none = indexConstant(b, loc, 0);
      Value some = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sgt, extent, none);
      failed = arith::AndIOp::create(b, loc, failed, some);
    }
  Value found = arith::SelectOp::create(b, loc, below, lowest, highest);
  lowering.check(b, op, failed, {found, bound}, indexMessage(op, source, k));
}

/// The dimension of the source of a plain view that goes along one of the result; nothing if none
/// does.
static std::optional<int64_t> sourceDim(ViewOp view, int64_t dim) {
  for (auto [k, e] : llvm::enumerate(view.getMap().getResults()))
    if (auto d = dyn_cast<AffineDimExpr>(e); d && d.getPosition() == dim)
      return k;
  return {};
}

bool countsAlong(Value indices, int64_t dim) {
  if (auto iota = indices.getDefiningOp<IotaOp>())
    return static_cast<int64_t>(iota.getAxis()) == dim;
  auto view = indices.getDefiningOp<ViewOp>();
  if (!view || !isPlain(view))
    return false;
  std::optional<int64_t> from = sourceDim(view, dim);
  return from && countsAlong(view.getSource(), *from);
}

bool repeatsAlong(Value indices, int64_t dim) {
  if (auto iota = indices.getDefiningOp<IotaOp>())
    return static_cast<int64_t>(iota.getAxis()) != dim;
  auto view = indices.getDefiningOp<ViewOp>();
  if (!view || !isPlain(view))
    return false;
  std::optional<int64_t> from = sourceDim(view, dim);
  return !from || repeatsAlong(view.getSource(), *from);
}

Value indexAt(Location loc, Value indices, ValueRange at, ConversionPatternRewriter &b) {
  if (auto iota = indices.getDefiningOp<IotaOp>())
    return at[iota.getAxis()];
  if (auto view = indices.getDefiningOp<ViewOp>(); view && isPlain(view)) {
    SmallVector<Value> inner;
    for (AffineExpr e : view.getMap().getResults()) {
      auto dim = dyn_cast<AffineDimExpr>(e);
      inner.push_back(dim ? at[dim.getPosition()] : indexConstant(b, loc, 0));
    }
    return indexAt(loc, view.getSource(), inner, b);
  }
  Value index = tensor::ExtractOp::create(b, loc, b.getRemappedValue(indices), at);
  return arith::IndexCastOp::create(b, loc, b.getIndexType(), index);
}

} // namespace mad
