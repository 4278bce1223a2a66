//===- NumbersTest.cpp - GPU kernels against sums in f64 --------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels of the catalogue run in the emulator, which also finds races, reads of what
// nobody wrote, and places outside of memory. Sizes are no multiples of tiles.
//
// Factors are multiples of 1/8 up to 1 in size, so products are multiples of 1/64 up to 1, and
// a sum of at most 2^17 of them is exact in f32, in any order. An f16 result is that sum
// rounded once: half a place, 2^-11 of it.
//
//===----------------------------------------------------------------------===//
#include "test/unit/Gpu/Emulated.h"
#include <cmath>
#include <functional>

using namespace mad;
using namespace mad::test;

namespace {

struct Product {
  int m, n, k;
  bool transposed = false; ///< B is [N, K]
  bool bias = false;       ///< one a column, and no negative results
  bool strides = true;     ///< the kernel is for batches
  bool columns = false;    ///< A is [K, M]
};

/// What is wrong is told once.
template <typename In, typename Out>
void compare(const Product &of, const std::vector<In> &a, const std::vector<In> &b,
             const std::vector<float> &bias, const Out *c) {
  for (int i = 0; i < of.m; ++i)
    for (int j = 0; j < of.n; ++j) {
      double sum = 0;
      for (int k = 0; k < of.k; ++k)
        sum += static_cast<double>(a[of.columns ? k * of.m + i : i * of.k + k]) *
               static_cast<double>(of.transposed ? b[j * of.k + k] : b[k * of.n + j]);
      if (of.bias)
        sum = std::max(sum + bias[j], 0.0);
      const double tolerance = sizeof(Out) == 2 ? std::abs(sum) * 0x1p-11 : 0;
      ASSERT_NEAR(static_cast<double>(c[i * of.n + j]), sum, tolerance) << i << ", " << j;
    }
}

template <typename In, typename Out>
void product(const std::string &name, Product of, std::vector<uint32_t> grid, uint64_t seed = 1) {
  SCOPED_TRACE(name);
  Emulated emulated(name);
  auto a = eighths<In>(size_t(of.m) * of.k, 1), b = eighths<In>(size_t(of.k) * of.n, 2);
  auto bias = eighths<float>(of.n, 3);
  In *left = emulated.upload(a), *right = emulated.upload(b);
  Out *c = emulated.output<Out>(size_t(of.m) * of.n);
  float *extra = emulated.upload(bias);
  int64_t stride = 0;
  Parameters parameters{&left, &right, &c, &of.m, &of.n, &of.k};
  if (of.strides)
    parameters.insert(parameters.end(), 3, &stride);
  if (of.bias)
    parameters.push_back(&extra);
  emulated.run(grid, parameters, seed);
  compare(of, a, b, bias, c);
}

TEST(PlainMatmul, AnySize) {
  product<float, float>("matmul_f32", {136, 140, 20}, {2, 2});
  product<float, float>("matmul_f32_nt", {136, 140, 20, true}, {2, 2});
  product<float, float>("matmul_f32_odd", {131, 77, 13}, {1, 2});
  product<float, float>("matmul_f32_bias", {20, 132, 4, false, true}, {2, 1});
  product<float, float>("matmul_f32_turns", {135, 140, 20, false, true}, {2, 2});
  product<float, float>("matmul_f32_tn", {136, 140, 20, false, false, true, true}, {2, 2});
  product<float, float>("matmul_f32_64", {70, 76, 36}, {2, 2});
  product<float, float>("matmul_f32_32", {33, 68, 100}, {3, 2});
}

// The sums of three parts, the last of which is short; a part that is all there is.
TEST(PlainMatmul, LongSums) {
  for (uint64_t seed : {1, 2, 3})
    product<float, float>("matmul_f32_long", {20, 36, 2060}, {1, 1}, seed);
  product<float, float>("matmul_f32_16_long", {17, 36, 2060}, {2, 2});
  product<float, float>("matmul_f32_long", {20, 36, 1024}, {1, 1});
  product<float, float>("matmul_f32_long", {20, 36, 4}, {1, 1});
  // An epilogue behind the last part alone.
  product<float, float>("matmul_f32_long_turns", {20, 37, 2061, true, true}, {1, 1});
}

/// Warps that share a tile.
TEST(PlainMatmul, PartsOfK) {
  for (uint64_t seed : {1, 2, 3})
    product<float, float>("matmul_f32_16", {17, 36, 140}, {2, 2}, seed);
  product<float, float>("matmul_f32_16", {16, 32, 4}, {1, 1});
}

TEST(WarpMatmul, AnySize) {
  for (uint64_t seed : {1, 2}) {
    product<Half, Half>("matmul_mma_f16", {136, 136, 104}, {2, 2}, seed);
    product<Half, float>("matmul_mma_f16_nt", {136, 136, 104, true}, {2, 2}, seed);
  }
  product<Half, Half>("matmul_mma_f16_odd", {131, 77, 71}, {1, 2});
  product<Half, Half>("matmul_mma_f16_turns", {135, 136, 104, false, true}, {2, 2});
  product<Half, Half>("matmul_mma_f16_small", {72, 72, 104}, {2, 2});
  product<Half, float>("matmul_mma_f16_long", {24, 40, 8200}, {1, 1});
  product<Brain, float>("matmul_mma_bf16", {136, 136, 40}, {2, 2});
  product<float, float>("matmul_mma_tf32", {132, 140, 44}, {2, 2});
  product<float, float>("matmul_mma_tf32_nt", {132, 140, 44, true}, {2, 2});
  product<float, float>("matmul_mma_tf32_odd", {131, 77, 39}, {1, 2});
}

/// With as many rows as there may be, one, and some; k and columns that end inside of a tile.
template <typename In, typename Out>
void fewRows(const std::string &name, int rows, bool transposed, uint32_t columns) {
  // The last goes around the ring; in f32 each lane reads for itself, which takes the emulator
  // long.
  const bool single = sizeof(In) == 4;
  const int sizes[][3] = {{1, 40, 8},
                          {rows - 3, single ? 36 : 136, 328},
                          {rows, single ? 36 : 200, single ? 1028 : 2568}};
  uint64_t seed = 0;
  for (auto [m, n, k] : sizes)
    product<In, Out>(name, {m, n, k, transposed, false, false}, {(n + columns - 1) / columns},
                     ++seed);
}
TEST(FewRowsMatmul, AnySize) {
  fewRows<Half, Half>("matmul_few8_f16_nt", 8, true, 16);
  fewRows<Half, Half>("matmul_few8_f16", 8, false, 64);
  fewRows<Brain, float>("matmul_few8_bf16_nt", 8, true, 16);
  fewRows<Half, Half>("matmul_few16_f16_nt", 16, true, 16);
  fewRows<Half, Half>("matmul_few16_f16", 16, false, 64);
  fewRows<Half, Half>("matmul_few8_f16_nt_early", 8, true, 16);
  fewRows<Half, Half>("matmul_few8_f16_early", 8, false, 64);
}
TEST(FewRowsMatmul, Single) {
  fewRows<float, float>("matmul_few8_f32_nt", 8, true, 32);
  fewRows<float, float>("matmul_few8_f32", 8, false, 32);
  fewRows<float, float>("matmul_few16_f32_nt", 16, true, 32);
  fewRows<float, float>("matmul_few16_f32", 16, false, 32);
}
TEST(FewRowsMatmul, ManyRows) {
  fewRows<Half, Half>("matmul_few32_f16_nt", 32, true, 32);
  fewRows<Half, Half>("matmul_few32_f16", 32, false, 32);
  fewRows<Half, Half>("matmul_few32_f16_wide", 32, false, 128);
  fewRows<Half, Half>("matmul_few64_f16_nt", 64, true, 32);
  fewRows<Half, Half>("matmul_few64_f16", 64, false, 32);
  fewRows<Half, Half>("matmul_few64_f16_nt_wide", 64, true, 96);
  fewRows<Half, Half>("matmul_few64_f16_wide", 64, false, 128);
}
/// Matrices of a batch lie any distance apart; a stride of 0 shares one.
template <typename In, typename Out> void batch(const std::string &name, Product of) {
  SCOPED_TRACE(name);
  constexpr int count = 3, gap = 8;
  Emulated emulated(name);
  const int64_t ofA = of.m * of.k + gap, ofC = of.m * of.n;
  auto a = eighths<In>(count * ofA, 1), b = eighths<In>(size_t(of.k) * of.n, 2);
  In *left = emulated.upload(a), *right = emulated.upload(b);
  Out *c = emulated.output<Out>(count * ofC);
  int64_t strideA = ofA, strideB = 0, strideC = ofC;
  emulated.run({1, 1, count},
               {&left, &right, &c, &of.m, &of.n, &of.k, &strideA, &strideB, &strideC});
  for (int z = 0; z < count; ++z)
    compare(of, std::vector<In>(a.begin() + z * ofA, a.begin() + (z + 1) * ofA), b, {},
            c + z * ofC);
}

TEST(Batch, EachBlockOfIt) {
  batch<float, float>("matmul_f32", {8, 12, 8});
  batch<Half, Half>("matmul_mma_f16", {24, 40, 16});
}

/// The same with tensor maps, whose parameter is the map itself.
template <typename Out, typename In = Half>
void groupProduct(const std::string &name, Product of, uint32_t blocks, uint64_t seed = 1,
                  uint32_t box = 128, uint32_t rowsOfA = 128, uint32_t width = 128 / sizeof(In)) {
  SCOPED_TRACE(name);
  Emulated emulated(name);
  auto a = eighths<In>(size_t(of.m) * of.k, 1), b = eighths<In>(size_t(of.k) * of.n, 2);
  auto bias = eighths<float>(of.n, 3);
  In *left = emulated.upload(a), *right = emulated.upload(b);
  Out *c = emulated.output<Out>(size_t(of.m) * of.n);
  float *extra = emulated.upload(bias);
  const uint64_t k = of.k, n = of.n, m = of.m;
  Map mapA(left, of.columns ? k : m, of.columns ? m : k, of.columns ? 64 : rowsOfA);
  Map mapB(right, of.transposed ? n : k, of.transposed ? k : n, box, width);
  Parameters parameters{&mapA, &mapB, &c, &of.m, &of.n, &of.k};
  if (of.bias)
    parameters.push_back(&extra);
  emulated.run({blocks}, parameters, seed);
  compare(of, a, b, bias, c);
}

/// `box`, `width`: of B. Of the last k of the first size one block of a cluster has all, the other
/// one none.
void fewByMap(const std::string &name, uint32_t rows, bool transposed, uint32_t columns,
              uint32_t box, uint32_t cluster = 1, uint32_t width = 64) {
  const int sizes[][3] = {{1, 40, 8}, {int(rows) - 3, 136, 328}, {int(rows), 200, 2568}};
  uint64_t seed = 0;
  for (auto [m, n, k] : sizes)
    groupProduct<Half>(name, {m, n, k, transposed}, (n + columns - 1) / columns * cluster, ++seed,
                       box, rows, width);
}
TEST(FewRowsMatmul, ByMap) {
  fewByMap("matmul_few8_f16_nt_map", 8, true, 32, 32);
  fewByMap("matmul_few64_f16_nt_map_16", 64, true, 16, 16);
  fewByMap("matmul_few64_f16_nt_map_64", 64, true, 64, 64);
  fewByMap("matmul_few64_f16_nt_map_88", 64, true, 88, 88);
  fewByMap("matmul_few64_f16_nt_map_112", 64, true, 112, 112);
  fewByMap("matmul_few64_f16_map_48", 64, false, 48, 64, 1, 48);
  fewByMap("matmul_few64_f16_map_64", 64, false, 64, 64);
  fewByMap("matmul_few64_f16_map_96", 64, false, 96, 64, 1, 48);
  fewByMap("matmul_few64_f16_map_128", 64, false, 128, 64);
  fewByMap("matmul_few64_f16_map_256", 64, false, 256, 64);
}
TEST(FewRowsMatmul, ByMapInClusters) {
  fewByMap("matmul_few8_f16_map", 8, false, 64, 128, 2);
  fewByMap("matmul_few32_f16_nt_map", 32, true, 64, 64, 2);
  fewByMap("matmul_few64_f16_nt_map", 64, true, 64, 64, 2);
  fewByMap("matmul_few32_f16_map", 32, false, 64, 128, 2);
  fewByMap("matmul_few64_f16_map", 64, false, 64, 64, 2);
}

TEST(GroupMatmul, AnySizeAndNumberOfBlocks) {
  for (uint64_t seed : {1, 2, 3})
    groupProduct<Half>("matmul_wgmma_f16", {200, 312, 200, true}, 2, seed);
  groupProduct<Half>("matmul_wgmma_f16", {128, 256, 64, true}, 1);
  groupProduct<float>("matmul_wgmma_f16_f32", {200, 130, 328, true}, 3);
  groupProduct<float>("matmul_wgmma_f16_f32", {300, 250, 328, true}, 1);
  groupProduct<Half>("matmul_wgmma_f16_bias", {200, 312, 136, true, true}, 3);
}

/// What the emulator says of a product of 200 x 136 x 200 whose tensor maps are not those that the
/// kernel expects; "numbers" where it finds nothing, and the result is wrong.
static std::string withMaps(const uint64_t (&dimsA)[2], const uint32_t (&boxA)[2],
                            const uint64_t (&dimsB)[2], const uint32_t (&boxB)[2]) {
  const Product of = {200, 136, 200, true};
  Emulated emulated("matmul_wgmma_f16");
  auto a = eighths<Half>(size_t(of.m) * of.k, 1), b = eighths<Half>(size_t(of.k) * of.n, 2);
  Half *left = emulated.upload(a), *right = emulated.upload(b);
  Half *c = emulated.output<Half>(size_t(of.m) * of.n);
  struct alignas(128) Map {
    char bytes[128];
  } mapA, mapB;
  const uint64_t strideA[] = {dimsA[0] * 2}, strideB[] = {dimsB[0] * 2};
  for (const char *wrong :
       {simt_tensor_map(&mapA, 2, 2, left, dimsA, strideA, boxA, SIMT_SWIZZLE_128B),
        simt_tensor_map(&mapB, 2, 2, right, dimsB, strideB, boxB, SIMT_SWIZZLE_128B)})
    if (wrong)
      return wrong;
  int m = of.m, n = of.n, k = of.k;
  void *parameters[] = {&mapA, &mapB, &c, &m, &n, &k};
  std::string found;
  simt_launch launch{};
  launch.grid[0] = 2, launch.grid[1] = launch.grid[2] = 1;
  launch.block[0] = emulated.kernel.threads, launch.block[1] = launch.block[2] = 1;
  launch.dynamic_shared = emulated.kernel.sharedBytes;
  launch.user = &found;
  launch.found = [](void *user, const simt_finding *finding) {
    if (auto &text = *static_cast<std::string *>(user); text.empty())
      text = simt_kind_name(finding->kind);
  };
  simt_result result{};
  EXPECT_EQ(simt_run(emulated.device, llvm::cantFail(emulated.module->kernel(emulated.name)),
                     parameters, &launch, &result),
            SIMT_OK)
      << result.message;
  if (!found.empty())
    return found;
  for (int i = 0; i < m; ++i)
    for (int j = 0; j < n; ++j) {
      double sum = 0;
      for (int x = 0; x < k; ++x)
        sum += static_cast<double>(a[i * k + x]) * static_cast<double>(b[j * k + x]);
      if (std::abs(static_cast<double>(c[i * n + j]) - sum) > std::abs(sum) * 0x1p-11)
        return "numbers";
    }
  return "";
}

TEST(GroupMatmul, MapsThatAreWrongAreFound) {
  EXPECT_EQ(withMaps({200, 200}, {64, 128}, {200, 136}, {64, 128}), "");
  // Fewer bytes arrive than are waited for, or more.
  EXPECT_EQ(withMaps({200, 200}, {64, 64}, {200, 136}, {64, 128}), "deadlock");
  EXPECT_NE(withMaps({200, 200}, {64, 128}, {200, 136}, {64, 256}), "");
  EXPECT_EQ(withMaps({200, 200}, {32, 128}, {200, 136}, {64, 128}), "deadlock");
  // Sizes in the other order, rows that are not there, and rows of another length.
  EXPECT_NE(withMaps({200, 200}, {64, 128}, {136, 200}, {64, 128}), "");
  EXPECT_EQ(withMaps({200, 300}, {64, 128}, {200, 136}, {64, 128}), "bounds-global");
  EXPECT_EQ(withMaps({199, 200}, {64, 128}, {200, 136}, {64, 128}),
            "strides must be multiples of 16 below 2^40");
}

/// A as [K, M], with either form of B; the first one in a loop over the columns that a thread
/// stores.
TEST(GroupMatmul, ColumnsOfA) {
  for (uint64_t seed : {1, 2})
    groupProduct<Half>("matmul_wgmma_f16_tn", {200, 312, 200, false, true, false, true}, 2, seed,
                       64);
  groupProduct<Half>("matmul_wgmma_f16_192", {200, 392, 200}, 2, 1, 64);
  groupProduct<float>("matmul_wgmma_f16_tt", {136, 72, 72, true, false, false, true}, 2, 1, 64);
}

/// Sums of 128 are added up in memory; the last one is short, and so is the only one.
TEST(GroupMatmul, LongSums) {
  for (uint64_t seed : {1, 2})
    groupProduct<float>("matmul_wgmma_f16_long", {136, 264, 296, true}, 2, seed);
  groupProduct<float>("matmul_wgmma_f16_long", {72, 40, 128, true}, 1);
  groupProduct<float>("matmul_wgmma_f16_long", {72, 40, 40, true}, 1);
}

/// B as [K, N].
TEST(GroupMatmul, Across) {
  for (uint64_t seed : {1, 2})
    groupProduct<Half>("matmul_wgmma_f16_row", {200, 312, 200}, 2, seed, 64);
  groupProduct<Half>("matmul_wgmma_f16_row", {128, 256, 64}, 1, 1, 64);
}

/// f32 as parts of bf16, as a kernel of its own makes them in programs: each row is that of all
/// first parts, of all second ones, of all third ones, each filled up to a multiple of 64.
static std::vector<uint16_t> inParts(const std::vector<float> &values, int columns) {
  const size_t padded = (columns + 63) / 64 * 64, rows = values.size() / columns;
  std::vector<uint16_t> all(rows * 3 * padded);
  for (size_t i = 0; i < values.size(); ++i) {
    float rest = values[i];
    for (int part = 0; part < 3; ++part) {
      uint32_t bits = std::bit_cast<uint32_t>(rest);
      bits = ((bits & 0x7fffffff) < 0x7f7f8000 ? bits + 0x8000 : bits) & 0xffff0000;
      all[(i / columns * 3 + part) * padded + i % columns] = bits >> 16;
      rest -= std::bit_cast<float>(bits);
    }
  }
  return all;
}

/// A product of f32 in parts; what is wrong is left to the caller.
template <typename Out>
std::vector<Out> partsProduct(const std::string &name, const Product &of,
                              const std::vector<float> &a, const std::vector<float> &b,
                              uint32_t blocks, uint64_t seed, uint32_t box,
                              const std::vector<float> &bias = {}) {
  SCOPED_TRACE(name);
  Emulated emulated(name);
  const int ofA = of.columns ? of.m : of.k, ofB = of.transposed ? of.k : of.n;
  auto *left = emulated.upload(inParts(a, ofA)), *right = emulated.upload(inParts(b, ofB));
  float *wholeA = emulated.upload(a), *wholeB = emulated.upload(b);
  Out *c = emulated.output<Out>(size_t(of.m) * of.n);
  float *extra = bias.empty() ? nullptr : emulated.upload(bias);
  struct alignas(128) Map {
    char bytes[128];
  } mapA, mapB;
  auto describe = [](Map &map, void *memory, size_t values, int columns, uint32_t height) {
    const uint64_t width = 3 * ((columns + 63) / 64 * 64);
    const uint64_t dims[] = {width, values / columns}, stride[] = {width * 2};
    const uint32_t boxes[] = {64, height};
    EXPECT_EQ(simt_tensor_map(&map, 2, 2, memory, dims, stride, boxes, SIMT_SWIZZLE_128B), nullptr);
  };
  describe(mapA, left, a.size(), ofA, of.columns ? 64 : 128);
  describe(mapB, right, b.size(), ofB, box);
  int m = of.m, n = of.n, k = of.k;
  Parameters parameters{&mapA, &mapB, &c, &m, &n, &k, &wholeA, &wholeB};
  if (extra)
    parameters.push_back(&extra);
  emulated.run({blocks}, parameters, seed);
  return std::vector<Out>(c, c + size_t(of.m) * of.n);
}

/// (140 + k / 64) 2^-24 times the sum of the absolute values (GroupMatmul.cpp) and what lies below
/// the least number; the emulator's tensor cores round once.
static void compareParts(const Product &of, const std::vector<float> &a,
                         const std::vector<float> &b, const std::vector<float> &c,
                         double units = 8) {
  for (int i = 0; i < of.m; ++i)
    for (int j = 0; j < of.n; ++j) {
      double sum = 0, size = 0;
      for (int k = 0; k < of.k; ++k) {
        double term = double(a[of.columns ? k * of.m + i : i * of.k + k]) *
                      double(of.transposed ? b[j * of.k + k] : b[k * of.n + j]);
        sum += term, size += std::abs(term);
      }
      ASSERT_NEAR(double(c[i * of.n + j]), sum, units * 0x1p-24 * size + 0x1p-140)
          << i << ", " << j;
    }
}

/// Numbers of all 24 bits, with exponents from -spread to spread.
static std::vector<float> anyFloats(size_t count, unsigned seed, int spread) {
  std::mt19937 engine(seed);
  std::vector<float> values(count);
  for (float &x : values)
    x = std::ldexp(float(engine() >> 8) - 0x1p23f, int(engine() % (2 * spread + 1)) - spread - 23);
  return values;
}

TEST(GroupMatmul, FloatsInParts) {
  for (uint64_t seed : {1, 2, 3}) {
    const Product of{200, 136, 200};
    auto a = anyFloats(200 * 200, seed, 3), b = anyFloats(200 * 136, seed + 9, 20);
    compareParts(of, a, b, partsProduct<float>("matmul_wgmma_f32", of, a, b, 2, seed, 64));
  }
  const Product across{136, 72, 328, true};
  auto a = anyFloats(136 * 328, 1, 0), b = anyFloats(328 * 72, 2, 60);
  compareParts(across, a, b, partsProduct<float>("matmul_wgmma_f32_nt", across, a, b, 3, 1, 64));
  // Eighths are exact.
  const Product odd{77, 67, 61, false, true}, down{136, 72, 72, false, false, false, true};
  a = eighths<float>(77 * 61, 1), b = eighths<float>(61 * 67, 2);
  auto bias = eighths<float>(67, 3);
  auto c = partsProduct<float>("matmul_wgmma_f32_bias", odd, a, b, 1, 1, 64, bias);
  compare(odd, a, b, bias, c.data());
  a = eighths<float>(136 * 72, 1), b = eighths<float>(72 * 72, 2);
  compare(down, a, b, {}, partsProduct<Half>("matmul_wgmma_f32_tn", down, a, b, 2, 1, 64).data());
}

/// Terms that cancel, the largest and the smallest numbers.
TEST(GroupMatmul, PartsOfExtremes) {
  const Product of{64, 64, 128};
  auto a = anyFloats(64 * 128, 1, 0), b = anyFloats(128 * 64, 2, 0);
  for (int i = 0; i < 64; ++i)
    for (int k = 0; k < 64; ++k)
      a[i * 128 + 64 + k] = -a[i * 128 + k];
  for (int k = 0; k < 64; ++k)
    for (int j = 0; j < 64; ++j)
      b[(64 + k) * 64 + j] = b[k * 64 + j];
  compareParts(of, a, b, partsProduct<float>("matmul_wgmma_f32", of, a, b, 1, 1, 64));
  // The largest number, whose next bf16 is infinite, and numbers that bf16 has not.
  for (float &x : a)
    x = x < 0 ? -0x1.fffffep127f : 0x1.fffefep127f;
  for (float &x : b)
    x = std::ldexp(x, -30);
  compareParts(of, a, b, partsProduct<float>("matmul_wgmma_f32", of, a, b, 1, 1, 64));
  a = anyFloats(64 * 128, 1, 0), b = anyFloats(128 * 64, 2, 0);
  for (float &x : a)
    x = std::ldexp(x, -109);
  for (float &x : b)
    x = std::ldexp(x, 100);
  // Those below 2^-110 lose up to 2^-134: 2^-34 of products behind 2^100.
  auto c = partsProduct<float>("matmul_wgmma_f32", of, a, b, 1, 1, 64);
  for (int i = 0; i < 64; ++i)
    for (int j = 0; j < 64; ++j) {
      double sum = 0, size = 0;
      for (int k = 0; k < 128; ++k) {
        sum += double(a[i * 128 + k]) * b[k * 64 + j];
        size += std::abs(double(a[i * 128 + k]) * b[k * 64 + j]);
      }
      ASSERT_NEAR(double(c[i * 64 + j]), sum, 8 * 0x1p-24 * size + 128 * 0x1p-34);
    }
}

/// Infinite numbers, NaN, and sums that overflow on the way are what they are in f32.
TEST(GroupMatmul, PartsThatAreNotFinite) {
  const Product of{130, 70, 72};
  auto a = eighths<float>(130 * 72, 1), b = eighths<float>(72 * 70, 2);
  const float inf = std::numeric_limits<float>::infinity();
  a[3 * 72 + 5] = inf, a[4 * 72 + 71] = -inf, a[128 * 72] = std::nanf("");
  b[7 * 70 + 69] = inf, b[8 * 70 + 1] = std::bit_cast<float>(0x7f800001);
  // Finite in f32: bf16 next to it are not.
  a[9 * 72 + 1] = 0x1.fffffep127f;
  for (int k = 2; k < 72; ++k)
    a[9 * 72 + k] = 0;
  a[9 * 72] = 0, b[1 * 70 + 2] = 1.0f;
  auto c = partsProduct<float>("matmul_wgmma_f32", of, a, b, 2, 1, 64);
  for (int i = 0; i < of.m; ++i)
    for (int j = 0; j < of.n; ++j) {
      float sum = 0;
      for (int k = 0; k < of.k; ++k)
        sum = std::fma(a[i * 72 + k], b[k * 70 + j], sum);
      if (std::isnan(sum))
        ASSERT_TRUE(std::isnan(c[i * of.n + j])) << i << ", " << j;
      else
        ASSERT_EQ(c[i * of.n + j], sum) << i << ", " << j;
    }
}

/// f32 as tf32: eighths are exact.
TEST(GroupMatmul, Tf32) {
  for (uint64_t seed : {1, 2})
    groupProduct<float, float>("matmul_wgmma_tf32_nt", {200, 136, 204, true}, 2, seed);
}

TEST(GroupMatmul, NarrowTiles) {
  for (uint64_t seed : {1, 2})
    groupProduct<Half>("matmul_wgmma_f16_small", {200, 136, 200}, 3, seed, 64);
  groupProduct<Half>("matmul_wgmma_f16_small_nt", {200, 136, 200, true}, 3, 1, 64);
}

TEST(Elementwise, WithAndWithoutTail) {
  for (int n : {1, 5, 2048, 4099}) {
    Emulated emulated("scaled_sum_f32");
    auto x = eighths<float>(n, 1), y = eighths<float>(n, 2);
    float *px = emulated.upload(x), *py = emulated.upload(y), factor = 2.5f;
    emulated.run({uint32_t(n + 2047) / 2048}, {&px, &py, &py, &factor, &n});
    for (int i = 0; i < n; ++i)
      ASSERT_EQ(py[i], factor * x[i] + y[i]) << n << ", " << i;
  }
}

// exp of libdevice is within 2 places, of libm within 1.
TEST(Elementwise, Exponential) {
  int n = 1027;
  Emulated emulated("exp_f32");
  auto x = eighths<float>(n, 1);
  float *px = emulated.upload(x), *py = emulated.output<float>(n);
  emulated.run({1}, {&px, &py, &n});
  for (int i = 0; i < n; ++i)
    ASSERT_NEAR(py[i], std::exp(double(x[i])), std::exp(double(x[i])) * 0x1p-22) << i;
}

/// Rows of f32: the kernel against `expected` of one row in f64. Elements are from -1 to 1.
void rows(const std::string &name, int count, int columns, bool blockOfRow, double tolerance,
          std::function<std::vector<double>(const std::vector<double> &)> expected,
          std::vector<std::vector<float>> more = {}) {
  SCOPED_TRACE(name);
  Emulated emulated(name);
  auto x = eighths<float>(size_t(count) * columns, 1);
  const size_t width = expected(std::vector<double>(columns, 1)).size();
  float *px = emulated.upload(x), *py = emulated.output<float>(count * width), epsilon = 1e-5f;
  std::vector<float *> pointers;
  Parameters parameters{&px};
  for (auto &values : more)
    pointers.push_back(emulated.upload(values));
  for (float *&pointer : pointers)
    parameters.push_back(&pointer);
  parameters.push_back(&py);
  if (!more.empty())
    parameters.push_back(&epsilon);
  parameters.insert(parameters.end(), {&count, &columns});
  const uint32_t ofBlock = blockOfRow ? 1 : emulated.kernel.threads / 32;
  emulated.run({(count + ofBlock - 1) / ofBlock}, parameters);
  for (int i = 0; i < count; ++i) {
    std::vector<double> row(x.begin() + size_t(i) * columns, x.begin() + size_t(i + 1) * columns);
    std::vector<double> right = expected(row);
    for (size_t j = 0; j < width; ++j)
      ASSERT_NEAR(py[i * width + j], right[j], tolerance) << i << ", " << j;
  }
}

std::vector<double> mean(const std::vector<double> &x) {
  double sum = 0;
  for (double value : x)
    sum += value;
  return {sum / x.size()};
}
std::vector<double> softmax(const std::vector<double> &x) {
  std::vector<double> y(x.size());
  double sum = 0;
  for (size_t i = 0; i < x.size(); ++i)
    sum += y[i] = std::exp(x[i]);
  for (double &value : y)
    value /= sum;
  return y;
}

// The sum is exact; one division: half a place of at most 1.
TEST(Rows, Mean) {
  rows("row_mean_f32_1000", 7, 1000, false, 0x1p-24, mean);
  rows("row_mean_f32_1000", 5, 36, false, 0x1p-24, mean);
  rows("row_mean_f32_100000", 3, 10004, true, 0x1p-24, mean);
  rows("row_mean_f32_100000", 2, 8, true, 0x1p-24, mean);
}

// Results are at most e^2 / columns < 0.04. Their relative error is that of exp (2 places), of
// a sum over a tree or some hundred terms a thread (at most 2^-24 each, so 128 of them is
// plenty), of a quotient and a product.
TEST(Rows, Softmax) {
  const double tolerance = 0.04 * 132 * 0x1p-23;
  rows("softmax_f32_512", 6, 508, false, tolerance, softmax);
  rows("softmax_f32_8192", 3, 8000, true, tolerance, softmax);
  rows("softmax_f32_100000", 2, 9996, true, tolerance, softmax);
}

// The mean and the squares carry errors of some 2^-20 (sums of a few dozen terms a thread), the
// results are below 4 in size: (x - mean) / deviation is, with a deviation of about 0.6.
TEST(Rows, LayerNorm) {
  for (int columns : {768, 100}) {
    auto scale = eighths<float>(columns, 5), shift = eighths<float>(columns, 6);
    rows("layer_norm_f32_768", 5, columns, false, 4 * 0x1p-20,
         [&](const std::vector<double> &x) {
           const double middle = mean(x)[0];
           double squares = 0;
           for (double value : x)
             squares += (value - middle) * (value - middle);
           const double factor = 1 / std::sqrt(squares / x.size() + 1e-5);
           std::vector<double> y;
           for (size_t i = 0; i < x.size(); ++i)
             y.push_back((x[i] - middle) * factor * scale[i] + shift[i]);
           return y;
         },
         {scale, shift});
  }
}

} // namespace
