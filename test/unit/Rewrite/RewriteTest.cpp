//===- RewriteTest.cpp - Rewritten programs against the ones before -------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Random programs are rewritten and run by the reference interpreter as they were and as they
// are. Strict ops give the same bits, whatever stands beside them; others differ by rounding.
//
//===----------------------------------------------------------------------===//
#include "passes/EGraph/Bridge/Rewrite.h"
#include "dialects/Mad/IR/MadOps.h"
#include "dialects/Mad/Reference/Interpreter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "test/unit/Rewrite/Interpreted.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"
#include <cmath>
#include <random>

using namespace mlir;
using namespace mad;

namespace {

/// `name permissions: left => right`, sides in prefix form over a, b, c and numbers.
struct RuleText {
  const char *name, *permissions, *left, *right;
  bool both = false;
};

constexpr RuleText ruleTexts[] = {
    {"comm_sub", "", "(add a (neg b))", "(sub a b)", true},
    {"twice", "", "(mul a 2)", "(add a a)", true},
    {"one", "", "(mul a 1)", "a"},
    {"minus", "", "(mul a -1)", "(neg a)", true},
    {"neg_neg", "", "(neg (neg a))", "a"},
    {"abs_neg", "", "(abs (neg a))", "(abs a)"},
    {"max_same", "", "(max a a)", "a"},
    {"half", "", "(div a 2)", "(mul a 0.5)", true},
    {"zero", "nsz", "(add a 0)", "a"},
    {"less", "nnan", "(sub a a)", "0"},
    {"assoc", "reassoc nsz", "(add (add a b) c)", "(add a (add b c))", true},
    {"assoc_mul", "reassoc", "(mul (mul a b) c)", "(mul a (mul b c))", true},
    {"factor", "reassoc nsz", "(add (mul a b) (mul a c))", "(mul a (add b c))", true},
    {"reciprocal", "arcp", "(div a b)", "(mul a (div 1 b))", true},
    {"ratio", "nnan", "(div a a)", "1"},
    {"rsqrt", "afn", "(div 1 (sqrt a))", "(rsqrt a)", true},
    {"exp_sum", "reassoc afn", "(mul (exp a) (exp b))", "(exp (add a b))", true},
    {"fma", "contract", "(add (mul a b) c)", "(fma a b c)"},
    {"square_root", "reassoc nnan nsz", "(mul (sqrt a) (sqrt a))", "a"},
};

/// A term in prefix form as ops on scalars; returns the name of its value.
class Emitter {
public:
  std::string emit(const char *&at) {
    while (*at == ' ')
      ++at;
    if (*at != '(') {
      std::string word;
      while (*at && *at != ' ' && *at != ')')
        word += *at++;
      if (std::isalpha(word[0]))
        return "%" + word;
      std::string value = fresh();
      double number = std::stod(word);
      text +=
          "  " + value + " = mad.constant dense<" + std::to_string(number) + "> : tensor<f32>\n";
      return value;
    }
    ++at;
    std::string op;
    while (*at != ' ')
      op += *at++;
    std::vector<std::string> operands;
    while (*at != ')')
      operands.push_back(emit(at));
    ++at;
    std::string value = fresh(), types;
    text += "  " + value + " = mad." + op;
    for (size_t i = 0; i < operands.size(); ++i) {
      text += (i ? ", " : " ") + operands[i];
      types += i ? ", tensor<f32>" : "tensor<f32>";
    }
    text += " : (" + types + ") -> tensor<f32>\n";
    return value;
  }
  std::string text;

private:
  std::string fresh() { return "%v" + std::to_string(count++); }
  unsigned count = 0;
};

std::string rules() {
  std::string text;
  for (const RuleText &rule : ruleTexts) {
    Emitter emitter;
    const char *left = rule.left, *right = rule.right;
    std::string l = emitter.emit(left), r = emitter.emit(right), permissions;
    std::string names = rule.permissions;
    for (size_t from = 0; from < names.size();) {
      size_t to = std::min(names.find(' ', from), names.size());
      permissions += (permissions.empty() ? "\"" : ", \"") + names.substr(from, to - from) + "\"";
      from = to + 1;
    }
    text += "mad.rule @" + std::string(rule.name) + " permits [" + permissions + "] of \"float\" " +
            (rule.both ? "both " : "") + "where [] {\n^bb0(%a: tensor<f32>, %b: tensor<f32>, " +
            "%c: tensor<f32>):\n" + emitter.text + "  mad.sides (" + l + ") and (" + r +
            ") : tensor<f32> and tensor<f32>\n}\n";
  }
  return text;
}

enum class Mode { Strict, Default, Fast, Mixed };

/// A function of four vectors; all its values are results.
class Program {
public:
  Program(uint32_t seed, Mode mode, unsigned ops) : random(seed) {
    for (unsigned i = 0; i < 4; ++i)
      values.push_back("%x" + std::to_string(i));
    for (double number : {1.0, 2.0, 0.0, 0.5, -1.0}) {
      std::string value = "%n" + std::to_string(values.size());
      text += "  " + value + " = mad.constant dense<" + std::to_string(number) + "> : tensor<N>\n";
      values.push_back(value);
    }
    for (unsigned i = 0; i < ops; ++i)
      addOp(i, mode);
  }
  std::string function(size_t elements) const {
    std::string type = "tensor<" + std::to_string(elements) + "xf32>";
    std::string all, results, types;
    for (size_t i = 9; i < values.size(); ++i) {
      results += (i > 9 ? ", " : "") + values[i];
      types += (i > 9 ? ", " : "") + type;
    }
    all = "func.func @f(%x0: " + type + ", %x1: " + type + ", %x2: " + type + ", %x3: " + type +
          ") -> (" + types + ") {\n" + text + "  return " + results + " : " + types + "\n}\n";
    for (size_t at; (at = all.find("tensor<N>")) != std::string::npos;)
      all.replace(at, 9, type);
    return all;
  }
  std::vector<bool> strict; ///< of results: it and all below are strict

private:
  unsigned pick(size_t below) { return unsigned(random() % below); }

