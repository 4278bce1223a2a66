//===- MadScalars.cpp - The scalar functions of elementwise ops -------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Floats are computed in f64 and rounded to the declared type by the caller,
// integers modulo 2^64 and wrapped by the caller: both give what the declared
// type would.
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadOps.h"
#include "dialects/Mad/IR/NarrowFloats.h"
#include <cmath>
#include <limits>

using namespace mlir;
using namespace mad;

using Scalars = ArrayRef<RefScalar>;

static Type elementType(Value value) {
  return cast<RankedTensorType>(value.getType()).getElementType();
}
static bool isFloat(Value value) { return isa<FloatType>(elementType(value)); }

/// Integer arithmetic that wraps.
static uint64_t bits(int64_t value) { return static_cast<uint64_t>(value); }

//===----------------------------------------------------------------------===//
// Of one operand
//===----------------------------------------------------------------------===//

RefScalar NegOp::evaluateScalar(Scalars x) {
  return {-x[0].f, static_cast<int64_t>(0 - bits(x[0].i))};
}

RefScalar AbsOp::evaluateScalar(Scalars x) {
  return {std::fabs(x[0].f), x[0].i < 0 ? static_cast<int64_t>(0 - bits(x[0].i)) : x[0].i};
}

RefScalar SignOp::evaluateScalar(Scalars x) {
  double f = x[0].f;
  return {f > 0 ? 1.0 : f < 0 ? -1.0 : f, (x[0].i > 0) - (x[0].i < 0)};
}

RefScalar NotOp::evaluateScalar(Scalars x) { return {0, !x[0].i}; }
RefScalar ExpOp::evaluateScalar(Scalars x) { return {std::exp(x[0].f), 0}; }
RefScalar Expm1Op::evaluateScalar(Scalars x) { return {std::expm1(x[0].f), 0}; }
RefScalar LogOp::evaluateScalar(Scalars x) { return {std::log(x[0].f), 0}; }
RefScalar Log1pOp::evaluateScalar(Scalars x) { return {std::log1p(x[0].f), 0}; }
RefScalar SqrtOp::evaluateScalar(Scalars x) { return {std::sqrt(x[0].f), 0}; }
RefScalar RsqrtOp::evaluateScalar(Scalars x) { return {1 / std::sqrt(x[0].f), 0}; }
RefScalar SinOp::evaluateScalar(Scalars x) { return {std::sin(x[0].f), 0}; }
RefScalar CosOp::evaluateScalar(Scalars x) { return {std::cos(x[0].f), 0}; }
RefScalar TanOp::evaluateScalar(Scalars x) { return {std::tan(x[0].f), 0}; }
RefScalar TanhOp::evaluateScalar(Scalars x) { return {std::tanh(x[0].f), 0}; }
RefScalar ErfOp::evaluateScalar(Scalars x) { return {std::erf(x[0].f), 0}; }
RefScalar FloorOp::evaluateScalar(Scalars x) { return {std::floor(x[0].f), 0}; }
RefScalar CeilOp::evaluateScalar(Scalars x) { return {std::ceil(x[0].f), 0}; }
// The rounding mode of a process is to nearest, halves to even.
RefScalar RoundOp::evaluateScalar(Scalars x) { return {std::nearbyint(x[0].f), 0}; }

//===----------------------------------------------------------------------===//
// Of two operands
//===----------------------------------------------------------------------===//

RefScalar AddOp::evaluateScalar(Scalars x) {
  return {x[0].f + x[1].f, static_cast<int64_t>(bits(x[0].i) + bits(x[1].i))};
}

RefScalar SubOp::evaluateScalar(Scalars x) {
  return {x[0].f - x[1].f, static_cast<int64_t>(bits(x[0].i) - bits(x[1].i))};
}

RefScalar MulOp::evaluateScalar(Scalars x) {
  return {x[0].f * x[1].f, static_cast<int64_t>(bits(x[0].i) * bits(x[1].i))};
}

static int64_t floorDivide(int64_t x, int64_t y) {
  if (y == 0)
    return 0;
  if (y == -1) // the least integer has no negative
    return static_cast<int64_t>(0 - bits(x));
  int64_t quotient = x / y;
  return quotient - (x % y != 0 && (x < 0) != (y < 0));
}

RefScalar DivOp::evaluateScalar(Scalars x) {
  return {x[0].f / x[1].f, floorDivide(x[0].i, x[1].i)};
}

