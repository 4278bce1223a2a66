//===- OdeReferenceEsdirk.cpp - Steps of diagonally implicit methods --------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Ode/IR/OdeReferenceMethods.h"
#include "dialects/Ode/IR/OdeReferenceNewton.h"
#include "dialects/Ode/Tableaus/Control.h"
#include "dialects/Ode/Tableaus/Tableau.h"
#include <algorithm>
#include <cmath>
#include <limits>

using namespace mlir;
using namespace mad;
using namespace mad::ode;

LogicalResult mad::ode::newton(ReferenceProblem &problem, const ReferenceFactors &factors,
                               double time, double shift, const Vector &base, const Vector &near,
                               int maxRounds, NewtonResult &result) {
  bool isNarrow = problem.initial.front()->element == RefElement::F32;
  double ulp = isNarrow ? 0x1p-23 : 0x1p-52;
  double rtol = problem.leastRtol();
  double kappa = std::clamp(NewtonControl::roundings * ulp / rtol, NewtonControl::finest,
                            NewtonControl::coarsest);
  double tiny =
      std::max(NewtonControl::tiny * kappa,
               std::min(NewtonControl::finest, NewtonControl::tinyRoundings * ulp / rtol));
  double old = 0;
  result.converged = false;
  for (result.rounds = 0; result.rounds < maxRounds;) {
    Vector right;
    if (failed(problem.rhs(time, result.y, right)))
      return failure();
    for (size_t n = 0; n < right.size(); ++n)
      right[n] -= shift * (result.y[n] - base[n]);
    Vector change = factors.solve(right);
    for (size_t n = 0; n < right.size(); ++n)
      result.y[n] += change[n];
    ++problem.iterations;
    double norm = result.norm = problem.rms(change, near), rate = norm / old;
    int round = result.rounds++, left = std::min(3, maxRounds - round);
    if (!std::isfinite(norm))
      return success();
    // What no longer shrinks, but is within the bound, is roundings, too.
    if (norm <= tiny || (round && rate >= 1 && norm <= kappa) ||
        (round && rate < 1 && rate / (1 - rate) * norm < kappa)) {
      result.converged = true;
      return success();
    }
    if (round && !(rate < 1 && std::pow(rate, left) / (1 - rate) * norm <= kappa))
      return success();
    old = norm;
  }
  return success();
}

namespace {

class EsdirkSteps : public ReferenceMethod {
public:
  explicit EsdirkSteps(ReferenceProblem &problem)
      : problem(problem), method(esdirkOf(problem.op.getMethod().str())), derivatives(problem) {}

  int order() const override { return method.errorOrder; }
  int firstOrder() const override { return method.order; }
  void begin(const Vector &, const Vector &f) override { first = f; }
  LogicalResult attempt(ReferenceTrial &trial) override;
  LogicalResult accepted(const ReferenceTrial &, bool) override { return success(); }
  Vector interpolated(const ReferenceTrial &trial, double time) override;
  void done() override { first = k.back(); }

private:
  void estimate(ReferenceTrial &trial, const ReferenceFactors &factors) const;

  ReferenceProblem &problem;
  Esdirk method;
  ReferenceJacobian derivatives;
  Vector first;
  std::vector<Vector> k; ///< stages
};

LogicalResult EsdirkSteps::attempt(ReferenceTrial &trial) {
  double h = trial.h, gamma = method.gamma(), shift = 1 / (h * gamma);
  size_t size = trial.y.size();
  std::vector<Vector> jacobian;
  Vector timeRates;
  ++problem.evaluations;
  if (failed(derivatives.evaluate(trial.t, trial.y, jacobian, timeRates)))
    return failure();
  ReferenceFactors factors(jacobian, shift);
  ++problem.factorisations;
  NewtonResult found;
  k = {first};
  for (size_t i = 1; i < method.stages(); ++i) {
    Vector base = trial.y;
    for (size_t j = 0; j < i; ++j)
      for (size_t n = 0; n < size; ++n)
        base[n] += h * method.a[i][j] * k[j][n];
    found.y = base;
    for (size_t n = 0; n < size; ++n)
      found.y[n] += h * gamma * k.back()[n];
    double time = method.c[i] == 1 ? trial.next : trial.t + method.c[i] * h;
    if (failed(newton(problem, factors, time, shift, base, trial.y, NewtonControl::roundsEsdirk,
                      found)))
      return failure();
    k.emplace_back(size);
    for (size_t n = 0; n < size; ++n)
      k.back()[n] = (found.y[n] - base[n]) * shift;
    if (!found.converged)
      break;
  }
  trial.end = found.y;
  if (!found.converged) {
    trial.errors.assign(size, 0.0);
    trial.errorSquared = std::isfinite(found.norm) ? NewtonControl::beyond
                                                   : std::numeric_limits<double>::quiet_NaN();
    trial.ratioRejected = NewtonControl::shrink;
    return success();
  }
  estimate(trial, factors);
  return success();
}

void EsdirkSteps::estimate(ReferenceTrial &trial, const ReferenceFactors &factors) const {
  size_t size = trial.y.size();
  Vector errors(size, 0.0);
  for (size_t n = 0; n < size; ++n)
    for (size_t i = 0; i < method.stages(); ++i)
      errors[n] += trial.h * method.error[i] * k[i][n];
  if (method.filtered) {
    for (double &error : errors)
      error /= trial.h * method.gamma();
    errors = factors.solve(errors);
  }
  double sum = 0;
  trial.errors.clear();
  for (size_t n = 0; n < size; ++n) {
    trial.errors.push_back(std::fabs(problem.scaled(errors[n], n, trial.y, trial.end)));
    sum += trial.errors[n] * trial.errors[n];
  }
  trial.errorSquared = sum / static_cast<double>(std::max<size_t>(1, size));
}

/// Hermite's cubic.
Vector EsdirkSteps::interpolated(const ReferenceTrial &trial, double time) {
  double h = trial.h, x = std::clamp((time - trial.t) / h, 0.0, 1.0);
  Vector result = trial.y;
  for (size_t n = 0; n < result.size(); ++n)
    result[n] += x * x * (3 - 2 * x) * (trial.end[n] - trial.y[n]) +
                 x * (1 - x) * (1 - x) * h * k[0][n] - x * x * (1 - x) * h * k.back()[n];
  return result;
}

} // namespace

std::unique_ptr<ReferenceMethod> mad::ode::referenceEsdirk(ReferenceProblem &problem) {
  return std::make_unique<EsdirkSteps>(problem);
}
