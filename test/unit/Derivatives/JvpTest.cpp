//===- JvpTest.cpp - Tangents against central differences ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each op is in a small program of f64. Its companion runs in the reference interpreter, and so
// does the program itself, a step before and behind: (f(x + h v) - f(x - h v)) / 2h. With h = 1e-5
// the formula is off by h^2 / 6 = 2e-11 times the third derivative, and roundings by 1e-16 / h =
// 1e-11 times f. Inputs and derivatives are of the order of 1, so 1e-7 leaves room for a factor of
// 1000.
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/Derivatives/Differentiate.h"
#include "mlir/IR/Verifier.h"
#include "test/unit/Derivatives/Programs.h"
#include <cmath>
#include <set>

using namespace mad;
using namespace mad::test;

namespace {

constexpr double step = 1e-5, tolerance = 1e-7;

class Jvp : public Programs {
protected:
  double slack = 0; ///< values of the companion may differ by this

  static Tensors floatsOf(const Tensors &tensors) {
    Tensors found;
    for (const RefTensor &tensor : tensors)
      if (tensor.isFloat())
        found.push_back(tensor);
    return found;
  }

  /// The differences of the float results along a direction.
  Tensors differences(mlir::ModuleOp module, const Tensors &inputs, const Tensors &directions) {
    Tensors sides[2];
    for (int side : {0, 1}) {
      Tensors moved = inputs;
      size_t next = 0;
      for (RefTensor &tensor : moved)
        if (tensor.isFloat()) {
          const RefTensor &direction = directions[next++];
          for (size_t i = 0; i < tensor.floats.size(); ++i)
            tensor.floats[i] += (side ? step : -step) * direction.floats[i];
        }
      sides[side] = floatsOf(run(module, "main", moved));
    }
    for (size_t k = 0; k < sides[0].size(); ++k)
      for (size_t i = 0; i < sides[0][k].floats.size(); ++i)
        sides[0][k].floats[i] = (sides[1][k].floats[i] - sides[0][k].floats[i]) / (2 * step);
    return sides[0];
  }

  /// The tangents of the float results of `main`; those that do not vary are zeros.
  Tensors tangents(mlir::ModuleOp module, const Tensors &inputs, const Tensors &directions,
                   std::optional<DimExpr> count = std::nullopt) {
    auto main = module.lookupSymbol<mlir::func::FuncOp>("main");
    mlir::SmallVector<bool> active;
    for (const RefTensor &input : inputs)
      active.push_back(input.isFloat());
    auto jvp = Differentiator(module).jvp(main, active, count);
    EXPECT_TRUE(succeeded(jvp));
    EXPECT_TRUE(succeeded(mlir::verify(module)));
    if (failed(jvp))
      return {};
    Tensors arguments = inputs;
    arguments.insert(arguments.end(), directions.begin(), directions.end());
    Tensors results = run(module, jvp->function.getName().str(), arguments);
    Tensors values = run(module, "main", inputs), found;
    size_t next = values.size();
    for (size_t i = 0; i < values.size() && next <= results.size(); ++i) {
      expectNear(results[i], values[i], slack);
      EXPECT_EQ(results[i].integers, values[i].integers);
      if (jvp->varies[i])
        found.push_back(results[next++]);
      else if (values[i].isFloat())
        found.push_back(RefTensor::zeros(RefElement::F64, values[i].shape));
    }
    EXPECT_EQ(next, results.size());
    return found;
  }

  static void expectNear(const RefTensor &found, const RefTensor &expected, double tolerance) {
    ASSERT_EQ(found.shape, expected.shape);
    for (size_t i = 0; i < found.floats.size(); ++i)
      EXPECT_NEAR(found.floats[i], expected.floats[i],
                  tolerance * (1 + std::abs(expected.floats[i])))
          << "element " << i;
  }

