//===- SparsityTest.cpp - Which derivatives are zero, and fewer columns ----===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A pattern is compared with the Jacobian that the companion gives in the directions of all
// columns: outside of the pattern it is zero. Where the analysis is exact, and at numbers of no
// special relation, it is zero nowhere inside.
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/Derivatives/SparseTangents.h"
#include "dialects/Mad/IR/MadOps.h"
#include "mlir/IR/Verifier.h"
#include "test/unit/Derivatives/Programs.h"
#include <set>

using namespace mad;
using namespace mad::test;

namespace {

using Rows = std::vector<std::vector<int32_t>>;

class SparsityOf : public Programs {
protected:
  Sparsity pattern(mlir::ModuleOp module) {
    auto found = jacobianSparsity(module.lookupSymbol<mlir::func::FuncOp>("main"), {0});
    EXPECT_TRUE(found.has_value());
    return found ? *found : Sparsity();
  }

  /// The Jacobian by the first argument, [columns][rows], each column a direction.
  std::vector<std::vector<double>> jacobian(mlir::ModuleOp module, const Tensors &inputs) {
    auto main = module.lookupSymbol<mlir::func::FuncOp>("main");
    mlir::SmallVector<bool> active(inputs.size(), false);
    active[0] = true;
    auto jvp = Differentiator(module).jvp(main, active);
    EXPECT_TRUE(succeeded(jvp));
    std::vector<std::vector<double>> columns;
    for (int64_t column = 0; column < inputs[0].elements(); ++column) {
      Tensors arguments = inputs;
      arguments.push_back(RefTensor::zeros(RefElement::F64, inputs[0].shape));
      arguments.back().floats[column] = 1;
      Tensors results = run(module, jvp->function.getName().str(), arguments);
      size_t next = jvp->varies.size();
      columns.emplace_back();
      for (size_t i = 0; i < jvp->varies.size(); ++i) {
        if (!results[i].isFloat())
          continue;
        std::vector<double> part(results[i].floats.size(), 0.0);
        if (jvp->varies[i])
          part = results[next++].floats;
        columns.back().insert(columns.back().end(), part.begin(), part.end());
      }
    }
    return columns;
  }

  /// The pattern covers the Jacobian; `exact`: it is no larger. Then the same numbers come from
  /// fewer directions.
  void check(const std::string &text, const Tensors &inputs, bool exact = true) {
    SCOPED_TRACE(text);
    auto module = parse("func.func @main" + text);
    if (!module)
      return;
    Sparsity sparsity = pattern(*module);
    std::vector<std::vector<double>> columns = jacobian(*module, inputs);
    ASSERT_EQ(size_t(sparsity.columns), columns.size());
    ASSERT_EQ(sparsity.rows.size(), columns[0].size());
    std::vector<double> entries;
    for (size_t row = 0; row < sparsity.rows.size(); ++row) {
      std::set<int32_t> inside(sparsity.rows[row].begin(), sparsity.rows[row].end());
      for (int32_t column : sparsity.rows[row])
        entries.push_back(columns[column][row]);
      for (int32_t column = 0; column < sparsity.columns; ++column) {
        double value = columns[column][row];
        bool found = inside.count(column);
        EXPECT_TRUE(found || value == 0) << row << ", " << column << " is " << value;
        EXPECT_TRUE(!exact || !found || value != 0) << row << ", " << column << " is zero";
      }
    }
    Colouring colouring = colourColumns(sparsity);
    expectColoured(sparsity, colouring);
    if (entries.empty())
      return;
    EXPECT_EQ(compressed(*module, inputs, sparsity, colouring), entries);
    if (auto own = byEntries(*module, inputs)) {
      EXPECT_EQ(*own, entries);
      ++direct;
    }
  }
  int direct = 0; ///< programs whose entries were computed one by one

  static void expectColoured(const Sparsity &sparsity, const Colouring &colouring) {
    for (const std::vector<int32_t> &row : sparsity.rows) {
      std::set<int32_t> seen;
      for (int32_t column : row)
        EXPECT_TRUE(seen.insert(colouring.colours[column]).second);
    }
    for (int32_t colour : colouring.colours)
      EXPECT_TRUE(colour >= 0 && colour < colouring.count);
  }