/// As x - floor(x / y) * y without its rounding: exact, of the sign of y.
static double floorRemainder(double x, double y) {
  double remainder = std::fmod(x, y);
  if (remainder == 0)
    return std::copysign(0.0, y);
  return (remainder < 0) != (y < 0) ? remainder + y : remainder;
}

RefScalar RemOp::evaluateScalar(Scalars x) {
  int64_t a = x[0].i, b = x[1].i;
  int64_t remainder =
      b == 0 ? 0 : static_cast<int64_t>(bits(a) - bits(floorDivide(a, b)) * bits(b));
  return {floorRemainder(x[0].f, x[1].f), remainder};
}

static int64_t power(int64_t base, int64_t exponent) {
  if (exponent < 0)
    return base == 1 ? 1 : base == -1 ? (exponent % 2 ? -1 : 1) : 0;
  uint64_t result = 1, square = bits(base);
  for (; exponent; exponent >>= 1, square *= square)
    if (exponent & 1)
      result *= square;
  return static_cast<int64_t>(result);
}

RefScalar PowOp::evaluateScalar(Scalars x) {
  return {std::pow(x[0].f, x[1].f), power(x[0].i, x[1].i)};
}

RefScalar MaxOp::evaluateScalar(Scalars x) {
  return {refMaximum(x[0].f, x[1].f), std::max(x[0].i, x[1].i)};
}

RefScalar MinOp::evaluateScalar(Scalars x) {
  return {-refMaximum(-x[0].f, -x[1].f), std::min(x[0].i, x[1].i)};
}

RefScalar AndOp::evaluateScalar(Scalars x) { return {0, x[0].i & x[1].i}; }
RefScalar OrOp::evaluateScalar(Scalars x) { return {0, x[0].i | x[1].i}; }

//===----------------------------------------------------------------------===//
// The rest
//===----------------------------------------------------------------------===//

template <typename T> static bool holds(Predicate predicate, T a, T b) {
  switch (predicate) {
  case Predicate::eq:
    return a == b;
  case Predicate::ne:
    return a != b;
  case Predicate::lt:
    return a < b;
  case Predicate::le:
    return a <= b;
  case Predicate::gt:
    return a > b;
  case Predicate::ge:
    return a >= b;
  }
  return false;
}

RefScalar CompareOp::evaluateScalar(Scalars x) {
  bool result = isFloat(getLhs()) ? holds(getPredicate(), x[0].f, x[1].f)
                                  : holds(getPredicate(), x[0].i, x[1].i);
  return {0, result};
}

RefScalar SelectOp::evaluateScalar(Scalars x) { return x[0].i ? x[1] : x[2]; }

static int64_t saturate(double value, RefElement to) {
  auto [least, greatest] = integerRange(to);
  if (std::isnan(value))
    return 0;
  // Both bounds are exact, or round to a power of two just above the greatest.
  if (value >= static_cast<double>(greatest))
    return greatest;
  if (value <= static_cast<double>(least))
    return least;
  return static_cast<int64_t>(value);
}

/// An i64 on its way to f32. Two roundings would differ from one where the f64
/// lies halfway between two f32: there it is moved by its last bit.
static double toFloat(int64_t value) {
  double nearest = static_cast<double>(value);
  if (static_cast<double>(static_cast<float>(value)) ==
      static_cast<double>(static_cast<float>(nearest)))
    return nearest;
  return std::nextafter(nearest, static_cast<double>(static_cast<float>(value)));
}

RefScalar CastOp::evaluateScalar(Scalars x) {
  RefElement to = refElement(elementType(getResult()));
  bool fromFloat = isFloat(getOperand());
  switch (to) {
  case RefElement::F64:
    return {fromFloat ? x[0].f : static_cast<double>(x[0].i), 0};
  case RefElement::F32:
    return {fromFloat ? x[0].f : toFloat(x[0].i), 0};
  case RefElement::F16:
  case RefElement::BF16:
    return {fromFloat ? x[0].f : sticky(x[0].i), 0};
  case RefElement::Bool:
    return {0, fromFloat ? x[0].f != 0 : x[0].i != 0};
  case RefElement::I8:
  case RefElement::U8:
  case RefElement::I32:
  case RefElement::I64:
    return {0, fromFloat ? saturate(x[0].f, to) : x[0].i};
  }
  return {};
}
