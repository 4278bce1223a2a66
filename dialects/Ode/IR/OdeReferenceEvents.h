//===- OdeReferenceEvents.h - Events of a solve, in plain numbers -----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_ODE_IR_ODEREFERENCEEVENTS_H
#define MAD_DIALECTS_ODE_IR_ODEREFERENCEEVENTS_H

#include "dialects/Ode/IR/OdeReferenceProblem.h"

namespace mad::ode {

/// The events of one solve: README.md of this dialect, "Events".
class ReferenceEvents {
public:
  ReferenceEvents(ReferenceProblem &problem, ReferenceMethod &method)
      : problem(problem), method(method) {}

  bool any() const { return problem.op.eventCount() > 0; }
  /// The signs with which a step from (t, y) begins; f is the derivative there, h the length of the
  /// step with its direction. They are looked for behind t where a guard is 0 or `fired` names it.
  llvm::LogicalResult begin(double t, const Vector &y, const Vector &f, double h);

  /// Looks for the first event in an accepted step. Where there is one, `fired` is not empty, and
  /// time and states are those there.
  llvm::LogicalResult find(const ReferenceTrial &trial);
  /// The new states of what has fired.
  llvm::LogicalResult reset(Vector &y);
  bool resets() const;
  bool stops() const;

  std::vector<bool> fired; ///< empty: none
  double time = 0;
  Vector states;

private:
  llvm::LogicalResult guards(double t, const Vector &y, Vector &values);
  /// Whether the guards have passed zero since the step began.
  std::vector<bool> crossed(const Vector &now) const;

  ReferenceProblem &problem;
  ReferenceMethod &method;
  Vector signs;
};

} // namespace mad::ode

#endif // MAD_DIALECTS_ODE_IR_ODEREFERENCEEVENTS_H
