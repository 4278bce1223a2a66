//===- DenseMatrix.cpp - Linear equations on tensors ------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// J is a tensor [N, N] of all states one behind the other, and the factor of W is its inverse, by
// Gauss and Jordan's elimination with partial pivoting: each of N rounds is one pass over the
// tensors, so all targets have it, and solving is one product.
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadDerivatives.h"
#include "dialects/Mad/IR/MadMathOps.h"
#include "passes/Ode/Regions.h"
#include "passes/Ode/TensorMatrix.h"
#include <limits>

using namespace mlir;

namespace mad {
namespace {

class DenseMatrix : public TensorMatrix {
public:
  using TensorMatrix::TensorMatrix;

  bool prepare();
  Leaves factor(const Leaves &jacobian, Value shift) override;
  Leaves solve(const Leaves &factors, const Leaves &right) override;
  Leaves noJacobian() override { return {m.spread(m.number(m.element, 0), square(m.element))}; }
  Leaves noFactors() override { return noJacobian(); }

private:
  RankedTensorType line(Type element) { return tensorType({size}, {}, element); }
  RankedTensorType square(Type element) { return tensorType({size, size}, {}, element); }
  Value along(int64_t axis) { return IotaOp::create(m.b, m.loc, square(m.b.getI64Type()), axis); }
  Value view(RankedTensorType type, Value source, ValueRange symbols, ArrayRef<AffineExpr> map,
             Boundary boundary);
  LogicalResult jacobian(OpBuilder &b, ArrayRef<Value> arguments, Linearised &result) override;
  FailureOr<Value> byDirections(OpBuilder &b, ArrayRef<Value> arguments, Leaves &rates);
  SmallVector<Value> eliminated(Value round, Value a, Value inverse);

