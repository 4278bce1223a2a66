//===- Scenarios.cpp - The kernels of these tests, each with its data ------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All data are small multiples of 1/8, so that every order of summation is exact and
// results are compared for equality.
//
//===----------------------------------------------------------------------===//
#include "test/unit/Simt/Scenarios.h"
#include <algorithm>
#include <bit>
#include <numeric>

using namespace mad::test;

static std::vector<float> numbers(size_t count, unsigned first = 0) {
  std::vector<float> made(count);
  for (size_t i = 0; i < count; ++i)
    made[i] = eighth(unsigned(i) + first);
  return made;
}

/// Sums of `group` numbers each.
static Outcome sums(const simt_kernel &kernel, unsigned threads, unsigned group, uint64_t seed) {
  Device device;
  const unsigned blocks = 3;
  auto x = numbers(size_t(blocks) * threads);
  float *from = device.copy(x), *to = device.make<float>(x.size() / group);
  Outcome outcome = device.run(kernel, {&from, &to}, launchOf(blocks, 1, threads, 0, seed));
  outcome.right = true;
  for (size_t i = 0; i < x.size() / group; ++i)
    outcome.right &= to[i] == std::accumulate(&x[i * group], &x[i * group] + group, 0.0f);
  return outcome;
}

static Outcome reduce(const simt_kernel &kernel, uint64_t seed, simt_arrival) {
  return sums(kernel, 256, 256, seed);
}

static Outcome shuffle(const simt_kernel &kernel, uint64_t seed, simt_arrival) {
  return sums(kernel, 128, 32, seed);
}

static Outcome named(const simt_kernel &kernel, uint64_t seed, simt_arrival) {
  Device device;
  std::vector<int32_t> x(256);
  std::iota(x.begin(), x.end(), 100);
  int32_t *at = device.copy(x);
  Outcome outcome = device.run(kernel, {&at}, launchOf(1, 1, 256, 0, seed));
  outcome.right = true; // turned twice, 1 added each time
  for (size_t i = 0; i < x.size(); ++i)
    outcome.right &= at[i] == x[i] + 2;
  return outcome;
}

static Outcome warp(const simt_kernel &kernel, uint64_t seed, simt_arrival) {
  Device device;
  std::vector<uint8_t> x(64);
  std::iota(x.begin(), x.end(), uint8_t(3));
  uint8_t *from = device.copy(x), *to = device.make<uint8_t>(64);
  Outcome outcome = device.run(kernel, {&from, &to}, launchOf(1, 1, 64, 0, seed));
  outcome.right = true;
  for (size_t i = 0; i < x.size(); ++i)
    outcome.right &= to[i] == x[i ^ 31];
  return outcome;
}

static Outcome store(const simt_kernel &kernel, uint64_t seed, simt_arrival) {
  Device device;
  auto *to = device.make<uint16_t>(64 * 64);
  alignas(64) char map[128];
  uint64_t dims[] = {64, 64}, strides[] = {128};
  uint32_t box[] = {64, 32};
  Outcome outcome;
  if (simt_tensor_map(map, 2, 2, to, dims, strides, box, SIMT_SWIZZLE_128B))
    return outcome;
  outcome = device.run(kernel, {map}, launchOf(1, 1, 64, 0, seed));
  outcome.right = true;
  for (unsigned i = 0; i < 64 * 64; ++i)
    outcome.right &= to[i] == i;
  return outcome;
}

static Outcome blocks(const simt_kernel &kernel, uint64_t seed, simt_arrival) {
  Device device;
  auto *sum = device.copy(std::vector<int32_t>{0});
  simt_launch launch = launchOf(5, 1, 64, 0, seed);
  launch.global_races = SIMT_RACES_ALL;
  Outcome outcome = device.run(kernel, {&sum}, launch);
  outcome.right = *sum == 2 * 5 * 64;
  return outcome;
}

static Outcome lastBlock(const simt_kernel &kernel, uint64_t seed, simt_arrival) {
  Device device;
  std::vector<int32_t> x(5 * 64);
  std::iota(x.begin(), x.end(), 7);
  auto *from = device.copy(x), *parts = device.make<int32_t>(x.size());
  auto *counter = device.copy(std::vector<int32_t>{0});
  auto *sum = device.copy(std::vector<int32_t>{0});
  simt_launch launch = launchOf(5, 1, 64, 0, seed);
  launch.global_races = SIMT_RACES_ALL;
  Outcome outcome = device.run(kernel, {&from, &parts, &counter, &sum}, launch);
  outcome.right = *sum == std::accumulate(x.begin(), x.end(), 0) && *counter == 0;
  return outcome;
}

