//===- ByteProductTest.cpp - Sums of integers that must not overflow -------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `lut.gemm_into` through mad-multiply-codes, against sums of 64 bits: codes and activations at
// their ends, where sums of 16 bits are full first, with the instructions of each level, and with
// VNNI or without.
//
//===----------------------------------------------------------------------===//
#include "dialects/Lut/Format/Arrangement.h"
#include "dialects/Lut/IR/LutOps.h"
#include "passes/Lut/Passes.h"
#include "test/unit/Transforms/Harness.h"
#include "gtest/gtest.h"
#include <algorithm>
#include <random>

using namespace mad;
using namespace mad::test;

namespace {

constexpr int64_t M = 22;

lut::Format integers(int bits, int64_t group) {
  lut::Format format;
  format.bits = bits;
  format.group = group;
  return format;
}

lut::Format base3(int64_t group) {
  lut::Format format = integers(8, group);
  format.family = lut::Family::Ternary;
  return format;
}

std::string source(const lut::Format &format, int64_t K) {
  int64_t rows = lut::codeRows(format, K), groups = format.groups(K);
  auto type = [](const std::string &shape) { return "memref<" + shape + ">"; };
  std::string m = std::to_string(M), k = std::to_string(K);
  std::string types[] = {type("?x" + k + "xi8"), type("?xf32"),
                         type(std::to_string(rows) + "x" + m + "xi8"),
                         type(std::to_string(groups) + "x" + m + "xf32"), type("?x" + m + "xf32")};
  std::string arguments, all;
  for (int n = 0; n < 5; ++n) {
    arguments += (n ? ", %" : "%") + std::string(1, char('a' + n)) + ": " + types[n];
    all += (n ? ", " : "") + types[n];
  }
  return "func.func @run(" + arguments + ") {\n  lut.gemm_into %a, %b, %c, %d to %e as <" +
         (format.isBase3() ? "ternary, packing = base3"
                           : "int, bits = " + std::to_string(format.bits)) +
         ", group = " + std::to_string(format.group) + "> : (" + all + ") -> ()\n  return\n}\n";
}

class ByteProduct : public testing::TestWithParam<std::tuple<int, bool, int>> {
protected:
  static void SetUpTestSuite() {
    registry().insert<lut::LutDialect>();
    static bool once = (registerMultiplyCodes(), true);
    (void)once;
  }
};

/// Of some rows: all of one sign, in turn, any. Four add up to 508, to 252, which a byte holds, or
/// to 256. One has few that are large.
int8_t activation(int64_t t, int64_t k, std::mt19937 &random) {
  int most = t / 4 % 2 ? 63 + t / 2 % 2 : 127;
  switch (t % 4) {
  case 0:
    return int8_t(most);
  case 1:
    return int8_t(-most);
  case 2:
    return int8_t(k % 2 ? most : -most);
  default:
    // Mostly small ones; 2 or 3 fours of 32, and further on 5 or 6, have sums of 255 and more.
    if (t == 7 && k / 4 % (k < 192 ? 11 : 6) == 3)
      return int8_t(k % 4 == 2 ? 1 : k % 2 ? -127 : 127);
    if (t == 7)
      return int8_t(k % 61 - 30);
    return int8_t(int(random() % (2 * most + 1)) - most);
  }
}

/// Of some columns: the largest, 0, in turn, any.
uint8_t code(int64_t k, int64_t m, int levels, std::mt19937 &random) {
  switch (m % 4) {
  case 0:
    return uint8_t(levels - 1);
  case 1:
    return 0;
  case 2:
    return uint8_t(k % 2 ? levels - 1 : 0);
  default:
    return uint8_t(random() % levels);
  }
}

using Activations = llvm::function_ref<int8_t(int64_t t, int64_t k, std::mt19937 &random)>;

void compare(Code &compiled, const lut::Format &format, int64_t T, int64_t K,
             Activations activation = ::activation) {
  int bits = format.bits, levels = format.levels();
  std::mt19937 random(bits);
  int64_t group = format.group, groups = format.groups(K);
  std::vector<uint8_t> codes(K * M);
  for (int64_t i = 0; i < K * M; ++i)
    codes[i] = code(i / M, i % M, levels, random);
  Array<uint8_t> bytes({lut::codeRows(format, K), M});
  lut::packCodes(format, codes.data(), K, M, bytes.data.data());
  Array<int8_t> q({T, K});
  for (int64_t i = 0; i < T * K; ++i)
    q.data[i] = activation(i / K, i % K, random);
  // Powers of two, which round nothing.
  Array<float> s({T}, 0.5f), scales({groups, M}, 2.0f), y({T, M}, -1.0f);
  compiled.call("run", q, s, bytes, scales, y);
  int64_t wrong = 0;
  for (int64_t i = 0; i < T * M; ++i) {
    float expected = 0;
    for (int64_t g = 0; g < groups; ++g) {
      int64_t sum = 0;
      for (int64_t k = g * group; k < std::min(K, (g + 1) * group); ++k) {
        int v = codes[k * M + i % M];
        int middle = format.isBase3() ? 1 : 1 << (bits - 1);
        sum += q.data[i / M * K + k] * (bits == 1 ? 2 * v - 1 : v - middle);
      }
      expected += float(sum) * 2.0f;
    }
    if (y.data[i] != expected * 0.5f && wrong++ == 0)
      ADD_FAILURE() << T << " rows, at " << i / M << ", " << i % M << ": " << y.data[i]
                    << ", expected " << expected * 0.5f;
  }
  EXPECT_EQ(wrong, 0);
}

TEST_P(ByteProduct, SumsAreExact) {
  auto [level, vnni, bits] = GetParam();
  if (!llvm::is_contained(levels(), level))
    GTEST_SKIP() << "this CPU has no x86-64-v" << level;
  std::string pass =
      "mad-multiply-codes{level=" + std::to_string(level) + " vnni=" + std::to_string(vnni) + "}";
  // One group of all, groups that end inside of blocks, and whole blocks of which the last group
  // has fewer. Of tables groups of as many, and all rows that may have some.
  std::vector<std::pair<int64_t, int64_t>> sizes = {{16384, 16384}, {203, 44}, {160, 64}};
  if (bits == 1)
    sizes.push_back({384, 128});
  for (auto [K, group] : sizes) {
    auto compiled = Code::compile(source(integers(bits, group), K), "", level, pass);
    ASSERT_TRUE(compiled);
    for (int64_t T : {bits == 1 ? 8 : 2, 11})
      compare(*compiled, integers(bits, group), T, K);
  }
}

// Any two of the 32 tables of a part have large sums, of which kernels keep notes in the memory of
// halves. 508 is that of the smallest index or of the largest.
class LargeTables : public ByteProduct {};

TEST_P(LargeTables, AreToldApart) {
  auto [level, vnni, bits] = GetParam();
  if (!llvm::is_contained(levels(), level))
    GTEST_SKIP() << "this CPU has no x86-64-v" << level;
  std::string pass =
      "mad-multiply-codes{level=" + std::to_string(level) + " vnni=" + std::to_string(vnni) + "}";
  for (int64_t group : {128, 256}) {
    lut::Format format = integers(bits, group);
    auto compiled = Code::compile(source(format, 256), "", level, pass);
    ASSERT_TRUE(compiled);
    for (int64_t first = 0; first < 32; ++first)
      for (int64_t second = 0; second < first; ++second)
        compare(*compiled, format, 1, 256, [&](int64_t, int64_t k, std::mt19937 &) -> int8_t {
          int64_t table = k / 4 % 32;
          if (table == first || table == second)
            return k < 128 ? -127 : 127;
          return int8_t(k % 61 - 30);
        });
  }
}

// Sums of 256 times what they stand for, of one group that is longer than 32 bits hold of them, and
// of groups that end inside of blocks.
// Without VNNI digits are made, as codes of other formats are.
class Base3Product : public ByteProduct {};

TEST_P(Base3Product, SumsAreExact) {
  auto [level, vnni, bits] = GetParam();
  if (!llvm::is_contained(levels(), level))
    GTEST_SKIP() << "this CPU has no x86-64-v" << level;
  std::string pass =
      "mad-multiply-codes{level=" + std::to_string(level) + " vnni=" + std::to_string(vnni) + "}";
  for (auto [K, group] : {std::pair<int64_t, int64_t>(41000, 41000), {203, 44}}) {
    auto compiled = Code::compile(source(base3(group), K), "", level, pass);
    ASSERT_TRUE(compiled);
    compare(*compiled, base3(group), 2, K);
  }
}

// What kernels precompute are the bytes and sums of its definition: of tables up to 8 rows, and in
// an order of bytes for more, or where a level has no look-ups.
class Precompute : public ByteProduct {};

TEST_P(Precompute, IsAsDefined) {
  int level = std::get<0>(GetParam());
  if (!llvm::is_contained(levels(), level))
    GTEST_SKIP() << "this CPU has no x86-64-v" << level;
  std::mt19937 random(1);
  for (auto [format, K] : {std::pair<lut::Format, int64_t>(integers(1, 64), 160),
                           {integers(1, 44), 203},
                           {integers(1, 192), 384},
                           {integers(1, 128), 384},
                           {integers(8, 32), 96},
                           {base3(12), 61}}) {
    std::string k = std::to_string(K);
    auto compiled = Code::compile(
        "func.func @run(%a: memref<?x" + k + "xi8>, %b: memref<?xi8>, %c: memref<?xi32>) {\n" +
            "  lut.precompute_into %a to %b, %c for <" +
            (format.isBase3() ? "ternary, packing = base3"
                              : "int, bits = " + std::to_string(format.bits)) +
            ", group = " + std::to_string(format.group) + "> : (memref<?x" + k +
            "xi8>, memref<?xi8>, memref<?xi32>) -> ()\n  return\n}\n",
        "", level, "mad-multiply-codes{level=" + std::to_string(level) + "}");
    ASSERT_TRUE(compiled);
    auto a = lut::Arrangement::of(format, K);
    for (int64_t T : {8, 9}) {
      if (a.tables && T <= lut::tableRows && level < 3)
        continue; // arranged, in place of tables
      Array<int8_t> q({T, K});
      for (int64_t i = 0; i < T * K; ++i)
        q.data[i] = activation(i / K, i % K, random);
      Array<uint8_t> bytes({a.bytes(T)}), wanted({a.bytes(T)});
      Array<int32_t> sums({a.sums(T)}), wantedSums({a.sums(T)});
      compiled->call("run", q, bytes, sums);
      a.fill(q.data.data(), T, wanted.data.data(), wantedSums.data.data());
      EXPECT_EQ(sums.data, wantedSums.data) << format.str() << ", " << T << " rows";
      EXPECT_EQ(bytes.data, wanted.data) << format.str() << ", " << T << " rows";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, Precompute,
                         testing::Combine(testing::Values(0, 3, 4), testing::Values(false),
                                          testing::Values(0)));

// Pairs of codes of 1, 4 and 7 bits are added 64, 8 times and once in 16 bits; of 8 bits never.
// Codes of 1 bit are looked up for few rows, tables of 4 blocks and of one at a time.
INSTANTIATE_TEST_SUITE_P(Avx2, ByteProduct,
                         testing::Combine(testing::Values(3), testing::Values(false),
                                          testing::Values(1, 4, 7, 8)));
INSTANTIATE_TEST_SUITE_P(Avx512, ByteProduct,
                         testing::Combine(testing::Values(4), testing::Values(false),
                                          testing::Values(1, 4)));
// Codes of 2 and 4 bits are multiplied where they stand in their bytes, those of 3 are of two
// fields.
INSTANTIATE_TEST_SUITE_P(Vnni, ByteProduct,
                         testing::Combine(testing::Values(3, 4), testing::Values(true),
                                          testing::Values(1, 2, 3, 4)));
INSTANTIATE_TEST_SUITE_P(Levels, LargeTables,
                         testing::Combine(testing::Values(3, 4), testing::Bool(),
                                          testing::Values(1)));
INSTANTIATE_TEST_SUITE_P(Vnni, Base3Product,
                         testing::Combine(testing::Values(3, 4), testing::Values(true),
                                          testing::Values(2)));
INSTANTIATE_TEST_SUITE_P(Baseline, ByteProduct,
                         testing::Combine(testing::Values(0), testing::Values(false),
                                          testing::Values(8)));

} // namespace
