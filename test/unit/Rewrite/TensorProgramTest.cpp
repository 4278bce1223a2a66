//===- TensorProgramTest.cpp - Rewritten programs of products and sums ------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Random programs of contractions, sums, products of elements and views, whose values are used
// several times and whose ops have several precisions, are rewritten and run by the reference
// interpreter as they were and as they are.
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadOps.h"
#include "dialects/Mad/Reference/Interpreter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "passes/EGraph/Bridge/Rewrite.h"
#include "test/unit/Rewrite/Interpreted.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"
#include <cmath>
#include <random>

using namespace mlir;
using namespace mad;

namespace {

using Labels = std::vector<unsigned>;
constexpr int64_t sizes[] = {6, 5, 4, 1, 9};

/// A function of four tensors whose dimensions have labels.
class Program {
public:
  Program(uint32_t seed, bool hasStrict, bool hasFast, unsigned ops)
      : random(seed), hasStrict(hasStrict), hasFast(hasFast) {
    for (unsigned i = 0; i < 4; ++i) {
      Labels labels;
      for (unsigned dim = 0; dim < 1 + random() % 3; ++dim)
        if (unsigned label = pick(std::size(sizes)); !llvm::is_contained(labels, label))
          labels.push_back(label);
      values.push_back({"%x" + std::to_string(i), labels, true, 0});
    }
    for (unsigned i = 0; i < ops; ++i)
      addOp();
  }

  struct Value {
    std::string name;
    Labels labels;
    bool isStrict; ///< and all below
    unsigned uses;
  };
  std::vector<Value> inputs() const { return {values.begin(), values.begin() + 4}; }
  /// What nothing uses, and a part of the others.
  std::vector<Value> results() const {
    std::vector<Value> all;
    for (size_t i = 4; i < values.size(); ++i)
      if (values[i].uses == 0 || i % 5 == 0)
        all.push_back(values[i]);
    return all;
  }
  static std::string type(const Labels &labels) {
    std::string shape = "tensor<";
    for (unsigned label : labels)
      shape += std::to_string(sizes[label]) + "x";
    return shape + "f32>";
  }
  std::string function() const {
    std::string arguments, names, types;
    for (const Value &value : inputs())
      arguments += (arguments.empty() ? "" : ", ") + value.name + ": " + type(value.labels);
    for (const Value &value : results()) {
      names += (names.empty() ? "" : ", ") + value.name;
      types += (types.empty() ? "" : ", ") + type(value.labels);
    }
    return "func.func @f(" + arguments + ") -> (" + types + ") {\n" + text + "  return " + names +
           " : " + types + "\n}\n";
  }

private:
  unsigned pick(size_t below) { return unsigned(random() % below); }
  Value &any() { return values[pick(2) ? pick(values.size()) : values.size() - 1 - pick(3)]; }
  static std::string map(const Labels &space, const Labels &results) {
    std::string dims, places;
    for (size_t dim = 0; dim < space.size(); ++dim)
      dims += (dim ? ", d" : "d") + std::to_string(dim);
    for (size_t at = 0; at < results.size(); ++at)
      places += (at ? ", d" : "d") + std::to_string(llvm::find(space, results[at]) - space.begin());
    return "affine_map<(" + dims + ") -> (" + places + ")>";
  }
  std::string add(const std::string &op, const Labels &labels, bool isStrict) {
    std::string name = "%v" + std::to_string(values.size());
    text += "  " + name + " = " + op + type(labels) + "\n";
    values.push_back({name, labels, isStrict, 0});
    return name;
  }
  std::string viewed(const std::string &name, const Labels &from, const Labels &to) {
    std::string made = "%w" + std::to_string(views++);
    text += "  " + made + " = mad.view " + name + " by " + map(to, from) + " inside : (" +
            type(from) + ") -> " + type(to) + "\n";
    return made;
  }
  Labels both(const Labels &a, const Labels &b) {
    Labels all = a;
    for (unsigned label : b)
      if (!llvm::is_contained(all, label))
        all.push_back(label);
    return all;
  }

