//===- OdeSparseOps.cpp - Linear systems of one pattern ---------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Ode/IR/OdeSparseOps.h"
#include "dialects/Mad/IR/RefTensor.h"
#include "mlir/IR/OpImplementation.h"

using namespace mlir;
using namespace mad;
using namespace mad::ode;

#define GET_OP_CLASSES
#include "dialects/Ode/IR/OdeSparseOps.cpp.inc"

static int64_t lengthOf(Value vector) {
  return cast<RankedTensorType>(vector.getType()).getDimSize(0);
}

/// Rows one behind the other, columns ascending; the order has each row once.
static LogicalResult verifyPattern(Operation *op, ArrayRef<int32_t> starts,
                                   ArrayRef<int32_t> columns, ArrayRef<int32_t> order) {
  auto n = static_cast<int64_t>(order.size());
  if (n == 0 || static_cast<int64_t>(starts.size()) != n + 1)
    return op->emitOpError() << "has an order of " << n << " rows, but " << starts.size()
                             << " starts, expected one more";
  if (starts.front() != 0 || starts.back() != static_cast<int64_t>(columns.size()))
    return op->emitOpError() << "the starts of rows go from 0 to the number of entries, "
                             << columns.size();
  for (int64_t row = 0; row < n; ++row)
    if (starts[row] > starts[row + 1])
      return op->emitOpError() << "the starts of rows descend at row " << row;
  for (int64_t row = 0; row < n; ++row)
    for (int32_t i = starts[row]; i < starts[row + 1]; ++i)
      if (columns[i] < 0 || columns[i] >= n || (i > starts[row] && columns[i] <= columns[i - 1]))
        return op->emitOpError() << "the columns of row " << row << " do not ascend from 0 to "
                                 << n - 1;
  std::vector<bool> seen(static_cast<size_t>(n), false);
  for (int32_t row : order) {
    if (row < 0 || row >= n || seen[static_cast<size_t>(row)])
      return op->emitOpError() << "the order does not have each of " << n << " rows once";
    seen[static_cast<size_t>(row)] = true;
  }
  return success();
}

template <typename Range> static LogicalResult verifyElements(Operation *op, Range values) {
  Type first = cast<RankedTensorType>((*values.begin()).getType()).getElementType();
  for (Value value : values)
    if (auto type = cast<RankedTensorType>(value.getType()); type.getElementType() != first)
      return op->emitOpError() << "has elements of " << first << " and " << type.getElementType();
  return success();
}

LogicalResult SparseFactorOp::verify() {
  if (failed(verifyPattern(*this, getStarts(), getColumns(), getOrder())))
    return failure();
  if (lengthOf(getValues()) != static_cast<int64_t>(getColumns().size()))
    return emitOpError() << "has " << lengthOf(getValues()) << " values for a pattern of "
                         << getColumns().size() << " entries";
  SmallVector<Value> all(getOperands());
  all.push_back(getFactors());
  return verifyElements(*this, all);
}

LogicalResult SparseSolveOp::verify() {
  if (failed(verifyPattern(*this, getStarts(), getColumns(), getOrder())))
    return failure();
  auto n = static_cast<int64_t>(getOrder().size());
  for (Value vector : {getRhs(), getX()})
    if (lengthOf(vector) != n)
      return emitOpError() << "a vector has " << lengthOf(vector) << " elements, the matrix " << n
                           << " rows";
  SmallVector<Value> all(getOperands());
  all.push_back(getX());
  return verifyElements(*this, all);
}

LogicalResult SparseFactorOp::evaluate(ArrayRef<const RefTensor *> operands,
                                       MutableArrayRef<RefTensor> results, RefContext &) {
  SparseLu tables = tablesOf(*this);
  if (failed(checkTables(*this, tables)))
    return failure();
  results[1].integers[0] = tables.factor(operands[0]->floats, operands[1]->floats[0],
                                         operands[2]->floats[0], results[0].floats);
  return success();
}

LogicalResult SparseSolveOp::evaluate(ArrayRef<const RefTensor *> operands,
                                      MutableArrayRef<RefTensor> results, RefContext &) {
  SparseLu tables = tablesOf(*this);
  if (failed(checkTables(*this, tables)))
    return failure();
  results[0].floats = operands[1]->floats;
  tables.solve(operands[0]->floats, results[0].floats);
  return success();
}
