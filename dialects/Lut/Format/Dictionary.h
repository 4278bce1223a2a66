//===- Dictionary.h - Ternary codes as words of a fixed dictionary ----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The code of QMoE (Frantar and Alistarh, 2023): a word of 16 bits stands for 2 to 28 codes that
// follow each other along K. The dictionary has the sequences of pairs that are most likely
// where codes are independent and 88.5 % of them are 0. Each column is a run of words of its own.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_LUT_FORMAT_DICTIONARY_H
#define MAD_DIALECTS_LUT_FORMAT_DICTIONARY_H

#include "dialects/Lut/Format/Codec.h"

namespace mad::lut {

class Dictionary {
public:
  static constexpr int64_t size = 65536;
  static constexpr int longest = 28;            ///< codes of an entry
  static constexpr int others = 3;              ///< most codes of an entry that are not for 0
  static constexpr int signs = 21, length = 27; ///< bits of `terms`

  /// The one that there is; made at the first call.
  static const Dictionary &get();

  /// An entry: codes of 2 bits as `lut.ternary` packs them, the first one lowest, nothing behind
  /// them, and in the highest byte their number.
  uint64_t operator[](uint16_t word) const { return entries[word]; }

  /// The codes of an entry that are not for 0, at most `others`: their places in a byte each, from
  /// bit `signs` on signs of 2 bits (0: there is none, 1: plus, 2: minus), and from bit `length` on
  /// the number of codes.
  uint32_t terms(uint16_t word) const;

  /// Appends the words for K codes, `stride` apart: the longest entry that fits, again and again.
  /// Behind an odd K comes a code for 0.
  void encode(const uint8_t *codes, int64_t stride, int64_t k, std::vector<uint16_t> &words) const;

private:
  Dictionary();

  static constexpr int pairs = 9;
  std::vector<uint64_t> entries;
  std::vector<int32_t> longer; ///< the entry that is one pair longer, -1: none
  int32_t first[pairs];        ///< entries of one pair
};

/// Words that hold any [K, M].
int64_t mostWords(int64_t k, int64_t m);

/// The words of the matrix whose codes are [K, M], columns behind each other, and the first word of
/// each column and of what would be behind the last one.
void encodeColumns(const uint8_t *codes, int64_t k, int64_t m, std::vector<uint16_t> &words,
                   std::vector<uint32_t> &starts);

/// The codes [K, M] of a matrix: `words` [words, 2] and `starts` [M + 1, 4], bytes of numbers, the
/// low one first.
void decodeColumns(const uint8_t *words, const uint8_t *starts, int64_t k, int64_t m,
                   uint8_t *codes);

/// The most words of one of `count` matrices, by their `starts`.
int64_t wordsOf(const uint8_t *starts, int64_t count, int64_t m);

} // namespace mad::lut

#endif // MAD_DIALECTS_LUT_FORMAT_DICTIONARY_H
