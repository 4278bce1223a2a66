//===- Codec.h - Tensors to the parts of a format, and back -----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs when a model is compiled. Formulas: dialects/Lut/README.md. Elements are f32, in
// row-major order; parts are bytes in the order and shapes of `Format::parts`.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_LUT_FORMAT_CODEC_H
#define MAD_DIALECTS_LUT_FORMAT_CODEC_H

#include "dialects/Lut/Format/Format.h"

namespace mad::lut {

using Bytes = std::vector<char>;

enum class Mode : uint8_t {
  Round, ///< the nearest values of the format's own grid
  Exact, ///< `decode` gives each element back, or it is an error (-0 counts as 0)
};

/// The parts of `values`. On failure `error` says which elements and why: NaN, infinity, a scale
/// that its type cannot hold, or, with `Exact`, values that the format does not have.
bool encode(const Format &format, const float *values, const std::vector<int64_t> &shape, Mode mode,
            std::vector<Bytes> &parts, std::string &error);

/// The values that parts stand for.
void decode(const Format &format, const std::vector<const void *> &parts,
            const std::vector<int64_t> &shape, float *values);

/// The parts of a matrix [K, M] that a .gguf file holds in blocks of the format's `blockType`:
/// `bytes` are the rows of the file, one for each column here. Checks nothing.
void fromBlocks(const Format &format, const uint8_t *bytes, int64_t k, int64_t m,
                std::vector<Bytes> &parts);
/// Bytes of a block.
int64_t blockBytes(const BlockType &type);

/// A scale of f32 with 16 significant bits: its products with codes of 8 bits are exact, so that
/// no target rounds them differently. Splits as Dekker (1971): `t = 257 s`, `t - (t - s)`.
float roundedScale(float scale);

/// Bits of an f16, to the nearest, ties to even; and its value.
uint16_t halfOf(float value);
float floatOf(uint16_t half);

/// How far decoded values are from what was encoded.
struct Error {
  double largest = 0; ///< absolute
  double rms = 0;
  double sqnr = 0; ///< 10 log10(sum of squares of values / of errors), in dB; infinity: no error
};
Error errorOf(const float *values, const float *decoded, int64_t count);

} // namespace mad::lut

#endif // MAD_DIALECTS_LUT_FORMAT_CODEC_H
