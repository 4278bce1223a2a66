//===- ExpandMathTest.cpp - Errors of the polynomials -----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "test/unit/Transforms/Harness.h"
#include <bit>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <string_view>

using namespace mad::test;

namespace {

struct Function {
  const char *name;
  double (*exact)(double);
  double limit; ///< allowed error in units of the last place, at every level
};

/// The figures of docs/performance/functions.md.
const Function functions[] = {
    {"exp", std::exp, 1.2},     {"exp2", std::exp2, 1.1},   {"expm1", std::expm1, 1.5},
    {"log", std::log, 0.8},     {"log1p", std::log1p, 1.4}, {"tanh", std::tanh, 1.7},
    {"erf", std::erf, 2.4},     {"sin", std::sin, 2.3},     {"cos", std::cos, 2.3},
    {"tan", std::tan, 3.8},     {"acos", std::acos, 1.1},   {"acosh", std::acosh, 2.0},
    {"asin", std::asin, 2.5},   {"asinh", std::asinh, 1.9}, {"atan", std::atan, 2.3},
    {"atanh", std::atanh, 2.0}, {"cbrt", std::cbrt, 1.0},   {"cosh", std::cosh, 1.7},
    {"erfc", std::erfc, 3.6},   {"log10", std::log10, 1.9}, {"log2", std::log2, 1.9},
    {"sinh", std::sinh, 1.8},
};

std::string source() {
  std::string ir;
  for (const Function &f : functions)
    ir += std::string("func.func @mad_") + f.name + R"((%x: memref<?xf32>, %y: memref<?xf32>) {
      linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
                      iterator_types = ["parallel"]}
          ins(%x : memref<?xf32>) outs(%y : memref<?xf32>) {
      ^bb0(%a: f32, %o: f32):
        %r = math.)" +
          f.name + R"( %a : f32
        linalg.yield %r : f32
      }
      return
    })";
  return ir;
}

Array<float> arguments() {
  std::vector<float> x;
  // Every binade, both signs, denormals, infinities and NaN among them.
  for (uint64_t bits = 0; bits <= UINT32_MAX; bits += 65521)
    x.push_back(std::bit_cast<float>(static_cast<uint32_t>(bits)));
  for (int i = -100000; i <= 100000; ++i)
    x.push_back(i * 1e-3f + 1e-5f);
  for (int i = -10000; i <= 10000; ++i)
    x.push_back(i * 1.5e-4f);
  for (int i = 1; i < 5200; ++i)
    x.push_back(static_cast<float>(i * M_PI_2));
  const float inf = std::numeric_limits<float>::infinity();
  for (float v :
       {0.0f,           -0.0f,     inf,      -inf,      NAN,         1.0f,        -1.0f,
        1e-45f,         -1e-45f,   1e-40f,   -1e-40f,   88.7228317f, 88.7228394f, 88.722847f,
        -87.3365f,      -103.97f,  -103.98f, -104.0f,   127.99999f,  128.0f,      -149.0f,
        -149.5f,        -150.0f,   -151.0f,  8192.0f,   8193.0f,     0.625f,      0.921875f,
        89.4159f,       89.41599f, 89.5f,    -89.4159f, 0.99999994f, 1.0000001f,  10.05f,
        10.06f,         10.2f,     4.0f,     1e10f,     2.4e38f,     3.4e38f,     -3.4e38f,
        1.17549435e-38f})
    x.push_back(v);
  while (x.size() % 16 != 5) // some for the loop behind the vectors
    x.push_back(0.5f);
  Array<float> result({static_cast<int64_t>(x.size())});
  result.data = x;
  return result;
}

/// Distance in units of the last place; infinite where the kind of number is wrong.
double error(float found, double exact) {
  const double wrong = std::numeric_limits<double>::infinity();
  if (std::isnan(exact) || std::isnan(found))
    return std::isnan(exact) && std::isnan(found) ? 0 : wrong;
  float rounded = static_cast<float>(exact);
  if (std::isinf(rounded) || std::isinf(found))
    return rounded == found ? 0 : wrong;
  if (exact == 0)
    return found == 0 && std::signbit(found) == std::signbit(exact) ? 0 : wrong;
  int exponent = std::max(std::ilogb(exact), -126);
  return std::fabs(found - exact) / std::ldexp(1.0, exponent - 23);
}

