//===- RowReduction.cpp - Members of rows that reduce columns -------------===//
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

/// Steps of a block of a long sum.
static constexpr int64_t blockSteps = 256;

/// What the outputs take up at a place.
Values RowKernel::others(const RowMember &member, ArrayRef<Combiner> combiners,
                         ArrayRef<Value> at) {
  llvm::SmallPtrSet<Operation *, 4> last;
  for (const Combiner &combine : combiners)
    last.insert(combine.op);
  IRMapping body = emitBody(kernel, member.work.op, arguments(member, at), at, last);
  Values all;
  for (const Combiner &combine : combiners)
    all.push_back(body.lookupOrDefault(combine.other));
  return all;
}

/// Accumulators that take up columns in turn, and one of all.
class Accumulators {
public:
  Accumulators(ImplicitLocOpBuilder &b, ArrayRef<Combiner> combiners, int many)
      : b(b), combiners(combiners), many(many) {}
  Values identities() {
    Values none;
    for (const Combiner &combine : combiners)
      none.push_back(combine.identityValue(b));
    return none;
  }
  Values start() {
    Values all;
    for (int i = 0; i < many; ++i)
      llvm::append_range(all, identities());
    return all;
  }
  Values combined(ArrayRef<Value> x, ArrayRef<Value> y) {
    Values all;
    for (auto [combine, left, right] : llvm::zip(combiners, x, y))
      all.push_back(combine(b, left, right));
    return all;
  }
  void take(Values &all, int number, ArrayRef<Value> elements) {
    auto part = MutableArrayRef(all).slice(number % many * combiners.size(), combiners.size());
    llvm::copy(combined(part, elements), part.begin());
  }
  Values total(ArrayRef<Value> all) {
    Values sum(all.take_front(combiners.size()));
    for (int i = 1; i < many; ++i)
      sum = combined(sum, all.slice(i * combiners.size(), combiners.size()));
    return sum;
  }

private:
  ImplicitLocOpBuilder &b;
  ArrayRef<Combiner> combiners;
  const int many;
};

Values RowKernel::reduceHeld(const RowMember &member, ArrayRef<Combiner> combiners,
                             const Columns &columns, ArrayRef<Value> sizes) {
  preload(member, columns, sizes);
  Value mine = mul(lane, constant(vector));
  if (Value above = shift ? Value() : elementOfPlaces(member, combiners, columns)) {
    Values best = beforeGroups(above, mine);
    for (int i = 0; i < threads.held; i += vector) {
      Group some = heldGroup(i, columns);
      takeGroup(member, combiners.front(), above, columns, sizes, some, best);
    }
    return bestOfWarp(member, combiners.front(), columns, sizes, best, mine, columns.count);
  }
  const int many = std::min(vector, 4);
  Accumulators accumulators(b, combiners, many);
  Values sums;
  for (int i : heldNumbers()) {
    Group some = heldGroup(i, columns);
    forElements(some, [&](int e) {
      Values elements = others(member, combiners, placeOf(member, columns, sizes));
      for (auto [x, combine] : llvm::zip(elements, combiners))
        if (some.inside[e])
          x = arith::SelectOp::create(b, some.inside[e], x, combine.identityValue(b));
      if (i + e < many)
        llvm::append_range(sums, elements);
      else
        accumulators.take(sums, i + e, elements);
    });
  }
  return accumulators.total(sums);
}

