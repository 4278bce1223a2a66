//===- CompressedJacobian.cpp - Jacobians of few directions ----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/Derivatives/CompressedJacobian.h"
#include "dialects/Mad/IR/MadDataOps.h"
#include "dialects/Mad/IR/MadDerivatives.h"

using namespace mlir;

namespace mad {

static Value positions(OpBuilder &b, Location loc, ArrayRef<int64_t> numbers) {
  auto type = RankedTensorType::get({int64_t(numbers.size())}, b.getI64Type());
  return ConstantOp::create(b, loc, type, DenseElementsAttr::get(type, numbers));
}

/// Of each colour the sum of the unit vectors of its columns: [colours, shape of the argument].
static Value seeds(OpBuilder &b, Location loc, RankedTensorType type, const Colouring &colouring) {
  int64_t columns = int64_t(colouring.colours.size());
  std::vector<APFloat> numbers;
  const llvm::fltSemantics &semantics = cast<FloatType>(type.getElementType()).getFloatSemantics();
  numbers.assign(size_t(columns * colouring.count), APFloat::getZero(semantics));
  for (int64_t column = 0; column < columns; ++column)
    numbers[size_t(colouring.colours[column] * columns + column)] = APFloat::getOne(semantics);
  SmallVector<int64_t> shape{colouring.count};
  llvm::append_range(shape, type.getShape());
  RankedTensorType full = tangentType(type, DimExpr(colouring.count));
  return ConstantOp::create(b, loc, full, DenseElementsAttr::get(full, numbers));
}

FailureOr<CompressedJacobian> compressedJacobian(OpBuilder &b, Location loc,
                                                 Differentiator &derivatives, func::FuncOp function,
                                                 ValueRange arguments, unsigned argument,
                                                 const Sparsity &sparsity,
                                                 const Colouring &colouring) {
  SmallVector<bool> active(arguments.size(), false);
  active[argument] = true;
  FailureOr<JvpFunction> jvp = derivatives.jvp(function, active, DimExpr(colouring.count));
  if (failed(jvp))
    return failure();
  SmallVector<Value> operands(arguments);
  operands.push_back(
      seeds(b, loc, cast<RankedTensorType>(function.getArgumentTypes()[argument]), colouring));
  auto call = func::CallOp::create(b, loc, jvp->function, operands);
  CompressedJacobian result;
  size_t count = function.getNumResults(), next = count;
  result.results = SmallVector<Value>(call.getResults().take_front(count));
  SmallVector<Value> parts;
  size_t row = 0;
  int64_t total = 0;
  Type element;
  for (size_t i = 0; i < count; ++i) {
    RankedTensorType type = tensorTypeOf(result.results[i]);
    if (!isa<FloatType>(type.getElementType()))
      continue;
    size_t first = row;
    row += size_t(type.getNumElements());
    if (!jvp->varies[i])
      continue;
    Value tangents = call.getResult(next++);
    SmallVector<int64_t> colours, rows;
    for (size_t r = first; r < row; ++r)
      for (int32_t column : sparsity.rows[r]) {
        colours.push_back(colouring.colours[column]);
        rows.push_back(int64_t(r - first));
      }
    if (rows.empty())
      continue;
    element = type.getElementType();
    auto flat = RankedTensorType::get({colouring.count, type.getNumElements()}, element);
    auto part = RankedTensorType::get({int64_t(rows.size())}, element);
    parts.push_back(
        GatherOp::create(b, loc, part, ReshapeOp::create(b, loc, flat, tangents),
                         ValueRange{positions(b, loc, colours), positions(b, loc, rows)}));
    total += int64_t(rows.size());
  }
  result.entries =
      parts.size() == 1
          ? parts[0]
          : Value(ConcatOp::create(b, loc, RankedTensorType::get({total}, element), parts, 0));
  return result;
}

Value denseColumns(OpBuilder &b, Location loc, Value entries, const Sparsity &sparsity,
                   int64_t first, int64_t rows) {
  int64_t before = 0;
  for (int64_t row = 0; row < first; ++row)
    before += int64_t(sparsity.rows[size_t(row)].size());
  SmallVector<int64_t> columnsAt, rowsAt;
  for (int64_t row = 0; row < rows; ++row)
    for (int32_t column : sparsity.rows[size_t(first + row)]) {
      columnsAt.push_back(column);
      rowsAt.push_back(row);
    }
  Type element = tensorTypeOf(entries).getElementType();
  auto full = RankedTensorType::get({sparsity.columns, rows}, element);
  Value zeros = filled(b, loc, 0, full);
  if (rowsAt.empty())
    return zeros;
  auto part = RankedTensorType::get({int64_t(rowsAt.size())}, element);
  if (part != entries.getType()) {
    AffineMap map = AffineMap::get(1, 0, b.getAffineDimExpr(0) + before);
    entries = ViewOp::create(b, loc, part, entries, ValueRange(), map, Boundary::inside);
  }
  return ScatterOp::create(b, loc, full, ScatterKind::set, zeros,
                           ValueRange{positions(b, loc, columnsAt), positions(b, loc, rowsAt)},
                           entries);
}

} // namespace mad