  void addOp(unsigned number, Mode mode) {
    static const char *unary[] = {"neg", "abs", "sqrt", "exp", "rsqrt"};
    static const char *binary[] = {"add", "sub", "mul", "div", "max", "add", "mul"};
    bool one = pick(4) == 0;
    std::string op = one ? unary[pick(5)] : binary[pick(7)];
    size_t a = pick(values.size()), b = pick(values.size());
    std::string value = "%r" + std::to_string(number);
    Mode own = mode == Mode::Mixed ? Mode(pick(3)) : mode;
    auto isStrict = [&](size_t i) { return i < 9 || strict[i - 9]; };
    strict.push_back(own == Mode::Strict && isStrict(a) && (one || isStrict(b)));
    std::string fp = own == Mode::Strict ? " {mad.fp = \"strict\"}"
                     : own == Mode::Fast ? " {mad.fp = \"fast\"}"
                                         : "";
    text += "  " + value + " = mad." + op + " " + values[a] + (one ? "" : ", " + values[b]) + fp +
            " : (tensor<N>" + (one ? "" : ", tensor<N>") + ") -> tensor<N>\n";
    values.push_back(value);
  }

  std::mt19937 random;
  std::vector<std::string> values;
  std::string text;
};

/// Numbers that show what a rule forgets, then random ones of many sizes.
RefTensor special(std::mt19937 &random, size_t count) {
  static const double numbers[] = {0.0,      -0.0, 1.0,     -1.0,     INFINITY, -INFINITY,
                                   NAN,      2.0,  1e-40,   -1e-40,   3e38,     -3e38,
                                   1.17e-38, 0.5,  0.33333, 16777217, 88.0,     -104.0};
  RefTensor tensor = RefTensor::zeros(RefElement::F32, {int64_t(count)});
  for (double &value : tensor.floats)
    value = random() % 2
                ? numbers[random() % std::size(numbers)]
                : float(std::ldexp(double(random()) / 4294967296.0 - 0.5, int(random() % 40) - 20));
  return tensor;
}

/// Positive numbers near 1: nothing cancels to nothing, overflows or is no number.
RefTensor tame(std::mt19937 &random, size_t count) {
  RefTensor tensor = RefTensor::zeros(RefElement::F32, {int64_t(count)});
  for (double &value : tensor.floats)
    value = float(0.75 + 0.5 * double(random()) / 4294967296.0);
  return tensor;
}

class RewriteTest : public ::testing::Test {
protected:
  RewriteTest() : context(DialectRegistry(), MLIRContext::Threading::DISABLED) {
    context.loadDialect<MadDialect, func::FuncDialect>();
  }
  OwningOpRef<ModuleOp> parse(const std::string &text) {
    OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
    EXPECT_TRUE(module) << text;
    return module;
  }
  /// How many programs of a mode changed; each is compared by `check`.
  template <typename Check>
  unsigned compare(Mode mode, bool f64, RefTensor (*draw)(std::mt19937 &, size_t), Check check) {
    constexpr unsigned programs = 80;
    constexpr size_t elements = 400;
    const std::string ruleText = rules();
    unsigned changed = 0;
    for (uint32_t seed = 0; seed < programs; ++seed) {
      Program program(seed, mode, 4 + seed % 12);
      OwningOpRef<ModuleOp> before = parse(program.function(elements));
      OwningOpRef<ModuleOp> after = parse(ruleText + program.function(elements));
      changed += rewriteModule(*after, {});
      EXPECT_TRUE(succeeded(verify(*after)));
      std::mt19937 random(seed);
      std::vector<RefTensor> inputs;
      for (unsigned i = 0; i < 4; ++i)
        inputs.push_back(draw(random, elements));
      std::vector<RefTensor> x = interpreted(*before, inputs, f64),
                             y = interpreted(*after, inputs, f64);
      for (size_t result = 0; result < x.size(); ++result)
        for (size_t i = 0; i < elements; ++i)
          if (!check(program, result, x[result].floats[i], y[result].floats[i])) {
            std::string text;
            llvm::raw_string_ostream os(text);
            before->print(os);
            after->lookupSymbol("f")->print(os);
            ADD_FAILURE() << "seed " << seed << ", result " << result << ": " << x[result].floats[i]
                          << " became " << y[result].floats[i] << "\n"
                          << text;
            return changed;
          }
    }
    return changed;
  }

