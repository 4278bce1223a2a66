//===- OdeReferenceSymplectic.cpp - Steps of symplectic methods -------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Ode/IR/OdeReferenceMethods.h"
#include "dialects/Ode/Tableaus/Tableau.h"
#include <algorithm>

using namespace mlir;
using namespace mad;
using namespace mad::ode;

namespace {

class SymplecticSteps : public ReferenceMethod {
public:
  explicit SymplecticSteps(ReferenceProblem &problem)
      : problem(problem), method(compositionOf(problem.op.getMethod().str())) {
    for (auto [state, is] : llvm::zip_equal(problem.initial, *problem.op.getPositions()))
      isPosition.insert(isPosition.end(), state->floats.size(), is);
  }

  int order() const override { return method.order; }
  void begin(const Vector &, const Vector &f) override { rates = f; }
  LogicalResult attempt(ReferenceTrial &trial) override;
  LogicalResult accepted(const ReferenceTrial &, bool) override { return success(); }
  LogicalResult complete(const ReferenceTrial &trial) override;
  Vector interpolated(const ReferenceTrial &trial, double time) override;

private:
  /// What counts as an evaluation is the derivative of velocities.
  LogicalResult uncounted(double time, const Vector &at, Vector &f) {
    --problem.evaluations;
    return problem.rhs(time, at, f);
  }
  void move(Vector &y, bool positions, double by, const Vector &f) const {
    for (size_t n = 0; n < y.size(); ++n)
      if (isPosition[n] == positions)
        y[n] += by * f[n];
  }

  ReferenceProblem &problem;
  Composition method;
  std::vector<bool> isPosition;
  Vector rates; ///< those of velocities are at the end of the last step
  Vector first, last;
};

LogicalResult SymplecticSteps::attempt(ReferenceTrial &trial) {
  Vector y = trial.y;
  double h = trial.h;
  move(y, false, h * method.kick(0), rates);
  for (size_t i = 0; i < method.stages(); ++i) {
    double gamma = method.gamma[i];
    if (failed(uncounted(trial.t + (method.time(i) + gamma / 2) * h, y, rates)))
      return failure();
    move(y, true, h * gamma, rates);
    bool isLast = i + 1 == method.stages();
    if (failed(problem.rhs(isLast ? trial.next : trial.t + method.time(i + 1) * h, y, rates)))
      return failure();
    move(y, false, h * method.kick(i + 1), rates);
  }
  trial.end = y;
  return success();
}

LogicalResult SymplecticSteps::complete(const ReferenceTrial &trial) {
  if (failed(uncounted(trial.t, trial.y, first)))
    return failure();
  return uncounted(trial.next, trial.end, last);
}

/// Hermite's cubic.
Vector SymplecticSteps::interpolated(const ReferenceTrial &trial, double time) {
  double x = std::clamp((time - trial.t) / trial.h, 0.0, 1.0), rest = 1 - x;
  Vector result = trial.y;
  for (size_t n = 0; n < result.size(); ++n)
    result[n] += x * x * (3 - 2 * x) * (trial.end[n] - trial.y[n]) +
                 trial.h * (x * rest * rest * first[n] - x * x * rest * last[n]);
  return result;
}

} // namespace

std::unique_ptr<ReferenceMethod> mad::ode::referenceSymplectic(ReferenceProblem &problem) {
  return std::make_unique<SymplecticSteps>(problem);
}