class ExpandMath : public testing::TestWithParam<int> {};

TEST_P(ExpandMath, IsAccurateAndTheSameForScalars) {
  std::string level = std::to_string(GetParam());
  auto vectors = Code::compile(source(), "mad-vectorize-loops{level=" + level + "}", GetParam());
  auto scalars = Code::compile(source(), "", GetParam());
  ASSERT_TRUE(vectors && scalars);
  Array<float> x = arguments(), y(x.shape), z(x.shape);
  for (const Function &f : functions) {
    vectors->call(std::string("mad_") + f.name, x, y);
    scalars->call(std::string("mad_") + f.name, x, z);
    double worst = 0;
    float at = 0;
    int64_t different = 0;
    for (size_t i = 0; i < x.data.size(); ++i) {
      double e = error(y.data[i], f.exact(x.data[i]));
      if (!(e <= worst)) {
        worst = e;
        at = x.data[i];
      }
      different += std::bit_cast<uint32_t>(y.data[i]) != std::bit_cast<uint32_t>(z.data[i]) &&
                   !(std::isnan(y.data[i]) && std::isnan(z.data[i]));
    }
    EXPECT_LE(worst, f.limit) << f.name << " of " << at;
    EXPECT_EQ(different, 0) << f.name;
    // Products such as x (1 + erf x) need the limit itself, and nothing beyond it.
    bool isTanh = std::string_view(f.name) == "tanh";
    if (!isTanh && std::string_view(f.name) != "erf")
      continue;
    for (size_t i = 0; i < x.data.size(); ++i) {
      if (std::fabs(x.data[i]) > (isTanh ? 9.1f : 4.0f)) {
        EXPECT_EQ(y.data[i], std::copysign(1.0f, x.data[i])) << f.name << " of " << x.data[i];
      }
      EXPECT_FALSE(std::fabs(y.data[i]) > 1.0f) << f.name << " of " << x.data[i];
    }
  }
}

/// Vectors of 16 lanes with instructions of AVX-512 give the bits of those of 8.
TEST(ExpandMathLevels, BitsAreTheSameWithAvx512) {
  if (levels().back() < 4)
    GTEST_SKIP() << "needs AVX-512";
  auto wide = Code::compile(source(), "mad-vectorize-loops{level=4}", 4);
  auto narrow = Code::compile(source(), "mad-vectorize-loops{level=3}", 3);
  ASSERT_TRUE(wide && narrow);
  Array<float> x = arguments(), y(x.shape), z(x.shape);
  for (const Function &f : functions) {
    wide->call(std::string("mad_") + f.name, x, y);
    narrow->call(std::string("mad_") + f.name, x, z);
    int64_t different = 0;
    for (size_t i = 0; i < x.data.size(); ++i)
      different += std::bit_cast<uint32_t>(y.data[i]) != std::bit_cast<uint32_t>(z.data[i]) &&
                   !(std::isnan(y.data[i]) && std::isnan(z.data[i]));
    EXPECT_EQ(different, 0) << f.name;
  }
}

