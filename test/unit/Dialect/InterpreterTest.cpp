//===- InterpreterTest.cpp - Control, calls, failures -----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadOps.h"
#include "test/unit/Dialect/Support.h"

using namespace mad;
using namespace mad::test;

using I = std::vector<int64_t>;

TEST(If, RunsOneRegionOnly) {
  // The second region would fail: its index is out of range.
  const char *program = R"(
    func.func @main(%c: tensor<i1>, %x: tensor<2xf32>, %i: tensor<i64>) -> (tensor<f32>, tensor<i64>) {
      %0:2 = mad.if %c : tensor<i1> -> tensor<f32>, tensor<i64> {
        %1 = mad.reduce sum %x over [0] : (tensor<2xf32>) -> tensor<f32>
        mad.yield %1, %i : tensor<f32>, tensor<i64>
      } else {
        %1 = mad.gather %x[%i] : (tensor<2xf32>, tensor<i64>) -> tensor<f32>
        mad.yield %1, %i : tensor<f32>, tensor<i64>
      }
      return %0#0, %0#1 : tensor<f32>, tensor<i64>
    })";
  auto at = [&](int64_t condition) {
    return run(program, {boolean({}, {condition}), f32({2}, {3, 4}), i64({}, {9})});
  };
  expectSame(at(1).floats({}), {7});
  EXPECT_EQ(at(1).integers({}, 1), I{9});
  EXPECT_NE(at(0).message.find("found 9, expected 0 <= index < 2"), std::string::npos);
}

TEST(Scan, CarriesValues) {
  // Fibonacci, and the sum of the counters.
  const char *program = R"(
    func.func @main(%x: tensor<?xf32, #mad.dims<"N">>) -> (tensor<i64>, tensor<i64>, tensor<i64>) {
      %zero = mad.constant dense<0> : tensor<i64>
      %one = mad.constant dense<1> : tensor<i64>
      %0:3 = mad.scan "1" to "N + 1" carry %zero, %one, %zero
          : (tensor<i64>, tensor<i64>, tensor<i64>) -> (tensor<i64>, tensor<i64>, tensor<i64>) {
      ^bb0(%i: tensor<i64>, %a: tensor<i64>, %b: tensor<i64>, %s: tensor<i64>):
        %1 = mad.add %a, %b : (tensor<i64>, tensor<i64>) -> tensor<i64>
        %2 = mad.add %s, %i : (tensor<i64>, tensor<i64>) -> tensor<i64>
        mad.yield %b, %1, %2 : tensor<i64>, tensor<i64>, tensor<i64>
      }
      return %0#0, %0#1, %0#2 : tensor<i64>, tensor<i64>, tensor<i64>
    })";
  auto steps = [&](int64_t n) {
    Outcome outcome = run(program, {RefTensor::zeros(RefElement::F32, {n})});
    EXPECT_EQ(outcome.message, "");
    return I{outcome.results[0].integers[0], outcome.results[1].integers[0],
             outcome.results[2].integers[0]};
  };
  EXPECT_EQ(steps(10), (I{55, 89, 55}));
  EXPECT_EQ(steps(1), (I{1, 1, 1}));
  EXPECT_EQ(steps(0), (I{0, 1, 0})); // no step at all
}

TEST(Scan, CapturesValuesAndNests) {
  // Captured values are needed in every step, not only up to the first.
  const char *program = R"(
    func.func @main(%x: tensor<2xf32>, %c: tensor<i1>) -> tensor<2xf32> {
      %y = mad.neg %x : (tensor<2xf32>) -> tensor<2xf32>
      %0 = mad.scan "0" to "3" carry %x : (tensor<2xf32>) -> tensor<2xf32> {
      ^bb0(%i: tensor<i64>, %a: tensor<2xf32>):
        %1 = mad.scan "0" to "2" carry %a : (tensor<2xf32>) -> tensor<2xf32> {
        ^bb0(%j: tensor<i64>, %b: tensor<2xf32>):
          %2 = mad.if %c : tensor<i1> -> tensor<2xf32> {
            %3 = mad.sub %b, %y : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
            mad.yield %3 : tensor<2xf32>
          } else {
            mad.yield %b : tensor<2xf32>
          }
          mad.yield %2 : tensor<2xf32>
        }
        mad.yield %1 : tensor<2xf32>
      }
      return %0 : tensor<2xf32>
    })";
  expectSame(run(program, {f32({2}, {1, 2}), boolean({}, {1})}).floats({2}), {7, 14});
  expectSame(run(program, {f32({2}, {1, 2}), boolean({}, {0})}).floats({2}), {1, 2});
}

TEST(Call, PassesAndReturnsSeveralValues) {
  const char *program = R"(
    func.func private @swap(%a: tensor<f32>, %b: tensor<f32>) -> (tensor<f32>, tensor<f32>) {
      return %b, %a : tensor<f32>, tensor<f32>
    }
    func.func @main(%a: tensor<f32>, %b: tensor<f32>) -> (tensor<f32>, tensor<f32>, tensor<f32>) {
      %0:2 = call @swap(%a, %b) : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
      %1:2 = call @swap(%0#0, %a) : (tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
      return %0#0, %1#0, %1#1 : tensor<f32>, tensor<f32>, tensor<f32>
    })";
  Outcome outcome = run(program, {f32({}, {1}), f32({}, {2})});
  expectSame(outcome.floats({}, 0), {2});
  expectSame(outcome.floats({}, 1), {1});
  expectSame(outcome.floats({}, 2), {2});
}

