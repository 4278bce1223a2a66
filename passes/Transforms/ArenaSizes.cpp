//===- ArenaSizes.cpp - Sizes of buffers from dimension parameters ----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Transforms/ArenaSizes.h"
#include "dialects/Mad/IR/MadOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "passes/Conversion/DimToArith/DimToArith.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace mad {

/// An extent of an argument: the type in the source says what it is.
Value SizeCloner::extentOfArgument(BlockArgument memory, int64_t dim, Location loc) {
  if (auto loop = dyn_cast<scf::ForOp>(memory.getOwner()->getParentOp()))
    return extentOf(loop.getTiedLoopInit(memory)->get(), dim, loc);
  if (auto loop = dyn_cast<scf::WhileOp>(memory.getOwner()->getParentOp()))
    return extentOf(loop.getInits()[memory.getArgNumber()], dim, loc);
  if (memory.getOwner() != &function.front())
    return {};
  RankedTensorType type = arguments.typeOf(function, memory.getArgNumber());
  if (!type)
    return {};
  ArrayAttr names = entryList(function, "dims");
  return dimToArith(b, loc, dimExpr(type, dim), [&](StringRef name) -> Value {
    for (auto [i, n] : llvm::enumerate(names.getAsValueRange<StringAttr>()))
      if (n == name)
        return dims[i];
    return {};
  });
}

Value SizeCloner::clone(OpFoldResult size, Location loc) {
  if (auto known = getConstantIntValue(size))
    return arith::ConstantIndexOp::create(b, loc, *known);
  return clone(cast<Value>(size));
}

/// Follows memory to what it was made of.
Value SizeCloner::extentOf(Value memory, int64_t dim, Location loc) {
  auto type = cast<MemRefType>(memory.getType());
  if (!type.isDynamicDim(dim))
    return arith::ConstantIndexOp::create(b, loc, type.getDimSize(dim));
  if (auto argument = dyn_cast<BlockArgument>(memory))
    return extentOfArgument(argument, dim, loc);
  Operation *op = memory.getDefiningOp();
  unsigned number = cast<OpResult>(memory).getResultNumber();
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case<memref::AllocOp, memref::ViewOp>([&](auto made) {
        return clone(OpFoldResult(made.getDynamicSizes()[type.getDynamicDimIndex(dim)]), loc);
      })
      .Case<memref::ReinterpretCastOp>(
          [&](auto cast) { return clone(cast.getMixedSizes()[dim], loc); })
      .Case<memref::SubViewOp>([&](memref::SubViewOp slice) -> Value {
        llvm::SmallBitVector dropped = slice.getDroppedDims();
        for (unsigned k = 0, kept = 0; k < dropped.size(); ++k)
          if (!dropped.test(k) && kept++ == dim)
            return clone(slice.getMixedSizes()[k], loc);
        return {};
      })
      .Case<memref::ExpandShapeOp>(
          [&](auto shape) { return clone(shape.getMixedOutputShape()[dim], loc); })
      .Case<memref::CollapseShapeOp>([&](memref::CollapseShapeOp shape) -> Value {
        Value product;
        SmallVector<ReassociationIndices> groups = shape.getReassociationIndices();
        for (int64_t k : groups[dim]) {
          Value size = extentOf(shape.getSrc(), k, loc);
          if (!size)
            return {};
          product = product ? arith::MulIOp::create(b, loc, product, size).getResult() : size;
        }
        return product;
      })
      .Case<memref::CastOp>([&](auto cast) { return extentOf(cast.getSource(), dim, loc); })
      .Case<arith::SelectOp>([&](auto s) { return extentOf(s.getTrueValue(), dim, loc); })
      .Case<scf::ForOp>([&](auto loop) { return extentOf(loop.getInitArgs()[number], dim, loc); })
      .Case<scf::WhileOp>([&](auto loop) { return extentOf(loop.getInits()[number], dim, loc); })
      .Case<scf::IfOp>(
          [&](auto branch) { return extentOf(branch.thenYield().getOperand(number), dim, loc); })
      .Default(Value());
}

