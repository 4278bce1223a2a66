//===- RowGroup.cpp - Neighbouring columns of a thread ----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where rows begin anywhere (`shift`), groups begin where wide accesses may: the first and the last
// one of a row may be only partly there.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Conversion/LinalgToGpu/RowKernel.h"
#include "passes/Conversion/StrayLoad.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using linalg::GenericOp;

namespace mad {

/// Of the first columns of groups in registers; behind them that of a column at the row's ends.
SmallVector<int> RowKernel::heldNumbers() {
  SmallVector<int> numbers;
  for (int i = 0; i < threads.held; i += vector)
    numbers.push_back(i);
  if (hasEdges())
    numbers.push_back(threads.held);
  return numbers;
}

/// Of the groups between a row's ends. Threads behind the last one read that.
RowKernel::Group RowKernel::wholeGroup(int number, const Columns &columns) {
  Group some;
  some.number = number;
  Value head = headOf(columns);
  Value first = add(mul(lane, constant(vector)), constant(int64_t(number) * threads.along));
  const int64_t least = columns.known ? *columns.known : threads.least;
  if (int64_t(number + vector) * threads.along > (least - (vector - 1)) / vector * vector) {
    Value all = arith::SubIOp::create(b, endOf(columns, head), head);
    some.isWhole = less(first, all);
    first = min(first, arith::SubIOp::create(b, all, constant(vector)));
  }
  first = add(first, head);
  some.inside.assign(vector, some.isWhole);
  for (int e = 0; e < vector; ++e)
    some.columns.push_back(e ? add(first, constant(e)) : first);
  return some;
}

/// A column in front of the groups or behind them, for the first threads.
RowKernel::Group RowKernel::edgeGroup(const Columns &columns) {
  Group some;
  some.number = threads.held;
  Value head = headOf(columns), end = endOf(columns, head);
  Value behind = add(end, arith::SubIOp::create(b, lane, head));
  Value column = arith::SelectOp::create(b, less(lane, head), lane, behind);
  some.isWhole = less(column, columns.count);
  some.inside = {some.isWhole};
  some.columns = {min(column, arith::SubIOp::create(b, columns.count, constant(1)))};
  return some;
}

/// Groups of threads are neighbours. Threads behind the last column read that one, or the last
/// group.
RowKernel::Group RowKernel::heldGroup(int number, const Columns &columns) {
  if (hasEdges())
    return number < threads.held ? wholeGroup(number, columns) : edgeGroup(columns);
  Group some;
  some.number = number;
  Value first = add(mul(lane, constant(vector)), constant(int64_t(number) * threads.along));
  if (shift) {
    first = arith::SubIOp::create(b, first, shift);
    // The first group of a thread may begin before the row, the last ones end behind it.
    const int64_t least = columns.known ? *columns.known : threads.least;
    if (number > 0 && int64_t(number + vector) * threads.along <= least) {
      some.inside.assign(vector, Value());
      for (int e = 0; e < vector; ++e)
        some.columns.push_back(add(first, constant(e)));
      return some;
    }
    some.first = first;
    Value last = arith::SubIOp::create(b, columns.count, constant(1));
    // What is before the row is a large number. Registers hold few columns: 32 bits are enough.
    auto below = [&](Value x, Value y) {
      auto narrow = [&](Value v) { return b.createOrFold<arith::IndexCastOp>(b.getI32Type(), v); };
      return arith::CmpIOp::create(b, arith::CmpIPredicate::ult, narrow(x), narrow(y)).getResult();
    };
    for (int e = 0; e < vector; ++e) {
      Value column = add(first, constant(e));
      some.inside.push_back(below(column, columns.count));
      some.columns.push_back(
          arith::MaxSIOp::create(b, arith::MinSIOp::create(b, column, last), constant(0)));
    }
    some.isWhole = below(first, arith::SubIOp::create(b, columns.count, constant(vector - 1)));
    some.readsWhole = some.isWhole;
    some.isPartly = true;
    return some;
  }
  const int64_t least = columns.known ? *columns.known : threads.least;
  if (int64_t(number + vector) * threads.along > least) {
    some.isWhole = less(first, columns.count);
    first = min(first, arith::SubIOp::create(b, columns.count, constant(vector)));
  }
  some.inside.assign(vector, some.isWhole);
  for (int e = 0; e < vector; ++e)
    some.columns.push_back(e ? add(first, constant(e)) : first);
  return some;
}

/// Lets threads without a column read those that they have first, which no other thread writes:
/// what is behind the last column may be another block's, which may be writing it.
void RowKernel::readOwnInstead(Group &some, const Columns &columns, Value memory) {
  if (threads.cluster <= 1 || some.number < 0 || !isWritten(baseOf(memory)))
    return;
  Value mine = mul(lane, constant(vector)), zero = constant(0);
  Value last = arith::SubIOp::create(b, columns.count, constant(1));
  if (shift)
    mine = arith::SubIOp::create(b, mine, shift);
  for (auto [e, column] : llvm::enumerate(some.columns)) {
    Value own = add(mine, constant(e));
    if (shift) // the first group of a thread may begin before the row
      own = arith::MaxSIOp::create(b, min(own, last), zero);
    if (some.inside[e])
      column = arith::SelectOp::create(b, some.inside[e], column, own);
  }
}

RowKernel::Group RowKernel::groupAt(Value first) {
  Group some;
  some.inside.assign(vector, Value());
  for (int e = 0; e < vector; ++e)
    some.columns.push_back(e ? add(first, constant(e)) : first);
  return some;
}

RowKernel::Group RowKernel::singleAt(Value column) {
  Group some;
  some.inside = {Value()};
  some.columns = {column};
  return some;
}

/// The first column of the last group that is at least partly of the row.
Value RowKernel::lastGroup(const Columns &columns) {
  Value end = arith::SubIOp::create(b, columns.count, constant(1));
  return arith::SubIOp::create(b, end,
                               arith::RemUIOp::create(b, add(end, shift), constant(vector)));
}

/// The first column of the first whole group.
Value RowKernel::headOf(const Columns &columns) {
  if (!shift)
    return constant(0);
  Value rest = arith::SubIOp::create(b, constant(vector), shift);
  return min(arith::RemUIOp::create(b, rest, constant(vector)), columns.count);
}

/// Behind the last whole group.
Value RowKernel::endOf(const Columns &columns, Value head) {
  if (!shift)
    return columns.count;
  Value groups =
      arith::DivUIOp::create(b, arith::SubIOp::create(b, columns.count, head), constant(vector));
  return add(head, mul(groups, constant(vector)));
}

/// In loops: each thread takes the same columns for each member.
void RowKernel::forColumns(const Columns &columns,
                           llvm::function_ref<void(MutableArrayRef<Group>)> body) {
  const int64_t unroll = groupsOfStep();
  Value head = headOf(columns), end = endOf(columns, head);
  Value width = constant(threads.along * vector), step = constant(threads.along * vector * unroll);
  Value mine = mul(lane, constant(vector));
  auto single = [&](Value column) {
    when(less(column, columns.count), [&] {
      Group one = singleAt(column);
      body(one);
    });
  };
  if (shift)
    when(less(lane, head), [&] {
      Group one = singleAt(lane);
      body(one);
    });
  Value length = b.createOrFold<arith::SubIOp>(end, head);
  Value middle = add(head, mul(b.createOrFold<arith::DivUIOp>(length, step), step));
  loops(add(head, mine), middle, step, {}, [&](Value at, ArrayRef<Value>) -> Values {
    SmallVector<Group> groups;
    for (int64_t u = 0; u < unroll; ++u)
      groups.push_back(groupAt(add(at, mul(width, constant(u)))));
    body(groups);
    return {};
  });
  loops(add(middle, mine), end, width, {}, [&](Value at, ArrayRef<Value>) -> Values {
    Group one = groupAt(at);
    body(one);
    return {};
  });
  if (shift)
    single(add(end, lane));
}

void RowKernel::forElements(Group &some, llvm::function_ref<void(int)> body) {
  group = &some;
  for (int e = 0, all = some.columns.size(); e < all; ++e) {
    element = e;
    body(e);
  }
  element = 0;
  group = nullptr;
}

/// Of all loops, at the element that is computed.
Values RowKernel::placeOf(const RowMember &member, const Columns &columns, ArrayRef<Value> sizes) {
  if (columns.loops.size() <= 1 || element == 0)
    return indices(member, columns, group->columns[element], sizes);
  // A group does not leave the innermost loop.
  Values at = indices(member, columns, group->columns.front(), sizes);
  Value &last = at[columns.loops.back()];
  last = add(last, constant(element));
  return at;
}

/// Under which condition a group of an operand is one access: null where always; nothing where
/// never.
std::optional<Value> RowKernel::wideWhere(const RowMember &member, OpOperand &operand,
                                          Value whole) {
  if (group->isSingle())
    return {};
  const RowAccess &access = member.access[operand.getOperandNumber()];
  if (!shift)
    return access.isAligned ? std::optional(whole) : std::nullopt;
  if (access.isDense)
    return whole;
  if (!access.isAligned || (isNeverAligned && group->number >= 0))
    return {};
  Value none = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, shift, constant(0));
  return whole ? b.createOrFold<arith::AndIOp>(whole, none) : none;
}

