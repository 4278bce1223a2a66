//===- GivenSteps.cpp - Steps of a given size or number -------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Ode/Tableaus/Control.h"
#include "passes/Ode/Regions.h"
#include "passes/Ode/SolveLoops.h"
#include <limits>

using namespace mlir;

namespace mad {

using ode::Status;

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
  state.status =
      m.select(m.both(good, isLeft(done(state, rounds))), code(Status::TooManySteps), state.status);
  Value finite = m.truth(true);
  for (Value y : rhs.elements(b, state.y))
    finite = m.both(finite, m.reduce(ReduceKind::all, m.isFinite(y)));
  good = m.compare(Predicate::eq, state.status, m.integer(0));
  Value lost = m.both(good, m.no(finite));
  state.status = m.select(lost, code(Status::NotFinite), state.status);
  if (state.component)
    state.component = ifElse(m, lost, {state.component}, [&] {
      Leaves badness;
      for (Value y : state.y)
        badness.push_back(m.select(m.isFinite(y), m.number(element, 0), m.number(element, 1)));
      return Leaves{m.largest(badness)};
    })[0];
  return state;
}

} // namespace mad
