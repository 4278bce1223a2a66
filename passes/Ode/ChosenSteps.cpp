//===- ChosenSteps.cpp - Steps that the error chooses ---------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadMathOps.h"
#include "dialects/Ode/Tableaus/Control.h"
#include "passes/Ode/Regions.h"
#include "passes/Ode/SolveLoops.h"
#include <cmath>
#include <limits>

using namespace mlir;

namespace mad {

using ode::Controller;
using ode::Status;

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
    return m.select(finite, code(Status::StepTooSmall), code(Status::NotFinite));
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

/// The length of the step behind one of h; whether the solve is stuck: a rejected step would have
/// to be shorter than any may be.
Value SolveLoops::chooseStep(State &state, const State &now, const StepMethod::Trial &trial,
                             Value h, Value accept, Value logError) {
  Controller control = Controller::of(op.getController().str(), method->order(), op.getGains());
  Type type = Algebra::typeOf(logError).getElementType();
  auto number = [&](double value) { return m.number(type, value); };
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
  if (trial.ratioAccepted) {
    // What `bdf` knows is of equal steps, but the least one grows with the time.
    Value isKept = m.compare(Predicate::eq, trial.ratioAccepted, m.real(1));
    state.h = m.select(m.both(accept, isKept), change, state.h);
  }
  Value leastOld = number(2 * std::log2(Controller::leastOld));
  state.logOld = m.select(accept, m.greater(logError, leastOld), now.logOld);
  if (now.logOlder)
    state.logOlder = m.select(accept, now.logOld, now.logOlder);
  Value stuck = m.both(m.no(accept), m.compare(Predicate::lt, change, bound));
  if (trial.ratioRejected) // the same step again, with a newer Jacobian, is none that is shorter
    stuck = m.both(stuck, m.compare(Predicate::lt, change, length));
  return stuck;
}

SolveLoops::State SolveLoops::adaptiveStep(const State &now, Value round) {
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
  Value accept = m.compare(Predicate::le, error, m.number(type, 1));
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
  Value stuck = chooseStep(state, now, trial, h, accept, logError);
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
  state.status = m.select(lost, code(Status::NotFinite), state.status);
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
  state.status = m.select(unfinished, code(Status::TooManySteps), state.status);
  if (state.component) {
    // Of what is no step's fault there is none.
    Value isStep = m.truth(false);
    for (Status why : {Status::TooManySteps, Status::StepTooSmall, Status::NotFinite})
      isStep = m.either(isStep, m.compare(Predicate::eq, state.status, code(why)));
    state.component = m.select(isStep, state.component, m.integer(-1));
    Value none = m.number(Algebra::typeOf(state.errorSquared).getElementType(), -1);
    state.errorSquared = m.select(isStep, state.errorSquared, none);
  }
  return state;
}

} // namespace mad
