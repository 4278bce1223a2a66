//===- MovementTest.cpp - Sources and movement of elements ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "test/unit/Dialect/Support.h"

using namespace mad;
using namespace mad::test;

using D = std::vector<double>;
using I = std::vector<int64_t>;

static RefTensor matrix() { return f32({2, 3}, {1, 2, 3, 4, 5, 6}); }

static Outcome view(RefTensor x, const std::string &map, const std::string &boundary,
                    const std::string &type) {
  return op("mad.view", {x}, type, "", "by affine_map<" + map + "> " + boundary);
}

TEST(Sources, ConstantsOfEachType) {
  Outcome all = run(R"(
    func.func @main() -> (tensor<2xf32>, tensor<f64>, tensor<2xi32>, tensor<3xi64>, tensor<2xi1>) {
      %0 = mad.constant dense<[1.5, -0.0]> : tensor<2xf32>
      %1 = mad.constant dense<0.1> : tensor<f64>
      %2 = mad.constant dense<-3> : tensor<2xi32>
      %3 = mad.constant dense<[1, -2, 9223372036854775807]> : tensor<3xi64>
      %4 = mad.constant dense<[true, false]> : tensor<2xi1>
      return %0, %1, %2, %3, %4 : tensor<2xf32>, tensor<f64>, tensor<2xi32>, tensor<3xi64>, tensor<2xi1>
    })",
                    {});
  expectSame(all.floats({2}, 0), {1.5, -0.0});
  expectSame(all.floats({}, 1), {0.1});
  EXPECT_EQ(all.integers({2}, 2), (I{-3, -3}));
  EXPECT_EQ(all.integers({3}, 3), (I{1, -2, INT64_MAX}));
  EXPECT_EQ(all.integers({2}, 4), (I{1, 0}));
}

static const char *weightProgram = R"(
  mad.weight_source @w from "file" : "entry" : tensor<2xf32>
  func.func @main() -> tensor<2xf32> {
    %0 = mad.weight @w : tensor<2xf32, #mad.dims<"Two">>
    %1 = mad.cast %0 : (tensor<2xf32, #mad.dims<"Two">>) -> tensor<2xf32>
    return %1 : tensor<2xf32>
  })";

TEST(Sources, Weight) {
  RefTensor w = f32({2}, {7, 8});
  expectSame(run(weightProgram, {}, Mode::Declared, {{"w", &w}}).floats({2}), {7, 8});
}

TEST(Sources, WeightWithoutValues) {
  EXPECT_NE(run(weightProgram, {}).message.find("weight `w` has no values"), std::string::npos);
}

TEST(Sources, WeightOfAnotherShape) {
  RefTensor w = f32({3}, {7, 8, 9});
  EXPECT_NE(
      run(weightProgram, {}, Mode::Declared, {{"w", &w}}).message.find("another type or shape"),
      std::string::npos);
}

TEST(Sources, IotaAndDim) {
  Outcome all = run(R"(
    func.func @main(%x: tensor<?x3xf32, #mad.dims<"N", "">>) -> (tensor<?x3xi64, #mad.dims<"N", "">>, tensor<?x3xi64, #mad.dims<"N", "">>, tensor<i64>) {
      %0 = mad.iota 0 : tensor<?x3xi64, #mad.dims<"N", "">>
      %1 = mad.iota 1 : tensor<?x3xi64, #mad.dims<"N", "">>
      %2 = mad.dim "(N - 5) / 2" : tensor<i64>
      return %0, %1, %2 : tensor<?x3xi64, #mad.dims<"N", "">>, tensor<?x3xi64, #mad.dims<"N", "">>, tensor<i64>
    })",
                    {f32({2, 3}, {0, 0, 0, 0, 0, 0})});
  EXPECT_EQ(all.integers({2, 3}, 0), (I{0, 0, 0, 1, 1, 1}));
  EXPECT_EQ(all.integers({2, 3}, 1), (I{0, 1, 2, 0, 1, 2}));
  EXPECT_EQ(all.integers({}, 2), I{-2});
}

