//===- SolveSaving.cpp - Times of a solve that are saved --------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadMathOps.h"
#include "dialects/Ode/Tableaus/Control.h"
#include "dialects/Ode/Tableaus/Tableau.h"
#include "passes/Ode/Regions.h"
#include "passes/Ode/SolveLoops.h"
#include <limits>

using namespace mlir;

namespace mad {

/// Whether the next time to save is not behind `until`.
Value SolveLoops::isBefore(Value count, Value until) {
  Value all = DimOp::create(b, op.getLoc(), RankedTensorType::get({}, b.getI64Type()),
                            dimExpr(Algebra::typeOf(times), 0).str());
  Value way = m.mul(direction, m.sub(m.at(times, count), until));
  return m.both(m.compare(Predicate::lt, count, all), m.compare(Predicate::le, way, m.real(0)));
}

/// Saves what `row` says of each time up to `until`.
void SolveLoops::saveWhile(State &state, Value allowed, Value until,
                           llvm::function_ref<Leaves(Value time)> row) {
  Leaves carried = {state.count};
  carried.append(state.saved);
  std::string limit = dimExpr(Algebra::typeOf(times), 0).str();
  Leaves results = iterate(
      m, carried, limit,
      [&](Value, const Leaves &now) { return m.both(allowed, isBefore(now[0], until)); },
      [&](Value, const Leaves &now) {
        Leaves values = row(m.at(times, now[0])), next = {m.add(now[0], m.integer(1))};
        Leaves positions = placeOf(now[0]);
        for (size_t i = 0; i + 1 < now.size(); ++i)
          next.push_back(rhs.stored(b, now[1 + i], i, values, positions));
        return next;
      });
  state.count = results[0];
  for (size_t i = 0; i < state.saved.size(); ++i)
    state.saved[i] = results[1 + i];
}

/// Nothing is saved yet.
void SolveLoops::emptySaved(State &state) {
  auto empty = [&](Value table) {
    RankedTensorType type = Algebra::typeOf(table);
    return m.spread(emptyCell(m, type), type);
  };
  state.count = m.integer(0);
  size_t tables = op.getDenseTables().size();
  for (auto [i, result] : llvm::enumerate(op.getStates()))
    if (!op.getDense())
      state.saved.push_back(lane.index ? lane.all[i] : empty(result));
  for (auto [i, result] : llvm::enumerate(op.getDenseTables()))
    state.dense.push_back(lane.index ? lane.tables[i] : empty(result));
  if (op.getSaveSteps())
    state.savedTimes = lane.index ? lane.tables[tables] : empty(op.getSavedSteps()[0]);
}

/// Saves the states that were reached. Where the solve `goesOn`, the next ones need room, too.
void SolveLoops::saveReached(State &state, Value allowed, Value goesOn) {
  Leaves carried = {state.count, state.savedTimes};
  carried.append(state.saved);
  Leaves results = ifElse(m, allowed, carried, [&] {
    Leaves place = placeOf(state.count);
    Leaves made = {m.add(state.count, m.integer(1)), m.put(state.savedTimes, state.t, place)};
    for (size_t i = 0; i < state.saved.size(); ++i)
      made.push_back(rhs.stored(b, state.saved[i], i, state.y, place));
    return made;
  });
  state.count = results[0];
  state.savedTimes = results[1];
  state.saved.assign(results.begin() + 2, results.end());
  Value room =
      DimOp::create(b, op.getLoc(), RankedTensorType::get({}, b.getI64Type()), *op.getSaveSteps());
  if (op.getDense())
    room = m.add(room, m.integer(1)); // times, of as many steps
  Value full = m.both(m.compare(Predicate::ge, state.count, room), goesOn);
  full = m.both(full, m.compare(Predicate::eq, state.status, m.integer(0)));
  state.status = m.select(full, code(ode::Status::NoRoom), state.status);
}

/// The values of an accepted step up to a time, where it ends in `end`.
void SolveLoops::saveDense(State &state, const StepMethod::Point &now,
                           const StepMethod::Trial &trial, Value accepted, Value until,
                           const Leaves &end) {
  std::vector<double> nodes = ode::interpolantNodes(ode::interpolantDegree(op.getMethod().str()));
  Leaves carried = state.dense;
  if (state.denseSteps)
    carried.push_back(state.denseSteps);
  Leaves results = ifElse(m, accepted, carried, [&] {
    SmallVector<Leaves> stages = method->completed(now, trial);
    Value way = m.sub(until, now.t), row = m.sub(state.count, m.integer(1));
    Leaves made = state.dense;
    for (auto [j, node] : llvm::enumerate(nodes)) {
      Leaves values = node == 0 ? now.y : end;
      if (node != 0 && node != 1)
        values = method->interpolated(now, trial, stages, m.add(now.t, m.mul(m.real(node), way)));
      Leaves place = placeOf(row);
      place.push_back(m.integer(static_cast<int64_t>(j)));
      for (auto [i, table] : llvm::enumerate(made))
        table = rhs.stored(b, table, i, values, place);
    }
    if (state.denseSteps)
      made.push_back(m.add(state.denseSteps, m.integer(1)));
    return made;
  });
  if (state.denseSteps)
    state.denseSteps = results.pop_back_val();
  state.dense = results;
}

/// Saves what lies in a step up to a time.
void SolveLoops::saveStep(State &state, const StepMethod::Point &now,
                          const StepMethod::Trial &trial, Value accepted, Value until) {
  if (!method->denseStages())
    return saveWhile(state, accepted, until, [&](Value time) {
      return method->interpolated(now, trial, trial.stages, time);
    });
  // More stages, where there is something to save.
  Value all = DimOp::create(b, op.getLoc(), RankedTensorType::get({}, b.getI64Type()),
                            dimExpr(Algebra::typeOf(times), 0).str());
  // Behind the last one there is nothing to read.
  Value isInside = m.both(accepted, m.compare(Predicate::lt, state.count, all));
  Value any = ifElse(m, isInside, {m.truth(false)},
                     [&] { return Leaves{isBefore(state.count, until)}; })[0];
  Leaves carried = {state.count, state.denseSteps};
  carried.append(state.saved);
  Leaves results = ifElse(m, any, carried, [&] {
    SmallVector<Leaves> stages = method->completed(now, trial);
    State inner = state;
    saveWhile(inner, any, until,
              [&](Value time) { return method->interpolated(now, trial, stages, time); });
    Leaves made = {inner.count, m.add(inner.denseSteps, m.integer(1))};
    made.append(inner.saved);
    return made;
  });
  state.count = results[0];
  state.denseSteps = results[1];
  for (size_t i = 0; i < state.saved.size(); ++i)
    state.saved[i] = results[2 + i];
}

} // namespace mad
