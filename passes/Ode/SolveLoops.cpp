//===- SolveLoops.cpp - The loop of steps of a solve ------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Numbers of the step control are f64 scalars, which loops carry in registers. Nothing in a
// round allocates: states change places with their successors (passes/Conversion/MadToLinalg).
//
//===----------------------------------------------------------------------===//
#include "passes/Ode/SolveLoops.h"
#include "dialects/Mad/IR/MadMathOps.h"
#include "dialects/Ode/Tableaus/Control.h"
#include "passes/Ode/Regions.h"
#include <limits>

using namespace mlir;

namespace mad {

using ode::Controller;
using ode::Status;

SolveLoops::SolveLoops(ode::SolveOp op, RightHandSide &rhs, OpBuilder &b, Lane lane)
    : op(op), rhs(rhs), b(b), lane(std::move(lane)), m(op, rhs, b),
      method(StepMethod::of(op, rhs, m, this->lane.index)), element(m.element) {
  if (method)
    method->countsWork = this->lane.index ? this->lane.countsWork : readsWork(op);
}

bool SolveLoops::readsWork(ode::SolveOp op) {
  return llvm::any_of(op.getWork(), [](Value count) { return !count.use_empty(); });
}

//===----------------------------------------------------------------------===//
// What a loop carries
//===----------------------------------------------------------------------===//

Leaves SolveLoops::loop(const State &initial, StringRef limit, Value &rounds,
                        llvm::function_ref<Value(const State &, Value)> condition,
                        llvm::function_ref<State(const State &, Value)> body) {
  auto pack = [](const State &state) {
    Leaves values;
    eachValue(state, [&](Value value) { values.push_back(value); });
    return values;
  };
  auto unpack = [&](const Leaves &values) {
    State state = initial;
    size_t next = 0;
    eachValue(state, [&](Value &value) { value = values[next++]; });
    return state;
  };
  Leaves results = iterate(
      m, pack(initial), limit,
      [&](Value round, const Leaves &values) { return condition(unpack(values), round); },
      [&](Value round, const Leaves &values) { return pack(body(unpack(values), round)); });
  rounds = results.pop_back_val();
  return results;
}

//===----------------------------------------------------------------------===//
// Before the first step
//===----------------------------------------------------------------------===//

void SolveLoops::begin() {
  from = op.getFrom();
  to = op.getTo();
  times = op.getSave();
  Value way = m.sub(to, from);
  span = m.abs(way);
  direction = m.select(m.compare(Predicate::ge, way, m.real(0)), m.real(1), m.real(-1));
  if (op.isAdaptive()) {
    OpBuilder::InsertionGuard guard(b);
    bool areOwn = hasOwnTolerances();
    if (lane.around && !areOwn)
      b.setInsertionPoint(lane.around);
    m.splitTolerances(rhs.isScalar(), areOwn);
  }
  carriesF = op.isAdaptive() || method->needsRates() || hasEvents();
}

/// Whether this system of an ensemble has tolerances of its own: they are made in its loop.
bool SolveLoops::hasOwnTolerances() {
  auto isOwn = [&](Value tolerance) {
    return lane.around->isAncestor(tolerance.getParentRegion()->getParentOp());
  };
  return lane.around && (isOwn(op.getRtol()) || isOwn(op.getAtol()));
}

/// Of all systems together, where they have the same.
Value SolveLoops::goodTolerances() {
  OpBuilder::InsertionGuard guard(b);
  bool areOwn = hasOwnTolerances();
  if (lane.around && !areOwn)
    b.setInsertionPoint(lane.around);
  Value zero = m.real(0), good = m.truth(true);
  Leaves rtols = m.numbersOf(op.getRtol(), areOwn && rhs.isScalar());
  Leaves atols = m.numbersOf(op.getAtol(), areOwn && rhs.isScalar());
  for (size_t i = 0; i < std::max(rtols.size(), atols.size()); ++i) {
    Value rtol = rtols[rtols.size() > 1 ? i : 0], atol = atols[atols.size() > 1 ? i : 0];
    Value both = m.add(rtol, atol);
    Value fits = m.both(m.compare(Predicate::gt, both, zero), m.isFinite(both));
    good = m.both(good, m.reduce(ReduceKind::all, fits));
    for (Value one : {rtol, atol})
      good = m.both(good, m.reduce(ReduceKind::all, m.compare(Predicate::ge, one, zero)));
  }
  return good;
}

Value SolveLoops::badOptions() {
  Value zero = m.real(0), good = m.both(m.isFinite(from), m.isFinite(to));
  auto require = [&](Value condition) { good = m.both(good, condition); };
  auto atLeast = [&](Value x) { return m.compare(Predicate::ge, x, zero); };
  auto positive = [&](Value x) { return m.compare(Predicate::gt, x, zero); };
  if (op.isAdaptive())
    require(goodTolerances());
  for (Value step : {op.getStep(), op.getFirst()})
    if (step)
      require(m.both(positive(step), m.isFinite(step)));
  if (op.getMinStep())
    require(atLeast(op.getMinStep()));
  if (op.getMaxStep())
    require(positive(op.getMaxStep()));
  if (std::optional<StringRef> steps = op.getSteps()) {
    Value count = DimOp::create(b, op.getLoc(), RankedTensorType::get({}, b.getI64Type()), *steps);
    require(m.either(m.compare(Predicate::ge, count, m.integer(1)),
                     m.compare(Predicate::eq, span, zero)));
  }
  return m.no(good);
}

Value SolveLoops::badTimes() {
  auto type = Algebra::typeOf(times);
  auto before = AffineMap::get(1, 0, b.getAffineDimExpr(0) - 1, b.getContext());
  Value up, down;
  {
    OpBuilder::InsertionGuard guard(b);
    if (lane.around)
      b.setInsertionPoint(lane.around);
    Value previous =
        ViewOp::create(b, op.getLoc(), type, times, ValueRange(), before, Boundary::clamp);
    Value way = m.sub(times, previous);
    up = m.reduce(ReduceKind::all, m.compare(Predicate::ge, way, m.real(0)));
    down = m.reduce(ReduceKind::all, m.compare(Predicate::le, way, m.real(0)));
  }
  Value good = m.select(m.compare(Predicate::gt, direction, m.real(0)), up, down);
  // They ascend, so the first one and the last one say where all are.
  Value count = DimOp::create(b, op.getLoc(), RankedTensorType::get({}, b.getI64Type()),
                              dimExpr(type, 0).str());
  Value any = m.compare(Predicate::gt, count, m.integer(0));
  return m.no(m.both(good, ifElse(m, any, {m.truth(true)}, [&] {
                       Value slack = m.mul(m.real(-ode::saveSlack), span);
                       auto isBehind = [&](Value time, Value other) {
                         return m.compare(Predicate::ge, m.mul(direction, m.sub(time, other)),
                                          slack);
                       };
                       Value first = m.at(times, m.integer(0)), last = m.at(times, count, -1);
                       return Leaves{m.both(isBehind(first, from), isBehind(to, last))};
                     })[0]));
}

/// The least step from t.
Value SolveLoops::least(Value t) {
  double ulps = Controller::smallestSteps * std::numeric_limits<double>::epsilon();
  Value far = m.mul(m.real(Controller::nearZero), m.abs(to));
  Value least = m.mul(m.real(ulps), m.add(m.abs(t), far));
  return op.getMinStep() ? m.greater(op.getMinStep(), least) : least;
}

SolveLoops::State SolveLoops::start() {
  State state;
  state.t = from;
  state.status = m.select(badOptions(), code(Status::BadOption), m.integer(0));
  state.y = rhs.initial(b);
  if (op.getFails())
    state.component = m.integer(-1);
  if (op.getSaveSteps()) {
    emptySaved(state);
    saveReached(state, m.compare(Predicate::eq, state.status, m.integer(0)), goesOn(from, {}));
  }
  if ((saves() || op.getDense() || hasEvents()) && method->denseStages())
    state.denseSteps = m.integer(0);
  if (!saves())
    return state;
  Value good = m.compare(Predicate::eq, state.status, m.integer(0));
  state.status = m.select(m.both(good, badTimes()), code(Status::SaveOutside), state.status);
  good = m.compare(Predicate::eq, state.status, m.integer(0));
  emptySaved(state);
  saveWhile(state, good, from, [&](Value) { return state.y; });
  return state;
}

//===----------------------------------------------------------------------===//
// All of it
//===----------------------------------------------------------------------===//

Solution SolveLoops::solve() {
  begin();
  State state = start();
  Value firstStatus = state.status, rounds;
  state = op.isAdaptive() ? adaptive(state, rounds) : fixed(state, rounds);
  if (saves()) {
    // Those that are behind the end, by no more than the slack.
    Value good = m.compare(Predicate::eq, state.status, m.integer(0));
    if (state.ended)
      good = m.both(good, m.no(state.ended));
    Value forever = m.mul(direction, m.real(std::numeric_limits<double>::infinity()));
    saveWhile(state, good, forever, [&](Value) { return state.y; });
  }
  Value before;
  if (carriesF) {
    Value ran = op.isAdaptive() ? m.both(m.compare(Predicate::eq, firstStatus, m.integer(0)),
                                         m.compare(Predicate::ne, from, to))
                                : m.compare(Predicate::gt, rounds, m.integer(0));
    int64_t count = op.isAdaptive() && !op.getFirst() ? 2 : 1;
    before = m.select(ran, m.integer(count), m.integer(0));
  }
  Value evaluations = method->evaluations(rounds, state.accepted, before, state.memory);
  if (state.denseSteps)
    evaluations = m.add(evaluations, m.mul(state.denseSteps, m.integer(method->denseStages())));
  if (state.restarts)
    evaluations = m.add(evaluations, state.restarts);
  Leaves results;
  if (saves() || savesSteps())
    results = state.saved;
  else if (!lane.index)
    results = rhs.states(b, state.y);
  else
    for (auto [number, all] : llvm::enumerate(lane.all))
      results.push_back(rhs.stored(b, all, number, state.y, lane.index));
  Leaves tables = state.dense, counts;
  if (op.getSaveSteps()) {
    tables.push_back(state.savedTimes);
    Value steps = m.max(m.sub(state.count, m.integer(1)), m.integer(0));
    counts.push_back(op.getDense() ? steps : state.count);
  }
  if (hasEvents()) {
    tables.append({state.eventTimes, state.eventNumbers});
    counts.push_back(state.eventCount);
  }
  if (op.getCountsWork()) {
    StepMethod::Work work;
    if (method->countsWork)
      work = method->work(rounds, state.memory);
    for (Value count : {work.jacobians, work.factorisations, work.iterations})
      counts.push_back(count ? count : m.integer(0));
  }
  Value error;
  if (state.component)
    error = state.errorSquared ? m.cast(state.errorSquared, b.getF64Type()) : m.real(-1);
  return {results,        tables, counts,      state.t,         state.status,
          state.accepted, rounds, evaluations, state.component, error};
}

SmallVector<Value> SolveLoops::build() {
  Solution solution = solve();
  if (op.getFails())
    checkSolved(b, op, solution);
  SmallVector<Value> results = solution.states;
  ArrayRef<Value> tables = solution.tables;
  llvm::append_range(results, tables.drop_back(hasEvents() ? 2 : 0));
  if (op.getSaveSteps())
    results.push_back(solution.counts.front());
  if (hasEvents()) {
    llvm::append_range(results, tables.take_back(2));
    results.push_back(solution.counts[op.getSaveSteps() ? 1 : 0]);
  }
  llvm::append_range(results, ArrayRef(solution.counts).take_back(op.getWork().size()));
  for (auto [result, type] : llvm::zip(results, op.getValues().getTypes()))
    if (result.getType() != type)
      result = ReshapeOp::create(b, op.getLoc(), type, result);
  results.append({solution.time, m.cast(solution.status, b.getI32Type()), solution.accepted,
                  m.sub(solution.rounds, solution.accepted), solution.evaluations});
  return results;
}

} // namespace mad