  /// One direction against differences, then two at once against each alone.
  void check(const std::string &text, const Tensors &inputs) {
    SCOPED_TRACE(text);
    auto module = parse(text);
    if (!module)
      return;
    Tensors single[2], both, directions[2];
    for (int d : {0, 1}) {
      for (const RefTensor &input : inputs)
        if (input.isFloat())
          directions[d].push_back(uniform(input.shape));
      single[d] = tangents(*module, inputs, directions[d]);
      Tensors expected = differences(*module, inputs, directions[d]);
      ASSERT_EQ(single[d].size(), expected.size());
      for (size_t k = 0; k < expected.size(); ++k)
        expectNear(single[d][k], expected[k], tolerance);
    }
    for (size_t k = 0; k < directions[0].size(); ++k)
      both.push_back(stacked(directions[0][k], directions[1][k]));
    Tensors found = tangents(*module, inputs, both, DimExpr(2));
    ASSERT_EQ(found.size(), single[0].size());
    for (size_t k = 0; k < found.size(); ++k)
      if (found[k].shape != single[0][k].shape) // zeros of one that does not vary
        expectNear(found[k], stacked(single[0][k], single[1][k]), 1e-14 + slack);
  }

  static RefTensor stacked(const RefTensor &a, const RefTensor &b) {
    mlir::SmallVector<int64_t> shape{2};
    shape.append(a.shape.begin(), a.shape.end());
    RefTensor all = RefTensor::zeros(RefElement::F64, shape);
    all.floats = a.floats;
    all.floats.insert(all.floats.end(), b.floats.begin(), b.floats.end());
    return all;
  }

  /// `main` of these arguments, `(%x: ...) -> ... { body }`.
  void checkMain(const std::string &text, const Tensors &inputs) {
    check("func.func @main" + text, inputs);
  }
};

//===----------------------------------------------------------------------===//
// Elementwise
//===----------------------------------------------------------------------===//

TEST_F(Jvp, FunctionsOfOneNumber) {
  struct {
    const char *name;
    double low, high;
  } functions[] = {
      {"neg", -2, 2},      {"abs", -2, 2},       {"sign", -2, 2},     {"exp", -2, 2},
      {"expm1", -2, 2},    {"log", 0.3, 2},      {"log1p", -0.5, 2},  {"sqrt", 0.3, 2},
      {"rsqrt", 0.3, 2},   {"sin", -2, 2},       {"cos", -2, 2},      {"tan", -1, 1},
      {"tanh", -2, 2},     {"erf", -2, 2},       {"floor", 0.1, 0.9}, {"ceil", 0.1, 0.9},
      {"round", 0.6, 1.4}, {"trunc", 0.1, 0.9},  {"exp2", -2, 2},     {"log2", 0.3, 2},
      {"log10", 0.3, 2},   {"cbrt", 0.3, 2},     {"asin", -0.9, 0.9}, {"acos", -0.9, 0.9},
      {"atan", -2, 2},     {"sinh", -2, 2},      {"cosh", -2, 2},     {"asinh", -2, 2},
      {"acosh", 1.3, 3},   {"atanh", -0.9, 0.9}, {"erfc", -2, 2}};
  for (const auto &f : functions)
    checkMain("(%x: tensor<2x3xf64>) -> tensor<2x3xf64> {\n  %y = mad." + std::string(f.name) +
                  " %x : (tensor<2x3xf64>) -> tensor<2x3xf64>\n  return %y : tensor<2x3xf64>\n}",
              {uniform({2, 3}, f.low, f.high)});
}

TEST_F(Jvp, FunctionsOfTwoNumbers) {
  for (std::string name : {"add", "sub", "mul", "div", "rem", "pow", "min", "max", "atan2"})
    for (const char *operands : {"%x, %y", "%x, %c", "%c, %y", "%x, %x", "%x, %two", "%x, %three"})
      checkMain(
          "(%x: tensor<5xf64>, %y: tensor<5xf64>) -> tensor<5xf64> {\n"
          "  %c = mad.constant dense<[0.7, 1.3, 1.1, 0.4, 1.9]> : tensor<5xf64>\n"
          "  %two = mad.constant dense<2.0> : tensor<5xf64>\n"
          "  %three = mad.constant dense<3.0> : tensor<5xf64>\n"
          "  %0 = mad." +
              name + " " + operands +
              " : (tensor<5xf64>, tensor<5xf64>) -> tensor<5xf64>\n"
              "  return %0 : tensor<5xf64>\n}",
          {doubles({5}, {1.2, 0.35, 1.7, 0.9, 0.51}), doubles({5}, {0.8, 1.6, 0.6, 1.25, 0.3})});
}

TEST_F(Jvp, ChoicesAndCasts) {
  checkMain(
      R"((%x: tensor<4xf64>, %y: tensor<4xf64>, %z: tensor<4xf64>)
      -> (tensor<4xf64>, tensor<4xf64>, tensor<4xf64>, tensor<4xi64>, tensor<4xf64>) {
    %c = mad.compare lt %x, %y : (tensor<4xf64>, tensor<4xf64>) -> tensor<4xi1>
    %0 = mad.select %c, %x, %z : (tensor<4xi1>, tensor<4xf64>, tensor<4xf64>) -> tensor<4xf64>
    %k = mad.constant dense<2.0> : tensor<4xf64>
    %1 = mad.select %c, %k, %y : (tensor<4xi1>, tensor<4xf64>, tensor<4xf64>) -> tensor<4xf64>
    %2 = mad.fma %x, %y, %z : (tensor<4xf64>, tensor<4xf64>, tensor<4xf64>) -> tensor<4xf64>
    %i = mad.cast %x : (tensor<4xf64>) -> tensor<4xi64>
    %3 = mad.cast %i : (tensor<4xi64>) -> tensor<4xf64>
    return %0, %1, %2, %i, %3 : tensor<4xf64>, tensor<4xf64>, tensor<4xf64>, tensor<4xi64>, tensor<4xf64>
  })",
      {doubles({4}, {0.1, 0.9, -0.4, 1.5}), doubles({4}, {0.3, -0.5, 0.2, 2.5}), uniform({4})});
}

