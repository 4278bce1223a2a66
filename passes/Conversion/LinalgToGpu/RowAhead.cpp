//===- RowAhead.cpp - Rows that are on their way while one is computed -------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The blocks of a cluster compute rows in turn. What a block has of a row, a stripe of neighbouring
// columns for each group of its threads, comes by bulk copies to its shared memory. When all
// threads have taken their columns to registers, which is at the barrier of the row's first
// reduction, the stripes of the next row follow, so memory is busy while blocks wait for each
// other. They wait at barriers in shared memory (`RowCombiner`): an arrival at that of the cluster
// would first wait for all that its thread has sent to memory.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Conversion/LinalgToGpu/RowKernel.h"

using namespace mlir;
using linalg::GenericOp;

namespace mad {

static constexpr int bytesOfGroup = 16;
/// Shared memory for rows begins at a line, without which copies take an eighth more time. Rows
/// that begin anywhere lie as far from the begin of a line there as in memory, for the same reason.
static constexpr int bytesOfLine = 128;

int reductionsOf(const RowPlan &plan) {
  int reductions = 0;
  for (const RowMember &member : plan.members) {
    GenericOp op = member.work.op;
    reductions += op.getNumReductionLoops() > 0 ? op.getNumDpsInits() : 0;
  }
  return reductions;
}

static bool isWritten(const RowPlan &plan, Value memory) {
  return llvm::any_of(plan.members, [&](const RowMember &member) {
    GenericOp op = member.work.op;
    return llvm::any_of(op.getDpsInits(), [&](Value v) { return baseOf(v) == baseOf(memory); });
  });
}

/// Those that are read by members up to the first reduction, whose barrier is behind the last look
/// at them.
std::optional<RowSlots> slotsAhead(const RowPlan &plan, const RowThreads &threads) {
  RowSlots slots;
  std::vector<RowColumns> known;
  bool isReduced = false;
  for (const RowMember &member : plan.members) {
    GenericOp op = member.work.op;
    for (OpOperand &operand : op->getOpOperands()) {
      if (op.getMatchingBlockArgument(&operand).use_empty() || !hasRowColumns(member, operand) ||
          (op.isDpsInit(&operand) && op.getNumReductionLoops() > 0))
        continue;
      RowColumns columns = rowColumnsOf(member, operand);
      if (columns.second.empty() || llvm::is_contained(known, columns))
        continue;
      if (isWritten(plan, operand.get()))
        continue;
      const RowAccess &access = member.access[operand.getOperandNumber()];
      const int bytes = device::bytesOf(getElementTypeOrSelf(operand.get().getType()));
      if (isReduced || !access.isDense || (!plan.shifted && !access.isAligned) ||
          bytes * plan.vector != bytesOfGroup)
        return {};
      known.push_back(columns);
      slots.all.push_back({&member, &operand, slots.bytes});
      slots.bytes += int64_t(threads.held) * threads.threads() * bytes;
      slots.bytes += plan.shifted ? bytesOfLine : 0;
      slots.bytes += hasEdges(plan, threads) ? bytesOfLine : 0;
    }
    isReduced |= op.getNumReductionLoops() > 0;
  }
  if (slots.all.empty() || !isReduced)
    return {};
  return slots;
}

/// Groups of multiprocessors that clusters lie in are no multiples of 8: of 132 clusters of a block
/// a multiprocessor leave 12 free, which is what is asked for one cluster more. So it is for fewer.
Value clustersAhead(DeviceFunction &f, const RowPlan &plan, const RowThreads &threads) {
  auto &b = f.b;
  Value atOnce = b.createOrFold<arith::DivUIOp>(f.multiprocessors(), f.constant(threads.cluster));
  Value safe = threads.cluster > 1 ? b.createOrFold<arith::SubIOp>(atOnce, f.constant(1)) : atOnce;
  Value clusters = f.mul(safe, f.constant(threads.ahead));
  // Rows of a block are as far from multiples of 16 bytes as its first one, as vectors need.
  const bool asFirst =
      hasEdges(plan, threads) || (plan.shifted && !slotsOf(plan, threads).all.empty());
  const int64_t unit = asFirst ? plan.vector : 1;
  Value whole = f.mul(b.createOrFold<arith::DivSIOp>(clusters, f.constant(unit)), f.constant(unit));
  return b.createOrFold<arith::MaxSIOp>(whole, f.constant(unit));
}

/// Values of reductions, vectors, columns of the row, barriers.
static int64_t slotsPlace(const RowPlan &plan, const RowThreads &threads) {
  return llvm::alignTo(int64_t(std::max(reductionsOf(plan), 2)) * threads.sharedBytes(), 16);
}
static int64_t columnsPlace(const RowPlan &plan, const RowThreads &threads) {
  return llvm::alignTo(slotsPlace(plan, threads) + slotsOf(plan, threads).bytes, bytesOfLine);
}
static int64_t barriersPlace(const RowPlan &plan, const RowThreads &threads) {
  return columnsPlace(plan, threads) + slotsAhead(plan, threads)->bytes;
}
int64_t sharedAhead(const RowPlan &plan, const RowThreads &threads) {
  return barriersPlace(plan, threads) + 8 * (1 + std::max(reductionsOf(plan), 2));
}

const RowSlot *RowKernel::aheadOf(const RowMember &member, OpOperand &operand) {
  if (inputsAhead.all.empty() || !hasRowColumns(member, operand))
    return nullptr;
  const RowColumns columns = rowColumnsOf(member, operand);
  auto found = llvm::find_if(inputsAhead.all, [&](const RowSlot &slot) {
    return rowColumnsOf(*slot.member, *slot.operand) == columns;
  });
  return found == inputsAhead.all.end() ? nullptr : found;
}

/// The first one says that a row is there, the others that what blocks send is.
Value RowKernel::barrierAt(int number) { return g.bytesAt(g.shared(), barriersBegin + 8 * number); }

/// Ahead of the arrival that tells other blocks that this one has begun.
void RowKernel::beginAhead() {
  inputsAhead = *slotsAhead(plan, threads);
  aheadBegin = columnsPlace(plan, threads);
  barriersBegin = barriersPlace(plan, threads);
  const int sums = threads.cluster > 1 ? std::max(reductionsOf(plan), 2) : 0;
  g.when(g.equal(g.thread(), 0), [&] {
    g.barrierInit(barrierAt(0), threads.stripes(vector));
    for (int i = 0; i < sums; ++i)
      g.barrierInit(barrierAt(1 + i), 1);
    g.fenceBarrierInit();
  });
}

/// Bytes from the begin of a line to the first group of the row. Stripes are whole lines.
Value RowKernel::lineOffset(const RowSlot &input) {
  if (!shift)
    return g.number(0);
  ArrayRef<Value> sizes = extents[input.member - plan.members.data()];
  Value first = arith::SubIOp::create(b, mul(row, columnsOf(*input.member, sizes).count), shift);
  const int bytes = device::bytesOf(getElementTypeOrSelf(input.operand->get().getType()));
  // Only these bits count: all of the number may be too large for bytes of 32 bits.
  Value number = arith::IndexCastOp::create(b, b.getI32Type(), first);
  return g.mul(g.bitAnd(number, bytesOfLine / bytes - 1), bytes);
}

/// A lane of the last warp for each stripe, if there is such a row.
void RowKernel::copyAhead(Value number, Value rows) {
  const int stripes = threads.stripes(vector);
  // Groups, of which the ends of a row may have two more.
  const int64_t most =
      int64_t(threads.threads()) * (threads.held / vector / stripes) + (hasEdges() ? 2 : 0);
  Value before = row, shiftBefore = shift, thereBefore = isGroupThere;
  Values indicesBefore = rowIndices;
  Value thread = gpu::ThreadIdOp::create(b, gpu::Dimension::x);
  Value stripe =
      arith::SubIOp::create(b, thread, constant(threads.threads() - device::lanesOfWarp));
  Value isMine = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, stripe, constant(stripes));
  when(b.createOrFold<arith::AndIOp>(less(number, rows), isMine), [&] {
    setRow(number, rows);
    const RowMember &member = *inputsAhead.all.front().member;
    ArrayRef<Value> sizes = extents[&member - plan.members.data()];
    Columns columns = columnsOf(member, sizes);
    Value length = shift ? add(columns.count, shift) : columns.count;
    Value whole = arith::DivUIOp::create(b, length, constant(vector));
    Value all = arith::CeilDivUIOp::create(b, length, constant(vector));
    Value groups = isGroupThere ? arith::SelectOp::create(b, isGroupThere, all, whole) : all;
    // `lane` is the thread's number in the row.
    Value first = add(arith::SubIOp::create(b, lane, thread), mul(stripe, constant(threads.along)));
    Value left = arith::SubIOp::create(b, groups, first);
    Value count = arith::MaxSIOp::create(b, min(left, constant(most)), constant(0));
    Value column = mul(first, constant(vector));
    if (shift)
      column = arith::SubIOp::create(b, column, shift);
    auto word = [&](Value x) {
      return arith::IndexCastOp::create(b, b.getI32Type(), x).getResult();
    };
    Value bytes = word(mul(count, constant(bytesOfGroup)));
    Value place = word(mul(stripe, constant(most * bytesOfGroup)));
    auto to = [&](const RowSlot &input) {
      return g.bytesAt(g.bytesAt(g.shared(), aheadBegin + input.offset),
                       g.add(place, lineOffset(input)));
    };
    auto from = [&](const RowSlot &input, Value column) {
      GenericOp op = input.member->work.op;
      ArrayRef<Value> sizes = extents[input.member - plan.members.data()];
      Values at = indices(*input.member, columnsOf(*input.member, sizes), column, sizes);
      return addressOf(input.operand->get(), op.getMatchingIndexingMap(input.operand), at);
    };
    if (isGroupThere) {
      // What is left of a group behind which no memory is, for the block that has its place.
      Value number = arith::SubIOp::create(b, whole, first);
      Value inside = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, number, constant(most));
      Value isPartly = b.createOrFold<arith::AndIOp>(less(groups, all), inside);
      when(isPartly, [&] {
        for (const RowSlot &input : inputsAhead.all) {
          Type type = getElementTypeOrSelf(input.operand->get().getType());
          Type element = type.isInteger(1) ? b.getI8Type() : type;
          for (int e = 0; e < vector; ++e) {
            Value at = add(add(column, mul(number, constant(vector))), constant(e));
            auto branch = scf::IfOp::create(b, element, less(at, columns.count), true);
            OpBuilder::InsertionGuard guard(b);
            b.setInsertionPointToStart(branch.thenBlock());
            scf::YieldOp::create(b, g.load(element, from(input, at)));
            b.setInsertionPointToStart(branch.elseBlock());
            Value none = arith::ConstantOp::create(b, b.getZeroAttr(element));
            scf::YieldOp::create(b, none);
            b.setInsertionPointAfter(branch);
            Value group = word(mul(number, constant(bytesOfGroup)));
            g.store(branch.getResult(0), g.at(g.bytesAt(to(input), group), element, e));
          }
        }
      });
    }
    g.barrierExpect(barrierAt(0), arith::MulIOp::create(b, bytes,
                                                        arith::ConstantIntOp::create(
                                                            b, int64_t(inputsAhead.all.size()), 32))
                                      .getResult());
    when(less(constant(0), count), [&] {
      for (const RowSlot &input : inputsAhead.all)
        g.copyBulk(to(input), from(input, column), bytes, barrierAt(0));
    });
  });
  row = before, shift = shiftBefore, isGroupThere = thereBefore, rowIndices = indicesBefore;
}

