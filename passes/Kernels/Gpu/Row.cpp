//===- Row.cpp - One row in the hands of a warp or a block ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Kernels/Gpu/Row.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mad::device;

Row::Row(GpuBuilder &g, const RowTile &tile, Type element, Value start, Value columns)
    : g(g), tile(tile), element(element), start(start), columns(columns) {
  lane = g.rem(g.thread(), tile.lanes());
  for (int i = 0; i < tile.held; ++i)
    held.push_back(readHeld(columnOf(i)));
}

Value Row::columnOf(int group) {
  return g.add(g.mul(lane, tile.vector), group * tile.lanes() * tile.vector);
}

Values Row::loadGroup(Value from, Value column) {
  Type type = tile.vector == 1 ? element : Type(g.vectorOf(tile.vector, element));
  Values elements = g.unpack(g.load(type, g.at(from, element, column)));
  for (Value &x : elements)
    x = g.convert(x, g.b.getF32Type());
  return elements;
}

void Row::storeGroup(Value to, Value column, ValueRange elements) {
  Values narrow;
  for (Value x : elements)
    narrow.push_back(g.convert(x, element));
  g.store(tile.vector == 1 ? narrow[0] : g.pack(narrow), g.at(to, element, column));
}

/// Behind the end of the row the elements are zeros, which nobody uses.
Values Row::readHeld(Value column) {
  SmallVector<Type> types(tile.vector, g.b.getF32Type());
  auto branch = scf::IfOp::create(g.b, types, g.less(column, columns), /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(g.b);
  g.b.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(g.b, loadGroup(start, column));
  g.b.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(g.b, Values(tile.vector, g.f32(0)));
  return Values(branch.getResults());
}

Values Row::changed(ValueRange elements) {
  Values results(elements);
  for (const Change &change : changes)
    for (Value &x : results)
      x = change(x);
  return results;
}

void Row::change(Change change) {
  for (Values &group : held)
    for (Value &x : group)
      x = change(x);
  changes.push_back(std::move(change));
}

void Row::forGroups(llvm::function_ref<void(Value, ValueRange)> write) {
  for (auto [i, group] : llvm::enumerate(held)) {
    Value column = columnOf(i);
    g.when(g.less(column, columns), [&, &elements = group] { write(column, elements); });
  }
  if (tile.held)
    return;
  g.loop(columnOf(0), columns, tile.lanes() * tile.vector, {}, [&](Value column, ValueRange) {
    write(column, changed(loadGroup(start, column)));
    return Values();
  });
}

Value Row::reduce(double identity, Combine combine) {
  return reduce(identity, combine, [](Value x) { return x; });
}

Value Row::reduce(double identity, Combine combine, llvm::function_ref<Value(Value)> map) {
  Value none = g.f32(identity), all = none;
  for (auto [i, group] : llvm::enumerate(held)) {
    Value inside = g.less(columnOf(i), columns);
    for (Value x : group)
      all = combine(all, g.select(inside, map(x), none));
  }
  if (!tile.held)
    all = g.loop(columnOf(0), columns, tile.lanes() * tile.vector, {none},
                 [&](Value column, ValueRange carried) -> Values {
                   Value sum = carried[0];
                   for (Value x : changed(loadGroup(start, column)))
                     sum = combine(sum, map(x));
                   return {sum};
                 })[0];
  all = g.reduceWarp(all, combine);
  return tile.blockOfRow ? acrossWarps(all, combine) : all;
}

/// Each reduction has memory of its own, so that one barrier is enough.
Value Row::acrossWarps(Value x, Combine combine) {
  const int warps = tile.threads / lanesOfWarp;
  Type f32 = g.b.getF32Type();
  Value parts = g.bytesAt(g.shared(), reductions++ * warps * 4);
  Value thread = g.thread();
  g.when(g.equal(g.rem(thread, lanesOfWarp), 0),
         [&] { g.store(x, g.at(parts, f32, g.div(thread, lanesOfWarp))); });
  g.barrier();
  Value all = g.load(f32, parts);
  for (int warp = 1; warp < warps; ++warp)
    all = combine(all, g.load(f32, g.at(parts, f32, warp)));
  return all;
}