// What docs/language.md says of places without a derivative.
TEST_F(Jvp, Kinks) {
  auto module = parse(R"(func.func @main(%x: tensor<3xf64>, %y: tensor<3xf64>)
      -> (tensor<3xf64>, tensor<3xf64>, tensor<f64>, tensor<3xf64>, tensor<3xf64>) {
    %0 = mad.abs %x : (tensor<3xf64>) -> tensor<3xf64>
    %1 = mad.max %x, %y : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
    %2 = mad.reduce max %y over [0] : (tensor<3xf64>) -> tensor<f64>
    %3 = mad.pow %x, %y : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
    %4 = mad.cumulate max %y along 0 : (tensor<3xf64>) -> tensor<3xf64>
    return %0, %1, %2, %3, %4 : tensor<3xf64>, tensor<3xf64>, tensor<f64>, tensor<3xf64>, tensor<3xf64>
  })");
  Tensors found = tangents(*module, {doubles({3}, {0, 2, 0}), doubles({3}, {2, 2, 0})},
                           {doubles({3}, {1, 10, 100}), doubles({3}, {2, 4, 8})});
  ASSERT_EQ(found.size(), 5u);
  EXPECT_EQ(found[0].floats, (std::vector<double>{0, 10, 0}));
  EXPECT_EQ(found[1].floats, (std::vector<double>{2, 7, 54}));
  EXPECT_EQ(found[2].floats, (std::vector<double>{3}));
  EXPECT_DOUBLE_EQ(found[3].floats[0], 0);
  EXPECT_DOUBLE_EQ(found[3].floats[1], 2 * 2 * 10 + 4 * std::log(2.0) * 4);
  EXPECT_DOUBLE_EQ(found[3].floats[2], 0);
  EXPECT_EQ(found[4].floats, (std::vector<double>{2, 2, 2}));
}

//===----------------------------------------------------------------------===//
// Movement
//===----------------------------------------------------------------------===//