/// Where a column of the row is, which one block has.
Value RowKernel::columnAhead(const RowSlot &input, Value column) {
  const int bytes = device::bytesOf(getElementTypeOrSelf(input.operand->get().getType()));
  Value number = arith::IndexCastOp::create(b, b.getI32Type(), add(column, shift));
  return g.bytesAt(g.bytesAt(g.shared(), aheadBegin + input.offset),
                   g.add(g.mul(number, bytes), lineOffset(input)));
}

/// A group of this thread. Behind the row there is nothing, so zeros that nobody uses.
Values RowKernel::loadAhead(const RowSlot &input, const RowMember &member) {
  Value memory = input.operand->get();
  Columns columns = columnsOf(member, extents[&member - plan.members.data()]);
  if (hasEdges()) {
    Value address = columnAhead(input, group->columns.front());
    return group->isSingle() ? Values{loadSingle(memory, address)} : loadWide(memory, address);
  }
  const int64_t stripe = int64_t(group->number) / vector * threads.threads() * bytesOfGroup;
  Value address = g.bytesAt(g.bytesAt(g.shared(), aheadBegin + input.offset + stripe),
                            g.add(g.mul(g.thread(), bytesOfGroup), lineOffset(input)));
  Value isThere = group->first ? less(group->first, columns.count) : group->isWhole;
  if (!isThere)
    return loadWide(memory, address);
  Type type = getElementTypeOrSelf(memory.getType());
  SmallVector<Type> types(vector, type);
  auto branch = scf::IfOp::create(b, types, isThere, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(b, loadWide(memory, address));
  b.setInsertionPointToStart(branch.elseBlock());
  Value none = arith::ConstantOp::create(b, b.getZeroAttr(type));
  scf::YieldOp::create(b, Values(vector, none));
  return Values(branch.getResults().begin(), branch.getResults().end());
}

void RowKernel::emitAhead(Value first, Value rows, Value stride) {
  if (threads.cluster > 1)
    combineRow.setBarriers(barrierAt(1));
  copyAhead(first, rows);
  auto word = [&](int64_t n) { return arith::ConstantIntOp::create(b, n, 32).getResult(); };
  loops(first, rows, stride, word(0), [&](Value number, ArrayRef<Value> turn) -> Values {
    setRow(number, rows);
    Value odd = arith::AndIOp::create(b, turn.front(), word(1)), parity = odd;
    if (reductionsOf(plan) == 1) {
      combineRow.setOdd(odd);
      Value half = arith::ShRUIOp::create(b, turn.front(), word(1));
      combineRow.setParity(arith::AndIOp::create(b, half, word(1)));
    } else {
      combineRow.setParity(odd);
    }
    g.barrierWait(barrierAt(0), parity);
    combineRow.setMet([&] { copyAhead(add(number, stride), rows); });
    emitRow();
    return {arith::AddIOp::create(b, turn.front(), word(1)).getResult()};
  });
}

} // namespace mad
