//===- RowColumns.cpp - Members of rows that write columns, or a value ----===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
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

/// Whether another member writes the same columns before anybody looks for them in memory.
bool RowKernel::isOverwritten(const RowMember &member, OpOperand &output) {
  Value base = baseOf(output.get());
  const RowColumns held = rowColumnsOf(member, output);
  for (const RowMember &next : llvm::drop_begin(plan.members, &member - plan.members.data() + 1)) {
    GenericOp op = next.work.op;
    bool writes = false;
    for (OpOperand &operand : op->getOpOperands()) {
      if (!isa<MemRefType>(operand.get().getType()) || baseOf(operand.get()) != base)
        continue;
      if (!isInOrder(next, operand) || rowColumnsOf(next, operand) != held)
        return false;
      writes |= op.isDpsInit(&operand) && op.getNumReductionLoops() == 0;
    }
    if (writes)
      return true;
  }
  return false;
}

/// Whether columns are worth registers before they are used: another member reads them, too, or
/// they come from far.
bool RowKernel::isNeededAgain(const RowMember &member, OpOperand &operand) {
  GenericOp op = member.work.op;
  for (AffineExpr e : op.getMatchingIndexingMap(&operand).getResults())
    if (auto loop = dyn_cast<AffineDimExpr>(e); loop && !isColumn(member, loop.getPosition()))
      return true;
  Value root = rootOf(operand.get());
  return llvm::any_of(plan.members, [&](const RowMember &other) {
    GenericOp reader = other.work.op;
    return &other > &member && llvm::any_of(reader->getOperands(), [&](Value v) {
      return isa<MemRefType>(v.getType()) && rootOf(v) == root;
    });
  });
}

/// Reads the columns that stay in registers. Threads behind the last column read that.
void RowKernel::preload(const RowMember &member, const Columns &columns, ArrayRef<Value> sizes) {
  GenericOp op = member.work.op;
  for (OpOperand &operand : op->getOpOperands()) {
    Value memory = operand.get();
    if (!isa<MemRefType>(memory.getType()) || op.getMatchingBlockArgument(&operand).use_empty() ||
        (op.isDpsInit(&operand) && op.getNumReductionLoops() > 0) || !isInOrder(member, operand) ||
        heldColumns.count(rowColumnsOf(member, operand)) || rowValues.count(baseOf(memory)) ||
        (op.isDpsInit(&operand) && member.work.initialOf(memory)) ||
        (vector > 1 && !isNeededAgain(member, operand)))
      continue;
    heldColumns[rowColumnsOf(member, operand)] = loadHeld(member, operand, columns, sizes);
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
  when(active ? b.createOrFold<arith::AndIOp>(first, active) : first, [&] {
    if (plan.behind)
      storeResult(kernel, op, plan.behind, value, at);
    else
      storeElement(b, value, kernel.get(memory), op.getMatchingIndexingMap(&output), at);
  });
}

void RowKernel::emitRowValue(const RowMember &member, ArrayRef<Value> sizes) {
  GenericOp op = member.work.op;
  Values at = indices(member, {}, {}, sizes);
  Values made = emitBody(kernel, op, arguments(member, at), at);
  // All threads have read before one of them writes, where that is the same memory.
  bool inMemory = llvm::any_of(op->getOpOperands(), [&](OpOperand &operand) {
    const bool isRead = !op.getMatchingBlockArgument(&operand).use_empty();
    Value base =
        isRead && isa<MemRefType>(operand.get().getType()) ? baseOf(operand.get()) : Value();
    return base && !rowValues.count(base) &&
           llvm::any_of(op.getDpsInits(), [&](Value v) { return baseOf(v) == base; });
  });
  if (inMemory)
    combineRow.meet();
  for (auto [output, value] : llvm::zip(op.getDpsInitsMutable(), made))
    keepRowValue(member, output, value, at);
}

void RowKernel::emitHeldColumns(const RowMember &member, const Columns &columns,
                                ArrayRef<Value> sizes) {
  GenericOp op = member.work.op;
  preload(member, columns, sizes);
  SmallVector<Values> results(op.getNumDpsInits());
  for (int i : heldNumbers()) {
    Group some = heldGroup(i, columns);
    forElements(some, [&](int) {
      Values at = placeOf(member, columns, sizes);
      for (auto [k, value] : llvm::enumerate(emitBody(kernel, op, arguments(member, at), at)))
        results[k].push_back(value);
    });
    group = &some;
    for (auto [output, values] : llvm::zip(op.getDpsInitsMutable(), results))
      if (mustStore(output.get(), false) && !isOverwritten(member, output))
        storeGroup(member, output, ArrayRef(values).drop_front(i), columns, sizes);
    group = nullptr;
  }
  for (auto [output, values] : llvm::zip(op.getDpsInitsMutable(), results))
    heldColumns[rowColumnsOf(member, output)] = values;
}

/// All of a step is read before any of it is written.
void RowKernel::emitColumns(const RowMember &member, const Columns &columns,
                            ArrayRef<Value> sizes) {
  GenericOp op = member.work.op;
  when(threads.across > 1 ? active : Value(), [&] {
    forColumns(columns, [&](MutableArrayRef<Group> step) {
      SmallVector<SmallVector<Values>> made;
      for (Group &some : step) {
        SmallVector<Values> results(op.getNumDpsInits());
        forElements(some, [&](int) {
          Values at = placeOf(member, columns, sizes);
          for (auto [k, value] : llvm::enumerate(emitBody(kernel, op, arguments(member, at), at)))
            results[k].push_back(value);
        });
        made.push_back(std::move(results));
      }
      for (auto [some, results] : llvm::zip(step, made)) {
        group = &some;
        for (auto [output, values] : llvm::zip(op.getDpsInitsMutable(), results))
          storeGroup(member, output, values, columns, sizes);
        group = nullptr;
      }
    });
  });
}

} // namespace mad
