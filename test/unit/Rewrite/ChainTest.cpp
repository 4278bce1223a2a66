//===- ChainTest.cpp - Chains of products against dynamic programming -----===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadOps.h"
#include "dialects/Mad/IR/RewriteInterface.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "passes/EGraph/Bridge/Rewrite.h"
#include "gtest/gtest.h"
#include <random>

using namespace mlir;
using namespace mad;

namespace {

constexpr const char *maps = "#l = affine_map<(d0, d1, d2) -> (d0, d2)>\n"
                             "#r = affine_map<(d0, d1, d2) -> (d2, d1)>\n";

std::string matrix(const std::string &a, const std::string &b) {
  return "tensor<" + a + "x" + b + "xf32>";
}

std::string product(const std::string &to, const std::string &x, const std::string &y,
                    const std::string &a, const std::string &b, const std::string &c) {
  return "  " + to + " = mad.contract " + x + " by #l, " + y + " by #r : (" + a + ", " + b +
         ") -> " + c + "\n";
}

/// `(a @ b) @ c <=> a @ (b @ c)`
std::string orderRule() {
  auto type = [](const char *a, const char *b) {
    return std::string("tensor<?x?xf32, #mad.dims<\"") + a + "\", \"" + b + "\">>";
  };
  std::string mk = type("M", "K"), kn = type("K", "N"), np = type("N", "P"), mn = type("M", "N"),
              kp = type("K", "P"), mp = type("M", "P");
  return "mad.rule @order permits [\"reassoc\"] of \"float\" both where [] {\n^bb0(%a: " + mk +
         ", %b: " + kn + ", %c: " + np + "):\n" + product("%0", "%a", "%b", mk, kn, mn) +
         product("%1", "%0", "%c", mn, np, mp) + product("%2", "%b", "%c", kn, np, kp) +
         product("%3", "%a", "%2", mk, kp, mp) + "  mad.sides (%1) and (%3) : " + mp + " and " +
         mp + "\n}\n";
}

/// The chain from left to right.
std::string chain(const std::vector<int> &sizes) {
  std::string arguments, body, value = "%m0";
  auto size = [&](size_t i) { return std::to_string(sizes[i]); };
  for (size_t i = 0; i + 1 < sizes.size(); ++i) {
    std::string type = matrix(size(i), size(i + 1));
    arguments += (i ? ", " : "") + ("%m" + std::to_string(i)) + ": " + type;
    if (i == 0)
      continue;
    std::string next = "%p" + std::to_string(i);
    body += product(next, value, "%m" + std::to_string(i), matrix(size(0), size(i)), type,
                    matrix(size(0), size(i + 1)));
    value = next;
  }
  std::string result = matrix(size(0), size(sizes.size() - 1));
  return "func.func @f(" + arguments + ") -> " + result + " {\n" + body + "  return " + value +
         " : " + result + "\n}\n";
}

double cycles(Operation *op) {
  Term term{op->getName(), cast<DictionaryAttr>(op->getPropertiesAsAttribute()),
            cast<RankedTensorType>(op->getResult(0).getType())};
  SmallVector<RankedTensorType> operands;
  for (Value operand : op->getOperands())
    operands.push_back(cast<RankedTensorType>(operand.getType()));
  return op->getDialect()->getRegisteredInterface<RewriteInterface>()->cycles(term, operands);
}

class ChainTest : public ::testing::Test {
protected:
  ChainTest() : context(DialectRegistry(), MLIRContext::Threading::DISABLED) {
    context.loadDialect<MadDialect, func::FuncDialect>();
  }
  double costOf(ModuleOp module) {
    double sum = 0;
    module.lookupSymbol<func::FuncOp>("f").walk([&](ContractOp op) { sum += cycles(op); });
    return sum;
  }
  double productCost(int a, int b, int c) {
    auto key = std::tuple(a, b, c);
    if (auto at = known.find(key); at != known.end())
      return at->second;
    auto module = parseSourceString<ModuleOp>(maps + chain({a, b, c}), &context);
    return known[key] = costOf(*module);
  }
  /// The least cost of each part of the chain, from short to long.
  double best(const std::vector<int> &sizes) {
    size_t n = sizes.size() - 1;
    std::vector<std::vector<double>> least(n, std::vector<double>(n, 0));
    for (size_t length = 2; length <= n; ++length)
      for (size_t i = 0; i + length <= n; ++i) {
        size_t j = i + length - 1;
        least[i][j] = HUGE_VAL;
        for (size_t cut = i; cut < j; ++cut)
          least[i][j] =
              std::min(least[i][j], least[i][cut] + least[cut + 1][j] +
                                        productCost(sizes[i], sizes[cut + 1], sizes[j + 1]));
      }
    return least[0][n - 1];
  }

  MLIRContext context;
  std::map<std::tuple<int, int, int>, double> known;
};

TEST_F(ChainTest, AreOptimal) {
  std::mt19937 random(1);
  const std::string rule = orderRule();
  for (size_t length = 2; length <= 12; ++length)
    for (unsigned trial = 0; trial < 4; ++trial) {
      std::vector<int> sizes;
      for (size_t i = 0; i <= length; ++i)
        sizes.push_back(int(random() % 100 + 1) * 5);
      auto module = parseSourceString<ModuleOp>(maps + rule + chain(sizes), &context);
      ASSERT_TRUE(module);
      rewriteModule(*module, {});
      // Cheaper by less than a thousandth is not worth another program.
      EXPECT_LE(costOf(*module), best(sizes) * (1 + 1e-3)) << length << " " << trial;
    }
}

// Cormen et al., "Introduction to Algorithms", 15.2: 30, 35, 15, 5, 10, 20, 25 by ten.
TEST_F(ChainTest, OfTheTextbook) {
  std::vector<int> sizes = {300, 350, 150, 50, 100, 200, 250};
  auto module = parseSourceString<ModuleOp>(maps + orderRule() + chain(sizes), &context);
  ASSERT_TRUE(module);
  rewriteModule(*module, {});
  double steps = 0;
  module->lookupSymbol<func::FuncOp>("f").walk([&](ContractOp op) {
    auto lhs = cast<RankedTensorType>(op.getLhs().getType());
    auto result = cast<RankedTensorType>(op.getType());
    steps += double(lhs.getNumElements()) * double(result.getDimSize(1));
  });
  EXPECT_EQ(steps, 15125e3);
}

} // namespace