/// Vectors of few lanes: beside numbers of 64 bits a register holds half as many.
TEST_P(ExpandMath, TablesServeShortVectors) {
  std::string ir;
  for (const char *name : {"exp", "tanh", "erf"})
    ir += std::string("func.func @mad_") + name +
          R"((%x: memref<?xf64>, %y: memref<?xf64>) {
      linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
                      iterator_types = ["parallel"]}
          ins(%x : memref<?xf64>) outs(%y : memref<?xf64>) {
      ^bb0(%a: f64, %o: f64):
        %b = arith.truncf %a : f64 to f32
        %r = math.)" +
          name + R"( %b : f32
        %s = arith.extf %r : f32 to f64
        linalg.yield %s : f64
      }
      return
    })";
  std::string level = std::to_string(GetParam());
  auto vectors = Code::compile(ir, "mad-vectorize-loops{level=" + level + "}", GetParam());
  auto scalars = Code::compile(source(), "", GetParam());
  ASSERT_TRUE(vectors && scalars);
  Array<float> x = arguments(), z(x.shape);
  Array<double> wide(x.shape), y(x.shape);
  std::copy(x.data.begin(), x.data.end(), wide.data.begin());
  for (const char *name : {"mad_exp", "mad_tanh", "mad_erf"}) {
    vectors->call(name, wide, y);
    scalars->call(name, x, z);
    int64_t different = 0;
    for (size_t i = 0; i < x.data.size(); ++i)
      different += y.data[i] != z.data[i] && !(std::isnan(y.data[i]) && std::isnan(z.data[i]));
    EXPECT_EQ(different, 0) << name;
  }
}

/// Flags as fast code has them: the normal numbers stay as accurate, small ones are 0.
/// At level 4 the exponential is that of all code.
TEST_P(ExpandMath, ExponentialOfFastCode) {
  std::string ir = R"(
    func.func @mad_exp(%x: memref<?xf32>, %y: memref<?xf32>) {
      linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
                      iterator_types = ["parallel"]}
          ins(%x : memref<?xf32>) outs(%y : memref<?xf32>) {
      ^bb0(%a: f32, %o: f32):
        %r = math.exp %a fastmath<fast> : f32
        linalg.yield %r : f32
      }
      return
    })";
  std::string level = std::to_string(GetParam());
  auto vectors = Code::compile(ir, "mad-vectorize-loops{level=" + level + "}", GetParam());
  auto scalars = Code::compile(ir, "", GetParam());
  ASSERT_TRUE(vectors && scalars);
  Array<float> x = arguments(), y(x.shape), z(x.shape);
  vectors->call("mad_exp", x, y);
  scalars->call("mad_exp", x, z);
  bool isExact = GetParam() >= 4;
  for (size_t i = 0; i < x.data.size(); ++i) {
    double exact = std::exp(double(x.data[i]));
    if (isExact) {
      EXPECT_LE(error(y.data[i], exact), 1.2) << x.data[i];
      continue;
    }
    if (std::isnan(exact)) {
      EXPECT_FALSE(std::isnan(y.data[i])); // some number
      continue;
    }
    EXPECT_EQ(std::bit_cast<uint32_t>(y.data[i]), std::bit_cast<uint32_t>(z.data[i]));
    if (exact < 1.7e-38)
      EXPECT_LE(std::fabs(y.data[i] - exact), 1.7e-38) << x.data[i];
    else
      EXPECT_LE(error(y.data[i], exact), 1.2) << x.data[i];
    if (exact < 1.1e-38) {
      EXPECT_EQ(y.data[i], 0.0f) << x.data[i];
    }
  }
}

