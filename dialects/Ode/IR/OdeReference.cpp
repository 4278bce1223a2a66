//===- OdeReference.cpp - What a solve computes -----------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// README.md of this dialect in plain loops over f64. Only what the right-hand side is
// given is rounded to the type of the states.
//
//===----------------------------------------------------------------------===//
#include "dialects/Ode/IR/OdeReferenceEvents.h"
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

namespace {

class Solver {
public:
  Solver(SolveOp op, ArrayRef<const RefTensor *> operands, RefContext &context, RunRegion run);
  LogicalResult solve(MutableArrayRef<RefTensor> results);
  int64_t trajectory = -1; ///< the number of the system in an ensemble

private:
  bool badOptions();
  bool badTimes() const;
  LogicalResult initialStep(const Vector &f, double &h);
  LogicalResult move(ReferenceTrial &trial, bool isNeeded);
  LogicalResult adaptive();
  LogicalResult fixed();
  LogicalResult savedIn(const ReferenceTrial &trial, double until);
  LogicalResult happen(double &h);
  bool goesOn();
  void saveAll(double until);
  LogicalResult keep(const ReferenceTrial &trial, double until, const Vector &end);
  void put(const Vector &y);
  void saveReached(bool goesOn);
  double least() const;
  void stop(Status why, const Vector &badness);
  std::string componentName();
  LogicalResult report();
  void finish(MutableArrayRef<RefTensor> results);

  SolveOp op;
  RefContext &context;
  ReferenceProblem problem;
  std::unique_ptr<ReferenceMethod> method;
  ReferenceEvents events;
  double lastReset = 0;
  bool hasReset = false;
  bool ended = false; ///< by an event
  int64_t eventRoom = 0;
  Vector eventTimes;
  std::vector<int64_t> eventNumbers;
  int64_t maxSteps;
  double from, to, direction, minStep, maxStep;
  Vector times; ///< of `save`
  std::vector<Vector> saved;
  int64_t rows = 0;          ///< room for steps that are saved
  std::vector<double> nodes; ///< where values of each step are kept, if `dense`
  Vector savedTimes;
  double t;
  Vector y;
  Status status = Status::Done;
  int64_t component = -1;
  double errorSquared = -1; ///< of the last step, in units of its tolerance; -1: there was none
  int64_t accepted = 0, rejected = 0;
};

} // namespace

Solver::Solver(SolveOp op, ArrayRef<const RefTensor *> operands, RefContext &context, RunRegion run)
    : op(op), context(context), problem(op, operands, context, run),
      method(ReferenceMethod::of(problem)), events(problem, *method),
      maxSteps(static_cast<int64_t>(op.getMaxSteps())) {
  double none = std::numeric_limits<double>::infinity();
  from = operands[op.getFromMutable().getOperandNumber()]->floats[0];
  to = operands[op.getToMutable().getOperandNumber()]->floats[0];
  minStep = problem.option(op.getMinStep(), 0);
  maxStep = problem.option(op.getMaxStep(), none);
  direction = to >= from ? 1 : -1;
  t = from;
  for (const RefTensor *state : problem.initial)
    y.insert(y.end(), state->floats.begin(), state->floats.end());
  if (op.getSave())
    for (OpOperand &operand : op->getOpOperands())
      if (operand.get() == op.getSave())
        times = operands[operand.getOperandNumber()]->floats;
}