TEST(Call, EndlessRecursionIsAnError) {
  Outcome outcome = run(R"(
    func.func @main(%a: tensor<f32>) -> tensor<f32> {
      %0 = call @main(%a) : (tensor<f32>) -> tensor<f32>
      return %0 : tensor<f32>
    })",
                        {f32({}, {1})});
  EXPECT_NE(outcome.message.find("calls are nested too deeply"), std::string::npos);
}

TEST(Interpreter, RoundsAfterEveryOp) {
  // (1 + 2^-30) - 1 is 0 in f32.
  const char *program = R"(
    func.func @main(%a: tensor<f32>, %b: tensor<f32>) -> tensor<f32> {
      %0 = mad.add %a, %b : (tensor<f32>, tensor<f32>) -> tensor<f32>
      %1 = mad.sub %0, %a : (tensor<f32>, tensor<f32>) -> tensor<f32>
      return %1 : tensor<f32>
    })";
  expectSame(run(program, {f32({}, {1}), f32({}, {0x1p-30})}).floats({}), {0});
  expectSame(run(program, {f32({}, {1}), f32({}, {0x1p-30})}, Mode::F64).floats({}), {0x1p-30});
}

TEST(Interpreter, RoundsInputsInDeclaredMode) {
  const char *program =
      "func.func @main(%a: tensor<f32>) -> tensor<f32> { return %a : tensor<f32> }";
  expectSame(run(program, {f32({}, {0.1})}).floats({}), {double(0.1f)});
  expectSame(run(program, {f32({}, {0.1})}, Mode::F64).floats({}), {0.1});
}

TEST(Interpreter, ShowsNamedValues) {
  Outcome outcome = run(R"(
    func.func @main(%a: tensor<f32> loc("x"("a.mad":1:1))) -> tensor<f32> {
      %0 = mad.add %a, %a : (tensor<f32>, tensor<f32>) -> tensor<f32> loc("h"("a.mad":2:3))
      %1 = mad.exp %0 : (tensor<f32>) -> tensor<f32>
      %2 = mad.neg %1 : (tensor<f32>) -> tensor<f32> loc(callsite("y"("a.mad":3:3) at "a.mad":4:1))
      return %2 : tensor<f32>
    })",
                        {f32({}, {1})});
  EXPECT_EQ(outcome.seen, (std::vector<std::string>{"x", "h", "y"}));
}

TEST(Interpreter, PlaceOfAFailureIsInTheCallee) {
  Outcome outcome = run(R"(
    func.func @main(%x: tensor<2xf32>, %i: tensor<i64>) -> tensor<f32> {
      %0 = mad.gather %x[%i] : (tensor<2xf32>, tensor<i64>) -> tensor<f32>
           loc(callsite("v"("lib.mad":8:5) at "main.mad":4:1))
      return %0 : tensor<f32>
    })",
                        {f32({2}, {1, 2}), i64({}, {2})});
  EXPECT_EQ(outcome.message,
            "lib.mad:8:5: index out of range for dimension 0: found 2, expected 0 <= index < 2");
}

TEST(Interpreter, SizesThatDoNotAgree) {
  // The types may agree; at this call they do not.
  Outcome outcome = run(R"(
    func.func @main(%x: tensor<?xf32, #mad.dims<"H">>, %y: tensor<?xf32, #mad.dims<"K">>) -> tensor<?xf32, #mad.dims<"H">> {
      %0 = mad.add %x, %y : (tensor<?xf32, #mad.dims<"H">>, tensor<?xf32, #mad.dims<"K">>) -> tensor<?xf32, #mad.dims<"H">>
      return %0 : tensor<?xf32, #mad.dims<"H">>
    })",
                        {f32({2}, {1, 2}), f32({1}, {2})});
  EXPECT_NE(outcome.message.find("shape of operand 1 is not that of the result"),
            std::string::npos);
}

TEST(Interpreter, NegativeAndHugeSizes) {
  auto iota = [](const std::string &size, int64_t n) {
    std::string type = "tensor<?xi64, #mad.dims<\"" + size + "\">>";
    return run("func.func @main(%x: tensor<?xi1, #mad.dims<\"N\">>) -> " + type +
                   " {\n %0 = mad.iota 0 : " + type + "\n return %0 : " + type + "\n}",
               {RefTensor::zeros(RefElement::Bool, {n})});
  };
  EXPECT_EQ(iota("N - 2", 3).integers({1}), I{0});
  EXPECT_NE(iota("N - 2", 1).message.find("dimension `N - 2` is negative: found -1"),
            std::string::npos);
  EXPECT_NE(iota("4294967296 * N", 3).message.find("too large"), std::string::npos);
  EXPECT_NE(iota("4611686018427387904 * N", 3).message.find("overflows"), std::string::npos);
}

TEST(Interpreter, UnknownFunction) {
  EXPECT_EQ(run("func.func @other() { return }", {}).message, "the module has no function `main`");
}