TEST(View, Transpose) {
  expectSame(view(matrix(), "(d0, d1) -> (d1, d0)", "inside", "tensor<3x2xf32>").floats({3, 2}),
             {1, 4, 2, 5, 3, 6});
}

TEST(View, BroadcastDiagonalReversalAndStride) {
  expectSame(view(f32({}, {7}), "(d0, d1) -> ()", "inside", "tensor<2x2xf32>").floats({2, 2}),
             {7, 7, 7, 7});
  expectSame(view(matrix(), "(d0) -> (d0, d0)", "inside", "tensor<2xf32>").floats({2}), {1, 5});
  expectSame(
      view(matrix(), "(d0, d1) -> (d0, -d1 + 2)", "inside", "tensor<2x3xf32>").floats({2, 3}),
      {3, 2, 1, 6, 5, 4});
  expectSame(
      view(f32({5}, {1, 2, 3, 4, 5}), "(d0, d1) -> (d0 * 2 + d1)", "inside", "tensor<2x3xf32>")
          .floats({2, 3}),
      {1, 2, 3, 3, 4, 5});
}

TEST(View, Boundaries) {
  RefTensor x = f32({3}, {1, 2, 3});
  const char *map = "(d0) -> (d0 - 4)"; // reads -4 .. 6
  expectSame(view(x, map, "zero", "tensor<11xf32>").floats({11}),
             {0, 0, 0, 0, 1, 2, 3, 0, 0, 0, 0});
  expectSame(view(x, map, "periodic", "tensor<11xf32>").floats({11}),
             {3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1});
  expectSame(view(x, map, "clamp", "tensor<11xf32>").floats({11}),
             {1, 1, 1, 1, 1, 2, 3, 3, 3, 3, 3});
  EXPECT_NE(
      view(x, map, "checked", "tensor<11xf32>")
          .message.find("index out of range for dimension 0: found -4, expected 0 <= index < 3"),
      std::string::npos);
  expectSame(view(x, "(d0) -> (d0 + 1)", "checked", "tensor<2xf32>").floats({2}), {2, 3});
}

TEST(View, ZeroInOneDimensionIsZeroInAll) {
  expectSame(
      view(matrix(), "(d0, d1) -> (d0 - 1, d1 - 1)", "zero", "tensor<3x3xf32>").floats({3, 3}),
      {0, 0, 0, 0, 1, 2, 0, 4, 5});
}

TEST(View, Scalars) {
  auto row = [](int64_t i) {
    return run(R"(
      func.func @main(%x: tensor<2x3xf32>, %i: tensor<i64>) -> tensor<2xf32> {
        %0 = mad.view %x[%i, %i] by affine_map<(d0)[s0, s1] -> (s0, d0 + s1 - 1)> checked
             : (tensor<2x3xf32>, tensor<i64>, tensor<i64>) -> tensor<2xf32>
        return %0 : tensor<2xf32>
      })",
               {matrix(), i64({}, {i})});
  };
  expectSame(row(1).floats({2}), {4, 5});
  EXPECT_NE(row(2).message.find("dimension 0: found 2, expected 0 <= index < 2"),
            std::string::npos);
  EXPECT_NE(row(0).message.find("dimension 1: found -1, expected 0 <= index < 3"),
            std::string::npos);
}

