//===- SparseMatrix.cpp - Linear equations of a known pattern ---------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// J is its entries, row by row, from tangents of one colour each or entry by entry, whatever is
// less; W has LU factors whose places are known (`ode.sparse_factor`).
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/Derivatives/SparseTangents.h"
#include "dialects/Ode/IR/OdeSparseOps.h"
#include "passes/Ode/TensorMatrix.h"
#include "passes/Transforms/Remarks.h"

using namespace mlir;

namespace mad {
namespace {

constexpr int64_t maxStates = 20'000;
/// A number at a position that must be read, in numbers of a vector.
constexpr int64_t entryCost = 8;
constexpr int64_t maxWork = 1'000'000'000; ///< multiplications: about a second for each step

class SparseMatrix : public TensorMatrix {
public:
  using TensorMatrix::TensorMatrix;

  bool isWorthwhile();
  bool prepare();
  Leaves factor(const Leaves &jacobian, Value shift) override;
  Leaves solve(const Leaves &factors, const Leaves &right) override;
  Leaves noJacobian() override { return {zeros(sparsity.entries())}; }
  Leaves noFactors() override { return {zeros(places)}; }

private:
  RankedTensorType line(int64_t size) { return RankedTensorType::get({size}, m.element); }
  Value zeros(int64_t size) { return m.spread(m.number(m.element, 0), line(size)); }
  LogicalResult jacobian(OpBuilder &b, ArrayRef<Value> arguments, Linearised &result) override;

  Sparsity sparsity;
  Colouring colouring;
  bool byEntries = false; ///< not by colours
  ode::SparsePattern pattern;
  ode::Numbers order;
  int64_t places = 0;
};

/// Whether the pattern is known and its factors leave out enough of all N^2 places.
bool SparseMatrix::isWorthwhile() {
  auto found = jacobianSparsity(rhs.block(), by);
  if (!found || found->entries() == 0 || found->columns > maxStates)
    return false;
  sparsity = *found;
  pattern.starts.push_back(0);
  for (const std::vector<int32_t> &row : sparsity.rows) {
    pattern.columns.insert(pattern.columns.end(), row.begin(), row.end());
    pattern.starts.push_back(int32_t(pattern.columns.size()));
  }
  order = ode::minimumDegree(pattern);
  ode::SparseLu lu(pattern, order);
  places = lu.places();
  if (2 * places > found->columns * found->columns || lu.work > maxWork)
    return false;
  colouring = colourColumns(sparsity);
  return true;
}

LogicalResult SparseMatrix::jacobian(OpBuilder &b, ArrayRef<Value> arguments, Linearised &result) {
  FailureOr<CompressedJacobian> found = failure();
  if (byEntries)
    found = *entryJacobian(b, m.loc, rhs.block(), arguments, by);
  else
    found =
        compressedJacobian(b, m.loc, derivatives, rhs.block(), arguments, by, sparsity, colouring);
  if (failed(found))
    return failure();
  result.rates = Leaves(found->results);
  result.jacobian = {found->entries};
  return success();
}

/// Looks whether all of it has derivatives.
bool SparseMatrix::prepare() {
  Block aside;
  OpBuilder::InsertionGuard guard(m.b);
  m.b.setInsertionPointToEnd(&aside);
  Leaves arguments = argumentsIn(aside);
  auto direct = entryJacobian(m.b, m.loc, rhs.block(), arguments, by);
  byEntries = direct && entryCost * direct->work < colouring.count * direct->elements;
  Linearised result;
  if (failed(build(m.b, arguments, true, result)))
    return false;
  std::string way =
      byEntries ? "entry by entry" : "in " + std::to_string(colouring.count) + " directions";
  remarkTaken(op.getLoc(), "the Jacobian of `" + op.getName() + "` has " +
                               std::to_string(sparsity.entries()) + " entries of " +
                               std::to_string(sparsity.columns) + "^2, " + way +
                               "; its factors have " + std::to_string(places));
  return true;
}

Leaves SparseMatrix::factor(const Leaves &jacobian, Value shift) {
  // A pivot of no use leaves infinity or NaN in the factors, and so in what is solved.
  return {ode::SparseFactorOp::create(m.b, m.loc, line(places),
                                      RankedTensorType::get({}, m.b.getI64Type()), jacobian[0],
                                      m.cast(shift, m.element), m.number(m.element, -1),
                                      pattern.starts, pattern.columns, order)
              .getFactors()};
}

Leaves SparseMatrix::solve(const Leaves &factors, const Leaves &right) {
  Value x = ode::SparseSolveOp::create(m.b, m.loc, line(sparsity.columns), factors[0],
                                       joined(right), pattern.starts, pattern.columns, order);
  return parted(x, right);
}

} // namespace

std::unique_ptr<NewtonMatrix> NewtonMatrix::ofPattern(ode::SolveOp op, RightHandSide &rhs,
                                                      SolveAlgebra &m, bool &known) {
  auto matrix = std::make_unique<SparseMatrix>(op, rhs, m);
  known = matrix->isWorthwhile();
  if (!known || !matrix->prepare())
    return nullptr;
  return matrix;
}

} // namespace mad
