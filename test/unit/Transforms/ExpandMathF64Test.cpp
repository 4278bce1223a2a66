//===- ExpandMathF64Test.cpp - Errors of the polynomials of f64 -------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Against the functions of long double, whose 11 bits more than f64 has are exact
// enough by far.
//
//===----------------------------------------------------------------------===//
#include "test/unit/Transforms/Harness.h"
#include <bit>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>

using namespace mad::test;

namespace {

struct Function {
  const char *name;
  long double (*exact)(long double);
  double limit; ///< allowed error in units of the last place, at every level
};

/// The figures of docs/performance/functions.md.
const Function functions[] = {
    {"exp", expl, 1.1}, {"exp2", exp2l, 1.2},   {"expm1", expm1l, 1.9},
    {"log", logl, 0.9}, {"log1p", log1pl, 1.4}, {"tanh", tanhl, 1.5},
    {"erf", erfl, 1.2}, {"sin", sinl, 2.3},     {"cos", cosl, 2.3},
};

std::string source() {
  std::string ir;
  for (const Function &f : functions)
    ir += std::string("func.func @mad_") + f.name + R"((%x: memref<?xf64>, %y: memref<?xf64>) {
      linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
                      iterator_types = ["parallel"]}
          ins(%x : memref<?xf64>) outs(%y : memref<?xf64>) {
      ^bb0(%a: f64, %o: f64):
        %r = math.)" +
          f.name + R"( %a : f64
        linalg.yield %r : f64
      }
      return
    })";
  return ir;
}

Array<double> arguments() {
  std::vector<double> x;
  // Every binade, both signs, denormals, infinities and NaN among them.
  for (uint64_t high = 0; high <= UINT32_MAX; high += 65521)
    x.push_back(std::bit_cast<double>(high << 32 | (high * 2654435761u & UINT32_MAX)));
  for (int i = -20000; i <= 20000; ++i) {
    x.push_back(i * 1e-4 + 1e-9);
    x.push_back(i * 1e-3 + 1e-7);
    x.push_back(i * 0.04 + 1e-3);
    x.push_back(i * 53.0 + 1e-3);
  }
  for (int i = 1; i < 20000; ++i) {
    x.push_back(i * M_PI_2);
    x.push_back(i * 33.0 * M_PI_2);
  }
  const double inf = std::numeric_limits<double>::infinity();
  for (double v : {0.0,
                   -0.0,
                   inf,
                   -inf,
                   double(NAN),
                   1.0,
                   -1.0,
                   5e-324,
                   -5e-324,
                   1e-310,
                   -1e-310,
                   709.782712893384,
                   709.7827128933841,
                   709.79,
                   -708.4,
                   -744.44,
                   -745.13,
                   -745.14,
                   -746.0,
                   1023.9999999999999,
                   1024.0,
                   -1022.0,
                   -1074.0,
                   -1075.0,
                   -1075.1,
                   -1076.0,
                   1048576.0,
                   1048577.0,
                   0.625,
                   0.921875,
                   22.0,
                   5.9,
                   6.0,
                   1e300,
                   1.7976931348623157e308,
                   2.2250738585072014e-308,
                   1.8014398509481984e16,
                   1.8014398509481982e16})
    x.push_back(v);
  while (x.size() % 16 != 5) // some for the loop behind the vectors
    x.push_back(0.5);
  Array<double> result({static_cast<int64_t>(x.size())});
  result.data = x;
  return result;
}

/// Distance in units of the last place; infinite where the kind of number is wrong.
double error(double found, long double exact) {
  const double wrong = std::numeric_limits<double>::infinity();
  if (std::isnan(exact) || std::isnan(found))
    return std::isnan(exact) && std::isnan(found) ? 0 : wrong;
  double rounded = static_cast<double>(exact);
  if (std::isinf(rounded) || std::isinf(found))
    return rounded == found ? 0 : wrong;
  if (exact == 0)
    return found == 0 && std::signbit(found) == std::signbit(exact) ? 0 : wrong;
  int exponent = std::max(std::ilogb(exact), -1022);
  return static_cast<double>(std::fabs(found - exact) / std::ldexp(1.0L, exponent - 52));
}

class ExpandMathF64 : public testing::TestWithParam<int> {};

TEST_P(ExpandMathF64, IsAccurateAndTheSameForScalars) {
  std::string level = std::to_string(GetParam());
  auto vectors = Code::compile(source(), "mad-vectorize-loops{level=" + level + "}", GetParam());
  auto scalars = Code::compile(source(), "", GetParam());
  ASSERT_TRUE(vectors && scalars);
  Array<double> x = arguments(), y(x.shape), z(x.shape);
  for (const Function &f : functions) {
    vectors->call(std::string("mad_") + f.name, x, y);
    scalars->call(std::string("mad_") + f.name, x, z);
    double worst = 0, at = 0;
    int64_t different = 0;
    for (size_t i = 0; i < x.data.size(); ++i) {
      double e = error(y.data[i], f.exact(x.data[i]));
      if (!(e <= worst)) {
        worst = e;
        at = x.data[i];
      }
      different += std::bit_cast<uint64_t>(y.data[i]) != std::bit_cast<uint64_t>(z.data[i]) &&
                   !(std::isnan(y.data[i]) && std::isnan(z.data[i]));
    }
    RecordProperty(f.name, std::to_string(worst));
    EXPECT_LE(worst, f.limit) << f.name << " of " << at;
    EXPECT_GT(worst, 0.5) << f.name; // something was computed
    EXPECT_EQ(different, 0) << f.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, ExpandMathF64, testing::ValuesIn(levels()));

} // namespace
