//===- OdeReference.cpp - What a solve computes -----------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// README.md of this dialect in plain loops over f64. Only what the right-hand side is
// given is rounded to the type of the states.
//
//===----------------------------------------------------------------------===//
#include "dialects/Ode/IR/OdeOps.h"
#include "dialects/Ode/Tableaus/Control.h"
#include "dialects/Ode/Tableaus/Tableau.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>
#include <cmath>
#include <limits>

using namespace mlir;
using namespace mad;
using namespace mad::ode;

using Vector = std::vector<double>;

namespace {

class Solver {
public:
  Solver(SolveOp op, ArrayRef<const RefTensor *> operands, RefContext &context, RunRegion run);
  LogicalResult solve(MutableArrayRef<RefTensor> results);

private:
  double option(Value value, double otherwise);
  bool badOptions();
  bool badTimes() const;
  LogicalResult rhs(double time, const Vector &y, Vector &f);
  Vector combined(const Vector &weights, double factor) const;
  double scaled(double x, size_t i, const Vector &a, const Vector &b) const;
  double rms(const Vector &x, const Vector &y) const;
  LogicalResult initialStep(const Vector &f, double &h);
  LogicalResult stages(double h, double next);
  double errorSquared(const Vector &end, double h);
  LogicalResult adaptive();
  LogicalResult fixed();
  LogicalResult savedIn(double h, double next);
  void saveAll(double until);
  void put(const Vector &y);
  double least() const;
  void stop(Status why, const Vector &badness);
  LogicalResult report();
  void finish(MutableArrayRef<RefTensor> results);

  SolveOp op;
  ArrayRef<const RefTensor *> operands;
  RefContext &context;
  RunRegion run;
  Tableau tableau;
  SmallVector<const RefTensor *> initial, parameters;
  int64_t maxSteps;
  double from, to, direction, rtol, atol, minStep, maxStep;
  Vector times; ///< of `save`
  std::vector<Vector> saved;
  double t;
  Vector y;
  std::vector<Vector> k; ///< stages of the step; the first one is f(t, y)
  Vector lastError;      ///< scaled, of the last step that was tried
  Status status = Status::Done;
  int64_t component = -1;
  int64_t accepted = 0, rejected = 0, evaluations = 0;
};

} // namespace

Solver::Solver(SolveOp op, ArrayRef<const RefTensor *> operands, RefContext &context, RunRegion run)
    : op(op), operands(operands), context(context), run(run),
      tableau(tableauOf(op.getMethod().str())), maxSteps(static_cast<int64_t>(op.getMaxSteps())) {
  auto of = [&](Value value) {
    for (OpOperand &operand : op->getOpOperands())
      if (operand.get() == value)
        return operands[operand.getOperandNumber()];
    return static_cast<const RefTensor *>(nullptr);
  };
  for (Value value : op.getInitial())
    initial.push_back(of(value));
  for (Value value : op.getParameters())
    parameters.push_back(of(value));
  double none = std::numeric_limits<double>::infinity();
  from = option(op.getFrom(), 0);
  to = option(op.getTo(), 0);
  rtol = option(op.getRtol(), 0);
  atol = option(op.getAtol(), 0);
  minStep = option(op.getMinStep(), 0);
  maxStep = option(op.getMaxStep(), none);
  direction = to >= from ? 1 : -1;
  t = from;
  for (const RefTensor *state : initial)
    y.insert(y.end(), state->floats.begin(), state->floats.end());
  if (op.getSave())
    times = of(op.getSave())->floats;
}

double Solver::option(Value value, double otherwise) {
  if (value)
    for (OpOperand &operand : op->getOpOperands())
      if (operand.get() == value)
        return operands[operand.getOperandNumber()]->floats[0];
  return otherwise;
}

bool Solver::badOptions() {
  double inf = std::numeric_limits<double>::infinity();
  auto positive = [&](Value value) {
    double x = option(value, 1);
    return x > 0 && x < inf;
  };
  bool tolerances =
      !op.isAdaptive() || (rtol >= 0 && atol >= 0 && rtol + atol > 0 && rtol + atol < inf);
  return !std::isfinite(from) || !std::isfinite(to) || !tolerances || !positive(op.getStep()) ||
         !positive(op.getFirst()) || !(minStep >= 0) || !(maxStep > 0);
}