  /// The entries by `entryJacobian`, if it knows all ops.
  std::optional<std::vector<double>> byEntries(mlir::ModuleOp module, const Tensors &inputs) {
    auto main = module.lookupSymbol<mlir::func::FuncOp>("main");
    mlir::OpBuilder b(&context);
    b.setInsertionPointToEnd(module.getBody());
    mlir::Location loc = b.getUnknownLoc();
    auto function = mlir::func::FuncOp::create(b, loc, "direct",
                                               b.getFunctionType(main.getArgumentTypes(), {}));
    mlir::Block *block = function.addEntryBlock();
    b.setInsertionPointToStart(block);
    auto found = entryJacobian(b, loc, main.front(), block->getArguments(), {0});
    if (!found) {
      function.erase();
      return std::nullopt;
    }
    mlir::func::ReturnOp::create(b, loc, found->entries);
    function.setFunctionType(b.getFunctionType(main.getArgumentTypes(), found->entries.getType()));
    EXPECT_TRUE(succeeded(mlir::verify(module)));
    return run(module, "direct", inputs)[0].floats;
  }

  /// The entries, as a function of the module computes them.
  std::vector<double> compressed(mlir::ModuleOp module, const Tensors &inputs,
                                 const Sparsity &sparsity, const Colouring &colouring) {
    auto main = module.lookupSymbol<mlir::func::FuncOp>("main");
    mlir::OpBuilder b(&context);
    b.setInsertionPointToEnd(module.getBody());
    mlir::Location loc = b.getUnknownLoc();
    auto function = mlir::func::FuncOp::create(b, loc, "entries",
                                               b.getFunctionType(main.getArgumentTypes(), {}));
    mlir::Block *block = function.addEntryBlock();
    b.setInsertionPointToStart(block);
    Differentiator derivatives(module);
    auto found = compressedJacobian(b, loc, derivatives, main, block->getArguments(), {0}, sparsity,
                                    colouring);
    EXPECT_TRUE(succeeded(found));
    mlir::func::ReturnOp::create(b, loc, found->entries);
    function.setFunctionType(b.getFunctionType(main.getArgumentTypes(), found->entries.getType()));
    EXPECT_TRUE(succeeded(mlir::verify(module)));
    return run(module, "entries", inputs)[0].floats;
  }
};

/// `f` of one vector of 5, `%0` its result.
std::string vectors(const std::string &body, const std::string &result = "tensor<5xf64>") {
  return "(%x: tensor<5xf64>) -> " + result + " {\n" + body + "\n  return %0 : " + result + "\n}";
}

TEST_F(SparsityOf, Elements) {
  check(vectors("%0 = mad.sin %x : (tensor<5xf64>) -> tensor<5xf64>"), {uniform({5})});
  check(vectors("%0 = mad.sign %x : (tensor<5xf64>) -> tensor<5xf64>"), {uniform({5})});
  check(vectors(R"(%c = mad.constant dense<[1.0, 0.0, 2.0, 0.0, 3.0]> : tensor<5xf64>
    %0 = mad.mul %c, %x : (tensor<5xf64>, tensor<5xf64>) -> tensor<5xf64>)"),
        {uniform({5})});
  // What stands at the boundary does not read its neighbour.
  check(
      vectors(
          R"(%1 = mad.view %x by affine_map<(d0) -> (d0 - 1)> periodic : (tensor<5xf64>) -> tensor<5xf64>
    %2 = mad.iota 0 : tensor<5xi64>
    %z = mad.constant dense<0> : tensor<5xi64>
    %3 = mad.compare eq %2, %z : (tensor<5xi64>, tensor<5xi64>) -> tensor<5xi1>
    %4 = mad.mul %1, %x : (tensor<5xf64>, tensor<5xf64>) -> tensor<5xf64>
    %0 = mad.select %3, %x, %4 : (tensor<5xi1>, tensor<5xf64>, tensor<5xf64>) -> tensor<5xf64>)"),
      {uniform({5})});
  EXPECT_EQ(direct, 3);
}

TEST_F(SparsityOf, Movement) {
  for (const char *boundary : {"zero", "periodic", "clamp"})
    check(vectors("%0 = mad.view %x by affine_map<(d0) -> (2 * d0 - 3)> " + std::string(boundary) +
                  " : (tensor<5xf64>) -> tensor<5xf64>"),
          {uniform({5})});
  check(vectors(R"(%i = mad.constant dense<[4, 0, 0, 2, 1]> : tensor<5xi64>
    %0 = mad.gather %x[%i] : (tensor<5xf64>, tensor<5xi64>) -> tensor<5xf64>)"),
        {uniform({5})});
  check(vectors(R"(%c = mad.constant dense<1.0> : tensor<2xf64>
    %1 = mad.concat 0 of %x, %c : (tensor<5xf64>, tensor<2xf64>) -> tensor<7xf64>
    %2 = mad.update %1 by affine_map<(d0) -> (2 * d0 + 2)> inside with %c : (tensor<7xf64>, tensor<2xf64>) -> tensor<7xf64>
    %0 = mad.view %2 by affine_map<(d0) -> (6 - d0)> inside : (tensor<7xf64>) -> tensor<5xf64>)"),
        {uniform({5})});
  for (const char *kind : {"set", "add"})
    check(vectors(R"(%i = mad.constant dense<[4, 0, 0, 2, 1]> : tensor<5xi64>
      %c = mad.constant dense<1.0> : tensor<5xf64>
      %0 = mad.scatter )" +
                  std::string(kind) +
                  " %c[%i] = %x : (tensor<5xf64>, tensor<5xi64>, tensor<5xf64>) -> tensor<5xf64>"),
          {uniform({5})});
  EXPECT_EQ(direct, 4);
}

