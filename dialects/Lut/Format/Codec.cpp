//===- Codec.cpp - Tensors to the parts of a format, and back -------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Lut/Format/Codec.h"
#include "dialects/Lut/Format/Dictionary.h"
#include "dialects/Lut/Format/Scalars.h"
#include "dialects/Mad/IR/NarrowFloats.h"

#include <cstring>

namespace mad::lut {

float roundedScale(float scale) {
  // Beyond, the product may overflow; such scales stay as they are.
  if (!(scale < 0x1p100f))
    return scale;
  volatile float t = 257.0f * scale;
  volatile float rest = t - scale;
  return t - rest;
}

uint16_t halfOf(float value) {
  double rounded = roundToF16(value);
  uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  if (std::isnan(rounded))
    return sign | 0x7E00;
  double size = std::fabs(rounded);
  if (std::isinf(size))
    return sign | 0x7C00;
  if (size < 0x1p-14) // in steps of 2^-24
    return sign | uint16_t(size * 0x1p24);
  int exponent;
  double fraction = std::frexp(size, &exponent); // 0.5 <= fraction < 1
  return sign | uint16_t((exponent + 14) << 10) | uint16_t(fraction * 2048 - 1024);
}

float floatOf(uint16_t half) {
  int exponent = half >> 10 & 31, fraction = half & 1023;
  float sign = half & 0x8000 ? -1.0f : 1.0f;
  if (exponent == 31)
    return fraction ? std::nanf("") : sign * INFINITY;
  return sign * (exponent ? std::ldexp(float(1024 + fraction), exponent - 25)
                          : std::ldexp(float(fraction), -24));
}

//===----------------------------------------------------------------------===//
// Tensors as matrices
//===----------------------------------------------------------------------===//

namespace {
/// Sizes of the matrices of a tensor.
struct Sizes {
  explicit Sizes(const std::vector<int64_t> &shape)
      : k(shape[shape.size() - 2]), m(shape[shape.size() - 1]) {
    for (size_t i = 0; i + 2 < shape.size(); ++i)
      count *= shape[i];
  }
  int64_t k, m, count = 1;
};
} // namespace

static bool isFinite(const float *values, const Sizes &sizes, const std::vector<int64_t> &shape,
                     std::string &error) {
  int64_t count = sizes.count * sizes.k * sizes.m;
  for (int64_t i = 0; i < count; ++i) {
    if (std::isfinite(values[i]))
      continue;
    std::string place;
    int64_t rest = i;
    for (size_t d = shape.size(); d-- > 0; rest /= shape[d])
      place = std::to_string(rest % shape[d]) + (place.empty() ? "" : ", ") + place;
    error = "element [" + place + "] is " +
            (std::isnan(values[i]) ? "NaN"
             : values[i] > 0       ? "infinite"
                                   : "minus infinite") +
            ", which no format of few bits holds";
    return false;
  }
  return true;
}

static void storeScales(const Format &format, const std::vector<float> &scales, char *to) {
  for (size_t i = 0; i < scales.size(); ++i) {
    uint16_t half = halfOf(scales[i]);
    if (format.half)
      memcpy(to + 2 * i, &half, 2);
    else
      memcpy(to + 4 * i, &scales[i], 4);
  }
}

/// The codes and starts of matrix `number`. The words of one may be fewer than there is room for.
static bool storeWords(const Format &format, const uint8_t *codes, int64_t k, int64_t m,
                       int64_t number, std::vector<Bytes> &parts, std::string &error) {
  std::vector<uint16_t> words;
  std::vector<uint32_t> starts;
  encodeColumns(codes, k, m, words, starts);
  int64_t room = format.words ? format.words : mostWords(k, m);
  if (int64_t(words.size()) > room) {
    error =
        "it has " + std::to_string(words.size()) + " words, and room for " + std::to_string(room);
    return false;
  }
  auto put = [](Bytes &bytes, int64_t at, uint32_t value, int count) {
    for (int i = 0; i < count; ++i)
      bytes[at + i] = char(value >> 8 * i);
  };
  for (size_t i = 0; i < words.size(); ++i)
    put(parts[0], 2 * (number * room + int64_t(i)), words[i], 2);
  for (int64_t c = 0; c <= m; ++c)
    put(parts[2], 4 * (number * (m + 1) + c), starts[c], 4);
  return true;
}

static bool encodeMatrix(const Format &format, Matrix matrix, Mode mode, std::vector<float> &scales,
                         float *table) {
  switch (format.family) {
  case Family::Int:
    if (!encodeInt(format, matrix, mode))
      return false;
    break;
  case Family::Ternary:
    if (!encodeTernary(format, matrix, mode))
      return false;
    break;
  case Family::Codebook:
    return encodeCodebook(format, matrix, mode, table);
  case Family::Gguf:
    return false;
  }
  for (float scale : scales)
    if (!std::isfinite(scale)) {
      *matrix.error = std::string("a scale is beyond the largest number of ") +
                      (format.half ? "f16: write `scale = f32`" : "f32");
      return false;
    }
  return true;
}

/// Matrices [rows, columns], each transposed, in blocks that a cache holds.
static void transpose(const float *from, int64_t count, int64_t rows, int64_t columns, float *to) {
  constexpr int64_t side = 32;
  for (int64_t i = 0; i < count; ++i, from += rows * columns, to += rows * columns)
    for (int64_t top = 0; top < rows; top += side)
      for (int64_t left = 0; left < columns; left += side)
        for (int64_t r = top; r < std::min(top + side, rows); ++r)
          for (int64_t c = left; c < std::min(left + side, columns); ++c)
            to[c * rows + r] = from[r * columns + c];
}

static std::vector<int64_t> turnedShape(std::vector<int64_t> shape) {
  std::swap(shape[shape.size() - 2], shape[shape.size() - 1]);
  return shape;
}

bool encode(const Format &format, const float *values, const std::vector<int64_t> &shape, Mode mode,
            std::vector<Bytes> &parts, std::string &error) {
  Sizes sizes(shape);
  if (format.last) {
    std::vector<float> turned(sizes.count * sizes.k * sizes.m);
    // Before, so that a message names the element that the program has.
    if (!isFinite(values, sizes, shape, error))
      return false;
    transpose(values, sizes.count, sizes.k, sizes.m, turned.data());
    bool good = encode(format.turned(), turned.data(), turnedShape(shape), mode, parts, error);
    if (!good)
      error = "of the transposed matrix " + error;
    return good;
  }
  if (format.family == Family::Gguf) {
    error = "blocks of .gguf files are kept as they are, and nothing is rounded to them";
    return false;
  }
  if (!isFinite(values, sizes, shape, error))
    return false;
  std::vector<Part> described = format.ownParts(shape);
  parts.clear();
  for (const Part &part : described)
    parts.emplace_back(part.bytes());
  int64_t k = sizes.k, m = sizes.m, rows = codeRows(format, k);
  std::vector<uint8_t> codes(k * m);
  int64_t each = described[1].elements() / std::max<int64_t>(sizes.count, 1);
  std::vector<float> scales(format.family == Family::Codebook ? 0 : each);
  for (int64_t i = 0; i < sizes.count; ++i) {
    Matrix matrix{values + i * k * m, k, m, codes.data(), scales.data(), nullptr, &error};
    if (format.affine)
      matrix.zeros = reinterpret_cast<uint8_t *>(parts[2].data()) + i * each;
    float *table = nullptr;
    if (format.family == Family::Codebook)
      table = reinterpret_cast<float *>(parts[1].data()) + i * each;
    if (!encodeMatrix(format, matrix, mode, scales, table)) {
      if (sizes.count > 1)
        error = "matrix " + std::to_string(i) + ": " + error;
      return false;
    }
    if (format.dictionary) {
      if (!storeWords(format, codes.data(), k, m, i, parts, error))
        return false;
    } else {
      packCodes(format, codes.data(), k, m,
                reinterpret_cast<uint8_t *>(parts[0].data()) + i * rows * m);
    }
    storeScales(format, scales, parts[1].data() + i * each * (format.half ? 2 : 4));
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Decoding
//===----------------------------------------------------------------------===//

static float scaleAt(const Format &format, const void *scales, int64_t at) {
  if (!format.half)
    return static_cast<const float *>(scales)[at];
  uint16_t half;
  memcpy(&half, static_cast<const char *>(scales) + 2 * at, 2);
  return floatOf(half);
}

/// What is subtracted from twice a code of one bit, or from a code.
static float valueOf(const Format &format, uint8_t code, float scale, int zero) {
  if (format.family == Family::Int && format.bits == 1 && !format.affine)
    return scale * float(2 * code - 1);
  return scale * float(int(code) - zero);
}

void decode(const Format &format, const std::vector<const void *> &parts,
            const std::vector<int64_t> &shape, float *values) {
  Sizes sizes(shape);
  if (format.last) {
    std::vector<float> turned(sizes.count * sizes.k * sizes.m);
    decode(format.turned(), parts, turnedShape(shape), turned.data());
    return transpose(turned.data(), sizes.count, sizes.m, sizes.k, values);
  }
  int64_t k = sizes.k, m = sizes.m, rows = codeRows(format, k);
  std::vector<uint8_t> codes(k * m);
  std::vector<Part> described = format.parts(shape);
  int64_t each = described[1].elements() / std::max<int64_t>(sizes.count, 1);
  int64_t length = format.groupLength(k);
  int middle = format.family == Family::Ternary ? 1 : 1 << (format.bits - 1);
  for (int64_t i = 0; i < sizes.count; ++i) {
    if (format.dictionary) {
      int64_t own = described[0].bytes() / sizes.count;
      codesOf(format,
              {static_cast<const uint8_t *>(parts[0]) + i * own, nullptr,
               static_cast<const uint8_t *>(parts[2]) + i * (m + 1) * 4},
              k, m, codes.data());
    } else {
      unpackCodes(format, static_cast<const uint8_t *>(parts[0]) + i * rows * m, k, m,
                  codes.data());
    }
    if (format.blockType()) {
      std::vector<const void *> own(parts);
      for (size_t part = 1; part < parts.size(); ++part)
        own[part] = static_cast<const char *>(parts[part]) +
                    i * (described[part].bytes() / std::max<int64_t>(sizes.count, 1));
      decodeBlocks(format, codes.data(), own, k, m, values + i * k * m);
      continue;
    }
    for (int64_t row = 0; row < k; ++row)
      for (int64_t column = 0; column < m; ++column) {
        int64_t at = format.group == Format::wholeTensor ? 0 : row / length * m + column;
        uint8_t code = codes[row * m + column];
        float &value = values[(i * k + row) * m + column];
        if (format.family == Family::Codebook) {
          int64_t columns = described[1].shape.back();
          value = static_cast<const float *>(
              parts[1])[i * each + code * columns + (columns > 1 ? column : 0)];
          continue;
        }
        int zero = format.affine ? static_cast<const uint8_t *>(parts[2])[i * each + at] : middle;
        value = valueOf(format, code, scaleAt(format, parts[1], i * each + at), zero);
      }
  }
}

Error errorOf(const float *values, const float *decoded, int64_t count) {
  Error error;
  double signal = 0, noise = 0;
  for (int64_t i = 0; i < count; ++i) {
    double difference = double(values[i]) - double(decoded[i]);
    error.largest = std::max(error.largest, std::fabs(difference));
    signal += double(values[i]) * double(values[i]);
    noise += difference * difference;
  }
  error.rms = count ? std::sqrt(noise / double(count)) : 0;
  error.sqnr = noise > 0 ? 10 * std::log10(signal / noise) : INFINITY;
  return error;
}

} // namespace mad::lut