bool Solver::badTimes() const {
  double slack = saveSlack * std::fabs(to - from);
  for (size_t i = 0; i < times.size(); ++i) {
    bool inside = direction * (times[i] - from) >= -slack && direction * (to - times[i]) >= -slack;
    if (!inside || (i && !(direction * (times[i] - times[i - 1]) >= 0)))
      return true;
  }
  return false;
}

//===----------------------------------------------------------------------===//
// The right-hand side and stages
//===----------------------------------------------------------------------===//

LogicalResult Solver::rhs(double time, const Vector &at, Vector &f) {
  ++evaluations;
  std::vector<RefTensor> arguments, results;
  auto timeType = cast<RankedTensorType>(op.getBody().front().getArgument(0).getType());
  arguments.push_back(RefTensor::zeros(refElement(timeType.getElementType()), {}));
  arguments.back().floats[0] = time;
  size_t begin = 0;
  for (const RefTensor *state : initial) {
    arguments.push_back(RefTensor::zeros(state->element, state->shape));
    std::copy_n(at.begin() + begin, state->floats.size(), arguments.back().floats.begin());
    begin += state->floats.size();
  }
  for (RefTensor &argument : arguments)
    context.finish(argument);
  for (const RefTensor *parameter : parameters)
    arguments.push_back(*parameter);
  if (failed(run(op.getBody(), std::move(arguments), results)))
    return failure();
  f.clear();
  for (const RefTensor &derivative : results)
    f.insert(f.end(), derivative.floats.begin(), derivative.floats.end());
  return success();
}

/// y + factor * sum weights[i] k[i]
Vector Solver::combined(const Vector &weights, double factor) const {
  Vector result = y;
  for (size_t i = 0; i < weights.size(); ++i)
    for (size_t n = 0; weights[i] != 0 && n < y.size(); ++n)
      result[n] += factor * weights[i] * k[i][n];
  return result;
}