TEST_F(Jvp, Views) {
  std::string boundaries[] = {"inside", "checked", "zero", "periodic", "clamp"};
  for (const std::string &boundary : boundaries) {
    std::string map = boundary == "inside" || boundary == "checked"
                          ? "affine_map<(d0, d1)[s0] -> (d1, s0 - d0)>"
                          : "affine_map<(d0, d1)[s0] -> (d1 + 2, s0 - 2 * d0)>";
    checkMain(
        "(%x: tensor<3x4xf64>, %s: tensor<i64>) -> tensor<4x3xf64> {\n  %0 = mad.view %x[%s] by " +
            map + " " + boundary +
            " : (tensor<3x4xf64>, tensor<i64>) -> tensor<4x3xf64>\n  return %0 : "
            "tensor<4x3xf64>\n}",
        {uniform({3, 4}), longs({}, {3})});
  }
}

TEST_F(Jvp, Movement) {
  checkMain(
      R"((%x: tensor<2x3xf64>, %u: tensor<2xf64>, %s: tensor<f64>, %i: tensor<2xi64>, %k: tensor<i64>)
      -> (tensor<2xf64>, tensor<2xf64>, tensor<3x2xf64>, tensor<2x5xf64>, tensor<2x3xf64>, tensor<2x3xf64>) {
    %0 = mad.gather %x[%i, %i] : (tensor<2x3xf64>, tensor<2xi64>, tensor<2xi64>) -> tensor<2xf64>
    %1 = mad.gather %s[] : (tensor<f64>) -> tensor<2xf64>
    %2 = mad.reshape %x : (tensor<2x3xf64>) -> tensor<3x2xf64>
    %c = mad.constant dense<3.0> : tensor<2x2xf64>
    %3 = mad.concat 1 of %c, %x : (tensor<2x2xf64>, tensor<2x3xf64>) -> tensor<2x5xf64>
    %4 = mad.update %x[%k] by affine_map<(d0)[s0] -> (d0, s0)> checked with %u : (tensor<2x3xf64>, tensor<2xf64>, tensor<i64>) -> tensor<2x3xf64>
    %n = mad.constant dense<1.0> : tensor<2x3xf64>
    %5 = mad.update %n by affine_map<(d0) -> (d0, 2)> inside with %u : (tensor<2x3xf64>, tensor<2xf64>) -> tensor<2x3xf64>
    return %0, %1, %2, %3, %4, %5 : tensor<2xf64>, tensor<2xf64>, tensor<3x2xf64>, tensor<2x5xf64>, tensor<2x3xf64>, tensor<2x3xf64>
  })",
      {uniform({2, 3}), uniform({2}), uniform({}), longs({2}, {1, 0}), longs({}, {1})});
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

TEST_F(Jvp, Reductions) {
  for (std::string kind : {"sum", "prod", "max", "min"})
    for (const char *rest : {"over [1] : (tensor<2x3x2xf64>) -> tensor<2x2xf64>",
                             "over [0, 2] : (tensor<2x3x2xf64>) -> tensor<3xf64>"}) {
      std::string type = std::string(rest).substr(std::string(rest).find("-> ") + 3);
      checkMain("(%x: tensor<2x3x2xf64>) -> " + type + " {\n  %0 = mad.reduce " + kind + " %x " +
                    rest + "\n  return %0 : " + type + "\n}",
                {uniform({2, 3, 2})});
    }
  for (std::string kind : {"sum", "prod", "max", "min"})
    checkMain("(%x: tensor<2x4x2xf64>) -> tensor<2x4x2xf64> {\n  %0 = mad.cumulate " + kind +
                  " %x along 1 : (tensor<2x4x2xf64>) -> tensor<2x4x2xf64>\n"
                  "  return %0 : tensor<2x4x2xf64>\n}",
              {uniform({2, 4, 2})});
}

