//===- GptqTest.cpp - Rounding that knows the activations -----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Lut/Format/Gptq.h"
#include "dialects/Lut/Format/Codec.h"
#include "gtest/gtest.h"
#include <cmath>
#include <random>

using namespace mad::lut;

static Format integers(int bits, int64_t group = 0, bool affine = false) {
  Format format;
  format.bits = bits;
  format.group = group;
  format.affine = affine;
  return format;
}

static std::vector<float> normal(int64_t count, int seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> distribution;
  std::vector<float> values(count);
  for (float &value : values)
    value = distribution(random);
  return values;
}

/// X^T X of `rows` rows whose neighbours are alike.
static std::vector<float> correlated(int64_t k, int64_t rows, int seed) {
  std::vector<float> noise = normal(rows * (k + 8), seed), gram(k * k);
  for (int64_t r = 0; r < rows; ++r) {
    std::vector<double> x(k);
    for (int64_t i = 0; i < k; ++i)
      for (int64_t j = 0; j < 8; ++j)
        x[i] += noise[r * (k + 8) + i + j];
    for (int64_t i = 0; i < k; ++i)
      for (int64_t j = 0; j < k; ++j)
        gram[i * k + j] += float(x[i] * x[j]);
  }
  return gram;
}

static std::vector<float> identity(int64_t k) {
  std::vector<float> gram(k * k);
  for (int64_t i = 0; i < k; ++i)
    gram[i * k + i] = 3;
  return gram;
}

static std::vector<float> rounded(const Format &format, const std::vector<float> &w,
                                  const std::vector<int64_t> &shape, const std::vector<float> &gram,
                                  GptqOptions options = {}) {
  std::vector<float> q(w.size());
  std::string error;
  EXPECT_TRUE(gptq(format, options, w.data(), shape, gram.data(), q.data(), error)) << error;
  return q;
}

static std::vector<float> stored(const Format &format, const std::vector<float> &w,
                                 const std::vector<int64_t> &shape, Mode mode) {
  std::vector<Bytes> parts;
  std::string error;
  EXPECT_TRUE(encode(format, w.data(), shape, mode, parts, error)) << format.str() << error;
  std::vector<const void *> pointers;
  for (const Bytes &part : parts)
    pointers.push_back(part.data());
  std::vector<float> values(w.size());
  if (error.empty())
    decode(format, pointers, shape, values.data());
  return values;
}

/// tr((W - Q)^T H (W - Q)).
static double productError(const std::vector<float> &w, const std::vector<float> &q,
                           const std::vector<float> &gram, int64_t k, int64_t m) {
  double sum = 0;
  for (int64_t i = 0; i < k; ++i)
    for (int64_t j = 0; j < k; ++j)
      for (int64_t c = 0; c < m; ++c)
        sum += double(gram[i * k + j]) * (double(w[i * m + c]) - q[i * m + c]) *
               (double(w[j * m + c]) - q[j * m + c]);
  return sum;
}

TEST(Gptq, WithoutCorrelationIsRoundToNearest) {
  int64_t k = 200, m = 70;
  std::vector<float> w = normal(k * m, 1);
  for (Format format : {integers(4), integers(3, 64), integers(2, 12, true), integers(1, 150)}) {
    EXPECT_EQ(rounded(format, w, {k, m}, identity(k)), stored(format, w, {k, m}, Mode::Round))
        << format.str();
    GptqOptions options;
    options.order = true;
    EXPECT_EQ(rounded(format, w, {k, m}, identity(k), options),
              stored(format, w, {k, m}, Mode::Round))
        << format.str();
  }
}

TEST(Gptq, ByHand) {
  // The scale of a group of one is its element: nothing is lost. So both rows share one: 3 codes to
  // each side, 3 / 3 = 1. Row 0: 1.4 becomes 1. With H = [[1, 1/2], [1/2, 1]] and no damping the
  // best other row is w1 + h01 / h11 * (w0 - q0) = 0.4 + 0.5 * 0.4 = 0.6, which becomes 1, not 0.
  Format format = integers(3);
  GptqOptions options;
  options.damp = 0;
  // A third row that fixes the scale and that is not related.
  std::vector<float> gram = {1, 0.5, 0, 0.5, 1, 0, 0, 0, 1}, w = {1.4f, 0.4f, 3};
  EXPECT_EQ(rounded(format, w, {3, 1}, gram, options), std::vector<float>({1, 1, 3}));
  // Where products are of other signs, the error goes the other way: 0.4 - 0.2.
  gram[1] = gram[3] = -0.5f;
  EXPECT_EQ(rounded(format, w, {3, 1}, gram, options), std::vector<float>({1, 0, 3}));
  // Damping by 100 times the mean leaves little of the relation: 0.4 + 0.4 * 0.5 / 101.
  gram[1] = gram[3] = 0.5f;
  options.damp = 100;
  EXPECT_EQ(rounded(format, w, {3, 1}, gram, options), std::vector<float>({1, 0, 3}));
}

TEST(Gptq, IsNearerForProductsAndHeldExactly) {
  int64_t k = 300, m = 30;
  std::vector<float> w = normal(2 * k * m, 2);
  std::vector<float> one = correlated(k, 400, 3), two = correlated(k, 500, 4), gram = one;
  gram.insert(gram.end(), two.begin(), two.end());
  for (bool order : {false, true})
    for (Format format : {integers(4, 128), integers(3, 100), integers(2), integers(3, 200, true),
                          integers(2, 48, true), integers(1, 64)}) {
      GptqOptions options;
      options.order = order;
      std::vector<float> q = rounded(format, w, {2, k, m}, gram, options);
      EXPECT_EQ(stored(format, q, {2, k, m}, Mode::Exact), q) << format.str();
      std::vector<float> nearest = stored(format, w, {2, k, m}, Mode::Round);
      // Neighbours have a correlation of 7/8: most of an error can be made good.
      std::vector<float> first(w.begin(), w.begin() + k * m);
      EXPECT_LT(productError(first, q, one, k, m), 0.6 * productError(first, nearest, one, k, m))
          << format.str() << order;
    }
}

