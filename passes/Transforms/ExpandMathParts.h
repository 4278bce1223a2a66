//===- ExpandMathParts.h - Steps that functions of f32 share ----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_TRANSFORMS_EXPANDMATHPARTS_H
#define MAD_PASSES_TRANSFORMS_EXPANDMATHPARTS_H

#include "passes/Transforms/ExpandMathF32.h"
#include <limits>

namespace mad::f32 {

using mlir::Value;

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float nan_ = std::numeric_limits<float>::quiet_NaN();
constexpr float log2e = 1.44269502f;
/// ln 2 in two parts; products of the first with small integers are exact.
constexpr float ln2High = 0.693145752f, ln2Low = 1.42860677e-6f;

struct Rounded {
  Value number, bits;
};
/// x * factor to the nearest integer, of less than 22 bits.
Rounded roundProduct(F32Builder &m, Value x, float factor);
/// x - n * ln 2.
Value reduceByLn2(F32Builder &m, Value x, Value n);
/// x * 2^n where the result, but not 2^n, may be denormal or beyond range.
Value scale(F32Builder &m, Value x, Value n);
/// e^r for |r| <= ln 2 / 2.
Value expReduced(F32Builder &m, Value r);

/// x = 2^e (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)), for a positive number.
struct Split {
  Value f, exponent; ///< e as an integer
};
Split splitExponent(F32Builder &m, Value x);
/// log(1 + f) - f.
Value logRest(F32Builder &m, Value f);
/// log(1 + f) + e ln 2.
Value logReduced(F32Builder &m, Value f, Value e);
/// `y`, but x where it is +inf or NaN, -inf at `pole` and NaN below.
Value logSpecial(F32Builder &m, Value x, float pole, Value y);

/// The odd function that is `small` for |x| < limit, else `large`, at a = |x|.
Value oddFunction(F32Builder &m, Value x, Value a, float limit, Value small, Value large);

Value log1p(F32Builder &m, Value x);
Value erf(F32Builder &m, Value x);
Value sqrt(F32Builder &m, Value x);

// ExpandMathTables.cpp: with fused multiply-add and permutations only.
Value expByTable(F32Builder &m, Value x);
Value tanhByTable(F32Builder &m, Value x);
Value erfByTable(F32Builder &m, Value x);

// ExpandMathInverse.cpp
Value acos(F32Builder &m, Value x);
Value acosh(F32Builder &m, Value x);
Value asin(F32Builder &m, Value x);
Value asinh(F32Builder &m, Value x);
Value atan(F32Builder &m, Value x);
Value atanh(F32Builder &m, Value x);

// ExpandMathMore.cpp
Value cbrt(F32Builder &m, Value x);
Value cosh(F32Builder &m, Value x);
Value erfc(F32Builder &m, Value x);
Value log10(F32Builder &m, Value x);
Value log2(F32Builder &m, Value x);
Value sinh(F32Builder &m, Value x);

} // namespace mad::f32

#endif // MAD_PASSES_TRANSFORMS_EXPANDMATHPARTS_H