// A product of factors of which one or two are zero.
TEST_F(Jvp, ProductsWithZeros) {
  for (std::string op : {"mad.reduce prod %x over [1] : (tensor<3x3xf64>) -> tensor<3xf64>",
                         "mad.cumulate prod %x along 1 : (tensor<3x3xf64>) -> tensor<3x3xf64>"}) {
    std::string type = op.substr(op.find("-> ") + 3);
    checkMain("(%x: tensor<3x3xf64>) -> " + type + " {\n  %0 = " + op + "\n  return %0 : " + type +
                  "\n}",
              {doubles({3, 3}, {1, 0, 2, 0, 3, 0, 0.5, 2, 3})});
  }
}

TEST_F(Jvp, Contractions) {
  checkMain(R"((%x: tensor<2x3xf64>, %y: tensor<3x2x4xf64>) -> (tensor<2x4xf64>, tensor<3x2xf64>) {
    %0 = mad.contract %x by affine_map<(b, m, k) -> (b, k)>, %y by affine_map<(b, m, k) -> (k, b, m)>
        : (tensor<2x3xf64>, tensor<3x2x4xf64>) -> tensor<2x4xf64>
    %c = mad.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf64>
    %1 = mad.contract %c by affine_map<(i, j, k) -> (i, k)>, %x by affine_map<(i, j, k) -> (j, i)>
        : (tensor<3x2xf64>, tensor<2x3xf64>) -> tensor<3x2xf64>
    return %0, %1 : tensor<2x4xf64>, tensor<3x2xf64>
  })",
            {uniform({2, 3}), uniform({3, 2, 4})});
}

TEST_F(Jvp, SortsAndScatters) {
  for (const char *order : {"", " descending"})
    checkMain("(%x: tensor<2x4xf64>) -> (tensor<2x3xf64>, tensor<2x3xi64>) {\n"
              "  %0, %1 = mad.sort %x along 1" +
                  std::string(order) +
                  " : (tensor<2x4xf64>) -> (tensor<2x3xf64>, tensor<2x3xi64>)\n"
                  "  return %0, %1 : tensor<2x3xf64>, tensor<2x3xi64>\n}",
              {uniform({2, 4})});
  for (std::string kind : {"set", "add", "max", "min"})
    for (const char *operands : {"%x[%i] = %u", "%c[%i] = %u", "%x[%i] = %d"})
      checkMain("(%x: tensor<4xf64>, %u: tensor<5xf64>, %i: tensor<5xi64>) -> tensor<4xf64> {\n"
                "  %c = mad.constant dense<0.1> : tensor<4xf64>\n"
                "  %d = mad.constant dense<0.2> : tensor<5xf64>\n"
                "  %0 = mad.scatter " +
                    kind + " " + operands +
                    " : (tensor<4xf64>, tensor<5xi64>, tensor<5xf64>) -> tensor<4xf64>\n"
                    "  return %0 : tensor<4xf64>\n}",
                {uniform({4}), uniform({5}), longs({5}, {0, 3, 0, 1, 0})});
  checkMain(R"((%x: tensor<f64>, %u: tensor<3xf64>) -> tensor<f64> {
    %0 = mad.scatter add %x[] = %u : (tensor<f64>, tensor<3xf64>) -> tensor<f64>
    return %0 : tensor<f64>
  })",
            {uniform({}), uniform({3})});
}

//===----------------------------------------------------------------------===//
// Control
//===----------------------------------------------------------------------===//

TEST_F(Jvp, Branches) {
  const char *text = R"((%x: tensor<2xf64>, %s: tensor<f64>) -> (tensor<2xf64>, tensor<2xf64>) {
    %zero = mad.constant dense<0.0> : tensor<f64>
    %c = mad.compare lt %s, %zero : (tensor<f64>, tensor<f64>) -> tensor<i1>
    %k = mad.constant dense<1.0> : tensor<2xf64>
    %0, %1 = mad.if %c : tensor<i1> -> tensor<2xf64>, tensor<2xf64> {
      %2 = mad.exp %x : (tensor<2xf64>) -> tensor<2xf64>
      mad.yield %2, %k : tensor<2xf64>, tensor<2xf64>
    } else {
      mad.yield %k, %k : tensor<2xf64>, tensor<2xf64>
    }
    return %0, %1 : tensor<2xf64>, tensor<2xf64>
  })";
  checkMain(text, {uniform({2}), doubles({}, {-0.5})});
  checkMain(text, {uniform({2}), doubles({}, {0.5})});
}