TEST(Gptq, SearchedRangesAreNearer) {
  int64_t k = 300, m = 30;
  std::vector<float> w = normal(k * m, 8), gram = correlated(k, 400, 9);
  GptqOptions options;
  options.search = true;
  for (Format format : {integers(2, 32, true), integers(2, 32), integers(3, 100), integers(4)}) {
    std::vector<float> q = rounded(format, w, {k, m}, gram, options);
    EXPECT_EQ(stored(format, q, {k, m}, Mode::Exact), q) << format.str();
    // Steps of the whole range of 32 normal numbers are 1.4 (of two bits, with zero points), and
    // most numbers are in the inner half of it.
    EXPECT_LT(productError(w, q, gram, k, m),
              (format.bits == 2 ? 0.85 : 1.0) *
                  productError(w, rounded(format, w, {k, m}, gram), gram, k, m))
        << format.str();
  }
  // One bit has no range, and a group of zeros no scale.
  EXPECT_EQ(rounded(integers(1, 64), w, {k, m}, gram, options),
            rounded(integers(1, 64), w, {k, m}, gram));
  std::vector<float> none(k * m);
  EXPECT_EQ(rounded(integers(3, 64), none, {k, m}, gram, options), none);
}

TEST(Gptq, RowsCountByTheirEnergy) {
  // Codes -2 to 1: one step is 3, or a part of that. The rows of 1 and -2 are multiplied with more,
  // so a step of 1 is worth what 3 loses.
  Format format = integers(2);
  GptqOptions options;
  options.search = true;
  options.damp = 0;
  std::vector<float> w = {3, 1, -2}, gram = {0.01f, 0, 0, 0, 100, 0, 0, 0, 100};
  std::vector<float> q = rounded(format, w, {3, 1}, gram, options);
  EXPECT_NEAR(q[1], 1, 0.05);
  EXPECT_NEAR(q[2], -2, 0.1);
  gram[0] = 1e6f;
  EXPECT_EQ(rounded(format, w, {3, 1}, gram, options)[0], 3);
}

TEST(Gptq, AlongLastIsThatOfTheTransposedMatrices) {
  int64_t k = 70, m = 9;
  std::vector<float> w = normal(2 * k * m, 5), turned(w.size()), gram = correlated(k, 90, 6),
                     two = correlated(k, 90, 7);
  gram.insert(gram.end(), two.begin(), two.end());
  auto turn = [](const std::vector<float> &from, int64_t rows, int64_t columns) {
    std::vector<float> to(from.size());
    for (int64_t i = 0; i < 2; ++i)
      for (int64_t r = 0; r < rows; ++r)
        for (int64_t c = 0; c < columns; ++c)
          to[(i * columns + c) * rows + r] = from[(i * rows + r) * columns + c];
    return to;
  };
  Format format = integers(3, 32), last = format.turned();
  std::vector<float> q = rounded(format, w, {2, k, m}, gram);
  EXPECT_EQ(rounded(last, turn(w, k, m), {2, m, k}, gram), turn(q, k, m));
  EXPECT_NE(q, stored(format, w, {2, k, m}, Mode::Round));
}

TEST(Gptq, DeadInputsAreZero) {
  int64_t k = 20, m = 3;
  std::vector<float> w = normal(k * m, 5), gram = correlated(k, 100, 6);
  w[7 * m] = 1000; // and do not count for the scale
  for (int64_t i = 0; i < k; ++i)
    gram[7 * k + i] = gram[i * k + 7] = 0;
  std::vector<float> q = rounded(integers(4), w, {k, m}, gram);
  for (int64_t c = 0; c < m; ++c)
    EXPECT_EQ(q[7 * m + c], 0);
  EXPECT_LT(productError(w, q, gram, k, m),
            0.05 * productError(w, std::vector<float>(k * m), gram, k, m));
}

static std::string failure(const std::vector<float> &w, const std::vector<int64_t> &shape,
                           const std::vector<float> &gram) {
  std::vector<float> q(w.size());
  std::string error;
  EXPECT_FALSE(gptq(integers(4), {}, w.data(), shape, gram.data(), q.data(), error));
  return error;
}

TEST(Gptq, SaysWhatIsWrong) {
  EXPECT_EQ(failure({1, NAN}, {2, 1}, identity(2)), "element 1 is no finite number");
  EXPECT_EQ(failure({1, 2}, {2, 1}, {1, NAN, 0, 1}), "element [0, 1] of X^T X is NaN");
  EXPECT_EQ(failure({1, 2}, {2, 1}, {1, 0, 0, -1}),
            "element [1, 1] of X^T X is negative: it is no sum of squares");
  EXPECT_EQ(failure({1, 2, 3, 4}, {2, 2, 1}, {1, 0, 0, 1, 0, 0, 0, 0}),
            "matrix 1: X^T X is zero: nothing was measured");
  EXPECT_EQ(failure({1, 2}, {2, 1}, {1, 5, 5, 1}),
            "X^T X is singular, or no such product: measure with more rows, or add more to its "
            "diagonal, `damp = 0.1`");
  std::string error;
  EXPECT_TRUE(gptq(integers(4), {}, nullptr, {0, 4}, nullptr, nullptr, error));
}
