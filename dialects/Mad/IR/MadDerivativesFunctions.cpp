//===- MadDerivativesFunctions.cpp - Derivatives of functions of one number ===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Steps (`sign`, `floor`, `ceil`, `round`, `trunc`) have the derivative 0 everywhere, `abs` has 0
// at 0. Where a derivative is infinite, as of `sqrt` and `cbrt` at 0, it is infinity.
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadDerivatives.h"
#include "dialects/Mad/IR/MadMathOps.h"
#include "llvm/ADT/TypeSwitch.h"
#include <numbers>

using namespace mlir;
using namespace mad;

namespace {

/// Builds f'(x) of x and y = f(x).
class Slope {
public:
  Slope(Tangents &t) : t(t), x(t.op->getOperand(0)), y(t.op->getResult(0)) {}

  /// Null where the function is not known.
  Value of(Operation *op) const {
    using namespace std::numbers;
    return llvm::TypeSwitch<Operation *, Value>(op)
        .Case([&](AbsOp) { return t.make<SignOp>(x); })
        .Case([&](ExpOp) { return y; })
        .Case([&](Exp2Op) { return times(ln2, y); })
        .Case([&](Expm1Op) { return plus(1, y); })
        .Case([&](LogOp) { return over(1, x); })
        .Case([&](Log1pOp) { return over(1, plus(1, x)); })
        .Case([&](Log2Op) { return over(log2e, x); })
        .Case([&](Log10Op) { return over(log10e, x); })
        .Case([&](SqrtOp) { return over(0.5, y); })
        .Case([&](RsqrtOp) { return t.make<DivOp>(times(-0.5, y), x); })
        .Case([&](CbrtOp) { return over(1, times(3, square(y))); })
        .Case([&](ErfOp) { return times(2 * inv_sqrtpi, bell()); })
        .Case([&](ErfcOp) { return times(-2 * inv_sqrtpi, bell()); })
        .Default([&](Operation *) { return ofAngle(op); });
  }

private:
  Value ofAngle(Operation *op) const {
    return llvm::TypeSwitch<Operation *, Value>(op)
        .Case([&](SinOp) { return t.make<CosOp>(x); })
        .Case([&](CosOp) { return t.make<NegOp>(t.make<SinOp>(x)); })
        .Case([&](TanOp) { return plus(1, square(y)); })
        .Case([&](AsinOp) { return t.make<RsqrtOp>(inside(x)); })
        .Case([&](AcosOp) { return t.make<NegOp>(t.make<RsqrtOp>(inside(x))); })
        .Case([&](AtanOp) { return over(1, plus(1, square(x))); })
        .Case([&](SinhOp) { return t.make<CoshOp>(x); })
        .Case([&](CoshOp) { return t.make<SinhOp>(x); })
        .Case([&](TanhOp) { return inside(y); })
        .Case([&](AsinhOp) { return t.make<RsqrtOp>(plus(1, square(x))); })
        .Case([&](AcoshOp) { return t.make<RsqrtOp>(t.make<MulOp>(plus(-1, x), plus(1, x))); })
        .Case([&](AtanhOp) { return over(1, inside(x)); })
        .Default([](Operation *) { return Value(); });
  }

  Value number(double value) const { return t.number(value, y.getType()); }
  Value plus(double a, Value v) const { return t.make<AddOp>(v, number(a)); }
  Value times(double a, Value v) const { return t.make<MulOp>(v, number(a)); }
  Value over(double a, Value v) const { return t.make<DivOp>(number(a), v); }
  Value square(Value v) const { return t.make<MulOp>(v, v); }
  /// 1 - v^2, accurate where it is near 0.
  Value inside(Value v) const { return t.make<MulOp>(t.make<SubOp>(number(1), v), plus(1, v)); }
  /// exp(-x^2)
  Value bell() const { return t.make<ExpOp>(t.make<NegOp>(square(x))); }

  Tangents &t;
  Value x, y;
};

} // namespace

FailureOr<Value> mad::functionTangent(Tangents &t) {
  if (isa<SignOp, FloorOp, CeilOp, RoundOp, TruncOp>(t.op))
    return Value();
  if (isa<NegOp>(t.op))
    return t.make<NegOp>(t[0]);
  Value slope = t.op->getNumOperands() == 1 ? Slope(t).of(t.op) : Value();
  if (!slope)
    return failure();
  return t.scaled(t[0], slope);
}