// Positions that values decide may be anywhere.
TEST_F(SparsityOf, ComputedPositions) {
  auto module = parse(R"(func.func @main(%x: tensor<3xf64>, %i: tensor<2xi64>, %s: tensor<i64>)
      -> (tensor<2xf64>, tensor<3xf64>, tensor<3xf64>) {
    %0 = mad.gather %x[%i] : (tensor<3xf64>, tensor<2xi64>) -> tensor<2xf64>
    %1 = mad.view %x by affine_map<() -> (0)> inside : (tensor<3xf64>) -> tensor<f64>
    %2 = mad.update %x[%s] by affine_map<()[s0] -> (s0)> checked with %1 : (tensor<3xf64>, tensor<f64>, tensor<i64>) -> tensor<3xf64>
    %3, %4 = mad.sort %x along 0 : (tensor<3xf64>) -> (tensor<3xf64>, tensor<3xi64>)
    return %0, %2, %3 : tensor<2xf64>, tensor<3xf64>, tensor<3xf64>
  })");
  Rows expected{{0, 1, 2}, {0, 1, 2}, {0}, {0, 1}, {0, 2}, {0, 1, 2}, {0, 1, 2}, {0, 1, 2}};
  EXPECT_EQ(pattern(*module).rows, expected);
}

TEST_F(SparsityOf, Sums) {
  check("(%x: tensor<2x3xf64>) -> (tensor<3xf64>, tensor<2x3xf64>) {\n"
        "  %0 = mad.reduce sum %x over [0] : (tensor<2x3xf64>) -> tensor<3xf64>\n"
        "  %1 = mad.cumulate sum %x along 1 : (tensor<2x3xf64>) -> tensor<2x3xf64>\n"
        "  return %0, %1 : tensor<3xf64>, tensor<2x3xf64>\n}",
        {uniform({2, 3})});
  // A banded matrix, whose zeros are known.
  check(vectors(R"(%a = mad.constant dense<[[2.0, -1.0, 0.0, 0.0, 0.0], [-1.0, 2.0, -1.0, 0.0, 0.0],
      [0.0, -1.0, 2.0, -1.0, 0.0], [0.0, 0.0, -1.0, 2.0, -1.0], [0.0, 0.0, 0.0, -1.0, 2.0]]> : tensor<5x5xf64>
    %0 = mad.contract %a by affine_map<(i, k) -> (i, k)>, %x by affine_map<(i, k) -> (k)> : (tensor<5x5xf64>, tensor<5xf64>) -> tensor<5xf64>)"),
        {uniform({5})});
  EXPECT_EQ(direct, 0);
  // Several entries of a column meet in one sum.
  check("(%x: tensor<2x3xf64>) -> tensor<2xf64> {\n"
        "  %1 = mad.view %x by affine_map<(d0, d1) -> (d0, d1 - 1)> periodic : (tensor<2x3xf64>) "
        "-> tensor<2x3xf64>\n"
        "  %2 = mad.mul %1, %x : (tensor<2x3xf64>, tensor<2x3xf64>) -> tensor<2x3xf64>\n"
        "  %0 = mad.reduce sum %2 over [1] : (tensor<2x3xf64>) -> tensor<2xf64>\n"
        "  return %0 : tensor<2xf64>\n}",
        {uniform({2, 3})});
  EXPECT_EQ(direct, 1);
}

