//===- CodecTest.cpp - Values to codes and back ---------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Lut/Format/Codec.h"
#include "gtest/gtest.h"
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <random>
#include <set>

using namespace mad::lut;

static Format formatOf(const char *family,
                       std::initializer_list<std::pair<const char *, const char *>> arguments) {
  Format format = *Format::named(family);
  for (auto [name, value] : arguments)
    EXPECT_EQ(format.set(name, value), "");
  EXPECT_EQ(format.check(), "");
  return format;
}

static std::vector<float> decoded(const Format &format, const std::vector<Bytes> &parts,
                                  const std::vector<int64_t> &shape) {
  std::vector<const void *> pointers;
  for (const Bytes &part : parts)
    pointers.push_back(part.data());
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  std::vector<float> values(count);
  decode(format, pointers, shape, values.data());
  return values;
}

static std::vector<float> roundTrip(const Format &format, const std::vector<float> &values,
                                    const std::vector<int64_t> &shape, Mode mode) {
  std::vector<Bytes> parts;
  std::string error;
  EXPECT_TRUE(encode(format, values.data(), shape, mode, parts, error)) << format.str() << error;
  return error.empty() ? decoded(format, parts, shape) : std::vector<float>();
}

static std::string errorOf(const Format &format, const std::vector<float> &values,
                           const std::vector<int64_t> &shape, Mode mode) {
  std::vector<Bytes> parts;
  std::string error;
  EXPECT_FALSE(encode(format, values.data(), shape, mode, parts, error));
  return error;
}

TEST(Codec, TernaryValuesOfAFileStayAsTheyAre) {
  // The mean of the sizes, which rounding takes else, is a ninth of 0.1.
  std::vector<float> values(18, 0.0f);
  values[3] = 0.1f;
  values[8] = -0.1f;
  for (auto &format : {formatOf("ternary", {}), formatOf("ternary", {{"packing", "base3"}}),
                       formatOf("dictionary", {}), formatOf("ternary", {{"group", "row"}})})
    EXPECT_EQ(roundTrip(format, values, {9, 2}, Mode::Round), values) << format.str();
}

TEST(Codec, AllNumbersOfF16) {
  for (int bits = 0; bits < 65536; ++bits) {
    float value = floatOf(uint16_t(bits));
    if (std::isnan(value))
      continue;
    ASSERT_EQ(halfOf(value), bits);
    // What lies between neighbours goes to the nearest, and halves to the even one.
    if ((bits & 0x7FFF) >= 0x7BFF)
      continue;
    float above = floatOf(uint16_t(bits + 1)), middle = (value + above) / 2;
    ASSERT_EQ(halfOf(middle), bits & 1 ? bits + 1 : bits);
    ASSERT_EQ(halfOf(std::nextafterf(middle, value)), bits);
    ASSERT_EQ(halfOf(std::nextafterf(middle, above)), bits + 1);
  }
  EXPECT_EQ(halfOf(65520.0f), 0x7C00);
  EXPECT_EQ(halfOf(65519.0f), 0x7BFF);
}

TEST(Codec, ProductsWithScalesAreExact) {
  std::mt19937 random(3);
  for (int i = 0; i < 20000; ++i) {
    float scale = std::ldexp(1 + float(random() % (1 << 23)) / (1 << 23), int(random() % 60) - 30);
    float rounded = roundedScale(scale);
    ASSERT_LE(std::fabs(rounded - scale), std::ldexp(scale, -16));
    for (int code : {1, 3, 127, 255, 200})
      ASSERT_EQ(double(rounded * float(code)), double(rounded) * code);
  }
}

/// Numbers of a random grid, whose ends need not be among them.
static std::vector<float> onGrid(const Format &format, int64_t k, int64_t m, float scale,
                                 std::mt19937 &random) {
  std::vector<float> values(k * m);
  int zero = format.affine ? int(random() % (1 << format.bits)) : 1 << (format.bits - 1);
  for (float &value : values) {
    int code = int(random() % (1 << format.bits));
    bool sign = format.bits == 1 && !format.affine;
    value = scale * float(sign ? 2 * code - 1 : code - zero);
  }
  return values;
}

