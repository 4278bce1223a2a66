//===- AttentionTest.cpp - Attention on GPUs against f64 ---------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// In the emulator, as NumbersTest. Elements are multiples of 1/8 up to 1 in size and the scale is a
// power of two, so scores, and differences of two, are exact in f32. What is left, in units of u =
// 2^-24: a power is off by 2 (exp); it is scaled, with what it went into, by at most one exp and
// one product for each tile of keys and once more at the end, 3 each; its sum rounds at most once
// for each key. A result is a quotient of two such sums, the one above with terms of at most 1 in
// size: twice that, and 2 for quotient and product. Where powers are rounded to f16 or bf16 for the
// second product they are off by half a place of that, as is the result.
//
//===----------------------------------------------------------------------===//
#include "test/unit/Gpu/Emulated.h"
#include <cmath>

using namespace mad;
using namespace mad::test;

namespace {

struct Form {
  int width, rows, keys;
  int rowsOfBlock;
  bool causal = false;
  int heads = 2, batch = 2;
  double place = 0; ///< half a place of the element type
};

/// One row in f64.
std::vector<double> expected(const Form &of, const std::vector<double> &scores,
                             std::function<double(int key, int column)> v) {
  double most = -INFINITY, total = 0;
  for (double score : scores)
    most = std::max(most, score);
  std::vector<double> row(of.width);
  for (size_t j = 0; j < scores.size(); ++j) {
    const double power = std::exp(scores[j] - most);
    total += power;
    for (int c = 0; c < of.width; ++c)
      row[c] += power * v(j, c);
  }
  for (double &x : row)
    x /= total;
  return row;
}

/// What a parameter of a kernel by tensor map is.
struct alignas(128) Map {
  char bytes[128];
};
template <typename T> void describe(Map &map, const Form &of, int rows, T *memory) {
  const uint64_t columns = uint64_t(of.heads) * of.width, count = rows;
  const uint64_t sizes[] = {columns, count, uint64_t(of.batch)};
  const uint64_t strides[] = {columns * 2, columns * 2 * count};
  const uint32_t box[] = {64, 64, 1};
  ASSERT_EQ(simt_tensor_map(&map, 2, 3, memory, sizes, strides, box, SIMT_SWIZZLE_128B), nullptr);
}

template <typename T> void attention(const std::string &name, Form of, uint64_t seed = 1) {
  SCOPED_TRACE(name + " of " + std::to_string(of.rows) + " and " + std::to_string(of.keys));
  Emulated emulated(name);
  const size_t stride = size_t(of.heads) * of.width;
  auto q = eighths<T>(of.batch * of.rows * stride, 1),
       k = eighths<T>(of.batch * of.keys * stride, 2);
  auto v = eighths<T>(of.batch * of.keys * stride, 3);
  T *pq = emulated.upload(q), *pk = emulated.upload(k), *pv = emulated.upload(v);
  T *po = emulated.output<T>(q.size());
  float scale = 0.5f;
  Map maps[3];
  Parameters parameters{&pq, &pk, &pv, &po, &of.rows, &of.keys, &scale};
  const bool groups = name.find("wgmma") != std::string::npos;
  if (groups) {
    describe(maps[0], of, of.rows, pq);
    describe(maps[1], of, of.keys, pk);
    describe(maps[2], of, of.keys, pv);
    for (int i = 0; i < 3; ++i)
      parameters[i] = &maps[i];
    parameters.push_back(&of.heads);
    parameters.push_back(&of.batch);
    // Any number of blocks: each has several tiles, some more than others.
    emulated.run({3, 1, 1}, parameters, seed);
  } else {
    emulated.run({uint32_t(of.rows + of.rowsOfBlock - 1) / of.rowsOfBlock, uint32_t(of.heads),
                  uint32_t(of.batch)},
                 parameters, seed);
  }
  const double u = 0x1p-24, tolerance = 2 * (2 + 3 * (of.keys / 8 + 2) + of.keys) * u + 2 * u +
                                        (of.place ? 2.5 * of.place : 0);
  for (int b = 0; b < of.batch; ++b)
    for (int h = 0; h < of.heads; ++h) {
      auto at = [&](const std::vector<T> &x, int count, int row, int column) {
        return static_cast<double>(x[(size_t(b) * count + row) * stride + h * of.width + column]);
      };
      for (int i = 0; i < of.rows; ++i) {
        std::vector<double> scores;
        for (int j = 0; j < of.keys && (!of.causal || j <= i + of.keys - of.rows); ++j) {
          double sum = 0;
          for (int d = 0; d < of.width; ++d)
            sum += at(q, of.rows, i, d) * at(k, of.keys, j, d);
          scores.push_back(sum * scale);
        }
        auto row = expected(of, scores, [&](int j, int c) { return at(v, of.keys, j, c); });
        for (int c = 0; c < of.width; ++c) {
          const double found =
              static_cast<double>(po[(size_t(b) * of.rows + i) * stride + h * of.width + c]);
          ASSERT_NEAR(found, row[c], tolerance) << b << ", " << h << ", " << i << ", " << c;
        }
      }
    }
}

TEST(PlainAttention, AnySize) {
  for (uint64_t seed : {1, 2, 3})
    attention<float>("attention_f32_32", {32, 37, 45, 32}, seed);
  attention<float>("attention_f32_32", {32, 1, 1, 32});
  attention<float>("attention_f32_32", {32, 3, 200, 32});
  attention<float>("attention_f32_64_causal", {64, 21, 40, 16, true});
  attention<float>("attention_f32_64_causal", {64, 40, 40, 16, true}, 2);
  attention<float>("attention_f32_128", {128, 9, 70, 8});
  attention<float>("attention_f32_37", {37, 17, 19, 16});
}

// Sums of products may cross a place of 2^-126 behind exp2, which is nothing here.
TEST(WarpAttention, AnySize) {
  const double half = 0x1p-11, brain = 0x1p-8;
  for (uint64_t seed : {1, 2, 3})
    attention<Half>("attention_mma_f16_64", {64, 150, 140, 128, false, 1, 2, half}, seed);
  attention<Half>("attention_mma_f16_64", {64, 1, 1, 128, false, 2, 1, half});
  attention<Half>("attention_mma_f16_64_causal", {64, 140, 200, 128, true, 2, 1, half});
  attention<Half>("attention_mma_f16_128", {128, 40, 129, 128, false, 1, 1, half});
  attention<Half>("attention_mma_f16_128_causal", {128, 70, 70, 128, true, 1, 1, half});
  attention<Brain>("attention_mma_bf16_32", {32, 20, 90, 128, false, 1, 2, brain});
  attention<Half>("attention_mma_f16_37", {37, 33, 50, 128, true, 2, 2, half});
  attention<Half>("attention_mma_f16_256", {256, 20, 50, 64, false, 1, 1, half});
}

TEST(GroupAttention, AnySize) {
  const double half = 0x1p-11, brain = 0x1p-8;
  for (uint64_t seed : {1, 2, 3})
    attention<Half>("attention_wgmma_f16_64", {64, 150, 400, 128, false, 1, 2, half}, seed);
  attention<Half>("attention_wgmma_f16_64", {64, 1, 1, 128, false, 2, 1, half});
  attention<Half>("attention_wgmma_f16_64_causal", {64, 140, 200, 128, true, 2, 1, half});
  attention<Half>("attention_wgmma_f16_64_wide", {64, 200, 140, 192, false, 2, 1, half});
  attention<Half>("attention_wgmma_f16_64_wide_causal", {64, 210, 230, 192, true, 1, 2, half});
  attention<Half>("attention_wgmma_f16_96", {96, 70, 140, 128, false, 2, 1, half});
  attention<Brain>("attention_wgmma_bf16_32_causal", {32, 260, 260, 128, true, 1, 1, brain});
  attention<Half>("attention_wgmma_f16_128", {128, 130, 257, 128, false, 1, 1, half});
  attention<Half>("attention_wgmma_f16_128_causal", {128, 150, 150, 128, true, 1, 1, half}, 2);
}

} // namespace
