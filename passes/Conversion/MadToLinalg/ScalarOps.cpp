//===- ScalarOps.cpp - Scalar functions of elementwise ops ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What MadOps.td defines, in arith and math. The operations of upstream leave
// overflow, division by zero and conversions out of range undefined; here they
// are guarded with selects, which vectorise and which fold away where an operand
// is known. Elements of f16 and bf16 are computed with in f32.
//
// Strict ops give the bits of the reference, which computes in f64 and rounds. What
// is correctly rounded in f32 is so by way of f64 as well, and the other way round:
// 53 >= 2 * 24 + 2 bits, and 24 >= 2 * 11 + 2 for f16. (Figueroa, "When is double
// rounding innocuous?", 1995.) The functions are computed in f64, by libm.
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadMathOps.h"
#include "dialects/Mad/IR/MadPrecision.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "passes/Conversion/MadToLinalg/Lowering.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>

using namespace mlir;

namespace mad {
namespace {

/// Builds the scalar function of one op.
class ScalarBuilder {
public:
  ScalarBuilder(OpBuilder &b, Operation *op, ValueRange operands)
      : b(op->getLoc(), b), op(op), precision(precisionOf(op)),
        inDouble(precision == Precision::Strict && !isCorrectlyRounded(op)) {
    using F = arith::FastMathFlags;
    flags = arith::FastMathFlagsAttr::get(b.getContext(), precision == Precision::Fast ? F::fast
                                                          : precision == Precision::Strict
                                                              ? F::none
                                                              : F::contract);
    for (auto [i, value] : llvm::enumerate(operands))
      args.push_back(operand(i, value));
    if (!args.empty()) {
      type = args.back().getType(); // of `select`, too
      isUnsigned = elementOf(op->getOperands().back()).isUnsignedInteger();
    }
  }

  Value build();

private:
  static Type elementOf(Value tensor) {
    return cast<RankedTensorType>(tensor.getType()).getElementType();
  }
  Value operand(unsigned number, Value value);
  bool isFloat() const { return isa<FloatType>(type); }
  Value constant(double value);
  Value integer(int64_t value) { return arith::ConstantIntOp::create(b, type, value); }
  template <typename Op> Value make(Value x) { return mark(Op::create(b, x)); }
  template <typename Op> Value make(Value x, Value y) { return mark(Op::create(b, x, y)); }
  /// With what the op allows.
  template <typename Op> Value makeFree(Value x, Value y) {
    return Op::create(b, x, y, flags).getResult();
  }
  template <typename FloatOp, typename IntOp> Value either(Value x, Value y) {
    return isFloat() ? makeFree<FloatOp>(x, y) : make<IntOp>(x, y);
  }
  Value mark(Operation *made);
  static bool isCorrectlyRounded(Operation *op);
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
  Value floatToByte(Value x, bool toUnsigned);
  Value unary(Value x);
  Value binary(Value x, Value y);
  Value mathUnary(Value x);
  Value mathBinary(Value x, Value y);
  Value shift(Value x, Value y, bool left);

