//===- OdeReferenceEvents.cpp - Events of a solve, in plain numbers ---------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Ode/IR/OdeReferenceEvents.h"
#include "dialects/Ode/Tableaus/Control.h"
#include <algorithm>
#include <cmath>
#include <limits>

using namespace mlir;
using namespace mad;
using namespace mad::ode;

static bool isAny(const std::vector<bool> &flags) {
  return std::find(flags.begin(), flags.end(), true) != flags.end();
}

LogicalResult ReferenceEvents::guards(double t, const Vector &y, Vector &values) {
  std::vector<RefTensor> results;
  if (failed(problem.run(problem.op.getEventRegions()[0], problem.arguments(t, y), results)))
    return failure();
  values.clear();
  for (const RefTensor &guard : results)
    values.push_back(guard.floats[0]);
  return success();
}

LogicalResult ReferenceEvents::begin(double t, const Vector &y, const Vector &f, double h) {
  bool isF32 = problem.initial[0]->element == RefElement::F32;
  double least = EventSearch::leastNudge * Controller::smallestSteps *
                 std::numeric_limits<double>::epsilon() *
                 std::max(std::fabs(t), std::fabs(problem.option(problem.op.getTo(), 0)));
  double nudge =
      std::max((isF32 ? EventSearch::nudgeF32 : EventSearch::nudge) * std::fabs(h), least);
  nudge = h < 0 ? -nudge : nudge;
  Vector moved = y, behind;
  for (size_t i = 0; i < y.size(); ++i)
    moved[i] += nudge * f[i];
  if (failed(guards(t, y, signs)) || failed(guards(t + nudge, moved, behind)))
    return failure();
  for (size_t e = 0; e < signs.size(); ++e)
    if (signs[e] == 0 || (!fired.empty() && fired[e]))
      signs[e] = behind[e];
  fired.clear();
  return success();
}

std::vector<bool> ReferenceEvents::crossed(const Vector &now) const {
  ArrayRef<int64_t> directions = *const_cast<SolveOp &>(problem.op).getEventDirections();
  std::vector<bool> result;
  for (size_t e = 0; e < now.size(); ++e)
    result.push_back((signs[e] < 0 && now[e] >= 0 && directions[e] >= 0) ||
                     (signs[e] > 0 && now[e] <= 0 && directions[e] <= 0));
  return result;
}

/// The bracket is made smaller by ITP (Oliveira and Takahashi, 2020), for the event whose straight
/// line is zero first. The answer is its end, where the event has happened.
LogicalResult ReferenceEvents::find(const ReferenceTrial &trial) {
  fired.clear();
  Vector low = signs, high, middle;
  if (failed(guards(trial.next, trial.end, high)))
    return failure();
  std::vector<bool> now = crossed(high);
  if (!isAny(now)) {
    signs = high;
    return success();
  }
  if (failed(method.complete(trial)))
    return failure();
  double from = 0, to = 1, radius = 1;
  double ulp = EventSearch::ulps * std::numeric_limits<double>::epsilon();
  double size = std::max(std::fabs(trial.t), std::fabs(trial.next)) / std::fabs(trial.h);
  double enough = ulp * std::max(1.0, size);
  for (int64_t i = 0; i < EventSearch::maxRounds && to - from > enough; ++i) {
    double width = to - from, half = from + 0.5 * width, line = to;
    for (size_t e = 0; e < high.size(); ++e)
      if (now[e]) {
        double part = std::fabs(low[e]) / (std::fabs(low[e]) + std::fabs(high[e]));
        line = std::min(from + width * part, line);
      }
    double side = half >= line ? 1 : -1, bend = EventSearch::bend * width * width;
    double x = std::fabs(half - line) <= bend ? half : line + side * bend;
    double reach = radius - 0.5 * width;
    x = std::fabs(x - half) <= reach ? x : half - side * reach;
    radius *= 0.5;
    double at = trial.t + x * trial.h;
    if (failed(guards(at, method.interpolated(trial, at), middle)))
      return failure();
    std::vector<bool> passed = crossed(middle);
    if (isAny(passed)) {
      to = x;
      high = middle;
      now = passed;
    } else {
      from = x;
      low = middle;
    }
  }
  fired = now;
  time = to == 1 ? trial.next : trial.t + to * trial.h;
  states = method.interpolated(trial, time);
  return success();
}

bool ReferenceEvents::resets() const {
  for (size_t e = 0; e < fired.size(); ++e)
    if (fired[e] && (*const_cast<SolveOp &>(problem.op).getEventResets())[e])
      return true;
  return false;
}

bool ReferenceEvents::stops() const {
  for (size_t e = 0; e < fired.size(); ++e)
    if (fired[e] && (*const_cast<SolveOp &>(problem.op).getEventStops())[e])
      return true;
  return false;
}

LogicalResult ReferenceEvents::reset(Vector &y) {
  size_t first = 0;
  ArrayRef<bool> resets = *problem.op.getEventResets();
  for (size_t e = 0; e < fired.size(); ++e) {
    if (!resets[e])
      continue;
    if (fired[e]) {
      std::vector<RefTensor> results;
      if (failed(problem.run(problem.op.getEventRegions()[1], problem.arguments(time, y), results)))
        return failure();
      y.clear();
      for (size_t i = 0; i < problem.initial.size(); ++i)
        y.insert(y.end(), results[first + i].floats.begin(), results[first + i].floats.end());
    }
    first += problem.initial.size();
  }
  return success();
}