  void addOp() {
    const unsigned kind = pick(8);
    const bool strict = hasStrict && (!hasFast || pick(3) == 0);
    const std::string fp = strict               ? " {mad.fp = \"strict\"}"
                           : hasFast && pick(2) ? " {mad.fp = \"fast\"}"
                                                : "";
    Value &x = any(), &y = any();
    const bool isStrict = strict && x.isStrict && (kind == 0 || y.isStrict);
    ++x.uses;
    if (kind == 0 && !x.labels.empty()) {
      unsigned dim = pick(x.labels.size());
      Labels kept = x.labels;
      kept.erase(kept.begin() + dim);
      add("mad.reduce sum " + x.name + " over [" + std::to_string(dim) + "]" + fp + " : (" +
              type(x.labels) + ") -> ",
          kept, isStrict);
      return;
    }
    ++y.uses;
    Labels space = both(x.labels, y.labels);
    if (kind <= 3) {
      std::shuffle(space.begin(), space.end(), random);
      std::string a = viewed(x.name, x.labels, space), b = viewed(y.name, y.labels, space);
      add("mad.mul " + a + ", " + b + fp + " : (" + type(space) + ", " + type(space) + ") -> ",
          space, isStrict);
      return;
    }
    Labels kept, gone;
    for (unsigned label : space)
      (pick(2) && kept.size() < 3 ? kept : gone).push_back(label);
    space = kept;
    space.insert(space.end(), gone.begin(), gone.end());
    add("mad.contract " + x.name + " by " + map(space, x.labels) + ", " + y.name + " by " +
            map(space, y.labels) + fp + " : (" + type(x.labels) + ", " + type(y.labels) + ") -> ",
        kept, isStrict);
  }

  std::mt19937 random;
  bool hasStrict, hasFast;
  std::vector<Value> values;
  unsigned views = 0;
  std::string text;
};

class TensorProgramTest : public ::testing::Test {
protected:
  TensorProgramTest() : context(DialectRegistry(), MLIRContext::Threading::DISABLED) {
    context.loadDialect<MadDialect, func::FuncDialect>();
  }
  /// How many programs changed; elements of the results are compared by `check`.
  template <typename Check> unsigned compare(bool hasStrict, bool hasFast, bool f64, Check check) {
    unsigned changed = 0;
    for (uint32_t seed = 0; seed < 150; ++seed) {
      Program program(seed, hasStrict, hasFast, 3 + seed % 9);
      auto before = parseSourceString<ModuleOp>(program.function(), &context);
      auto after = parseSourceString<ModuleOp>(anyRule + program.function(), &context);
      EXPECT_TRUE(before && after) << program.function();
      changed += rewriteModule(*after, {});
      EXPECT_TRUE(succeeded(verify(*after)));
      std::mt19937 random(seed);
      std::vector<RefTensor> inputs;
      for (const Program::Value &input : program.inputs()) {
        SmallVector<int64_t> shape;
        for (unsigned label : input.labels)
          shape.push_back(sizes[label]);
        inputs.push_back(RefTensor::zeros(RefElement::F32, shape));
        for (double &number : inputs.back().floats)
          number = float(0.5 + double(random() % 1000) / 1000);
      }
      std::vector<RefTensor> x = interpreted(*before, inputs, f64),
                             y = interpreted(*after, inputs, f64);
      std::vector<Program::Value> results = program.results();
      for (size_t result = 0; result < results.size(); ++result)
        for (size_t i = 0; i < x[result].floats.size(); ++i)
          if (!check(results[result], x[result].floats[i], y[result].floats[i])) {
            std::string text;
            llvm::raw_string_ostream os(text);
            before->print(os);
            after->lookupSymbol("f")->print(os);
            ADD_FAILURE() << "seed " << seed << ", " << results[result].name << ": "
                          << x[result].floats[i] << " became " << y[result].floats[i] << "\n"
                          << text;
            return changed;
          }
    }
    return changed;
  }

  MLIRContext context;
};

// Positive numbers, so nothing cancels. A result is at most eleven ops on top of each other, each
// of which rounds a term at most 6 * 5 * 4 * 9 + 1 times, by 2^-53; both programs do.
bool isRounded(double a, double b) {
  return std::isinf(a) || std::abs(a - b) <= 2 * 11 * 1081 * 0x1p-53 * a;
}

TEST_F(TensorProgramTest, DefaultProgramsAreEqualAsRealNumbers) {
  EXPECT_GT(compare(false, false, true,
                    [](const Program::Value &, double a, double b) { return isRounded(a, b); }),
            30u);
}

TEST_F(TensorProgramTest, FastProgramsAreEqualAsRealNumbers) {
  EXPECT_GT(compare(false, true, true,
                    [](const Program::Value &, double a, double b) { return isRounded(a, b); }),
            60u);
}

TEST_F(TensorProgramTest, StrictValuesKeepTheirBitsBesideOthers) {
  EXPECT_GT(compare(true, true, false,
                    [](const Program::Value &value, double a, double b) {
                      return !value.isStrict || a == b || (std::isnan(a) && std::isnan(b));
                    }),
            30u);
}

TEST_F(TensorProgramTest, StrictProgramsStay) {
  EXPECT_EQ(compare(true, false, false,
                    [](const Program::Value &, double a, double b) {
                      return a == b || (std::isnan(a) && std::isnan(b));
                    }),
            0u);
}

} // namespace
