//===- SolveSaving.cpp - Times of a solve that are saved --------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadMathOps.h"
#include "passes/Ode/Regions.h"
#include "passes/Ode/SolveLoops.h"

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
        Leaves positions = lane.index ? Leaves{lane.index, now[0]} : Leaves{now[0]};
        for (size_t i = 0; i + 1 < now.size(); ++i)
          next.push_back(rhs.stored(b, now[1 + i], i, values, positions));
        return next;
      });
  state.count = results[0];
  for (size_t i = 0; i < state.saved.size(); ++i)
    state.saved[i] = results[1 + i];
}

/// Saves what lies in a step.
void SolveLoops::saveStep(State &state, const StepMethod::Point &now,
                          const StepMethod::Trial &trial, Value accepted) {
  if (!method->denseStages())
    return saveWhile(state, accepted, trial.next, [&](Value time) {
      return method->interpolated(now, trial, trial.stages, time);
    });
  // More stages, where there is something to save.
  Value all = DimOp::create(b, op.getLoc(), RankedTensorType::get({}, b.getI64Type()),
                            dimExpr(Algebra::typeOf(times), 0).str());
  // Behind the last one there is nothing to read.
  Value isInside = m.both(accepted, m.compare(Predicate::lt, state.count, all));
  Value any = ifElse(m, isInside, {m.truth(false)},
                     [&] { return Leaves{isBefore(state.count, trial.next)}; })[0];
  Leaves carried = {state.count, state.denseSteps};
  carried.append(state.saved);
  Leaves results = ifElse(m, any, carried, [&] {
    SmallVector<Leaves> stages = method->completed(now, trial);
    State inner = state;
    saveWhile(inner, any, trial.next,
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