  ImplicitLocOpBuilder b;
  Operation *op;
  SmallVector<Value, 3> args; ///< bools as i1, f16 and bf16 as f32
  Precision precision;
  bool inDouble; ///< floats are computed with in f64
  arith::FastMathFlagsAttr flags;
  Type type;
  bool isUnsigned = false;
};

Value ScalarBuilder::operand(unsigned number, Value value) {
  if (isa<SelectOp>(op) && number > 0)
    return value; // it only moves
  value = fromStorage(b, b.getLoc(), value, elementOf(op->getOperand(number)).isInteger(1));
  return inDouble ? inF64(b, b.getLoc(), value) : widened(b, b.getLoc(), value);
}

/// Operations that IEEE 754 defines, and what only selects: all other ops are functions
/// whose last bit depends on how they are computed.
bool ScalarBuilder::isCorrectlyRounded(Operation *op) {
  return isa<AbsOp, AddOp, AndOp, CastOp, CeilOp, CompareOp, DivOp, FloorOp, IsFiniteOp, IsInfOp,
             IsNanOp, MaxOp, MinOp, MulOp, NegOp, NotOp, OrOp, RemOp, RoundOp, SelectOp, SignOp,
             SqrtOp, SubOp, TruncOp>(op) ||
         !isa<FloatType>(elementOf(op->getResult(0)));
}

/// The functions of a strict op are those of libm, whatever their arguments are;
/// those of a fast one may be approximations.
Value ScalarBuilder::mark(Operation *made) {
  if (isa<math::MathDialect>(made->getDialect())) {
    if (precision == Precision::Strict)
      setPrecision(made, precision);
    if (auto math = dyn_cast<arith::ArithFastMathInterface>(made);
        math && precision == Precision::Fast)
      made->setAttr(math.getFastMathAttrName(), flags);
  }
  return made->getResult(0);
}

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
  if (isUnsigned)
    return arith::ExtUIOp::create(b, type, compare(arith::CmpIPredicate::ne, x, zero));
  Value up = arith::ExtUIOp::create(b, type, compare(arith::CmpIPredicate::sgt, x, zero));
  Value down = arith::ExtUIOp::create(b, type, compare(arith::CmpIPredicate::slt, x, zero));
  return make<arith::SubIOp>(up, down);
}

Value ScalarBuilder::divide(Value x, Value y) {
  if (isFloat())
    return makeFree<arith::DivFOp>(x, y);
  // The machine traps on x / 0 and on least / -1.
  Value zero = integer(0), one = integer(1), minus = integer(-1);
  Value byZero = compare(arith::CmpIPredicate::eq, y, zero);
  if (isUnsigned)
    return select(byZero, zero, make<arith::DivUIOp>(x, select(byZero, one, y)));
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
  if (isUnsigned) {
    Value byZero = compare(arith::CmpIPredicate::eq, y, zero);
    return make<arith::RemUIOp>(x, select(byZero, one, y));
  }
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
  Value start = isUnsigned ? y : select(negative, zero, y);
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
  if (isUnsigned)
    return loop.getResult(1);
  Value odd = arith::TruncIOp::create(b, b.getI1Type(), y);
  Value ofMinus =
      select(compare(arith::CmpIPredicate::eq, x, minus), select(odd, minus, one), zero);
  Value inverse = select(compare(arith::CmpIPredicate::eq, x, one), one, ofMinus);
  return select(negative, inverse, loop.getResult(1));
}

Value ScalarBuilder::compareOp(Predicate predicate, Value x, Value y) {
  using F = arith::CmpFPredicate;
  using I = arith::CmpIPredicate;
  struct Kind {
    F f;
    I i, u;
  };
  static constexpr Kind kinds[] = {{F::OEQ, I::eq, I::eq},   {F::UNE, I::ne, I::ne},
                                   {F::OLT, I::slt, I::ult}, {F::OLE, I::sle, I::ule},
                                   {F::OGT, I::sgt, I::ugt}, {F::OGE, I::sge, I::uge}};
  auto [f, i, u] = kinds[static_cast<int>(predicate)];
  if (isFloat())
    return compare(f, x, y);
  if (type.isInteger(1)) { // false < true
    x = arith::ExtUIOp::create(b, b.getI8Type(), x);
    y = arith::ExtUIOp::create(b, b.getI8Type(), y);
  }
  return compare(isUnsigned ? u : i, x, y);
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

/// The same by way of i32, which has room for both bounds.
Value ScalarBuilder::floatToByte(Value x, bool toUnsigned) {
  Value low = constant(toUnsigned ? 0 : -128), high = constant(toUnsigned ? 255 : 127);
  x = select(compare(arith::CmpFPredicate::OLT, x, low), low, x);
  x = select(compare(arith::CmpFPredicate::OGT, x, high), high, x);
  x = select(compare(arith::CmpFPredicate::UNO, x, x), constant(0), x);
  Value wide = arith::FPToSIOp::create(b, b.getI32Type(), x);
  return arith::TruncIOp::create(b, b.getI8Type(), wide);
}

Value ScalarBuilder::cast(Value x, Type to) {
  if (elementOf(op->getOperand(0)) == to)
    return narrowed(b, b.getLoc(), x, to); // an exact number of the type
  if (to.isInteger(1))
    return isFloat() ? compare(arith::CmpFPredicate::UNE, x, constant(0))
                     : compare(arith::CmpIPredicate::ne, x, integer(0));
  isUnsigned |= type.isInteger(1);
  if (isFloat()) {
    if (to.isInteger(8))
      return floatToByte(x, to.isUnsignedInteger());
    if (auto i = dyn_cast<IntegerType>(to))
      return floatToInt(x, i);
    if (type == to)
      return x;
    if (type.getIntOrFloatBitWidth() < to.getIntOrFloatBitWidth())
      return arith::ExtFOp::create(b, to, x);
    return arith::TruncFOp::create(b, to, x);
  }
  if (isa<FloatType>(to))
    return isUnsigned ? arith::UIToFPOp::create(b, to, x).getResult()
                      : arith::SIToFPOp::create(b, to, x).getResult();
  unsigned width = to.getIntOrFloatBitWidth();
  to = b.getIntegerType(width);
  if (type == to)
    return x;
  if (type.getIntOrFloatBitWidth() > width)
    return arith::TruncIOp::create(b, to, x);
  return isUnsigned ? arith::ExtUIOp::create(b, to, x).getResult()
                    : arith::ExtSIOp::create(b, to, x).getResult();
}

Value ScalarBuilder::unary(Value x) {
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case<NegOp>([&](auto) { return neg(x); })
      .Case<AbsOp>([&](auto) {
        return isFloat() ? make<math::AbsFOp>(x) : isUnsigned ? x : make<math::AbsIOp>(x);
      })
      .Case<SignOp>([&](auto) { return sign(x); })
      .Case<NotOp>([&](auto) { return make<arith::XOrIOp>(x, integer(1)); })
      .Case<ExpOp>([&](auto) { return make<math::ExpOp>(x); })
      .Case<Expm1Op>([&](auto) { return make<math::ExpM1Op>(x); })
      .Case<LogOp>([&](auto) { return make<math::LogOp>(x); })
      .Case<Log1pOp>([&](auto) { return make<math::Log1pOp>(x); })
      .Case<SqrtOp>([&](auto) { return make<math::SqrtOp>(x); })
      .Case<RsqrtOp>(
          [&](auto) { return makeFree<arith::DivFOp>(constant(1), make<math::SqrtOp>(x)); })
      .Case<SinOp>([&](auto) { return make<math::SinOp>(x); })
      .Case<CosOp>([&](auto) { return make<math::CosOp>(x); })
      .Case<TanOp>([&](auto) { return make<math::TanOp>(x); })
      .Case<TanhOp>([&](auto) { return make<math::TanhOp>(x); })
      .Case<ErfOp>([&](auto) { return make<math::ErfOp>(x); })
      .Case<FloorOp>([&](auto) { return make<math::FloorOp>(x); })
      .Case<CeilOp>([&](auto) { return make<math::CeilOp>(x); })
      .Case<RoundOp>([&](auto) { return make<math::RoundEvenOp>(x); })
      .Case<CastOp>([&](CastOp c) { return cast(x, getElementTypeOrSelf(c.getType())); })
      .Default([&](auto) { return mathUnary(x); });
}

Value ScalarBuilder::mathUnary(Value x) {
  using P = arith::CmpFPredicate;
  auto magnitudeIs = [&](P predicate) -> Value {
    return compare(predicate, make<math::AbsFOp>(x), constant(INFINITY));
  };
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case<AcosOp>([&](auto) { return make<math::AcosOp>(x); })
      .Case<AcoshOp>([&](auto) { return make<math::AcoshOp>(x); })
      .Case<AsinOp>([&](auto) { return make<math::AsinOp>(x); })
      .Case<AsinhOp>([&](auto) { return make<math::AsinhOp>(x); })
      .Case<AtanOp>([&](auto) { return make<math::AtanOp>(x); })
      .Case<AtanhOp>([&](auto) { return make<math::AtanhOp>(x); })
      .Case<CbrtOp>([&](auto) { return make<math::CbrtOp>(x); })
      .Case<CoshOp>([&](auto) { return make<math::CoshOp>(x); })
      .Case<ErfcOp>([&](auto) { return make<math::ErfcOp>(x); })
      .Case<Exp2Op>([&](auto) { return make<math::Exp2Op>(x); })
      .Case<Log10Op>([&](auto) { return make<math::Log10Op>(x); })
      .Case<Log2Op>([&](auto) { return make<math::Log2Op>(x); })
      .Case<SinhOp>([&](auto) { return make<math::SinhOp>(x); })
      .Case<TruncOp>([&](auto) { return make<math::TruncOp>(x); })
      .Case<IsFiniteOp>([&](auto) { return magnitudeIs(P::OLT); })
      .Case<IsInfOp>([&](auto) { return magnitudeIs(P::OEQ); })
      .Case<IsNanOp>([&](auto) { return compare(P::UNO, x, x); })
      .Case<BitNotOp>([&](auto) { return make<arith::XOrIOp>(x, integer(-1)); })
      .Default(Value());
}

/// The machine takes the count modulo the width.
Value ScalarBuilder::shift(Value x, Value y, bool left) {
  int64_t width = type.getIntOrFloatBitWidth();
  Value zero = integer(0), fits = compare(arith::CmpIPredicate::ult, y, integer(width));
  if (left)
    return select(fits, make<arith::ShLIOp>(x, select(fits, y, zero)), zero);
  if (isUnsigned)
    return select(fits, make<arith::ShRUIOp>(x, select(fits, y, zero)), zero);
  return make<arith::ShRSIOp>(x, select(fits, y, integer(width - 1)));
}

Value ScalarBuilder::mathBinary(Value x, Value y) {
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case<Atan2Op>([&](auto) { return make<math::Atan2Op>(x, y); })
      .Case<BitAndOp>([&](auto) { return make<arith::AndIOp>(x, y); })
      .Case<BitOrOp>([&](auto) { return make<arith::OrIOp>(x, y); })
      .Case<BitXorOp>([&](auto) { return make<arith::XOrIOp>(x, y); })
      .Case<ShiftLeftOp>([&](auto) { return shift(x, y, /*left=*/true); })
      .Case<ShiftRightOp>([&](auto) { return shift(x, y, /*left=*/false); })
      .Default(Value());
}

Value ScalarBuilder::binary(Value x, Value y) {
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case<AddOp>([&](auto) { return either<arith::AddFOp, arith::AddIOp>(x, y); })
      .Case<SubOp>([&](auto) { return either<arith::SubFOp, arith::SubIOp>(x, y); })
      .Case<MulOp>([&](auto) { return either<arith::MulFOp, arith::MulIOp>(x, y); })
      .Case<DivOp>([&](auto) { return divide(x, y); })
      .Case<RemOp>([&](auto) { return remainder(x, y); })
      .Case<PowOp>([&](auto) { return power(x, y); })
      .Case<MinOp>([&](auto) {
        return isUnsigned ? make<arith::MinUIOp>(x, y)
                          : either<arith::MinimumFOp, arith::MinSIOp>(x, y);
      })
      .Case<MaxOp>([&](auto) {
        return isUnsigned ? make<arith::MaxUIOp>(x, y)
                          : either<arith::MaximumFOp, arith::MaxSIOp>(x, y);
      })
      .Case<AndOp>([&](auto) { return make<arith::AndIOp>(x, y); })
      .Case<OrOp>([&](auto) { return make<arith::OrIOp>(x, y); })
      .Case<CompareOp>([&](CompareOp c) { return compareOp(c.getPredicate(), x, y); })
      .Default([&](auto) { return mathBinary(x, y); });
}

Value ScalarBuilder::build() {
  if (isa<SelectOp>(op))
    return select(args[0], args[1], args[2]);
  Value result;
  if (args.size() == 1)
    result = unary(args[0]);
  else if (args.size() == 2)
    result = binary(args[0], args[1]);
  else if (isa<FmaOp>(op))
    result = mark(math::FmaOp::create(b, args[0], args[1], args[2]));
  return result ? narrowed(b, b.getLoc(), result, elementOf(op->getResult(0))) : Value();
}

} // namespace

Value scalarOp(OpBuilder &b, Operation *op, ValueRange operands) {
  return ScalarBuilder(b, op, operands).build();
}

} // namespace mad
