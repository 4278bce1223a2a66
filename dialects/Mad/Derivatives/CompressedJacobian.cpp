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

/// Of each colour the sum of the unit vectors of its columns, for an argument whose first column is
/// number `first`: [colours, shape of the argument].
static Value seeds(OpBuilder &b, Location loc, RankedTensorType type, int64_t first,
                   const Colouring &colouring) {
  int64_t columns = type.getNumElements();
  const llvm::fltSemantics &semantics = cast<FloatType>(type.getElementType()).getFloatSemantics();
  std::vector<APFloat> numbers(size_t(columns * colouring.count), APFloat::getZero(semantics));
  for (int64_t column = 0; column < columns; ++column) {
    int64_t colour = colouring.colours[size_t(first + column)];
    numbers[size_t(colour * columns + column)] = APFloat::getOne(semantics);
  }
  RankedTensorType full = tangentType(type, DimExpr(colouring.count));
  return ConstantOp::create(b, loc, full, DenseElementsAttr::get(full, numbers));
}

static SmallVector<Value> allSeeds(OpBuilder &b, Location loc, TypeRange types,
                                   ArrayRef<unsigned> by, const Colouring &colouring) {
  SmallVector<Value> found;
  int64_t first = 0;
  for (unsigned argument : by) {
    auto type = cast<RankedTensorType>(types[argument]);
    found.push_back(seeds(b, loc, type, first, colouring));
    first += type.getNumElements();
  }
  return found;
}

/// Takes the entries out of the tangents of the results, one a colour; null: it does not vary.
static CompressedJacobian taken(OpBuilder &b, Location loc, ValueRange results, ValueRange tangents,
                                const Sparsity &sparsity, const Colouring &colouring) {
  CompressedJacobian found;
  found.results = SmallVector<Value>(results);
  SmallVector<Value> parts;
  size_t row = 0;
  int64_t total = 0;
  Type element;
  for (auto [result, tangent] : llvm::zip_equal(results, tangents)) {
    RankedTensorType type = tensorTypeOf(result);
    if (!isa<FloatType>(type.getElementType()))
      continue;
    size_t first = row;
    row += size_t(type.getNumElements());
    SmallVector<int64_t> colours, rows;
    for (size_t r = first; r < row && tangent; ++r)
      for (int32_t column : sparsity.rows[r]) {
        colours.push_back(colouring.colours[size_t(column)]);
        rows.push_back(int64_t(r - first));
      }
    if (rows.empty())
      continue;
    element = type.getElementType();
    auto flat = RankedTensorType::get({colouring.count, type.getNumElements()}, element);
    auto part = RankedTensorType::get({int64_t(rows.size())}, element);
    parts.push_back(
        GatherOp::create(b, loc, part, ReshapeOp::create(b, loc, flat, tangent),
                         ValueRange{positions(b, loc, colours), positions(b, loc, rows)}));
    total += int64_t(rows.size());
  }
  found.entries =
      parts.size() == 1
          ? parts[0]
          : Value(ConcatOp::create(b, loc, RankedTensorType::get({total}, element), parts, 0));
  return found;
}

FailureOr<CompressedJacobian> compressedJacobian(OpBuilder &b, Location loc,
                                                 Differentiator &derivatives, func::FuncOp function,
                                                 ValueRange values, ArrayRef<unsigned> by,
                                                 const Sparsity &sparsity,
                                                 const Colouring &colouring) {
  SmallVector<bool> active(values.size(), false);
  for (unsigned argument : by)
    active[argument] = true;
  FailureOr<JvpFunction> jvp = derivatives.jvp(function, active, DimExpr(colouring.count));
  if (failed(jvp))
    return failure();
  SmallVector<Value> operands(values);
  llvm::append_range(operands, allSeeds(b, loc, function.getArgumentTypes(), by, colouring));
  auto call = func::CallOp::create(b, loc, jvp->function, operands);
  size_t count = function.getNumResults(), next = count;
  SmallVector<Value> tangents;
  for (bool one : jvp->varies)
    tangents.push_back(one ? Value(call.getResult(next++)) : Value());
  return taken(b, loc, call.getResults().take_front(count), tangents, sparsity, colouring);
}

FailureOr<CompressedJacobian> compressedJacobian(OpBuilder &b, Location loc,
                                                 Differentiator &derivatives, Block &block,
                                                 ValueRange values, ArrayRef<unsigned> by,
                                                 const Sparsity &sparsity,
                                                 const Colouring &colouring) {
  SmallVector<Value> tangents(values.size());
  SmallVector<Type> types(block.getArgumentTypes());
  for (auto [argument, seed] : llvm::zip_equal(by, allSeeds(b, loc, types, by, colouring)))
    tangents[argument] = seed;
  FailureOr<Differentiated> found =
      derivatives.inlined(b, block, values, tangents, DimExpr(colouring.count));
  if (failed(found))
    return failure();
  return taken(b, loc, found->values, found->tangents, sparsity, colouring);
}

Value denseJacobian(OpBuilder &b, Location loc, Value entries, const Sparsity &sparsity) {
  int64_t rows = int64_t(sparsity.rows.size());
  Value columns = denseColumns(b, loc, entries, sparsity, 0, rows);
  auto type =
      RankedTensorType::get({rows, sparsity.columns}, tensorTypeOf(entries).getElementType());
  AffineMap turned =
      AffineMap::get(2, 0, {b.getAffineDimExpr(1), b.getAffineDimExpr(0)}, b.getContext());
  return ViewOp::create(b, loc, type, columns, ValueRange(), turned, Boundary::inside);
}

/// Places of a matrix for each entry that is not 0, at most, where all of them are read.
static constexpr int64_t mostPlaces = 4;

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
  if (rowsAt.empty())
    return filled(b, loc, 0, full);
  auto part = RankedTensorType::get({int64_t(rowsAt.size())}, element);
  if (part != entries.getType()) {
    AffineMap map = AffineMap::get(1, 0, b.getAffineDimExpr(0) + before);
    entries = ViewOp::create(b, loc, part, entries, ValueRange(), map, Boundary::inside);
  }
  const int64_t known = int64_t(rowsAt.size()), size = rows * sparsity.columns;
  if (known == size) {
    auto lines = RankedTensorType::get({rows, sparsity.columns}, element);
    AffineMap turned =
        AffineMap::get(2, 0, {b.getAffineDimExpr(1), b.getAffineDimExpr(0)}, b.getContext());
    return ViewOp::create(b, loc, full, ReshapeOp::create(b, loc, lines, entries), ValueRange(),
                          turned, Boundary::inside);
  }
  // Where zeros are few, each place is read, which many threads can do; the others are behind all.
  if (size <= mostPlaces * known) {
    SmallVector<int64_t> places(size_t(size), known);
    for (int64_t i = 0; i < known; ++i)
      places[size_t(columnsAt[size_t(i)] * rows + rowsAt[size_t(i)])] = i;
    auto longer = RankedTensorType::get({known + 1}, element);
    Value zero = filled(b, loc, 0, RankedTensorType::get({1}, element));
    Value line = ConcatOp::create(b, loc, longer, ValueRange{entries, zero}, 0);
    auto all = RankedTensorType::get({size}, element);
    Value read = GatherOp::create(b, loc, all, line, ValueRange{positions(b, loc, places)});
    return ReshapeOp::create(b, loc, full, read);
  }
  return ScatterOp::create(b, loc, full, ScatterKind::set, filled(b, loc, 0, full),
                           ValueRange{positions(b, loc, columnsAt), positions(b, loc, rowsAt)},
                           entries);
}

} // namespace mad
