//===- CoordinateRange.cpp - Where a coordinate leads to, exactly -----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Conversion/MadToLinalg/CoordinateRange.h"
#include "dialects/Mad/IR/MadSubject.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace mad {

/// What offsets may be without a thought: the dims of anything that ends add less than as much.
static constexpr int64_t far = int64_t(1) << 62;
/// Bits for a sum: each value is at most 2^63, so that the sum is at most 2^63 times that of the
/// factors.
static unsigned bitsFor(ArrayRef<int64_t> form) {
  double factors = 1;
  for (int64_t f : form)
    factors += std::abs(double(f));
  return factors < 0x1p62 ? 128 : 192;
}

static Value widened(OpBuilder &b, Location loc, Value index, Type type) {
  Value word = arith::IndexCastOp::create(b, loc, b.getI64Type(), index);
  return arith::ExtSIOp::create(b, loc, type, word);
}

static Value number(OpBuilder &b, Location loc, int64_t value, Type type) {
  llvm::APInt wide(type.getIntOrFloatBitWidth(), static_cast<uint64_t>(value), /*isSigned=*/true);
  return arith::ConstantOp::create(b, loc, b.getIntegerAttr(type, wide));
}

static Value sumOf(OpBuilder &b, Location loc, Value sum, Value value, int64_t factor) {
  if (factor != 1)
    value = arith::MulIOp::create(b, loc, value, number(b, loc, factor, value.getType()));
  return sum ? arith::AddIOp::create(b, loc, sum, value) : value;
}

/// All but the dims.
static Value offsetOf(OpBuilder &b, Location loc, ArrayRef<int64_t> form, ValueRange scalars,
                      Type type) {
  Value sum;
  for (auto [s, scalar] : llvm::enumerate(scalars))
    if (int64_t factor = form[form.size() - 1 - scalars.size() + s])
      sum = sumOf(b, loc, sum, widened(b, loc, scalar, type), factor);
  if (form.back() || !sum)
    sum = sumOf(b, loc, sum, number(b, loc, form.back(), type), 1);
  return sum;
}

static Value clampTo(OpBuilder &b, Location loc, Value value, int64_t low, int64_t high) {
  value = arith::MaxSIOp::create(b, loc, value, number(b, loc, low, value.getType()));
  return arith::MinSIOp::create(b, loc, value, number(b, loc, high, value.getType()));
}

static Value toIndex(OpBuilder &b, Location loc, Value value) {
  value = arith::TruncIOp::create(b, loc, b.getI64Type(), value);
  return arith::IndexCastOp::create(b, loc, b.getIndexType(), value);
}

/// The remainder by a period of at least 1, never negative. Bit by bit: the division of i128 would
/// be a call of a library, and only offsets beyond 2^62 come here.
static Value remainder(OpBuilder &b, Location loc, Value value, Value period) {
  using P = arith::CmpIPredicate;
  Type type = value.getType(), word = b.getI64Type();
  int64_t bits = type.getIntOrFloatBitWidth();
  Value zero = number(b, loc, 0, type), divisor = arith::IndexCastOp::create(b, loc, word, period);
  Value negative = arith::CmpIOp::create(b, loc, P::slt, value, zero);
  Value opposite = arith::SubIOp::create(b, loc, zero, value);
  Value size = arith::SelectOp::create(b, loc, negative, opposite, value);
  Value start = number(b, loc, 0, word), one = number(b, loc, 1, word);
  auto step = [&](OpBuilder &b, Location loc, Value round, ValueRange rest) {
    Value last = number(b, loc, bits - 1, word);
    Value at = arith::SubIOp::create(b, loc, last, arith::IndexCastOp::create(b, loc, word, round));
    Value high = arith::ShRUIOp::create(b, loc, size, arith::ExtUIOp::create(b, loc, type, at));
    Value bit = arith::AndIOp::create(b, loc, arith::TruncIOp::create(b, loc, word, high), one);
    // Below 2^64, as the rest is below the period.
    Value next = arith::AddIOp::create(b, loc, rest[0], rest[0]);
    next = arith::AddIOp::create(b, loc, next, bit);
    Value less = arith::SubIOp::create(b, loc, next, divisor);
    Value fits = arith::CmpIOp::create(b, loc, P::uge, next, divisor);
    next = arith::SelectOp::create(b, loc, fits, less, next);
    scf::YieldOp::create(b, loc, next);
  };
  auto loop = scf::ForOp::create(b, loc, indexConstant(b, loc, 0), indexConstant(b, loc, bits),
                                 indexConstant(b, loc, 1), start, step);
  Value rest = loop.getResult(0);
  Value some = arith::CmpIOp::create(b, loc, P::ne, rest, start);
  Value turned = arith::SubIOp::create(b, loc, divisor, rest);
  Value isTurned = arith::AndIOp::create(b, loc, negative, some);
  rest = arith::SelectOp::create(b, loc, isTurned, turned, rest);
  return arith::IndexCastOp::create(b, loc, b.getIndexType(), rest);
}

