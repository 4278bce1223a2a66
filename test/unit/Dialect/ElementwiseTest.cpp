//===- ElementwiseTest.cpp - Scalar functions against values by hand --------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "test/unit/Dialect/Support.h"
#include <cmath>

using namespace mad;
using namespace mad::test;

static const double inf = INFINITY, nan_ = NAN;
using D = std::vector<double>;
using I = std::vector<int64_t>;
static constexpr int64_t min64 = INT64_MIN, max64 = INT64_MAX;

static std::string tensor(size_t n, const char *element) {
  return "tensor<" + std::to_string(n) + "x" + element + ">";
}

/// An op on f64 vectors, so that nothing is rounded after it.
static D reals(const std::string &name, D x) {
  int64_t n = x.size();
  return op("mad." + name, {f64({n}, x)}, tensor(n, "f64")).floats({n});
}
static D reals(const std::string &name, D x, D y) {
  int64_t n = x.size();
  return op("mad." + name, {f64({n}, x), f64({n}, y)}, tensor(n, "f64")).floats({n});
}
static I longs(const std::string &name, I x) {
  int64_t n = x.size();
  return op("mad." + name, {i64({n}, x)}, tensor(n, "i64")).integers({n});
}
static I longs(const std::string &name, I x, I y) {
  int64_t n = x.size();
  return op("mad." + name, {i64({n}, x), i64({n}, y)}, tensor(n, "i64")).integers({n});
}
static I ints(const std::string &name, I x, I y) {
  int64_t n = x.size();
  return op("mad." + name, {i32({n}, x), i32({n}, y)}, tensor(n, "i32")).integers({n});
}
static I bools(const std::string &name, I x, I y) {
  int64_t n = x.size();
  return op("mad." + name, {boolean({n}, x), boolean({n}, y)}, tensor(n, "i1")).integers({n});
}

TEST(Elementwise, SignsOfFloats) {
  expectSame(reals("neg", {1.5, -0.0, 0.0, inf}), {-1.5, 0.0, -0.0, -inf});
  expectSame(reals("abs", {-1.5, -0.0, nan_, -inf}), {1.5, 0.0, nan_, inf});
  expectSame(reals("sign", {-3, 7, -0.0, 0.0, nan_, -inf}), {-1, 1, -0.0, 0.0, nan_, -1});
}

TEST(Elementwise, SignsOfIntegersWrap) {
  EXPECT_EQ(longs("neg", {3, 0, min64}), (I{-3, 0, min64}));
  EXPECT_EQ(longs("abs", {-3, 4, min64}), (I{3, 4, min64}));
  EXPECT_EQ(longs("sign", {-9, 0, 5}), (I{-1, 0, 1}));
  EXPECT_EQ(op("mad.neg", {i32({1}, {INT32_MIN})}, "tensor<1xi32>").integers({1}), I{INT32_MIN});
  EXPECT_EQ(op("mad.abs", {i32({1}, {INT32_MIN})}, "tensor<1xi32>").integers({1}), I{INT32_MIN});
}

static void near(const std::string &name, double x, double expected) {
  EXPECT_NEAR(reals(name, {x})[0], expected, 1e-15) << name;
}

TEST(Elementwise, Transcendental) {
  near("exp", 1, 2.718281828459045);
  near("expm1", 1e-10, 1.00000000005e-10);
  near("log", 2, 0.6931471805599453);
  near("log1p", 1e-10, 9.9999999995e-11);
  near("sqrt", 2, 1.4142135623730951);
  near("rsqrt", 4, 0.5);
  near("sin", 1, 0.8414709848078965);
  near("cos", 1, 0.5403023058681398);
  near("tan", 1, 1.5574077246549023);
  near("tanh", 0.5, 0.46211715726000976);
  near("erf", 0.5, 0.5204998778130465);
}

TEST(Elementwise, EdgesOfTranscendental) {
  expectSame(reals("exp", {-inf, inf, nan_}), {0, inf, nan_});
  expectSame(reals("log", {0, -1, inf}), {-inf, nan_, inf});
  expectSame(reals("sqrt", {-1, -0.0}), {nan_, -0.0});
  expectSame(reals("rsqrt", {0.0, inf}), {inf, 0});
  expectSame(reals("tanh", {inf, -inf}), {1, -1});
}

