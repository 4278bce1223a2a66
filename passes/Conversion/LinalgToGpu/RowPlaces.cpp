//===- RowPlaces.cpp - The place of the largest element of a row ------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Such a reduction takes the largest of numbers of 64 bits: 32 of the element above, and of its
// place below, the first place the largest. A thread that goes along a row looks at the upper ones
// alone, a group of neighbours at a time: a later group is better only where it has more there.
// Of floats it takes the largest as such, two of 16 bits at a time: integer instructions, of which
// a multiprocessor starts half as many as of others, would take longer than memory. At the end a
// warp agrees on the best group of its threads, and looks for the element there.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
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

/// The float that a key is of: its bits, turned so that keys are ordered as floats are, NaN above
/// all and -0 with 0. Null: it is another number.
static Value floatOfKey(Value key) {
  auto choice = key.getDefiningOp<arith::SelectOp>();
  auto test = choice ? choice.getCondition().getDefiningOp<arith::CmpFOp>() : arith::CmpFOp();
  auto turned = choice ? choice.getFalseValue().getDefiningOp<arith::XOrIOp>() : arith::XOrIOp();
  if (!test || !turned || test.getPredicate() != arith::CmpFPredicate::UNO ||
      test.getLhs() != test.getRhs() || getConstantIntValue(choice.getTrueValue()) != -1)
    return {};
  Value x = test.getLhs();
  auto bits = turned.getLhs().getDefiningOp<arith::BitcastOp>();
  auto turn = turned.getRhs().getDefiningOp<arith::OrIOp>();
  auto sum = bits ? bits.getIn().getDefiningOp<arith::AddFOp>() : arith::AddFOp();
  auto sign = turn ? turn.getLhs().getDefiningOp<arith::ShRSIOp>() : arith::ShRSIOp();
  if (!sum || sum.getLhs() != x || !matchPattern(sum.getRhs(), m_AnyZeroFloat()) || !sign ||
      sign.getLhs() != bits.getResult() || getConstantIntValue(sign.getRhs()) != 31 ||
      getConstantIntValue(turn.getRhs()) != INT32_MIN)
    return {};
  auto wider = x.getDefiningOp<arith::ExtFOp>();
  return wider && wider.getIn().getType().getIntOrFloatBitWidth() == 16 ? wider.getIn() : x;
}

/// The same key of a float of up to 32 bits.
static Value keyOfFloat(ImplicitLocOpBuilder &b, Value x) {
  auto number = [&](int64_t n) { return arith::ConstantIntOp::create(b, n, 32).getResult(); };
  if (!x.getType().isF32())
    x = arith::ExtFOp::create(b, b.getF32Type(), x);
  Value isNan = arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, x, x);
  Value zero = arith::ConstantOp::create(b, b.getF32FloatAttr(0));
  Value bits =
      arith::BitcastOp::create(b, b.getI32Type(), arith::AddFOp::create(b, x, zero).getResult());
  Value sign = arith::ShRSIOp::create(b, bits, number(31));
  Value turned = arith::XOrIOp::create(b, bits, arith::OrIOp::create(b, sign, number(INT32_MIN)));
  return arith::SelectOp::create(b, isNan, number(-1), turned);
}

/// The largest of some, floats of 16 bits two at a time.
static Value largest(ImplicitLocOpBuilder &b, ArrayRef<Value> all) {
  auto larger = [&](Value x, Value y) -> Value {
    if (x.getType().isInteger())
      return arith::MaxUIOp::create(b, x, y);
    return arith::MaximumFOp::create(b, x, y);
  };
  Values some(all);
  Type type = some.front().getType();
  if (isa<FloatType>(type) && type.getIntOrFloatBitWidth() == 16 && some.size() > 2) {
    auto pairType = VectorType::get(2, type);
    auto word = [&](int64_t n) { return arith::ConstantIntOp::create(b, n, 32).getResult(); };
    auto pair = [&](size_t i) {
      Value both = LLVM::PoisonOp::create(b, pairType);
      both = LLVM::InsertElementOp::create(b, both, some[i], word(0));
      return LLVM::InsertElementOp::create(b, both, some[i + 1], word(1)).getResult();
    };
    Value most = pair(0);
    for (size_t i = 2; i + 1 < some.size(); i += 2)
      most = larger(most, pair(i));
    some = {LLVM::ExtractElementOp::create(b, most, word(0)),
            LLVM::ExtractElementOp::create(b, most, word(1))};
  }
  Value most = some.front();
  for (Value x : llvm::drop_begin(some))
    most = larger(most, x);
  return most;
}

/// Whether all that a member reads along a row is still where it was before the kernel, or is
/// computed from that: then any thread may read any column.
bool RowKernel::readsAnyColumn(const RowMember &member) {
  GenericOp op = member.work.op;
  return llvm::all_of(op.getDpsInputOperands(), [&](OpOperand *operand) {
    Value memory = operand->get();
    return !isa<MemRefType>(memory.getType()) || rowValues.count(baseOf(memory)) ||
           waiting.count(rootOf(memory)) || !isWritten(baseOf(memory));
  });
}

