//===- RosenbrockSteps.cpp - Steps of linearly implicit methods -------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Ode/RosenbrockSteps.h"

using namespace mlir;

namespace mad {

RosenbrockSteps::RosenbrockSteps(ode::SolveOp op, RightHandSide &rhs, SolveAlgebra &m,
                                 std::unique_ptr<NewtonMatrix> matrix)
    : op(op), rhs(rhs), m(m), matrix(std::move(matrix)),
      method(ode::rosenbrockOf(op.getMethod().str())) {}

StepMethod::Trial RosenbrockSteps::attempt(const Point &now, Value h, Value next) {
  Trial trial;
  trial.h = h;
  trial.next = next;
  NewtonMatrix::Linearised at = matrix->linearise(now.t, now.y, true);
  Value inverse = m.div(m.real(1), h);
  Leaves factors = matrix->factor(at.jacobian, m.mul(inverse, m.real(1 / method.gamma)));
  SmallVector<Leaves> &u = trial.stages;
  for (size_t i = 0; i < method.stages(); ++i) {
    Leaves right = at.rates;
    if (i > 0) {
      Value time = method.c[i] == 1 ? next : m.add(now.t, m.mul(m.real(method.c[i]), h));
      Leaves moved = m.sum(method.a[i], u);
      right = rhs.evaluate(m.b, time, moved.empty() ? now.y : m.plus(now.y, moved));
    }
    if (Leaves before = m.sum(method.C[i], u); !before.empty())
      right = m.plus(right, m.scaled(inverse, before));
    if (!at.timeRates.empty() && method.d[i] != 0) {
      Value weight = m.cast(m.mul(h, m.real(method.d[i])), m.element);
      for (auto [leaf, rate] : llvm::zip_equal(right, at.timeRates))
        if (rate)
          leaf = m.add(leaf, m.mul(weight, rate));
    }
    u.push_back(matrix->solve(factors, right));
  }
  trial.end = m.plus(now.y, m.sum(method.b, u));
  if (op.isAdaptive()) {
    trial.errors = m.sum(method.error, u);
    trial.errorSquared =
        m.mul(m.sumOfSquares(trial.errors, now.y, trial.end), m.div(m.real(1), m.size()));
  }
  return trial;
}

Leaves RosenbrockSteps::interpolated(const Point &now, const Trial &trial, ArrayRef<Leaves> stages,
                                     Value time) {
  Value x = m.div(m.sub(time, now.t), trial.h);
  x = m.min(m.max(x, m.real(0)), m.real(1));
  Leaves result = now.y;
  for (auto [row, stage] : llvm::zip_equal(method.dense, stages)) {
    if (llvm::all_of(row, [](double d) { return d == 0; }))
      continue;
    Value weight = m.real(0);
    for (double d : llvm::reverse(row))
      weight = m.mul(m.add(weight, m.real(d)), x);
    result = m.plus(result, m.scaled(weight, stage));
  }
  return result;
}

Value RosenbrockSteps::evaluations(Value rounds, Value, Value before, const Leaves &) {
  Value all = m.mul(rounds, m.integer(static_cast<int64_t>(method.stages())));
  return before ? m.add(all, before) : all;
}

} // namespace mad