Value SizeCloner::clone(Value v) {
  if (Value known = values.lookupOrNull(v))
    return known;
  Operation *op = v.getDefiningOp();
  if (!op)
    return {};
  Value result;
  if (auto extent = dyn_cast<memref::DimOp>(op)) {
    if (auto dim = extent.getConstantIndex())
      result = extentOf(extent.getSource(), *dim, op->getLoc());
  } else if (op->getNumRegions() == 0 && isMemoryEffectFree(op) &&
             llvm::all_of(op->getOperandTypes(), [](Type t) { return t.isIntOrIndex(); })) {
    for (Value operand : op->getOperands())
      if (!clone(operand))
        return {};
    result = b.clone(*op, values)->getResult(cast<OpResult>(v).getResultNumber());
  }
  if (result)
    values.map(v, result);
  return result;
}

/// What `op` computes, in f64; null for an op that is not known.
static Value shadowOf(Operation &op, IRMapping &shadows, ImplicitLocOpBuilder &b) {
  auto of = [&](unsigned i) { return shadows.lookup(op.getOperand(i)); };
  return llvm::TypeSwitch<Operation *, Value>(&op)
      .Case<arith::AddIOp>([&](auto) { return arith::AddFOp::create(b, of(0), of(1)); })
      .Case<arith::SubIOp>([&](auto) { return arith::SubFOp::create(b, of(0), of(1)); })
      .Case<arith::MulIOp>([&](auto) { return arith::MulFOp::create(b, of(0), of(1)); })
      .Case<arith::MaxSIOp>([&](auto) { return arith::MaximumFOp::create(b, of(0), of(1)); })
      .Case<arith::MinSIOp>([&](auto) { return arith::MinimumFOp::create(b, of(0), of(1)); })
      .Case<arith::AndIOp>([&](auto) { return of(0); }) // rounds down to a multiple
      .Case<arith::CeilDivSIOp>(
          [&](auto) { return math::CeilOp::create(b, arith::DivFOp::create(b, of(0), of(1))); })
      .Case<arith::FloorDivSIOp, arith::DivUIOp>(
          [&](auto) { return math::FloorOp::create(b, arith::DivFOp::create(b, of(0), of(1))); })
      .Case<arith::SelectOp>([&](auto select) {
        return arith::SelectOp::create(b, select.getCondition(), of(1), of(2));
      })
      .Default(Value());
}

void saturateBytes(func::FuncOp function, ValueRange others) {
  constexpr int64_t most = int64_t(1) << 60;
  Block &block = function.front();
  ImplicitLocOpBuilder b(function.getLoc(), function.getContext());
  IRMapping shadows;
  auto approximate = [&](Value v) -> Value {
    Value word = arith::IndexCastOp::create(b, b.getI64Type(), v);
    return arith::SIToFPOp::create(b, b.getF64Type(), word);
  };
  b.setInsertionPointToStart(&block);
  for (BlockArgument argument : block.getArguments())
    shadows.map(argument, approximate(argument));
  Operation *end = block.getTerminator();
  for (Operation &op : llvm::make_early_inc_range(block.without_terminator())) {
    if (op.getNumResults() != 1 || !op.getResult(0).getType().isIndex())
      continue;
    b.setInsertionPointAfter(&op);
    bool known = llvm::all_of(
        op.getOperands(), [&](Value v) { return shadows.contains(v) || !v.getType().isIndex(); });
    Value shadow = known ? shadowOf(op, shadows, b) : Value();
    shadows.map(op.getResult(0), shadow ? shadow : approximate(op.getResult(0)));
  }
  b.setInsertionPoint(end);
  Value bytes = end->getOperand(0);
  Value limit = arith::ConstantOp::create(b, b.getF64FloatAttr(double(most)));
  // Unordered: infinity minus infinity is too much as well.
  auto isTooMuch = [&](Value v) -> Value {
    return arith::CmpFOp::create(b, arith::CmpFPredicate::UGT, shadows.lookup(v), limit);
  };
  Value tooMuch = isTooMuch(bytes);
  for (Value other : others)
    tooMuch = arith::OrIOp::create(b, tooMuch, isTooMuch(other));
  Value all = arith::ConstantIndexOp::create(b, most);
  end->setOperand(0, arith::SelectOp::create(b, tooMuch, all, bytes));
}

} // namespace mad
