//===- SolveAlgebra.cpp - Arithmetic on the states of a solve ---------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Ode/SolveAlgebra.h"
#include <limits>

using namespace mlir;

namespace mad {

SolveAlgebra::SolveAlgebra(ode::SolveOp op, RightHandSide &rhs, OpBuilder &b)
    : Algebra(b, op.getLoc()), op(op), rhs(rhs),
      element(typeOf(op.getInitial().front()).getElementType()) {}

//===----------------------------------------------------------------------===//
// Norms
//===----------------------------------------------------------------------===//

/// The part that each leaf has; none of one number.
Leaves SolveAlgebra::ofLeaves(Value tolerance, bool scalars) {
  Leaves parts;
  if (!tolerance || typeOf(tolerance).getRank() == 0)
    return parts;
  DimExpr offset(0);
  for (Value state : op.getInitial()) {
    RankedTensorType type = typeOf(state);
    for (int64_t k = 0; scalars && k < type.getNumElements(); ++k) {
      parts.push_back(cast(Algebra::element(tolerance, {*offset.constant()}), element));
      offset = offset + DimExpr(1);
    }
    if (scalars)
      continue;
    DimExpr size(1);
    for (int64_t d = 0; d < type.getRank(); ++d)
      size = size * dimExpr(type, d);
    RankedTensorType line = tensorType({size}, {}, b.getF64Type());
    Value begin = offset.constant()
                      ? integer(*offset.constant())
                      : Value(DimOp::create(b, loc, typeOf(integer(0)), offset.str()));
    auto map = AffineMap::get(1, 1, b.getAffineDimExpr(0) + b.getAffineSymbolExpr(0));
    Value part = ViewOp::create(b, loc, line, tolerance, begin, map, Boundary::clamp);
    RankedTensorType own = withElement(type, b.getF64Type());
    part = own == line ? part : Value(ReshapeOp::create(b, loc, own, part));
    parts.push_back(cast(part, element));
    offset = offset + size;
  }
  return parts;
}

Leaves SolveAlgebra::numbersOf(Value tolerance, bool scalars) {
  RankedTensorType type = typeOf(tolerance);
  Leaves numbers;
  for (int64_t k = 0; scalars && type.getRank() > 0 && k < type.getNumElements(); ++k)
    numbers.push_back(Algebra::element(tolerance, {k}));
  return scalars && type.getRank() > 0 ? numbers : Leaves{tolerance};
}

void SolveAlgebra::splitTolerances(bool intoScalars, bool ofSystem) {
  rtols = ofLeaves(op.getRtol(), intoScalars);
  atols = ofLeaves(op.getAtol(), intoScalars);
  if (rtols.empty())
    return;
  Value infinity = real(std::numeric_limits<double>::infinity()), found = infinity;
  for (Value all : numbersOf(op.getRtol(), intoScalars && ofSystem)) {
    Value positive = compare(Predicate::gt, all, real(0));
    found = min(found, reduce(ReduceKind::min, select(positive, all, infinity)));
  }
  least = select(isFinite(found), found, real(0));
}

/// x in units of the tolerance; 0 of no error, whatever the unit is.
Value SolveAlgebra::unitOf(Value error, Value x, Value y, size_t leaf) {
  Value most = x == y ? abs(x) : greater(abs(x), abs(y));
  // No error is 0 in any unit. Added to the tolerance, the least unit costs nothing in the loop.
  Value absolute = add(atols.empty() ? cast(op.getAtol(), element) : atols[leaf],
                       number(element, element.isF32() ? 1e-30 : 1e-300));
  Value relative = rtols.empty() ? cast(op.getRtol(), element) : rtols[leaf];
  Value unit = add(absolute, mul(relative, most));
  // The unit is known before the error, which the next step waits for. Without NaN a step to
  // infinity had no error.
  if (typeOf(unit).getRank() == 0 && element.isF32())
    return mul(error, ode::ReciprocalOp::create(b, loc, unit.getType(), unit));
  Value infinity = number(element, std::numeric_limits<double>::infinity());
  Value share = div(number(element, 1), unit);
  Value nan = number(element, std::numeric_limits<double>::quiet_NaN());
  return mul(error, select(compare(Predicate::lt, most, infinity), share, nan));
}

Value SolveAlgebra::sumOfSquares(const Leaves &errors, const Leaves &x, const Leaves &y,
                                 Type type) {
  // Squares of f32 may be infinite where errors are not. The control takes them for large ones.
  bool narrow = type && type.isF32();
  Value sum;
  for (size_t leaf = 0; leaf < errors.size(); ++leaf) {
    Value unit = unitOf(errors[leaf], x[leaf], y[leaf], leaf);
    if (!narrow)
      unit = cast(unit, b.getF64Type());
    Value part = reduce(ReduceKind::sum, mul(unit, unit));
    sum = sum ? add(sum, part) : part;
  }
  return rhs.acrossLanes(b, sum);
}

/// How many elements the states have, at least 1.
Value SolveAlgebra::size() {
  DimExpr all(0);
  for (Value state : op.getInitial()) {
    DimExpr elements(1);
    RankedTensorType type = typeOf(state);
    for (int64_t d = 0; d < type.getRank(); ++d)
      elements = elements * dimExpr(type, d);
    all = all + elements;
  }
  if (auto known = all.constant())
    return real(std::max<double>(1, static_cast<double>(*known)));
  Value count = DimOp::create(b, loc, RankedTensorType::get({}, b.getI64Type()), all.str());
  return max(real(1), cast(count, b.getF64Type()));
}

/// The number of the largest element; NaN is one.
Value SolveAlgebra::largest(const Leaves &leaves) {
  Leaves badness = rhs.elements(b, leaves);
  if (llvm::all_of(badness, [](Value leaf) { return typeOf(leaf).getRank() == 0; })) {
    Value most = badness[0], at = integer(0);
    for (size_t i = 1; i < badness.size(); ++i) {
      Value isMore = either(compare(Predicate::gt, badness[i], most),
                            compare(Predicate::ne, badness[i], badness[i]));
      isMore = both(isMore, compare(Predicate::eq, most, most));
      most = select(isMore, badness[i], most);
      at = select(isMore, integer(static_cast<int64_t>(i)), at);
    }
    return at;
  }
  Leaves lines;
  DimExpr all(0);
  for (Value leaf : badness) {
    RankedTensorType type = typeOf(leaf);
    DimExpr elements(1);
    for (int64_t d = 0; d < type.getRank(); ++d)
      elements = elements * dimExpr(type, d);
    all = all + elements;
    lines.push_back(
        ReshapeOp::create(b, loc, tensorType({elements}, {}, type.getElementType()), leaf));
  }
  Value line = lines.size() == 1
                   ? lines[0]
                   : ConcatOp::create(b, loc, tensorType({all}, {}, element), lines, 0);
  return reduce(ReduceKind::argmax, line);
}

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

Leaves SolveAlgebra::sum(ArrayRef<double> weights, ArrayRef<Leaves> k) {
  Leaves result;
  for (auto [weight, stage] : llvm::zip(weights, k)) {
    if (weight == 0)
      continue;
    for (auto [n, leaf] : llvm::enumerate(stage)) {
      Value term = weight == 1 ? leaf : mul(number(element, weight), leaf);
      if (n < result.size())
        result[n] = add(result[n], term);
      else
        result.push_back(term);
    }
  }
  return result;
}

/// y + h sum weights[i] k[i]. Stages need each other: the last one, which is known last, is added
/// last, and one product away from the result.
Leaves SolveAlgebra::combined(const Leaves &y, Value h, ArrayRef<double> weights,
                              ArrayRef<Leaves> k) {
  weights = weights.take_front(std::min(weights.size(), k.size()));
  while (!weights.empty() && weights.back() == 0)
    weights = weights.drop_back();
  if (weights.empty())
    return y;
  Leaves result = y;
  Value step = cast(h, element);
  for (auto [leaf, total] : llvm::zip(result, sum(weights.drop_back(), k)))
    leaf = add(leaf, mul(step, total));
  Value last = weights.back() == 1 ? step : mul(step, number(element, weights.back()));
  for (auto [leaf, stage] : llvm::zip_equal(result, k[weights.size() - 1]))
    leaf = add(leaf, mul(last, stage));
  return result;
}

Leaves SolveAlgebra::chosen(Value condition, const Leaves &x, const Leaves &y) {
  Leaves result;
  for (auto [yes, no] : llvm::zip_equal(x, y))
    result.push_back(select(condition, yes, no));
  return result;
}

Leaves SolveAlgebra::scaled(Value factor, const Leaves &x) {
  Value one = cast(factor, element);
  Leaves result;
  for (Value leaf : x)
    result.push_back(mul(one, leaf));
  return result;
}

Leaves SolveAlgebra::plus(const Leaves &x, const Leaves &y) {
  Leaves result;
  for (auto [a, c] : llvm::zip_equal(x, y))
    result.push_back(add(a, c));
  return result;
}

Leaves SolveAlgebra::minus(const Leaves &x, const Leaves &y) {
  Leaves result;
  for (auto [a, c] : llvm::zip_equal(x, y))
    result.push_back(sub(a, c));
  return result;
}

Leaves SolveAlgebra::hermite(Value time, Value t, Value h, const Leaves &y, const Leaves &end,
                             const Leaves &first, const Leaves &last) {
  Value x = div(sub(time, t), h);
  x = min(max(x, real(0)), real(1));
  Value rest = sub(real(1), x), square = mul(x, x);
  Value ofEnd = mul(square, sub(real(3), mul(real(2), x)));
  Value ofFirst = mul(h, mul(x, mul(rest, rest)));
  Value ofLast = mul(h, mul(square, rest));
  Leaves result = plus(y, scaled(ofEnd, minus(end, y)));
  result = plus(result, scaled(ofFirst, first));
  return minus(result, scaled(ofLast, last));
}

} // namespace mad