//===----------------------------------------------------------------------===//
// Before the loop
//===----------------------------------------------------------------------===//

CoordinateRange::CoordinateRange(Lowering &lowering, OpBuilder &b, Operation *op,
                                 RankedTensorType over, ArrayRef<int64_t> form, ValueRange scalars)
    : lowering(lowering), b(b), op(op), loc(op->getLoc()), over(over), form(form) {
  Type type = b.getIntegerType(bitsFor(form));
  offset = offsetOf(b, loc, form, scalars, type);
}

void CoordinateRange::checkInside(Value source, int64_t k) {
  Type type = offset.getType();
  Value lowest = offset, highest = offset;
  for (int64_t d = 0; d < over.getRank(); ++d) {
    if (!form[d] || dimExpr(over, d) == DimExpr(1))
      continue;
    Value last = widened(b, loc, lowering.extent(b, op, over, d), type);
    last = arith::SubIOp::create(b, loc, last, number(b, loc, 1, type));
    Value &end = form[d] < 0 ? lowest : highest;
    end = sumOf(b, loc, end, last, form[d]);
  }
  // The nearest words compare with an extent as the exact sums do.
  auto word = [&](Value value) -> Value {
    return arith::TruncIOp::create(b, loc, b.getI64Type(),
                                   clampTo(b, loc, value, INT64_MIN, INT64_MAX));
  };
  Value low = word(lowest), high = highest == lowest ? low : word(highest);
  Value extent = lowering.extent(b, op, cast<RankedTensorType>(source.getType()), k);
  Value bound = arith::IndexCastOp::create(b, loc, b.getI64Type(), extent);
  Value zero = arith::ConstantIntOp::create(b, loc, 0, 64);
  Value below = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, low, zero);
  Value above = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, high, bound);
  Value failed = whereRun(arith::OrIOp::create(b, loc, below, above));
  Value found = arith::SelectOp::create(b, loc, below, low, high);
  lowering.check(b, op, failed, {found, bound}, indexMessage(op, source, k));
}

/// Without elements there is no coordinate.
Value CoordinateRange::whereRun(Value failed) {
  Value zero = indexConstant(b, loc, 0);
  for (int64_t d = 0; d < over.getRank(); ++d) {
    auto least = dimExpr(over, d).lowerBound();
    if (least && *least >= 1)
      continue;
    Value extent = lowering.extent(b, op, over, d);
    Value some = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sgt, extent, zero);
    failed = arith::AndIOp::create(b, loc, failed, some);
  }
  return failed;
}

Value CoordinateRange::nearOffset() {
  // Of one value alone no sum can be too large: lanes of vectors have no wider words.
  if (auto wide = offset.getDefiningOp<arith::ExtSIOp>();
      wide && wide.getIn().getType().isInteger(64))
    return arith::IndexCastOp::create(b, loc, b.getIndexType(),
                                      clampTo(b, loc, wide.getIn(), -far, far));
  return toIndex(b, loc, clampTo(b, loc, offset, -far, far));
}

Value CoordinateRange::offsetModulo(Value period) {
  Value near = clampTo(b, loc, offset, -far, far);
  Value isNear = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, near, offset);
  auto branch = scf::IfOp::create(
      b, loc, isNear,
      [&](OpBuilder &b, Location loc) { scf::YieldOp::create(b, loc, toIndex(b, loc, near)); },
      [&](OpBuilder &b, Location loc) {
        scf::YieldOp::create(b, loc, remainder(b, loc, offset, period));
      });
  return branch.getResult(0);
}

//===----------------------------------------------------------------------===//
// In the loop
//===----------------------------------------------------------------------===//

Value nearestPosition(OpBuilder &b, Location loc, ArrayRef<int64_t> form, ValueRange scalars,
                      llvm::function_ref<Value(unsigned)> at) {
  Type type = b.getIntegerType(bitsFor(form));
  Value sum = offsetOf(b, loc, form, scalars, type);
  for (unsigned d = 0; d < form.size() - 1 - scalars.size(); ++d)
    if (form[d])
      sum = sumOf(b, loc, sum, widened(b, loc, at(d), type), form[d]);
  return toIndex(b, loc, clampTo(b, loc, sum, INT64_MIN, INT64_MAX));
}

} // namespace mad
