//===- BindingTest.cpp - Dimension parameters from the inputs ---------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "test/unit/Dialect/Support.h"

using namespace mad;
using namespace mad::test;

using I = std::vector<int64_t>;

static RefTensor zeros(Shape shape) { return RefTensor::zeros(RefElement::F32, shape); }

/// An entry `main` with inputs of these dimensions (`N, 2 * K`), which returns
/// the values of its dimension parameters.
static Outcome bind(const std::vector<std::string> &inputs, const std::vector<std::string> &dims,
                    std::vector<RefTensor> values, const std::string &attributes = "") {
  std::string arguments, parameters, body, results, types;
  for (auto [i, texts] : llvm::enumerate(inputs)) {
    std::string shape, names;
    for (llvm::StringRef rest = texts; !rest.empty();) {
      auto [text, tail] = rest.split(", ");
      rest = tail;
      // `Pixels = 64` is a static dimension with a name.
      auto [name, size] = text.split(" = ");
      shape += size.empty() ? "?x" : size.str() + "x";
      names += (names.empty() ? "\"" : ", \"") + name.str() + "\"";
    }
    arguments += (i ? ", %" : "%") + std::to_string(i) + ": tensor<" + shape + "f32, #mad.dims<" +
                 names + ">> {mad.name = \"" + std::string(1, 'x' + i) + "\"}";
  }
  for (auto [i, dim] : llvm::enumerate(dims)) {
    std::string comma = i ? ", " : "", value = "%d" + std::to_string(i);
    parameters += comma + "\"" + dim + "\"";
    body += "  " + value + " = mad.dim \"" + dim + "\" : tensor<i64>\n";
    results += comma + value;
    types += comma + "tensor<i64>";
  }
  std::string returned = dims.empty() ? "" : " " + results + " : " + types;
  return run("func.func @main(" + arguments + ") -> (" + types +
                 ") attributes {mad.entry, mad.dims = [" + parameters + "]" + attributes + "} {\n" +
                 body + "  return" + returned + "\n}\n",
             std::move(values));
}

static I values(const Outcome &outcome) {
  EXPECT_EQ(outcome.message, "");
  I all;
  for (const RefTensor &result : outcome.results)
    all.push_back(result.integers[0]);
  return all;
}

TEST(Binding, SymbolsThenLinear) {
  EXPECT_EQ(values(bind({"N, Pixels = 64"}, {"N"}, {zeros({3, 64})})), I{3});
  EXPECT_EQ(values(bind({"2 * K + 1", "K + N"}, {"K", "N"}, {zeros({7}), zeros({5})})), (I{3, 2}));
  // The second dimension is solved only after the third input has given `N`.
  EXPECT_EQ(values(bind({"M + N", "2 * N"}, {"N", "M"}, {zeros({5}), zeros({8})})), (I{4, 1}));
  EXPECT_EQ(values(bind({"N, M", "M, N"}, {"N", "M"}, {zeros({0, 2}), zeros({2, 0})})), (I{0, 2}));
}

TEST(Binding, DivisionsAreOnlyCompared) {
  EXPECT_EQ(values(bind({"N / 2, N"}, {"N"}, {zeros({3, 7})})), I{7});
  EXPECT_EQ(bind({"N / 2, N"}, {"N"}, {zeros({3, 8})}).message,
            "`x` dimension 0 (`N / 2`): found 3, expected 4");
}

TEST(Binding, WrongExtents) {
  EXPECT_EQ(bind({"N, Pixels = 64"}, {"N"}, {zeros({3, 5})}).message,
            "`x` dimension 1 (`Pixels`): found 5, expected 64");
  EXPECT_EQ(bind({"N", " = 4"}, {"N"}, {zeros({3}), zeros({5})}).message,
            "`y` dimension 0: found 5, expected 4");
  EXPECT_EQ(bind({"N", "N"}, {"N"}, {zeros({3}), zeros({5})}).message,
            "`y` dimension 0 (`N`): found 5, expected 3");
  EXPECT_EQ(bind({"N", "2 * N"}, {"N"}, {zeros({3}), zeros({5})}).message,
            "`y` dimension 0 (`2 * N`): found 5, expected 6");
}

TEST(Binding, NoSolution) {
  EXPECT_EQ(bind({"2 * N"}, {"N"}, {zeros({5})}).message,
            "`x` dimension 0 (`2 * N`): found 5, expected 4");
  EXPECT_EQ(bind({"N + 2"}, {"N"}, {zeros({1})}).message,
            "`N`, computed from `x` dimension 0 (`N + 2`): found -1, expected at least 0");
  EXPECT_EQ(bind({"N / 2"}, {"N"}, {zeros({5})}).message,
            "dimension parameter `N` cannot be found from the extents of the inputs");
  EXPECT_EQ(bind({"N"}, {"N", "M"}, {zeros({5})}).message,
            "dimension parameter `M` cannot be found from the extents of the inputs");
}

TEST(Binding, WrongInputs) {
  EXPECT_EQ(bind({"N"}, {"N"}, {}).message, "`main` takes 1 inputs, but got 0");
  EXPECT_EQ(bind({"N"}, {"N"}, {zeros({5, 5})}).message, "`x` has 2 dimensions, expected 1");
  EXPECT_EQ(bind({"N"}, {"N"}, {RefTensor::zeros(RefElement::I64, {2})}).message,
            "`x` has elements of type i64, expected f32");
  RefTensor few = zeros({3});
  few.floats.pop_back();
  EXPECT_EQ(bind({"N"}, {"N"}, {few}).message, "`x` holds 2 elements, expected 3");
  RefTensor negative = zeros({3});
  negative.shape[0] = -1;
  EXPECT_EQ(bind({"N"}, {"N"}, {negative}).message, "`x` dimension 0 is -1, expected at least 0");
}

TEST(Binding, Checks) {
  auto checked = [](const std::string &check, int64_t h, int64_t k) {
    return bind({"H", "K"}, {"H", "K"}, {zeros({h}), zeros({k})},
                ", mad.checks = [#mad.check<" + check + ", \"rows of `x`\", \"a.mad:3:4\">]");
  };
  EXPECT_EQ(values(checked("\"H\", eq, \"2 * K\"", 6, 3)), (I{6, 3}));
  EXPECT_EQ(checked("\"H\", eq, \"2 * K\"", 6, 4).message,
            "a.mad:3:4: rows of `x`: found 6, expected 8");
  EXPECT_EQ(values(checked("\"H - K\", ge, \"1\"", 6, 5)), (I{6, 5}));
  EXPECT_EQ(checked("\"H - K\", ge, \"1\"", 6, 6).message,
            "a.mad:3:4: rows of `x`: found 0, expected at least 1");
  EXPECT_NE(checked("\"H / K\", ge, \"1\"", 6, 0).message.find("divides by zero"),
            std::string::npos);
}
