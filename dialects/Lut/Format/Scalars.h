//===- Scalars.h - Views of matrices and parts that codecs share ------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_LUT_FORMAT_SCALARS_H
#define MAD_DIALECTS_LUT_FORMAT_SCALARS_H

#include "dialects/Lut/Format/Codec.h"
#include <algorithm>
#include <cmath>

namespace mad::lut {

/// One K x M matrix of a tensor on its way to codes.
struct Matrix {
  const float *values;
  int64_t k, m;
  uint8_t *codes; ///< [K, M], one a byte
  float *scales;  ///< [groups, M] or [1, 1]
  uint8_t *zeros; ///< [groups, M], or null
  std::string *error;
};

/// Some elements with one scale: rows `from..to` of a column, or of all.
struct Group {
  int64_t from, to, column; ///< column -1: all
  std::string str() const {
    return "[" + std::to_string(from) + ".." + std::to_string(to) + ", " +
           (column < 0 ? std::string(":") : std::to_string(column)) + "]";
  }
};

/// A scale as the format stores it.
inline float stored(const Format &format, float scale) {
  return format.half ? floatOf(halfOf(scale)) : scale;
}

/// The values of one matrix in a block format, of its codes [K, M] and of its other parts.
void decodeBlocks(const Format &format, const uint8_t *codes,
                  const std::vector<const void *> &parts, int64_t k, int64_t m, float *values);

bool encodeInt(const Format &format, const Matrix &matrix, Mode mode);
bool encodeTernary(const Format &format, const Matrix &matrix, Mode mode);
/// `table`: [levels, M] or [levels, 1].
bool encodeCodebook(const Format &format, const Matrix &matrix, Mode mode, float *table);

} // namespace mad::lut

#endif // MAD_DIALECTS_LUT_FORMAT_SCALARS_H
