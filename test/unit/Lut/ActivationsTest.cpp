//===- ActivationsTest.cpp - Rows of integers, and their products ---------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Lut/Format/Activations.h"
#include "dialects/Lut/Format/Codec.h"
#include "gtest/gtest.h"
#include <cmath>
#include <random>

using namespace mad::lut;

static std::pair<std::vector<int>, float> quantized(const std::vector<float> &x) {
  std::vector<int8_t> codes(x.size());
  float scale = quantizeRow(x.data(), int64_t(x.size()), codes.data());
  return {{codes.begin(), codes.end()}, scale};
}

TEST(Activations, HalvesGoToEven) {
  auto [codes, scale] = quantized({127, 0.5f, 1.5f, -2.5f, -127, 126.4f});
  EXPECT_EQ(scale, 1);
  EXPECT_EQ(codes, (std::vector<int>{127, 0, 2, -2, -127, 126}));
}

TEST(Activations, RowsWithoutAScale) {
  EXPECT_EQ(quantized({}), (std::pair<std::vector<int>, float>{{}, 0}));
  EXPECT_EQ(quantized({0, -0.f}), (std::pair<std::vector<int>, float>{{0, 0}, 0}));
  // The scale is below the least number: 0.
  EXPECT_EQ(quantized({1e-44f, 0}), (std::pair<std::vector<int>, float>{{0, 0}, 0}));
  auto [codes, scale] = quantized({1, INFINITY, -3});
  EXPECT_EQ(codes, (std::vector<int>{0, 0, 0}));
  EXPECT_EQ(scale, INFINITY);
  for (std::vector<float> x :
       {std::vector<float>{NAN, 1, 2}, {1, NAN, INFINITY}, {INFINITY, NAN}}) {
    auto [none, nan] = quantized(x);
    EXPECT_TRUE(std::isnan(nan));
    EXPECT_EQ(none, std::vector<int>(x.size()));
  }
}

TEST(Activations, ErrorIsHalfAScale) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  for (float size : {1e-30f, 1.f, 1e30f}) {
    std::vector<float> x(1000);
    for (float &v : x)
      v = size * normal(random);
    auto [codes, scale] = quantized(x);
    for (size_t i = 0; i < x.size(); ++i)
      ASSERT_LE(std::fabs(x[i] - double(codes[i]) * scale), scale * 0.5 * (1 + 0x1p-15)) << i;
  }
}

/// The product of a column alone, whose elements all have one code.
static float column(Format format, int64_t k, uint8_t code, uint8_t zero, float weight, int q) {
  std::vector<uint8_t> codes(k, code), bytes(codeRows(format, k)), zeros(format.groups(k), zero);
  packCodes(format, codes.data(), k, 1, bytes.data());
  std::vector<float> scales(format.groups(k), weight);
  std::vector<int8_t> row(k, int8_t(q));
  float scale = 1, y;
  integerProduct(format, {bytes.data(), scales.data(), zeros.data()}, row.data(), &scale, 1, k, 1,
                 &y);
  return y;
}

TEST(Activations, EndsOfAllFormats) {
  for (int bits = 1; bits <= 8; ++bits)
    for (int64_t group : {int64_t(0), int64_t(64)}) {
      Format format;
      format.bits = bits;
      format.group = group;
      int last = (1 << bits) - 1, most = bits == 1 ? 1 : 1 << (bits - 1);
      // Sums of groups and their sums are below 2^24: exact.
      EXPECT_EQ(column(format, 1000, 0, 0, 1, -127), 127000 * most) << bits;
      EXPECT_EQ(column(format, 1000, uint8_t(last), 0, 1, 127),
                127000 * (bits == 1 ? 1 : most - 1));
      format.affine = true;
      EXPECT_EQ(column(format, 500, uint8_t(last), 0, 1, 127), 63500 * last);
      EXPECT_EQ(column(format, 500, 0, uint8_t(last), 1, 127), -63500 * last);
    }
  Format ternary{Family::Ternary, 8, Format::wholeTensor};
  EXPECT_EQ(column(ternary, 1001, 2, 0, 0.5f, 127), 0.5f * 127127);
}

