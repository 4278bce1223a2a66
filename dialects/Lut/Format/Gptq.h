//===- Gptq.h - Rounding that knows what a weight is multiplied with --------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Frantar et al., "GPTQ: Accurate post-training quantization for generative
// pre-trained transformers", 2022. Runs when a model is compiled; formulas: dialects/Lut/README.md.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_LUT_FORMAT_GPTQ_H
#define MAD_DIALECTS_LUT_FORMAT_GPTQ_H

#include "dialects/Lut/Format/Format.h"

namespace mad::lut {

struct GptqOptions {
  /// Added to the diagonal of X^T X, as a part of its mean.
  double damp = 0.01;
  /// Rows with more energy come first. Scales are those of the weight as it was then.
  bool order = false;
  /// Scales are those with the least error, among ranges down to a third; else of the whole range.
  bool search = false;
};

/// Rounds `values`, a weight [B..., K, M], to numbers that `format` (an `Int`) holds exactly, so
/// that the products with activations X stay near: each matrix Q makes
/// tr((W - Q)^T X^T X (W - Q)) small. `gram` is X^T X, [B..., K, K]; its factor does not matter.
/// A row of W whose activations are all 0 becomes 0. On failure `error` says why: NaN, a matrix
/// that is no X^T X or is singular, or one of zeros.
bool gptq(const Format &format, const GptqOptions &options, const float *values,
          const std::vector<int64_t> &shape, const float *gram, float *rounded, std::string &error);

} // namespace mad::lut

#endif // MAD_DIALECTS_LUT_FORMAT_GPTQ_H