Value RowKernel::addressOf(Value memory, AffineMap map, ArrayRef<Value> at) {
  auto type = cast<MemRefType>(memory.getType());
  Value inside = kernel.get(memory), offset = constant(0);
  SmallVector<int64_t> strides;
  int64_t start;
  (void)type.getStridesAndOffset(strides, start);
  Value product = constant(1); ///< of the dimensions behind, where nothing lies between
  const bool gapless = type.getLayout().isIdentity();
  ValueRange known;
  if (!gapless && llvm::any_of(strides, ShapedType::isDynamic))
    known = memref::ExtractStridedMetadataOp::create(b, inside).getStrides();
  for (int64_t d = type.getRank(); d-- > 0;) {
    Value stride = gapless                             ? product
                   : ShapedType::isDynamic(strides[d]) ? known[d]
                                                       : constant(strides[d]);
    AffineExpr e = map.getResult(d);
    auto loop = dyn_cast<AffineDimExpr>(e);
    Value index = loop ? at[loop.getPosition()] : constant(cast<AffineConstantExpr>(e).getValue());
    offset = add(offset, mul(index, stride));
    if (gapless && d > 0)
      product = mul(product, type.isDynamicDim(d) ? memref::DimOp::create(b, inside, d).getResult()
                                                  : constant(type.getDimSize(d)));
  }
  Value number = arith::IndexCastOp::create(b, b.getI64Type(), offset);
  Type element = type.getElementType().isInteger(1) ? b.getI8Type() : type.getElementType();
  return g.at(kernel.pointer(memory, /*apart=*/false), element, device::Number(number));
}

