//===- ExpandLanes.cpp - The systems of an ensemble -------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A round of the loop is a solve of one system, expanded as any other. States are written into
// tensors that the loop carries, numbers are collected.
//
//===----------------------------------------------------------------------===//
#include "passes/Ode/ExpandLanes.h"
#include "passes/Ode/SolveLoops.h"
#include "passes/Transforms/Lanes.h"
#include <limits>

using namespace mlir;

namespace mad {
namespace {

class Ensemble {
public:
  explicit Ensemble(ode::SolveOp op)
      : op(op), loc(op.getLoc()), b(op), m(b, loc), rank(op.getLaneRank()), count(1) {
    for (int64_t d = 0; d < rank; ++d)
      count = count * dimExpr(Algebra::typeOf(op.getTime()), d);
  }

  using Choose = llvm::function_ref<std::unique_ptr<RightHandSide>(ode::SolveOp)>;

  Leaves expand(Choose choose);

private:
  void carry();
  void carryCounts();
  bool scanSystems(Choose choose);
  Leaves inOrder(ArrayRef<Value> carried, ArrayRef<Value> counts);
  RankedTensorType flat(RankedTensorType type) const;
  Value ofLane(Value whole, int64_t own, Value index);
  ode::SolveOp one(Value index);
  void check(Solution ends);

