//===- Format.h - How the elements of a weight are stored in few bits -------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A format stores a tensor of shape [B..., K, M] (K: the dimension that products
// sum over; M: columns) as a few smaller tensors, its parts. dialects/Lut/README.md
// defines each. No MLIR here: the frontend, the dialect and the driver share this.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_LUT_FORMAT_FORMAT_H
#define MAD_DIALECTS_LUT_FORMAT_FORMAT_H

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mad::lut {

enum class Family : uint8_t {
  Int,
  Ternary,
  Codebook,
  /// A block format of .gguf files: `Format::block` is its number. Without one: what the type of a
  /// tensor in a file says, see `ofGguf`.
  Gguf,
};
enum class PartElement : uint8_t { U8, F16, F32 };

/// One of the tensors that a format consists of.
struct Part {
  std::string name; ///< `codes`, `scales`, `zeros`, `table`, `starts`, `dictionary`, `terms`
  PartElement element = PartElement::U8;
  std::vector<int64_t> shape;
  bool shared = false; ///< one for all weights of a program
  int64_t elements() const;
  int64_t bytes() const;
};

/// A block format of .gguf files that is kept as it is: K is cut in blocks of `block` elements, and
/// a value is `scale * (code - middle)`, less or more a minimum, of a group.
struct BlockType {
  const char *name; ///< `Q4_K`
  int bits;         ///< of a code
  int64_t group;    ///< elements along K with one scale
  int64_t block;    ///< with one scale of scales; equal to `group`: scales are f16
  int middle;       ///< of codes
  int bias;         ///< of codes of scales
  int minima;       ///< 0: none; 1: f16, added; 2: codes, subtracted; 3: in the high bits of scales
};

struct Format {
  static constexpr int64_t wholeRow = 0;     ///< `group`: one scale for a column of K elements
  static constexpr int64_t wholeTensor = -1; ///< `group`: one for each K x M matrix

  Family family = Family::Int;
  int bits = 0;             ///< of a code; Ternary: 2, or 8 for five codes in a byte
  int64_t group = wholeRow; ///< elements along K with one scale (Codebook: one table)
  bool affine = false;      ///< Int: codes have a zero point
  bool half = false;        ///< scales are f16, else f32
  int block = 0;            ///< Gguf: the number of its `BlockType`, from 1 on
  bool last = false;        ///< K is the last dimension: tensors are [B..., M, K]
  bool dictionary = false;  ///< Ternary: codes are words of a dictionary (Dictionary.h)
  /// Dictionary: words of a matrix, of the longest one where there are several. They depend on the
  /// values; 0: not known, and there is room for any.
  int64_t words = 0;

  bool operator==(const Format &) const = default;

  /// The format of a family, `int`, `ternary`, `dictionary` or `codebook`, before its arguments are
  /// set.
  static std::optional<Format> named(const std::string &family);
  /// The format that holds what a block format of .gguf files holds, `Q4_0`, in as many bits.
  static std::optional<Format> ofGguf(const std::string &type);
  /// Sets an argument as programs and attributes write it: `bits`, `4`. What is wrong, else empty.
  std::string set(const std::string &name, const std::string &value);
  /// That of the transposed matrices, [B..., K, M]: the parts are the same.
  Format turned() const;
  /// How the language writes it, without defaults: `lut.int(bits = 4, group = 32)`.
  std::string str() const;
  /// What is wrong with it, else empty.
  std::string check() const;
  /// Whether it can store a tensor of this shape; else what is wrong, else empty.
  std::string check(const std::vector<int64_t> &shape) const;
  /// The tensors that it stores one as. Needs `check(shape)`.
  std::vector<Part> parts(const std::vector<int64_t> &shape) const;
  /// The same without those that are shared.
  std::vector<Part> ownParts(const std::vector<int64_t> &shape) const;
  /// Bits of its own parts for each element.
  double bitsPerWeight(const std::vector<int64_t> &shape) const;

  /// Of `Gguf` with a number, else null.
  const BlockType *blockType() const;
  /// Of a dictionary: its parts when words are decoded to codes of 2 bits.
  Format expanded() const;
  bool isBase3() const { return family == Family::Ternary && bits == 8; }
  /// Values that a code stands for.
  int levels() const { return family == Family::Ternary ? 3 : 1 << bits; }
  /// Length of a group along K; the last one of a column may be shorter.
  int64_t groupLength(int64_t k) const;
  /// Groups along K.
  int64_t groups(int64_t k) const;
};

/// A code of `bits` bits is split into fields that lie in bytes without a rest, the lowest bits
/// first: 3 = 2 + 1, 5 = 4 + 1, 6 = 4 + 2, 7 = 4 + 2 + 1. Each field has rows of bytes of its own.
struct Field {
  int width = 0;    ///< bits: 1, 2, 4 or 8
  int shift = 0;    ///< the lowest bit of the code that it holds
  int64_t row = 0;  ///< its first row of bytes
  int64_t rows = 0; ///< rows of bytes: K codes, 8 / width in a byte
  int perByte() const { return 8 / width; }
};
std::vector<Field> fields(int bits, int64_t k);
/// Rows of bytes that K codes of a format take: the part `codes` is [B..., rows, M].
int64_t codeRows(const Format &format, int64_t k);

/// Five ternary digits in a byte, as a binary fraction of 256: digit n of byte v is
/// `((v * 3^n mod 256) * 3) / 256`. So no decoder divides. `digits[0]` is the highest.
uint8_t packDigits(const uint8_t digits[5]);
inline int digitOf(uint8_t byte, int n) {
  constexpr int powers[] = {1, 3, 9, 27, 81};
  return ((byte * powers[n] & 255) * 3) >> 8;
}

/// The codes [K, M] of the parts of a matrix.
void codesOf(const Format &format, const std::vector<const void *> &parts, int64_t k, int64_t m,
             uint8_t *codes);

/// Codes [K, M] (one a byte) to rows of bytes [codeRows, M], and back. Tails are filled with 0
/// (of base 3: the digit 0).
void packCodes(const Format &format, const uint8_t *codes, int64_t k, int64_t m, uint8_t *bytes);
void unpackCodes(const Format &format, const uint8_t *bytes, int64_t k, int64_t m, uint8_t *codes);

} // namespace mad::lut

#endif // MAD_DIALECTS_LUT_FORMAT_FORMAT_H
