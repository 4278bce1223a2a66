//===- EinsumTest.cpp - Products of several tensors against all orders ------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Random sums of products of three to six tensors, multiplied from left to right, are rewritten.
// They cost no more than the best of all orders, and the reference interpreter gives what it gave.
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadOps.h"
#include "dialects/Mad/IR/MadRewrite.h"
#include "dialects/Mad/IR/RewriteInterface.h"
#include "dialects/Mad/Reference/Interpreter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "passes/EGraph/Bridge/Rewrite.h"
#include "test/unit/Rewrite/Interpreted.h"
#include "gtest/gtest.h"
#include <cmath>
#include <random>

using namespace mlir;
using namespace mad;

namespace {

using Labels = std::vector<unsigned>;

bool contains(const Labels &labels, unsigned label) {
  return std::find(labels.begin(), labels.end(), label) != labels.end();
}

/// A random sum of a product.
struct Einsum {
  std::vector<int64_t> sizes; ///< of labels
  std::vector<Labels> tensors;
  Labels output;

  Einsum(uint32_t seed, std::vector<int64_t> choice) {
    std::mt19937 random(seed);
    const unsigned count = 3 + seed % 4, labels = 2 + random() % 4;
    for (unsigned label = 0; label < labels; ++label)
      sizes.push_back(choice[random() % choice.size()]);
    for (unsigned tensor = 0; tensor < count; ++tensor) {
      Labels own;
      for (unsigned i = 0; i < 1 + random() % 3; ++i)
        if (unsigned label = random() % labels; !contains(own, label))
          own.push_back(label);
      tensors.push_back(own);
    }
    for (const Labels &own : tensors)
      for (unsigned label : own)
        if (random() % 3 == 0 && !contains(output, label) && output.size() < 3)
          output.push_back(label);
    std::shuffle(output.begin(), output.end(), random);
  }

  std::string type(const Labels &labels, const std::string &element) const {
    std::string text = "tensor<";
    for (unsigned label : labels)
      text += std::to_string(sizes[label]) + "x";
    return text + element + ">";
  }

  /// `f`, from left to right.
  std::string function(const std::string &element, const std::string &precision) const {
    std::string arguments, body, value = "%t0";
    Labels have = tensors[0];
    for (size_t i = 0; i < tensors.size(); ++i) {
      std::string name = "%t" + std::to_string(i);
      arguments += (i ? ", " : "") + name + ": " + type(tensors[i], element);
      if (i == 0)
        continue;
      Labels kept, space;
      auto isNeeded = [&](unsigned label) {
        bool needed = contains(output, label);
        for (size_t later = i + 1; later < tensors.size(); ++later)
          needed |= contains(tensors[later], label);
        return needed;
      };
      if (i + 1 == tensors.size())
        kept = output;
      for (const Labels *labels : {&std::as_const(have), &tensors[i]})
        for (unsigned label : *labels)
          if (isNeeded(label) && !contains(kept, label))
            kept.push_back(label);
      space = kept;
      for (const Labels *labels : {&std::as_const(have), &tensors[i]})
        for (unsigned label : *labels)
          if (!contains(space, label))
            space.push_back(label);
      auto map = [&](const Labels &labels) {
        std::string dims, results;
        for (size_t dim = 0; dim < space.size(); ++dim)
          dims += (dim ? ", d" : "d") + std::to_string(dim);
        for (size_t at = 0; at < labels.size(); ++at)
          results +=
              (at ? ", d" : "d") +
              std::to_string(std::find(space.begin(), space.end(), labels[at]) - space.begin());
        return "affine_map<(" + dims + ") -> (" + results + ")>";
      };
      std::string next = "%p" + std::to_string(i);
      body += "  " + next + " = mad.contract " + value + " by " + map(have) + ", " + name + " by " +
              map(tensors[i]) + precision + " : (" + type(have, element) + ", " +
              type(tensors[i], element) + ") -> " + type(kept, element) + "\n";
      value = next, have = kept;
    }
    return "func.func @f(" + arguments + ") -> " + type(have, element) + " {\n" + body +
           "  return " + value + " : " + type(have, element) + "\n}\n";
  }

  double elements(const Labels &labels) const {
    double product = 1;
    for (unsigned label : labels)
      product *= double(std::max<int64_t>(sizes[label], 1));
    return product;
  }