TEST_F(SparsityOf, Control) {
  // After three rounds a value has come from three places away.
  check(vectors(R"(%0 = mad.scan "0" to "2" carry %x : (tensor<5xf64>) -> tensor<5xf64> {
    ^bb0(%i: tensor<i64>, %a: tensor<5xf64>):
      %1 = mad.view %a by affine_map<(d0) -> (d0 + 1)> zero : (tensor<5xf64>) -> tensor<5xf64>
      %2 = mad.mul %1, %a : (tensor<5xf64>, tensor<5xf64>) -> tensor<5xf64>
      %3 = mad.add %2, %a : (tensor<5xf64>, tensor<5xf64>) -> tensor<5xf64>
      mad.yield %3 : tensor<5xf64>
    })"),
        {uniform({5})});
  // Carried values that change places, and what each step collects.
  check(R"((%x: tensor<2xf64>) -> (tensor<f64>, tensor<f64>, tensor<3xf64>) {
    %a = mad.view %x by affine_map<() -> (0)> inside : (tensor<2xf64>) -> tensor<f64>
    %b = mad.view %x by affine_map<() -> (1)> inside : (tensor<2xf64>) -> tensor<f64>
    %0:3 = mad.scan "0" to "3" carry %a, %b : (tensor<f64>, tensor<f64>) -> (tensor<f64>, tensor<f64>, tensor<3xf64>) {
    ^bb0(%i: tensor<i64>, %c: tensor<f64>, %d: tensor<f64>):
      mad.yield %d, %c, %c : tensor<f64>, tensor<f64>, tensor<f64>
    }
    return %0#0, %0#1, %0#2 : tensor<f64>, tensor<f64>, tensor<3xf64>
  })",
        {uniform({2})});
  // Of an unknown number of rounds, all that may come in. Not exact: one round runs.
  check(vectors(R"(%one = mad.constant dense<1> : tensor<i64>
    %0, %n = mad.iterate max "9" carry %x : (tensor<5xf64>) -> (tensor<5xf64>, tensor<i64>)
    while {
    ^bb0(%i: tensor<i64>, %a: tensor<5xf64>):
      %1 = mad.compare lt %i, %one : (tensor<i64>, tensor<i64>) -> tensor<i1>
      mad.yield %1 : tensor<i1>
    } do {
    ^bb0(%i: tensor<i64>, %a: tensor<5xf64>):
      %1 = mad.view %a by affine_map<(d0) -> (d0 + 1)> clamp : (tensor<5xf64>) -> tensor<5xf64>
      mad.yield %1 : tensor<5xf64>
    })"),
        {uniform({5})}, false);
  check(R"((%x: tensor<2xf64>, %c: tensor<i1>) -> tensor<2xf64> {
    %0 = mad.if %c : tensor<i1> -> tensor<2xf64> {
      mad.yield %x : tensor<2xf64>
    } else {
      %1 = mad.view %x by affine_map<(d0) -> (1 - d0)> inside : (tensor<2xf64>) -> tensor<2xf64>
      mad.yield %1 : tensor<2xf64>
    }
    return %0 : tensor<2xf64>
  })",
        {uniform({2}), RefTensor::zeros(RefElement::Bool, {})}, false);
}

TEST_F(SparsityOf, UnknownSizes) {
  auto module = parse("func.func @main(%x: tensor<?xf64, #mad.dims<\"N\">>) -> tensor<?xf64, "
                      "#mad.dims<\"N\">> {\n  return %x : tensor<?xf64, #mad.dims<\"N\">>\n}");
  EXPECT_FALSE(jacobianSparsity(module->lookupSymbol<mlir::func::FuncOp>("main"), {0}).has_value());
}

