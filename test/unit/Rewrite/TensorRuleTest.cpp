//===- TensorRuleTest.cpp - Rules of tensors on random programs -----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Random programs of sums, means, extremes, products and softmaxes, over indices of the same few
// sizes and with dimensions that change places, so that what is taken for another index is another
// number. They are rewritten by the rules of the library and by some that have a variable inside
// and outside of a sum, and run by the reference interpreter as they were and as they are.
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadRuleOps.h"
#include "dialects/Mad/Reference/Interpreter.h"
#include "frontend/Check/Check.h"
#include "frontend/Emit/Emit.h"
#include "frontend/Parse/Parse.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "passes/EGraph/Bridge/Rewrite.h"
#include "test/unit/Rewrite/Interpreted.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"
#include <cmath>
#include <random>

using namespace mlir;
using namespace mad;

namespace {

constexpr const char *ownRules = R"(
use std.nn
rule[reassoc, nnan] centred[B..., K, T: float](x: T[B..., K], c: T[B..., 1]):
    (x + c) - mean(x + c, axis = -1, keep = true) => x - mean(x, axis = -1, keep = true)
rule[reassoc, nnan] moved[B..., K, T: float](x: T[B..., K], c: T[B..., 1]):
    nn.softmax(x + c, axis = -1) => nn.softmax(x, axis = -1)
rule[reassoc] weighted[B..., K, T: float](x: T[B..., K], y: T[B..., K]):
    x * sum(x * y, axis = -1, keep = true) => x * sum(y * x, axis = -1, keep = true) + x * 0.0
rule[reassoc] spread[B..., K, T: float](x: T[B..., K]):
    sum(x * sum(x, axis = -1, keep = true), axis = -1) => sum(x, axis = -1) * sum(x, axis = -1)
rule[reassoc] twofold[B..., K, T: float](x: T[B..., K], y: T[B..., K]):
    x * y * sum(x * (y + y), axis = -1, keep = true) => x * y * (2.0 * sum(x * y, axis = -1, keep = true))
rule[reassoc] size[B..., K, T: float](x: T[B..., K]): sum(x, axis = -1) => mean(x, axis = -1) * T(K)
)";

/// Three indices, two of them of one size.
constexpr int64_t sizes[] = {3, 3, 2};
using Set = unsigned; // of indices

/// A function of tensors over some of the indices, in their order.
class Program {
public:
  Program(uint32_t seed, unsigned ops, bool isMixed) : random(seed), isMixed(isMixed) {
    for (Set set : {7u, 3u, 5u, 1u, 2u})
      add("%x" + std::to_string(values.size()), set, true);
    inputs = values.size();
    for (unsigned i = 0; i < ops; ++i)
      addOp();
  }
  std::string function() const {
    std::string arguments, results, types;
    for (size_t i = 0; i < inputs; ++i)
      arguments += (i ? ", " : "") + values[i].name + ": " + type(values[i].set);
    for (size_t i = values.size() - results_; i < values.size(); ++i) {
      bool isFirst = results.empty();
      results += (isFirst ? "" : ", ") + values[i].name;
      types += (isFirst ? "" : ", ") + type(values[i].set);
    }
    return "func.func @f(" + arguments + ") -> (" + types + ") {\n" + text + "  return " + results +
           " : " + types + "\n}\n";
  }
  std::vector<RefTensor> draw(std::mt19937 &random) const {
    std::vector<RefTensor> drawn;
    for (size_t i = 0; i < inputs; ++i) {
      std::vector<int64_t> shape;
      for (unsigned index = 0; index < 3; ++index)
        if (values[i].set >> index & 1)
          shape.push_back(sizes[index]);
      drawn.push_back(RefTensor::zeros(RefElement::F32, shape));
      for (double &value : drawn.back().floats)
        value = float(double(random()) / 4294967296.0 - 0.4);
    }
    return drawn;
  }
  bool isStrict(size_t result) const { return values[values.size() - results_ + result].isStrict; }

private:
  struct Value {
    std::string name;
    Set set;
    bool isStrict; ///< with all below
  };
  unsigned pick(size_t below) { return unsigned(random() % below); }
  std::string fresh() { return "%v" + std::to_string(count++); }
  Value &add(std::string name, Set set, bool isStrict) {
    values.push_back({std::move(name), set, isStrict});
    return values.back();
  }

