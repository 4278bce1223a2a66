//===- ScalarOps.cpp - Scalar functions of elementwise ops ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What MadOps.td defines, in arith and math. The operations of upstream leave
// overflow, division by zero and conversions out of range undefined; here they
// are guarded with selects, which vectorise and which fold away where an operand
// is known.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "passes/Conversion/MadToLinalg/Lowering.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace mad {
namespace {

/// Builds the scalar function of one op.
class ScalarBuilder {
public:
  ScalarBuilder(OpBuilder &b, Location loc, ValueRange operands)
      : b(loc, b), args(operands),
        contract(arith::FastMathFlagsAttr::get(b.getContext(), arith::FastMathFlags::contract)) {
    if (!args.empty())
      type = args.back().getType(); // of `select`, too
  }

  Value build(Operation *op);

private:
  bool isFloat() const { return isa<FloatType>(type); }
  Value constant(double value);
  Value integer(int64_t value) { return arith::ConstantIntOp::create(b, type, value); }
  template <typename Op> Value make(Value x) { return Op::create(b, x).getResult(); }
  template <typename Op> Value make(Value x, Value y) { return Op::create(b, x, y).getResult(); }
  template <typename Op> Value makeContract(Value x, Value y) {
    return Op::create(b, x, y, contract).getResult();
  }
  template <typename FloatOp, typename IntOp> Value either(Value x, Value y) {
    return isFloat() ? makeContract<FloatOp>(x, y) : make<IntOp>(x, y);
  }
  Value select(Value condition, Value x, Value y) {
    return arith::SelectOp::create(b, condition, x, y);
  }
  Value compare(arith::CmpIPredicate p, Value x, Value y) {
    return arith::CmpIOp::create(b, p, x, y);
  }
  Value compare(arith::CmpFPredicate p, Value x, Value y) {
    return arith::CmpFOp::create(b, p, x, y);
  }

  Value neg(Value x);
  Value sign(Value x);
  Value divide(Value x, Value y);
  Value remainder(Value x, Value y);
  Value power(Value x, Value y);
  Value compareOp(Predicate predicate, Value x, Value y);
  Value cast(Value x, Type to);
  Value floatToInt(Value x, IntegerType to);
  Value unary(Operation *op, Value x);
  Value binary(Operation *op, Value x, Value y);

