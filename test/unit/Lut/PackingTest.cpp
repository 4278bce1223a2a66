//===- PackingTest.cpp - Codes in bytes -----------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Against the definition of dialects/Lut/README.md, one code at a time.
//
//===----------------------------------------------------------------------===//
#include "dialects/Lut/Format/Format.h"
#include "gtest/gtest.h"
#include <random>

using namespace mad::lut;

static Format integers(int bits) {
  Format format;
  format.bits = bits;
  return format;
}

static Format ternary(bool base3) {
  Format format = *Format::named("ternary");
  format.bits = base3 ? 8 : 2;
  return format;
}

static std::vector<uint8_t> randomCodes(int64_t count, int levels) {
  std::mt19937 random(count * 31 + levels);
  std::vector<uint8_t> codes(count);
  for (uint8_t &code : codes)
    code = uint8_t(random() % levels);
  return codes;
}

/// The bit of a code, read from where the definition says that it lies.
static int bitAt(const std::vector<uint8_t> &bytes, int bits, int64_t k, int64_t m, int64_t i,
                 int64_t j, int bit) {
  int64_t row = 0;
  int low = 0;
  for (int width : {8, 4, 2, 1}) {
    if (!(bits & width))
      continue;
    int each = 8 / width;
    if (bit < low + width)
      return bytes[(row + i / each) * m + j] >> (i % each * width + bit - low) & 1;
    low += width;
    row += (k + each - 1) / each;
  }
  return -1;
}

TEST(Packing, LiesWhereTheDefinitionSays) {
  for (int bits = 1; bits <= 8; ++bits)
    for (int64_t k = 1; k <= 19; ++k) {
      int64_t m = 3;
      Format format = integers(bits);
      std::vector<uint8_t> codes = randomCodes(k * m, 1 << bits), back(k * m);
      std::vector<uint8_t> bytes(codeRows(format, k) * m, 0xAA);
      packCodes(format, codes.data(), k, m, bytes.data());
      for (int64_t i = 0; i < k; ++i)
        for (int64_t j = 0; j < m; ++j)
          for (int bit = 0; bit < bits; ++bit)
            ASSERT_EQ(bitAt(bytes, bits, k, m, i, j, bit), codes[i * m + j] >> bit & 1)
                << bits << " bits, element " << i << ", " << j << " of " << k;
      unpackCodes(format, bytes.data(), k, m, back.data());
      ASSERT_EQ(codes, back);
    }
}

TEST(Packing, TailsAreZero) {
  for (int bits : {1, 2, 3, 4, 5, 6, 7}) {
    Format format = integers(bits);
    std::vector<uint8_t> ones(1, uint8_t((1 << bits) - 1)), bytes(codeRows(format, 1), 0xFF);
    packCodes(format, ones.data(), 1, 1, bytes.data());
    int set = 0;
    for (uint8_t byte : bytes)
      set += __builtin_popcount(byte);
    EXPECT_EQ(set, bits);
  }
}

TEST(Packing, IsAsSmallAsItSays) {
  EXPECT_EQ(codeRows(integers(3), 128), 32 + 16);
  EXPECT_EQ(codeRows(integers(7), 9), 5 + 3 + 2);
  EXPECT_EQ(codeRows(ternary(true), 11), 3);
  EXPECT_EQ(codeRows(ternary(false), 11), 3);
  Format format = integers(4);
  format.group = 32;
  format.half = true;
  EXPECT_DOUBLE_EQ(format.bitsPerWeight({4096, 8}), 4.5);
  format.affine = true;
  EXPECT_DOUBLE_EQ(format.bitsPerWeight({2, 4096, 8}), 4.75);
}

TEST(Packing, EveryByteOfBase3) {
  for (int value = 0; value < 243; ++value) {
    uint8_t digits[5];
    for (int n = 4, rest = value; n >= 0; --n, rest /= 3)
      digits[n] = uint8_t(rest % 3);
    uint8_t byte = packDigits(digits);
    for (int n = 0; n < 5; ++n)
      ASSERT_EQ(digitOf(byte, n), digits[n]) << value;
  }
  Format format = ternary(true);
  for (int64_t k = 1; k < 12; ++k) {
    std::vector<uint8_t> codes = randomCodes(k * 4, 3), back(k * 4), bytes(codeRows(format, k) * 4);
    packCodes(format, codes.data(), k, 4, bytes.data());
    unpackCodes(format, bytes.data(), k, 4, back.data());
    ASSERT_EQ(codes, back);
  }
}

TEST(Format, IsReadAsItIsWritten) {
  Format format = *Format::named("int");
  EXPECT_EQ(format.check(), "the bits of a code are missing: `bits = 4`");
  EXPECT_EQ(format.set("bits", "3"), "");
  EXPECT_EQ(format.str(), "lut.int(bits = 3)");
  EXPECT_EQ(format.set("group", "128"), "");
  EXPECT_EQ(format.set("zero", "affine"), "");
  EXPECT_EQ(format.set("scale", "f16"), "");
  EXPECT_EQ(format.str(), "lut.int(bits = 3, group = 128, zero = affine, scale = f16)");
  EXPECT_EQ(format.set("group", "row"), "");
  EXPECT_EQ(format.str(), "lut.int(bits = 3, zero = affine, scale = f16)");
  EXPECT_EQ(format.set("bits", "99999999999999999999"),
            "a code has 1 to 8 bits, found 99999999999999999999");
  EXPECT_NE(format.set("group", "-5"), "");
  EXPECT_FALSE(Format::named("float"));
}
