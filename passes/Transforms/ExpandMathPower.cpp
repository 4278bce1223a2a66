//===- ExpandMathPower.cpp - x^y of f32 -------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// 2^(y log2 |x|) in f64: the error of the logarithm grows with the exponent of the
// result, which takes 8 bits more than f32 has. The special cases are those of C.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Math/IR/Math.h"
#include "passes/Transforms/ExpandMathF32.h"
#include <limits>

using namespace mlir;

namespace mad {
namespace {

/// Arithmetic on f64 of the shape of some f32 values.
class F64Builder {
public:
  explicit F64Builder(F32Builder &m) : m(m), b(m.b) {
    type = shaped(b.getF64Type());
    bitsType = shaped(b.getI64Type());
  }

  Value number(double value) { return constant(b.getF64FloatAttr(value)); }
  Value bits(int64_t value) { return constant(b.getI64IntegerAttr(value)); }
  Value wide(Value x) { return arith::ExtFOp::create(b, type, x); }
  Value fromInt(Value x) { return arith::SIToFPOp::create(b, type, x); }
  Value add(Value x, Value y) { return arith::AddFOp::create(b, x, y); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(b, x, y); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, x, y); }
  Value div(Value x, Value y) { return arith::DivFOp::create(b, x, y); }
  Value fma(Value x, Value y, Value z) {
    return m.isFused() ? math::FmaOp::create(b, x, y, z).getResult() : add(mul(x, y), z);
  }
  Value polynomial(Value x, ArrayRef<double> c) {
    Value sum = number(c.back());
    for (double factor : llvm::reverse(c.drop_back()))
      sum = fma(sum, x, number(factor));
    return sum;
  }
  Value clamp(Value x, double limit) {
    Value high = number(limit), low = number(-limit);
    Value below = arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, x, high);
    x = arith::SelectOp::create(b, below, x, high);
    Value above = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, x, low);
    return arith::SelectOp::create(b, above, x, low);
  }

  /// 2^t as f32, for |t| <= 160.
  Value exp2(Value t) {
    Value magic = number(0x1.8p52), u = add(t, magic);
    Value r = sub(t, sub(u, magic));
    // With 1 at 0, so that powers of two are exact.
    Value p = polynomial(r, {1.0, 0.6931472055771004, 0.240226484622813, 0.055503290351536304,
                             0.009618373251351774, 0.0013399848290696257, 0.00015370704816680935});
    Value exponent =
        arith::ShLIOp::create(b, arith::BitcastOp::create(b, bitsType, u).getResult(), bits(52));
    Value scaled =
        arith::AddIOp::create(b, arith::BitcastOp::create(b, bitsType, p).getResult(), exponent);
    return arith::TruncFOp::create(b, m.valueType(),
                                   arith::BitcastOp::create(b, type, scaled).getResult());
  }

private:
  Type shaped(Type element) {
    if (auto vector = dyn_cast<VectorType>(m.valueType()))
      return VectorType::get(vector.getShape(), element, vector.getScalableDims());
    return element;
  }
  Value constant(TypedAttr scalar) {
    if (auto vector = dyn_cast<VectorType>(shaped(scalar.getType())))
      scalar = DenseElementsAttr::get(vector, ArrayRef<Attribute>(scalar));
    return arith::ConstantOp::create(b, scalar);
  }

  F32Builder &m;
  ImplicitLocOpBuilder &b;
  Type type, bitsType;
};

/// log2 a for a > 0; -inf and +inf at 0 and +inf.
Value log2(F32Builder &m, F64Builder &d, Value a) {
  const float infinity = std::numeric_limits<float>::infinity();
  Value denormal = m.less(a, m.number(0x1p-126f));
  Value normal = m.select(denormal, m.mul(a, m.number(0x1p23f)), a);
  Value bits = m.asBits(normal), e = m.shiftRight(m.subBits(bits, m.bits(0x3F3504F3)), 23);
  Value mantissa = m.asNumber(m.subBits(bits, m.shiftLeft(e, 23)));
  e = m.addBits(e, m.select(denormal, m.bits(-23), m.bits(0)));
  Value f = d.wide(m.sub(mantissa, m.number(1.0f))); // exact
  Value s = d.div(f, d.add(f, d.number(2.0)));
  Value p = d.polynomial(d.mul(s, s), {2.885390081790023, 0.9617966734073669, 0.5770835744174633,
                                       0.41167325975808255, 0.3407214789833792});
  Value y = d.fma(s, p, d.fromInt(e));
  y = m.select(m.equal(a, m.number(0.0f)), d.number(-infinity), y);
  return m.select(m.equal(a, m.number(infinity)), d.number(infinity), y);
}

Value either(F32Builder &m, Value x, Value y) { return arith::OrIOp::create(m.b, x, y); }
Value both(F32Builder &m, Value x, Value y) { return arith::AndIOp::create(m.b, x, y); }

} // namespace

Value expandPowerF32(F32Builder &m, Value x, Value y) {
  F64Builder d(m);
  Value a = m.abs(x), one = m.number(1.0f), zero = m.number(0.0f);
  Value t = d.mul(d.wide(y), log2(m, d, a));
  t = m.select(m.equal(a, one), d.number(0.0), t); // also for infinite y
  Value r = d.exp2(d.clamp(t, 160.0));

  // Large y are even integers.
  constexpr float large = 0x1p24f;
  Value limited = m.max(m.min(y, m.number(large)), m.number(-large));
  Value whole = arith::FPToSIOp::create(m.b, m.bits(0).getType(), limited);
  Value isWhole = m.equal(m.fromInt(whole), limited);
  Value signOfOdd = m.shiftLeft(m.andBits(whole, m.bits(1)), 31);
  Value sign = m.select(isWhole, m.andBits(m.asBits(x), signOfOdd), m.bits(0));
  r = m.asNumber(m.xorBits(m.asBits(r), sign));

  Value negative =
      both(m, m.less(x, zero), m.less(a, m.number(std::numeric_limits<float>::infinity())));
  Value broken = m.less(m.number(0.0f), m.abs(m.sub(m.fromInt(whole), limited)));
  Value nan = m.number(std::numeric_limits<float>::quiet_NaN());
  r = m.select(both(m, negative, broken), nan, r);
  r = m.select(either(m, m.isNan(x), m.isNan(y)), nan, r);
  return m.select(either(m, m.equal(x, one), m.equal(y, zero)), one, r);
}

} // namespace mad
