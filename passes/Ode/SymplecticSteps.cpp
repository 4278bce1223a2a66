//===- SymplecticSteps.cpp - Steps of compositions of Verlet ----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Ode/SymplecticSteps.h"

using namespace mlir;

namespace mad {

SymplecticSteps::SymplecticSteps(ode::SolveOp op, RightHandSide &rhs, SolveAlgebra &m)
    : op(op), rhs(rhs), m(m), method(ode::compositionOf(op.getMethod().str())),
      isPosition(op.positionsOf(rhs.isScalar())) {}

Leaves SymplecticSteps::velocities(const Leaves &all) const {
  Leaves some;
  for (auto [leaf, is] : llvm::zip_equal(all, isPosition))
    if (!is)
      some.push_back(leaf);
  return some;
}

Leaves SymplecticSteps::begin(const Leaves &, const Leaves &rates) { return velocities(rates); }

/// y and a part of h times rates, which are those of all leaves, for positions or for velocities.
Leaves SymplecticSteps::moved(Leaves y, bool positions, Value h, double part, const Leaves &rates) {
  Value by = m.cast(part == 1 ? h : m.mul(m.real(part), h), m.element);
  for (size_t n = 0; n < y.size(); ++n)
    if (isPosition[n] == positions)
      y[n] = m.add(y[n], m.mul(by, rates[n]));
  return y;
}

StepMethod::Trial SymplecticSteps::attempt(const Point &now, Value h, Value next) {
  Trial trial;
  trial.h = h;
  trial.next = next;
  Leaves rates = now.y; // only those of velocities are read
  size_t known = 0;
  for (auto [n, is] : llvm::enumerate(isPosition))
    if (!is)
      rates[n] = now.memory[known++];
  Leaves y = moved(now.y, false, h, method.kick(0), rates);
  auto at = [&](double part) { return m.add(now.t, m.mul(m.real(part), h)); };
  for (size_t i = 0; i < method.stages(); ++i) {
    double gamma = method.gamma[i];
    Leaves drift = rhs.evaluate(m.b, at(method.time(i) + gamma / 2), y);
    y = moved(y, true, h, gamma, drift);
    bool isLast = i + 1 == method.stages();
    rates = rhs.evaluate(m.b, isLast ? next : at(method.time(i + 1)), y);
    y = moved(y, false, h, method.kick(i + 1), rates);
  }
  trial.end = y;
  trial.stages = {rates};
  return trial;
}

Leaves SymplecticSteps::remember(const Point &now, Trial &trial, Value) {
  Leaves memory = velocities(trial.stages.front());
  if (op.getSave() || op.getDense() || op.getEvents()) {
    Leaves first = rhs.evaluate(m.b, now.t, now.y);
    trial.stages = {first, rhs.evaluate(m.b, trial.next, trial.end)};
  }
  return memory;
}

Leaves SymplecticSteps::interpolated(const Point &now, const Trial &trial, ArrayRef<Leaves> stages,
                                     Value time) {
  return m.hermite(time, now.t, trial.h, now.y, trial.end, stages[0], stages[1]);
}

/// Those of velocities count.
Value SymplecticSteps::evaluations(Value rounds, Value, Value before, const Leaves &) {
  return m.add(before, m.mul(rounds, m.integer(static_cast<int64_t>(method.stages()))));
}

} // namespace mad