// The second carried value only varies after a round, and the third after two.
TEST_F(Jvp, Loops) {
  checkMain(
      R"((%x: tensor<2xf64>) -> (tensor<2xf64>, tensor<2xf64>, tensor<2xf64>, tensor<4x2xf64>, tensor<4xi64>) {
    %c = mad.constant dense<0.5> : tensor<2xf64>
    %0:5 = mad.scan "0" to "4" carry %x, %c, %c : (tensor<2xf64>, tensor<2xf64>, tensor<2xf64>)
        -> (tensor<2xf64>, tensor<2xf64>, tensor<2xf64>, tensor<4x2xf64>, tensor<4xi64>) {
    ^bb0(%i: tensor<i64>, %a: tensor<2xf64>, %b: tensor<2xf64>, %d: tensor<2xf64>):
      %1 = mad.sin %a : (tensor<2xf64>) -> tensor<2xf64>
      %2 = mad.mul %a, %b : (tensor<2xf64>, tensor<2xf64>) -> tensor<2xf64>
      %3 = mad.add %b, %d : (tensor<2xf64>, tensor<2xf64>) -> tensor<2xf64>
      mad.yield %1, %2, %3, %2, %i : tensor<2xf64>, tensor<2xf64>, tensor<2xf64>, tensor<2xf64>, tensor<i64>
    }
    return %0#0, %0#1, %0#2, %0#3, %0#4 : tensor<2xf64>, tensor<2xf64>, tensor<2xf64>, tensor<4x2xf64>, tensor<4xi64>
  })",
      {uniform({2})});
  checkMain(R"((%x: tensor<f64>) -> (tensor<f64>, tensor<f64>, tensor<i64>) {
    %c = mad.constant dense<1.0> : tensor<f64>
    %limit = mad.constant dense<0.2> : tensor<f64>
    %0:3 = mad.iterate max "9" carry %x, %c : (tensor<f64>, tensor<f64>) -> (tensor<f64>, tensor<f64>, tensor<i64>)
    while {
    ^bb0(%i: tensor<i64>, %a: tensor<f64>, %b: tensor<f64>):
      %1 = mad.compare gt %a, %limit : (tensor<f64>, tensor<f64>) -> tensor<i1>
      mad.yield %1 : tensor<i1>
    } do {
    ^bb0(%i: tensor<i64>, %a: tensor<f64>, %b: tensor<f64>):
      %1 = mad.mul %a, %x : (tensor<f64>, tensor<f64>) -> tensor<f64>
      %2 = mad.add %b, %a : (tensor<f64>, tensor<f64>) -> tensor<f64>
      mad.yield %1, %2 : tensor<f64>, tensor<f64>
    }
    return %0#0, %0#1, %0#2 : tensor<f64>, tensor<f64>, tensor<i64>
  })",
            {doubles({}, {0.7})});
}

/// A pendulum with friction `p` from `a` to `b`; `options`: how it is solved.
std::string pendulum(const std::string &options, const std::string &result) {
  return R"((%x: tensor<2xf64>, %p: tensor<f64>, %a: tensor<f64>, %b: tensor<f64>, %grid: tensor<3xf64>) -> )" +
         result + R"( {
    %e = mad.constant dense<1.0e-12> : tensor<f64>
    %0:6 = ode.solve )" +
         options + " -> (" + result +
         R"(, tensor<f64>, tensor<i32>, tensor<i64>, tensor<i64>, tensor<i64>) {
    ^bb0(%t: tensor<f64>, %y: tensor<2xf64>, %k: tensor<f64>):
      %1 = mad.view %y by affine_map<(d0) -> (1 - d0)> inside : (tensor<2xf64>) -> tensor<2xf64>
      %2 = mad.sin %1 : (tensor<2xf64>) -> tensor<2xf64>
      %3 = mad.mul %k, %t : (tensor<f64>, tensor<f64>) -> tensor<f64>
      %4 = mad.view %3 by affine_map<(d0) -> ()> inside : (tensor<f64>) -> tensor<2xf64>
      %5 = mad.mul %y, %4 : (tensor<2xf64>, tensor<2xf64>) -> tensor<2xf64>
      %6 = mad.sub %2, %5 : (tensor<2xf64>, tensor<2xf64>) -> tensor<2xf64>
      ode.yield %6 : tensor<2xf64>
    }
    return %0#0 : )" +
         result + "\n}";
}

