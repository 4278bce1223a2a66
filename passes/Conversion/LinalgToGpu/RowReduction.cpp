//===- RowReduction.cpp - Members of rows that reduce columns -------------===//
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

/// What the outputs take up at a place.
Values RowKernel::others(const RowMember &member, ArrayRef<Combiner> combiners, ArrayRef<Value> at,
                         int number) {
  llvm::SmallPtrSet<Operation *, 4> last;
  for (const Combiner &combine : combiners)
    last.insert(combine.op);
  IRMapping body = emitBody(kernel, member.work.op, arguments(member, at, number), at, last);
  Values all;
  for (const Combiner &combine : combiners)
    all.push_back(body.lookupOrDefault(combine.other));
  return all;
}

Values RowKernel::reduceHeld(const RowMember &member, ArrayRef<Combiner> combiners,
                             const Columns &columns, ArrayRef<Value> sizes) {
  preload(member, columns, sizes);
  Value last = arith::SubIOp::create(b, columns.count, constant(1));
  Values sums;
  for (int i = 0; i < threads.held; ++i) {
    bool inside = (i + 1) * threads.along <= *columns.known;
    Value column = columnOf(i);
    Values at = indices(member, columns, inside ? column : min(column, last), sizes);
    Values elements = others(member, combiners, at, i);
    for (auto [k, combine] : llvm::enumerate(combiners)) {
      Value x = elements[k];
      if (!inside)
        x = arith::SelectOp::create(b, less(column, columns.count), x, combine.identityValue(b));
      if (i == 0)
        sums.push_back(x);
      else
        sums[k] = combine(b, sums[k], x);
    }
  }
  return sums;
}

/// Of the columns of this thread. Long sums are sums of blocks.
Values RowKernel::reduceLoop(const RowMember &member, ArrayRef<Combiner> combiners,
                             const Columns &columns, ArrayRef<Value> sizes) {
  Values none;
  for (const Combiner &combine : combiners)
    none.push_back(combine.identityValue(b));
  auto combineAll = [&](ArrayRef<Value> x, ArrayRef<Value> y) {
    Values all;
    for (auto [combine, left, right] : llvm::zip(combiners, x, y))
      all.push_back(combine(b, left, right));
    return all;
  };
  auto elements = [&](Value column) {
    currentColumn = column;
    Values all = others(member, combiners, indices(member, columns, column, sizes), -1);
    currentColumn = Value();
    return all;
  };
  Value width = constant(threads.along), step = constant(threads.along * unroll);
  auto range = [&](Value from, Value to) {
    Value length = arith::SubIOp::create(b, to, from);
    Value end = add(from, mul(arith::DivUIOp::create(b, length, step), step));
    Values start;
    for (int64_t u = 0; u < unroll; ++u)
      llvm::append_range(start, none);
    const size_t count = combiners.size();
    Values sums = loops(add(from, lane), end, step, start, [&](Value at, ArrayRef<Value> carried) {
      Values next, loaded;
      for (int64_t u = 0; u < unroll; ++u)
        llvm::append_range(loaded, elements(add(at, constant(u * threads.along))));
      for (int64_t u = 0; u < unroll; ++u)
        llvm::append_range(next, combineAll(carried.slice(u * count, count),
                                            ArrayRef(loaded).slice(u * count, count)));
      return next;
    });
    Values all(ArrayRef(sums).take_front(count));
    for (int64_t u = 1; u < unroll; ++u)
      all = combineAll(all, ArrayRef(sums).slice(u * count, count));
    return loops(add(end, lane), to, width, all, [&](Value at, ArrayRef<Value> carried) {
      return combineAll(carried, elements(at));
    });
  };
  Value from = constant(0), to = columns.count;
  if (pieces) {
    // Whole steps, so that pieces begin where lines do.
    Value steps = arith::CeilDivUIOp::create(b, arith::CeilDivUIOp::create(b, to, step), pieces);
    Value length = mul(steps, step);
    from = min(mul(piece, length), to);
    to = min(add(from, length), to);
  }
  const int64_t most = blockSteps * unroll * threads.along;
  bool rounds = llvm::any_of(combiners, [](const Combiner &c) { return c.rounds; });
  if (!rounds || (columns.known && *columns.known <= 2 * most))
    return range(from, to);
  return loops(from, to, constant(most), none, [&](Value block, ArrayRef<Value> totals) {
    return combineAll(totals, range(block, min(add(block, constant(most)), to)));
  });
}

void RowKernel::emitReduction(const RowMember &member, const Columns &columns,
                              ArrayRef<Value> sizes) {
  GenericOp op = member.work.op;
  SmallVector<Combiner> combiners = *combinersOf(op);
  Values sums;
  if (threads.held) {
    sums = reduceHeld(member, combiners, columns, sizes);
  } else if (threads.across > 1) {
    SmallVector<Type> types;
    for (const Combiner &combine : combiners)
      types.push_back(combine.other.getType());
    auto branch = scf::IfOp::create(b, types, active, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    scf::YieldOp::create(b, reduceLoop(member, combiners, columns, sizes));
    b.setInsertionPointToStart(branch.elseBlock());
    Values none;
    for (const Combiner &combine : combiners)
      none.push_back(combine.identityValue(b));
    scf::YieldOp::create(b, none);
    sums.assign(branch.getResults().begin(), branch.getResults().end());
  } else {
    sums = reduceLoop(member, combiners, columns, sizes);
  }
  Values at = indices(member, {}, {}, sizes);
  for (auto [output, combine, sum] : llvm::zip(op.getDpsInitsMutable(), combiners, sums)) {
    Value all = combineRow(combine, sum);
    if (pieces) {
      Value first = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, lane, constant(0));
      when(active ? b.createOrFold<arith::AndIOp>(first, active) : first, [&] {
        Value place = add(mul(row, pieces), piece);
        memref::StoreOp::create(b, all, kernel.get(plan.parts), place);
      });
      return;
    }
    Value initial = member.work.initialOf(output.get());
    Value before = initial ? kernel.get(initial) : read(member, output, at, -1);
    // All threads have read before one of them writes.
    if (!initial && !rowValues.count(baseOf(output.get()))) {
      if (threads.isWarp())
        NVVM::SyncWarpOp::create(b, arith::ConstantIntOp::create(b, -1, 32));
      else
        NVVM::BarrierOp::create(b);
    }
    keepRowValue(member, output, combine(b, before, all), at);
  }
}

} // namespace mad
