//===- Algebra.cpp - Arithmetic on values of the mad dialect ----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Ode/Algebra.h"
#include "dialects/Mad/IR/MadMathOps.h"
#include "dialects/Mad/IR/MadStateOps.h"

using namespace mlir;

namespace mad {

Value Algebra::constant(TypedAttr value) {
  auto type = RankedTensorType::get({}, value.getType());
  return ConstantOp::create(b, loc, type, DenseElementsAttr::get(type, Attribute(value)));
}

void Algebra::agree(Value &x, Value &y) {
  if (typeOf(x).getRank() == 0)
    x = spread(x, typeOf(y));
  else if (typeOf(y).getRank() == 0)
    y = spread(y, typeOf(x));
}

template <typename Op> Value Algebra::binary(Value x, Value y) {
  agree(x, y);
  return Op::create(b, loc, x.getType(), x, y);
}
Value Algebra::add(Value x, Value y) { return binary<AddOp>(x, y); }
Value Algebra::sub(Value x, Value y) { return binary<SubOp>(x, y); }
Value Algebra::mul(Value x, Value y) { return binary<MulOp>(x, y); }
Value Algebra::div(Value x, Value y) { return binary<DivOp>(x, y); }
Value Algebra::min(Value x, Value y) { return binary<MinOp>(x, y); }
Value Algebra::max(Value x, Value y) { return binary<MaxOp>(x, y); }
Value Algebra::lesser(Value x, Value y) { return select(compare(Predicate::lt, x, y), x, y); }
Value Algebra::greater(Value x, Value y) { return select(compare(Predicate::gt, x, y), x, y); }
Value Algebra::abs(Value x) { return AbsOp::create(b, loc, x.getType(), x); }
Value Algebra::negate(Value x) { return NegOp::create(b, loc, x.getType(), x); }
Value Algebra::exp(Value x) { return ExpOp::create(b, loc, x.getType(), x); }
Value Algebra::log(Value x) { return LogOp::create(b, loc, x.getType(), x); }
Value Algebra::ceil(Value x) { return CeilOp::create(b, loc, x.getType(), x); }
Value Algebra::both(Value x, Value y) { return AndOp::create(b, loc, x.getType(), x, y); }
Value Algebra::either(Value x, Value y) { return OrOp::create(b, loc, x.getType(), x, y); }
Value Algebra::no(Value x) { return NotOp::create(b, loc, x.getType(), x); }

Value Algebra::compare(Predicate predicate, Value x, Value y) {
  agree(x, y);
  return CompareOp::create(b, loc, withElement(typeOf(x), b.getI1Type()), predicate, x, y);
}

Value Algebra::select(Value condition, Value x, Value y) {
  agree(x, y);
  condition = spread(condition, typeOf(x));
  return SelectOp::create(b, loc, x.getType(), condition, x, y);
}

Value Algebra::cast(Value x, Type element) {
  RankedTensorType type = typeOf(x);
  if (type.getElementType() == element)
    return x;
  return CastOp::create(b, loc, withElement(type, element), x);
}

Value Algebra::isFinite(Value x) {
  // Not x - x == 0: of a product that is fused with it, the difference is what rounding took.
  return IsFiniteOp::create(b, loc, typeOf(x).clone(b.getI1Type()), x);
}

Value Algebra::reduce(ReduceKind kind, Value x) {
  RankedTensorType type = typeOf(x);
  if (type.getRank() == 0)
    return x;
  SmallVector<int64_t> dims = llvm::to_vector(llvm::seq<int64_t>(0, type.getRank()));
  Type element = kind == ReduceKind::argmax ? b.getI64Type() : type.getElementType();
  return ReduceOp::create(b, loc, RankedTensorType::get({}, element), kind, x, dims);
}

Value Algebra::spread(Value scalar, RankedTensorType like) {
  RankedTensorType type = typeOf(scalar);
  if (like.getRank() == 0 || type.getRank() != 0)
    return scalar;
  return ViewOp::create(b, loc, withElement(like, type.getElementType()), scalar, ValueRange(),
                        AffineMap::get(like.getRank(), 0, b.getContext()), Boundary::inside);
}

Value Algebra::element(Value tensor, ArrayRef<int64_t> position) {
  if (position.empty())
    return tensor;
  SmallVector<AffineExpr> map;
  for (int64_t p : position)
    map.push_back(b.getAffineConstantExpr(p));
  return ViewOp::create(b, loc, RankedTensorType::get({}, typeOf(tensor).getElementType()), tensor,
                        ValueRange(), AffineMap::get(0, 0, map, b.getContext()), Boundary::inside);
}

Value Algebra::at(Value source, Value position, int64_t offset) {
  auto map = AffineMap::get(0, 1, b.getAffineSymbolExpr(0) + offset, b.getContext());
  return ViewOp::create(b, loc, RankedTensorType::get({}, typeOf(source).getElementType()), source,
                        position, map, Boundary::clamp);
}

Value Algebra::put(Value all, Value number, ValueRange position) {
  SmallVector<AffineExpr> indices;
  for (unsigned i = 0; i < position.size(); ++i)
    indices.push_back(b.getAffineSymbolExpr(i));
  auto map = AffineMap::get(0, unsigned(position.size()), indices, b.getContext());
  return UpdateOp::create(b, loc, all.getType(), all, number, position, map, Boundary::inside);
}

} // namespace mad
