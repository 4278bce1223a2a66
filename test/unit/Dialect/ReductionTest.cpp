//===- ReductionTest.cpp - Reductions and contractions ----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "test/unit/Dialect/Support.h"
#include <cmath>

using namespace mad;
using namespace mad::test;

using I = std::vector<int64_t>;
static const double inf = INFINITY, nan_ = NAN;

static Outcome reduce(const std::string &kind, RefTensor x, const std::string &dims,
                      const std::string &type, Mode mode = Mode::Declared) {
  return op("mad.reduce", {x}, type, kind, "over [" + dims + "]", mode);
}
static RefTensor matrix() { return f32({2, 3}, {1, 5, 3, 4, 2, 6}); }

TEST(Reduce, AlongEachDimension) {
  expectSame(reduce("sum", matrix(), "1", "tensor<2xf32>").floats({2}), {9, 12});
  expectSame(reduce("sum", matrix(), "0", "tensor<3xf32>").floats({3}), {5, 7, 9});
  expectSame(reduce("sum", matrix(), "0, 1", "tensor<f32>").floats({}), {21});
  expectSame(reduce("prod", matrix(), "1", "tensor<2xf32>").floats({2}), {15, 48});
  expectSame(reduce("max", matrix(), "1", "tensor<2xf32>").floats({2}), {5, 6});
  expectSame(reduce("min", matrix(), "0", "tensor<3xf32>").floats({3}), {1, 2, 3});
  EXPECT_EQ(reduce("argmax", matrix(), "1", "tensor<2xi64>").integers({2}), (I{1, 2}));
}