// With given steps what is solved with the tangents is the derivative of each step. Where ends
// move, it is that of the solution, from which 200 steps of a method of order 5 are off by (1.2 /
// 200)^5 = 1e-11. Chosen steps are others for the tangents: then values may differ by what a
// tolerance of 1e-12 a step leaves.
TEST_F(Jvp, Solutions) {
  const std::string head = "\"tsit5\" of \"pendulum\" [\"u\"](%x) from %a to %b ";
  const std::string one = "tensor<2xf64>, tensor<f64>, tensor<f64>", more = ", tensor<f64>";
  Tensors inputs{uniform({2}), doubles({}, {0.3}), doubles({}, {0.2}), doubles({}, {1.4}),
                 doubles({3}, {0.5, 0.7, 1.1})};
  checkMain(pendulum(head + "steps \"200\" with %p : (" + one + more + ")", "tensor<2xf64>"),
            inputs);
  slack = 1e-10;
  checkMain(pendulum(head + "rtol %e atol %e save %grid with %p : (" + one + more + more +
                         ", tensor<3xf64>" + more + ")",
                     "tensor<3x2xf64>"),
            inputs);
}

TEST_F(Jvp, Calls) {
  check(
      R"(func.func private @g(%x: tensor<2xf64>, %n: tensor<2xi64>, %y: tensor<2xf64>) -> (tensor<2xf64>, tensor<2xf64>) {
    %0 = mad.mul %x, %y : (tensor<2xf64>, tensor<2xf64>) -> tensor<2xf64>
    return %0, %y : tensor<2xf64>, tensor<2xf64>
  }
  func.func @main(%x: tensor<2xf64>, %n: tensor<2xi64>) -> (tensor<2xf64>, tensor<2xf64>, tensor<2xf64>) {
    %c = mad.constant dense<[2.0, 3.0]> : tensor<2xf64>
    %0:2 = func.call @g(%x, %n, %c) : (tensor<2xf64>, tensor<2xi64>, tensor<2xf64>) -> (tensor<2xf64>, tensor<2xf64>)
    %1:2 = func.call @g(%0#0, %n, %x) : (tensor<2xf64>, tensor<2xi64>, tensor<2xf64>) -> (tensor<2xf64>, tensor<2xf64>)
    return %1#0, %1#1, %0#1 : tensor<2xf64>, tensor<2xf64>, tensor<2xf64>
  })",
      {uniform({2}), longs({2}, {1, 2})});
}

