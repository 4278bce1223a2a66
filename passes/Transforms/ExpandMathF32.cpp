//===- ExpandMathF32.cpp - Functions of f32 in arithmetic -------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Polynomials are minimax fits of the relative error of the whole function, their
// coefficients rounded to f32 one after another with the others fitted again.
// Errors in units of the last place are tested in test/unit/Transforms and listed
// in docs/performance/functions.md.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Math/IR/Math.h"
#include "passes/Transforms/ExpandMathLanes.h"
#include "passes/Transforms/ExpandMathParts.h"
#include "llvm/ADT/StringSwitch.h"
#include <cmath>

using namespace mlir;

namespace mad::f32 {

/// 1.5 * 2^23: adding it rounds to an integer, which then is in the lowest bits.
static constexpr float magic = 12582912.0f;
static constexpr int32_t magicBits = 0x4B400000;
/// Above it exp overflows.
static constexpr float expHigh = 88.7228394f;

Rounded roundProduct(F32Builder &m, Value x, float factor) {
  Value t = m.fma(x, m.number(factor), m.number(magic));
  return {m.sub(t, m.number(magic)), m.subBits(m.asBits(t), m.bits(magicBits))};
}

Value reduceByLn2(F32Builder &m, Value x, Value n) {
  Value r = m.fma(n, m.number(-ln2High), x);
  return m.fma(n, m.number(-ln2Low), r);
}

Value scale(F32Builder &m, Value x, Value n) {
  Value half = m.shiftRight(n, 1);
  Value y = m.mul(x, m.powerOfTwo(half));
  return m.mul(y, m.powerOfTwo(m.subBits(n, half)));
}

Value expReduced(F32Builder &m, Value r) {
  return m.polynomial(
      r, {1.0f, 1.0f, 0.49999994f, 0.16666521f, 0.04166829f, 0.0083687157f, 0.0013818695f});
}

/// e^x where it is a normal number.
static Value expInside(F32Builder &m, Value x) {
  Rounded n = roundProduct(m, x, log2e);
  return m.mul(expReduced(m, reduceByLn2(m, x, n.number)), m.powerOfTwo(n.bits));
}

/// `y`, but +inf above `limit` and NaN for NaN.
static Value overflow(F32Builder &m, Value x, float limit, Value y) {
  Value above = arith::CmpFOp::create(m.b, arith::CmpFPredicate::UGT, x, m.number(limit));
  return m.select(above, m.add(x, m.number(infinity)), y);
}

static Value expandExp(F32Builder &m, Value x) {
  if (m.isFused())
    return expByTable(m, x);
  Value inside = m.max(m.min(x, m.number(expHigh)), m.number(-104.5f));
  Rounded n = roundProduct(m, inside, log2e);
  Value p = expReduced(m, reduceByLn2(m, inside, n.number));
  return overflow(m, x, expHigh, scale(m, p, n.bits));
}

static Value expandExp2(F32Builder &m, Value x) {
  constexpr float high = 127.99999f; // the number below 128
  Value inside = m.max(m.min(x, m.number(high)), m.number(-151.0f));
  Rounded n = roundProduct(m, inside, 1.0f);
  Value p = m.polynomial(m.sub(inside, n.number), {1.0f, 0.69314718f, 0.24022648f, 0.055503596f,
                                                   0.009618502f, 0.0013390993f, 0.00015328149f});
  return overflow(m, x, high, scale(m, p, n.bits));
}

/// e^x - 1 = 2^n (q + (1 - 2^-n)), q = e^r - 1.
static Value expandExpm1(F32Builder &m, Value x) {
  Value inside = m.max(m.min(x, m.number(expHigh)), m.number(-20.0f));
  Rounded n = roundProduct(m, inside, log2e);
  Value r = reduceByLn2(m, inside, n.number);
  Value p = m.polynomial(
      r, {0.5f, 0.16666666f, 0.041666493f, 0.0083335433f, 0.0013932380f, 0.00019764387f});
  Value q = m.fma(m.mul(r, r), p, r);
  // 2^-n is lost beside 1 long before it is denormal.
  Value limit = m.bits(30);
  Value small = m.select(m.lessBits(n.bits, limit), n.bits, limit);
  Value rest = m.sub(m.number(1.0f), m.powerOfTwo(m.subBits(m.bits(0), small)));
  Value y = scale(m, m.add(q, rest), n.bits);
  y = overflow(m, x, expHigh, y);
  return m.select(m.equal(x, m.number(0.0f)), x, y); // -0
}

//===----------------------------------------------------------------------===//
// Logarithms
//===----------------------------------------------------------------------===//

/// f^3 P(f), of log(1 + f) = f - f^2 / 2 + f^3 P(f).
static Value logCubic(F32Builder &m, Value f, Value square) {
  Value p = m.polynomial(f, {0.33333313f, -0.25000009f, 0.20002072f, -0.16667988f, 0.1422036f,
                             -0.1240624f, 0.11883539f, -0.11670019f, 0.06749177f});
  return m.mul(m.mul(f, square), p);
}

Value logRest(F32Builder &m, Value f) {
  Value square = m.mul(f, f);
  return m.fma(square, m.number(-0.5f), logCubic(m, f, square));
}

Value logReduced(F32Builder &m, Value f, Value e) {
  Value square = m.mul(f, f);
  Value y = m.fma(e, m.number(ln2Low), logCubic(m, f, square));
  y = m.fma(square, m.number(-0.5f), y);
  return m.fma(e, m.number(ln2High), m.add(f, y));
}

/// The exponent of x, such that x / 2^e is in [sqrt(1/2), sqrt(2)).
static Value exponent(F32Builder &m, Value bits) {
  return m.shiftRight(m.subBits(bits, m.bits(0x3F3504F3)), 23);
}

Value logSpecial(F32Builder &m, Value x, float pole, Value y) {
  y = m.select(m.less(x, m.number(infinity)), y, x);
  y = m.select(m.equal(x, m.number(pole)), m.number(-infinity), y);
  return m.select(m.less(x, m.number(pole)), m.number(nan_), y);
}

Split splitExponent(F32Builder &m, Value x) {
  Value denormal = m.less(x, m.number(0x1p-126f));
  Value normal = m.select(denormal, m.mul(x, m.number(0x1p23f)), x);
  Value bits = m.asBits(normal), e = exponent(m, bits);
  Value f = m.sub(m.asNumber(m.subBits(bits, m.shiftLeft(e, 23))), m.number(1.0f));
  return {f, m.addBits(e, m.select(denormal, m.bits(-23), m.bits(0)))};
}

static Value expandLog(F32Builder &m, Value x) {
  Split split = splitExponent(m, x);
  return logSpecial(m, x, 0.0f, logReduced(m, split.f, m.fromInt(split.exponent)));
}

/// With u = 1 + x rounded and c what was lost: 1 + f = (u + c) / 2^e.
Value log1p(F32Builder &m, Value x) {
  Value one = m.number(1.0f), u = m.add(one, x), v = m.sub(u, x);
  Value c = m.add(m.sub(x, m.sub(u, v)), m.sub(one, v));
  Value bits = m.asBits(u), e = exponent(m, bits);
  Value mantissa = m.asNumber(m.subBits(bits, m.shiftLeft(e, 23)));
  Value f = m.sub(mantissa, one);
  // From 2^25 on c is nothing beside u, and 2^-e may be no normal number.
  Value corrected = m.fma(c, m.powerOfTwo(m.subBits(m.bits(0), e)), f);
  f = m.select(m.less(x, m.number(0x1p25f)), corrected, f);
  Value y = logSpecial(m, x, -1.0f, logReduced(m, f, m.fromInt(e)));
  return m.select(m.equal(x, m.number(0.0f)), x, y); // -0
}

//===----------------------------------------------------------------------===//
// tanh, erf
//===----------------------------------------------------------------------===//

Value oddFunction(F32Builder &m, Value x, Value a, float limit, Value small, Value large) {
  Value y = m.select(m.less(a, m.number(limit)), small, large);
  return m.select(m.isNan(x), x, m.withSign(y, x));
}

static Value expandTanh(F32Builder &m, Value x) {
  if (m.isFused())
    return tanhByTable(m, x);
  Value a = m.abs(x), z = m.mul(a, a);
  Value p = m.polynomial(z, {-0.3333328f, 0.13331406f, -0.053736515f, 0.020628167f, -0.005692296f});
  Value small = m.fma(m.mul(a, z), p, a);
  Value inside = m.min(a, m.number(10.0f)), one = m.number(1.0f);
  Value e = expInside(m, m.add(inside, inside));
  Value large = m.sub(one, m.div(m.number(2.0f), m.add(e, one)));
  return oddFunction(m, x, a, 0.625f, small, large);
}

/// From 0.92 on as 1 - e^(-a - a G(a)).
Value erf(F32Builder &m, Value x) {
  if (m.isFused())
    return erfByTable(m, x);
  Value a = m.abs(x), z = m.mul(a, a);
  Value p = m.polynomial(z, {0.12837917f, -0.3761263f, 0.11283624f, -0.0268556f, 0.005192007f,
                             -0.00080446747f, 7.973243e-5f});
  Value small = m.fma(a, p, a);
  Value inside = m.min(a, m.number(4.0f));
  Value g = m.polynomial(inside, {0.12855268f, 0.635621f, 0.10527091f, -0.022682725f, 0.0029354244f,
                                  -5.148048e-5f, -4.5211716e-5f, 4.908044e-6f});
  Value exponent = m.fma(inside, g, inside);
  Value e = expInside(m, m.sub(m.number(0.0f), exponent));
  return oddFunction(m, x, a, 0.921875f, small, m.sub(m.number(1.0f), e));
}

//===----------------------------------------------------------------------===//
// Trigonometry
//===----------------------------------------------------------------------===//

/// Reduction by multiples of pi / 2 keeps full precision up to here.
static constexpr float trigLimit = 8192.0f;

struct Quadrant {
  Value number;       ///< of |x| modulo 4 in its low bits
  Value sine, cosine; ///< of the rest, in [-pi/4, pi/4]
};

static Quadrant reduceQuadrant(F32Builder &m, Value a) {
  // pi / 2 in parts. Without a fused multiply-add the products must be exact.
  static constexpr float fusedParts[] = {1.57079637f, -4.37113883e-8f, -1.71512451e-15f};
  static constexpr float shortParts[] = {1.5703125f, 0.000483751297f, 7.54953362e-8f,
                                         2.56334407e-12f};
  Rounded n = roundProduct(m, a, 0.636619772f);
  Value r = a;
  for (float part : m.isFused() ? ArrayRef(fusedParts) : ArrayRef(shortParts))
    r = m.fma(n.number, m.number(-part), r);
  Value z = m.mul(r, r);
  Value s = m.polynomial(z, {-0.16666655f, 0.008332188f, -0.00019518095f});
  Value c = m.polynomial(z, {0.041666646f, -0.0013887309f, 2.4432327e-5f});
  Value sine = m.fma(m.mul(r, z), s, r);
  Value cosine = m.fma(m.mul(z, z), c, m.fma(z, m.number(-0.5f), m.number(1.0f)));
  return {n.bits, sine, cosine};
}

/// `y`, but where |x| is large the function itself.
template <typename Op> static Value unlessLarge(F32Builder &m, Value x, Value a, Value y) {
  Value large = arith::CmpFOp::create(m.b, arith::CmpFPredicate::OGT, a, m.number(trigLimit));
  return mad::unlessLarge<Op>(m, x, large, y);
}

static Value expandSin(F32Builder &m, Value x) {
  Value a = m.abs(x);
  Quadrant q = reduceQuadrant(m, a);
  Value y = m.select(m.isOdd(q.number), q.cosine, q.sine);
  y = m.withSign(m.negatedByBit1(y, q.number), x);
  return unlessLarge<math::SinOp>(m, x, a, y);
}

static Value expandCos(F32Builder &m, Value x) {
  Value a = m.abs(x);
  Quadrant q = reduceQuadrant(m, a);
  Value y = m.select(m.isOdd(q.number), q.sine, q.cosine);
  y = m.negatedByBit1(y, m.addBits(q.number, m.bits(1)));
  return unlessLarge<math::CosOp>(m, x, a, y);
}

static Value expandTan(F32Builder &m, Value x) {
  Value a = m.abs(x);
  Quadrant q = reduceQuadrant(m, a);
  Value odd = m.isOdd(q.number);
  Value above = m.select(odd, m.sub(m.number(0.0f), q.cosine), q.sine);
  Value y = m.div(above, m.select(odd, q.sine, q.cosine));
  return unlessLarge<math::TanOp>(m, x, a, m.withSign(y, x));
}

Value sqrt(F32Builder &m, Value x) { return math::SqrtOp::create(m.b, x); }

} // namespace mad::f32

namespace mad {

Value expandF32(F32Builder &m, StringRef name, Value x) {
  using namespace f32;
  using Expansion = Value (*)(F32Builder &, Value);
  Expansion expansion = llvm::StringSwitch<Expansion>(name)
                            .Case("acos", acos)
                            .Case("acosh", acosh)
                            .Case("asin", asin)
                            .Case("asinh", asinh)
                            .Case("atan", atan)
                            .Case("atanh", atanh)
                            .Case("cbrt", cbrt)
                            .Case("cos", expandCos)
                            .Case("cosh", cosh)
                            .Case("erf", erf)
                            .Case("erfc", erfc)
                            .Case("exp", expandExp)
                            .Case("exp2", expandExp2)
                            .Case("expm1", expandExpm1)
                            .Case("log", expandLog)
                            .Case("log10", log10)
                            .Case("log1p", log1p)
                            .Case("log2", log2)
                            .Case("sin", expandSin)
                            .Case("sinh", sinh)
                            .Case("tan", expandTan)
                            .Case("tanh", expandTanh)
                            .Default(nullptr);
  return expansion ? expansion(m, x) : Value();
}

} // namespace mad