// As an implicit method does it: the right-hand side of an equation of two states, in place.
TEST_F(SparsityOf, RightHandSide) {
  auto module = parse(
      R"(func.func @main(%x: tensor<2xf64>, %z: tensor<f64>, %t: tensor<f64>) -> tensor<2xf64> {
    %0:7 = ode.solve "rk4" of "f" ["x", "z"](%x, %z) from %t to %t step %t with %t
      : (tensor<2xf64>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<f64>) -> (tensor<2xf64>, tensor<f64>, tensor<f64>, tensor<i32>, tensor<i64>, tensor<i64>, tensor<i64>) {
    ^bb0(%s: tensor<f64>, %a: tensor<2xf64>, %b: tensor<f64>, %p: tensor<f64>):
      %1 = mad.view %b by affine_map<(d0) -> ()> inside : (tensor<f64>) -> tensor<2xf64>
      %2 = mad.view %1 by affine_map<(d0) -> (2 * d0)> zero : (tensor<2xf64>) -> tensor<2xf64>
      %3 = mad.mul %a, %2 : (tensor<2xf64>, tensor<2xf64>) -> tensor<2xf64>
      %4 = mad.add %3, %a : (tensor<2xf64>, tensor<2xf64>) -> tensor<2xf64>
      %5 = mad.mul %p, %b : (tensor<f64>, tensor<f64>) -> tensor<f64>
      ode.yield %4, %5 : tensor<2xf64>, tensor<f64>
    }
    return %0#0 : tensor<2xf64>
  })");
  auto main = module->lookupSymbol<mlir::func::FuncOp>("main");
  mlir::Block &body = (*main.getOps<ode::SolveOp>().begin()).getBody().front();
  auto sparsity = jacobianSparsity(body, {1, 2});
  ASSERT_TRUE(sparsity.has_value());
  EXPECT_EQ(sparsity->columns, 3);
  EXPECT_EQ(sparsity->rows, (Rows{{0, 2}, {1}, {2}}));
  Colouring colouring = colourColumns(*sparsity);
  EXPECT_EQ(colouring.count, 2);
  mlir::OpBuilder b(&context);
  mlir::Location loc = b.getUnknownLoc();
  b.setInsertionPointToEnd(module->getBody());
  mlir::SmallVector<mlir::Type> types(body.getArgumentTypes());
  auto matrix = mlir::RankedTensorType::get({3, 3}, b.getF64Type());
  auto function = mlir::func::FuncOp::create(b, loc, "matrix", b.getFunctionType(types, matrix));
  b.setInsertionPointToStart(function.addEntryBlock());
  Differentiator derivatives(*module);
  auto found = compressedJacobian(b, loc, derivatives, body, function.front().getArguments(),
                                  {1, 2}, *sparsity, colouring);
  ASSERT_TRUE(succeeded(found));
  mlir::func::ReturnOp::create(b, loc, denseJacobian(b, loc, found->entries, *sparsity));
  ASSERT_TRUE(succeeded(mlir::verify(*module)));
  Tensors results =
      run(*module, "matrix",
          {doubles({}, {0.0}), doubles({2}, {2.0, 3.0}), doubles({}, {5.0}), doubles({}, {7.0})});
  EXPECT_EQ(results[0].floats, (std::vector<double>{6, 0, 2, 0, 1, 0, 0, 0, 7}));
}

//===----------------------------------------------------------------------===//
// POLLU
//===----------------------------------------------------------------------===//