/// Computes the stages of a step to `next`, the first of which is known.
LogicalResult Solver::stages(double h, double next) {
  k.resize(tableau.stages());
  for (size_t i = 1; i < tableau.stages(); ++i) {
    double time = tableau.c[i] == 1 ? next : t + tableau.c[i] * h;
    if (failed(rhs(time, combined(tableau.a[i], h), k[i])))
      return failure();
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

/// x in units of the tolerance between two states. Of no error it is 0, whatever the unit is.
double Solver::scaled(double x, size_t i, const Vector &a, const Vector &b) const {
  if (x == 0)
    return 0;
  double most = std::max(std::fabs(a[i]), std::fabs(b[i]));
  // Else a step to infinity had no error.
  return std::isinf(most) ? std::numeric_limits<double>::quiet_NaN() : x / (atol + rtol * most);
}

double Solver::rms(const Vector &x, const Vector &at) const {
  double sum = 0;
  for (size_t i = 0; i < x.size(); ++i)
    sum += scaled(x[i], i, at, at) * scaled(x[i], i, at, at);
  return std::sqrt(sum / std::max<size_t>(1, x.size()));
}

/// The square of the error of a step, in units of the tolerance. With a second estimate the error
/// is h n^2 / sqrt((n^2 + 0.01 m^2) N), n and m the lengths of the two (Hairer and Wanner's
/// DOP853).
double Solver::errorSquared(const Vector &end, double h) {
  size_t size = y.size();
  double sums[2] = {0, 0};
  lastError.assign(size, 0.0);
  for (int which : {0, 1}) {
    const Vector &weights = which ? tableau.errorLow : tableau.error;
    for (size_t n = 0; n < size; ++n) {
      double error = 0;
      for (size_t i = 0; i < weights.size(); ++i)
        error += h * weights[i] * k[i][n];
      double unit = scaled(error, n, y, end);
      sums[which] += unit * unit;
      if (!which)
        lastError[n] = std::fabs(unit);
    }
  }
  double count = static_cast<double>(std::max<size_t>(1, size));
  if (tableau.errorLow.empty())
    return sums[0] / count;
  double both = sums[0] + 0.01 * sums[1];
  return both == 0 ? 0 : sums[0] * (sums[0] / both) / count;
}

/// Hairer, Norsett, Wanner: Solving Ordinary Differential Equations I, II.4.
LogicalResult Solver::initialStep(const Vector &f, double &h) {
  double span = std::fabs(to - from);
  double d0 = rms(y, y), d1 = rms(f, y);
  double h0 = d0 < 1e-5 || d1 < 1e-5 ? 1e-6 : 0.01 * d0 / d1;
  h0 = std::min(h0, span);
  Vector moved = y, g;
  for (size_t i = 0; i < y.size(); ++i)
    moved[i] += direction * h0 * f[i];
  if (failed(rhs(t + direction * h0, moved, g)))
    return failure();
  for (size_t i = 0; i < y.size(); ++i)
    g[i] -= f[i];
  double d2 = rms(g, y) / h0, most = std::max(d1, d2);
  double h1 =
      most <= 1e-15 ? std::max(1e-6, 1e-3 * h0) : std::pow(0.01 / most, 1.0 / tableau.order);
  h = std::min(100 * h0, h1);
  return success();
}

//===----------------------------------------------------------------------===//
// Saving
//===----------------------------------------------------------------------===//

void Solver::put(const Vector &at) { saved.push_back(at); }

/// What is saved up to a time where the solution is y.
void Solver::saveAll(double until) {
  while (saved.size() < times.size() && direction * (times[saved.size()] - until) <= 0)
    put(y);
}

/// What is saved in the step from (t, y) whose stages are known, and f(next, y') among them.
LogicalResult Solver::savedIn(double h, double next) {
  auto isInside = [&] {
    return saved.size() < times.size() && direction * (times[saved.size()] - next) <= 0;
  };
  if (!isInside())
    return success();
  for (size_t i = 0; i < tableau.denseC.size(); ++i) {
    k.resize(tableau.next() + 2 + i);
    if (failed(rhs(t + tableau.denseC[i] * h, combined(tableau.denseA[i], h), k.back())))
      return failure();
  }
  std::vector<Vector> rows = tableau.interpolant();
  while (isInside()) {
    double x = std::clamp((times[saved.size()] - t) / h, 0.0, 1.0);
    Vector weights;
    for (const Vector &row : rows) {
      double weight = 0;
      for (size_t q = row.size(); q > 0; --q)
        weight = (weight + row[q - 1]) * x;
      weights.push_back(weight);
    }
    put(combined(weights, h));
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

/// The least step from here.
double Solver::least() const {
  double ulps = Controller::smallestSteps * std::numeric_limits<double>::epsilon();
  return std::max(minStep, ulps * std::max(std::fabs(t), std::fabs(to)));
}

/// The first of the largest, NaN counts as such.
void Solver::stop(Status why, const Vector &badness) {
  status = why;
  component = badness.empty() ? -1 : 0;
  for (size_t i = 1; i < badness.size() && !std::isnan(badness[component]); ++i)
    if (std::isnan(badness[i]) || badness[i] > badness[component])
      component = static_cast<int64_t>(i);
}

LogicalResult Solver::adaptive() {
  if (from == to)
    return success();
  Controller control = Controller::of(op.getController().str(), tableau.order);
  k.resize(1);
  if (failed(rhs(t, y, k[0])))
    return failure();
  double h = option(op.getFirst(), 0), logOld = std::log(Controller::leastOld);
  if (!op.getFirst() && failed(initialStep(k[0], h)))
    return failure();
  if (!std::isfinite(h)) {
    for (double f : k[0])
      lastError.push_back(std::fabs(f));
    stop(Status::NotFinite, lastError);
  }
  h = std::max(std::min(h, maxStep), least());
  for (int64_t tries = 0; status == Status::Done && t != to; ++tries) {
    if (tries == maxSteps) {
      stop(Status::TooManySteps, {});
      break;
    }
    bool isLast = h * (1 + endSlack) >= std::fabs(to - t);
    double step = isLast ? to - t : direction * h, next = isLast ? to : t + step;
    if (failed(stages(step, next)))
      return failure();
    Vector end = combined(tableau.b, step);
    double error = errorSquared(end, step), logError = 0.5 * std::log(error);
    double wish = Controller::gamma * std::exp(-control.errorExponent * logError);
    if (error <= 1) {
      double most = accepted ? Controller::grow : Controller::growFirst;
      wish *= std::exp(control.oldExponent * logOld);
      ++accepted;
      if (!tableau.fsal) {
        k.resize(tableau.next() + 1);
        if (failed(rhs(next, end, k.back())))
          return failure();
      }
      if (failed(savedIn(step, next)))
        return failure();
      t = next;
      y = end;
      k = {k[tableau.next()]};
      h = std::fabs(step) * std::clamp(wish, Controller::shrink, most);
      h = std::max(std::min(h, maxStep), least());
      logOld = std::max(logError, std::log(Controller::leastOld));
    } else {
      ++rejected;
      h = std::fabs(step) * (wish >= Controller::shrink ? wish : Controller::shrink);
      if (h < least())
        stop(std::isfinite(error) ? Status::StepTooSmall : Status::NotFinite, lastError);
    }
  }
  return success();
}

LogicalResult Solver::fixed() {
  double span = std::fabs(to - from), h = direction * option(op.getStep(), 0);
  double count = std::ceil(span / std::fabs(h) * (1 - endSlack));
  int64_t limit = maxSteps;
  if (op.getSteps()) {
    std::optional<int64_t> steps = context.dim(*op.getSteps());
    if (!steps)
      return context.fail(op, context.message);
    limit = *steps;
    count = static_cast<double>(limit);
    h = (to - from) / count;
    if (span != 0 && limit < 1) {
      stop(Status::BadOption, {});
      return success();
    }
  }
  if (span == 0)
    return success();
  k.resize(1);
  if (failed(rhs(t, y, k[0])))
    return failure();
  for (int64_t i = 0; static_cast<double>(i) < count; ++i) {
    if (i == limit) {
      stop(Status::TooManySteps, {});
      return success();
    }
    bool isLast = static_cast<double>(i + 1) >= count;
    double next = isLast ? to : from + static_cast<double>(i + 1) * h, step = isLast ? to - t : h;
    if (failed(stages(step, next)))
      return failure();
    Vector end = combined(tableau.b, step);
    ++accepted;
    // Without a step or a saved time behind it nothing needs it.
    bool isNeeded = (!isLast && i + 1 < limit) || op.getSave();
    if (!tableau.fsal && isNeeded) {
      k.resize(tableau.next() + 1);
      if (failed(rhs(next, end, k.back())))
        return failure();
    }
    if (failed(savedIn(step, next)))
      return failure();
    t = next;
    y = end;
    if (k.size() > tableau.next())
      k = {k[tableau.next()]};
  }
  Vector badness;
  for (double x : y)
    badness.push_back(std::isfinite(x) ? 0 : 1);
  if (std::count(badness.begin(), badness.end(), 1))
    stop(Status::NotFinite, badness);
  return success();
}

//===----------------------------------------------------------------------===//
// All of it
//===----------------------------------------------------------------------===//

LogicalResult Solver::report() {
  std::string text;
  llvm::raw_string_ostream out(text);
  out << "`" << op.getName() << "` cannot be solved: " << statusText(status)
      << ": at t = " << llvm::format("%.10g", t) << ", step " << accepted + rejected;
  if (component >= 0)
    out << ", component " << component;
  return context.fail(op, text);
}

void Solver::finish(MutableArrayRef<RefTensor> results) {
  size_t states = initial.size(), begin = 0;
  for (size_t i = 0; i < states; ++i) {
    size_t size = initial[i]->floats.size();
    Vector &to = results[i].floats;
    std::fill(to.begin(), to.end(), std::numeric_limits<double>::quiet_NaN());
    if (!op.getSave())
      std::copy_n(y.begin() + begin, size, to.begin());
    for (size_t row = 0; row < saved.size(); ++row)
      std::copy_n(saved[row].begin() + begin, size, to.begin() + row * size);
    begin += size;
  }
  results[states].floats[0] = t;
  results[states + 1].integers[0] = static_cast<int64_t>(status);
  results[states + 2].integers[0] = accepted;
  results[states + 3].integers[0] = rejected;
  results[states + 4].integers[0] = evaluations;
}

LogicalResult Solver::solve(MutableArrayRef<RefTensor> results) {
  if (badOptions())
    stop(Status::BadOption, {});
  else if (badTimes())
    stop(Status::SaveOutside, {});
  if (status == Status::Done) {
    saveAll(from);
    if (failed(op.isAdaptive() ? adaptive() : fixed()))
      return failure();
    // Those that are behind the end, by no more than the slack.
    if (status == Status::Done)
      saveAll(direction * std::numeric_limits<double>::infinity());
  }
  if (status != Status::Done && op.getFails())
    return report();
  finish(results);
  return success();
}

LogicalResult SolveOp::evaluateRegions(ArrayRef<const RefTensor *> operands,
                                       MutableArrayRef<RefTensor> results, RefContext &context,
                                       RunRegion run) {
  return Solver(*this, operands, context, run).solve(results);
}
