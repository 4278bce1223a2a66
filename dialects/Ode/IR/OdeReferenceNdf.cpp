//===- OdeReferenceNdf.cpp - Steps of backward differences ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// L. F. Shampine, M. W. Reichelt: The MATLAB ODE suite (1997).
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

namespace {

class NdfSteps : public ReferenceMethod {
public:
  explicit NdfSteps(ReferenceProblem &problem) : problem(problem), derivatives(problem) {}

  int order() const override { return 1; }
  int firstOrder() const override { return 2; }
  void begin(const Vector &y, const Vector &f) override;
  LogicalResult attempt(ReferenceTrial &trial) override;
  LogicalResult accepted(const ReferenceTrial &trial, bool) override;
  void rejected(const ReferenceTrial &) override { mustEvaluate = failedWithOld; }
  Vector interpolated(const ReferenceTrial &trial, double time) override;
  void done() override { q = nextOrder; }

private:
  void rescale(double step);
  double norm(const Vector &x, double factor, const ReferenceTrial &trial, Vector *units) const;
  void choose(ReferenceTrial &trial, double safety);

  ReferenceProblem &problem;
  ReferenceJacobian derivatives;
  Ndf ndf;
  std::vector<Vector> d;    ///< d[j]: the difference of order j of the states behind h
  std::vector<Vector> next; ///< the same behind the step that is tried
  Vector change;            ///< the difference of order q + 1
  double h = 0, coefficient = 0;
  int q = 1, nextOrder = 1;
  int equal = 0; ///< steps since the last change
  bool isFresh = false, mustEvaluate = true, failedWithOld = false;
  std::vector<Vector> jacobian;
  ReferenceFactors factors;
};

void NdfSteps::begin(const Vector &y, const Vector &f) {
  d.assign(Ndf::maxOrder + 3, Vector(y.size(), 0.0));
  d[0] = y;
  d[1] = f;
  h = 1;
  // Behind an event, too, nothing is known of what comes.
  q = nextOrder = 1;
  equal = 0;
  coefficient = 0;
  isFresh = failedWithOld = false;
  mustEvaluate = true;
}

/// The differences of the polynomial of degree q through the same points, at multiples of another
/// step.
void NdfSteps::rescale(double step) {
  double ratio = step / h;
  h = step;
  if (ratio == 1)
    return;
  equal = 0;
  auto product = [](int i, double k) {
    double all = 1;
    for (int l = 1; l <= i; ++l)
      all *= (l - 1 - k) / l;
    return all;
  };
  std::vector<Vector> made = d;
  for (int j = 1; j <= q; ++j) {
    std::fill(made[j].begin(), made[j].end(), 0.0);
    for (int i = 1; i <= q; ++i) {
      double weight = 0;
      for (int k = 1; k <= j; ++k)
        weight += product(i, ratio * k) * product(k, j);
      for (size_t n = 0; n < made[j].size(); ++n)
        made[j][n] += weight * d[i][n];
    }
  }
  d = made;
}

/// The square of the norm of factor * x.
double NdfSteps::norm(const Vector &x, double factor, const ReferenceTrial &trial,
                      Vector *units) const {
  double sum = 0;
  for (size_t n = 0; n < x.size(); ++n) {
    const Vector &other = units ? trial.y : trial.end;
    double unit = std::fabs(problem.scaled(factor * x[n], n, other, trial.end));
    sum += unit * unit;
    if (units)
      units->push_back(unit);
  }
  return sum / static_cast<double>(std::max<size_t>(1, x.size()));
}

LogicalResult NdfSteps::attempt(ReferenceTrial &trial) {
  size_t size = trial.y.size();
  rescale(trial.h);
  Vector predicted = trial.y, base, timeRates;
  for (int j = 1; j <= q; ++j)
    for (size_t n = 0; n < size; ++n)
      predicted[n] += d[j][n];
  base = predicted;
  for (int j = 1; j <= q; ++j)
    for (size_t n = 0; n < size; ++n)
      base[n] -= ndf.gamma[j] / ndf.alpha[q] * d[j][n];
  double wanted = h / ndf.alpha[q];
  if (mustEvaluate) {
    ++problem.evaluations;
    if (failed(derivatives.evaluate(trial.next, predicted, jacobian, timeRates)))
      return failure();
    isFresh = true;
  }
  if (mustEvaluate || wanted != coefficient) {
    factors = ReferenceFactors(jacobian, 1 / wanted);
    ++problem.factorisations;
  }
  coefficient = wanted;
  mustEvaluate = false;
  NewtonResult found;
  found.y = predicted;
  if (failed(newton(problem, factors, trial.next, 1 / wanted, base, predicted,
                    NewtonControl::roundsNdf, found)))
    return failure();
  trial.end = found.y;
  failedWithOld = !found.converged && !isFresh;
  change = found.y;
  for (size_t n = 0; n < size; ++n)
    change[n] -= predicted[n];
  trial.errors.clear();
  trial.errorSquared = norm(change, ndf.error[q], trial, &trial.errors);
  if (!found.converged) {
    trial.errorSquared = std::isfinite(found.norm) ? NewtonControl::beyond
                                                   : std::numeric_limits<double>::quiet_NaN();
    trial.ratioRejected = isFresh ? NewtonControl::shrink : 1;
    return success();
  }
  int most = NewtonControl::roundsNdf;
  double safety = 0.9 * (2 * most + 1) / (2 * most + found.rounds);
  double shrunk = safety * std::pow(trial.errorSquared, -0.5 / (q + 1));
  trial.ratioRejected = shrunk >= Controller::shrink ? shrunk : Controller::shrink;
  choose(trial, safety);
  return success();
}

/// The differences behind the step, and the order and the step that follow.
void NdfSteps::choose(ReferenceTrial &trial, double safety) {
  next = d;
  size_t size = change.size();
  for (size_t n = 0; n < size; ++n) {
    next[q + 2][n] = change[n] - d[q + 1][n];
    next[q + 1][n] = change[n];
    for (int j = q; j >= 0; --j)
      next[j][n] = d[j][n] + next[j + 1][n];
  }
  next[0] = trial.end;
  nextOrder = q;
  trial.ratioAccepted = 1;
  if (equal + 1 <= q)
    return;
  auto root = [](double squared, int order) { return std::pow(squared, -0.5 / order); };
  double low = 0, high = 0, same = root(trial.errorSquared, q + 1);
  if (q > 1)
    low = root(norm(next[q], ndf.error[q - 1], trial, nullptr), q);
  if (q < Ndf::maxOrder)
    high = root(norm(next[q + 2], ndf.error[q + 1], trial, nullptr), q + 2);
  double best = std::max({low, same, high});
  if (low == best)
    --nextOrder;
  else if (same != best)
    ++nextOrder;
  trial.ratioAccepted = std::min(Controller::grow, safety * best);
}

LogicalResult NdfSteps::accepted(const ReferenceTrial &, bool) {
  equal = equal + 1 <= q ? equal + 1 : 0;
  d = next;
  isFresh = failedWithOld = false;
  return success();
}

Vector NdfSteps::interpolated(const ReferenceTrial &trial, double time) {
  double x = std::clamp((time - trial.next) / trial.h, -1.0, 0.0), product = 1;
  Vector result = trial.end;
  for (int j = 1; j <= q; ++j) {
    product *= (x + j - 1) / j;
    for (size_t n = 0; n < result.size(); ++n)
      result[n] += product * d[j][n];
  }
  return result;
}

} // namespace

std::unique_ptr<ReferenceMethod> mad::ode::referenceNdf(ReferenceProblem &problem) {
  return std::make_unique<NdfSteps>(problem);
}