/// The air pollution model of Verwer (1994): 25 reactions of 20 substances. `factors`: which
/// concentrations a rate is the product of, from 1 on; `sums`: of each derivative its rates.
std::string pollution() {
  const std::vector<std::vector<int>> factors = {
      {1},     {2, 4},  {5, 2},  {7},  {7},    {7, 6},  {9}, {9, 6}, {11, 2},
      {11, 1}, {13},    {10, 2}, {14}, {1, 6}, {3},     {4}, {4},    {16},
      {16},    {17, 6}, {19},    {19}, {1, 4}, {19, 1}, {20}};
  const std::vector<std::vector<int>> sums = {{-1, -10, -14, -23, -24, 2, 3, 9, 11, 12, 22, 25},
                                              {-2, -3, -9, -12, 1, 21},
                                              {-15, 1, 17, 19, 22},
                                              {-2, -16, -17, -23, 15},
                                              {-3, 4, 4, 6, 7, 13, 20},
                                              {-6, -8, -14, -20, 3, 18, 18},
                                              {-4, -5, -6, 13},
                                              {4, 5, 6, 7},
                                              {-7, -8},
                                              {-12, 7, 9},
                                              {-9, -10, 8, 11},
                                              {9},
                                              {-11, 10},
                                              {-13, 12},
                                              {14},
                                              {-18, -19, 16},
                                              {-20},
                                              {20},
                                              {-21, -22, -24, 23, 25},
                                              {-25, 24}};
  const std::string scalars = " : (tensor<1xf64>, tensor<1xf64>) -> tensor<1xf64>\n";
  std::string text = "(%y: tensor<20xf64>) -> tensor<20xf64> {\n"
                     "  %z = mad.constant dense<0.0> : tensor<1xf64>\n";
  for (int i = 1; i <= 20; ++i)
    text += "  %y" + std::to_string(i) + " = mad.view %y by affine_map<(d0) -> (d0 + " +
            std::to_string(i - 1) + ")> inside : (tensor<20xf64>) -> tensor<1xf64>\n";
  for (size_t r = 1; r <= factors.size(); ++r) {
    std::string rate = "%r" + std::to_string(r), first = "%y" + std::to_string(factors[r - 1][0]);
    std::string second = factors[r - 1].size() > 1 ? "%y" + std::to_string(factors[r - 1][1])
                                                   : "%k" + std::to_string(r);
    text += "  %k" + std::to_string(r) + " = mad.constant dense<" + std::to_string(r) +
            ".5> : tensor<1xf64>\n";
    text += "  " + rate + " = mad.mul " + first + ", " + second + scalars;
  }
  std::string parts, types;
  for (size_t f = 0; f < sums.size(); ++f) {
    std::string sum = "%z";
    for (size_t t = 0; t < sums[f].size(); ++t) {
      std::string next = "%f" + std::to_string(f) + "_" + std::to_string(t);
      text += "  " + next + " = mad." + (sums[f][t] < 0 ? "sub " : "add ") + sum + ", %r" +
              std::to_string(std::abs(sums[f][t])) + scalars;
      sum = next;
    }
    parts += (f ? ", " : "") + sum;
    types += f ? ", tensor<1xf64>" : "tensor<1xf64>";
  }
  return text + "  %f = mad.concat 0 of " + parts + " : (" + types +
         ") -> tensor<20xf64>\n  return %f : tensor<20xf64>\n}";
}

// 82 derivatives are other than zero; four more places lie on the diagonal, of substances that
// decide nothing about themselves. Ten substances have a part in the first equation: fewer colours
// are not possible.
TEST_F(SparsityOf, Pollution) {
  check(pollution(), {uniform({20}, 0.5, 1.5)});
  EXPECT_EQ(direct, 1);
  auto module = parse("func.func @main" + pollution());
  Sparsity sparsity = pattern(*module);
  EXPECT_EQ(sparsity.entries(), 82);
  EXPECT_EQ(colourColumns(sparsity).count, 10);
  for (int32_t i = 0; i < 20; ++i)
    if (std::vector<int32_t> &row = sparsity.rows[i];
        !std::binary_search(row.begin(), row.end(), i))
      row.insert(std::upper_bound(row.begin(), row.end(), i), i);
  EXPECT_EQ(sparsity.entries(), 86);
  EXPECT_EQ(colourColumns(sparsity).count, 10);
}

// A band of three needs three colours, however long it is, and a full row all of them.
TEST(Colouring, BandsAndRows) {
  Sparsity band;
  band.columns = 1000;
  for (int32_t row = 0; row < 1000; ++row) {
    band.rows.emplace_back();
    for (int32_t column = std::max(row - 1, 0); column <= std::min(row + 1, 999); ++column)
      band.rows.back().push_back(column);
  }
  EXPECT_EQ(colourColumns(band).count, 3);
  Sparsity row;
  row.columns = 4;
  row.rows = {{0, 1, 2, 3}, {}};
  EXPECT_EQ(colourColumns(row).count, 4);
  Sparsity none;
  EXPECT_EQ(colourColumns(none).count, 0);
}

} // namespace