Value RowKernel::loadSingle(Value memory, Value address) {
  Type type = cast<MemRefType>(memory.getType()).getElementType();
  if (!type.isInteger(1))
    return g.load(type, address);
  return arith::TruncIOp::create(b, type, g.load(b.getI8Type(), address));
}

/// Accesses of up to 16 bytes. A bool is a byte.
Values RowKernel::loadWide(Value memory, Value address) {
  Type type = cast<MemRefType>(memory.getType()).getElementType();
  Type element = type.isInteger(1) ? b.getI8Type() : type;
  const int most = std::min(vector, 16 / device::bytesOf(element));
  Values all;
  for (int e = 0; e < vector; e += most) {
    Value loaded =
        g.load(most == 1 ? element : g.vectorOf(most, element), g.at(address, element, e));
    if (readsOthers)
      loaded.getDefiningOp()->setAttr(strayLoad, b.getUnitAttr());
    llvm::append_range(all, g.unpack(loaded));
  }
  if (type.isInteger(1))
    for (Value &x : all)
      x = arith::TruncIOp::create(b, type, x);
  return all;
}

void RowKernel::storeWide(Value memory, Value address, ArrayRef<Value> values) {
  Type type = cast<MemRefType>(memory.getType()).getElementType();
  Type element = type.isInteger(1) ? b.getI8Type() : type;
  const int all = values.size(), most = std::min(all, 16 / device::bytesOf(element));
  for (int e = 0; e < all; e += most) {
    Values some(values.slice(e, most));
    if (type.isInteger(1))
      for (Value &x : some)
        x = arith::ExtUIOp::create(b, element, x);
    g.store(most == 1 ? some[0] : g.pack(some), g.at(address, element, e));
  }
}

