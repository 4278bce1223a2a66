//===- DictionaryTest.cpp - Ternary codes as words of a dictionary ----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Against a dictionary that is made in another way: the most likely sequences are found by sorting.
//
//===----------------------------------------------------------------------===//
#include "dialects/Lut/Format/Dictionary.h"
#include "gtest/gtest.h"
#include <cmath>
#include <map>
#include <random>

using namespace mad::lut;

namespace {

using Sequence = std::vector<int>; // pairs, first + 3 second; 0: zero, 1: minus, 2: plus

int othersOf(const Sequence &sequence) {
  int others = 0;
  for (int pair : sequence)
    others += (pair % 3 != 0) + (pair / 3 != 0);
  return others;
}

double likelihoodOf(const Sequence &sequence) {
  int others = othersOf(sequence);
  return (2.0 * double(sequence.size()) - others) * std::log(0.885) + others * std::log(0.0575);
}

/// The codes, and zeros behind them, of an entry.
Sequence sequenceOf(uint64_t entry) {
  constexpr int tritOfCode[] = {1, 0, 2, -99};
  Sequence sequence;
  for (uint64_t i = 0; i < entry >> 56; i += 2)
    sequence.push_back(tritOfCode[entry >> 2 * i & 3] + 3 * tritOfCode[entry >> (2 * i + 2) & 3]);
  uint64_t length = 2 * (entry >> 56);
  EXPECT_EQ(entry << 8 >> 8 >> length, 0u);
  return sequence;
}

std::map<Sequence, int> wordsOfSequences() {
  std::map<Sequence, int> words;
  for (int i = 0; i < Dictionary::size; ++i)
    words[sequenceOf(Dictionary::get()[uint16_t(i)])] = i;
  return words;
}

std::vector<uint8_t> randomCodes(int64_t count, double zeros, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<uint8_t> codes(count);
  for (uint8_t &code : codes)
    code = double(random()) / 4294967296.0 < zeros ? 1 : random() % 2 ? 0 : 2;
  return codes;
}

TEST(Dictionary, HasTheMostLikelySequences) {
  std::map<Sequence, int> words = wordsOfSequences();
  ASSERT_EQ(int64_t(words.size()), Dictionary::size); // all are different
  double least = 0;
  std::vector<double> byWord(Dictionary::size);
  for (auto &[sequence, word] : words) {
    byWord[word] = likelihoodOf(sequence);
    least = std::min(least, byWord[word]);
    ASSERT_GE(sequence.size(), 1u);
    ASSERT_LE(sequence.size(), 14u);
    if (sequence.size() > 1) // what is shorter is an entry, too, and comes before
      ASSERT_LT(words.at(Sequence(sequence.begin(), sequence.end() - 1)), word);
  }
  for (int i = 1; i < Dictionary::size; ++i)
    ASSERT_LE(byWord[i], byWord[i - 1] + 1e-9) << i;
  // No sequence that is missing is more likely than one that is there.
  for (auto &[sequence, word] : words)
    for (int pair = 0; pair < 9 && sequence.size() < 14; ++pair) {
      Sequence longer = sequence;
      longer.push_back(pair);
      if (!words.count(longer))
        ASSERT_LE(likelihoodOf(longer), least + 1e-9);
    }
  for (int pair = 0; pair < 9; ++pair)
    EXPECT_TRUE(words.count({pair}));
}

TEST(Dictionary, TermsAreWhatIsNotZero) {
  for (int i = 0; i < Dictionary::size; ++i) {
    Sequence sequence = sequenceOf(Dictionary::get()[uint16_t(i)]);
    uint32_t terms = Dictionary::get().terms(uint16_t(i));
    ASSERT_EQ(terms >> 27, 2 * sequence.size());
    std::vector<int> codes(2 * sequence.size(), 0), all;
    for (int n = 0; n < Dictionary::others; ++n)
      if (int sign = terms >> (21 + 2 * n) & 3)
        codes[terms >> 8 * n & 31] = sign == 1 ? 2 : 1;
    for (int pair : sequence)
      all.insert(all.end(), {pair % 3, pair / 3});
    ASSERT_EQ(codes, all) << i;
  }
}

TEST(Dictionary, OrderOfEquals) {
  // One pair of zeros, then two, ...; of the pairs with one other code the first one found is (-,
  // 0).
  EXPECT_EQ(sequenceOf(Dictionary::get()[0]), Sequence{0});
  std::map<Sequence, int> words = wordsOfSequences();
  EXPECT_LT(words.at({1}), words.at({2}));
  EXPECT_LT(words.at({2}), words.at({3}));
  EXPECT_LT(words.at({3}), words.at({6}));
}

TEST(Dictionary, WordsAreTheLongestThatFit) {
  std::map<Sequence, int> known = wordsOfSequences();
  constexpr int tritOfCode[] = {1, 0, 2};
  for (auto [k, zeros] : {std::pair<int64_t, double>{1, 0.5},
                          {2, 0.0},
                          {203, 0.3},
                          {501, 0.9},
                          {1000, 0.99},
                          {28 * 40, 1.0}}) {
    std::vector<uint8_t> codes = randomCodes(k, zeros, unsigned(k));
    std::vector<uint16_t> words;
    Dictionary::get().encode(codes.data(), 1, k, words);
    Sequence pairs;
    for (int64_t i = 0; i < k; i += 2)
      pairs.push_back(tritOfCode[codes[i]] + (i + 1 < k ? 3 * tritOfCode[codes[i + 1]] : 0));
    size_t at = 0;
    for (uint16_t word : words) {
      size_t length = 0;
      int longest = -1;
      for (size_t n = 1; n <= 14 && at + n <= pairs.size(); ++n) {
        auto found = known.find(Sequence(pairs.begin() + at, pairs.begin() + at + n));
        if (found != known.end())
          length = n, longest = found->second;
      }
      ASSERT_EQ(int(word), longest);
      at += length;
    }
    EXPECT_EQ(at, pairs.size());
    if (zeros == 1)
      EXPECT_EQ(words.size(), 40u); // 28 zeros a word
  }
}

TEST(Dictionary, RoundTrip) {
  Format format = *Format::named("dictionary");
  for (auto [b, k, m] :
       {std::tuple<int64_t, int64_t, int64_t>{1, 64, 8}, {3, 57, 5}, {2, 1, 1}, {1, 203, 77}}) {
    std::vector<int64_t> shape{b, k, m};
    std::vector<uint8_t> codes = randomCodes(b * k * m, 0.8, 7);
    std::vector<float> values;
    for (uint8_t code : codes)
      values.push_back(0.25f * float(code - 1));
    values[0] = 0.25f;
    std::vector<Bytes> parts;
    std::string error;
    ASSERT_TRUE(encode(format, values.data(), shape, Mode::Exact, parts, error)) << error;
    ASSERT_EQ(parts.size(), 3u);
    std::vector<Part> described = format.ownParts(shape);
    for (int i = 0; i < 3; ++i)
      EXPECT_EQ(int64_t(parts[i].size()), described[i].bytes());
    std::vector<float> decoded(values.size());
    decode(format, {parts[0].data(), parts[1].data(), parts[2].data(), nullptr}, shape,
           decoded.data());
    EXPECT_EQ(decoded, values);
    // Room for what there is, and for one word less.
    Format sized = format;
    sized.words = wordsOf(reinterpret_cast<const uint8_t *>(parts[2].data()), b, m);
    ASSERT_TRUE(encode(sized, values.data(), shape, Mode::Exact, parts, error)) << error;
    EXPECT_EQ(int64_t(parts[0].size()), 2 * b * sized.words);
    decode(sized, {parts[0].data(), parts[1].data(), parts[2].data(), nullptr}, shape,
           decoded.data());
    EXPECT_EQ(decoded, values);
    if (--sized.words)
      EXPECT_FALSE(encode(sized, values.data(), shape, Mode::Exact, parts, error));
  }
}

// Bits of a code where codes are independent, as those who published the code measured them: 0.8
// bits with what lies around them for weights of which about 88.5 % are 0. The entropy is 0.630
// there.
TEST(Dictionary, Rate) {
  constexpr int64_t k = 100000;
  for (auto [zeros, low, high] : {std::tuple{0.885, 0.725, 0.745},
                                  {0.8, 1.10, 1.14},
                                  {0.9, 0.675, 0.695},
                                  {0.95, 0.58, 0.60}}) {
    std::vector<uint8_t> codes = randomCodes(k, zeros, 11);
    std::vector<uint16_t> words;
    Dictionary::get().encode(codes.data(), 1, k, words);
    double bits = 16.0 * double(words.size()) / double(k);
    EXPECT_GT(bits, low) << zeros;
    EXPECT_LT(bits, high) << zeros;
  }
}

} // namespace
