//===- FoldTest.cpp - Folding changes no value ------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each elementwise op is applied to an unknown vector of awkward numbers and to a
// constant, on either side, and to two constants; the canonical form must give
// the same elements, signs of zeros and NaN included.
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "test/unit/Dialect/Support.h"
#include <cmath>

using namespace mad;
using namespace mad::test;

namespace {

class Fold : public testing::Test {
protected:
  Fold() : context(mlir::MLIRContext::Threading::DISABLED) {
    context.loadDialect<MadDialect, mlir::func::FuncDialect>();
  }

  /// Runs `main` before and after canonicalisation. Returns the number of ops
  /// that remain, the terminator included.
  int64_t compare(const std::string &text, const std::vector<RefTensor> &inputs) {
    auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    EXPECT_TRUE(module) << text;
    if (!module)
      return -1;
    std::vector<RefTensor> before = evaluate(*module, inputs);
    mlir::PassManager manager(&context);
    manager.addPass(mlir::createCanonicalizerPass());
    EXPECT_TRUE(succeeded(manager.run(*module)));
    std::vector<RefTensor> after = evaluate(*module, inputs);
    EXPECT_EQ(before.size(), after.size());
    SCOPED_TRACE(text);
    for (size_t i = 0; i < std::min(before.size(), after.size()); ++i) {
      expectSame(after[i].floats, before[i].floats);
      EXPECT_EQ(after[i].integers, before[i].integers);
    }
    auto function = *module->getOps<mlir::func::FuncOp>().begin();
    return static_cast<int64_t>(function.front().getOperations().size());
  }

private:
  std::vector<RefTensor> evaluate(mlir::ModuleOp module, const std::vector<RefTensor> &inputs) {
    RefContext reference;
    std::vector<RefTensor> results;
    EXPECT_TRUE(succeeded(interpret(module, "main", inputs, results, reference)))
        << reference.message;
    return results;
  }