  static std::string type(Set set) {
    std::string shape;
    for (unsigned index = 0; index < 3; ++index)
      if (set >> index & 1)
        shape += std::to_string(sizes[index]) + "x";
    return "tensor<" + shape + "f32>";
  }
  /// The indices of `set` as places in `space`; `swaps`: the two of one size change places.
  static std::string map(Set space, Set set, bool swaps) {
    std::string dims, at;
    unsigned place[3] = {}, count = 0;
    for (unsigned index = 0; index < 3; ++index)
      if (space >> index & 1)
        place[index] = count++;
    for (unsigned i = 0; i < count; ++i)
      dims += (i ? ", d" : "d") + std::to_string(i);
    for (unsigned index = 0; index < 3; ++index)
      if (set >> index & 1)
        at += (at.empty() ? "d" : ", d") +
              std::to_string(place[swaps && index < 2 ? 1 - index : index]);
    return "affine_map<(" + dims + ") -> (" + at + ")>";
  }
  std::string op(const std::string &what, const std::string &types) {
    std::string value = fresh();
    text += "  " + value + " = mad." + what + " " + fp + ": " + types + "\n";
    return value;
  }
  /// Over more indices; two of them may change places.
  std::string spread(const std::string &value, Set from, Set to, bool swaps) {
    if (from == to && !swaps)
      return value;
    return op("view " + value + " by " + map(to, from, swaps) + " inside",
              "(" + type(from) + ") -> " + type(to));
  }
  std::string binary(const std::string &name, const std::string &a, const std::string &b, Set set) {
    return op(name + " " + a + ", " + b, "(" + type(set) + ", " + type(set) + ") -> " + type(set));
  }
  std::string reduce(const std::string &kind, const std::string &value, Set set, unsigned index) {
    unsigned place = unsigned(llvm::popcount(set & ((1u << index) - 1)));
    return op("reduce " + kind + " " + value + " over [" + std::to_string(place) + "]",
              "(" + type(set) + ") -> " + type(set & ~(1u << index)));
  }
  std::string numbers(double number, Set set) {
    std::string value = fresh();
    text += "  " + value + " = mad.constant dense<" + std::to_string(number) + "> : tensor<f32>\n";
    return spread(value, 0, set, false);
  }