  MLIRContext context;
};

bool sameBits(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) || (a == b && std::signbit(a) == std::signbit(b));
}

TEST_F(RewriteTest, StrictProgramsKeepTheirBits) {
  unsigned changed =
      compare(Mode::Strict, false, special,
              [](const Program &, size_t, double a, double b) { return sameBits(a, b); });
  EXPECT_GT(changed, 10u); // by the rules that need no permission
}

TEST_F(RewriteTest, StrictValuesKeepTheirBitsBesideOthers) {
  unsigned changed = compare(Mode::Mixed, false, special,
                             [](const Program &program, size_t result, double a, double b) {
                               return !program.strict[result] || sameBits(a, b);
                             });
  EXPECT_GT(changed, 10u);
}

// In f64, so that what is left is an error of the algebra. A dozen ops on numbers near 1 grow to
// e^e^... at worst; relative to the larger of both, roundings of 2^-53 stay far below 2^-24 unless
// terms cancel, which is why what is small beside 1 is compared with 1.
TEST_F(RewriteTest, FastProgramsAreEqualAsRealNumbers) {
  unsigned changed =
      compare(Mode::Fast, true, tame, [](const Program &, size_t, double a, double b) {
        if (!std::isfinite(a) || std::abs(a) > 1e6)
          return true; // no number by declaration, or ill conditioned
        return std::abs(a - b) <= 0x1p-24 * std::max(1.0, std::abs(a));
      });
  EXPECT_GT(changed, 40u);
}

TEST_F(RewriteTest, DefaultProgramsMayRoundOtherwise) {
  unsigned changed =
      compare(Mode::Default, true, tame, [](const Program &, size_t, double a, double b) {
        if (!std::isfinite(a) || std::abs(a) > 1e6)
          return true;
        return std::abs(a - b) <= 0x1p-24 * std::max(1.0, std::abs(a));
      });
  EXPECT_GT(changed, 10u);
}

// Wrong rules do not bring the compiler down, however they grow.
TEST_F(RewriteTest, GrowingRulesEnd) {
  std::string text = "mad.rule @grow permits [] of \"float\" where [] {\n^bb0(%a: tensor<f32>):\n"
                     "  %l = mad.exp %a : (tensor<f32>) -> tensor<f32>\n"
                     "  %0 = mad.neg %a : (tensor<f32>) -> tensor<f32>\n"
                     "  %1 = mad.exp %0 : (tensor<f32>) -> tensor<f32>\n"
                     "  %r = mad.exp %1 : (tensor<f32>) -> tensor<f32>\n"
                     "  mad.sides (%l) and (%r) : tensor<f32> and tensor<f32>\n}\n"
                     "func.func @f(%x: tensor<3xf32>) -> tensor<3xf32> {\n"
                     "  %0 = mad.exp %x : (tensor<3xf32>) -> tensor<3xf32>\n"
                     "  return %0 : tensor<3xf32>\n}\n";
  OwningOpRef<ModuleOp> module = parse(text);
  rewriteModule(*module, {});
  EXPECT_TRUE(succeeded(verify(*module)));
}

} // namespace
