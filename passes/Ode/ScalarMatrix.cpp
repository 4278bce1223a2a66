//===- ScalarMatrix.cpp - Linear equations written out in scalars -----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Few states, element by element: the derivatives that are not zero whatever the values are, and
// an elimination without loops for exactly this pattern. Pivots are on the diagonal, in an order
// that is chosen when compiling: the least product of row and column counts first (H. M. Markowitz,
// The elimination form of the inverse, 1957), of equal ones an element with a part from J. In
// shift - J the diagonal is never zero for small steps, and steps whose errors are not finite are
// tried again with smaller ones; so rows do not change places when the program runs.
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/Derivatives/Differentiate.h"
#include "dialects/Mad/IR/MadMathOps.h"
#include "passes/Ode/NewtonMatrix.h"
#include <limits>

using namespace mlir;

namespace mad {
namespace {

class ScalarMatrix : public NewtonMatrix {
public:
  ScalarMatrix(ode::SolveOp op, RightHandSide &rhs, SolveAlgebra &m)
      : op(op), rhs(rhs), m(m), derivatives(op->getParentOfType<ModuleOp>()) {}

  bool prepare();
  Linearised linearise(Value time, const Leaves &states, bool withTime) override;
  Leaves factor(const Leaves &jacobian, Value shift) override;
  Leaves solve(const Leaves &factors, const Leaves &right) override;
  Leaves noJacobian() override { return zeros(entries.size()); }
  Leaves noFactors() override;

private:
  using Matrix = std::vector<Leaves>; ///< null: zero
  Leaves zeros(size_t count) { return Leaves(count, m.number(m.element, 0)); }
  LogicalResult column(OpBuilder &b, ArrayRef<Value> arguments, size_t argument, Leaves &rates,
                       Leaves &tangents);
  void order();
  /// Calls `visit` with the place of each factor, in the order in which loops carry them.
  template <typename Visit> void eachFactor(Visit visit) const;

