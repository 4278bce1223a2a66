//===- MadMemoryOps.cpp - Work on memory that devices have kernels for ------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadMemoryOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"

using namespace mlir;
using namespace mad;

#define GET_OP_CLASSES
#include "dialects/Mad/IR/MadMemoryOps.cpp.inc"

/// Kernels count elements from the first one, row by row.
static LogicalResult verifyWhole(Operation *op) {
  for (Value operand : op->getOperands()) {
    auto type = dyn_cast<MemRefType>(operand.getType());
    if (!type || !type.getLayout().isIdentity())
      return op->emitOpError("takes memory without gaps, found ") << operand.getType();
  }
  return success();
}

LogicalResult CumulateMemoryOp::verify() {
  if (failed(verifyWhole(*this)))
    return failure();
  auto from = cast<MemRefType>(getSource().getType()), to = cast<MemRefType>(getResult().getType());
  if (from != to)
    return emitOpError("makes ") << from << " of " << from << ", found " << to;
  if (static_cast<int64_t>(getAxis()) < 0 || static_cast<int64_t>(getAxis()) >= from.getRank())
    return emitOpError("has no dimension ") << getAxis() << " in " << from;
  return success();
}

LogicalResult SortMemoryOp::verify() {
  if (failed(verifyWhole(*this)))
    return failure();
  auto from = cast<MemRefType>(getSource().getType());
  if (from.getRank() == 0)
    return emitOpError("needs a dimension to sort along");
  if (!getValues() && !getPositions())
    return emitOpError("has no result");
  auto check = [&](Value result, Type element) -> LogicalResult {
    if (!result)
      return success();
    auto to = cast<MemRefType>(result.getType());
    if (to.getRank() != from.getRank() || to.getElementType() != element ||
        to.getShape().drop_back() != from.getShape().drop_back())
      return emitOpError("makes lines of ") << element << " of " << from << ", found " << to;
    return success();
  };
  if (failed(check(getValues(), from.getElementType())))
    return failure();
  return check(getPositions(), IntegerType::get(getContext(), 64));
}

LogicalResult ScatterMemoryOp::verify() {
  if (failed(verifyWhole(*this)))
    return failure();
  auto updates = cast<MemRefType>(getUpdates().getType());
  auto places = cast<MemRefType>(getPlaces().getType());
  auto result = cast<MemRefType>(getResult().getType());
  if (!places.getElementType().isSignlessInteger(32))
    return emitOpError("takes places of 'i32', found ") << places;
  const int64_t lead = places.getRank(), columns = updates.getRank() - lead;
  if (columns < 0 || updates.getShape().take_front(lead) != places.getShape())
    return emitOpError("takes a place for each row of ") << updates << ", found " << places;
  if (result.getElementType() != updates.getElementType() || result.getRank() <= columns ||
      result.getShape().take_back(columns) != updates.getShape().take_back(columns))
    return emitOpError("updates rows of ") << updates << ", found " << result;
  return success();
}