TEST(Elementwise, FurtherFunctions) {
  near("asin", 0.5, 0.5235987755982989);
  near("acos", 0.5, 1.0471975511965979);
  near("atan", 2, 1.1071487177940904);
  near("sinh", 1, 1.1752011936438014);
  near("cosh", 1, 1.5430806348152437);
  near("asinh", 2, 1.4436354751788103);
  near("acosh", 2, 1.3169578969248167);
  near("atanh", 0.5, 0.5493061443340549);
  near("exp2", 0.5, 1.4142135623730951);
  near("log2", 10, 3.321928094887362);
  near("log10", 2, 0.3010299956639812);
  near("cbrt", -2, -1.2599210498948732);
  near("erfc", 3, 2.209049699858544e-5);
}

TEST(Elementwise, EdgesOfFurtherFunctions) {
  expectSame(reals("asin", {2, -0.0, nan_}), {nan_, -0.0, nan_});
  expectSame(reals("acos", {1, -2}), {0, nan_});
  expectSame(reals("acosh", {1, 0.5, inf}), {0, nan_, inf});
  expectSame(reals("atanh", {1, -1, 2, -0.0}), {inf, -inf, nan_, -0.0});
  expectSame(reals("cbrt", {-0.0, -inf, 8}), {-0.0, -inf, 2});
  expectSame(reals("log2", {8, 0, -1}), {3, -inf, nan_});
  expectSame(reals("erfc", {inf, -inf, 0.0}), {0, 2, 1});
  expectSame(reals("trunc", {1.9, -1.9, -0.5}), {1, -1, -0.0});
  expectSame(reals("atan2", {0, -0.0, 0, inf}, {-0.0, -0.0, 1, inf}), {M_PI, -M_PI, 0, M_PI / 4});
  EXPECT_EQ(op("mad.isinf", {f64({3}, {inf, 1, nan_})}, "tensor<3xi1>").integers({3}),
            (I{1, 0, 0}));
  EXPECT_EQ(op("mad.isnan", {f64({3}, {inf, 1, nan_})}, "tensor<3xi1>").integers({3}),
            (I{0, 0, 1}));
  EXPECT_EQ(op("mad.isfinite", {f64({3}, {-inf, 1, nan_})}, "tensor<3xi1>").integers({3}),
            (I{0, 1, 0}));
  RefTensor x = f64({1}, {1 + 0x1p-30}), z = f64({1}, {-(1 + 0x1p-29)});
  expectSame(op("mad.fma", {x, x, z}, "tensor<1xf64>").floats({1}), {0x1p-60});
}

TEST(Elementwise, Bits) {
  EXPECT_EQ(longs("bit_and", {12, -1}, {10, 7}), (I{8, 7}));
  EXPECT_EQ(longs("bit_or", {12, -8}, {3, 1}), (I{15, -7}));
  EXPECT_EQ(longs("bit_xor", {12, -1}, {10, 1}), (I{6, -2}));
  EXPECT_EQ(longs("shift_left", {1, 3, 1, 1, 1}, {63, 1, 64, -1, 0}), (I{min64, 6, 0, 0, 1}));
  EXPECT_EQ(longs("shift_right", {-5, 5, -5, 5, -1}, {1, 1, 64, -1, 63}), (I{-3, 2, -1, 0, -1}));
  EXPECT_EQ(ints("shift_left", {1, 1}, {31, 32}), (I{INT32_MIN, 0}));
  EXPECT_EQ(
      op("mad.shift_right", {u8({2}, {255, 255}), u8({2}, {1, 8})}, "tensor<2xui8>").integers({2}),
      (I{127, 0}));
  EXPECT_EQ(op("mad.bit_not", {u8({2}, {0, 200})}, "tensor<2xui8>").integers({2}), (I{255, 55}));
}

TEST(Elementwise, Rounding) {
  expectSame(reals("floor", {1.5, -1.5, -0.0}), {1, -2, -0.0});
  expectSame(reals("ceil", {1.5, -1.5, -0.5}), {2, -1, -0.0});
  expectSame(reals("round", {0.5, 1.5, 2.5, -0.5, 0.49999999999999994}), {0, 2, 2, -0.0, 0});
}