TEST_P(ExpandMath, PowerIsThatOfC) {
  std::string ir = R"(
    func.func @mad_pow(%x: memref<?xf32>, %y: memref<?xf32>, %z: memref<?xf32>) {
      linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>,
                                       affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
          ins(%x, %y : memref<?xf32>, memref<?xf32>) outs(%z : memref<?xf32>) {
      ^bb0(%a: f32, %b: f32, %o: f32):
        %r = math.powf %a, %b : f32
        linalg.yield %r : f32
      }
      return
    })";
  std::string level = std::to_string(GetParam());
  auto vectors = Code::compile(ir, "mad-vectorize-loops{level=" + level + "}", GetParam());
  auto scalars = Code::compile(ir, "", GetParam());
  ASSERT_TRUE(vectors && scalars);
  const float inf = std::numeric_limits<float>::infinity();
  const float special[] = {0.0f,       -0.0f,      1.0f,      -1.0f,   inf,         -inf,
                           NAN,        0.5f,       -0.5f,     2.0f,    -2.0f,       3.0f,
                           -3.0f,      1e-45f,     -1e-45f,   1e38f,   -1e38f,      1e-40f,
                           127.0f,     128.0f,     -149.0f,   -150.0f, 16777215.0f, 16777216.0f,
                           8388607.5f, 1.0000001f, 0.9999999f};
  std::vector<float> x, y;
  for (float a : special)
    for (float b : special) {
      x.push_back(a);
      y.push_back(b);
    }
  for (int i = 1; i < 40000; ++i) { // results of all sizes
    x.push_back(std::ldexp(1.0f + i * 2.4e-5f, i % 200 - 100));
    y.push_back((i % 97 - 48) * 1.3f / std::max(1.0f, std::fabs(std::log2(x.back())) / 2));
  }
  Array<float> xs({static_cast<int64_t>(x.size())}), ys(xs.shape), z(xs.shape), w(xs.shape);
  xs.data = x;
  ys.data = y;
  vectors->call("mad_pow", xs, ys, z);
  scalars->call("mad_pow", xs, ys, w);
  for (size_t i = 0; i < x.size(); ++i) {
    EXPECT_LE(error(z.data[i], std::pow(double(x[i]), double(y[i]))), 0.55) << x[i] << " " << y[i];
    if (!std::isnan(z.data[i])) {
      EXPECT_EQ(std::bit_cast<uint32_t>(z.data[i]), std::bit_cast<uint32_t>(w.data[i]));
    }
  }
}

TEST_P(ExpandMath, AngleOfAPointIsThatOfC) {
  std::string ir = R"(
    func.func @mad_atan2(%y: memref<?xf32>, %x: memref<?xf32>, %z: memref<?xf32>) {
      linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>,
                                       affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
          ins(%y, %x : memref<?xf32>, memref<?xf32>) outs(%z : memref<?xf32>) {
      ^bb0(%a: f32, %b: f32, %o: f32):
        %r = math.atan2 %a, %b : f32
        linalg.yield %r : f32
      }
      return
    })";
  std::string level = std::to_string(GetParam());
  auto vectors = Code::compile(ir, "mad-vectorize-loops{level=" + level + "}", GetParam());
  auto scalars = Code::compile(ir, "", GetParam());
  ASSERT_TRUE(vectors && scalars);
  const float inf = std::numeric_limits<float>::infinity();
  const float special[] = {0.0f,   -0.0f,   1.0f,        -1.0f,     inf,     -inf,
                           NAN,    1e-45f,  1e38f,       -1e-45f,   3.4e38f, 1e-38f,
                           -1e38f, -1e-38f, 0.41421356f, 2.4142137f};
  std::vector<float> y, x;
  for (float a : special)
    for (float b : special) {
      y.push_back(a);
      x.push_back(b);
    }
  for (int i = 0; i < 100000; ++i) { // all directions
    double angle = i * 6.3e-5;
    y.push_back(static_cast<float>(std::ldexp(std::sin(angle), i % 40 - 20)));
    x.push_back(static_cast<float>(std::ldexp(std::cos(angle), i % 37 - 18)));
  }
  Array<float> ys({static_cast<int64_t>(y.size())}), xs(ys.shape), z(ys.shape), w(ys.shape);
  ys.data = y;
  xs.data = x;
  vectors->call("mad_atan2", ys, xs, z);
  scalars->call("mad_atan2", ys, xs, w);
  double worst = 0;
  for (size_t i = 0; i < y.size(); ++i) {
    double e = error(z.data[i], std::atan2(double(y[i]), double(x[i])));
    EXPECT_LE(e, 2.3) << y[i] << " " << x[i];
    worst = std::max(worst, e);
    if (!std::isnan(z.data[i])) {
      EXPECT_EQ(std::bit_cast<uint32_t>(z.data[i]), std::bit_cast<uint32_t>(w.data[i]));
    }
  }
  EXPECT_GT(worst, 0.5); // something was computed
}

INSTANTIATE_TEST_SUITE_P(Levels, ExpandMath, testing::ValuesIn(levels()));

} // namespace