  ode::SolveOp op;
  Location loc;
  OpBuilder b;
  Algebra m;
  int64_t rank;            ///< of the ensemble
  DimExpr count;           ///< of systems
  ScanOp scan;             ///< over them
  SmallVector<Type> types; ///< of the scan
  Leaves initial;          ///< states, then tables
  SmallVector<Value> more; ///< results behind the states: of saved steps and of events
  size_t numTables = 0;    ///< of those: lists, written as states are; the others are numbers
  /// Of numbers, whether somebody reads them: those of `more`, the results behind it, then the
  /// component and the error that a failure is told by.
  SmallVector<bool> isRead;
};

/// With one dimension for all systems.
RankedTensorType Ensemble::flat(RankedTensorType type) const {
  SmallVector<DimExpr> sizes{count};
  for (int64_t d = rank; d < type.getRank(); ++d)
    sizes.push_back(dimExpr(type, d));
  return tensorType(sizes, {}, type.getElementType());
}

/// What a system has of a value whose rank for one of them is `own`.
Value Ensemble::ofLane(Value whole, int64_t own, Value index) {
  RankedTensorType type = Algebra::typeOf(whole);
  if (type.getRank() == own)
    return whole;
  if (rank > 1) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(scan);
    whole = ReshapeOp::create(b, loc, flat(type), whole);
  }
  SmallVector<AffineExpr> map{b.getAffineSymbolExpr(0)};
  for (int64_t d = 0; d < own; ++d)
    map.push_back(b.getAffineDimExpr(unsigned(d)));
  return ViewOp::create(b, loc, ode::SolveOp::oneOf(whole, own), whole, index,
                        AffineMap::get(unsigned(own), 1, map, b.getContext()), Boundary::inside);
}

/// The solve of one system.
ode::SolveOp Ensemble::one(Value index) {
  SmallVector<int64_t> own(op->getNumOperands(), -1);
  auto set = [&](OpOperand &operand, int64_t rank) { own[operand.getOperandNumber()] = rank; };
  unsigned number = 0;
  for (OpOperand &state : op.getInitialMutable())
    set(state, Algebra::typeOf(op.getBody().getArgument(++number)).getRank());
  for (OpOperand &parameter : op.getParametersMutable())
    set(parameter, Algebra::typeOf(op.getBody().getArgument(++number)).getRank());
  set(op.getFromMutable(), 0);
  set(op.getToMutable(), 0);
  for (MutableOperandRange tolerance : {op.getRtolMutable(), op.getAtolMutable()})
    for (OpOperand &operand : tolerance)
      if (Algebra::typeOf(operand.get()).getRank() > 1)
        set(operand, 1);
  OperationState state(loc, op->getName());
  for (OpOperand &operand : op->getOpOperands()) {
    int64_t rank = own[operand.getOperandNumber()];
    state.addOperands(rank < 0 ? operand.get() : ofLane(operand.get(), rank, index));
  }
  for (Value result : op->getResults())
    state.addTypes(ode::SolveOp::oneOf(result, Algebra::typeOf(result).getRank() - rank));
  state.addAttributes(op->getAttrs());
  for (Region &region : op->getRegions()) {
    IRMapping mapping;
    region.cloneInto(state.addRegion(), mapping);
  }
  return cast<ode::SolveOp>(b.create(state));
}

/// Fails with what became of the first system that failed.
void Ensemble::check(Solution ends) {
  RankedTensorType type = Algebra::typeOf(ends.status);
  auto places = Algebra::withElement(type, b.getI64Type());
  Value bad = m.compare(Predicate::ne, ends.status, m.cast(m.integer(0), b.getI32Type()));
  Value none = m.integer(std::numeric_limits<int64_t>::max());
  Value first = m.reduce(ReduceKind::min,
                         m.select(bad, IotaOp::create(b, loc, places, 0), m.spread(none, places)));
  // Nothing is read where all is well: 0 is no failure.
  auto at = [&](Value all) -> Value {
    return ViewOp::create(b, loc, RankedTensorType::get({}, Algebra::typeOf(all).getElementType()),
                          all, first, AffineMap::get(0, 1, b.getAffineSymbolExpr(0)),
                          Boundary::zero);
  };
  ends.rounds = first;
  ends.status = m.cast(at(ends.status), b.getI64Type());
  for (Value *each : {&ends.time, &ends.component, &ends.errorSquared})
    *each = at(*each);
  checkSolved(b, op, ends);
}

/// What the scan over systems carries: states and tables.
void Ensemble::carry() {
  for (Value result : op.getStates()) {
    RankedTensorType type = flat(Algebra::typeOf(result));
    types.push_back(type);
    bool isSaved = op.getSave() || op.savesStates();
    double value = isSaved ? std::numeric_limits<double>::quiet_NaN() : 0;
    initial.push_back(m.spread(m.number(type.getElementType(), value), type));
  }
  llvm::append_range(more, op.getValues().drop_front(op.getStates().size()));
  for (Value one : more) {
    RankedTensorType type = flat(Algebra::typeOf(one));
    if (type.getRank() == 1)
      continue;
    ++numTables;
    types.push_back(type);
    initial.push_back(m.spread(SolveLoops::emptyCell(m, type), type));
  }
}

/// What it gives for each system and does not carry: numbers that are read.
void Ensemble::carryCounts() {
  SmallVector<Value> numbers;
  llvm::copy_if(more, std::back_inserter(numbers),
                [&](Value one) { return Algebra::typeOf(one).getRank() == rank; });
  size_t behind = numbers.size();
  llvm::append_range(numbers, op->getResults().drop_front(op.getValues().size()));
  for (Value number : numbers)
    isRead.push_back(!number.use_empty());
  if (op.getFails())
    isRead[behind] = isRead[behind + 1] = true;
  isRead.append(2, op.getFails());
  numbers.append({op.getAccepted(), op.getTime()}); // as a component and an error are
  for (auto [number, read] : llvm::zip_equal(numbers, isRead))
    if (read)
      types.push_back(flat(Algebra::typeOf(number)));
}

/// The scan, whose body solves one system. False where the method cannot.
bool Ensemble::scanSystems(Choose choose) {
  scan = ScanOp::create(b, loc, types, initial, "0", count.str());
  scan->setAttr(lanesAttribute, b.getUnitAttr());
  OpBuilder::InsertionGuard guard(b);
  SmallVector<Type> arguments{RankedTensorType::get({}, b.getI64Type())};
  llvm::append_range(arguments, ValueRange(initial).getTypes());
  SmallVector<Location> locations(arguments.size(), loc);
  Block *block = b.createBlock(&scan.getBody(), {}, arguments, locations);
  Value index = block->getArgument(0);
  ode::SolveOp system = one(index);
  std::unique_ptr<RightHandSide> rhs = choose(system);
  ArrayRef<BlockArgument> carried = block->getArguments().drop_front();
  Lane lane{index, Leaves(carried.drop_back(numTables)), Leaves(carried.take_back(numTables)), scan,
            SolveLoops::readsWork(op)};
  SolveLoops loops(system, *rhs, b, lane);
  if (!loops.isPossible())
    return false;
  Solution end = loops.solve();
  Leaves yielded = end.states, found = end.counts;
  llvm::append_range(yielded, end.tables);
  found.append({end.time, m.cast(end.status, b.getI32Type()), end.accepted,
                m.sub(end.rounds, end.accepted), end.evaluations, end.component, end.errorSquared});
  for (auto [number, read] : llvm::zip_equal(found, isRead))
    if (read)
      yielded.push_back(number);
  YieldOp::create(b, loc, yielded);
  rhs.reset();
  system.erase();
  return true;
}

/// The results of the op: states, tables and numbers as it has them, the other counts behind.
Leaves Ensemble::inOrder(ArrayRef<Value> carried, ArrayRef<Value> counts) {
  size_t table = op.getStates().size(), number = 0;
  Leaves results(carried.take_front(table));
  for (Value one : more)
    results.push_back(Algebra::typeOf(one).getRank() > rank ? carried[table++] : counts[number++]);
  llvm::append_range(results, counts.drop_front(number));
  for (auto [result, old] : llvm::zip_equal(results, op->getResults()))
    if (result && result.getType() != old.getType())
      result = ReshapeOp::create(b, loc, old.getType(), result);
  return results;
}

Leaves Ensemble::expand(Choose choose) {
  carry();
  carryCounts();
  if (!scanSystems(choose))
    return {};
  ResultRange results = scan.getResults();
  Leaves counts(isRead.size());
  size_t next = initial.size();
  for (auto [number, read] : llvm::zip_equal(counts, isRead))
    if (read)
      number = results[next++];
  Solution ends;
  ends.errorSquared = counts.pop_back_val();
  ends.component = counts.pop_back_val();
  ends.time = counts[more.size() - numTables];
  ends.status = counts[more.size() - numTables + 1];
  if (op.getFails())
    check(ends);
  return inOrder(Leaves(results.take_front(initial.size())), counts);
}

} // namespace

Leaves expandLanes(ode::SolveOp op,
                   llvm::function_ref<std::unique_ptr<RightHandSide>(ode::SolveOp one)> choose) {
  return Ensemble(op).expand(choose);
}

} // namespace mad
