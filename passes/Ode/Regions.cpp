//===- Regions.cpp - Branches and loops on leaves ---------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Ode/Regions.h"
#include "dialects/Mad/IR/MadStateOps.h"

using namespace mlir;

namespace mad {

Leaves ifElse(Algebra &m, Value condition, const Leaves &otherwise,
              llvm::function_ref<Leaves()> then) {
  OpBuilder &b = m.b;
  auto op = IfOp::create(b, m.loc, ValueRange(otherwise).getTypes(), condition);
  OpBuilder::InsertionGuard guard(b);
  b.createBlock(&op.getThenRegion());
  YieldOp::create(b, m.loc, then());
  b.createBlock(&op.getElseRegion());
  YieldOp::create(b, m.loc, otherwise);
  return Leaves(op.getResults());
}

Leaves iterate(Algebra &m, const Leaves &initial, StringRef limit,
               llvm::function_ref<Value(Value, const Leaves &)> condition,
               llvm::function_ref<Leaves(Value, const Leaves &)> body) {
  OpBuilder &b = m.b;
  auto counter = RankedTensorType::get({}, b.getI64Type());
  SmallVector<Type> types(ValueRange(initial).getTypes());
  types.push_back(counter);
  auto op = IterateOp::create(b, m.loc, types, initial, limit);
  OpBuilder::InsertionGuard guard(b);
  for (Region *region : {&op.getCondition(), &op.getBody()}) {
    SmallVector<Type> arguments = {counter};
    llvm::append_range(arguments, ValueRange(initial).getTypes());
    SmallVector<Location> locations(arguments.size(), m.loc);
    Block *block = b.createBlock(region, {}, arguments, locations);
    Leaves carried(block->getArguments().drop_front());
    if (region == &op.getCondition())
      YieldOp::create(b, m.loc, condition(block->getArgument(0), carried));
    else
      YieldOp::create(b, m.loc, body(block->getArgument(0), carried));
  }
  return Leaves(op.getResults());
}

} // namespace mad