static Outcome systems(const simt_kernel &kernel, uint64_t seed, simt_arrival) {
  Device device;
  int rows = 5;
  std::vector<int32_t> x(rows * 64);
  std::iota(x.begin(), x.end(), 7);
  auto *from = device.copy(x), *scratch = device.make<int32_t>(2 * 64);
  auto *to = device.make<int32_t>(x.size());
  simt_launch launch = launchOf(2, 1, 64, 0, seed);
  launch.global_races = SIMT_RACES_ALL;
  Outcome outcome = device.run(kernel, {&from, &scratch, &to, &rows}, launch);
  outcome.right = true;
  for (size_t i = 0; i < x.size(); ++i)
    outcome.right &= to[i] == x[i] + x[i / 64 * 64 + 63 - i % 64];
  return outcome;
}

/// In clusters of two blocks.
static Outcome clusterExchange(const simt_kernel &kernel, uint64_t seed, simt_arrival) {
  Device device;
  auto *x = device.make<uint8_t>(6 * 64), *y = device.make<uint8_t>(6 * 64);
  simt_launch launch = launchOf(6, 1, 64, 0, seed);
  launch.global_races = SIMT_RACES_ALL;
  Outcome outcome = device.run(kernel, {&x, &y}, launch);
  outcome.right = true;
  for (unsigned i = 0; i < 6 * 64; ++i)
    outcome.right &= y[i] == uint8_t(i / 6 * 6 + (i % 6 ^ 1));
  return outcome;
}

/// In clusters of four blocks.
static Outcome clusterSum(const simt_kernel &kernel, uint64_t seed, simt_arrival) {
  Device device;
  auto x = numbers(8 * 64);
  float *from = device.copy(x), *to = device.make<float>(x.size());
  Outcome outcome = device.run(kernel, {&from, &to}, launchOf(8, 1, 64, 0, seed));
  outcome.right = true;
  for (size_t i = 0; i < x.size(); ++i) {
    size_t first = i / 256 * 256 + i % 64;
    outcome.right &= to[i] == x[first] + x[first + 64] + x[first + 128] + x[first + 192];
  }
  return outcome;
}

static Outcome clusterMulticast(const simt_kernel &kernel, uint64_t seed, simt_arrival arrival) {
  Device device;
  auto x = numbers(6 * 64);
  float *from = device.copy(x), *to = device.make<float>(4 * 64);
  simt_launch launch = launchOf(4, 1, 96, 0, seed);
  launch.arrival = arrival;
  Outcome outcome = device.run(kernel, {&from, &to}, launch);
  outcome.right = true;
  for (size_t i = 0; i < 64; ++i) {
    float sum = 0;
    for (size_t tile = 0; tile < 6; ++tile)
      sum += x[tile * 64 + i];
    for (size_t b = 0; b < 4; ++b)
      outcome.right &= to[b * 64 + i] == float(b % 2 + 1) * sum;
  }
  return outcome;
}

static Outcome votes(const simt_kernel &kernel, uint64_t seed, simt_arrival) {
  Device device;
  std::vector<uint32_t> x(32);
  for (unsigned i = 0; i < 32; ++i)
    x[i] = i * 5 % 24;
  auto *from = device.copy(x), *to = device.make<uint32_t>(32 * 16);
  Outcome outcome = device.run(kernel, {&from, &to}, launchOf(1, 1, 32, 0, seed));
  uint32_t ballot = 0, sum = 0, most = 0, parity = 0;
  for (unsigned i = 0; i < 32; ++i) {
    ballot |= uint32_t(x[i] < 16) << i;
    sum += x[i];
    most = std::max(most, x[i]);
    parity ^= x[i];
  }
  outcome.right = true;
  for (unsigned i = 0; i < 32; ++i) {
    uint32_t same = 0;
    for (unsigned j = 0; j < 32; ++j)
      same |= uint32_t(x[j] == x[i]) << j;
    const uint32_t expected[16] = {i >= 3 ? x[i - 3] : x[i],
                                   i + 3 < 32 ? x[i + 3] : x[i],
                                   x[3],
                                   x[(i & ~3u) + 3],
                                   ballot,
                                   1,
                                   0,
                                   sum,
                                   most,
                                   parity,
                                   same,
                                   i == 0,
                                   (1u << i) - 1,
                                   i + 4 < 32 ? x[i + 4] : x[i],
                                   i + 4 < 32,
                                   (x[i] & 3) | 16};
    outcome.right &= std::equal(expected, expected + 16, to + 16 * i);
  }
  return outcome;
}