  void addOp() {
    // Late values are taken more often, so that programs get deep.
    const Value a = values[values.size() - 1 - pick(std::min<size_t>(values.size(), 1 + pick(8)))];
    const Value b = values[pick(values.size())];
    fp = !isMixed || pick(3) == 0 ? "{mad.fp = \"fast\"} "
         : pick(3)                ? "{mad.fp = \"strict\"} "
                                  : "";
    const bool strict = fp.find("strict") != std::string::npos;
    unsigned kind = pick(15), index = pick(3);
    while (a.set && !(a.set >> index & 1))
      index = pick(3);
    if (kind < 4 || a.set == 0) {
      static const char *names[] = {"add", "sub", "mul", "add"};
      Set set = a.set | b.set;
      bool swaps = (set & 3) == 3 && pick(3) == 0;
      std::string x = spread(a.name, a.set, set, false), y = spread(b.name, b.set, set, swaps);
      add(binary(names[pick(4)], x, y, set), set, strict && a.isStrict && b.isStrict);
    } else if (kind < 6) {
      static const char *names[] = {"sum", "max", "min"};
      add(reduce(names[pick(3)], a.name, a.set, index), a.set & ~(1u << index),
          strict && a.isStrict);
    } else if (kind < 8) {
      Set rest = a.set & ~(1u << index);
      std::string sum = reduce("sum", a.name, a.set, index);
      add(binary("div", sum, numbers(double(sizes[index]), rest), rest), rest,
          strict && a.isStrict);
    } else if (kind == 8) {
      softmax(a, index, strict);
    } else if (kind == 9) {
      contract(a, b, index, strict);
    } else {
      looksLikeRule(kind, a, b, index, strict);
    }
  }
  /// What the rules above look for, or nearly so: indices may be others.
  void looksLikeRule(unsigned kind, const Value &a, const Value &b, unsigned index, bool strict) {
    if (kind == 14)
      return sumBesideResult(strict);
    Set set = a.set | b.set, rest = set & ~(1u << index);
    auto operand = [&](const Value &value) {
      return spread(value.name, value.set, set, (set & 3) == 3 && pick(6) == 0);
    };
    auto both = [&](const char *name) { return binary(name, operand(a), operand(b), set); };
    if (kind == 10) {
      const Value sum = add(both("add"), set, strict && a.isStrict && b.isStrict);
      return softmax(sum, index, strict);
    }
    bool isCentred = kind == 11, isWeighted = kind == 12;
    std::string value = isCentred ? both("add") : operand(a);
    std::string inner = isCentred    ? (pick(2) ? value : both("add"))
                        : isWeighted ? both("mul")
                                     : operand(a);
    std::string sum = reduce("sum", inner, set, index);
    if (isCentred)
      sum = binary("div", sum, numbers(double(sizes[index]), rest), rest);
    std::string made = binary(isCentred ? "sub" : "mul", value, spread(sum, rest, set, false), set);
    add(made, set, strict && a.isStrict && b.isStrict);
    if (kind == 13)
      add(reduce("sum", made, set, index), rest, strict && a.isStrict);
  }
  /// The sum over j of x[i or j] * y[i or j], times x[i] * y[i].
  void sumBesideResult(bool strict) {
    const std::string x = values[3].name, y = values[pick(2) ? 3 : values.size() - 1].name;
    const Set line = 1, plane = 3;
    if (values.back().set != line && y != x)
      return;
    std::string p = spread(x, line, plane, pick(3) > 0), q = spread(y, line, plane, pick(3) > 0);
    std::string inner = binary("mul", p, binary("add", q, q, plane), plane);
    std::string sum = reduce("sum", inner, plane, 1);
    add(binary("mul", binary("mul", x, y, line), sum, line), line,
        strict && values.back().isStrict);
  }
  void softmax(const Value &a, unsigned index, bool strict) {
    Set rest = a.set & ~(1u << index);
    std::string most = spread(reduce("max", a.name, a.set, index), rest, a.set, false);
    std::string less = binary("sub", a.name, most, a.set);
    std::string powers = op("exp " + less, "(" + type(a.set) + ") -> " + type(a.set));
    std::string sum = reduce("sum", powers, a.set, index);
    std::string shares = binary("div", numbers(1, rest), sum, rest);
    add(binary("mul", powers, spread(shares, rest, a.set, false), a.set), a.set,
        strict && a.isStrict);
  }
  void contract(const Value &a, const Value &b, unsigned index, bool strict) {
    // The index that is summed comes last.
    auto place = [&](Set set, unsigned at, Set space) {
      return at == index ? unsigned(llvm::popcount(space))
                         : unsigned(llvm::popcount(space & ((1u << at) - 1)));
      (void)set;
    };
    Set space = (a.set | b.set) & ~(1u << index);
    auto mapOf = [&](Set set) {
      std::string dims, at;
      for (unsigned i = 0; i <= unsigned(llvm::popcount(space)); ++i)
        dims += (i ? ", d" : "d") + std::to_string(i);
      for (unsigned i = 0; i < 3; ++i)
        if (set >> i & 1)
          at += (at.empty() ? "d" : ", d") + std::to_string(place(set, i, space));
      return "affine_map<(" + dims + ") -> (" + at + ")>";
    };
    add(op("contract " + a.name + " by " + mapOf(a.set) + ", " + b.name + " by " + mapOf(b.set),
           "(" + type(a.set) + ", " + type(b.set) + ") -> " + type(space)),
        space, strict && a.isStrict && b.isStrict);
  }

  std::mt19937 random;
  bool isMixed;
  std::string fp, text;
  unsigned count = 0;
  size_t inputs = 0;
  static constexpr size_t results_ = 2;
  std::vector<Value> values;
};