/// Of the columns of this thread. Long sums are sums of blocks.
Values RowKernel::reduceLoop(const RowMember &member, ArrayRef<Combiner> combiners,
                             const Columns &columns, ArrayRef<Value> sizes) {
  const int64_t unroll = groupsOfStep(), many = vector > 1 ? vector : unroll;
  Accumulators accumulators(b, combiners, many);
  Values none = accumulators.identities();
  /// Takes up a group, each column by another accumulator, or each group.
  auto takeUp = [&](Values sums, MutableArrayRef<Group> step) {
    SmallVector<Values> elements;
    for (Group &some : step)
      forElements(some, [&](int) {
        elements.push_back(others(member, combiners, placeOf(member, columns, sizes)));
      });
    for (auto [i, one] : llvm::enumerate(elements))
      accumulators.take(sums, i, one);
    return sums;
  };
  Value width = constant(threads.along * vector), step = constant(threads.along * vector * unroll);
  Value mine = mul(lane, constant(vector));
  const Value above = elementOfPlaces(member, combiners, columns);
  auto rangeOfPlaces = [&](Value from, Value to) {
    Value length = arith::SubIOp::create(b, to, from);
    Value end = add(from, mul(arith::DivUIOp::create(b, length, step), step));
    Value first = add(from, mine);
    auto steps = [&](int64_t number) {
      return [&, number](Value at, ArrayRef<Value> carried) {
        Values best(carried);
        for (int64_t u = 0; u < number; ++u) {
          Group some = groupAt(add(at, mul(width, constant(u))));
          takeGroup(member, combiners.front(), above, columns, sizes, some, best);
        }
        return best;
      };
    };
    Values best = loops(first, end, step, beforeGroups(above, first), steps(unroll));
    best = loops(add(end, mine), to, width, best, steps(1));
    return bestOfWarp(member, combiners.front(), columns, sizes, best, first, to);
  };
  auto range = [&](Value from, Value to) {
    if (above)
      return rangeOfPlaces(from, to);
    Value length = arith::SubIOp::create(b, to, from);
    Value end = add(from, mul(arith::DivUIOp::create(b, length, step), step));
    Values sums = loops(add(from, mine), end, step, accumulators.start(),
                        [&](Value at, ArrayRef<Value> carried) {
                          SmallVector<Group> groups;
                          for (int64_t u = 0; u < unroll; ++u)
                            groups.push_back(groupAt(add(at, mul(width, constant(u)))));
                          return takeUp(Values(carried), groups);
                        });
    if (vector == 1)
      sums = accumulators.total(sums);
    sums = loops(add(end, mine), to, width, sums, [&](Value at, ArrayRef<Value> carried) {
      Group one = groupAt(at);
      if (vector > 1)
        return takeUp(Values(carried), one);
      group = &one;
      Values elements = others(member, combiners, placeOf(member, columns, sizes));
      group = nullptr;
      return accumulators.combined(carried, elements);
    });
    return vector == 1 ? sums : accumulators.total(sums);
  };
  Value head = headOf(columns), from = head, to = endOf(columns, head), end = to;
  if (pieces) {
    // Whole steps, so that pieces begin where lines do.
    Value steps = arith::CeilDivUIOp::create(
        b, arith::CeilDivUIOp::create(b, b.createOrFold<arith::SubIOp>(to, from), step), pieces);
    Value length = mul(steps, step);
    from = min(add(head, mul(piece, length)), end);
    to = min(add(from, length), end);
  }
  const int64_t most = blockSteps * many * threads.along;
  bool rounds = llvm::any_of(combiners, [](const Combiner &c) { return c.rounds; });
  Values sums;
  if (!rounds || (columns.known && *columns.known <= 2 * most))
    sums = range(from, to);
  else
    sums = loops(from, to, constant(most), none, [&](Value block, ArrayRef<Value> totals) {
      return accumulators.combined(totals, range(block, min(add(block, constant(most)), to)));
    });
  return shift ? takeUpEdges(member, combiners, columns, sizes, sums, head, end) : sums;
}

/// What lies before the first group and behind the last one: a column a thread, if any.
Values RowKernel::takeUpEdges(const RowMember &member, ArrayRef<Combiner> combiners,
                              const Columns &columns, ArrayRef<Value> sizes, Values sums,
                              Value head, Value end) {
  Accumulators accumulators(b, combiners, 1);
  auto takeUp = [&](Value condition, Value column) {
    SmallVector<Type> types(ValueRange(sums).getTypes());
    auto branch = scf::IfOp::create(b, types, condition, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    Group one = singleAt(column);
    group = &one;
    Values elements = others(member, combiners, placeOf(member, columns, sizes));
    group = nullptr;
    scf::YieldOp::create(b, accumulators.combined(sums, elements));
    b.setInsertionPointToStart(branch.elseBlock());
    scf::YieldOp::create(b, sums);
    sums.assign(branch.getResults().begin(), branch.getResults().end());
  };
  auto only = [&](Value condition, Value isMine) {
    return pieces ? b.createOrFold<arith::AndIOp>(condition, isMine) : condition;
  };
  auto isPiece = [&](Value number) {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, piece, number).getResult();
  };
  takeUp(only(less(lane, head), pieces ? isPiece(constant(0)) : Value()), lane);
  Value last = pieces ? isPiece(arith::SubIOp::create(b, pieces, constant(1))) : Value();
  takeUp(only(less(add(end, lane), columns.count), last), add(end, lane));
  return sums;
}

/// Of rows with one column, such as what another reduction has kept: that is no group, and the
/// first thread's alone.
Values RowKernel::reduceOne(const RowMember &member, ArrayRef<Combiner> combiners,
                            ArrayRef<Value> sizes) {
  Value first = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, lane, constant(0));
  Values all = others(member, combiners, indices(member, {}, {}, sizes));
  for (auto [x, combine] : llvm::zip(all, combiners))
    x = arith::SelectOp::create(b, first, x, combine.identityValue(b));
  return all;
}

void RowKernel::emitReduction(const RowMember &member, const Columns &columns,
                              ArrayRef<Value> sizes) {
  GenericOp op = member.work.op;
  SmallVector<Combiner> combiners = *combinersOf(op);
  const bool isOne = columns.loops.empty() && threads.across == 1;
  Values sums;
  if (isOne) {
    sums = reduceOne(member, combiners, sizes);
  } else if (threads.held) {
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
  const bool ofWarps = !shift && elementOfPlaces(member, combiners, columns);
  Values at = indices(member, {}, {}, sizes);
  for (auto [output, combine, sum] : llvm::zip(op.getDpsInitsMutable(), combiners, sums)) {
    Value all = combineRow(combine, sum, ofWarps);
    if (pieces) {
      Value first = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, lane, constant(0));
      when(active ? b.createOrFold<arith::AndIOp>(first, active) : first, [&] {
        Value place = add(mul(row, pieces), piece);
        memref::StoreOp::create(b, all, kernel.get(plan.parts), place);
      });
      return;
    }
    Value initial = member.work.initialOf(output.get());
    Value before = initial ? kernel.get(initial) : read(member, output, at);
    // All threads have read before one of them writes.
    if (!initial && !rowValues.count(baseOf(output.get())))
      combineRow.meet();
    keepRowValue(member, output, combine(b, before, all), at);
  }
}

} // namespace mad