bool Solver::badOptions() {
  double inf = std::numeric_limits<double>::infinity();
  auto positive = [&](Value value) {
    double x = problem.option(value, 1);
    return x > 0 && x < inf;
  };
  bool tolerances = true;
  const Vector &r = problem.rtol, &a = problem.atol;
  // Of states without elements a tolerance may have none.
  size_t count = r.empty() || a.empty() ? 0 : std::max(r.size(), a.size());
  for (size_t i = 0; op.isAdaptive() && i < count; ++i) {
    double rtol = r[r.size() == 1 ? 0 : i], atol = a[a.size() == 1 ? 0 : i];
    tolerances &= rtol >= 0 && atol >= 0 && rtol + atol > 0 && rtol + atol < inf;
  }
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

/// Hairer, Norsett, Wanner: Solving Ordinary Differential Equations I, II.4.
LogicalResult Solver::initialStep(const Vector &f, double &h) {
  double span = std::fabs(to - from);
  double d0 = problem.rms(y, y), d1 = problem.rms(f, y);
  double h0 = d0 < 1e-5 || d1 < 1e-5 ? 1e-6 : 0.01 * d0 / d1;
  h0 = std::min(h0, span);
  Vector moved = y, g;
  for (size_t i = 0; i < y.size(); ++i)
    moved[i] += direction * h0 * f[i];
  if (failed(problem.rhs(t + direction * h0, moved, g)))
    return failure();
  for (size_t i = 0; i < y.size(); ++i)
    g[i] -= f[i];
  double d2 = problem.rms(g, y) / h0, most = std::max(d1, d2);
  double h1 =
      most <= 1e-15 ? std::max(1e-6, 1e-3 * h0) : std::pow(0.01 / most, 1.0 / method->firstOrder());
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

/// The state that was reached, where steps are saved. Where the solve goes on, the next one needs
/// room, too.
void Solver::saveReached(bool goesOn) {
  if (!op.getSaveSteps())
    return;
  if (!op.getDense())
    put(y);
  savedTimes.push_back(t);
  if (static_cast<int64_t>(savedTimes.size()) == rows && goesOn && status == Status::Done)
    stop(Status::NoRoom, {});
}

/// The values of an accepted step up to a time, which ends in `end`.
LogicalResult Solver::keep(const ReferenceTrial &trial, double until, const Vector &end) {
  if (!op.getDense())
    return success();
  if (failed(method->complete(trial)))
    return failure();
  for (double node : nodes)
    put(node == 0   ? trial.y
        : node == 1 ? end
                    : method->interpolated(trial, trial.t + node * (until - trial.t)));
  return success();
}

/// What is saved in an accepted step up to a time.
LogicalResult Solver::savedIn(const ReferenceTrial &trial, double until) {
  auto isInside = [&] {
    return saved.size() < times.size() && direction * (times[saved.size()] - until) <= 0;
  };
  if (!isInside())
    return success();
  if (failed(method->complete(trial)))
    return failure();
  while (isInside())
    put(method->interpolated(trial, times[saved.size()]));
  return success();
}

/// Whether there is more to save behind the state that was reached: another one at the same time,
/// or that of a further step.
bool Solver::goesOn() {
  bool happens = !events.fired.empty();
  return (happens && events.resets() && !op.getDense()) ||
         (t != to && !(happens && events.stops()));
}

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

/// The least step from here.
double Solver::least() const {
  double ulps = Controller::smallestSteps * std::numeric_limits<double>::epsilon();
  return std::max(minStep, ulps * (std::fabs(t) + Controller::nearZero * std::fabs(to)));
}

/// The first of the largest, NaN counts as such.
void Solver::stop(Status why, const Vector &badness) {
  status = why;
  component = badness.empty() ? -1 : 0;
  for (size_t i = 1; i < badness.size() && !std::isnan(badness[component]); ++i)
    if (std::isnan(badness[i]) || badness[i] > badness[component])
      component = static_cast<int64_t>(i);
}

/// What an event does: the step ended there.
LogicalResult Solver::happen(double &h) {
  for (size_t e = 0; e < events.fired.size() && status == Status::Done; ++e) {
    if (!events.fired[e])
      continue;
    if (static_cast<int64_t>(eventTimes.size()) == eventRoom)
      stop(Status::TooManyEvents, {});
    else {
      eventTimes.push_back(t);
      eventNumbers.push_back(static_cast<int64_t>(e));
    }
  }
  if (status != Status::Done)
    return success();
  ended = events.stops();
  if (events.resets()) {
    double since = std::fabs(t - (hasReset ? lastReset : from));
    if (hasReset && since <= EventSearch::apart * least())
      stop(Status::Chatter, {});
    // Else a shorter flight than this step would be passed over.
    h = std::max(std::min(h, since), least());
    lastReset = t;
    hasReset = true;
    if (failed(events.reset(y)))
      return failure();
    if (status == Status::Done && !op.getDense())
      saveReached(t != to && !ended);
  }
  Vector rates;
  if (failed(problem.rhs(t, y, rates)))
    return failure();
  method->begin(y, rates);
  return events.begin(t, y, rates, direction * h);
}

/// To the end of a step that is taken, or to the event that ends it. `isNeeded`: the method will
/// be asked again.
LogicalResult Solver::move(ReferenceTrial &trial, bool isNeeded) {
  ++accepted;
  if (failed(method->accepted(trial, isNeeded)) || (events.any() && failed(events.find(trial))))
    return failure();
  bool happens = !events.fired.empty();
  double until = happens ? events.time : trial.next;
  const Vector &end = happens ? events.states : trial.end;
  if (failed(savedIn(trial, until)) || failed(keep(trial, until, end)))
    return failure();
  method->done();
  t = until;
  y = end;
  return success();
}

LogicalResult Solver::adaptive() {
  if (from == to)
    return success();
  Controller control = Controller::of(op.getController().str(), method->order(), op.getGains());
  Vector rates, badness, lastErrors;
  if (failed(problem.rhs(t, y, rates)))
    return failure();
  double h = problem.option(op.getFirst(), 0);
  double logOld = std::log(Controller::leastOld), logOlder = logOld;
  if (!op.getFirst() && failed(initialStep(rates, h)))
    return failure();
  if (!std::isfinite(h)) {
    for (double f : rates)
      badness.push_back(std::fabs(f));
    stop(Status::NotFinite, badness);
  }
  method->begin(y, rates);
  h = std::max(std::min(h, maxStep), least());
  if (events.any() && failed(events.begin(t, y, rates, direction * h)))
    return failure();
  for (int64_t tries = 0; status == Status::Done && t != to && !ended; ++tries) {
    if (tries == maxSteps) {
      stop(Status::TooManySteps, lastErrors);
      break;
    }
    bool isLast = h * (1 + endSlack) >= std::fabs(to - t);
    ReferenceTrial trial;
    trial.t = t;
    trial.y = y;
    trial.h = isLast ? to - t : direction * h;
    trial.next = isLast ? to : t + trial.h;
    if (failed(method->attempt(trial)))
      return failure();
    lastErrors = trial.errors;
    errorSquared = trial.errorSquared;
    double error = trial.errorSquared, logError = 0.5 * std::log(error);
    double wish = Controller::gamma * std::exp(-control.errorExponent * logError);
    double length = std::fabs(trial.h);
    if (error <= 1) {
      double most = accepted ? Controller::grow : Controller::growFirst;
      wish *= std::exp(control.oldExponent * logOld - control.olderExponent * logOlder);
      wish = std::clamp(wish, Controller::shrink, most);
      if (failed(move(trial, /*isNeeded=*/true)))
        return failure();
      h = length * (trial.ratioAccepted ? trial.ratioAccepted : wish);
      h = std::min(h, maxStep);
      // What `bdf` knows is of equal steps, but the least one grows with the time.
      if (trial.ratioAccepted != 1)
        h = std::max(h, least());
      saveReached(goesOn());
      if (!events.fired.empty() && failed(happen(h)))
        return failure();
      logOlder = logOld;
      logOld = std::max(logError, std::log(Controller::leastOld));
    } else {
      ++rejected;
      method->rejected(trial);
      h = length * (wish >= Controller::shrink ? wish : Controller::shrink);
      if (trial.ratioRejected)
        h = length * trial.ratioRejected;
      if (h < least() && h < length) // the same step may be tried again
        stop(std::isfinite(error) ? Status::StepTooSmall : Status::NotFinite, trial.errors);
    }
  }
  return success();
}

LogicalResult Solver::fixed() {
  double span = std::fabs(to - from), h = direction * problem.option(op.getStep(), 0);
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
  Vector rates;
  if ((method->needsRates() || events.any()) && failed(problem.rhs(t, y, rates)))
    return failure();
  method->begin(y, rates);
  if (events.any() && failed(events.begin(t, y, rates, h)))
    return failure();
  for (int64_t i = 0; static_cast<double>(i) < count && !ended;) {
    if (accepted == maxSteps && !op.getSteps()) {
      stop(Status::TooManySteps, {});
      return success();
    }
    bool isLast = static_cast<double>(i + 1) >= count;
    ReferenceTrial trial;
    trial.t = t;
    trial.y = y;
    trial.next = isLast ? to : from + static_cast<double>(i + 1) * h;
    // Behind an event a step is the rest of the one that it has ended.
    bool isWhole = !isLast && t == from + static_cast<double>(i) * h;
    trial.h = isWhole || !(isLast || events.any()) ? h : trial.next - t;
    if (failed(method->attempt(trial)))
      return failure();
    // Without a step, a saved time or an event behind it nothing needs it.
    bool isNeeded = (!isLast && i + 1 < limit) || op.getSave() || op.getDense() || events.any();
    if (failed(move(trial, isNeeded)))
      return failure();
    i += t == trial.next;
    saveReached(goesOn());
    double length = std::fabs(trial.h);
    if (status == Status::Done && !events.fired.empty() && failed(happen(length)))
      return failure();
    if (status != Status::Done)
      return success();
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

/// As the program has it: a state with the indices of its element.
std::string Solver::componentName() {
  if (auto names = op->getAttrOfType<ArrayAttr>(componentsAttr))
    return cast<StringAttr>(names[static_cast<size_t>(component)]).str();
  int64_t element = component;
  size_t state = 0;
  for (; element >= problem.initial[state]->elements(); ++state)
    element -= problem.initial[state]->elements();
  std::string indices;
  ArrayRef<int64_t> shape = problem.initial[state]->shape;
  for (int64_t extent : llvm::reverse(shape)) {
    indices = std::to_string(element % extent) + (indices.empty() ? "]" : ", ") + indices;
    element /= extent;
  }
  return cast<StringAttr>(op.getStateNames()[state]).str() + (indices.empty() ? "" : "[") + indices;
}

LogicalResult Solver::report() {
  std::string text;
  llvm::raw_string_ostream out(text);
  out << "`" << op.getName() << "` cannot be solved: " << statusText(status)
      << ": at t = " << llvm::format("%.10g", t);
  if (trajectory >= 0)
    out << ", trajectory " << trajectory;
  else
    out << ", step " << accepted + rejected;
  if (component >= 0)
    out << ", component `" << componentName() << "`";
  // Others are no step's fault.
  bool isStep = status == Status::TooManySteps || status == Status::StepTooSmall ||
                status == Status::NotFinite;
  if (isStep && !(errorSquared < 0)) // without the sign that a NaN may have
    out << ", last error " << llvm::format("%.3g", std::fabs(std::sqrt(errorSquared)))
        << " times the tolerance";
  return context.fail(op, text);
}

void Solver::finish(MutableArrayRef<RefTensor> results) {
  size_t states = problem.initial.size(), begin = 0;
  for (size_t i = 0; i < states; ++i) {
    size_t size = problem.initial[i]->floats.size();
    Vector &to = results[i].floats;
    std::fill(to.begin(), to.end(), std::numeric_limits<double>::quiet_NaN());
    if (!op.getSave() && !op.savesStates())
      std::copy_n(y.begin() + begin, size, to.begin());
    Vector &table = results[op.getDense() ? states + i : i].floats;
    if (op.getDense())
      std::fill(table.begin(), table.end(), std::numeric_limits<double>::quiet_NaN());
    for (size_t row = 0; row < saved.size(); ++row)
      std::copy_n(saved[row].begin() + begin, size, table.begin() + row * size);
    begin += size;
  }
  states += op.getDenseTables().size();
  if (op.getSaveSteps()) {
    Vector &to = results[states].floats;
    std::fill(to.begin(), to.end(), std::numeric_limits<double>::quiet_NaN());
    std::copy(savedTimes.begin(), savedTimes.end(), to.begin());
    int64_t steps = std::max<int64_t>(0, static_cast<int64_t>(savedTimes.size()) - 1);
    results[states + 1].integers[0] =
        op.getDense() ? steps : static_cast<int64_t>(savedTimes.size());
    states += 2;
  }
  if (op.getEvents()) {
    Vector &to = results[states].floats;
    std::fill(to.begin(), to.end(), std::numeric_limits<double>::quiet_NaN());
    std::copy(eventTimes.begin(), eventTimes.end(), to.begin());
    auto &numbers = results[states + 1].integers;
    std::fill(numbers.begin(), numbers.end(), -1);
    std::copy(eventNumbers.begin(), eventNumbers.end(), numbers.begin());
    results[states + 2].integers[0] = static_cast<int64_t>(eventTimes.size());
    states += 3;
  }
  if (op.getCountsWork())
    for (int64_t count : {problem.jacobians, problem.factorisations, problem.iterations})
      results[states++].integers[0] = count;
  results[states].floats[0] = t;
  results[states + 1].integers[0] = static_cast<int64_t>(status);
  results[states + 2].integers[0] = accepted;
  results[states + 3].integers[0] = rejected;
  results[states + 4].integers[0] = problem.evaluations;
}

LogicalResult Solver::solve(MutableArrayRef<RefTensor> results) {
  problem.system = std::max<int64_t>(trajectory, 0);
  if (badOptions())
    stop(Status::BadOption, {});
  else if (badTimes())
    stop(Status::SaveOutside, {});
  if (op.getSaveSteps()) {
    std::optional<int64_t> room = context.dim(*op.getSaveSteps());
    if (!room)
      return context.fail(op, context.message);
    rows = *room + (op.getDense() ? 1 : 0);
  }
  if (op.getDense())
    nodes = interpolantNodes(interpolantDegree(op.getMethod().str()));
  if (op.getMaxEvents()) {
    std::optional<int64_t> room = context.dim(*op.getMaxEvents());
    if (!room)
      return context.fail(op, context.message);
    eventRoom = *room;
  }
  if (status == Status::Done) {
    saveAll(from);
    saveReached(goesOn());
  }
  if (status == Status::Done) {
    if (failed(op.isAdaptive() ? adaptive() : fixed()))
      return failure();
    // Those that are behind the end, by no more than the slack.
    if (status == Status::Done && !ended)
      saveAll(direction * std::numeric_limits<double>::infinity());
  }
  if (status != Status::Done && op.getFails())
    return report();
  finish(results);
  return success();
}

/// Each system of an ensemble by itself.
class Ensemble {
public:
  explicit Ensemble(SolveOp op) : op(op), isOfLane(op->getNumOperands(), false) {
    auto add = [&](OpOperand &operand, int64_t own) {
      isOfLane[operand.getOperandNumber()] = rankOf(operand.get()) > own;
    };
    unsigned number = 0;
    for (OpOperand &state : op.getInitialMutable())
      add(state, rankOf(op.getBody().getArgument(++number)));
    for (OpOperand &parameter : op.getParametersMutable())
      add(parameter, rankOf(op.getBody().getArgument(++number)));
    add(op.getFromMutable(), 0);
    add(op.getToMutable(), 0);
    for (MutableOperandRange tolerance : {op.getRtolMutable(), op.getAtolMutable()})
      for (OpOperand &operand : tolerance)
        add(operand, 1);
  }

  LogicalResult solve(ArrayRef<const RefTensor *> operands, MutableArrayRef<RefTensor> results,
                      RefContext &context, RunRegion run) {
    int64_t lanes = results[op.getValues().size()].elements();
    for (int64_t lane = 0; lane < lanes; ++lane) {
      std::vector<RefTensor> given, found;
      for (auto [number, whole] : llvm::enumerate(operands))
        given.push_back(isOfLane[number] ? partOf(*whole, lane, lanes) : *whole);
      for (const RefTensor &result : results)
        found.push_back(partOf(result, lane, lanes));
      SmallVector<const RefTensor *> pointers;
      for (const RefTensor &value : given)
        pointers.push_back(&value);
      Solver solver(op, pointers, context, run);
      solver.trajectory = lane;
      if (failed(solver.solve(found)))
        return failure();
      for (auto [whole, one] : llvm::zip_equal(results, found)) {
        std::copy(one.floats.begin(), one.floats.end(),
                  whole.floats.begin() + lane * one.floats.size());
        std::copy(one.integers.begin(), one.integers.end(),
                  whole.integers.begin() + lane * one.integers.size());
      }
    }
    return success();
  }

private:
  static int64_t rankOf(Value value) { return cast<RankedTensorType>(value.getType()).getRank(); }

  RefTensor partOf(const RefTensor &whole, int64_t lane, int64_t lanes) const {
    RefTensor one = whole;
    one.shape.erase(one.shape.begin(), one.shape.begin() + op.getLaneRank());
    auto cut = [&](auto &elements) {
      size_t size = elements.size() / lanes;
      elements = {elements.begin() + lane * size, elements.begin() + (lane + 1) * size};
    };
    cut(one.floats);
    cut(one.integers);
    return one;
  }

  mutable SolveOp op;         ///< accessors of ops are not const
  SmallVector<bool> isOfLane; ///< operands that each system has for itself
};

LogicalResult SolveOp::evaluateRegions(ArrayRef<const RefTensor *> operands,
                                       MutableArrayRef<RefTensor> results, RefContext &context,
                                       RunRegion run) {
  if (getLaneRank() > 0)
    return Ensemble(*this).solve(operands, results, context, run);
  return Solver(*this, operands, context, run).solve(results);
}