Value RowKernel::elementOfPlaces(const RowMember &member, ArrayRef<Combiner> combiners,
                                 const Columns &columns) {
  const bool ofGroups = vector > 1 && combiners.size() == 1 && columns.loops.size() == 1 &&
                        threads.across == 1 && threads.along >= device::lanesOfWarp;
  if (!ofGroups || !readsAnyColumn(member))
    return {};
  Value key = elementAbove(combiners.front(), columns.loops.front());
  Value number = key ? floatOfKey(key) : Value();
  return number ? number : key;
}

/// Takes up a group: the largest element so far, and the first column of its group.
void RowKernel::takeGroup(const RowMember &member, const Combiner &combine, Value above,
                          const Columns &columns, ArrayRef<Value> sizes, Group &some,
                          Values &best) {
  llvm::SmallPtrSet<Operation *, 1> last{combine.op};
  Values elements;
  forElements(some, [&](int) {
    Values at = placeOf(member, columns, sizes);
    IRMapping body = emitBody(kernel, member.work.op, arguments(member, at), at, last);
    elements.push_back(body.lookupOrDefault(above));
  });
  Value most = largest(b, elements);
  if (some.isWhole)
    most = arith::SelectOp::create(b, some.isWhole, most, leastOf(above.getType()));
  Value isBetter;
  if (above.getType().isInteger()) {
    isBetter = arith::CmpIOp::create(b, arith::CmpIPredicate::ugt, most, best[0]);
  } else {
    // More, or the first NaN.
    Value more = arith::CmpFOp::create(b, arith::CmpFPredicate::UGT, most, best[0]);
    Value number = arith::CmpFOp::create(b, arith::CmpFPredicate::ORD, best[0], best[0]);
    isBetter = arith::AndIOp::create(b, more, number);
  }
  best[0] = largest(b, {most, best[0]});
  best[1] = arith::SelectOp::create(b, isBetter, some.columns.front(), best[1]);
}

Value RowKernel::leastOf(Type type) {
  auto number = dyn_cast<FloatType>(type);
  if (!number)
    return arith::ConstantIntOp::create(b, 0, 32);
  auto least = APFloat::getInf(number.getFloatSemantics(), /*Negative=*/true);
  return arith::ConstantOp::create(b, FloatAttr::get(number, least));
}

/// Before the first group, which is there where `first` is before `end`.
Values RowKernel::beforeGroups(Value above, Value first) {
  return {leastOf(above.getType()), first};
}

/// The number of 64 bits of the best element that the threads of a warp have found, for all of
/// them; none where no thread has a group.
Values RowKernel::bestOfWarp(const RowMember &member, const Combiner &combine,
                             const Columns &columns, ArrayRef<Value> sizes, ArrayRef<Value> best,
                             Value first, Value end) {
  Type word = b.getI32Type(), i64 = b.getI64Type();
  Value none = arith::ConstantIntOp::create(b, -1, 32);
  Value key = best[0].getType().isInteger() ? best[0] : keyOfFloat(b, best[0]);
  Value isThere = less(first, end);
  Value least = arith::ConstantIntOp::create(b, 0, 32);
  Value most = g.largestOfWarp(arith::SelectOp::create(b, isThere, key, least));
  auto isMost = [&](Value x) {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, x, most).getResult();
  };
  Value isBest = arith::AndIOp::create(b, isThere, isMost(key));
  Value column = arith::IndexCastUIOp::create(b, word, best[1]);
  column = g.smallestOfWarp(arith::SelectOp::create(b, isBest, column, none));
  Value isFound = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, column, none);
  auto branch = scf::IfOp::create(b, TypeRange(i64), isFound, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  // A lane an element of the group.
  Value number = g.rem(g.thread(), device::lanesOfWarp);
  Value inside = g.less(number, vector);
  Value place = arith::IndexCastUIOp::create(b, b.getIndexType(), g.min(number, vector - 1));
  Group one =
      singleAt(add(arith::IndexCastUIOp::create(b, b.getIndexType(), column).getResult(), place));
  group = &one;
  Value all = others(member, combine, placeOf(member, columns, sizes)).front();
  group = nullptr;
  Value above = arith::TruncIOp::create(
      b, word, arith::ShRUIOp::create(b, all, arith::ConstantIntOp::create(b, 32, 64)));
  Value lanes = g.lanesWith(arith::AndIOp::create(b, inside, isMost(above)));
  scf::YieldOp::create(b, g.shuffleFrom(all, g.firstBit(lanes)));
  b.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(b, combine.identityValue(b));
  return {branch.getResult(0)};
}

} // namespace mad
