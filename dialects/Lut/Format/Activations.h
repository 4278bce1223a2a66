//===- Activations.h - Rows of integers, and their products -----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The definition of products with quantised activations, one element after the other: what
// `lut.quantize_act` and `lut.gemm` compute, and what every kernel must give, bit for bit.
// Formulas: dialects/Lut/README.md.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_LUT_FORMAT_ACTIVATIONS_H
#define MAD_DIALECTS_LUT_FORMAT_ACTIVATIONS_H

#include "dialects/Lut/Format/Format.h"

namespace mad::lut {

/// Elements of a group whose products with codes are summed as int32 at a time:
/// 65536 * 127 * 255 < 2^31.
constexpr int64_t exactSteps = 65536;

/// Whether a weight is a scale times an integer: `int` and `ternary`.
bool hasIntegers(const Format &format);

/// The integer that a code stands for; `zero` counts where the format is affine.
int integerOf(const Format &format, int code, int zero);

/// A row of k elements: codes from -127 to 127, and the scale.
float quantizeRow(const float *x, int64_t k, int8_t *codes);

/// `y` [t, m] of rows `q` [t, k] with scales `s` [t], and a matrix [k, m] in its parts.
void integerProduct(const Format &format, const std::vector<const void *> &parts, const int8_t *q,
                    const float *s, int64_t t, int64_t k, int64_t m, float *y);

} // namespace mad::lut

#endif // MAD_DIALECTS_LUT_FORMAT_ACTIVATIONS_H
