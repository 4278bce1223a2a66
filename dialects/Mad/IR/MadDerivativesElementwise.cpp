//===- MadDerivativesElementwise.cpp - Derivatives of elementwise ops ------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// At kinks: of equal operands of `min` and `max` each counts half, the result of `rem` jumps where
// its derivative is that of the sides, and x^y has the derivative 0 by y at x = 0.
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadDerivatives.h"
#include "dialects/Mad/IR/MadMathOps.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mad;

/// d(x / y) = dx / y - (x / y) dy / y
static Value quotientTangent(Tangents &t, DivOp op) {
  Value numerator = t.difference(t[0], t.scaled(t[1], op.getResult()));
  return t.make<DivOp>(numerator, t.spread(op.getRhs()));
}

/// d(x - floor(x / y) y) = dx - floor(x / y) dy
static Value remainderTangent(Tangents &t, RemOp op) {
  if (!t[1])
    return t[0];
  Value whole = t.make<FloorOp>(t.make<DivOp>(op.getLhs(), op.getRhs()));
  return t.difference(t[0], t.scaled(t[1], whole));
}

/// d(x^y) = y x^(y - 1) dx + log(x) x^y dy
static Value powerTangent(Tangents &t, PowOp op) {
  Value x = op.getLhs(), y = op.getRhs(), base, exponent;
  Type type = op.getType();
  if (t[0]) {
    std::optional<RefScalar> fixed = splatValue(y);
    Value factor;
    if (fixed && fixed->f == 2) {
      factor = t.make<AddOp>(x, x);
    } else if (fixed) {
      factor = fixed->f == 0 ? t.number(0, type)
                             : t.make<MulOp>(y, t.make<PowOp>(x, t.number(fixed->f - 1, type)));
    } else {
      Value power = t.make<PowOp>(x, t.make<SubOp>(y, t.number(1, type)));
      Value zero = t.number(0, type);
      // Of x^0 at 0, where the product is that of 0 and infinity.
      factor = SelectOp::create(t.b, t.loc, type, t.compare(Predicate::eq, y, zero), zero,
                                t.make<MulOp>(y, power));
    }
    base = t.scaled(t[0], factor);
  }
  if (t[1]) {
    Value zero = t.number(0, type);
    Value factor = SelectOp::create(t.b, t.loc, type, t.compare(Predicate::eq, x, zero), zero,
                                    t.make<MulOp>(op.getResult(), t.make<LogOp>(x)));
    exponent = t.scaled(t[1], factor);
  }
  return t.sum(base, exponent);
}

/// The tangent of the operand that is taken, or of both the mean.
static Value extremeTangent(Tangents &t, Value x, Value y, Predicate first, Predicate second) {
  Value sum = t.sum(t[0], t[1]);
  Value mean = t.make<MulOp>(sum, t.number(0.5, sum.getType()));
  return t.chosen(t.compare(first, x, y), t[0], t.chosen(t.compare(second, x, y), t[1], mean));
}

/// d(atan2(y, x)) = (x dy - y dx) / (x^2 + y^2)
static Value angleTangent(Tangents &t, Atan2Op op) {
  Value y = op.getLhs(), x = op.getRhs();
  // (x dy - y dx) / (x x + y y), whose squares may be too large or too small for the type.
  Value most = t.make<MaxOp>(t.make<AbsOp>(x), t.make<AbsOp>(y));
  Value u = t.make<DivOp>(x, most), v = t.make<DivOp>(y, most);
  Value square = t.make<AddOp>(t.make<MulOp>(u, u), t.make<MulOp>(v, v));
  Value turned =
      t.make<DivOp>(t.difference(t.scaled(t[0], u), t.scaled(t[1], v)), t.spread(square));
  return t.make<DivOp>(turned, t.spread(most));
}

FailureOr<Value> mad::elementwiseTangent(Tangents &t) {
  return llvm::TypeSwitch<Operation *, FailureOr<Value>>(t.op)
      .Case([&](AddOp) { return t.sum(t[0], t[1]); })
      .Case([&](SubOp) { return t.difference(t[0], t[1]); })
      .Case(
          [&](MulOp op) { return t.sum(t.scaled(t[0], op.getRhs()), t.scaled(t[1], op.getLhs())); })
      .Case([&](DivOp op) { return quotientTangent(t, op); })
      .Case([&](RemOp op) { return remainderTangent(t, op); })
      .Case([&](PowOp op) { return powerTangent(t, op); })
      .Case([&](MaxOp op) {
        return extremeTangent(t, op.getLhs(), op.getRhs(), Predicate::gt, Predicate::lt);
      })
      .Case([&](MinOp op) {
        return extremeTangent(t, op.getLhs(), op.getRhs(), Predicate::lt, Predicate::gt);
      })
      .Case([&](FmaOp op) {
        Value product = t.sum(t.scaled(t[0], op.getY()), t.scaled(t[1], op.getX()));
        return t.sum(product, t[2]);
      })
      .Case([&](Atan2Op op) { return angleTangent(t, op); })
      .Case([&](SelectOp op) { return t.chosen(op.getCondition(), t[1], t[2]); })
      .Case([&](CastOp op) {
        return t[0] ? Value(CastOp::create(t.b, t.loc, t.type(op.getType()), t[0])) : Value();
      })
      .Default([&](Operation *) { return functionTangent(t); });
}
