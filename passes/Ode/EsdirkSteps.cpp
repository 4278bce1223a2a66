//===- EsdirkSteps.cpp - Steps of diagonally implicit methods ---------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Ode/EsdirkSteps.h"
#include "dialects/Ode/Tableaus/Control.h"

using namespace mlir;

namespace mad {

using ode::NewtonControl;

Leaves EsdirkSteps::begin(const Leaves &, const Leaves &rates) {
  Leaves memory = rates;
  memory.push_back(m.integer(0));
  return memory;
}

Leaves EsdirkSteps::restart(const Leaves &memory, const Leaves &, const Leaves &rates) {
  Leaves next = rates;
  next.push_back(memory.back());
  return next;
}

StepMethod::Trial EsdirkSteps::attempt(const Point &now, Value h, Value next) {
  Trial trial;
  trial.h = h;
  trial.next = next;
  SmallVector<Leaves> &k = trial.stages;
  k.push_back(Leaves(ArrayRef(now.memory).drop_back()));
  Value count = m.add(now.memory.back(), m.integer(1));
  Value shift = m.div(m.real(1 / method.gamma()), h), inverse = m.mul(h, m.real(method.gamma()));
  Leaves jacobian = matrix->linearise(now.t, now.y, false).jacobian;
  Leaves factors = matrix->factor(jacobian, shift);
  ImplicitSolution found;
  for (size_t i = 1; i < method.stages(); ++i) {
    ImplicitStage stage;
    stage.time = method.c[i] == 1 ? next : m.add(now.t, m.mul(m.real(method.c[i]), h));
    stage.shift = shift;
    stage.base = m.combined(now.y, h, ArrayRef(method.a[i]).drop_back(), k);
    stage.guess = m.plus(stage.base, m.scaled(inverse, k.back()));
    stage.near = now.y;
    stage.asked = found.converged;
    Value before = found.norm;
    found = solveStage(m, rhs, *matrix, factors, stage, NewtonControl::roundsEsdirk);
    if (before) // what was lost stays lost
      found.norm = m.select(stage.asked, found.norm, before);
    count = m.add(count, found.rounds);
    k.push_back(m.scaled(shift, m.minus(found.y, stage.base)));
  }
  trial.end = found.y;
  trial.errors = m.scaled(h, m.sum(method.error, k));
  if (method.filtered)
    trial.errors = matrix->solve(factors, m.scaled(shift, trial.errors));
  Value error = m.div(m.sumOfSquares(trial.errors, now.y, trial.end), m.size());
  // What was lost is not finite, what is not near enough is more than any tolerance.
  Value beyond = m.add(m.sub(found.norm, found.norm), m.real(NewtonControl::beyond));
  trial.errorSquared = m.select(found.converged, error, beyond);
  trial.converged = found.converged;
  k.push_back({count});
  return trial;
}

Leaves EsdirkSteps::remember(const Point &now, Trial &trial, Value accept) {
  Leaves rates(ArrayRef(now.memory).drop_back());
  Leaves memory = m.chosen(accept, trial.stages[method.stages() - 1], rates);
  memory.push_back(trial.stages.back()[0]);
  return memory;
}

Leaves EsdirkSteps::interpolated(const Point &now, const Trial &trial, ArrayRef<Leaves> stages,
                                 Value time) {
  return m.hermite(time, now.t, trial.h, now.y, trial.end, stages[0], stages[method.stages() - 1]);
}

Value EsdirkSteps::evaluations(Value, Value, Value before, const Leaves &memory) {
  return m.add(before, memory.back());
}

} // namespace mad