TEST(Reduce, TheMiddleOfThree) {
  RefTensor x = i64({2, 3, 2}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
  EXPECT_EQ(reduce("sum", x, "1", "tensor<2x2xi64>").integers({2, 2}), (I{9, 12, 27, 30}));
  EXPECT_EQ(reduce("sum", x, "0, 2", "tensor<3xi64>").integers({3}), (I{18, 26, 34}));
}

TEST(Reduce, NaN) {
  RefTensor x = f64({2, 3}, {1, nan_, 3, 4, 2, 6});
  expectSame(reduce("max", x, "1", "tensor<2xf64>").floats({2}), {nan_, 6});
  expectSame(reduce("min", x, "1", "tensor<2xf64>").floats({2}), {nan_, 2});
  // NaN is largest; the first of equals wins.
  EXPECT_EQ(reduce("argmax", x, "1", "tensor<2xi64>").integers({2}), (I{1, 2}));
  EXPECT_EQ(reduce("argmax", f64({4}, {1, nan_, 9, nan_}), "0", "tensor<i64>").integers({}), I{1});
  EXPECT_EQ(reduce("argmax", f64({4}, {-inf, 3, 3, 1}), "0", "tensor<i64>").integers({}), I{1});
  EXPECT_EQ(reduce("argmax", f64({2}, {-inf, -inf}), "0", "tensor<i64>").integers({}), I{0});
}

TEST(Reduce, OfNoElements) {
  RefTensor none = f32({2, 0}, {}), ints = i32({2, 0}, {}), longs = i64({0}, {});
  expectSame(reduce("sum", none, "1", "tensor<2xf32>").floats({2}), {0, 0});
  expectSame(reduce("prod", none, "1", "tensor<2xf32>").floats({2}), {1, 1});
  expectSame(reduce("max", none, "1", "tensor<2xf32>").floats({2}), {-inf, -inf});
  expectSame(reduce("min", none, "1", "tensor<2xf32>").floats({2}), {inf, inf});
  EXPECT_EQ(reduce("argmax", none, "1", "tensor<2xi64>").integers({2}), (I{0, 0}));
  EXPECT_EQ(reduce("max", ints, "1", "tensor<2xi32>").integers({2}), (I{INT32_MIN, INT32_MIN}));
  EXPECT_EQ(reduce("min", ints, "1", "tensor<2xi32>").integers({2}), (I{INT32_MAX, INT32_MAX}));
  EXPECT_EQ(reduce("max", longs, "0", "tensor<i64>").integers({}), I{INT64_MIN});
  EXPECT_EQ(reduce("min", longs, "0", "tensor<i64>").integers({}), I{INT64_MAX});
  EXPECT_EQ(reduce("all", boolean({0}, {}), "0", "tensor<i1>").integers({}), I{1});
  EXPECT_EQ(reduce("any", boolean({0}, {}), "0", "tensor<i1>").integers({}), I{0});
  expectSame(reduce("sum", none, "0", "tensor<0xf32>").floats({0}), {});
}

TEST(Reduce, Logic) {
  RefTensor x = boolean({2, 2}, {1, 1, 0, 1});
  EXPECT_EQ(reduce("all", x, "1", "tensor<2xi1>").integers({2}), (I{1, 0}));
  EXPECT_EQ(reduce("any", boolean({2, 2}, {0, 0, 0, 1}), "1", "tensor<2xi1>").integers({2}),
            (I{0, 1}));
}

TEST(Reduce, IntegersWrap) {
  EXPECT_EQ(reduce("sum", i32({2}, {INT32_MAX, 1}), "0", "tensor<i32>").integers({}), I{INT32_MIN});
  EXPECT_EQ(reduce("prod", i64({2}, {INT64_MAX, 2}), "0", "tensor<i64>").integers({}), I{-2});
}

TEST(Reduce, RoundsOnceInDeclaredMode) {
  // 1 + 2^-24 + 2^-24 is 1 when rounded at each step, and 1 + 2^-23 at the end.
  RefTensor x = f32({3}, {1, 0x1p-24, 0x1p-24});
  expectSame(reduce("sum", x, "0", "tensor<f32>").floats({}), {1 + 0x1p-23});
  RefTensor y = f32({2}, {1, 0x1p-30});
  expectSame(reduce("sum", y, "0", "tensor<f32>").floats({}), {1});
  expectSame(reduce("sum", y, "0", "tensor<f32>", Mode::F64).floats({}), {1 + 0x1p-30});
}

/// `left` and `right` are the results of the maps over `space`.
static Outcome contract(RefTensor lhs, RefTensor rhs, const std::string &space,
                        const std::string &left, const std::string &right, const std::string &types,
                        const std::string &result) {
  std::string l = types.substr(0, types.find(',')), r = types.substr(types.find(',') + 1);
  return run("func.func @main(%l: " + l + ", %r: " + r + ") -> " + result +
                 " {\n %0 = mad.contract %l by affine_map<" + space + " -> " + left +
                 ">, %r by affine_map<" + space + " -> " + right + "> : (" + l + ", " + r +
                 ") -> " + result + "\n return %0 : " + result + "\n}",
             {lhs, rhs});
}

TEST(Contract, MatrixProduct) {
  expectSame(contract(f32({2, 3}, {1, 2, 3, 4, 5, 6}), f32({3, 2}, {1, 0, 0, 1, 1, 1}),
                      "(d0, d1, d2)", "(d0, d2)", "(d2, d1)", "tensor<2x3xf32>,tensor<3x2xf32>",
                      "tensor<2x2xf32>")
                 .floats({2, 2}),
             {4, 5, 10, 11});
}

TEST(Contract, TransposedOperandAndResult) {
  // result[j, i] = sum over k of a[k, i] * b[j, k]
  expectSame(contract(f32({2, 2}, {1, 2, 3, 4}), f32({3, 2}, {1, 0, 0, 1, 1, 1}), "(d0, d1, d2)",
                      "(d2, d1)", "(d0, d2)", "tensor<2x2xf32>,tensor<3x2xf32>", "tensor<3x2xf32>")
                 .floats({3, 2}),
             {1, 2, 3, 4, 4, 6});
}

TEST(Contract, BatchAndOuterAndDot) {
  EXPECT_EQ(contract(i64({2, 2}, {1, 2, 3, 4}), i64({2, 2}, {5, 6, 7, 8}), "(d0, d1)", "(d0, d1)",
                     "(d0, d1)", "tensor<2x2xi64>,tensor<2x2xi64>", "tensor<2xi64>")
                .integers({2}),
            (I{17, 53}));
  EXPECT_EQ(contract(i64({2}, {1, 2}), i64({3}, {3, 4, 5}), "(d0, d1)", "(d0)", "(d1)",
                     "tensor<2xi64>,tensor<3xi64>", "tensor<2x3xi64>")
                .integers({2, 3}),
            (I{3, 4, 5, 6, 8, 10}));
  EXPECT_EQ(contract(i64({2}, {1, 2}), i64({2}, {3, 4}), "(d0)", "(d0)", "(d0)",
                     "tensor<2xi64>,tensor<2xi64>", "tensor<i64>")
                .integers({}),
            I{11});
}

TEST(Contract, SummedDimensionOfOneOperand) {
  // sum over k of a[i] * b[k]
  EXPECT_EQ(contract(i64({2}, {1, 2}), i64({3}, {3, 4, 5}), "(d0, d1)", "(d0)", "(d1)",
                     "tensor<2xi64>,tensor<3xi64>", "tensor<2xi64>")
                .integers({2}),
            (I{12, 24}));
}

TEST(Contract, OfNothingIsZero) {
  expectSame(contract(f32({2, 0}, {}), f32({0, 2}, {}), "(d0, d1, d2)", "(d0, d2)", "(d2, d1)",
                      "tensor<2x0xf32>,tensor<0x2xf32>", "tensor<2x2xf32>")
                 .floats({2, 2}),
             {0, 0, 0, 0});
}
