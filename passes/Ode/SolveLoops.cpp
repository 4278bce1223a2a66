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
#include <cmath>
#include <limits>

using namespace mlir;

namespace mad {

using ode::Controller;
using ode::Status;

static int64_t codeOf(Status status) { return static_cast<int64_t>(status); }

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
    if (lane.around)
      b.setInsertionPoint(lane.around);
    m.splitTolerances(rhs.isScalar());
  }
  carriesF = op.isAdaptive() || method->needsRates() || hasEvents();
}

/// Of all systems, where there are several.
Value SolveLoops::goodTolerances() {
  OpBuilder::InsertionGuard guard(b);
  if (lane.around)
    b.setInsertionPoint(lane.around);
  Value rtol = op.getRtol(), atol = op.getAtol(), both = m.add(rtol, atol), zero = m.real(0);
  Value good = m.both(m.compare(Predicate::gt, both, zero), m.isFinite(both));
  for (Value one : {rtol, atol})
    good = m.both(m.reduce(ReduceKind::all, good),
                  m.reduce(ReduceKind::all, m.compare(Predicate::ge, one, zero)));
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

/// Hairer, Norsett, Wanner: Solving Ordinary Differential Equations I, II.4.
Value SolveLoops::initialStep(const Leaves &y, const Leaves &f) {
  Value count = m.size();
  auto rms = [&](const Leaves &x) {
    Value mean = m.div(m.sumOfSquares(x, y, y), count);
    return Value(SqrtOp::create(b, op.getLoc(), mean.getType(), mean));
  };
  Value d0 = rms(y), d1 = rms(f), small = m.real(1e-5);
  Value isSmall =
      m.either(m.compare(Predicate::lt, d0, small), m.compare(Predicate::lt, d1, small));
  Value h0 = m.select(isSmall, m.real(1e-6), m.mul(m.real(0.01), m.div(d0, d1)));
  // Where f is not finite there, one that is NaN does not count.
  h0 = m.lesser(span, h0);
  Value step = m.mul(direction, h0);
  Leaves moved = m.combined(y, step, {1.0}, {f});
  Leaves g = rhs.evaluate(b, m.add(from, step), moved);
  for (auto [x, old] : llvm::zip_equal(g, f))
    x = m.sub(x, old);
  Value d2 = m.div(rms(g), h0), most = m.greater(d2, d1);
  Value root = m.exp(m.div(m.log(m.div(m.real(0.01), most)), m.real(method->firstOrder())));
  Value flat = m.max(m.real(1e-6), m.mul(m.real(1e-3), h0));
  Value h1 = m.select(m.compare(Predicate::le, most, m.real(1e-15)), flat, root);
  return m.lesser(h1, m.mul(m.real(100), h0));
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
  state.status = m.select(badOptions(), m.integer(codeOf(Status::BadOption)), m.integer(0));
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
  state.status =
      m.select(m.both(good, badTimes()), m.integer(codeOf(Status::SaveOutside)), state.status);
  good = m.compare(Predicate::eq, state.status, m.integer(0));
  emptySaved(state);
  saveWhile(state, good, from, [&](Value) { return state.y; });
  return state;
}

//===----------------------------------------------------------------------===//
// Chosen steps
//===----------------------------------------------------------------------===//

/// Where no step is small enough. In f32 a square may be infinite where no error is. Where it is
/// the last round, the component to blame is found, too: the solve may need more.
void SolveLoops::giveUp(State &state, const State &now, const StepMethod::Trial &trial, Value stuck,
                        Value round) {
  auto units = [&] {
    Leaves units;
    for (auto [leaf, error] : llvm::enumerate(trial.errors))
      units.push_back(m.abs(m.unitOf(error, now.y[leaf], trial.end[leaf], leaf)));
    return units;
  };
  auto why = [&](Value finite) {
    return m.select(finite, m.integer(codeOf(Status::StepTooSmall)),
                    m.integer(codeOf(Status::NotFinite)));
  };
  bool narrow = Algebra::typeOf(trial.errorSquared).getElementType().isF32();
  if (!narrow)
    state.status = m.select(stuck, why(m.isFinite(trial.errorSquared)), state.status);
  if (!narrow && !now.component)
    return;
  Leaves before;
  if (narrow)
    before.push_back(state.status);
  Value ends = stuck;
  if (now.component) {
    before.push_back(now.component);
    state.errorSquared = trial.errorSquared;
    auto rounds = static_cast<int64_t>(op.getMaxSteps());
    ends = m.either(stuck, m.compare(Predicate::eq, round, m.integer(rounds - 1)));
  }
  Leaves found = ifElse(m, ends, before, [&] {
    Leaves all = units(), found;
    if (narrow) {
      Value finite = m.truth(true);
      for (Value unit : rhs.elements(b, all))
        finite = m.both(finite, m.isFinite(unit));
      found.push_back(m.select(stuck, why(finite), state.status));
    }
    if (now.component)
      found.push_back(m.largest(all));
    return found;
  });
  if (now.component)
    state.component = found.pop_back_val();
  if (narrow)
    state.status = found.pop_back_val();
}

SolveLoops::State SolveLoops::adaptiveStep(const State &now, Value round) {
  Controller control = Controller::of(op.getController().str(), method->order(), op.getGains());
  // All of a step waits for h: what can be known without it is.
  Value rest = m.sub(to, now.t);
  Value near = m.mul(m.abs(rest), m.real(1 / (1 + ode::endSlack)));
  Value isLast = m.compare(Predicate::ge, now.h, near);
  Value isBack = m.compare(Predicate::lt, direction, m.real(0));
  Value h = m.select(isLast, rest, m.select(isBack, m.negate(now.h), now.h));
  Value next = m.select(isLast, to, m.add(now.t, h));
  StepMethod::Point point{now.t, now.y, now.memory};
  StepMethod::Trial trial = method->attempt(point, h, next);
  Value error = trial.errorSquared;
  Type type = Algebra::typeOf(error).getElementType();
  auto number = [&](double value) { return m.number(type, value); };
  Value accept = m.compare(Predicate::le, error, number(1));
  // Of the square; the next step waits for what follows.
  Value logError = ode::Log2Op::create(b, op.getLoc(), error.getType(), error);

  State state = now;
  state.accepted = m.add(now.accepted, m.cast(accept, b.getI64Type()));
  state.memory = method->remember(point, trial, accept);
  Found found{{}, next, trial.end, {}};
  if (hasEvents())
    found = findEvent(state, now, point, trial, accept);
  state.t = m.select(accept, found.time, now.t);
  state.y = m.chosen(accept, found.y, now.y);
  if (saves())
    saveStep(state, point, trial, accept, found.time);
  if (op.getDense())
    saveDense(state, point, trial, accept, found.time, found.y);
  if (op.getSaveSteps())
    saveReached(state, accept, goesOn(state.t, found.fired));

  Value old = m.select(accept, m.mul(number(control.oldExponent / 2), now.logOld), number(0));
  if (now.logOlder)
    old = m.sub(
        old, m.select(accept, m.mul(number(control.olderExponent / 2), now.logOlder), number(0)));
  old = m.add(old, number(std::log2(Controller::gamma)));
  Value power = m.add(old, m.mul(number(-control.errorExponent / 2), logError));
  Value isFirst = m.compare(Predicate::eq, now.accepted, m.integer(0));
  auto ofFirst = [&](double first, double other) {
    return m.select(isFirst, number(first), number(other));
  };
  Value length = m.abs(h), bound = least(state.t);
  auto changed = [&](Value ratio) { return m.mul(length, m.cast(ratio, b.getF64Type())); };
  // Behind a rejected step the wish is less than 1, or NaN: one ratio does for both. Its bounds are
  // those of its logarithm, which is known earlier.
  Value ratio = ode::Exp2Op::create(b, op.getLoc(), power.getType(), power, /*inside=*/true);
  Value most = ofFirst(Controller::growFirst, Controller::grow);
  Value isMore = m.compare(Predicate::gt, power,
                           ofFirst(std::log2(Controller::growFirst), std::log2(Controller::grow)));
  Value isWanted = m.compare(Predicate::gt, power, number(std::log2(Controller::shrink)));
  ratio = m.select(isWanted, m.select(isMore, most, ratio), number(Controller::shrink));
  Value change = changed(trial.ratioAccepted ? trial.ratioAccepted : ratio);
  if (op.getMaxStep())
    change = m.lesser(change, op.getMaxStep());
  if (trial.ratioAccepted || trial.ratioRejected || trial.converged) {
    Value shrunk = changed(trial.ratioRejected ? trial.ratioRejected : ratio);
    if (trial.converged)
      shrunk = m.select(trial.converged, shrunk, m.mul(length, m.real(ode::NewtonControl::shrink)));
    change = m.select(accept, change, shrunk);
  }
  // Where a rejected step would be less, the loop ends.
  state.h = m.greater(change, bound);
  Value leastOld = number(2 * std::log2(Controller::leastOld));
  state.logOld = m.select(accept, m.greater(logError, leastOld), now.logOld);
  if (now.logOlder)
    state.logOlder = m.select(accept, now.logOld, now.logOlder);

  Value stuck = m.both(m.no(accept), m.compare(Predicate::lt, change, bound));
  giveUp(state, now, trial, stuck, round);
  if (hasEvents())
    happen(state, found);
  return state;
}

SolveLoops::State SolveLoops::adaptive(State state, Value &rounds) {
  // Where nothing is solved, the right-hand side is not asked: it may fail.
  Value moves = m.both(m.compare(Predicate::eq, state.status, m.integer(0)),
                       m.compare(Predicate::ne, from, to));
  Leaves idle = state.y;
  idle.push_back(m.real(0));
  Leaves rates = ifElse(m, moves, idle, [&] {
    Leaves made = rhs.evaluate(b, state.t, state.y);
    made.push_back(op.getFirst() ? Value(op.getFirst()) : initialStep(state.y, made));
    return made;
  });
  Value h = rates.pop_back_val();
  Value lost = m.both(moves, m.no(m.isFinite(h)));
  state.status = m.select(lost, m.integer(codeOf(Status::NotFinite)), state.status);
  if (state.component)
    state.component = ifElse(m, lost, {state.component}, [&] {
      Leaves sizes;
      for (Value f : rates)
        sizes.push_back(m.abs(f));
      return Leaves{m.largest(sizes)};
    })[0];
  if (op.getMaxStep())
    h = m.min(h, op.getMaxStep());
  state.h = m.max(h, least(from));
  state.memory = method->begin(state.y, rates);
  state.logOld = m.number(method->errorType(state.y), 2 * std::log2(Controller::leastOld));
  if (op.getGains() && op.getGains()[2] != 0)
    state.logOlder = state.logOld;
  state.accepted = m.integer(0);
  if (state.component)
    state.errorSquared = m.number(method->errorType(state.y), -1);
  if (hasEvents())
    beginEvents(state, moves, rates);
  auto isDone = [&](const State &now) {
    Value there = m.compare(Predicate::eq, now.t, to);
    return now.ended ? m.either(there, now.ended) : there;
  };
  std::string limit = std::to_string(static_cast<int64_t>(op.getMaxSteps()));
  Leaves results = loop(
      state, limit, rounds,
      [&](const State &now, Value) {
        return m.both(m.compare(Predicate::eq, now.status, m.integer(0)),
                      hasEvents() ? m.no(isDone(now)) : m.compare(Predicate::ne, now.t, to));
      },
      [&](const State &now, Value round) { return adaptiveStep(now, round); });
  size_t at = 0;
  eachValue(state, [&](Value &value) { value = results[at++]; });
  Value unfinished =
      m.both(m.compare(Predicate::eq, state.status, m.integer(0)), m.no(isDone(state)));
  state.status = m.select(unfinished, m.integer(codeOf(Status::TooManySteps)), state.status);
  if (state.component) {
    // Of what is no step's fault there is none.
    Value isStep = m.truth(false);
    for (Status why : {Status::TooManySteps, Status::StepTooSmall, Status::NotFinite})
      isStep = m.either(isStep, m.compare(Predicate::eq, state.status, m.integer(codeOf(why))));
    state.component = m.select(isStep, state.component, m.integer(-1));
  }
  return state;
}

//===----------------------------------------------------------------------===//
// Given steps
//===----------------------------------------------------------------------===//

SolveLoops::State SolveLoops::fixedStep(const State &now, Value i, Value count, Value h) {
  Value number = m.cast(m.add(i, m.integer(1)), b.getF64Type());
  Value isLast = m.compare(Predicate::ge, number, count);
  Value next = m.select(isLast, to, m.add(from, m.mul(number, h)));
  Value step = m.select(isLast, m.sub(to, now.t), h);
  if (hasEvents())
    step = restOfStep(now, isLast, m.add(from, m.mul(m.cast(i, b.getF64Type()), h)), next, h);
  StepMethod::Point point{now.t, now.y, now.memory};
  StepMethod::Trial trial = method->attempt(point, step, next);
  State state = now;
  state.memory = method->remember(point, trial, m.truth(true));
  Found found{{}, next, trial.end, {}};
  if (hasEvents()) {
    found = findEvent(state, now, point, trial, m.truth(true));
    state.h = m.abs(step);
    Value isWhole = m.compare(Predicate::eq, found.time, next);
    state.whole = m.add(now.whole, m.cast(isWhole, b.getI64Type()));
  }
  state.t = found.time;
  state.y = found.y;
  if (saves())
    saveStep(state, point, trial, m.truth(true), found.time);
  if (op.getDense())
    saveDense(state, point, trial, m.truth(true), found.time, found.y);
  if (op.getSaveSteps())
    saveReached(state, m.truth(true), goesOn(state.t, found.fired));
  if (hasEvents())
    happen(state, found);
  return state;
}

/// Behind an event a step is the rest of the one that it has ended.
Value SolveLoops::restOfStep(const State &now, Value isLast, Value begin, Value next, Value h) {
  Value isWhole = m.both(m.no(isLast), m.compare(Predicate::eq, now.t, begin));
  return m.select(isWhole, h, m.sub(next, now.t));
}

/// A last step with a length of its own, where all in front of it were done.
void SolveLoops::shortStep(State &state, Value isShort, Value &rounds, Value count, Value h) {
  Value done = m.cast(m.add(rounds, m.integer(1)), b.getF64Type());
  Value isNext = m.both(isShort, m.compare(Predicate::eq, done, count));
  isNext = m.both(isNext, m.compare(Predicate::eq, state.status, m.integer(0)));
  auto most = static_cast<int64_t>(op.getMaxSteps());
  isNext = m.both(isNext, m.compare(Predicate::lt, rounds, m.integer(most)));
  Leaves before;
  eachValue(state, [&](Value value) { before.push_back(value); });
  Leaves results = ifElse(m, isNext, before, [&] {
    method->equalSteps(h, state.y);
    State end = fixedStep(state, rounds, count, h);
    Leaves after;
    eachValue(end, [&](Value value) { after.push_back(value); });
    return after;
  });
  size_t at = 0;
  eachValue(state, [&](Value &value) { value = results[at++]; });
  rounds = m.add(rounds, m.cast(isNext, b.getI64Type()));
}

SolveLoops::State SolveLoops::fixed(State state, Value &rounds) {
  Value count, h, zero = m.real(0);
  std::string limit = std::to_string(static_cast<int64_t>(op.getMaxSteps()));
  if (std::optional<StringRef> steps = op.getSteps()) {
    limit = steps->str();
    count = m.cast(DimOp::create(b, op.getLoc(), RankedTensorType::get({}, b.getI64Type()), limit),
                   b.getF64Type());
    h = m.div(m.sub(to, from), count);
  } else {
    count = m.ceil(m.mul(m.div(span, op.getStep()), m.real(1 - ode::endSlack)));
    h = m.mul(direction, op.getStep());
  }
  count = m.select(m.compare(Predicate::eq, span, zero), zero, count);
  Value moves = m.both(m.compare(Predicate::eq, state.status, m.integer(0)),
                       m.compare(Predicate::gt, count, zero));
  // Where nothing is solved, the right-hand side is not asked: it may fail.
  Leaves rates = state.y;
  if (carriesF)
    rates = ifElse(m, moves, state.y, [&] { return rhs.evaluate(b, state.t, state.y); });
  state.memory = method->begin(state.y, rates);
  if (hasEvents()) {
    // Each event may end a step, and the rest of it is one more.
    if (op.getSteps())
      limit = (*DimExpr::parse(limit) + *DimExpr::parse(*op.getMaxEvents())).str();
    state.h = m.abs(h);
    state.whole = m.integer(0);
    beginEvents(state, moves, rates);
  }
  // A last step that is shorter than all others may need a code of its own.
  Value isShort, last, equal = count;
  if (method->needsEqualSteps()) {
    method->equalSteps(h, state.y);
    if (op.getStep()) {
      last = m.sub(to, m.add(from, m.mul(m.sub(count, m.real(1)), h)));
      double units = ode::equalSteps * std::numeric_limits<double>::epsilon();
      Value slack = m.mul(m.real(units), m.greater(m.abs(from), m.abs(to)));
      isShort = m.both(moves, m.compare(Predicate::gt, m.abs(m.sub(last, h)), slack));
      equal = m.select(isShort, m.sub(count, m.real(1)), count);
    }
  }
  auto isLeft = [&](Value done) {
    return m.compare(Predicate::lt, m.cast(done, b.getF64Type()), count);
  };
  auto done = [&](const State &now, Value round) { return now.whole ? now.whole : round; };
  Leaves results = loop(
      state, limit, rounds,
      [&](const State &now, Value i) {
        Value more = m.compare(Predicate::lt, m.cast(done(now, i), b.getF64Type()), equal);
        Value goes = m.both(m.compare(Predicate::eq, now.status, m.integer(0)), more);
        return now.ended ? m.both(goes, m.no(now.ended)) : goes;
      },
      [&](const State &now, Value i) { return fixedStep(now, done(now, i), count, h); });
  size_t at = 0;
  eachValue(state, [&](Value &value) { value = results[at++]; });
  if (isShort)
    shortStep(state, isShort, rounds, count, last);
  state.accepted = rounds;
  Value good = m.compare(Predicate::eq, state.status, m.integer(0));
  if (state.ended)
    good = m.both(good, m.no(state.ended));
  state.status = m.select(m.both(good, isLeft(done(state, rounds))),
                          m.integer(codeOf(Status::TooManySteps)), state.status);
  Value finite = m.truth(true);
  for (Value y : rhs.elements(b, state.y))
    finite = m.both(finite, m.reduce(ReduceKind::all, m.isFinite(y)));
  good = m.compare(Predicate::eq, state.status, m.integer(0));
  Value lost = m.both(good, m.no(finite));
  state.status = m.select(lost, m.integer(codeOf(Status::NotFinite)), state.status);
  if (state.component)
    state.component = ifElse(m, lost, {state.component}, [&] {
      Leaves badness;
      for (Value y : state.y)
        badness.push_back(m.select(m.isFinite(y), m.number(element, 0), m.number(element, 1)));
      return Leaves{m.largest(badness)};
    })[0];
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