TEST(Codec, FindsEveryGridAgain) {
  std::mt19937 random(11);
  for (const char *bits : {"1", "2", "3", "4", "5", "6", "7", "8"})
    for (const char *zero : {"symmetric", "affine"})
      for (const char *scale : {"f32", "f16"})
        for (int i = 0; i < 60; ++i) {
          Format format = formatOf("int", {{"bits", bits}, {"zero", zero}, {"scale", scale}});
          // All bits of the scale, so that products are rounded.
          float step =
              std::ldexp(1 + float(random() % (1 << 23)) / (1 << 23), int(random() % 9) - 4);
          step = format.half ? floatOf(halfOf(step)) : step;
          std::vector<float> values = onGrid(format, 1 + i % 7, 1, step, random);
          std::vector<int64_t> shape = {int64_t(values.size()), 1};
          ASSERT_EQ(roundTrip(format, values, shape, Mode::Exact), values) << format.str();
        }
}

TEST(Codec, RoundedOnceIsRoundedForGood) {
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  std::vector<float> values(33 * 4);
  for (float &value : values)
    value = normal(random);
  std::vector<int64_t> shape = {33, 4};
  for (Format format : {formatOf("int", {{"bits", "4"}, {"group", "8"}}),
                        formatOf("int", {{"bits", "3"}, {"zero", "affine"}, {"scale", "f16"}}),
                        formatOf("ternary", {{"packing", "base3"}}),
                        formatOf("codebook", {{"bits", "3"}, {"group", "row"}})}) {
    std::vector<float> once = roundTrip(format, values, shape, Mode::Round);
    ASSERT_NE(once, values);
    EXPECT_EQ(roundTrip(format, once, shape, Mode::Exact), once) << format.str();
  }
}

TEST(Codec, SaysWhatItCannotHold) {
  Format four = formatOf("int", {{"bits", "4"}, {"group", "2"}});
  EXPECT_EQ(errorOf(four, {1, 2, NAN, 3}, {4, 1}, Mode::Round),
            "element [2, 0] is NaN, which no format of few bits holds");
  EXPECT_EQ(errorOf(four, {1, 2, 0.1f, 3}, {4, 1}, Mode::Exact),
            "the elements [2..4, 0] are not multiples of one scale from -8 to 7");
  EXPECT_EQ(errorOf(formatOf("int", {{"bits", "1"}}), {1, 2}, {2, 1}, Mode::Exact),
            "the elements [0..2, 0] are not a scale and its negative");
  EXPECT_EQ(errorOf(formatOf("int", {{"bits", "2"}, {"zero", "affine"}}), {1, 2, 3, 4}, {2, 2, 1},
                    Mode::Exact),
            "matrix 1: the elements [0..2, 0] are not multiples of one scale within 3 steps");
  EXPECT_EQ(
      errorOf(formatOf("int", {{"bits", "4"}, {"scale", "f16"}}), {1e6f}, {1, 1}, Mode::Round),
      "a scale is beyond the largest number of f16: write `scale = f32`");
  EXPECT_EQ(errorOf(formatOf("ternary", {}), {1, -1, 0, 2}, {2, 2}, Mode::Exact),
            "the elements [0..2, :] are not all -s, 0 or s of one scale s");
  EXPECT_EQ(errorOf(formatOf("codebook", {{"bits", "1"}}), {1, 2, 3, 1}, {2, 2}, Mode::Exact),
            "the elements [0..2, :] have 3 different values, and the table has 2");
}

TEST(Codec, ZerosAndNothing) {
  for (Format format : {formatOf("int", {{"bits", "1"}}), formatOf("int", {{"bits", "8"}}),
                        formatOf("int", {{"bits", "3"}, {"zero", "affine"}}),
                        formatOf("ternary", {}), formatOf("codebook", {{"bits", "2"}})}) {
    EXPECT_EQ(roundTrip(format, {0, -0.0f, 0}, {3, 1}, Mode::Exact), std::vector<float>(3, 0.0f));
    EXPECT_TRUE(roundTrip(format, {}, {0, 4}, Mode::Round).empty());
    EXPECT_TRUE(roundTrip(format, {}, {4, 0}, Mode::Round).empty());
    EXPECT_TRUE(roundTrip(format, {}, {0, 4, 2}, Mode::Round).empty());
  }
}