  ode::SolveOp op;
  RightHandSide &rhs;
  SolveAlgebra &m;
  Differentiator derivatives;
  size_t size = 0;
  bool varies = false; ///< with the time
  SmallVector<std::pair<size_t, size_t>> entries;
  SmallVector<size_t> pivots;
  std::vector<SmallVector<bool>> filled; ///< L and U together
  SmallVector<size_t> turn;              ///< when a row is a pivot
};

/// The tangents of all rates by one argument of the block.
LogicalResult ScalarMatrix::column(OpBuilder &b, ArrayRef<Value> arguments, size_t argument,
                                   Leaves &rates, Leaves &tangents) {
  Leaves seeds(arguments.size());
  Type element = Algebra::typeOf(arguments[argument]).getElementType();
  seeds[argument] = Algebra(b, op.getLoc()).number(element, 1);
  auto found = derivatives.inlined(b, rhs.block(), arguments, seeds);
  if (failed(found))
    return failure();
  rates = Leaves(found->values);
  tangents = Leaves(found->tangents);
  return success();
}

/// The pattern, from derivatives that are built on the side.
bool ScalarMatrix::prepare() {
  Block &body = rhs.block();
  size = body.getTerminator()->getNumOperands();
  filled.assign(size, SmallVector<bool>(size, false));
  Block aside;
  OpBuilder b(op.getContext());
  b.setInsertionPointToEnd(&aside);
  Leaves arguments, rates, tangents;
  for (BlockArgument argument : body.getArguments())
    arguments.push_back(aside.addArgument(argument.getType(), argument.getLoc()));
  for (size_t j = 0; j <= size; ++j) {
    if (failed(column(b, arguments, j, rates, tangents)))
      return false;
    for (size_t i = 0; i < size; ++i)
      if (tangents[i] && j == 0)
        varies = true;
      else if (tangents[i])
        entries.push_back({i, j - 1});
  }
  order();
  return true;
}

void ScalarMatrix::order() {
  std::vector<SmallVector<bool>> known(size, SmallVector<bool>(size, false));
  for (auto [i, j] : entries)
    known[i][j] = true;
  SmallVector<bool> hasOwn(size);
  for (size_t i = 0; i < size; ++i) {
    hasOwn[i] = known[i][i];
    known[i][i] = true;
  }
  SmallVector<bool> done(size, false);
  turn.assign(size, 0);
  for (size_t step = 0; step < size; ++step) {
    size_t best = size, least = 0;
    for (size_t k = 0; k < size; ++k) {
      if (done[k])
        continue;
      size_t row = 0, column = 0;
      for (size_t i = 0; i < size; ++i) {
        row += !done[i] && known[k][i];
        column += !done[i] && known[i][k];
      }
      size_t cost = 2 * (row - 1) * (column - 1) + !hasOwn[k];
      if (best == size || cost < least) {
        best = k;
        least = cost;
      }
    }
    pivots.push_back(best);
    turn[best] = step;
    done[best] = true;
    for (size_t i = 0; i < size; ++i)
      for (size_t j = 0; j < size; ++j)
        if (!done[i] && !done[j] && known[i][best] && known[best][j]) {
          known[i][j] = true;
          hasOwn[i] |= i == j;
        }
  }
  filled = known;
}

template <typename Visit> void ScalarMatrix::eachFactor(Visit visit) const {
  for (size_t i = 0; i < size; ++i)
    for (size_t j = 0; j < size; ++j)
      if (filled[i][j])
        visit(i, j);
}

Leaves ScalarMatrix::noFactors() {
  size_t count = 0;
  eachFactor([&](size_t, size_t) { ++count; });
  return zeros(count);
}

NewtonMatrix::Linearised ScalarMatrix::linearise(Value time, const Leaves &states, bool withTime) {
  Leaves arguments = rhs.arguments(m.b, time, states), rates, tangents;
  Linearised result;
  // None of them fails: `prepare` has built the same.
  (void)column(m.b, arguments, 1, result.rates, tangents);
  if (withTime && varies) {
    (void)column(m.b, arguments, 0, rates, tangents);
    result.timeRates = tangents;
  }
  for (size_t j = 1; j <= size; ++j) {
    (void)column(m.b, arguments, j, rates, tangents);
    for (Value tangent : tangents)
      if (tangent)
        result.jacobian.push_back(tangent);
  }
  return result;
}

/// Instead of pivots there are their inverses. That of an infinite one is NaN: with 0 its element
/// would stand still, whatever its derivative is.
Leaves ScalarMatrix::factor(const Leaves &jacobian, Value shift) {
  Matrix a(size, Leaves(size));
  Value own = m.cast(shift, m.element);
  for (auto [entry, value] : llvm::zip_equal(entries, jacobian))
    a[entry.first][entry.second] = value;
  for (size_t i = 0; i < size; ++i)
    for (size_t j = 0; j < size; ++j)
      if (i == j)
        a[i][j] = a[i][j] ? m.sub(own, a[i][j]) : own;
      else if (a[i][j])
        a[i][j] = NegOp::create(m.b, m.loc, a[i][j].getType(), a[i][j]);
  Value nan = m.number(m.element, std::numeric_limits<double>::quiet_NaN());
  for (size_t k : pivots) {
    Value inverse = m.div(m.number(m.element, 1), a[k][k]);
    a[k][k] = m.select(m.isFinite(a[k][k]), inverse, nan);
    for (size_t i = 0; i < size; ++i) {
      if (turn[i] <= turn[k] || !a[i][k])
        continue;
      a[i][k] = m.mul(a[i][k], a[k][k]);
      for (size_t j = 0; j < size; ++j) {
        if (turn[j] <= turn[k] || !a[k][j])
          continue;
        Value product = m.mul(a[i][k], a[k][j]);
        a[i][j] = a[i][j] ? m.sub(a[i][j], product)
                          : Value(NegOp::create(m.b, m.loc, product.getType(), product));
      }
    }
  }
  Leaves factors;
  eachFactor([&](size_t i, size_t j) { factors.push_back(a[i][j]); });
  return factors;
}

Leaves ScalarMatrix::solve(const Leaves &factors, const Leaves &right) {
  Matrix a(size, Leaves(size));
  size_t next = 0;
  eachFactor([&](size_t i, size_t j) { a[i][j] = factors[next++]; });
  Leaves x = right;
  for (size_t k : pivots)
    for (size_t i = 0; i < size; ++i)
      if (turn[i] > turn[k] && a[i][k])
        x[i] = m.sub(x[i], m.mul(a[i][k], x[k]));
  for (size_t k : llvm::reverse(pivots)) {
    for (size_t j = 0; j < size; ++j)
      if (turn[j] > turn[k] && a[k][j])
        x[k] = m.sub(x[k], m.mul(a[k][j], x[j]));
    x[k] = m.mul(x[k], a[k][k]);
  }
  return x;
}

} // namespace

std::unique_ptr<NewtonMatrix> NewtonMatrix::onScalars(ode::SolveOp op, RightHandSide &rhs,
                                                      SolveAlgebra &m) {
  auto matrix = std::make_unique<ScalarMatrix>(op, rhs, m);
  if (!matrix->prepare())
    return nullptr;
  return matrix;
}

std::unique_ptr<NewtonMatrix> NewtonMatrix::of(ode::SolveOp op, RightHandSide &rhs,
                                               SolveAlgebra &m) {
  if (rhs.isScalar())
    return onScalars(op, rhs, m);
  bool known = false;
  auto sparse = ofPattern(op, rhs, m, known);
  return known ? std::move(sparse) : onTensors(op, rhs, m);
}

} // namespace mad
