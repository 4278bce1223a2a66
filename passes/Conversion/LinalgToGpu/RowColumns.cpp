//===- RowColumns.cpp - Members of rows that write columns, or a value ----===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Conversion/LinalgToGpu/RowKernel.h"

using namespace mlir;
using linalg::GenericOp;

namespace mad {

/// Whether what a member writes has to be in memory.
bool RowKernel::mustStore(Value memory, bool isRowValue) {
  Value base = baseOf(memory);
  if (!plan.hidden.contains(base))
    return true;
  if (isRowValue)
    return false;
  if (!threads.held)
    return true;
  for (const RowMember &member : plan.members) {
    GenericOp op = member.work.op;
    for (OpOperand &operand : op->getOpOperands())
      if (isa<MemRefType>(operand.get().getType()) && baseOf(operand.get()) == base &&
          (!isInOrder(member, operand) || rootOf(operand.get()) != rootOf(memory)))
        return true;
  }
  return false;
}

/// Reads the columns that stay in registers. Threads behind the last column read that.
void RowKernel::preload(const RowMember &member, const Columns &columns, ArrayRef<Value> sizes) {
  GenericOp op = member.work.op;
  for (OpOperand &operand : op->getOpOperands()) {
    Value memory = operand.get();
    if (!isa<MemRefType>(memory.getType()) || op.getMatchingBlockArgument(&operand).use_empty() ||
        (op.isDpsInit(&operand) && op.getNumReductionLoops() > 0) || !isInOrder(member, operand) ||
        heldColumns.contains(rootOf(memory)) || rowValues.count(baseOf(memory)) ||
        (op.isDpsInit(&operand) && member.work.initialOf(memory)))
      continue;
    Values all;
    Value last = arith::SubIOp::create(b, columns.count, constant(1));
    for (int i = 0; i < threads.held; ++i) {
      bool inside = (i + 1) * threads.along <= *columns.known;
      Value column = inside ? columnOf(i) : min(columnOf(i), last);
      all.push_back(loadElement(b, kernel.get(memory), op.getMatchingIndexingMap(&operand),
                                indices(member, columns, column, sizes)));
    }
    heldColumns[rootOf(memory)] = all;
  }
}

void RowKernel::keepRowValue(const RowMember &member, OpOperand &output, Value value,
                             ArrayRef<Value> at) {
  GenericOp op = member.work.op;
  Value memory = output.get();
  rowValues[baseOf(memory)] = value;
  if (!mustStore(memory, /*isRowValue=*/true))
    return;
  Value first = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, lane, constant(0));
  when(threads.across > 1 ? b.createOrFold<arith::AndIOp>(first, active) : first,
       [&] { storeElement(b, value, kernel.get(memory), op.getMatchingIndexingMap(&output), at); });
}

void RowKernel::emitRowValue(const RowMember &member, ArrayRef<Value> sizes) {
  GenericOp op = member.work.op;
  Values at = indices(member, {}, {}, sizes);
  Values made = emitBody(kernel, op, arguments(member, at, -1), at);
  // All threads have read before one of them writes.
  bool inMemory = llvm::any_of(op->getOpOperands(), [&](OpOperand &operand) {
    Value base = isa<MemRefType>(operand.get().getType()) ? baseOf(operand.get()) : Value();
    return base && !rowValues.count(base) &&
           llvm::any_of(op.getDpsInits(), [&](Value v) { return baseOf(v) == base; });
  });
  if (inMemory && threads.isWarp())
    NVVM::SyncWarpOp::create(b, arith::ConstantIntOp::create(b, -1, 32));
  else if (inMemory)
    NVVM::BarrierOp::create(b);
  for (auto [output, value] : llvm::zip(op.getDpsInitsMutable(), made))
    keepRowValue(member, output, value, at);
}

void RowKernel::emitHeldColumns(const RowMember &member, const Columns &columns,
                                ArrayRef<Value> sizes) {
  GenericOp op = member.work.op;
  preload(member, columns, sizes);
  Value last = arith::SubIOp::create(b, columns.count, constant(1));
  SmallVector<Values> results(op.getNumDpsInits());
  for (int i = 0; i < threads.held; ++i) {
    bool inside = (i + 1) * threads.along <= *columns.known;
    Value column = columnOf(i);
    Values at = indices(member, columns, inside ? column : min(column, last), sizes);
    Values made = emitBody(kernel, op, arguments(member, at, i), at);
    Value guard = inside ? Value() : less(column, columns.count);
    if (threads.across > 1)
      guard = guard ? b.createOrFold<arith::AndIOp>(guard, active) : active;
    when(guard, [&] {
      for (auto [output, value] : llvm::zip(op.getDpsInitsMutable(), made))
        if (mustStore(output.get(), false))
          storeElement(b, value, kernel.get(output.get()), op.getMatchingIndexingMap(&output), at);
    });
    for (auto [k, value] : llvm::enumerate(made))
      results[k].push_back(value);
  }
  for (auto [output, values] : llvm::zip(op.getDpsInits(), results))
    heldColumns[rootOf(output)] = values;
}

/// All of a step is read before any of it is written.
void RowKernel::emitColumns(const RowMember &member, const Columns &columns,
                            ArrayRef<Value> sizes) {
  GenericOp op = member.work.op;
  auto compute = [&](ArrayRef<Value> some) {
    SmallVector<Values> places, made;
    for (Value column : some) {
      currentColumn = column;
      places.push_back(indices(member, columns, column, sizes));
      made.push_back(emitBody(kernel, op, arguments(member, places.back(), -1), places.back()));
    }
    currentColumn = Value();
    for (auto [at, results] : llvm::zip(places, made))
      for (auto [output, value] : llvm::zip(op.getDpsInitsMutable(), results))
        storeElement(b, value, kernel.get(output.get()), op.getMatchingIndexingMap(&output), at);
  };
  when(threads.across > 1 ? active : Value(), [&] {
    Value width = constant(threads.along), step = constant(threads.along * unroll);
    Value end = mul(b.createOrFold<arith::DivUIOp>(columns.count, step), step);
    loops(lane, end, step, {}, [&](Value column, ArrayRef<Value>) -> Values {
      Values some;
      for (int64_t u = 0; u < unroll; ++u)
        some.push_back(add(column, constant(u * threads.along)));
      compute(some);
      return {};
    });
    loops(add(end, lane), columns.count, width, {}, [&](Value column, ArrayRef<Value>) -> Values {
      compute({column});
      return {};
    });
  });
}

} // namespace mad
