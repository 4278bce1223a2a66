//===- ExpandMathInverse.cpp - Inverse functions of f32 ----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Polynomials as in ExpandMathF32.cpp.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Math/IR/Math.h"
#include "passes/Transforms/ExpandMathParts.h"

using namespace mlir;

namespace mad::f32 {

constexpr float halfPi = 1.57079637f, halfPiLow = -4.37113883e-8f;

//===----------------------------------------------------------------------===//
// Angles
//===----------------------------------------------------------------------===//

/// atan(t) for |t| <= tan(pi / 8).
static Value atanReduced(F32Builder &m, Value t) {
  Value z = m.mul(t, t);
  Value p =
      m.polynomial(z, {-0.333333164f, 0.199985325f, -0.142445117f, 0.106001884f, -0.0609279387f});
  return m.fma(m.mul(t, z), p, t);
}

static constexpr float tanPi8 = 0.414213562f, tan3Pi8 = 2.41421356f;

/// atan(a) = pi/4 + atan((a - 1) / (a + 1)) = pi/2 - atan(1 / a).
Value atan(F32Builder &m, Value x) {
  Value a = m.abs(x), one = m.number(1.0f);
  Value above = m.less(m.number(tanPi8), a), far = m.less(m.number(tan3Pi8), a);
  auto choose = [&](Value near, Value middle, Value large) {
    return m.select(far, large, m.select(above, middle, near));
  };
  Value numerator = choose(a, m.sub(a, one), m.number(-1.0f));
  Value denominator = choose(one, m.add(a, one), a);
  Value y = atanReduced(m, m.div(numerator, denominator));
  Value zero = m.number(0.0f);
  Value high = choose(zero, m.number(halfPi / 2), m.number(halfPi));
  Value low = choose(zero, m.number(halfPiLow / 2), m.number(halfPiLow));
  y = m.withSign(m.add(high, m.add(y, low)), x);
  return m.select(m.isNan(x), x, y);
}

/// asin(w) for the w of the reduction below: w + w z P(z).
static Value asinReduced(F32Builder &m, Value w, Value z) {
  Value p = m.polynomial(
      z, {0.166666597f, 0.075005196f, 0.0445142128f, 0.0318290666f, 0.0143628241f, 0.0376169384f});
  return m.fma(m.mul(w, z), p, w);
}

struct AsinParts {
  Value isLarge; ///< |x| > 1/2
  Value y;       ///< asin(|x|), or asin(sqrt((1 - |x|) / 2)) where it is large
};

static AsinParts asinParts(F32Builder &m, Value x) {
  Value a = m.abs(x), half = m.number(0.5f);
  Value isLarge = m.less(half, a);
  // 1 - a is exact there, and negative where the result is NaN.
  Value z = m.select(isLarge, m.mul(m.sub(m.number(1.0f), a), half), m.mul(a, a));
  Value w = m.select(isLarge, f32::sqrt(m, z), a);
  return {isLarge, asinReduced(m, w, z)};
}

/// asin(a) = pi/2 - 2 asin(sqrt((1 - a) / 2)).
Value asin(F32Builder &m, Value x) {
  AsinParts parts = asinParts(m, x);
  Value large = m.add(m.number(halfPi), m.fma(parts.y, m.number(-2.0f), m.number(halfPiLow)));
  Value y = m.withSign(m.select(parts.isLarge, large, parts.y), x);
  return m.select(m.isNan(x), x, y);
}

Value acos(F32Builder &m, Value x) {
  AsinParts parts = asinParts(m, x);
  Value zero = m.number(0.0f), isNegative = m.less(x, zero);
  Value twice = m.add(parts.y, parts.y);
  Value left = m.add(m.number(2 * halfPi), m.sub(m.number(2 * halfPiLow), twice));
  Value signedY = m.select(isNegative, parts.y, m.sub(zero, parts.y));
  Value middle = m.add(m.number(halfPi), m.add(m.number(halfPiLow), signedY));
  Value y = m.select(parts.isLarge, m.select(isNegative, left, twice), middle);
  return m.select(m.isNan(x), x, y);
}

//===----------------------------------------------------------------------===//
// Areas
//===----------------------------------------------------------------------===//

/// From here on asinh and acosh are log(2 x) to f32.
static constexpr float areaLimit = 8192.0f;

/// log(2 x).
static Value logOfTwice(F32Builder &m, Value x) {
  Split split = splitExponent(m, x);
  Value e = m.fromInt(m.addBits(split.exponent, m.bits(1)));
  return logSpecial(m, x, 0.0f, logReduced(m, split.f, e));
}

/// log(a + sqrt(a^2 + 1)) = log1p(a + a^2 / (1 + sqrt(a^2 + 1))).
Value asinh(F32Builder &m, Value x) {
  Value a = m.abs(x), one = m.number(1.0f);
  Value inside = m.min(a, m.number(areaLimit)), square = m.mul(inside, inside);
  Value root = f32::sqrt(m, m.add(square, one));
  Value small = log1p(m, m.add(inside, m.div(square, m.add(one, root))));
  return oddFunction(m, x, a, areaLimit, small, logOfTwice(m, a));
}

/// With t = x - 1, which is exact: log1p(t + sqrt(2 t + t^2)).
Value acosh(F32Builder &m, Value x) {
  Value one = m.number(1.0f), t = m.sub(m.min(x, m.number(areaLimit)), one);
  Value root = f32::sqrt(m, m.fma(t, t, m.add(t, t)));
  Value small = log1p(m, m.add(t, root));
  Value y = m.select(m.less(x, m.number(areaLimit)), small, logOfTwice(m, x));
  y = m.select(m.less(x, one), m.number(nan_), y);
  return m.select(m.isNan(x), x, y);
}

/// log1p(2 a / (1 - a)) / 2; the argument is below -1 for a > 1.
Value atanh(F32Builder &m, Value x) {
  Value a = m.abs(x);
  Value t = m.div(m.add(a, a), m.sub(m.number(1.0f), a));
  Value y = m.withSign(m.mul(log1p(m, t), m.number(0.5f)), x);
  return m.select(m.isNan(x), x, y);
}

} // namespace mad::f32

