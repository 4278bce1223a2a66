//===- SolveEvents.cpp - Events of a solve ----------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A step that holds an event is rare, so all of it but the guards at the end of a step stands
// in a branch (dialects/Ode/README.md, "Events").
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadMathOps.h"
#include "dialects/Ode/Tableaus/Control.h"
#include "passes/Ode/Regions.h"
#include "passes/Ode/SolveLoops.h"
#include <limits>

using namespace mlir;

namespace mad {

using ode::EventSearch;
using ode::Status;

/// What a table has where nothing was written.
Value SolveLoops::emptyCell(Algebra &m, RankedTensorType table) {
  Type element = table.getElementType();
  return isa<FloatType>(element) ? m.number(element, std::numeric_limits<double>::quiet_NaN())
                                 : m.integer(-1);
}

/// The guards as f64.
Leaves SolveLoops::guardsAt(Value t, const Leaves &y) {
  Leaves guards = rhs.evaluateIn(b, t, y, op.getEventRegions()[0]);
  for (Value &guard : guards)
    guard = m.cast(guard, b.getF64Type());
  return guards;
}

/// The signs with which a step begins.
Leaves SolveLoops::signsFrom(Value t, const Leaves &y, const Leaves &rates, Value h,
                             const Leaves &fired) {
  double part = element.isF32() ? EventSearch::nudgeF32 : EventSearch::nudge;
  double ulps = EventSearch::leastNudge * ode::Controller::smallestSteps *
                std::numeric_limits<double>::epsilon();
  Value shortest = m.mul(m.real(ulps), m.greater(m.abs(t), m.abs(to)));
  Value nudge = m.mul(direction, m.greater(m.mul(m.real(part), h), shortest));
  Leaves signs = guardsAt(t, y);
  Leaves behind = guardsAt(m.add(t, nudge), m.combined(y, nudge, {1.0}, {rates}));
  for (auto [e, sign] : llvm::enumerate(signs)) {
    Value look = m.compare(Predicate::eq, sign, m.real(0));
    if (!fired.empty())
      look = m.either(look, fired[e]);
    sign = m.select(look, behind[e], sign);
  }
  return signs;
}

/// Whether each guard has passed zero since the step began.
Leaves SolveLoops::crossed(const Leaves &signs, const Leaves &now) {
  Leaves result;
  Value zero = m.real(0);
  for (auto [e, way] : llvm::enumerate(*op.getEventDirections())) {
    Value up =
        m.both(m.compare(Predicate::lt, signs[e], zero), m.compare(Predicate::ge, now[e], zero));
    Value down =
        m.both(m.compare(Predicate::gt, signs[e], zero), m.compare(Predicate::le, now[e], zero));
    result.push_back(way > 0 ? up : way < 0 ? down : m.either(up, down));
  }
  return result;
}

Value SolveLoops::anyOf(const Leaves &flags) {
  Value any = flags[0];
  for (Value flag : ArrayRef(flags).drop_front())
    any = m.either(any, flag);
  return any;
}

void SolveLoops::beginEvents(State &state, Value moves, const Leaves &rates) {
  Leaves idle(op.eventCount(), m.real(0));
  state.guards =
      ifElse(m, moves, idle, [&] { return signsFrom(state.t, state.y, rates, state.h, {}); });
  Leaves tables = lane.tables;
  if (!lane.index)
    for (Value table : op.getEventResults().take_front(2)) {
      RankedTensorType type = Algebra::typeOf(table);
      tables.push_back(m.spread(emptyCell(m, type), type));
    }
  state.eventNumbers = tables.pop_back_val();
  state.eventTimes = tables.pop_back_val();
  state.eventCount = state.restarts = m.integer(0);
  state.lastReset = from;
  state.hasReset = state.ended = m.truth(false);
}

/// A smaller bracket of the first event by ITP (Oliveira and Takahashi, 2020): where its ends are,
/// the guards there, and which of them have passed zero at the upper one.
Leaves SolveLoops::bracketed(const Leaves &signs, const Leaves &high,
                             llvm::function_ref<Leaves(Value x)> guardsIn, Value enough) {
  size_t count = op.eventCount();
  Leaves carried = {m.real(0), m.real(1), m.real(1)};
  carried.append(signs);
  carried.append(high);
  carried.append(crossed(signs, high));
  auto isWide = [&](Value, const Leaves &now) {
    return m.compare(Predicate::gt, m.sub(now[1], now[0]), enough);
  };
  auto halve = [&](Value, const Leaves &now) {
    Value low = now[0], up = now[1], radius = now[2], width = m.sub(up, low);
    Value half = m.add(low, m.mul(m.real(0.5), width)), line = up;
    for (size_t e = 0; e < count; ++e) {
      Value below = m.abs(now[3 + e]), above = m.abs(now[3 + count + e]);
      Value x = m.add(low, m.mul(width, m.div(below, m.add(below, above))));
      line = m.select(now[3 + 2 * count + e], m.lesser(x, line), line);
    }
    Value side = m.select(m.compare(Predicate::ge, half, line), m.real(1), m.real(-1));
    Value bend = m.mul(m.real(EventSearch::bend), m.mul(width, width));
    Value isNear = m.compare(Predicate::le, m.abs(m.sub(half, line)), bend);
    Value x = m.select(isNear, half, m.add(line, m.mul(side, bend)));
    Value reach = m.sub(radius, m.mul(m.real(0.5), width));
    Value isInside = m.compare(Predicate::le, m.abs(m.sub(x, half)), reach);
    x = m.select(isInside, x, m.sub(half, m.mul(side, reach)));
    Leaves middle = guardsIn(x), passed = crossed(signs, middle);
    Value any = anyOf(passed);
    Leaves next = {m.select(any, low, x), m.select(any, x, up), m.mul(m.real(0.5), radius)};
    for (size_t e = 0; e < count; ++e)
      next.push_back(m.select(any, now[3 + e], middle[e]));
    for (size_t e = 0; e < count; ++e)
      next.push_back(m.select(any, middle[e], now[3 + count + e]));
    for (size_t e = 0; e < count; ++e)
      next.push_back(m.select(any, passed[e], now[3 + 2 * count + e]));
    return next;
  };
  Leaves results = iterate(m, carried, std::to_string(EventSearch::maxRounds), isWide, halve);
  results.pop_back();
  return results;
}

/// The first event of an accepted step: whether there is one, its time, the states there, and which
/// events happen. Without one the end of the step.
SolveLoops::Found SolveLoops::findEvent(State &state, const State &now,
                                        const StepMethod::Point &point,
                                        const StepMethod::Trial &trial, Value accept) {
  size_t count = op.eventCount();
  Leaves idle = now.guards;
  Leaves high = ifElse(m, accept, idle, [&] { return guardsAt(trial.next, trial.end); });
  Found found;
  found.any = m.both(accept, anyOf(crossed(now.guards, high)));
  Leaves otherwise = {trial.next};
  otherwise.append(trial.end);
  otherwise.append(count, m.truth(false));
  if (state.denseSteps)
    otherwise.push_back(state.denseSteps);
  Leaves results = ifElse(m, found.any, otherwise, [&] {
    SmallVector<Leaves> stages = method->completed(point, trial);
    Value size = m.div(m.greater(m.abs(point.t), m.abs(trial.next)), m.abs(trial.h));
    Value enough = m.mul(m.real(EventSearch::ulps * std::numeric_limits<double>::epsilon()),
                         m.greater(size, m.real(1)));
    auto timeOf = [&](Value x) { return m.add(point.t, m.mul(x, trial.h)); };
    Leaves bracket = bracketed(
        now.guards, high,
        [&](Value x) {
          Value time = timeOf(x);
          return guardsAt(time, method->interpolated(point, trial, stages, time));
        },
        enough);
    Value isEnd = m.compare(Predicate::eq, bracket[1], m.real(1));
    Value time = m.select(isEnd, trial.next, timeOf(bracket[1]));
    Leaves made = {time};
    made.append(method->interpolated(point, trial, stages, time));
    made.append(bracket.begin() + 3 + 2 * count, bracket.end());
    if (state.denseSteps)
      made.push_back(m.add(state.denseSteps, m.integer(1)));
    return made;
  });
  size_t leaves = trial.end.size();
  found.time = results[0];
  found.y.assign(results.begin() + 1, results.begin() + 1 + leaves);
  found.fired.assign(results.begin() + 1 + leaves, results.begin() + 1 + leaves + count);
  if (state.denseSteps)
    state.denseSteps = results.back();
  state.guards = high;
  return found;
}

/// Whether there is more to save behind the states at t, where these events happen: other states at
/// the same time, or those of a further step.
Value SolveLoops::goesOn(Value t, const Leaves &fired) {
  Value more = m.compare(Predicate::ne, t, to);
  for (auto [e, one] : llvm::enumerate(fired))
    if ((*op.getEventStops())[e])
      more = m.both(more, m.no(one));
  for (auto [e, one] : llvm::enumerate(fired))
    if (savesSteps() && (*op.getEventResets())[e])
      more = m.either(more, one);
  return more;
}

/// Writes down what happens; the status where there is no room.
void SolveLoops::recordEvents(State &state, const Leaves &fired) {
  Value room =
      DimOp::create(b, op.getLoc(), RankedTensorType::get({}, b.getI64Type()), *op.getMaxEvents());
  for (auto [e, one] : llvm::enumerate(fired)) {
    Value isRoom = m.compare(Predicate::lt, state.eventCount, room);
    Value good = m.compare(Predicate::eq, state.status, m.integer(0));
    Leaves carried = {state.eventCount, state.eventTimes, state.eventNumbers};
    Leaves made = ifElse(m, m.both(m.both(one, isRoom), good), carried, [&] {
      Leaves place = placeOf(state.eventCount);
      return Leaves{m.add(state.eventCount, m.integer(1)), m.put(state.eventTimes, state.t, place),
                    m.put(state.eventNumbers, m.integer(static_cast<int64_t>(e)), place)};
    });
    state.status = m.select(m.both(m.both(one, m.no(isRoom)), good), code(Status::TooManyEvents),
                            state.status);
    state.eventCount = made[0];
    state.eventTimes = made[1];
    state.eventNumbers = made[2];
  }
}

/// The new states of what happens, one event behind the other.
Leaves SolveLoops::resetStates(Value t, Leaves y, const Leaves &fired) {
  size_t first = 0;
  for (auto [e, resets] : llvm::enumerate(*op.getEventResets())) {
    if (!resets)
      continue;
    y = ifElse(m, fired[e], y, [&] {
      Leaves all = rhs.evaluateIn(b, t, y, op.getEventRegions()[1]);
      return Leaves(ArrayRef(all).slice(first, y.size()));
    });
    first += y.size();
  }
  return y;
}

/// What an event does to a step that ended there.
void SolveLoops::happen(State &state, const Found &found) {
  Leaves otherwise;
  eachValue(state, [&](Value value) { otherwise.push_back(value); });
  Leaves results = ifElse(m, found.any, otherwise, [&] {
    State after = state;
    recordEvents(after, found.fired);
    auto good = [&] { return m.compare(Predicate::eq, after.status, m.integer(0)); };
    // Nothing more happens where there was no room.
    after.restarts = m.add(after.restarts, m.cast(good(), b.getI64Type()));
    Leaves stops, resets;
    for (auto [e, one] : llvm::enumerate(found.fired)) {
      if ((*op.getEventStops())[e])
        stops.push_back(one);
      if ((*op.getEventResets())[e])
        resets.push_back(one);
    }
    if (!stops.empty())
      after.ended = m.both(good(), anyOf(stops));
    if (!resets.empty()) {
      Value any = m.both(good(), anyOf(resets)), since = m.abs(m.sub(after.t, after.lastReset));
      Value close = m.mul(m.real(EventSearch::apart), least(after.t));
      Value atOnce = m.both(m.both(any, after.hasReset), m.compare(Predicate::le, since, close));
      after.status = m.select(atOnce, code(Status::Chatter), after.status);
      // Else a shorter flight than this step would be passed over.
      Value shorter = m.greater(m.lesser(after.h, since), least(after.t));
      after.h = m.select(any, shorter, after.h);
      after.lastReset = m.select(any, after.t, after.lastReset);
      after.hasReset = m.either(after.hasReset, any);
      Leaves fired;
      for (Value one : found.fired)
        fired.push_back(m.both(any, one));
      after.y = resetStates(after.t, after.y, fired);
      if (savesSteps()) {
        Value more = m.compare(Predicate::ne, after.t, to);
        if (!stops.empty())
          more = m.both(more, m.no(after.ended));
        saveReached(after, m.both(any, good()), more);
      }
    }
    Leaves rates = rhs.evaluate(b, after.t, after.y);
    after.memory = method->restart(after.memory, after.y, rates);
    after.guards = signsFrom(after.t, after.y, rates, after.h, found.fired);
    Leaves made;
    eachValue(after, [&](Value value) { made.push_back(value); });
    return made;
  });
  size_t next = 0;
  eachValue(state, [&](Value &value) { value = results[next++]; });
}

} // namespace mad