TEST(Elementwise, ArithmeticOfFloats) {
  expectSame(reals("add", {1, -0.0, inf}, {2, -0.0, -inf}), {3, -0.0, nan_});
  expectSame(reals("sub", {1, -0.0, inf}, {2, 0.0, inf}), {-1, -0.0, nan_});
  expectSame(reals("mul", {3, 0, inf}, {-2, -1, 0}), {-6, -0.0, nan_});
  expectSame(reals("div", {1, -1, 0}, {4, 0, 0}), {0.25, -inf, nan_});
}

TEST(Elementwise, ArithmeticOfIntegersWraps) {
  EXPECT_EQ(longs("add", {max64}, {1}), I{min64});
  EXPECT_EQ(longs("sub", {min64}, {1}), I{max64});
  EXPECT_EQ(longs("mul", {max64, 3}, {2, -4}), (I{-2, -12}));
  EXPECT_EQ(ints("add", {INT32_MAX}, {1}), I{INT32_MIN});
  EXPECT_EQ(ints("mul", {65536, 46341}, {65536, 46341}), (I{0, -2147479015}));
}

TEST(Elementwise, IntegerDivisionFloors) {
  EXPECT_EQ(longs("div", {7, -7, 7, -7, 6, -6}, {2, 2, -2, -2, -3, 3}), (I{3, -4, -4, 3, -2, -2}));
  EXPECT_EQ(longs("rem", {7, -7, 7, -7, 6, -6}, {2, 2, -2, -2, -3, 3}), (I{1, 1, -1, -1, 0, 0}));
  EXPECT_EQ(longs("div", {5, 0, min64, min64}, {0, 0, -1, 1}), (I{0, 0, min64, min64}));
  EXPECT_EQ(longs("rem", {5, 0, min64, min64}, {0, 0, -1, 3}), (I{0, 0, 0, 1}));
  EXPECT_EQ(ints("div", {INT32_MIN}, {-1}), I{INT32_MIN});
}

TEST(Elementwise, FloatRemainderHasTheSignOfTheDivisor) {
  expectSame(reals("rem", {5.5, -5.5, 5.5, -5.5}, {2, 2, -2, -2}), {1.5, 0.5, -0.5, -1.5});
  expectSame(reals("rem", {4, -4, 4}, {2, 2, -2}), {0.0, 0.0, -0.0});
  expectSame(reals("rem", {1, inf, nan_}, {0, 2, 2}), {nan_, nan_, nan_});
}

TEST(Elementwise, Powers) {
  expectSame(reals("pow", {2, 4, 0, nan_, -8}, {10, 0.5, 0, 0, 1.0 / 3}), {1024, 2, 1, 1, nan_});
  EXPECT_EQ(longs("pow", {2, -3, 0, 7, 2}, {10, 3, 0, 0, 64}), (I{1024, -27, 1, 1, 0}));
  EXPECT_EQ(longs("pow", {2, 1, -1, -1, 0}, {-1, -5, -5, -4, -1}), (I{0, 1, -1, 1, 0}));
  EXPECT_EQ(longs("pow", {-1, 3}, {max64, max64}), (I{-1, -6148914691236517205}));
  EXPECT_EQ(ints("pow", {10}, {10}), I{1410065408});
}

TEST(Elementwise, MinimumAndMaximum) {
  expectSame(reals("max", {1, nan_, 1, -0.0, 0.0}, {2, 1, nan_, 0.0, -0.0}),
             {2, nan_, nan_, 0.0, 0.0});
  expectSame(reals("min", {1, nan_, 1, -0.0, 0.0}, {2, 1, nan_, 0.0, -0.0}),
             {1, nan_, nan_, -0.0, -0.0});
  EXPECT_EQ(longs("max", {min64, 3}, {max64, -3}), (I{max64, 3}));
  EXPECT_EQ(longs("min", {min64, 3}, {max64, -3}), (I{min64, -3}));
}