/// Behind what reductions use.
void RowKernel::placeKept() {
  if (!threads.kept)
    return;
  int64_t offset = 0;
  for (auto [member, sizes] : llvm::zip(plan.members, extents)) {
    GenericOp op = member.work.op;
    if (op.getNumReductionLoops() > 0)
      offset += op.getNumDpsInits() * threads.sharedBytes();
    Columns columns = columnsOf(member, sizes);
    if (!firstColumn && !columns.loops.empty())
      firstColumn = headOf(columns);
  }
  for (Value root : readAgain(plan)) {
    kept[root].offset = offset;
    offset += threads.kept * device::bytesOf(getElementTypeOrSelf(root.getType()));
  }
}

/// The first member that reads columns leaves them in shared memory, each thread its own, as far as
/// there is room.
Values RowKernel::loadKept(Kept &where, Value memory, llvm::function_ref<Values()> load) {
  if (!where.filler)
    where.filler = current;
  Type element = getElementTypeOrSelf(memory.getType());
  const int bytes = device::bytesOf(element);
  Value number = arith::SubIOp::create(b, group->columns.front(), firstColumn);
  Value isKept = less(number, constant(threads.kept));
  auto address = [&] {
    Value offset = add(mul(number, constant(bytes)), constant(where.offset));
    return g.bytesAt(g.shared(), arith::IndexCastOp::create(b, b.getI32Type(), offset).getResult());
  };
  if (where.filler == current) {
    Values all = load();
    when(isKept, [&] { storeWide(memory, address(), all); });
    return all;
  }
  SmallVector<Type> types(vector, element);
  auto branch = scf::IfOp::create(b, types, isKept, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(b, loadWide(memory, address()));
  b.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(b, load());
  return Values(branch.getResults().begin(), branch.getResults().end());
}

/// What a thread holds of an operand. Groups that are partly of another row are read as a whole, as
/// long as they are in the memory: waiting for each before the next is asked for would take long.
Values RowKernel::loadHeld(const RowMember &member, OpOperand &operand, const Columns &columns,
                           ArrayRef<Value> sizes) {
  const bool readsAlong = shift && !hasEdges() &&
                          member.access[operand.getOperandNumber()].isDense &&
                          !aheadOf(member, operand);
  Value last = readsAlong ? lastGroup(columns) : Value();
  const Value isThere = readsAlong ? isGroupThere : Value();
  // Of the last row the group in front, where the last one ends behind the memory.
  const int64_t least = columns.known ? *columns.known : threads.least;
  const bool hasOneInFront = least >= 2 * vector;
  if (isThere && hasOneInFront)
    last =
        arith::SelectOp::create(b, isThere, last, arith::SubIOp::create(b, last, constant(vector)));
  auto forGroups = [&](llvm::function_ref<Values(Group &)> load) {
    Values values;
    for (int i : heldNumbers()) {
      Group some = heldGroup(i, columns);
      group = &some;
      llvm::append_range(values, load(some));
      group = nullptr;
    }
    return values;
  };
  auto singly = [&](Group &) { return loadGroup(member, operand, columns, sizes); };
  auto along = [&](Group &some) {
    // Elements of other rows are in groups that may not be whole alone.
    const llvm::SaveAndRestore stray(readsOthers, bool(some.first));
    if (some.first) {
      some.columns.front() = arith::MinSIOp::create(b, some.first, last);
      some.readsWhole = Value();
    }
    return singly(some);
  };
  if (!readsAlong)
    return forGroups(singly);
  if (!isThere)
    return forGroups(along);
  if (!hasOneInFront)
    return chooseHeld(isThere, [&] { return forGroups(along); }, [&] { return forGroups(singly); });
  // Where the last group is not there, its elements are loaded one at a time behind the others, as
  // a vector: code generation would take elements that both sides load for one load of each.
  return forGroups([&](Group &some) {
    Values all = along(some);
    if (!some.first)
      return all;
    auto single = [&] {
      Group own = heldGroup(some.number, columns);
      readOwnInstead(own, columns, operand.get());
      group = &own;
      return Values{g.pack(loadSingles(member, operand, columns, sizes))};
    };
    return Values(g.unpack(chooseHeld(isThere, [&] { return Values{g.pack(all)}; }, single)[0]));
  });
}

/// What one of two branches has.
Values RowKernel::chooseHeld(Value condition, llvm::function_ref<Values()> yes,
                             llvm::function_ref<Values()> no) {
  OpBuilder::InsertionGuard guard(b);
  auto branch = scf::IfOp::create(
      b, condition, [&](OpBuilder &, Location) { scf::YieldOp::create(b, yes()); },
      [&](OpBuilder &, Location) { scf::YieldOp::create(b, no()); });
  return Values(branch.getResults().begin(), branch.getResults().end());
}

/// The elements of a group, one at a time.
Values RowKernel::loadSingles(const RowMember &member, OpOperand &operand, const Columns &columns,
                              ArrayRef<Value> sizes) {
  GenericOp op = member.work.op;
  const int computed = std::exchange(element, 0);
  Values all;
  for (size_t e = 0; e < group->columns.size(); ++e) {
    element = e;
    all.push_back(loadElement(b, kernel.get(operand.get()), op.getMatchingIndexingMap(&operand),
                              placeOf(member, columns, sizes)));
  }
  element = computed;
  return all;
}

Values RowKernel::loadGroup(const RowMember &member, OpOperand &operand, const Columns &columns,
                            ArrayRef<Value> sizes) {
  GenericOp op = member.work.op;
  AffineMap map = op.getMatchingIndexingMap(&operand);
  Value memory = operand.get();
  if (const RowSlot *slot = group->number >= 0 ? slotOf(member, operand) : nullptr;
      slot && areSlotsFilled) {
    Value address = slotAt(*slot, group->number);
    return group->isSingle() ? Values{loadSingle(memory, address)} : loadWide(memory, address);
  }
  if (const RowSlot *input = group->number >= 0 ? aheadOf(member, operand) : nullptr)
    return loadAhead(*input, member);
  const llvm::SaveAndRestore places(group->columns);
  if (!readsOthers)
    readOwnInstead(*group, columns, memory);
  std::optional<Value> where = wideWhere(member, operand, group->readsWhole);
  const int computed = std::exchange(element, 0);
  auto wide = [&] {
    return loadWide(memory, addressOf(memory, map, placeOf(member, columns, sizes)));
  };
  auto singles = [&] { return loadSingles(member, operand, columns, sizes); };
  Values all;
  if (!where) {
    all = singles();
  } else if (!*where) {
    auto found = kept.find(rootOf(memory));
    all = found == kept.end() ? wide() : loadKept(found->second, memory, wide);
  } else {
    SmallVector<Type> types(vector, getElementTypeOrSelf(memory.getType()));
    auto branch = scf::IfOp::create(b, types, *where, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    scf::YieldOp::create(b, wide());
    b.setInsertionPointToStart(branch.elseBlock());
    scf::YieldOp::create(b, singles());
    all.assign(branch.getResults().begin(), branch.getResults().end());
  }
  element = computed;
  return all;
}

/// One for each element of the group.
void RowKernel::storeGroup(const RowMember &member, OpOperand &operand, ArrayRef<Value> values,
                           const Columns &columns, ArrayRef<Value> sizes) {
  GenericOp op = member.work.op;
  AffineMap map = op.getMatchingIndexingMap(&operand);
  Value memory = operand.get();
  // Nothing is stored where a column is not there, so it need not be one that is: all are at one
  // address and a number.
  for (size_t e = 0; group->first && e < group->columns.size(); ++e)
    group->columns[e] = add(group->first, constant(e));
  // Threads without a row do nothing; in loops they are not there.
  auto both = [&](Value x, Value y) {
    return !x ? y : !y ? x : b.createOrFold<arith::AndIOp>(x, y);
  };
  Value mine = group->number >= 0 ? active : Value();
  auto singles = [&] {
    for (size_t e = 0; e < group->columns.size(); ++e) {
      element = e;
      when(both(group->inside[e], mine), [&] {
        storeElement(b, values[e], kernel.get(memory), map, placeOf(member, columns, sizes));
      });
    }
    element = 0;
  };
  std::optional<Value> where = wideWhere(member, operand, group->isWhole);
  if (!where)
    return singles();
  Value condition = both(*where, mine);
  auto wide = [&] {
    storeWide(memory, addressOf(memory, map, placeOf(member, columns, sizes)),
              values.take_front(vector));
  };
  // What is whole or not there at all needs no other stores, unless rows begin elsewhere.
  const bool other = *where && (group->isPartly || *where != group->isWhole);
  if (!other)
    return when(condition, wide);
  auto branch = scf::IfOp::create(b, condition, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  wide();
  b.setInsertionPointToStart(branch.elseBlock());
  singles();
}

} // namespace mad
