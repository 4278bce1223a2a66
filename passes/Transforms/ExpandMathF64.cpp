//===- ExpandMathF64.cpp - Functions of f64 in arithmetic -------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Polynomials as in ExpandMathF32.cpp, fitted and rounded to f64. Errors in units of
// the last place are tested in test/unit/Transforms and listed in docs/performance/functions.md.
//
//===----------------------------------------------------------------------===//
#include "passes/Transforms/ExpandMathF64.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "passes/Transforms/ExpandMathLanes.h"
#include "llvm/ADT/StringSwitch.h"
#include <limits>

using namespace mlir;

namespace mad {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan_ = std::numeric_limits<double>::quiet_NaN();
/// Adding it rounds to an integer, which then is in the lowest bits.
constexpr double magic = 0x1.8p52;

//===----------------------------------------------------------------------===//
// Exponential functions
//===----------------------------------------------------------------------===//

constexpr double log2e = 1.4426950408889634;
/// ln 2 in two parts; products of the first, of 33 bits, with small integers are exact.
constexpr double ln2High = 0.6931471804855391, ln2Low = 7.440617110012397e-11;
/// Above it exp overflows.
constexpr double expHigh = 709.782712893384;

/// x * factor to the nearest integer, of less than 51 bits.
Value roundProduct(F64Builder &m, Value x, double factor) {
  return m.sub(m.fma(x, m.number(factor), m.number(magic)), m.number(magic));
}

Value reduceByLn2(F64Builder &m, Value x, Value n) {
  Value r = m.fma(n, m.number(-ln2High), x);
  return m.fma(n, m.number(-ln2Low), r);
}

/// e^r - 1 for |r| <= ln 2 / 2.
Value expm1Reduced(F64Builder &m, Value r) {
  Value p = m.polynomial(r, {0.5, 0.16666666666666674, 0.041666666666666685, 0.008333333333323254,
                             0.0013888888888872817, 0.00019841269882670651, 2.480158734999615e-05,
                             2.7557247178052652e-06, 2.7557251702645977e-07, 2.5108148496416106e-08,
                             2.09215703967582e-09});
  return m.fma(m.mul(r, r), p, r);
}

Value expReduced(F64Builder &m, Value r) { return m.add(m.number(1.0), expm1Reduced(m, r)); }

/// x * 2^n where the result, but not 2^n, may be denormal or beyond range.
Value scale(F64Builder &m, Value x, Value n) {
  Value half = roundProduct(m, n, 0.5);
  Value y = m.mul(x, m.powerOfTwo(half));
  return m.mul(y, m.powerOfTwo(m.sub(n, half)));
}

/// e^x where it is a normal number.
Value expInside(F64Builder &m, Value x) {
  Value n = roundProduct(m, x, log2e);
  return m.mul(expReduced(m, reduceByLn2(m, x, n)), m.powerOfTwo(n));
}

/// `y`, but +inf above `limit` and NaN for NaN.
Value overflow(F64Builder &m, Value x, double limit, Value y) {
  Value above = arith::CmpFOp::create(m.b, arith::CmpFPredicate::UGT, x, m.number(limit));
  return m.select(above, m.add(x, m.number(infinity)), y);
}

Value exp(F64Builder &m, Value x) {
  Value inside = m.max(m.min(x, m.number(expHigh)), m.number(-746.0));
  Value n = roundProduct(m, inside, log2e);
  return overflow(m, x, expHigh, scale(m, expReduced(m, reduceByLn2(m, inside, n)), n));
}

Value exp2(F64Builder &m, Value x) {
  constexpr double high = 0x1.fffffffffffffp9; // the number below 1024
  Value inside = m.max(m.min(x, m.number(high)), m.number(-1076.0));
  Value n = roundProduct(m, inside, 1.0);
  Value r = m.sub(inside, n);
  Value p = m.polynomial(r, {0.6931471805599453, 0.24022650695909997, 0.05550410866482318,
                             0.009618129107661, 0.0013333558146142134, 0.00015403530347666265,
                             1.5252734013875045e-05, 1.321551410961548e-06, 1.0178012078020055e-07,
                             7.047821376935315e-09, 4.459394282418897e-10, 3.201196570356045e-11});
  return overflow(m, x, high, scale(m, m.fma(r, p, m.number(1.0)), n));
}

/// e^x - 1 = 2^n (q + (1 - 2^-n)), q = e^r - 1.
Value expm1(F64Builder &m, Value x) {
  Value inside = m.max(m.min(x, m.number(expHigh)), m.number(-40.0));
  Value n = roundProduct(m, inside, log2e);
  Value q = expm1Reduced(m, reduceByLn2(m, inside, n));
  // 2^-n is lost beside 1 long before it is denormal.
  Value small = m.min(n, m.number(60.0));
  Value rest = m.sub(m.number(1.0), m.powerOfTwo(m.sub(m.number(0.0), small)));
  Value y = overflow(m, x, expHigh, scale(m, m.add(q, rest), n));
  return m.select(m.equal(x, m.number(0.0)), x, y); // -0
}

//===----------------------------------------------------------------------===//
// Logarithms
//===----------------------------------------------------------------------===//

/// x = 2^e (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)), for a normal number.
struct Split {
  Value f, e; ///< e as a number
};

Split split(F64Builder &m, Value x) {
  Value bits = m.asBits(x);
  constexpr int64_t one = 0x3FF0000000000000, root = 0x3FE6A09E667F3BCD;
  // e + 1023, and as the number 2^52 + e + 1023.
  Value biased = m.shiftRight(m.addBits(bits, m.bits(one - root)), 52);
  Value number = m.asNumber(m.orBits(biased, m.bits(0x4330000000000000)));
  Value mantissa = m.addBits(m.subBits(bits, m.shiftLeft(biased, 52)), m.bits(one));
  return {m.sub(m.asNumber(mantissa), m.number(1.0)), m.sub(number, m.number(0x1p52 + 1023))};
}

/// log(1 + f) + e ln 2. With s = f / (2 + f), of which log(1 + f) is 2 artanh(s), it is
/// f - f^2 / 2 + s (f^2 / 2 + R(s^2)): f, which has no error, is most of it.
Value logReduced(F64Builder &m, Value f, Value e) {
  Value s = m.div(f, m.add(f, m.number(2.0))), z = m.mul(s, s);
  Value p = m.polynomial(z, {0.666666666666671, 0.3999999999954198, 0.28571428718706326,
                             0.22222200696092995, 0.18183465273072322, 0.15316368527430005,
                             0.14774449368158585});
  Value half = m.mul(m.mul(f, f), m.number(0.5));
  Value rest = m.fma(e, m.number(ln2Low), m.mul(s, m.fma(z, p, half)));
  Value y = m.sub(f, m.sub(half, rest));
  return m.fma(e, m.number(ln2High), y);
}

/// `y`, but x where it is +inf or NaN, -inf at `pole` and NaN below.
Value logSpecial(F64Builder &m, Value x, double pole, Value y) {
  y = m.select(m.less(x, m.number(infinity)), y, x);
  y = m.select(m.equal(x, m.number(pole)), m.number(-infinity), y);
  return m.select(m.less(x, m.number(pole)), m.number(nan_), y);
}

Value log(F64Builder &m, Value x) {
  Value denormal = m.less(x, m.number(0x1p-1022));
  Split parts = split(m, m.select(denormal, m.mul(x, m.number(0x1p54)), x));
  Value e = m.sub(parts.e, m.select(denormal, m.number(54.0), m.number(0.0)));
  return logSpecial(m, x, 0.0, logReduced(m, parts.f, e));
}

/// With u = 1 + x rounded and c what was lost: 1 + f = (u + c) / 2^e.
Value log1p(F64Builder &m, Value x) {
  Value one = m.number(1.0), u = m.add(one, x), v = m.sub(u, x);
  Value c = m.add(m.sub(x, m.sub(u, v)), m.sub(one, v));
  Split parts = split(m, u);
  // From 2^54 on c is nothing beside u, and 2^-e may be no normal number.
  Value corrected = m.fma(c, m.powerOfTwo(m.sub(m.number(0.0), parts.e)), parts.f);
  Value f = m.select(m.less(x, m.number(0x1p54)), corrected, parts.f);
  Value y = logSpecial(m, x, -1.0, logReduced(m, f, parts.e));
  return m.select(m.equal(x, m.number(0.0)), x, y); // -0
}

//===----------------------------------------------------------------------===//
// tanh, erf
//===----------------------------------------------------------------------===//

/// The odd function that is `small` for |x| < limit, else `large`, at a = |x|.
Value oddFunction(F64Builder &m, Value x, Value a, double limit, Value small, Value large) {
  Value y = m.select(m.less(a, m.number(limit)), small, large);
  return m.select(m.isNan(x), x, m.withSign(y, x));
}

Value tanh(F64Builder &m, Value x) {
  Value a = m.abs(x), z = m.mul(a, a);
  Value p = m.polynomial(z, {-0.33333333333333326, 0.1333333333333122, -0.05396825396668731,
                             0.021869488482658763, -0.008863234497510471, 0.003592115571959711,
                             -0.0014557348231323357, 0.0005894854584324844, -0.00023709652873218513,
                             9.16945228017043e-05, -3.0313209298688704e-05, 6.093653504855739e-06});
  Value small = m.fma(m.mul(a, z), p, a);
  Value inside = m.min(a, m.number(22.0)), one = m.number(1.0);
  Value e = expInside(m, m.add(inside, inside));
  Value large = m.sub(one, m.div(m.number(2.0), m.add(e, one)));
  return oddFunction(m, x, a, 0.625, small, large);
}

/// From 0.92 on as 1 - e^(-a - a G(a)).
Value erf(F64Builder &m, Value x) {
  Value a = m.abs(x), z = m.mul(a, a);
  Value p =
      m.polynomial(z, {0.1283791670955126, -0.3761263890318408, 0.11283791670969555,
                       -0.026866170647596995, 0.005223977646946759, -0.0008548328105119052,
                       0.00012055366092651459, -1.4926268538944281e-05, 1.6468633172590857e-06,
                       -1.6391117132441444e-07, 1.460996750502889e-08, -9.670413002199405e-10});
  Value small = m.fma(a, p, a);
  Value inside = m.min(a, m.number(6.0));
  Value g = m.polynomial(
      inside, {0.12837920169985206, 0.6366193597122907, 0.10277491727457187, -0.019136561671931666,
               -0.00018923295855146046, 0.0016595920574252257, -0.0005381877735982917,
               -3.2399486379377894e-05, 0.00011689441090530385, -6.765446666593616e-05,
               2.538312664378961e-05, -7.121164417342505e-06, 1.5515531584015387e-06,
               -2.637103842992936e-07, 3.446358732899135e-08, -3.352522738677457e-09,
               2.2885146555901386e-10, -9.78380684833426e-12, 1.9709377254852207e-13});
  Value e = expInside(m, m.sub(m.number(0.0), m.fma(inside, g, inside)));
  return oddFunction(m, x, a, 0.921875, small, m.sub(m.number(1.0), e));
}

//===----------------------------------------------------------------------===//
// Trigonometry
//===----------------------------------------------------------------------===//

/// Reduction by multiples of pi / 2 keeps full precision up to here.
constexpr double trigLimit = 0x1p20;

struct Quadrant {
  Value number;       ///< of |x| modulo 4 in its low bits
  Value sine, cosine; ///< of the rest, in [-pi/4, pi/4]
};

Quadrant reduceQuadrant(F64Builder &m, Value a) {
  // pi / 2 in parts. Without a fused multiply-add the products must be exact: the first
  // three have 33 bits, n has 20. The rest is rounded once where parts cancel.
  static constexpr double fusedParts[] = {1.5707963267948966, 6.123233995736766e-17,
                                          -1.4973849048591698e-33};
  static constexpr double shortParts[] = {1.5707963267341256, 6.077100506303966e-11,
                                          2.0222662487111665e-21, 8.4784276603689e-32};
  Value t = m.fma(a, m.number(0.6366197723675814), m.number(magic));
  Value n = m.sub(t, m.number(magic)), r = a;
  for (double part : m.isFused() ? ArrayRef(fusedParts) : ArrayRef(shortParts))
    r = m.fma(n, m.number(-part), r);
  Value z = m.mul(r, r);
  Value s = m.polynomial(z, {-0.1666666666666664, 0.00833333333332399, -0.00019841269830812633,
                             2.75573139845151e-06, -2.505079788706576e-08, 1.5898844161333753e-10});
  Value c =
      m.polynomial(z, {0.04166666666666665, -0.001388888888888171, 2.4801587293671616e-05,
                       -2.7557315444205107e-07, 2.087585912657466e-09, -1.1366157565485607e-11});
  Value sine = m.fma(m.mul(r, z), s, r);
  Value cosine = m.fma(m.mul(z, z), c, m.fma(z, m.number(-0.5), m.number(1.0)));
  return {m.asBits(t), sine, cosine};
}

Value sin(F64Builder &m, Value x) {
  Value a = m.abs(x);
  Quadrant q = reduceQuadrant(m, a);
  Value y = m.select(m.isOdd(q.number), q.cosine, q.sine);
  y = m.withSign(m.negatedByBit1(y, q.number), x);
  return unlessLarge<math::SinOp>(m, x, m.less(m.number(trigLimit), a), y);
}

Value cos(F64Builder &m, Value x) {
  Value a = m.abs(x);
  Quadrant q = reduceQuadrant(m, a);
  Value y = m.select(m.isOdd(q.number), q.sine, q.cosine);
  y = m.negatedByBit1(y, m.addBits(q.number, m.bits(1)));
  return unlessLarge<math::CosOp>(m, x, m.less(m.number(trigLimit), a), y);
}

/// Without a fused multiply-add, two numbers at a time, libm is faster at these.
bool isLeftToLibm(StringRef name) {
  static constexpr StringRef names[] = {"erf", "exp", "exp2", "log", "log1p"};
  return llvm::is_contained(names, name);
}

} // namespace

Value expandF64(F64Builder &m, StringRef name, Value x) {
  if (!m.isFused() && isLeftToLibm(name))
    return {};
  using Expansion = Value (*)(F64Builder &, Value);
  Expansion expansion = llvm::StringSwitch<Expansion>(name)
                            .Case("cos", cos)
                            .Case("erf", erf)
                            .Case("exp", exp)
                            .Case("exp2", exp2)
                            .Case("expm1", expm1)
                            .Case("log", log)
                            .Case("log1p", log1p)
                            .Case("sin", sin)
                            .Case("tanh", tanh)
                            .Default(nullptr);
  return expansion ? expansion(m, x) : Value();
}

} // namespace mad