  ImplicitLocOpBuilder b;
  ValueRange args;
  arith::FastMathFlagsAttr contract;
  Type type;
};

Value ScalarBuilder::constant(double value) {
  return arith::ConstantOp::create(b, b.getFloatAttr(type, value));
}

Value ScalarBuilder::neg(Value x) {
  return isFloat() ? make<arith::NegFOp>(x) : make<arith::SubIOp>(integer(0), x);
}

Value ScalarBuilder::sign(Value x) {
  if (isFloat()) {
    Value zero = constant(0), one = constant(1), minus = constant(-1);
    Value negative = select(compare(arith::CmpFPredicate::OLT, x, zero), minus, x);
    return select(compare(arith::CmpFPredicate::OGT, x, zero), one, negative);
  }
  Value zero = integer(0);
  Value up = arith::ExtUIOp::create(b, type, compare(arith::CmpIPredicate::sgt, x, zero));
  Value down = arith::ExtUIOp::create(b, type, compare(arith::CmpIPredicate::slt, x, zero));
  return make<arith::SubIOp>(up, down);
}

Value ScalarBuilder::divide(Value x, Value y) {
  if (isFloat())
    return makeContract<arith::DivFOp>(x, y);
  // The machine traps on x / 0 and on least / -1.
  Value zero = integer(0), one = integer(1), minus = integer(-1);
  Value byZero = compare(arith::CmpIPredicate::eq, y, zero);
  Value byMinus = compare(arith::CmpIPredicate::eq, y, minus);
  Value safe = select(byZero, one, select(byMinus, one, y));
  Value q = make<arith::FloorDivSIOp>(x, safe);
  return select(byZero, zero, select(byMinus, make<arith::SubIOp>(zero, x), q));
}

Value ScalarBuilder::remainder(Value x, Value y) {
  if (isFloat()) {
    // C's remainder is exact; it has the sign of x.
    Value r = make<arith::RemFOp>(x, y), zero = constant(0);
    Value isZero = compare(arith::CmpFPredicate::OEQ, r, zero);
    Value differs = make<arith::XOrIOp>(compare(arith::CmpFPredicate::OLT, r, zero),
                                        compare(arith::CmpFPredicate::OLT, y, zero));
    Value fixed = select(differs, make<arith::AddFOp>(r, y), r);
    return select(isZero, make<math::CopySignOp>(zero, y), fixed);
  }
  Value zero = integer(0), one = integer(1), minus = integer(-1);
  Value trivial = make<arith::OrIOp>(compare(arith::CmpIPredicate::eq, y, zero),
                                     compare(arith::CmpIPredicate::eq, y, minus));
  Value safe = select(trivial, one, y);
  Value r = make<arith::RemSIOp>(x, safe);
  // The sign of y, where C has that of x.
  Value differs = compare(arith::CmpIPredicate::slt, make<arith::XOrIOp>(r, safe), zero);
  Value fix = make<arith::AndIOp>(differs, compare(arith::CmpIPredicate::ne, r, zero));
  return select(fix, make<arith::AddIOp>(r, safe), r);
}

/// Repeated squaring; 1 / x^|y| is 0 but for x = 1 and x = -1.
Value ScalarBuilder::power(Value x, Value y) {
  if (isFloat())
    return make<math::PowFOp>(x, y);
  Value zero = integer(0), one = integer(1), minus = integer(-1);
  Value negative = compare(arith::CmpIPredicate::slt, y, zero);
  Value start = select(negative, zero, y);
  SmallVector<Type> types(3, type);
  auto loop = scf::WhileOp::create(
      b, types, ValueRange{start, one, x},
      [&](OpBuilder &ob, Location loc, ValueRange v) {
        Value more = arith::CmpIOp::create(ob, loc, arith::CmpIPredicate::ne, v[0], zero);
        scf::ConditionOp::create(ob, loc, more, v);
      },
      [&](OpBuilder &ob, Location loc, ValueRange v) {
        Value odd = arith::TruncIOp::create(ob, loc, ob.getI1Type(), v[0]);
        Value times = arith::MulIOp::create(ob, loc, v[1], v[2]);
        Value product = arith::SelectOp::create(ob, loc, odd, times, v[1]);
        Value square = arith::MulIOp::create(ob, loc, v[2], v[2]);
        Value rest = arith::ShRUIOp::create(ob, loc, v[0], one);
        scf::YieldOp::create(ob, loc, ValueRange{rest, product, square});
      });
  Value odd = arith::TruncIOp::create(b, b.getI1Type(), y);
  Value ofMinus =
      select(compare(arith::CmpIPredicate::eq, x, minus), select(odd, minus, one), zero);
  Value inverse = select(compare(arith::CmpIPredicate::eq, x, one), one, ofMinus);
  return select(negative, inverse, loop.getResult(1));
}

Value ScalarBuilder::compareOp(Predicate predicate, Value x, Value y) {
  using F = arith::CmpFPredicate;
  using I = arith::CmpIPredicate;
  static constexpr std::pair<F, I> kinds[] = {{F::OEQ, I::eq},  {F::UNE, I::ne},  {F::OLT, I::slt},
                                              {F::OLE, I::sle}, {F::OGT, I::sgt}, {F::OGE, I::sge}};
  auto [f, i] = kinds[static_cast<int>(predicate)];
  if (isFloat())
    return compare(f, x, y);
  if (type.isInteger(1)) { // false < true
    x = arith::ExtUIOp::create(b, b.getI8Type(), x);
    y = arith::ExtUIOp::create(b, b.getI8Type(), y);
  }
  return compare(i, x, y);
}

/// Towards zero, saturating, 0 for NaN.
Value ScalarBuilder::floatToInt(Value x, IntegerType to) {
  unsigned width = to.getWidth();
  double limit = width == 64 ? 0x1p63 : 0x1p31;
  auto number = [&](int64_t v) -> Value { return arith::ConstantIntOp::create(b, to, v); };
  Value r = arith::FPToSIOp::create(b, to, x);
  int64_t most = width == 64 ? INT64_MAX : INT32_MAX;
  r = select(compare(arith::CmpFPredicate::OGE, x, constant(limit)), number(most), r);
  // -limit itself converts; f64 to i32 truncates down to it from above -limit - 1.
  Value least = number(-most - 1);
  r = width == 32 && type.isF64()
          ? select(compare(arith::CmpFPredicate::OLE, x, constant(-limit - 1)), least, r)
          : select(compare(arith::CmpFPredicate::OLT, x, constant(-limit)), least, r);
  return select(compare(arith::CmpFPredicate::UNO, x, x), number(0), r);
}

Value ScalarBuilder::cast(Value x, Type to) {
  if (type == to)
    return x;
  if (to.isInteger(1))
    return isFloat() ? compare(arith::CmpFPredicate::UNE, x, constant(0))
                     : compare(arith::CmpIPredicate::ne, x, integer(0));
  if (type.isInteger(1)) {
    if (isa<FloatType>(to))
      return arith::UIToFPOp::create(b, to, x);
    return arith::ExtUIOp::create(b, to, x);
  }
  if (isFloat()) {
    if (auto i = dyn_cast<IntegerType>(to))
      return floatToInt(x, i);
    if (type.getIntOrFloatBitWidth() < to.getIntOrFloatBitWidth())
      return arith::ExtFOp::create(b, to, x);
    return arith::TruncFOp::create(b, to, x);
  }
  if (isa<FloatType>(to))
    return arith::SIToFPOp::create(b, to, x);
  if (type.getIntOrFloatBitWidth() < to.getIntOrFloatBitWidth())
    return arith::ExtSIOp::create(b, to, x);
  return arith::TruncIOp::create(b, to, x);
}

Value ScalarBuilder::unary(Operation *op, Value x) {
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case<NegOp>([&](auto) { return neg(x); })
      .Case<AbsOp>([&](auto) { return isFloat() ? make<math::AbsFOp>(x) : make<math::AbsIOp>(x); })
      .Case<SignOp>([&](auto) { return sign(x); })
      .Case<NotOp>([&](auto) { return make<arith::XOrIOp>(x, integer(1)); })
      .Case<ExpOp>([&](auto) { return make<math::ExpOp>(x); })
      .Case<Expm1Op>([&](auto) { return make<math::ExpM1Op>(x); })
      .Case<LogOp>([&](auto) { return make<math::LogOp>(x); })
      .Case<Log1pOp>([&](auto) { return make<math::Log1pOp>(x); })
      .Case<SqrtOp>([&](auto) { return make<math::SqrtOp>(x); })
      .Case<RsqrtOp>(
          [&](auto) { return makeContract<arith::DivFOp>(constant(1), make<math::SqrtOp>(x)); })
      .Case<SinOp>([&](auto) { return make<math::SinOp>(x); })
      .Case<CosOp>([&](auto) { return make<math::CosOp>(x); })
      .Case<TanOp>([&](auto) { return make<math::TanOp>(x); })
      .Case<TanhOp>([&](auto) { return make<math::TanhOp>(x); })
      .Case<ErfOp>([&](auto) { return make<math::ErfOp>(x); })
      .Case<FloorOp>([&](auto) { return make<math::FloorOp>(x); })
      .Case<CeilOp>([&](auto) { return make<math::CeilOp>(x); })
      .Case<RoundOp>([&](auto) { return make<math::RoundEvenOp>(x); })
      .Case<CastOp>([&](CastOp c) { return cast(x, getElementTypeOrSelf(c.getType())); })
      .Default(Value());
}

Value ScalarBuilder::binary(Operation *op, Value x, Value y) {
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case<AddOp>([&](auto) { return either<arith::AddFOp, arith::AddIOp>(x, y); })
      .Case<SubOp>([&](auto) { return either<arith::SubFOp, arith::SubIOp>(x, y); })
      .Case<MulOp>([&](auto) { return either<arith::MulFOp, arith::MulIOp>(x, y); })
      .Case<DivOp>([&](auto) { return divide(x, y); })
      .Case<RemOp>([&](auto) { return remainder(x, y); })
      .Case<PowOp>([&](auto) { return power(x, y); })
      .Case<MinOp>([&](auto) { return either<arith::MinimumFOp, arith::MinSIOp>(x, y); })
      .Case<MaxOp>([&](auto) { return either<arith::MaximumFOp, arith::MaxSIOp>(x, y); })
      .Case<AndOp>([&](auto) { return make<arith::AndIOp>(x, y); })
      .Case<OrOp>([&](auto) { return make<arith::OrIOp>(x, y); })
      .Case<CompareOp>([&](CompareOp c) { return compareOp(c.getPredicate(), x, y); })
      .Default(Value());
}

Value ScalarBuilder::build(Operation *op) {
  if (args.size() == 1)
    return unary(op, args[0]);
  if (args.size() == 2)
    return binary(op, args[0], args[1]);
  return isa<SelectOp>(op) ? select(args[0], args[1], args[2]) : Value();
}

} // namespace

Value scalarOp(OpBuilder &b, Operation *op, ValueRange operands) {
  return ScalarBuilder(b, op->getLoc(), operands).build(op);
}

} // namespace mad
