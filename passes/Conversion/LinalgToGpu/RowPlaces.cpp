//===- RowPlaces.cpp - The place of the largest element of a row ------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Such a reduction takes the largest of numbers of 64 bits: 32 of the element above, and of its
// place below, the first place the largest. A thread that goes along a row looks at the upper ones
// alone, a group of neighbours at a time: a later group is better only where it has more there.
// Which of the best group it is, the thread finds at the end. Otherwise integer instructions, of
// which a multiprocessor starts half as many as of others, would take longer than memory.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "passes/Conversion/LinalgToGpu/RowKernel.h"

using namespace mlir;
using linalg::GenericOp;

namespace mad {

/// The element in above * 2^32 + constant - place, the place being that of the loop `along`.
static Value elementAbove(const Combiner &combine, unsigned along) {
  if (!isa<arith::MaxUIOp>(combine.op) || !combine.other.getType().isInteger(64))
    return {};
  auto both = combine.other.getDefiningOp<arith::OrIOp>();
  if (!both)
    return {};
  auto isPlace = [&](Value x) {
    auto rest = x.getDefiningOp<arith::SubIOp>();
    auto number = rest ? rest.getRhs().getDefiningOp<arith::IndexCastOp>() : arith::IndexCastOp();
    auto index = number ? number.getIn().getDefiningOp<linalg::IndexOp>() : linalg::IndexOp();
    return index && index.getDim() == along && matchPattern(rest.getLhs(), m_Constant());
  };
  auto element = [&](Value x) -> Value {
    auto up = x.getDefiningOp<arith::ShLIOp>();
    auto wide = up ? up.getLhs().getDefiningOp<arith::ExtUIOp>() : arith::ExtUIOp();
    if (!wide || !wide.getIn().getType().isInteger(32) || getConstantIntValue(up.getRhs()) != 32)
      return {};
    return wide.getIn();
  };
  return isPlace(both.getRhs())   ? element(both.getLhs())
         : isPlace(both.getLhs()) ? element(both.getRhs())
                                  : Value();
}

Value RowKernel::elementOfPlaces(ArrayRef<Combiner> combiners, const Columns &columns) {
  const bool ofGroups = vector > 1 && combiners.size() == 1 && columns.loops.size() == 1;
  return ofGroups ? elementAbove(combiners.front(), columns.loops.front()) : Value();
}

/// Takes up a group: the largest element so far, and the first column of its group.
void RowKernel::takeGroup(const RowMember &member, const Combiner &combine, Value above,
                          const Columns &columns, ArrayRef<Value> sizes, Group &some,
                          Values &best) {
  llvm::SmallPtrSet<Operation *, 1> last{combine.op};
  Value most;
  forElements(some, [&](int e) {
    Values at = placeOf(member, columns, sizes);
    IRMapping body = emitBody(kernel, member.work.op, arguments(member, at), at, last);
    Value x = body.lookupOrDefault(above);
    if (some.inside[e])
      x = arith::SelectOp::create(b, some.inside[e], x, arith::ConstantIntOp::create(b, 0, 32));
    most = most ? arith::MaxUIOp::create(b, most, x).getResult() : x;
  });
  Value isBetter = arith::CmpIOp::create(b, arith::CmpIPredicate::ugt, most, best[0]);
  best[0] = arith::MaxUIOp::create(b, most, best[0]);
  best[1] = arith::SelectOp::create(b, isBetter, some.columns.front(), best[1]);
}

/// Before the first group, which is there where `first` is before `end`.
Values RowKernel::beforeGroups(Value first) {
  return {arith::ConstantIntOp::create(b, 0, 32), first};
}

/// The number of 64 bits of the best group; none where the thread has no group.
Values RowKernel::bestOfGroup(const RowMember &member, const Combiner &combine,
                              const Columns &columns, ArrayRef<Value> sizes, ArrayRef<Value> best,
                              Value first, Value end) {
  auto branch = scf::IfOp::create(b, TypeRange(combine.other.getType()), less(first, end),
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  Group some = groupAt(best[1]);
  Value all;
  forElements(some, [&](int) {
    Value x = others(member, combine, placeOf(member, columns, sizes)).front();
    all = all ? combine(b, all, x) : x;
  });
  scf::YieldOp::create(b, all);
  b.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(b, combine.identityValue(b));
  return {branch.getResult(0)};
}

} // namespace mad
