//===- Control.h - How a solver chooses its steps ---------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Numbers that the reference and compiled code share; README.md of dialects/Ode
// defines the algorithm.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_ODE_TABLEAUS_CONTROL_H
#define MAD_DIALECTS_ODE_TABLEAUS_CONTROL_H

#include <cstdint>
#include <string_view>

namespace mad::ode {

/// How a solve ended.
enum class Status : int32_t {
  Done = 0,
  TooManySteps = 1,
  StepTooSmall = 2,
  NotFinite = 3,
  SaveOutside = 4,   ///< a time of `save` is not between the ends, or they do not ascend
  BadOption = 5,     ///< an end that is not finite, a tolerance or a step that is not positive
  NoRoom = 6,        ///< more steps than `save` has room for
  TooManyEvents = 7, ///< more than `max_events`
  Chatter = 8,       ///< an event follows the one before at once
};
constexpr int32_t statusCount = 9;

/// What a failed solve says, without time, step and component.
constexpr std::string_view statusText(Status status) {
  switch (status) {
  case Status::Done:
    return "done";
  case Status::TooManySteps:
    return "it needs more than `max_steps` steps";
  case Status::StepTooSmall:
    return "no step is small enough for the tolerances";
  case Status::NotFinite:
    return "the solution is not finite";
  case Status::SaveOutside:
    return "the times of `save` do not ascend from `from` to `to`";
  case Status::BadOption:
    return "`from`, `to`, a tolerance or a step is not finite or not positive";
  case Status::NoRoom:
    return "it needs more steps than `save` has room for";
  case Status::TooManyEvents:
    return "it has more than `max_events` events";
  case Status::Chatter:
    return "an event follows the one before at once";
  }
  return "";
}

/// h' = h gamma E^-errorExponent Eold^oldExponent Eolder^-olderExponent, within limits. `pi` is
/// Gustafsson's control with the constants of Hairer and Wanner, Solving Ordinary Differential
/// Equations II, IV.2; `pid` has the form of Soderlind, Digital Filters in Adaptive Time-Stepping,
/// 2003.
struct Controller {
  double errorExponent, oldExponent, olderExponent;
  static constexpr double gamma = 0.9;
  static constexpr double shrink = 0.2;        ///< the smallest factor of a step
  static constexpr double grow = 10;           ///< the largest one
  static constexpr double growFirst = 1e4;     ///< the same, behind the first step
  static constexpr double leastOld = 1e-4;     ///< what Eold is at least
  static constexpr int32_t smallestSteps = 16; ///< the least step, in units in the last place of t
  static constexpr double nearZero = 1e-16;    ///< to which this part of the end is added

  /// `pid` are the gains p, i and d, where the controller is that.
  static Controller of(std::string_view name, int order, const double *pid) {
    const double named[3] = {name == "pi" ? 0.4 : 0.0, name == "pi" ? 0.3 : 1.0, 0.0};
    const double *k = pid ? pid : named;
    return {(k[0] + k[1] + k[2]) / order, (k[0] + 2 * k[2]) / order, k[2] / order};
  }
};

/// When the iteration of an implicit stage ends, in units of the tolerance.
struct NewtonControl {
  static constexpr double finest = 0.01; ///< the error that is left, at most
  /// It is more where roundings are: so many units in the last place, but not more than `coarsest`.
  static constexpr double roundings = 10;
  static constexpr double coarsest = 0.5;
  static constexpr double tiny = 1e-3; ///< a change is, below this part of that bound
  /// Or below so many units in the last place: it is one of roundings, which do not shrink.
  static constexpr double tinyRoundings = 4;
  static constexpr int roundsNdf = 4;
  static constexpr int roundsEsdirk = 8;
  static constexpr double shrink = 0.5;   ///< of a step whose iteration failed
  static constexpr double beyond = 1e100; ///< the square of its error
};

/// Times of `save` may be outside of the ends by this part of the way.
constexpr double saveSlack = 1e-10;
/// A step that comes as near to the end, in parts of itself, goes to the end.
constexpr double endSlack = 1e-10;
/// Given steps whose lengths differ by at most so many units in the last place of the ends are
/// equal: times are rounded. Functions of the length of a step are computed once for them.
constexpr double equalSteps = 16;

/// How events are found; README.md of dialects/Ode has the algorithm.
struct EventSearch {
  static constexpr int64_t maxRounds = 64;
  static constexpr double bend = 0.2; ///< of ITP
  /// The root is known to so many units in the last place of the time.
  static constexpr double ulps = 4;
  /// Behind an event signs are those after this part of a step.
  static constexpr double nudge = 0x1p-20, nudgeF32 = 0x1p-12;
  /// At least after so many least steps: the time of an event is not exact, and what went too far
  /// before a reset comes back more slowly.
  static constexpr double leastNudge = 64;
  /// Resets are so many least steps apart.
  static constexpr double apart = 0x1p16;
};
/// Normal numbers of solves with noise; README.md of dialects/Ode has the algorithm.
struct NoiseCounter {
  static constexpr int64_t mark = 2; ///< the last word of counters: std.random has 0 and 1
  static constexpr double unit32 = 4.656612873077393e-10, unit64 = 1.0842021724855044e-19;
  static constexpr double angle32 = 1.4629180792671596e-9, angle64 = 3.4061215800865545e-19;
};
constexpr int64_t defaultMaxEvents = 100;

constexpr double defaultRtol = 1e-3;
constexpr double defaultAtol = 1e-6;
constexpr int64_t defaultMaxSteps = 100000;

} // namespace mad::ode

#endif // MAD_DIALECTS_ODE_TABLEAUS_CONTROL_H