TEST_F(Jvp, SizesThatTheCallDecides) {
  checkMain(
      R"((%x: tensor<?x3xf64, #mad.dims<"N", "">>) -> (tensor<3xf64>, tensor<?x3xf64, #mad.dims<"N", "">>, tensor<?x3xf64, #mad.dims<"N", "">>) {
    %0 = mad.reduce prod %x over [0] : (tensor<?x3xf64, #mad.dims<"N", "">>) -> tensor<3xf64>
    %1 = mad.cumulate prod %x along 0 : (tensor<?x3xf64, #mad.dims<"N", "">>) -> tensor<?x3xf64, #mad.dims<"N", "">>
    %2 = mad.tanh %x : (tensor<?x3xf64, #mad.dims<"N", "">>) -> tensor<?x3xf64, #mad.dims<"N", "">>
    return %0, %1, %2 : tensor<3xf64>, tensor<?x3xf64, #mad.dims<"N", "">>, tensor<?x3xf64, #mad.dims<"N", "">>
  })",
      {uniform({4, 3})});
}

// A new op belongs among the tests above, or into this list of those that do not vary.
TEST_F(Jvp, EveryOp) {
  const std::set<std::string> tested = {
      "abs",      "acos",   "acosh", "add",     "asin",   "asinh",    "atan",   "atan2",
      "atanh",    "cast",   "cbrt",  "ceil",    "concat", "contract", "cos",    "cosh",
      "cumulate", "div",    "erf",   "erfc",    "exp",    "exp2",     "expm1",  "floor",
      "fma",      "gather", "if",    "iterate", "log",    "log10",    "log1p",  "log2",
      "max",      "min",    "mul",   "neg",     "pow",    "reduce",   "rem",    "reshape",
      "round",    "rsqrt",  "scan",  "scatter", "select", "sign",     "sin",    "sinh",
      "sort",     "sqrt",   "sub",   "tan",     "tanh",   "trunc",    "update", "view"};
  const std::set<std::string> constant = {
      "and", "bit_and", "bit_not", "bit_or", "bit_xor", "compare", "constant", "dim", "iota",
      "isfinite", "isinf", "isnan", "not", "or", "philox", "shift_left", "shift_right", "weight",
      // No values of a program.
      "cumulate_memory", "rule", "scatter_memory", "sides", "sort_memory", "weight_source",
      "yield"};
  size_t found = 0;
  for (mlir::RegisteredOperationName op : context.getRegisteredOperationsByDialect("mad")) {
    std::string name = op.stripDialect().str();
    EXPECT_TRUE(tested.count(name) + constant.count(name) == 1) << name;
    ++found;
  }
  EXPECT_EQ(found, tested.size() + constant.size());
}

// The tangent of a tangent: of sin(x) x that is (2 cos x - x sin x) v w.
TEST_F(Jvp, Twice) {
  auto module = parse(R"(func.func @main(%x: tensor<2xf64>) -> tensor<2xf64> {
    %0 = mad.sin %x : (tensor<2xf64>) -> tensor<2xf64>
    %1 = mad.mul %0, %x : (tensor<2xf64>, tensor<2xf64>) -> tensor<2xf64>
    return %1 : tensor<2xf64>
  })");
  Differentiator differentiator(*module);
  auto main = module->lookupSymbol<mlir::func::FuncOp>("main");
  auto once = differentiator.jvp(main, {true});
  ASSERT_TRUE(succeeded(once));
  auto twice = differentiator.jvp(once->function, {true, false});
  ASSERT_TRUE(succeeded(twice));
  RefTensor x = uniform({2}), v = uniform({2}), w = uniform({2});
  Tensors results = run(*module, twice->function.getName().str(), {x, v, w});
  ASSERT_EQ(results.size(), 4u);
  for (size_t i : {0, 1}) {
    double a = x.floats[i];
    EXPECT_NEAR(results[3].floats[i],
                (2 * std::cos(a) - a * std::sin(a)) * v.floats[i] * w.floats[i], 1e-14);
  }
}

// Nothing is built for what does not vary, and each companion is made once.
TEST_F(Jvp, NoDeadWork) {
  auto module = parse(R"(func.func @main(%x: tensor<2xf64>, %y: tensor<2xf64>) -> tensor<2xf64> {
    %0 = mad.exp %y : (tensor<2xf64>) -> tensor<2xf64>
    %1 = mad.add %0, %x : (tensor<2xf64>, tensor<2xf64>) -> tensor<2xf64>
    return %1 : tensor<2xf64>
  })");
  Differentiator differentiator(*module);
  auto main = module->lookupSymbol<mlir::func::FuncOp>("main");
  auto jvp = differentiator.jvp(main, {true, false});
  ASSERT_TRUE(succeeded(jvp));
  EXPECT_EQ(std::distance(jvp->function.front().begin(), jvp->function.front().end()), 3);
  EXPECT_EQ(differentiator.jvp(main, {true, false})->function, jvp->function);
  EXPECT_NE(differentiator.jvp(main, {true, true})->function, jvp->function);
}

} // namespace