  mlir::MLIRContext context;
};

struct Kind {
  const char *element;
  std::vector<const char *> numbers; ///< as written in IR
  RefTensor values;
};

std::vector<Kind> kinds() {
  double large = std::numeric_limits<float>::max();
  return {{"f32",
           {"0.0", "-0.0", "1.0", "-1.0", "2.0", "0.3", "0x7F800000", "0x7FC00000"},
           f32({10}, {0.0, -0.0, 1, -1, 2.5, -0.3f, INFINITY, -INFINITY, NAN, large})},
          {"i32",
           {"0", "1", "-1", "2", "-7", "2147483647", "-2147483648"},
           i32({10}, {0, 1, -1, 2, -2, 7, -7, INT32_MAX, INT32_MIN, INT32_MIN + 1})},
          {"i64",
           {"0", "1", "-1", "2", "9223372036854775807", "-9223372036854775808"},
           i64({10}, {0, 1, -1, 2, -2, 7, -7, INT64_MAX, INT64_MIN, INT64_MIN + 1})},
          {"f16",
           {"0.0", "-0.0", "1.0", "-1.0", "2.0", "0.3", "0x7C00", "0x7E00"},
           f16({10}, {0.0, -0.0, 1, -1, 2.5, 0x1p-24, INFINITY, -INFINITY, NAN, 65504})},
          {"bf16",
           {"0.0", "-0.0", "1.0", "-1.0", "2.0", "0.3", "0x7F80", "0x7FC0"},
           bf16({10}, {0.0, -0.0, 1, -1, 2.5, 0x1p-133, INFINITY, -INFINITY, NAN, 0x1.FEp127})},
          {"i8",
           {"0", "1", "-1", "2", "-7", "127", "-128"},
           i8({10}, {0, 1, -1, 2, -2, 7, -7, 127, -128, -127})},
          {"ui8", {"0", "1", "2", "7", "255"}, u8({10}, {0, 1, 2, 3, 7, 100, 127, 128, 254, 255})},
          {"i1", {"true", "false"}, boolean({10}, {0, 1, 0, 1, 0, 1, 0, 1, 1, 1})}};
}

std::vector<std::string> binaryOps(const std::string &element) {
  if (element == "i1")
    return {"mad.and", "mad.or", "mad.compare eq", "mad.compare ne"};
  return {"mad.add", "mad.sub", "mad.mul",        "mad.div",        "mad.rem",       "mad.pow",
          "mad.min", "mad.max", "mad.compare eq", "mad.compare lt", "mad.compare ge"};
}

/// `name` applied to `left` and `right`, of which `%x` is the argument and `%c`,
/// `%d` are constants.
std::string program(const std::string &name, const std::string &element, const std::string &left,
                    const std::string &right, const std::string &c, const std::string &d) {
  std::string type = "tensor<10x" + element + ">";
  std::string result = name.find("compare") == std::string::npos ? type : "tensor<10xi1>";
  return "func.func @main(%x: " + type + ") -> " + result + " {\n  %c = mad.constant dense<" + c +
         "> : " + type + "\n  %d = mad.constant dense<" + d + "> : " + type + "\n  %r = " + name +
         " " + left + ", " + right + " : (" + type + ", " + type + ") -> " + result +
         "\n  return %r : " + result + "\n}\n";
}

TEST_F(Fold, OfOneConstantIsExact) {
  for (const Kind &kind : kinds())
    for (const std::string &name : binaryOps(kind.element))
      for (const char *number : kind.numbers) {
        compare(program(name, kind.element, "%x", "%c", number, number), {kind.values});
        compare(program(name, kind.element, "%c", "%x", number, number), {kind.values});
      }
}

TEST_F(Fold, OfTwoConstantsLeavesOne) {
  for (const Kind &kind : kinds())
    for (const std::string &name : binaryOps(kind.element))
      for (const char *c : kind.numbers)
        for (const char *d : kind.numbers)
          EXPECT_EQ(compare(program(name, kind.element, "%c", "%d", c, d), {kind.values}), 2);
}

TEST_F(Fold, OfEqualOperandsIsExact) {
  for (const Kind &kind : kinds())
    for (const std::string &name : binaryOps(kind.element))
      compare(program(name, kind.element, "%x", "%x", kind.numbers[0], kind.numbers[0]),
              {kind.values});
}

TEST_F(Fold, OfChainsIsExact) {
  const char *unary[] = {"neg",   "abs", "sign", "floor", "ceil", "round", "exp",   "expm1", "log",
                         "log1p", "sin", "cos",  "tan",   "tanh", "erf",   "rsqrt", "sqrt"};
  for (const Kind &kind : kinds())
    for (const char *first : unary)
      for (const char *second : unary) {
        bool isFloat = kind.values.isFloat();
        auto ofNumbers = [](llvm::StringRef name) {
          return name == "neg" || name == "abs" || name == "sign";
        };
        if (kind.element == std::string("i1") ||
            (!isFloat && (!ofNumbers(first) || !ofNumbers(second))))
          continue;
        std::string type = "tensor<10x" + std::string(kind.element) + ">";
        std::string types = " : (" + type + ") -> " + type + "\n";
        compare("func.func @main(%x: " + type + ") -> " + type + " {\n  %0 = mad." + first + " %x" +
                    types + "  %1 = mad." + second + " %0" + types + "  return %1 : " + type +
                    "\n}\n",
                {kind.values});
      }
}

TEST_F(Fold, OfCastsIsExact) {
  for (const Kind &kind : kinds())
    for (const char *middle : {"f16", "bf16", "f32", "f64", "i8", "ui8", "i32", "i64", "i1"})
      for (const char *last : {"f16", "bf16", "f32", "f64", "i8", "ui8", "i32", "i64", "i1"}) {
        auto type = [](const std::string &e) { return "tensor<10x" + e + ">"; };
        compare("func.func @main(%x: " + type(kind.element) + ") -> " + type(last) +
                    " {\n  %0 = mad.cast %x : (" + type(kind.element) + ") -> " + type(middle) +
                    "\n  %1 = mad.cast %0 : (" + type(middle) + ") -> " + type(last) +
                    "\n  return %1 : " + type(last) + "\n}\n",
                {kind.values});
      }
}

TEST_F(Fold, OfViewsOfViewsIsExact) {
  const char *maps[] = {"(d0, d1) -> (d1, d0)", "(d0, d1) -> (d0 + 1, d1)", "(d0, d1) -> (d0, 0)",
                        "(d0, d1) -> (-d0 + 3, d1 - 1)", "(d0, d1) -> (d0 + d1, d1)"};
  const char *boundaries[] = {"zero", "periodic", "clamp"};
  RefTensor x = f32({4, 4}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16});
  for (const char *inner : maps)
    for (const char *outer : maps)
      for (const char *innerBoundary : boundaries)
        for (const char *outerBoundary : boundaries) {
          std::string type = " : (tensor<4x4xf32>) -> tensor<4x4xf32>\n";
          compare(std::string("func.func @main(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {\n") +
                      "  %0 = mad.view %x by affine_map<" + inner + "> " + innerBoundary + type +
                      "  %1 = mad.view %0 by affine_map<" + outer + "> " + outerBoundary + type +
                      "  return %1 : tensor<4x4xf32>\n}\n",
                  {x});
        }
}

} // namespace