/// Beyond 65536 elements a group is summed in pieces, each of which i32 holds.
TEST(Activations, LongGroupsAreCut) {
  Format format;
  format.bits = 8;
  format.affine = true;
  double first = 65536. * 127 * 255, rest = 4464. * 127 * 255;
  ASSERT_LT(first, 2147483648.);
  float scale = 1.1f, acc = float(double(float(first)) * scale);
  acc += float(double(float(rest)) * scale);
  EXPECT_EQ(column(format, 70000, 255, 0, scale, 127), acc);
  EXPECT_EQ(column(format, 70000, 0, 255, scale, 127), -acc);
}

/// Against sums of decoded numbers in f64.
TEST(Activations, ProductsAreThoseOfDecodedNumbers) {
  const int64_t t = 3, k = 77, m = 5;
  std::mt19937 random(2);
  std::normal_distribution<float> normal;
  std::vector<float> w(k * m);
  for (float &v : w)
    v = normal(random);
  std::vector<int8_t> q(t * k);
  for (int8_t &code : q)
    code = int8_t(int(random() % 255) - 127);
  std::vector<float> s = {0.5f, 0.01f, 0}, y(t * m), decodedW(k * m);
  for (Format format : {Format{Family::Int, 1}, Format{Family::Int, 3, 16, false, true},
                        Format{Family::Int, 4, 32, true}, Format{Family::Int, 8, 7},
                        Format{Family::Ternary, 2, Format::wholeTensor},
                        Format{Family::Ternary, 8, 20, false, true}}) {
    std::vector<Bytes> parts;
    std::string error;
    ASSERT_TRUE(encode(format, w.data(), {k, m}, Mode::Round, parts, error)) << error;
    std::vector<const void *> pointers;
    for (const Bytes &part : parts)
      pointers.push_back(part.data());
    decode(format, pointers, {k, m}, decodedW.data());
    integerProduct(format, pointers, q.data(), s.data(), t, k, m, y.data());
    for (int64_t row = 0; row < t; ++row)
      for (int64_t column = 0; column < m; ++column) {
        double sum = 0, size = 0;
        for (int64_t i = 0; i < k; ++i) {
          double term = double(q[row * k + i]) * decodedW[i * m + column];
          sum += term;
          size += std::fabs(term);
        }
        // A group is rounded twice, and added; the scale of the row comes last.
        double bound = double(format.groups(k) + 3) * 0x1p-24 * size * s[row];
        ASSERT_NEAR(y[row * m + column], sum * s[row], bound) << format.str();
      }
  }
}

/// Of normal numbers the error is that of a uniform one within half a scale: its square is s^2 / 12
/// on average, s the largest of a row / 127. So longer rows have larger errors, 2.8e-5 of the
/// energy of 32 numbers and 7.4e-5 of 4096.
TEST(Activations, ErrorOfNormalNumbers) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  for (auto [length, expected] :
       {std::pair<int64_t, double>(32, 2.8e-5), {128, 4.1e-5}, {4096, 7.4e-5}}) {
    double error = 0, energy = 0, uniform = 0;
    for (int64_t done = 0; done < 400000; done += length) {
      std::vector<float> x(length);
      for (float &v : x)
        v = normal(random);
      auto [codes, scale] = quantized(x);
      for (int64_t i = 0; i < length; ++i) {
        double off = x[i] - double(codes[i]) * scale;
        error += off * off, energy += double(x[i]) * x[i];
      }
      uniform += double(length) * scale * scale / 12;
    }
    // The largest of a row is exact: of 32 numbers a 32nd less.
    EXPECT_NEAR(error / uniform, 1 - 1 / double(length), 0.02) << length;
    EXPECT_NEAR(error / energy, expected, 0.03 * expected) << length;
  }
}
