//===- ExpandMathBuilder.cpp - Arithmetic on scalars and vectors of f32 -----===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Math/IR/Math.h"
#include "passes/Transforms/ExpandMathF32.h"

using namespace mlir;

namespace mad {

F32Builder::F32Builder(ImplicitLocOpBuilder &b, Type type, int level)
    : b(b), type(type), x86Level(level) {
  intType = b.getI32Type();
  if (auto vector = dyn_cast<VectorType>(type))
    intType = VectorType::get(vector.getShape(), intType, vector.getScalableDims());
}

Value F32Builder::constant(TypedAttr scalar) {
  if (auto vector = dyn_cast<VectorType>(type))
    scalar = DenseElementsAttr::get(
        VectorType::get(vector.getShape(), scalar.getType(), vector.getScalableDims()),
        ArrayRef<Attribute>(scalar));
  return arith::ConstantOp::create(b, scalar);
}

Value F32Builder::number(float value) { return constant(b.getF32FloatAttr(value)); }
Value F32Builder::bits(int32_t value) { return constant(b.getI32IntegerAttr(value)); }

Value F32Builder::add(Value x, Value y) { return arith::AddFOp::create(b, x, y); }
Value F32Builder::sub(Value x, Value y) { return arith::SubFOp::create(b, x, y); }
Value F32Builder::mul(Value x, Value y) { return arith::MulFOp::create(b, x, y); }
Value F32Builder::div(Value x, Value y) { return arith::DivFOp::create(b, x, y); }

Value F32Builder::fma(Value x, Value y, Value z) {
  return isFused() ? math::FmaOp::create(b, x, y, z).getResult() : add(mul(x, y), z);
}

Value F32Builder::polynomial(Value x, ArrayRef<float> c) {
  Value sum = number(c.back());
  for (float factor : llvm::reverse(c.drop_back()))
    sum = fma(sum, x, number(factor));
  return sum;
}

Value F32Builder::select(Value condition, Value x, Value y) {
  return arith::SelectOp::create(b, condition, x, y);
}

Value F32Builder::compare(arith::CmpFPredicate predicate, Value x, Value y) {
  return arith::CmpFOp::create(b, predicate, x, y);
}
Value F32Builder::less(Value x, Value y) { return compare(arith::CmpFPredicate::OLT, x, y); }
Value F32Builder::notBelow(Value x, Value y) { return compare(arith::CmpFPredicate::OGE, x, y); }
Value F32Builder::equal(Value x, Value y) { return compare(arith::CmpFPredicate::OEQ, x, y); }
Value F32Builder::isNan(Value x) { return compare(arith::CmpFPredicate::UNO, x, x); }

// These forms are single instructions, other than minnumf and maxnumf.
Value F32Builder::min(Value x, Value y) { return select(less(x, y), x, y); }
Value F32Builder::max(Value x, Value y) { return select(less(y, x), x, y); }

Value F32Builder::abs(Value x) { return math::AbsFOp::create(b, x); }
Value F32Builder::withSign(Value x, Value sign) {
  return asNumber(xorBits(asBits(x), andBits(asBits(sign), bits(INT32_MIN))));
}

Value F32Builder::asBits(Value x) { return arith::BitcastOp::create(b, intType, x); }
Value F32Builder::asNumber(Value x) { return arith::BitcastOp::create(b, type, x); }
Value F32Builder::addBits(Value x, Value y) { return arith::AddIOp::create(b, x, y); }
Value F32Builder::subBits(Value x, Value y) { return arith::SubIOp::create(b, x, y); }
Value F32Builder::shiftLeft(Value x, int count) { return arith::ShLIOp::create(b, x, bits(count)); }
Value F32Builder::shiftRight(Value x, int count) {
  return arith::ShRSIOp::create(b, x, bits(count));
}
Value F32Builder::andBits(Value x, Value y) { return arith::AndIOp::create(b, x, y); }
Value F32Builder::xorBits(Value x, Value y) { return arith::XOrIOp::create(b, x, y); }
Value F32Builder::lessBits(Value x, Value y) {
  return arith::CmpIOp::create(b, arith::CmpIPredicate::slt, x, y);
}
Value F32Builder::fromInt(Value x) { return arith::SIToFPOp::create(b, type, x); }
Value F32Builder::powerOfTwo(Value n) { return asNumber(shiftLeft(addBits(n, bits(127)), 23)); }

} // namespace mad