class TensorRuleTest : public ::testing::Test {
protected:
  TensorRuleTest() : context(DialectRegistry(), MLIRContext::Threading::DISABLED) {
    context.loadDialect<MadDialect, func::FuncDialect>();
    rules = ModuleOp::create(UnknownLoc::get(&context));
    emitStandardRules(*rules);
    Sources sources;
    Diagnostics diagnostics;
    auto tree = parse(sources, sources.add("rules", ownRules), diagnostics);
    auto program = check(sources, *tree, diagnostics);
    EXPECT_FALSE(diagnostics.hasErrors()) << render(sources, diagnostics, false);
    emitRules(*program, sources, *rules);
  }
  /// So that those of tensors go on until there is nothing to find.
  void dropScalarRules() {
    for (auto rule : llvm::make_early_inc_range(rules->getOps<RuleOp>()))
      if (rule.getSymName().starts_with("std.rules.scalar") ||
          rule.getSymName().starts_with("std.rules.trans"))
        rule.erase();
  }
  template <typename Check> unsigned compare(bool isMixed, bool f64, Check check) {
    constexpr unsigned programs = 150;
    unsigned changed = 0;
    std::vector<RewrittenBlock> blocks;
    RewriteExtras extras{*rules, &blocks};
    for (uint32_t seed = 0; seed < programs; ++seed) {
      Program program(seed, 3 + seed % 6, isMixed);
      const std::string text = program.function();
      OwningOpRef<ModuleOp> before = parseSourceString<ModuleOp>(text, &context);
      OwningOpRef<ModuleOp> after = parseSourceString<ModuleOp>(text, &context);
      EXPECT_TRUE(before) << text;
      if (!before)
        return changed;
      changed += rewriteModule(*after, {}, extras) > 0;
      EXPECT_TRUE(succeeded(verify(*after))) << text;
      for (const RewrittenBlock &block : blocks)
        for (const RewrittenValue &value : block.values)
          for (const RewriteStep &step : value.steps)
            used.insert(step.rule);
      std::mt19937 random(seed);
      std::vector<RefTensor> inputs = program.draw(random);
      std::vector<RefTensor> x = interpreted(*before, inputs, f64),
                             y = interpreted(*after, inputs, f64);
      for (size_t result = 0; result < x.size(); ++result)
        for (size_t i = 0; i < x[result].floats.size(); ++i)
          if (!check(program, result, x[result].floats[i], y[result].floats[i])) {
            std::string rewritten;
            llvm::raw_string_ostream os(rewritten);
            after->print(os);
            ADD_FAILURE() << "seed " << seed << ", result " << result << ": " << x[result].floats[i]
                          << " became " << y[result].floats[i] << "\n"
                          << text << rewritten;
            return changed;
          }
    }
    return changed;
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> rules;
  llvm::StringSet<> used;
};

/// Numbers of the program are those of f32: 1/3 is not that of f64.
bool isClose(const Program &, size_t, double a, double b) {
  return std::abs(a) > 1e3 || std::abs(a - b) <= 1e-4 * std::max(1.0, std::abs(a));
}

TEST_F(TensorRuleTest, FastProgramsAreEqualAsRealNumbers) {
  EXPECT_GT(compare(false, true, isClose), 75u);
}

TEST_F(TensorRuleTest, TensorRulesAloneGiveEqualPrograms) {
  dropScalarRules();
  EXPECT_GT(compare(false, true, isClose), 50u);
  for (const char *name : {"centred", "moved", "weighted", "spread", "size", "twofold"})
    EXPECT_TRUE(used.contains(name)) << name;
}

TEST_F(TensorRuleTest, StrictValuesKeepTheirBitsBesideOthers) {
  unsigned strict = 0;
  unsigned changed =
      compare(true, false, [&](const Program &program, size_t result, double a, double b) {
        strict += program.isStrict(result);
        return !program.isStrict(result) || (a == b && std::signbit(a) == std::signbit(b));
      });
  EXPECT_GT(changed, 25u);
  EXPECT_GT(strict, 50u);
}

} // namespace
