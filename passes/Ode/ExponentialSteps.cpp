//===- ExponentialSteps.cpp - Steps of exponential methods -------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Ode/ExponentialSteps.h"

using namespace mlir;

namespace mad {

/// Where a time is in a step, from 0 to 1.
static Value partOf(Algebra &m, const StepMethod::Point &now, const StepMethod::Trial &trial,
                    Value time) {
  Value x = m.div(m.sub(time, now.t), trial.h);
  return m.min(m.max(x, m.real(0)), m.real(1));
}

//===----------------------------------------------------------------------===//
// With a linear part
//===----------------------------------------------------------------------===//

template <typename Visit> static void eachWeight(const ode::Exponential &method, Visit visit) {
  for (const auto &row : method.a)
    for (const auto &weight : row)
      visit(weight);
  for (const auto &weight : method.b)
    visit(weight);
}

ExponentialSteps::ExponentialSteps(ode::SolveOp op, RightHandSide &rhs, SolveAlgebra &m)
    : op(op), rhs(rhs), m(m), part(op, rhs, m), method(ode::exponentialOf(op.getMethod().str())),
      hasEvents(op.getEvents().has_value()) {
  eachWeight(method, [&](const Weight &weight) {
    for (const ode::Exponential::Term &term : weight) {
      most = std::max(most, term.k);
      half |= term.at == 0.5;
    }
  });
}

/// h sum weight x^k phi[k](at x h L), of `phis` of x h L, those of half of it in front if there
/// are.
ExponentialSteps::Function ExponentialSteps::weighted(const Weight &weight, Value h, Value x,
                                                      ArrayRef<Function> phis) {
  SmallVector<Value> factors;
  SmallVector<const Function *> functions;
  size_t whole = phis.size() - size_t(most + 1);
  for (const ode::Exponential::Term &term : weight) {
    Value factor = m.mul(h, m.real(term.weight));
    for (int k = 0; x && k < term.k; ++k)
      factor = m.mul(factor, x);
    factors.push_back(factor);
    functions.push_back(&phis[size_t(term.k) + (term.at == 1 ? whole : 0)]);
  }
  return part.rounded(part.combined(factors, functions));
}

void ExponentialSteps::equalSteps(Value h, const Leaves &y) {
  if (!step) // it stands in front of all steps
    linear = part.ofRegion(op.getFrom(), y);
  step = h;
  SmallVector<Function> phis = part.phis(linear, h, most, half);
  exponential = part.rounded(phis[half ? size_t(most + 1) : 0]);
  halfExponential = part.rounded(phis[0]);
  weights.clear();
  eachWeight(method, [&](const Weight &weight) {
    bool known = llvm::any_of(weights, [&](const auto &one) { return one.first == weight; });
    if (!known && !weight.empty())
      weights.push_back({weight, weighted(weight, h, {}, phis)});
  });
}

const ExponentialSteps::Function &ExponentialSteps::weightOf(const Weight &weight) const {
  return llvm::find_if(weights, [&](const auto &one) { return one.first == weight; })->second;
}

StepMethod::Trial ExponentialSteps::attempt(const Point &now, Value h, Value next) {
  if (hasEvents)
    equalSteps(h, now.y);
  Trial trial;
  trial.h = h;
  trial.next = next;
  SmallVector<Leaves> &rests = trial.stages;
  // What has the same weight is added first.
  auto moved = [&](const Leaves &from, ArrayRef<Weight> row) {
    Leaves result = from;
    for (size_t i = 0; i < row.size(); ++i) {
      if (row[i].empty() || llvm::is_contained(row.take_front(i), row[i]))
        continue;
      Leaves sum = rests[i];
      for (size_t j = i + 1; j < row.size(); ++j)
        if (row[j] == row[i])
          sum = m.plus(sum, rests[j]);
      result = m.plus(result, part.times(weightOf(row[i]), sum));
    }
    return result;
  };
  Leaves whole = part.times(exponential, now.y), halfway;
  for (size_t i = 0; i < method.stages(); ++i) {
    Leaves at = now.y;
    if (method.c[i] == 0.5 && halfway.empty())
      halfway = part.times(halfExponential, now.y);
    if (i > 0)
      at = moved(method.c[i] == 1 ? whole : halfway, method.a[i]);
    Value time = i == 0             ? now.t
                 : method.c[i] == 1 ? next
                                    : m.add(now.t, m.mul(m.real(method.c[i]), h));
    rests.push_back(part.rest(rhs.evaluate(m.b, time, at), linear, at));
  }
  trial.end = moved(whole, method.b);
  return trial;
}

Leaves ExponentialSteps::interpolated(const Point &now, const Trial &trial, ArrayRef<Leaves> stages,
                                      Value time) {
  Value x = partOf(m, now, trial, time);
  SmallVector<Function> phis = part.phis(linear, m.mul(x, step), most, false);
  Leaves result = part.times(part.rounded(phis[0]), now.y);
  for (auto [weight, rest] : llvm::zip_equal(method.b, stages))
    result = m.plus(result, part.times(weighted(weight, step, x, phis), rest));
  return result;
}

Value ExponentialSteps::evaluations(Value rounds, Value, Value before, const Leaves &) {
  Value all = m.mul(rounds, m.integer(static_cast<int64_t>(method.stages())));
  return before ? m.add(all, before) : all;
}

//===----------------------------------------------------------------------===//
// With the Jacobian
//===----------------------------------------------------------------------===//

/// y + h phi[1](h J) f + h^2 phi[2](h J) df/dt; the stages are f, J and, if it is not 0, df/dt.
Leaves ExponentialRosenbrockSteps::moved(const Leaves &y, ArrayRef<Leaves> stages, Value h) {
  Value jacobian = m.cast(stages[1][0], m.b.getF64Type());
  bool varies = stages.size() > 2;
  Leaves phis = phiOfMatrix(m, jacobian, h, varies ? 2 : 1, false);
  // A dense matrix solves by a product with its inverse, so it multiplies by any other one.
  auto times = [&](Value phi, Value factor, const Leaves &x) {
    return matrix->solve({m.cast(m.mul(phi, factor), m.element)}, x);
  };
  Leaves result = m.plus(y, times(phis[1], h, stages[0]));
  return varies ? m.plus(result, times(phis[2], m.mul(h, h), stages[2])) : result;
}

StepMethod::Trial ExponentialRosenbrockSteps::attempt(const Point &now, Value h, Value next) {
  Trial trial;
  trial.h = h;
  trial.next = next;
  NewtonMatrix::Linearised at = matrix->linearise(now.t, now.y, true);
  trial.stages = {at.rates, at.jacobian};
  if (!at.timeRates.empty()) {
    for (auto [rate, state] : llvm::zip_equal(at.timeRates, now.y))
      if (!rate)
        rate = m.spread(m.number(m.element, 0), Algebra::typeOf(state));
    trial.stages.push_back(at.timeRates);
  }
  trial.end = moved(now.y, trial.stages, h);
  return trial;
}

Leaves ExponentialRosenbrockSteps::interpolated(const Point &now, const Trial &trial,
                                                ArrayRef<Leaves> stages, Value time) {
  return moved(now.y, stages, m.mul(partOf(m, now, trial, time), trial.h));
}

Value ExponentialRosenbrockSteps::evaluations(Value rounds, Value, Value before, const Leaves &) {
  return before ? m.add(rounds, before) : rounds;
}

} // namespace mad