namespace mad {

/// With k * pi/4 as the nearest of the axes and diagonals, and the rest of the angle
/// from a quotient of magnitude tan(pi / 8) at most.
Value expandAtan2F32(F32Builder &m, Value y, Value x) {
  Value zero = m.number(0.0f), one = m.number(1.0f);
  Value up = m.abs(y), along = m.abs(x);
  Value isSteep = m.less(along, up);
  Value large = m.select(isSteep, up, along), small = m.select(isSteep, along, up);
  // Of two infinities the angle is that of a diagonal.
  Value infinite = m.equal(small, m.number(f32::infinity));
  large = m.select(infinite, one, large);
  small = m.select(infinite, one, small);
  // So that the sum does not overflow. What this makes denormal counts for nothing.
  Value factor = m.select(m.less(large, m.number(0x1p125f)), one, m.number(0.25f));
  large = m.mul(large, factor);
  small = m.mul(small, factor);
  Value isDiagonal = m.less(m.mul(large, m.number(f32::tanPi8)), small);
  Value numerator = m.select(isDiagonal, m.sub(small, large), small);
  Value denominator = m.select(isDiagonal, m.add(small, large), large);
  denominator = m.select(m.equal(denominator, zero), one, denominator);
  Value rest = f32::atanReduced(m, m.div(numerator, denominator));
  Value eighths = m.select(isDiagonal, one, zero);
  auto mirror = [&](Value condition, float around) {
    eighths = m.select(condition, m.sub(m.number(around), eighths), eighths);
    rest = m.select(condition, m.sub(zero, rest), rest);
  };
  mirror(isSteep, 2.0f);
  Value isLeft = m.lessBits(m.asBits(x), m.bits(0)); // -0, too
  mirror(isLeft, 4.0f);
  // pi / 4 in two parts, the first of 8 bits: its multiples are exact.
  Value low = m.fma(eighths, m.number(2.41913397e-4f), rest);
  Value angle = m.fma(eighths, m.number(0.78515625f), low);
  Value result = m.withSign(angle, y);
  return m.select(m.isNan(x), x, m.select(m.isNan(y), y, result));
}

} // namespace mad
