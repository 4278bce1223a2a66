//===- ExpandMathBuilder.cpp - Arithmetic on scalars and vectors of floats --===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/TypeUtilities.h"
#include "passes/Transforms/ExpandMathF32.h"
#include "passes/Transforms/ExpandMathF64.h"
#include <limits>

using namespace mlir;

namespace mad {

template <typename Number>
FloatBuilder<Number>::FloatBuilder(ImplicitLocOpBuilder &b, Type type, bool fused)
    : b(b), type(type), fused(fused) {
  intType = b.getIntegerType(width);
  if (auto vector = dyn_cast<VectorType>(type))
    intType = VectorType::get(vector.getShape(), intType, vector.getScalableDims());
}

template <typename Number> Value FloatBuilder<Number>::constant(TypedAttr scalar) {
  if (auto vector = dyn_cast<VectorType>(type))
    scalar = DenseElementsAttr::get(
        VectorType::get(vector.getShape(), scalar.getType(), vector.getScalableDims()),
        ArrayRef<Attribute>(scalar));
  return arith::ConstantOp::create(b, scalar);
}

template <typename Number> Value FloatBuilder<Number>::number(Number value) {
  return constant(b.getFloatAttr(getElementTypeOrSelf(type), llvm::APFloat(value)));
}
template <typename Number> Value FloatBuilder<Number>::bits(Bits value) {
  return constant(b.getIntegerAttr(b.getIntegerType(width), value));
}

template <typename Number> Value FloatBuilder<Number>::add(Value x, Value y) {
  return arith::AddFOp::create(b, x, y);
}
template <typename Number> Value FloatBuilder<Number>::sub(Value x, Value y) {
  return arith::SubFOp::create(b, x, y);
}
template <typename Number> Value FloatBuilder<Number>::mul(Value x, Value y) {
  return arith::MulFOp::create(b, x, y);
}
template <typename Number> Value FloatBuilder<Number>::div(Value x, Value y) {
  return arith::DivFOp::create(b, x, y);
}

template <typename Number> Value FloatBuilder<Number>::fma(Value x, Value y, Value z) {
  return fused ? math::FmaOp::create(b, x, y, z).getResult() : add(mul(x, y), z);
}

template <typename Number> Value FloatBuilder<Number>::polynomial(Value x, ArrayRef<Number> c) {
  Value sum = number(c.back());
  for (Number factor : llvm::reverse(c.drop_back()))
    sum = fma(sum, x, number(factor));
  return sum;
}

template <typename Number> Value FloatBuilder<Number>::select(Value condition, Value x, Value y) {
  return arith::SelectOp::create(b, condition, x, y);
}

template <typename Number>
Value FloatBuilder<Number>::compare(arith::CmpFPredicate predicate, Value x, Value y) {
  return arith::CmpFOp::create(b, predicate, x, y);
}
template <typename Number> Value FloatBuilder<Number>::less(Value x, Value y) {
  return compare(arith::CmpFPredicate::OLT, x, y);
}
template <typename Number> Value FloatBuilder<Number>::equal(Value x, Value y) {
  return compare(arith::CmpFPredicate::OEQ, x, y);
}
template <typename Number> Value FloatBuilder<Number>::isNan(Value x) {
  return compare(arith::CmpFPredicate::UNO, x, x);
}

// These forms are single instructions, other than minnumf and maxnumf.
template <typename Number> Value FloatBuilder<Number>::min(Value x, Value y) {
  return select(less(x, y), x, y);
}
template <typename Number> Value FloatBuilder<Number>::max(Value x, Value y) {
  return select(less(y, x), x, y);
}

template <typename Number> Value FloatBuilder<Number>::abs(Value x) {
  return math::AbsFOp::create(b, x);
}
template <typename Number> Value FloatBuilder<Number>::withSign(Value x, Value sign) {
  return asNumber(
      xorBits(asBits(x), andBits(asBits(sign), bits(std::numeric_limits<Bits>::min()))));
}

template <typename Number> Value FloatBuilder<Number>::asBits(Value x) {
  return arith::BitcastOp::create(b, intType, x);
}
template <typename Number> Value FloatBuilder<Number>::asNumber(Value x) {
  return arith::BitcastOp::create(b, type, x);
}
template <typename Number> Value FloatBuilder<Number>::addBits(Value x, Value y) {
  return arith::AddIOp::create(b, x, y);
}
template <typename Number> Value FloatBuilder<Number>::subBits(Value x, Value y) {
  return arith::SubIOp::create(b, x, y);
}
template <typename Number> Value FloatBuilder<Number>::shiftLeft(Value x, int count) {
  return arith::ShLIOp::create(b, x, bits(count));
}
template <typename Number> Value FloatBuilder<Number>::andBits(Value x, Value y) {
  return arith::AndIOp::create(b, x, y);
}
template <typename Number> Value FloatBuilder<Number>::xorBits(Value x, Value y) {
  return arith::XOrIOp::create(b, x, y);
}
template <typename Number> Value FloatBuilder<Number>::isOdd(Value number) {
  return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, andBits(number, bits(1)), bits(0));
}
template <typename Number> Value FloatBuilder<Number>::negatedByBit1(Value x, Value number) {
  return asNumber(xorBits(asBits(x), shiftLeft(andBits(number, bits(2)), width - 2)));
}

template class FloatBuilder<float>;
template class FloatBuilder<double>;

Value F32Builder::shiftRight(Value x, int count) {
  return arith::ShRSIOp::create(b, x, bits(count));
}
Value F32Builder::lessBits(Value x, Value y) {
  return arith::CmpIOp::create(b, arith::CmpIPredicate::slt, x, y);
}
Value F32Builder::fromInt(Value x) { return arith::SIToFPOp::create(b, valueType(), x); }
Value F32Builder::powerOfTwo(Value n) { return asNumber(shiftLeft(addBits(n, bits(127)), 23)); }

Value F64Builder::shiftRight(Value x, int count) {
  return arith::ShRUIOp::create(b, x, bits(count));
}
Value F64Builder::orBits(Value x, Value y) { return arith::OrIOp::create(b, x, y); }
Value F64Builder::powerOfTwo(Value n) {
  // The sum has n + 1023 in its lowest bits.
  return asNumber(shiftLeft(asBits(add(n, number(0x1.8p52 + 1023))), 52));
}

} // namespace mad