TEST(View, CoordinatesBeyondI64AreExact) {
  auto read = [](const char *boundary, int64_t i) {
    std::string program = R"(
      func.func @main(%x: tensor<3xf32>, %i: tensor<i64>) -> tensor<2xf32> {
        %0 = mad.view %x[%i] by affine_map<(d0)[s0] -> (d0 + s0 * 4)> )" +
                          std::string(boundary) +
                          R"( : (tensor<3xf32>, tensor<i64>) -> tensor<2xf32>
        return %0 : tensor<2xf32>
      })";
    return run(program.c_str(), {f32({3}, {1, 2, 3}), i64({}, {i})});
  };
  // 4 (2^63 - 1) = 4 (2 - 1) = 1 and -4 2^63 = -4 2 = 1 modulo 3, as 2^63 is 2.
  expectSame(read("periodic", INT64_MAX).floats({2}), {2, 3});
  expectSame(read("periodic", INT64_MIN).floats({2}), {2, 3});
  expectSame(read("periodic", 3).floats({2}), {1, 2});
  expectSame(read("clamp", int64_t(1) << 62).floats({2}), {3, 3});
  expectSame(read("clamp", INT64_MIN).floats({2}), {1, 1});
  expectSame(read("zero", int64_t(1) << 62).floats({2}), {0, 0});
  EXPECT_NE(read("checked", int64_t(1) << 62)
                .message.find("dimension 0: found 9223372036854775807, expected 0 <= index < 3"),
            std::string::npos);
}

TEST(View, NamesItsSource) {
  EXPECT_EQ(run(R"(
    func.func @main(%x: tensor<2xf32> {mad.name = "table"}) -> tensor<3xf32> {
      %0 = mad.view %x by affine_map<(d0) -> (d0)> checked : (tensor<2xf32>) -> tensor<3xf32> loc("a.mad":2:5)
      return %0 : tensor<3xf32>
    })",
                {f32({2}, {1, 2})})
                .message,
            "a.mad:2:5: index out of range for dimension 0 of `table`: found 2, "
            "expected 0 <= index < 2");
}

TEST(View, OfNothing) {
  expectSame(view(f32({0}, {}), "(d0) -> (d0)", "inside", "tensor<0xf32>").floats({0}), {});
  expectSame(view(f32({0}, {}), "(d0) -> (d0)", "periodic", "tensor<2xf32>").floats({2}), {0, 0});
}

TEST(Gather, ReadsAtCoordinates) {
  auto gather = [](I rows, I columns) {
    int64_t n = rows.size();
    std::string type = "tensor<" + std::to_string(n) + "x";
    return run("func.func @main(%x: tensor<2x3xf32>, %i: " + type + "i64>, %j: " + type +
                   "i64>) -> " + type + "f32> {\n %0 = mad.gather %x[%i, %j] : (tensor<2x3xf32>, " +
                   type + "i64>, " + type + "i64>) -> " + type +
                   "f32> loc(\"net.mad\":7:9)\n return %0 : " + type + "f32>\n}",
               {matrix(), i64({n}, rows), i64({n}, columns)});
  };
  expectSame(gather({1, 0, 1}, {2, 0, 0}).floats({3}), {6, 1, 4});
  EXPECT_EQ(gather({1, 2}, {0, 0}).message,
            "net.mad:7:9: index out of range for dimension 0: found 2, expected 0 <= index < 2");
  EXPECT_EQ(gather({0, 0}, {0, -1}).message,
            "net.mad:7:9: index out of range for dimension 1: found -1, expected 0 <= index < 3");
}

TEST(Reshape, KeepsTheOrder) {
  expectSame(op("mad.reshape", {matrix()}, "tensor<3x2xf32>").floats({3, 2}), {1, 2, 3, 4, 5, 6});
}

TEST(Concat, AlongEachAxis) {
  RefTensor y = f32({1, 3}, {7, 8, 9}), z = f32({2, 1}, {7, 8}), none = f32({2, 0}, {});
  expectSame(op("mad.concat", {matrix(), y}, "tensor<3x3xf32>", "0 of").floats({3, 3}),
             {1, 2, 3, 4, 5, 6, 7, 8, 9});
  expectSame(op("mad.concat", {z, none, matrix()}, "tensor<2x4xf32>", "1 of").floats({2, 4}),
             {7, 1, 2, 3, 8, 4, 5, 6});
}
