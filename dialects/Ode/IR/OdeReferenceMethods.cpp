//===- OdeReferenceMethods.cpp - Steps of explicit methods ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Ode/IR/OdeReferenceMethods.h"
#include "dialects/Ode/Tableaus/Tableau.h"
#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace mad;
using namespace mad::ode;

namespace {

class ExplicitSteps : public ReferenceMethod {
public:
  explicit ExplicitSteps(ReferenceProblem &problem)
      : problem(problem), tableau(tableauOf(problem.op.getMethod().str())) {}

  int order() const override { return tableau.order; }
  void begin(const Vector &, const Vector &f) override { k = {f}; }
  LogicalResult attempt(ReferenceTrial &trial) override;
  LogicalResult accepted(const ReferenceTrial &trial, bool isNeeded) override;
  LogicalResult complete(const ReferenceTrial &trial) override;
  Vector interpolated(const ReferenceTrial &trial, double time) override;
  void done() override;

private:
  Vector combined(const Vector &y, const Vector &weights, double factor) const;
  void estimate(ReferenceTrial &trial) const;

  ReferenceProblem &problem;
  Tableau tableau;
  std::vector<Vector> k; ///< stages of the step; the first one is f(t, y)
};

/// y + factor * sum weights[i] k[i]
Vector ExplicitSteps::combined(const Vector &y, const Vector &weights, double factor) const {
  Vector result = y;
  for (size_t i = 0; i < weights.size(); ++i)
    for (size_t n = 0; weights[i] != 0 && n < y.size(); ++n)
      result[n] += factor * weights[i] * k[i][n];
  return result;
}

/// Computes the stages, the first of which is known.
LogicalResult ExplicitSteps::attempt(ReferenceTrial &trial) {
  k.resize(tableau.stages());
  for (size_t i = 1; i < tableau.stages(); ++i) {
    double time = tableau.c[i] == 1 ? trial.next : trial.t + tableau.c[i] * trial.h;
    if (failed(problem.rhs(time, combined(trial.y, tableau.a[i], trial.h), k[i])))
      return failure();
  }
  trial.end = combined(trial.y, tableau.b, trial.h);
  if (problem.op.isAdaptive())
    estimate(trial);
  return success();
}

/// With a second estimate the error is h n^2 / sqrt((n^2 + 0.01 m^2) N), n and m the lengths of the
/// two (Hairer and Wanner's DOP853).
void ExplicitSteps::estimate(ReferenceTrial &trial) const {
  size_t size = trial.y.size();
  double sums[2] = {0, 0};
  trial.errors.assign(size, 0.0);
  for (int which : {0, 1}) {
    const Vector &weights = which ? tableau.errorLow : tableau.error;
    for (size_t n = 0; n < size; ++n) {
      double error = 0;
      for (size_t i = 0; i < weights.size(); ++i)
        error += trial.h * weights[i] * k[i][n];
      double unit = problem.scaled(error, n, trial.y, trial.end);
      sums[which] += unit * unit;
      if (!which)
        trial.errors[n] = std::fabs(unit);
    }
  }
  double count = static_cast<double>(std::max<size_t>(1, size));
  trial.errorSquared = sums[0] / count;
  if (tableau.errorLow.empty())
    return;
  double both = sums[0] + 0.01 * sums[1];
  trial.errorSquared = both == 0 ? 0 : sums[0] * (sums[0] / both) / count;
}

LogicalResult ExplicitSteps::accepted(const ReferenceTrial &trial, bool isNeeded) {
  if (tableau.fsal || !isNeeded)
    return success();
  k.resize(tableau.next() + 1);
  return problem.rhs(trial.next, trial.end, k.back());
}

LogicalResult ExplicitSteps::complete(const ReferenceTrial &trial) {
  for (size_t i = 0; i < tableau.denseC.size(); ++i) {
    k.resize(tableau.next() + 2 + i);
    if (failed(problem.rhs(trial.t + tableau.denseC[i] * trial.h,
                           combined(trial.y, tableau.denseA[i], trial.h), k.back())))
      return failure();
  }
  return success();
}

Vector ExplicitSteps::interpolated(const ReferenceTrial &trial, double time) {
  double x = std::clamp((time - trial.t) / trial.h, 0.0, 1.0);
  Vector weights;
  for (const Vector &row : tableau.interpolant()) {
    double weight = 0;
    for (size_t q = row.size(); q > 0; --q)
      weight = (weight + row[q - 1]) * x;
    weights.push_back(weight);
  }
  return combined(trial.y, weights, trial.h);
}

void ExplicitSteps::done() {
  if (k.size() > tableau.next())
    k = {k[tableau.next()]};
}

} // namespace

std::unique_ptr<ReferenceMethod> ReferenceMethod::of(ReferenceProblem &problem) {
  switch (methodOf(problem.op.getMethod().str()).family) {
  case Family::Rosenbrock:
    return referenceRosenbrock(problem);
  case Family::Esdirk:
    return referenceEsdirk(problem);
  case Family::Ndf:
    return referenceNdf(problem);
  case Family::Exponential:
    return referenceExponential(problem);
  case Family::Stochastic:
    return referenceStochastic(problem);
  case Family::Symplectic:
    return referenceSymplectic(problem);
  case Family::Explicit:
    break;
  }
  return std::make_unique<ExplicitSteps>(problem);
}
