//===- OdeReferenceRosenbrock.cpp - Steps of linearly implicit methods ------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Ode/IR/OdeReferenceJacobian.h"
#include "dialects/Ode/IR/OdeReferenceMethods.h"
#include "dialects/Ode/Tableaus/Tableau.h"
#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace mad;
using namespace mad::ode;

namespace {

class RosenbrockSteps : public ReferenceMethod {
public:
  explicit RosenbrockSteps(ReferenceProblem &problem)
      : problem(problem), method(rosenbrockOf(problem.op.getMethod().str())), derivatives(problem) {
  }

  int order() const override { return method.errorOrder; }
  int firstOrder() const override { return method.order; }
  bool needsRates() const override { return false; }
  void begin(const Vector &, const Vector &) override {}
  LogicalResult attempt(ReferenceTrial &trial) override;
  LogicalResult accepted(const ReferenceTrial &, bool) override { return success(); }
  Vector interpolated(const ReferenceTrial &trial, double time) override;

private:
  ReferenceProblem &problem;
  Rosenbrock method;
  ReferenceJacobian derivatives;
  std::vector<Vector> u; ///< stages
};

LogicalResult RosenbrockSteps::attempt(ReferenceTrial &trial) {
  size_t size = trial.y.size();
  double h = trial.h;
  std::vector<Vector> jacobian;
  Vector timeRates;
  if (failed(derivatives.evaluate(trial.t, trial.y, jacobian, timeRates)))
    return failure();
  ReferenceFactors factors(jacobian, 1 / (h * method.gamma));
  ++problem.factorisations;
  u.clear();
  for (size_t i = 0; i < method.stages(); ++i) {
    Vector at = trial.y, right;
    for (size_t j = 0; j < i; ++j)
      for (size_t n = 0; n < size; ++n)
        at[n] += method.a[i][j] * u[j][n];
    double time = method.c[i] == 1 ? trial.next : trial.t + method.c[i] * h;
    if (failed(problem.rhs(time, at, right)))
      return failure();
    for (size_t n = 0; n < size; ++n) {
      for (size_t j = 0; j < i; ++j)
        right[n] += method.C[i][j] * u[j][n] / h;
      right[n] += h * method.d[i] * timeRates[n];
    }
    u.push_back(factors.solve(right));
  }
  trial.end = trial.y;
  trial.errors.assign(size, 0.0);
  double sum = 0;
  for (size_t n = 0; n < size; ++n) {
    double error = 0;
    for (size_t i = 0; i < method.stages(); ++i) {
      trial.end[n] += method.b[i] * u[i][n];
      error += method.error[i] * u[i][n];
    }
    trial.errors[n] = std::fabs(problem.scaled(error, n, trial.y, trial.end));
    sum += trial.errors[n] * trial.errors[n];
  }
  trial.errorSquared = sum / static_cast<double>(std::max<size_t>(1, size));
  return success();
}

Vector RosenbrockSteps::interpolated(const ReferenceTrial &trial, double time) {
  double x = std::clamp((time - trial.t) / trial.h, 0.0, 1.0);
  Vector result = trial.y;
  for (size_t i = 0; i < method.stages(); ++i) {
    double weight = 0;
    for (size_t q = method.dense[i].size(); q > 0; --q)
      weight = (weight + method.dense[i][q - 1]) * x;
    for (size_t n = 0; n < result.size(); ++n)
      result[n] += weight * u[i][n];
  }
  return result;
}

} // namespace

std::unique_ptr<ReferenceMethod> mad::ode::referenceRosenbrock(ReferenceProblem &problem) {
  return std::make_unique<RosenbrockSteps>(problem);
}
