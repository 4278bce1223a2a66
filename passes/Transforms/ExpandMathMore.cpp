//===- ExpandMathMore.cpp - Further functions of f32 -------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Polynomials as in ExpandMathF32.cpp.
//
//===----------------------------------------------------------------------===//
#include "passes/Transforms/ExpandMathParts.h"

using namespace mlir;

namespace mad::f32 {

//===----------------------------------------------------------------------===//
// Logarithms to other bases
//===----------------------------------------------------------------------===//

/// e * unit + log(1 + f) * factor, both constants in two parts.
static Value scaledLog(F32Builder &m, Value x, float factor, float factorLow, float unit,
                       float unitLow) {
  Split split = splitExponent(m, x);
  Value e = m.fromInt(split.exponent), f = split.f;
  Value y = m.fma(logRest(m, f), m.number(factor), m.mul(f, m.number(factorLow)));
  y = m.fma(e, m.number(unitLow), y);
  y = m.fma(f, m.number(factor), y);
  return logSpecial(m, x, 0.0f, m.fma(e, m.number(unit), y));
}

Value log2(F32Builder &m, Value x) {
  return scaledLog(m, x, 1.44269502f, 1.92596303e-8f, 1.0f, 0.0f);
}

Value log10(F32Builder &m, Value x) {
  // The first part of log10(2) has 12 bits.
  return scaledLog(m, x, 0.434294492f, -1.01030479e-8f, 0.301025391f, 4.60503907e-6f);
}

//===----------------------------------------------------------------------===//
// Hyperbolic functions
//===----------------------------------------------------------------------===//

/// e^a / 2 for a in [0, 90): beyond the range of e^a.
static Value halfExp(F32Builder &m, Value a) {
  Rounded n = roundProduct(m, a, log2e);
  Value p = expReduced(m, reduceByLn2(m, a, n.number));
  return scale(m, p, m.subBits(n.bits, m.bits(1)));
}

Value sinh(F32Builder &m, Value x) {
  Value a = m.abs(x), z = m.mul(a, a);
  Value p = m.polynomial(z, {0.166666672f, 0.00833331048f, 0.000198428956f, 2.78221319e-06f});
  Value small = m.fma(m.mul(a, z), p, a);
  Value h = halfExp(m, m.min(a, m.number(90.0f)));
  return oddFunction(m, x, a, 1.0f, small, m.sub(h, m.div(m.number(0.25f), h)));
}

Value cosh(F32Builder &m, Value x) {
  Value h = halfExp(m, m.min(m.abs(x), m.number(90.0f)));
  return m.select(m.isNan(x), x, m.add(h, m.div(m.number(0.25f), h)));
}

//===----------------------------------------------------------------------===//
// Cube root, erfc
//===----------------------------------------------------------------------===//

/// A third of the bits is a third of the exponent, roughly; then two steps of
/// Halley's iteration, the second as a correction.
Value cbrt(F32Builder &m, Value x) {
  Value a = m.abs(x), one = m.number(1.0f);
  // Numbers whose cubes are normal and finite.
  Value isTiny = m.less(a, m.number(0x1p-90f)), isHuge = m.less(m.number(0x1p90f), a);
  Value inside =
      m.mul(a, m.select(isTiny, m.number(0x1p60f), m.select(isHuge, m.number(0x1p-60f), one)));
  Value third = m.mul(m.fromInt(m.asBits(inside)), m.number(1.0f / 3));
  Value bits = arith::FPToSIOp::create(m.b, m.asBits(inside).getType(), third);
  Value y = m.asNumber(m.addBits(bits, m.bits(0x2A5137A0)));
  for (int step = 0; step < 2; ++step) {
    Value square = m.mul(y, y);
    Value excess = m.fma(square, y, m.sub(m.number(0.0f), inside));
    Value slope = m.fma(m.add(square, square), y, inside);
    y = m.sub(y, m.mul(y, m.div(excess, slope)));
  }
  y = m.mul(y, m.select(isTiny, m.number(0x1p-20f), m.select(isHuge, m.number(0x1p20f), one)));
  Value isOrdinary =
      arith::AndIOp::create(m.b, m.less(m.number(0.0f), a), m.less(a, m.number(infinity)));
  return m.select(isOrdinary, m.withSign(y, x), x);
}

/// From 1/2 on e^(-a^2) Q((a - 2) / (a + 2)) / (1 + 2 a), in the form of Shepherd and
/// Laframboise, "Chebyshev approximation of (1 + 2x) exp(x^2) erfc x", 1981.
Value erfc(F32Builder &m, Value x) {
  Value one = m.number(1.0f), two = m.number(2.0f);
  Value small = m.sub(one, f32::erf(m, x));
  Value a = m.min(m.max(x, m.number(0.5f)), m.number(10.2f));
  Value q = m.polynomial(m.div(m.sub(a, two), m.add(a, two)),
                         {1.27697837f, -0.0927638188f, -0.166030362f, 0.164049879f, -0.0542157963f,
                          -0.00801261049f, 0.00867528096f, 0.00116176007f, -0.00128458824f,
                          -0.000235295141f});
  q = m.div(q, m.fma(two, a, one));
  // The square in two parts: that of 12 bits is exact.
  Value high = m.asNumber(m.andBits(m.asBits(a), m.bits(-4096)));
  Value low = m.mul(m.sub(high, a), m.add(a, high));
  Value square = m.sub(m.number(0.0f), m.mul(high, high));
  Rounded n = roundProduct(m, m.add(square, low), log2e);
  Value p = expReduced(m, m.add(reduceByLn2(m, square, n.number), low));
  Value large = scale(m, m.mul(p, q), n.bits);
  return m.select(m.isNan(x), x, m.select(m.less(x, m.number(0.5f)), small, large));
}

} // namespace mad::f32
