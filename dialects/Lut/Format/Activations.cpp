//===- Activations.cpp - Rows of integers, and their products ---------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Lut/Format/Activations.h"
#include "dialects/Lut/Format/Codec.h"
#include <algorithm>
#include <cmath>
#include <cstring>

namespace mad::lut {

bool hasIntegers(const Format &format) {
  return format.family == Family::Int || format.family == Family::Ternary;
}

int integerOf(const Format &format, int code, int zero) {
  if (format.affine)
    return code - zero;
  if (format.family == Family::Ternary)
    return code - 1;
  return format.bits == 1 ? 2 * code - 1 : code - (1 << (format.bits - 1));
}

float quantizeRow(const float *x, int64_t k, int8_t *codes) {
  float most = 0;
  for (int64_t i = 0; i < k; ++i)
    if (std::isnan(x[i]) || std::fabs(x[i]) > most)
      most = std::isnan(most) ? most : std::fabs(x[i]);
  float scale = most / 127;
  for (int64_t i = 0; i < k; ++i) {
    bool none = scale == 0 || !std::isfinite(scale);
    // Only a scale that is hardly more than nothing is so far off that it must be clamped.
    codes[i] = none ? 0 : int8_t(std::clamp(std::nearbyint(x[i] / scale), -127.f, 127.f));
  }
  return scale;
}

static float scaleOf(const Format &format, const void *scales, int64_t at) {
  if (!format.half)
    return static_cast<const float *>(scales)[at];
  uint16_t half;
  memcpy(&half, static_cast<const char *>(scales) + 2 * at, 2);
  return floatOf(half);
}

void integerProduct(const Format &format, const std::vector<const void *> &parts, const int8_t *q,
                    const float *s, int64_t t, int64_t k, int64_t m, float *y) {
  std::vector<uint8_t> codes(k * m);
  codesOf(format, parts, k, m, codes.data());
  const int64_t length = format.groupLength(k);
  for (int64_t row = 0; row < t; ++row)
    for (int64_t column = 0; column < m; ++column) {
      float acc = 0;
      for (int64_t from = 0; from < k;) {
        int64_t group = from / length;
        int64_t to = std::min({from + exactSteps, (group + 1) * length, k});
        int64_t at = format.group == Format::wholeTensor ? 0 : group * m + column;
        int zero = format.affine ? static_cast<const uint8_t *>(parts[2])[at] : 0;
        int32_t sum = 0;
        for (; from < to; ++from)
          sum += q[row * k + from] * integerOf(format, codes[from * m + column], zero);
        // Each of them rounds: in f64 the product is exact, so that no compiler may fuse them.
        float product = float(double(float(sum)) * double(scaleOf(format, parts[1], at)));
        acc = acc + product;
      }
      y[row * m + column] = acc * s[row];
    }
}

} // namespace mad::lut