TEST(Elementwise, Logic) {
  EXPECT_EQ(bools("and", {0, 0, 1, 1}, {0, 1, 0, 1}), (I{0, 0, 0, 1}));
  EXPECT_EQ(bools("or", {0, 0, 1, 1}, {0, 1, 0, 1}), (I{0, 1, 1, 1}));
  EXPECT_EQ(op("mad.not", {boolean({2}, {0, 1})}, "tensor<2xi1>").integers({2}), (I{1, 0}));
}

TEST(Elementwise, Comparisons) {
  auto compare = [](const char *predicate, RefTensor x, RefTensor y) {
    int64_t n = x.elements();
    return op("mad.compare", {x, y}, tensor(n, "i1"), predicate).integers({n});
  };
  RefTensor x = f64({4}, {1, 2, 3, nan_}), y = f64({4}, {2, 2, 2, nan_});
  EXPECT_EQ(compare("eq", x, y), (I{0, 1, 0, 0}));
  EXPECT_EQ(compare("ne", x, y), (I{1, 0, 1, 1}));
  EXPECT_EQ(compare("lt", x, y), (I{1, 0, 0, 0}));
  EXPECT_EQ(compare("le", x, y), (I{1, 1, 0, 0}));
  EXPECT_EQ(compare("gt", x, y), (I{0, 0, 1, 0}));
  EXPECT_EQ(compare("ge", x, y), (I{0, 1, 1, 0}));
  EXPECT_EQ(compare("lt", i64({2}, {min64, 5}), i64({2}, {max64, 5})), (I{1, 0}));
  EXPECT_EQ(compare("gt", boolean({2}, {1, 0}), boolean({2}, {0, 0})), (I{1, 0}));
}

TEST(Elementwise, Select) {
  RefTensor condition = boolean({3}, {1, 0, 1});
  expectSame(
      op("mad.select", {condition, f32({3}, {1, 2, 3}), f32({3}, {4, 5, nan_})}, "tensor<3xf32>")
          .floats({3}),
      {1, 5, 3});
}

TEST(Elementwise, CastsOfFloatsSaturate) {
  RefTensor x = f64({7}, {1.9, -1.9, 1e30, -1e30, nan_, inf, 2147483647.5});
  EXPECT_EQ(op("mad.cast", {x}, "tensor<7xi32>").integers({7}),
            (I{1, -1, INT32_MAX, INT32_MIN, 0, INT32_MAX, INT32_MAX}));
  EXPECT_EQ(op("mad.cast", {x}, "tensor<7xi64>").integers({7}),
            (I{1, -1, max64, min64, 0, max64, 2147483647}));
  EXPECT_EQ(op("mad.cast", {f64({4}, {0.0, -0.0, nan_, 0.1})}, "tensor<4xi1>").integers({4}),
            (I{0, 0, 1, 1}));
}

TEST(Elementwise, CastsOfIntegers) {
  EXPECT_EQ(op("mad.cast", {i64({2}, {4294967297, -1})}, "tensor<2xi32>").integers({2}),
            (I{1, -1}));
  EXPECT_EQ(op("mad.cast", {i32({2}, {-5, 0})}, "tensor<2xi64>").integers({2}), (I{-5, 0}));
  EXPECT_EQ(op("mad.cast", {i64({3}, {2, 0, -1})}, "tensor<3xi1>").integers({3}), (I{1, 0, 1}));
  expectSame(op("mad.cast", {boolean({2}, {0, 1})}, "tensor<2xf32>").floats({2}), {0, 1});
  EXPECT_EQ(op("mad.cast", {boolean({2}, {0, 1})}, "tensor<2xi64>").integers({2}), (I{0, 1}));
}

TEST(Elementwise, CastToFloatRoundsOnce) {
  // 2^60 + 2^36 + 1 lies just above the middle of two f32, and its f64 in it.
  int64_t value = (int64_t(1) << 60) + (int64_t(1) << 36) + 1;
  double above = std::ldexp(1, 60) + std::ldexp(1, 37);
  expectSame(op("mad.cast", {i64({2}, {value, -value})}, "tensor<2xf32>").floats({2}),
             {above, -above});
}