  std::optional<Sparsity> sparsity;
  Colouring colouring;
};

Value DenseMatrix::view(RankedTensorType type, Value source, ValueRange symbols,
                        ArrayRef<AffineExpr> map, Boundary boundary) {
  auto affine =
      AffineMap::get(unsigned(type.getRank()), unsigned(symbols.size()), map, m.b.getContext());
  return ViewOp::create(m.b, m.loc, type, source, symbols, affine, boundary);
}

/// By a tangent for each element of the states; [N, N], rows are directions.
FailureOr<Value> DenseMatrix::byDirections(OpBuilder &b, ArrayRef<Value> arguments, Leaves &rates) {
  Leaves seeds(arguments.size());
  DimExpr offset(0);
  for (auto [s, state] : llvm::enumerate(op.getInitial())) {
    RankedTensorType flat = tensorType({size, sizes[s]}, {}, b.getI64Type());
    Value direction = IotaOp::create(b, m.loc, flat, 0), own = IotaOp::create(b, m.loc, flat, 1);
    own = m.add(own, number(offset));
    Value seed = m.cast(m.compare(Predicate::eq, direction, own), m.element);
    RankedTensorType full = tangentType(state.getType(), size);
    seeds[1 + s] = seed.getType() == full ? seed : Value(ReshapeOp::create(b, m.loc, full, seed));
    offset = offset + sizes[s];
  }
  auto found = derivatives.inlined(b, rhs.block(), arguments, seeds, size);
  if (failed(found))
    return failure();
  rates = Leaves(found->values);
  Leaves parts;
  for (auto [s, tangent] : llvm::enumerate(found->tangents)) {
    RankedTensorType flat = tensorType({size, sizes[s]}, {}, m.element);
    if (!tangent)
      parts.push_back(m.spread(m.number(m.element, 0), flat));
    else
      parts.push_back(
          tangent.getType() == flat ? tangent : Value(ReshapeOp::create(b, m.loc, flat, tangent)));
  }
  return parts.size() == 1 ? parts[0]
                           : Value(ConcatOp::create(b, m.loc, square(m.element), parts, 1));
}

LogicalResult DenseMatrix::jacobian(OpBuilder &b, ArrayRef<Value> arguments, Linearised &result) {
  if (sparsity) {
    auto found =
        compressedJacobian(b, m.loc, derivatives, rhs.block(), arguments, by, *sparsity, colouring);
    if (failed(found))
      return failure();
    result.rates = Leaves(found->results);
    result.jacobian = {denseJacobian(b, m.loc, found->entries, *sparsity)};
  } else {
    auto found = byDirections(b, arguments, result.rates);
    if (failed(found))
      return failure();
    result.jacobian = {view(square(m.element), *found, {},
                            {b.getAffineDimExpr(1), b.getAffineDimExpr(0)}, Boundary::inside)};
  }
  return success();
}

/// Chooses the directions, and looks whether all of it has derivatives.
bool DenseMatrix::prepare() {
  sparsity = jacobianSparsity(rhs.block(), by);
  if (sparsity && sparsity->entries() == 0)
    sparsity.reset();
  if (sparsity)
    colouring = colourColumns(*sparsity);
  Block aside;
  OpBuilder::InsertionGuard guard(m.b);
  m.b.setInsertionPointToEnd(&aside);
  Linearised result;
  return succeeded(build(m.b, argumentsIn(aside), true, result));
}

/// One round: the row of the largest element of column `round` becomes the row of the pivot.
SmallVector<Value> DenseMatrix::eliminated(Value round, Value a, Value inverse) {
  OpBuilder &b = m.b;
  AffineExpr d0 = b.getAffineDimExpr(0), d1 = b.getAffineDimExpr(1);
  AffineExpr s0 = b.getAffineSymbolExpr(0), s1 = b.getAffineSymbolExpr(1);
  RankedTensorType vector = line(m.element), matrix = square(m.element);
  Value row = IotaOp::create(b, m.loc, line(b.getI64Type()), 0);
  Value column = view(vector, a, round, {d0, s0}, Boundary::clamp);
  Value isLeft = m.compare(Predicate::ge, row, round);
  Value sizeOf = m.select(isLeft, m.abs(column), m.number(m.element, -1));
  Value pivot = m.reduce(ReduceKind::argmax, sizeOf);
  RankedTensorType scalar = RankedTensorType::get({}, m.element);
  Value own = view(scalar, a, ValueRange{pivot, round}, {s0, s1}, Boundary::clamp);
  // By an infinite one all else would be 0, and its element would stand still.
  Value nan = m.number(m.element, std::numeric_limits<double>::quiet_NaN());
  own = m.select(m.isFinite(own), own, nan);
  Value other = view(scalar, a, ValueRange{round, round}, {s0, s1}, Boundary::clamp);
  // What each row loses of the row of the pivot, when both have changed places.
  Value factors = m.select(m.compare(Predicate::eq, row, pivot), other, column);
  Value wide = view(matrix, factors, {}, {d0}, Boundary::inside);
  Value rows = along(0);
  Value isRound = m.compare(Predicate::eq, rows, round);
  Value isPivot = m.compare(Predicate::eq, rows, pivot);
  SmallVector<Value> results;
  for (Value x : {a, inverse}) {
    Value scaled = m.div(view(vector, x, pivot, {s0, d0}, Boundary::clamp), own);
    scaled = view(matrix, scaled, {}, {d1}, Boundary::inside);
    Value moved = view(matrix, x, round, {s0, d1}, Boundary::clamp);
    Value base = m.select(isPivot, moved, x);
    results.push_back(m.select(isRound, scaled, m.sub(base, m.mul(wide, scaled))));
  }
  return results;
}

Leaves DenseMatrix::factor(const Leaves &jacobian, Value shift) {
  Value diagonal = m.compare(Predicate::eq, along(0), along(1));
  RankedTensorType matrix = square(m.element);
  Value zero = m.spread(m.number(m.element, 0), matrix);
  Value shifted = m.select(diagonal, m.spread(m.cast(shift, m.element), matrix), zero);
  Value one = m.select(diagonal, m.spread(m.number(m.element, 1), matrix), zero);
  Leaves results = iterate(
      m, {m.sub(shifted, jacobian[0]), one}, size.str(),
      [&](Value, const Leaves &) { return m.truth(true); },
      [&](Value round, const Leaves &now) { return Leaves(eliminated(round, now[0], now[1])); });
  return {results[1]};
}

Leaves DenseMatrix::solve(const Leaves &factors, const Leaves &right) {
  OpBuilder &b = m.b;
  AffineExpr d0 = b.getAffineDimExpr(0), d1 = b.getAffineDimExpr(1);
  Value x = ContractOp::create(b, m.loc, line(m.element), factors[0], joined(right),
                               AffineMap::get(2, 0, {d0, d1}, b.getContext()),
                               AffineMap::get(2, 0, {d1}, b.getContext()));
  return parted(x, right);
}

} // namespace

std::unique_ptr<NewtonMatrix> NewtonMatrix::onTensors(ode::SolveOp op, RightHandSide &rhs,
                                                      SolveAlgebra &m) {
  auto matrix = std::make_unique<DenseMatrix>(op, rhs, m);
  if (!matrix->prepare())
    return nullptr;
  return matrix;
}

} // namespace mad