//===----------------------------------------------------------------------===//
// Products: C = A * B
//===----------------------------------------------------------------------===//

static bool isProduct(const float *c, const std::vector<float> &a, const std::vector<float> &b,
                      int m, int n, int k) {
  for (int i = 0; i < m; ++i)
    for (int j = 0; j < n; ++j) {
      double sum = 0;
      for (int l = 0; l < k; ++l)
        sum += double(a[i * k + l]) * b[l * n + j];
      if (c[i * n + j] != float(sum))
        return false;
    }
  return true;
}

template <typename F> static std::vector<uint16_t> narrow(const std::vector<float> &x, F to) {
  std::vector<uint16_t> made(x.size());
  std::transform(x.begin(), x.end(), made.begin(), to);
  return made;
}

static Outcome product(const simt_kernel &kernel, uint64_t seed, simt_arrival arrival,
                       uint16_t (*to)(float)) {
  Device device;
  int m = 64, n = 128, k = 160;
  auto a = numbers(m * k), b = numbers(k * n, 7);
  uint16_t *pa = device.copy(narrow(a, to)), *pb = device.copy(narrow(b, to));
  float *pc = device.make<float>(m * n);
  simt_launch launch = launchOf(n / 64, m / 64, 256, 24576, seed);
  launch.arrival = arrival;
  Outcome outcome = device.run(kernel, {&pa, &pb, &pc, &m, &n, &k}, launch);
  outcome.right = isProduct(pc, a, b, m, n, k);
  return outcome;
}

static Outcome halves(const simt_kernel &kernel, uint64_t seed, simt_arrival arrival) {
  return product(kernel, seed, arrival, toHalf);
}

static Outcome bfloats(const simt_kernel &kernel, uint64_t seed, simt_arrival arrival) {
  return product(kernel, seed, arrival, toBfloat);
}

static Outcome warpgroups(const simt_kernel &kernel, uint64_t seed, simt_arrival arrival) {
  Device device;
  int m = 128, n = 64, k = 448;
  auto a = numbers(m * k), b = numbers(k * n, 7);
  std::vector<float> transposed(b.size());
  for (int i = 0; i < k; ++i)
    for (int j = 0; j < n; ++j)
      transposed[j * k + i] = b[i * n + j];
  uint16_t *pa = device.copy(narrow(a, toHalf)), *pb = device.copy(narrow(transposed, toHalf));
  float *pc = device.make<float>(m * n);
  alignas(64) char mapA[128], mapB[128];
  uint64_t dimsA[] = {uint64_t(k), uint64_t(m)}, dimsB[] = {uint64_t(k), uint64_t(n)};
  uint64_t strides[] = {uint64_t(k) * 2};
  uint32_t boxA[] = {64, 128}, boxB[] = {64, 32};
  Outcome outcome;
  if (simt_tensor_map(mapA, 2, 2, pa, dimsA, strides, boxA, SIMT_SWIZZLE_128B) ||
      simt_tensor_map(mapB, 2, 2, pb, dimsB, strides, boxB, SIMT_SWIZZLE_128B))
    return outcome;
  simt_launch launch = launchOf(n / 32, m / 128, 384, 61488, seed);
  launch.arrival = arrival;
  outcome = device.run(kernel, {mapA, mapB, &pc, &m, &n, &k}, launch);
  outcome.right = isProduct(pc, a, b, m, n, k);
  return outcome;
}

const std::vector<Scenario> &mad::test::scenarios() {
  static const std::vector<Scenario> all = {
      {"reduce.mlir", "reduce", reduce},
      {"shuffle.mlir", "shuffle", shuffle},
      {"named.mlir", "named", named},
      {"warp.mlir", "warp", warp},
      {"store.mlir", "store", store},
      {"blocks.mlir", "blocks", blocks},
      {"last-block.mlir", "sum", lastBlock},
      {"last-block-wraps.mlir", "sum", lastBlock},
      {"named-readers.mlir", "sum", lastBlock},
      {"systems.mlir", "systems", systems},
      {"cluster-exchange.mlir", "exchange", clusterExchange},
      {"votes.mlir", "votes", votes},
      {"gemm-f16.mlir", "gemm", halves},
      {"gemm-bf16.mlir", "gemm", bfloats},
      {"gemm-wgmma.mlir", "wg", warpgroups},
      {"cluster-sum.mlir", "sum", clusterSum},
      {"cluster-multicast.mlir", "share", clusterMulticast},
  };
  return all;
}

const Scenario &mad::test::scenario(const std::string &file) {
  return *std::find_if(scenarios().begin(), scenarios().end(),
                       [&](const Scenario &s) { return s.file == file; });
}