TEST(Codec, TablesFitTheValues) {
  std::mt19937 random(8);
  std::normal_distribution<float> normal;
  std::vector<float> values(100000);
  for (float &value : values)
    value = normal(random);
  Format format = formatOf("codebook", {{"bits", "3"}});
  std::vector<float> got = roundTrip(format, values, {1000, 100}, Mode::Round);
  Error error = mad::lut::errorOf(values.data(), got.data(), 100000);
  // The best 8 levels for a normal distribution have 14.62 dB (Max, 1960).
  // So many samples are within 0.1 dB of it.
  EXPECT_NEAR(error.sqnr, 14.62, 0.15);
  EXPECT_NEAR(error.rms * error.rms, std::pow(10, -error.sqnr / 10), 0.02 * error.rms * error.rms);
}

/// What `quant.codebook` of std says, step by step: the values of a table.
static std::vector<float> byDefinition(const std::vector<float> &values, int levels) {
  std::vector<double> x(values.begin(), values.end());
  std::sort(x.begin(), x.end());
  std::vector<double> sums(1, 0.0), centres(levels);
  for (double each : x)
    sums.push_back(sums.back() + each);
  for (int j = 0; j < levels; ++j)
    centres[j] = x[(2 * size_t(j) + 1) * x.size() / (2 * size_t(levels))];
  std::vector<size_t> ends(levels), before;
  for (int round = 0; round < 100 && ends != before; ++round) {
    before = ends;
    for (int j = 0; j + 1 < levels; ++j)
      ends[j] = size_t(std::upper_bound(x.begin(), x.end(), 0.5 * (centres[j] + centres[j + 1])) -
                       x.begin());
    ends[levels - 1] = x.size();
    for (int j = 0; j < levels; ++j)
      if (size_t first = j ? ends[j - 1] : 0; ends[j] > first)
        centres[j] = (sums[ends[j]] - sums[first]) / double(ends[j] - first);
  }
  std::set<double> different(x.begin(), x.end());
  if (different.size() <= size_t(levels))
    return values;
  std::vector<float> made;
  for (float value : values) {
    int code = 0;
    while (code + 1 < levels &&
           double(value) > 0.5 * (double(float(centres[code])) + double(float(centres[code + 1]))))
      ++code;
    made.push_back(float(centres[code]));
  }
  return made;
}

TEST(Codec, TablesAreThoseOfTheDefinition) {
  std::mt19937 random(12);
  std::normal_distribution<float> normal;
  // Normal, of few values, with one far away, of all sizes, and equally far from two centres.
  auto value = [&](int kind) -> float {
    switch (kind) {
    case 0:
      return normal(random);
    case 1:
      return float(random() % 40) / 8 - 2;
    case 2:
      return random() % 1000 ? normal(random) * 1e-30f : 3e38f;
    case 3:
      return std::bit_cast<float>(uint32_t(random()) & 0xbfffffffu);
    default:
      return random() % 2 ? -0.0f : float(random() % 3) * 0x1p-149f;
    }
  };
  for (int64_t size : {1, 63, 64, 300, 2047, 2048, 5000})
    for (int kind = 0; kind < 5; ++kind)
      for (int bits : {1, 2, 4, 7, 8}) {
        std::vector<float> values(size), columns;
        for (float &each : values)
          each = value(kind);
        std::vector<float> expected = byDefinition(values, 1 << bits);
        Format format = formatOf("codebook", {{"bits", std::to_string(bits).c_str()}});
        ASSERT_EQ(roundTrip(format, values, {size, 1}, Mode::Round), expected)
            << size << " " << kind << " " << bits;
        // The same as a column beside others, more than are encoded together.
        const int64_t m = 19;
        columns.resize(size * m);
        for (float &each : columns)
          each = normal(random);
        for (int64_t i = 0; i < size; ++i)
          columns[i * m + 17] = values[i];
        Format row =
            formatOf("codebook", {{"bits", std::to_string(bits).c_str()}, {"group", "row"}});
        std::vector<float> made = roundTrip(row, columns, {size, m}, Mode::Round);
        for (int64_t i = 0; i < size; ++i)
          ASSERT_EQ(made[i * m + 17], expected[i]) << size << " " << kind << " " << bits;
      }
  // The first column that has too many.
  Format two = formatOf("codebook", {{"bits", "1"}, {"group", "row"}});
  std::vector<float> many(4 * 40);
  for (size_t i = 0; i < many.size(); ++i)
    many[i] = i % 40 < 18 ? 1.0f : float(i);
  EXPECT_EQ(errorOf(two, many, {4, 40}, Mode::Exact),
            "the elements [0..4, 18] have 4 different values, and the table has 2");
}

