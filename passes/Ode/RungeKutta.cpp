//===- RungeKutta.cpp - Steps of explicit Runge-Kutta methods ---------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Ode/RungeKutta.h"
#include "passes/Ode/Regions.h"

using namespace mlir;

namespace mad {

RungeKutta::RungeKutta(ode::SolveOp op, RightHandSide &rhs, SolveAlgebra &m)
    : op(op), rhs(rhs), m(m), tableau(ode::tableauOf(op.getMethod().str())),
      carriesRates(op.isAdaptive() || tableau.fsal || op.getSave() || op.getDense() ||
                   op.getEvents()) {}

Leaves RungeKutta::begin(const Leaves &, const Leaves &rates) {
  return carriesRates ? rates : Leaves();
}

/// All stages; the first one is known or is computed.
StepMethod::Trial RungeKutta::attempt(const Point &now, Value h, Value next) {
  Trial trial;
  trial.h = h;
  trial.next = next;
  SmallVector<Leaves> &k = trial.stages;
  k = {carriesRates ? now.memory : rhs.evaluate(m.b, now.t, now.y)};
  for (size_t i = 1; i < tableau.stages(); ++i) {
    Value time = tableau.c[i] == 1 ? next : m.add(now.t, m.mul(m.real(tableau.c[i]), h));
    k.push_back(rhs.evaluate(m.b, time, m.combined(now.y, h, tableau.a[i], k)));
  }
  trial.end = tableau.fsal && op.isAdaptive() ? m.combined(now.y, h, tableau.a.back(), k)
                                              : m.combined(now.y, h, tableau.b, k);
  if (op.isAdaptive())
    estimate(now, trial);
  return trial;
}

/// One system in f32 has all in f32 but the time: on GPUs f64 takes longer than all else.
Type RungeKutta::errorType(const Leaves &y) const {
  bool scalars = llvm::all_of(y, [](Value leaf) { return Algebra::typeOf(leaf).getRank() == 0; });
  return scalars ? m.element : Type(m.b.getF64Type());
}

/// With a second estimate as Hairer and Wanner's DOP853.
void RungeKutta::estimate(const Point &now, Trial &trial) {
  auto weighted = [&](ArrayRef<double> weights) {
    Leaves result = m.sum(weights, trial.stages);
    Value step = m.cast(trial.h, m.element);
    for (Value &leaf : result)
      leaf = m.mul(step, leaf);
    return result;
  };
  trial.errors = weighted(tableau.error);
  Type type = errorType(now.y);
  Value count = m.cast(m.size(), type), zero = m.number(type, 0);
  Value high = m.sumOfSquares(trial.errors, now.y, trial.end, type);
  if (tableau.errorLow.empty()) {
    trial.errorSquared = m.mul(high, m.div(m.number(type, 1), count));
    return;
  }
  Value low = m.sumOfSquares(weighted(tableau.errorLow), now.y, trial.end, type);
  Value both = m.add(high, m.mul(m.number(type, 0.01), low));
  Value square = m.div(m.mul(high, m.div(high, both)), count);
  trial.errorSquared = m.select(m.compare(Predicate::eq, both, zero), zero, square);
}

Leaves RungeKutta::remember(const Point &now, Trial &trial, Value accept) {
  if (!carriesRates)
    return {};
  // All given steps are accepted.
  bool given = !op.isAdaptive();
  Leaves rates;
  if (tableau.fsal)
    return given ? trial.stages.back() : m.chosen(accept, trial.stages.back(), now.memory);
  if (given)
    rates = rhs.evaluate(m.b, trial.next, trial.end);
  else
    rates = ifElse(m, accept, now.memory, [&] { return rhs.evaluate(m.b, trial.next, trial.end); });
  if (op.getSave() || op.getDense() || op.getEvents())
    trial.stages.push_back(rates);
  return rates;
}

SmallVector<Leaves> RungeKutta::completed(const Point &now, const Trial &trial) {
  SmallVector<Leaves> all(trial.stages);
  for (size_t i = 0; i < tableau.denseC.size(); ++i) {
    Value time = m.add(now.t, m.mul(m.real(tableau.denseC[i]), trial.h));
    all.push_back(rhs.evaluate(m.b, time, m.combined(now.y, trial.h, tableau.denseA[i], all)));
  }
  return all;
}

Leaves RungeKutta::interpolated(const Point &now, const Trial &trial, ArrayRef<Leaves> stages,
                                Value time) {
  Value x = m.div(m.sub(time, now.t), trial.h);
  x = m.min(m.max(x, m.real(0)), m.real(1));
  Leaves sums;
  for (auto [row, stage] : llvm::zip_equal(tableau.interpolant(), stages)) {
    if (llvm::all_of(row, [](double d) { return d == 0; }))
      continue;
    Value weight = m.real(0);
    for (double d : llvm::reverse(row))
      weight = m.mul(m.add(weight, m.real(d)), x);
    weight = m.cast(weight, m.element);
    for (auto [n, leaf] : llvm::enumerate(stage))
      if (n < sums.size())
        sums[n] = m.add(sums[n], m.mul(weight, leaf));
      else
        sums.push_back(m.mul(weight, leaf));
  }
  Leaves result = now.y;
  for (auto [leaf, total] : llvm::zip_equal(result, sums))
    leaf = m.add(leaf, m.mul(m.cast(trial.h, m.element), total));
  return result;
}

Value RungeKutta::evaluations(Value rounds, Value accepted, Value before, const Leaves &) {
  auto stages = static_cast<int64_t>(tableau.stages());
  Value all = m.mul(rounds, m.integer(carriesRates ? stages - 1 : stages));
  if (!carriesRates)
    return all;
  all = m.add(all, before);
  return tableau.fsal ? all : m.add(all, accepted);
}

} // namespace mad