  /// The least cost of all orders, each index summed as soon as nothing else has it.
  double least() const {
    std::vector<Labels> values;
    double cost = 0;
    for (size_t i = 0; i < tensors.size(); ++i) {
      Labels kept;
      for (unsigned label : tensors[i])
        if (sizes[label] == 1 || isNeeded(label, tensors, i, i))
          kept.push_back(label);
      if (kept.size() < tensors[i].size())
        cost += elementwiseCycles("add", elements(tensors[i]), 32);
      values.push_back(kept);
    }
    return cost + least(values);
  }

private:
  bool isNeeded(unsigned label, const std::vector<Labels> &values, size_t a, size_t b) const {
    bool needed = contains(output, label);
    for (size_t other = 0; other < values.size(); ++other)
      needed |= other != a && other != b && contains(values[other], label);
    return needed;
  }
  double least(const std::vector<Labels> &values) const {
    if (values.size() == 1)
      return 0;
    double best = HUGE_VAL;
    for (size_t a = 0; a < values.size(); ++a)
      for (size_t b = a + 1; b < values.size(); ++b) {
        Labels kept, space;
        for (const Labels *labels : {&values[a], &values[b]})
          for (unsigned label : *labels) {
            if (!contains(space, label))
              space.push_back(label);
            if (!contains(kept, label) && isNeeded(label, values, a, b))
              kept.push_back(label);
          }
        double own =
            sums(space, kept) == 0
                ? elementwiseCycles("mul", elements(space), 32)
                : productCycles(elements(space),
                                4 * (elements(values[a]) + elements(values[b]) + elements(kept)),
                                32);
        std::vector<Labels> rest = values;
        rest[a] = kept;
        rest.erase(rest.begin() + b);
        best = std::min(best, own + least(rest));
      }
    return best;
  }
  /// Indices of more than one element that go.
  size_t sums(const Labels &space, const Labels &kept) const {
    return llvm::count_if(
        space, [&](unsigned label) { return sizes[label] != 1 && !contains(kept, label); });
  }
};

class EinsumTest : public ::testing::Test {
protected:
  EinsumTest() : context(DialectRegistry(), MLIRContext::Threading::DISABLED) {
    context.loadDialect<MadDialect, func::FuncDialect>();
  }
  OwningOpRef<ModuleOp> parse(const std::string &text) {
    OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
    EXPECT_TRUE(module) << text;
    return module;
  }
  /// Of products and sums; views are read where they are used.
  double costOf(ModuleOp module) {
    double sum = 0;
    module.lookupSymbol<func::FuncOp>("f").walk([&](Operation *op) {
      if (!isa<ContractOp, ReduceOp, MulOp>(op))
        return;
      Term term{op->getName(), cast_or_null<DictionaryAttr>(op->getPropertiesAsAttribute()),
                cast<RankedTensorType>(op->getResult(0).getType())};
      SmallVector<RankedTensorType> operands;
      for (Value operand : op->getOperands())
        operands.push_back(cast<RankedTensorType>(operand.getType()));
      sum += op->getDialect()->getRegisteredInterface<RewriteInterface>()->cycles(term, operands);
    });
    return sum;
  }
  RefTensor run(ModuleOp module, const std::vector<RefTensor> &inputs) {
    RefContext state;
    state.f64 = true;
    std::vector<RefTensor> results;
    EXPECT_TRUE(succeeded(interpret(module, "f", inputs, results, state))) << state.message;
    return results.empty() ? RefTensor() : results[0];
  }

  MLIRContext context;
};

TEST_F(EinsumTest, AreOptimal) {
  unsigned changed = 0;
  for (uint32_t seed = 0; seed < 120; ++seed) {
    Einsum einsum(seed, {1, 2, 7, 40, 90, 200});
    OwningOpRef<ModuleOp> module = parse(anyRule + einsum.function("f32", ""));
    const double before = costOf(*module), least = einsum.least();
    changed += rewriteModule(*module, {});
    EXPECT_TRUE(succeeded(verify(*module)));
    // Cheaper by less than a thousandth is not worth another tree, nor another program.
    EXPECT_LE(costOf(*module), std::min(before, least * 1.002)) << "seed " << seed;
  }
  EXPECT_GT(changed, 40u);
}

// Positive numbers: no terms cancel. A sum of n products of six factors is rounded less than n + 6
// times, each time by 2^-53 at most.
TEST_F(EinsumTest, ComputeTheSame) {
  unsigned changed = 0;
  for (uint32_t seed = 0; seed < 120; ++seed) {
    Einsum einsum(seed, {0, 1, 3, 40, 60});
    double terms = 6;
    for (int64_t size : einsum.sizes)
      terms *= double(std::max<int64_t>(size, 1));
    if (terms > 3e6)
      continue;
    for (const char *element : {"f32", "i32"}) {
      OwningOpRef<ModuleOp> before = parse(einsum.function(element, ""));
      OwningOpRef<ModuleOp> after = parse(anyRule + einsum.function(element, ""));
      changed += rewriteModule(*after, {});
      EXPECT_TRUE(succeeded(verify(*after)));
      std::mt19937 random(seed);
      std::vector<RefTensor> inputs;
      for (const Labels &labels : einsum.tensors) {
        SmallVector<int64_t> shape;
        for (unsigned label : labels)
          shape.push_back(einsum.sizes[label]);
        RefTensor input =
            RefTensor::zeros(*element == 'f' ? RefElement::F32 : RefElement::I32, shape);
        for (double &number : input.floats)
          number = 0.5 + double(random() % 1000) / 1000;
        for (int64_t &number : input.integers)
          number = int32_t(random());
        inputs.push_back(input);
      }
      RefTensor x = run(*before, inputs), y = run(*after, inputs);
      ASSERT_EQ(x.shape, y.shape);
      EXPECT_EQ(x.integers, y.integers) << "seed " << seed;
      ASSERT_EQ(x.floats.size(), y.floats.size());
      for (size_t i = 0; i < x.floats.size(); ++i)
        ASSERT_LE(std::abs(x.floats[i] - y.floats[i]), (terms + 6) * 0x1p-52 * x.floats[i])
            << "seed " << seed;
    }
  }
  EXPECT_GT(changed, 40u);
}

TEST_F(EinsumTest, StrictOnesStay) {
  for (uint32_t seed = 0; seed < 40; ++seed) {
    Einsum einsum(seed, {1, 2, 7, 40, 90, 200});
    OwningOpRef<ModuleOp> module =
        parse(anyRule + einsum.function("f32", " {mad.fp = \"strict\"}"));
    EXPECT_EQ(rewriteModule(*module, {}), 0u) << "seed " << seed;
    // f16 rounds what is in between.
    module = parse(anyRule + einsum.function("f16", ""));
    EXPECT_EQ(rewriteModule(*module, {}), 0u) << "seed " << seed;
  }
}

} // namespace