TEST(Blocks, ByHand) {
  // Q4_1: d = 1, m = 0.5, all bytes 0x98: 8 d + m, then 9 d + m.
  Format format = *Format::ofGguf("Q4_1");
  std::vector<uint8_t> block = {0x00, 0x3C, 0x00, 0x38};
  block.resize(20, 0x98);
  EXPECT_EQ(blockBytes(*format.blockType()), 20);
  std::vector<Bytes> parts;
  fromBlocks(format, block.data(), 32, 1, parts);
  std::vector<float> values = decoded(format, parts, {32, 1});
  for (int i = 0; i < 32; ++i)
    EXPECT_EQ(values[i], i < 16 ? 8.5f : 9.5f);
  // Q6_K: the low bits 0, the high bits 2 (0xAA): code 32, which stands for 0; of the first half 0:
  // -32 d s.
  format = *Format::ofGguf("Q6_K");
  EXPECT_EQ(blockBytes(*format.blockType()), 210);
  block.assign(210, 0);
  std::fill(block.begin() + 160, block.begin() + 192, 0xAA);
  std::fill(block.begin() + 192, block.begin() + 208, 0xFF); // scales of -1
  block[209] = 0x40;                                         // d = 2
  fromBlocks(format, block.data(), 256, 1, parts);
  values = decoded(format, parts, {256, 1});
  for (int i = 0; i < 256; ++i)
    EXPECT_EQ(values[i], i < 128 ? 64.0f : 0.0f);
  for (auto [name, bytes] :
       {std::pair("Q5_1", 24), {"Q2_K", 84}, {"Q3_K", 110}, {"Q4_K", 144}, {"Q5_K", 176}})
    EXPECT_EQ(blockBytes(*Format::ofGguf(name)->blockType()), bytes) << name;
  EXPECT_NE(format.check({255, 1}), "");
  std::string error;
  EXPECT_FALSE(encode(format, values.data(), {256, 1}, Mode::Round, parts, error));
}

TEST(Codec, TheLastDimensionIsThatOfTheTransposed) {
  std::mt19937 random(11);
  const int64_t layers = 2, k = 37, m = 5;
  std::vector<float> values(layers * m * k), turned(values.size());
  for (float &value : values)
    value = float(random() % 1000) / 500 - 1;
  for (int64_t i = 0; i < layers; ++i)
    for (int64_t column = 0; column < m; ++column)
      for (int64_t row = 0; row < k; ++row)
        turned[(i * k + row) * m + column] = values[(i * m + column) * k + row];
  for (Format format : {formatOf("int", {{"bits", "3"}, {"group", "8"}, {"zero", "affine"}}),
                        formatOf("ternary", {{"packing", "base3"}, {"group", "row"}}),
                        formatOf("codebook", {{"bits", "2"}, {"group", "row"}})}) {
    Format last = format;
    ASSERT_EQ(last.set("along", "last"), "");
    std::vector<Bytes> parts, expected;
    std::string error;
    ASSERT_TRUE(encode(last, values.data(), {layers, m, k}, Mode::Round, parts, error)) << error;
    ASSERT_TRUE(encode(format, turned.data(), {layers, k, m}, Mode::Round, expected, error));
    EXPECT_EQ(parts, expected) << last.str();
    std::vector<float> made = decoded(last, parts, {layers, m, k}),
                       other = decoded(format, parts, {layers, k, m});
    for (int64_t i = 0; i < layers; ++i)
      for (int64_t column = 0; column < m; ++column)
        for (int64_t row = 0; row < k; ++row)
          ASSERT_EQ(made[(i * m + column) * k + row], other[(i * k + row) * m + column]);
  }
  Format last = formatOf("int", {{"bits", "4"}, {"along", "last"}});
  EXPECT_EQ(last.str(), "lut.int(bits = 4, along = last)");
  EXPECT_EQ(errorOf(last, {1, 2, 3, NAN, 5, 6}, {2, 3}, Mode::Round),
            "element [1, 0] is NaN, which no format of few bits holds");
}