TEST(Elementwise, CastsToNarrowFloatsRoundOnce) {
  // 1 + 2^-11 + 2^-40 is above the middle of two f16; its f32 lies in the middle.
  double above = 1 + 0x1p-11 + 0x1p-40, middle = 1 + 0x1p-11;
  RefTensor x = f64({7}, {above, -above, middle, 65519, 65520, 0x1p-25, 0x1.8p-25});
  expectSame(op("mad.cast", {x}, "tensor<7xf16>").floats({7}),
             {1 + 0x1p-10, -1 - 0x1p-10, 1, 65504, inf, 0, 0x1p-24});
  RefTensor y = f64({4}, {1 + 0x1p-8 + 0x1p-40, 1 + 0x1p-8, 0x1.FFp127, 0x1.8p-134});
  expectSame(op("mad.cast", {y}, "tensor<4xbf16>").floats({4}), {1 + 0x1p-7, 1, inf, 0x1p-133});
  // An integer that f64 rounds to the middle of two bf16.
  int64_t z = (int64_t(1) << 62) + (int64_t(1) << 54) + 1;
  expectSame(op("mad.cast", {i64({2}, {z, -z})}, "tensor<2xbf16>").floats({2}),
             {0x1p62 + 0x1p55, -0x1p62 - 0x1p55});
}

TEST(Elementwise, BytesWrapAndSaturate) {
  EXPECT_EQ(op("mad.add", {i8({2}, {127, -128}), i8({2}, {1, -1})}, "tensor<2xi8>").integers({2}),
            (I{-128, 127}));
  EXPECT_EQ(op("mad.sub", {u8({2}, {0, 3}), u8({2}, {1, 1})}, "tensor<2xui8>").integers({2}),
            (I{255, 2}));
  EXPECT_EQ(op("mad.neg", {u8({2}, {1, 0})}, "tensor<2xui8>").integers({2}), (I{255, 0}));
  EXPECT_EQ(op("mad.div", {i8({2}, {-128, -7}), i8({2}, {-1, 2})}, "tensor<2xi8>").integers({2}),
            (I{-128, -4}));
  RefTensor x = f32({6}, {-1.5, 300, 254.9f, NAN, -129, 127.5});
  EXPECT_EQ(op("mad.cast", {x}, "tensor<6xui8>").integers({6}), (I{0, 255, 254, 0, 0, 127}));
  EXPECT_EQ(op("mad.cast", {x}, "tensor<6xi8>").integers({6}), (I{-1, 127, 127, 0, -128, 127}));
  EXPECT_EQ(op("mad.cast", {i32({3}, {300, -1, 128})}, "tensor<3xui8>").integers({3}),
            (I{44, 255, 128}));
  EXPECT_EQ(op("mad.cast", {u8({2}, {200, 100})}, "tensor<2xi8>").integers({2}), (I{-56, 100}));
}

TEST(Elementwise, NarrowFloatsRoundEachResult) {
  RefTensor x = f16({1}, {2048}), one = f16({1}, {1});
  expectSame(op("mad.add", {x, one}, "tensor<1xf16>").floats({1}), {2048});
  expectSame(op("mad.add", {x, one}, "tensor<1xf16>", "", "", Mode::F64).floats({1}), {2049});
  expectSame(op("mad.mul", {x, x}, "tensor<1xf16>").floats({1}), {inf});
  expectSame(op("mad.div", {bf16({1}, {1}), bf16({1}, {3})}, "tensor<1xbf16>").floats({1}),
             {0x1.56p-2});
}

TEST(Elementwise, DeclaredModeRoundsToF32) {
  RefTensor x = f32({1}, {1}), tiny = f32({1}, {0x1p-30});
  expectSame(op("mad.add", {x, tiny}, "tensor<1xf32>").floats({1}), {1});
  expectSame(op("mad.add", {x, tiny}, "tensor<1xf32>", "", "", Mode::F64).floats({1}),
             {1 + 0x1p-30});
  // The input is rounded too, and then the quotient.
  expectSame(op("mad.div", {x, f32({1}, {3})}, "tensor<1xf32>").floats({1}), {double(1.0f / 3.0f)});
  expectSame(op("mad.div", {x, f32({1}, {3})}, "tensor<1xf32>", "", "", Mode::F64).floats({1}),
             {1.0 / 3.0});
}

TEST(Elementwise, OfNoElements) {
  expectSame(op("mad.exp", {f32({0, 3}, {})}, "tensor<0x3xf32>").floats({0, 3}), {});
}
