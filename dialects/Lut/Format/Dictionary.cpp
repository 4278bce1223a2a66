//===- Dictionary.cpp - Ternary codes as words of a fixed dictionary --------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Lut/Format/Dictionary.h"
#include "dialects/Lut/Format/Threads.h"
#include <cstring>
#include <queue>

namespace mad::lut {

/// ln 0.885 and ln 0.0575, as numbers, so that no library decides about the order.
static constexpr double likelihoodOfZero = -0.12216763397420753,
                        likelihoodOfOther = -2.855970331178832;

namespace {
/// A sequence that may become an entry, or the empty one.
struct Candidate {
  int length, others; ///< pairs, and codes that are not 0
  int64_t number;     ///< of those that were found before
  int32_t shorter;    ///< the entry that it is one pair longer than; -1: the empty sequence
  int pair;

  /// Logarithm. One expression of two integers, so that equals are equal.
  double likelihood() const {
    return likelihoodOfZero * (2 * length - others) + likelihoodOfOther * others;
  }

  /// The most likely one comes first, of equals the one that was found first.
  bool operator<(const Candidate &other) const {
    if (length != other.length || others != other.others)
      return likelihood() < other.likelihood();
    return number > other.number;
  }
};
} // namespace

/// Trits are numbered 0: zero, 1: minus, 2: plus; a pair is `first + 3 * second`. The code of a
/// trit is that of `lut.ternary`.
static constexpr uint8_t codeOfTrit[] = {1, 0, 2}, tritOfCode[] = {1, 0, 2};

/// From the empty sequence on: the most likely one becomes an entry, and those that are one pair
/// longer become candidates.
Dictionary::Dictionary() : longer(size * pairs, -1) {
  std::priority_queue<Candidate> waiting;
  int64_t number = 0;
  auto extend = [&](int32_t entry, int length, int others) {
    for (int pair = 0; pair < pairs; ++pair)
      waiting.push({length + 1, others + (pair % 3 != 0) + (pair / 3 != 0), number++, entry, pair});
  };
  extend(-1, 0, 0);
  entries.reserve(size);
  while (int64_t(entries.size()) < size) {
    Candidate best = waiting.top();
    waiting.pop();
    uint64_t codes = best.shorter < 0 ? 0 : entries[best.shorter] << 8 >> 8;
    uint64_t pair = codeOfTrit[best.pair % 3] | codeOfTrit[best.pair / 3] << 2;
    codes |= pair << (4 * (best.length - 1));
    auto entry = int32_t(entries.size());
    entries.push_back(codes | uint64_t(2 * best.length) << 56);
    (best.shorter < 0 ? first[best.pair] : longer[best.shorter * pairs + best.pair]) = entry;
    if (2 * best.length < longest)
      extend(entry, best.length, best.others);
  }
}

const Dictionary &Dictionary::get() {
  static const Dictionary dictionary;
  return dictionary;
}

uint32_t Dictionary::terms(uint16_t word) const {
  uint64_t entry = entries[word];
  auto codes = uint32_t(entry >> 56);
  uint32_t terms = codes << length;
  for (uint32_t i = 0, found = 0; i < codes; ++i, entry >>= 2)
    if (uint32_t code = entry & 3; code != 1) {
      terms |= i << (8 * found) | (code == 2 ? 1u : 2u) << (signs + 2 * found);
      ++found;
    }
  return terms;
}

void Dictionary::encode(const uint8_t *codes, int64_t stride, int64_t k,
                        std::vector<uint16_t> &words) const {
  int32_t entry = -1;
  for (int64_t i = 0; i < k; i += 2) {
    int second = i + 1 < k ? tritOfCode[codes[(i + 1) * stride]] : 0;
    int pair = tritOfCode[codes[i * stride]] + 3 * second;
    int32_t next = entry < 0 ? first[pair] : longer[entry * pairs + pair];
    if (next < 0) {
      words.push_back(uint16_t(entry));
      next = first[pair];
    }
    entry = next;
  }
  if (entry >= 0)
    words.push_back(uint16_t(entry));
}

int64_t mostWords(int64_t k, int64_t m) { return (k + 1) / 2 * m; }

void encodeColumns(const uint8_t *codes, int64_t k, int64_t m, std::vector<uint16_t> &words,
                   std::vector<uint32_t> &starts) {
  const Dictionary &dictionary = Dictionary::get();
  constexpr int64_t together = 64;
  int64_t blocks = (m + together - 1) / together;
  std::vector<std::vector<uint16_t>> found(blocks);
  std::vector<uint32_t> lengths(m);
  inThreads(blocks, [&](int64_t block) {
    for (int64_t c = block * together; c < std::min(m, (block + 1) * together); ++c) {
      size_t before = found[block].size();
      dictionary.encode(codes + c, m, k, found[block]);
      lengths[c] = uint32_t(found[block].size() - before);
    }
  });
  words.clear();
  for (const std::vector<uint16_t> &some : found)
    words.insert(words.end(), some.begin(), some.end());
  starts.assign(m + 1, 0);
  for (int64_t c = 0; c < m; ++c)
    starts[c + 1] = starts[c] + lengths[c];
}

static uint32_t numberAt(const uint8_t *bytes, int64_t i) {
  const uint8_t *at = bytes + 4 * i;
  return at[0] | at[1] << 8 | at[2] << 16 | uint32_t(at[3]) << 24;
}

void decodeColumns(const uint8_t *words, const uint8_t *starts, int64_t k, int64_t m,
                   uint8_t *codes) {
  const Dictionary &dictionary = Dictionary::get();
  for (int64_t c = 0; c < m; ++c) {
    int64_t row = 0;
    for (int64_t at = numberAt(starts, c); at < numberAt(starts, c + 1); ++at) {
      uint64_t entry = dictionary[uint16_t(words[2 * at] | words[2 * at + 1] << 8)];
      for (int64_t end = std::min(k, row + int64_t(entry >> 56)); row < end; ++row, entry >>= 2)
        codes[row * m + c] = uint8_t(entry & 3);
    }
  }
}

int64_t wordsOf(const uint8_t *starts, int64_t count, int64_t m) {
  int64_t most = 0;
  for (int64_t i = 1; i <= count; ++i)
    most = std::max<int64_t>(most, numberAt(starts, i * (m + 1) - 1));
  return most;
}

} // namespace mad::lut
