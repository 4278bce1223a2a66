//===- RowTurns.cpp - Rows that a block computes one after the other --------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rows that begin anywhere are at other distances from multiples of 16 bytes than vectors along
// their columns, of which one element at a time would be read. The rows of a block are at the same
// distance, so each thread reads its columns of a vector once, and puts them where it can take a
// group at a time. Nobody else looks there, so no barrier is needed.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Conversion/LinalgToGpu/RowKernel.h"
#include <set>

using namespace mlir;
using linalg::GenericOp;

namespace mad {

RowSlots slotsOf(const RowPlan &plan, const RowThreads &threads) {
  RowSlots slots;
  llvm::DenseSet<Value> written;
  for (const RowMember &member : plan.members) {
    GenericOp op = member.work.op;
    for (Value output : op.getDpsInits())
      written.insert(baseOf(output));
  }
  std::set<RowColumns> known;
  for (const RowMember &member : plan.members) {
    GenericOp op = member.work.op;
    for (OpOperand *operand : op.getDpsInputOperands()) {
      if (op.getMatchingBlockArgument(operand).use_empty() || !hasRowColumns(member, *operand) ||
          written.contains(baseOf(operand->get())))
        continue;
      const RowAccess &access = member.access[operand->getOperandNumber()];
      RowColumns columns = rowColumnsOf(member, *operand);
      const bool isOfAllRows = columns.second.empty();
      if (!isOfAllRows || !(plan.shifted || threads.ahead) || !access.isAligned ||
          !known.insert(columns).second)
        continue;
      const int bytes = device::bytesOf(getElementTypeOrSelf(operand->get().getType()));
      slots.all.push_back({&member, operand, slots.bytes});
      const int64_t columnsOfThread = threads.held + (hasEdges(plan, threads) ? 1 : 0);
      slots.bytes += llvm::alignTo(columnsOfThread * threads.threads() * bytes, 16);
    }
  }
  return slots;
}

const RowSlot *RowKernel::slotOf(const RowMember &member, OpOperand &operand) {
  if (slots.all.empty() || !isa<MemRefType>(operand.get().getType()))
    return nullptr;
  const RowColumns columns = rowColumnsOf(member, operand);
  auto found = llvm::find_if(slots.all, [&](const RowSlot &slot) {
    return rowColumnsOf(*slot.member, *slot.operand) == columns;
  });
  return found == slots.all.end() ? nullptr : found;
}

/// Of a group of this thread, or its column at an end of the row: those of neighbouring threads are
/// neighbours.
Value RowKernel::slotAt(const RowSlot &slot, int number) {
  const int bytes = device::bytesOf(getElementTypeOrSelf(slot.operand->get().getType()));
  Value first =
      g.bytesAt(g.shared(), slotsBegin + slot.offset + int64_t(number) * threads.threads() * bytes);
  return g.bytesAt(first, g.mul(g.thread(), (number < threads.held ? vector : 1) * bytes));
}

/// Once for all turns, which are at the same distance from wide accesses.
void RowKernel::fillSlots() {
  for (const RowSlot &slot : slots.all) {
    const RowMember &member = *slot.member;
    ArrayRef<Value> sizes = extents[&member - plan.members.data()];
    Columns columns = columnsOf(member, sizes);
    for (int i : heldNumbers()) {
      Group some = heldGroup(i, columns);
      group = &some;
      storeWide(slot.operand->get(), slotAt(slot, i),
                loadGroup(member, *slot.operand, columns, sizes));
      group = nullptr;
    }
  }
  areSlotsFilled = true;
}

void RowKernel::emitTurns(Value rows, Value stride) {
  combineRow.awaitBlocks();
  if (threads.ahead && threads.cluster == 1)
    combineRow.meet(); // the barriers are there
  active = Value();
  slots = slotsOf(plan, threads);
  const int reductions = reductionsOf(plan);
  slotsBegin = llvm::alignTo(int64_t(std::max(reductions, 2)) * threads.sharedBytes(), 16);
  Value first = row;
  // Where threads leave vectors, which are at one distance, so are the rows.
  setRow(first, rows);
  if (!slots.all.empty() || hasEdges())
    commonShift = shift;
  when(less(first, rows), [&] { fillSlots(); });
  if (threads.ahead)
    return emitAhead(first, rows, stride);
  Value even = arith::ConstantIntOp::create(b, 0, 32), one = arith::ConstantIntOp::create(b, 1, 32);
  loops(first, rows, stride, even, [&](Value number, ArrayRef<Value> odd) -> Values {
    setRow(number, rows);
    if (reductions == 1)
      combineRow.setOdd(odd.front());
    emitRow();
    return {arith::SubIOp::create(b, one, odd.front()).getResult()};
  });
}

} // namespace mad
