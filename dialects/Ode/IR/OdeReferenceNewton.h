//===- OdeReferenceNewton.h - The iteration of implicit stages --------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_ODE_IR_ODEREFERENCENEWTON_H
#define MAD_DIALECTS_ODE_IR_ODEREFERENCENEWTON_H

#include "dialects/Ode/IR/OdeReferenceJacobian.h"

namespace mad::ode {

struct NewtonResult {
  Vector y;
  bool converged = false;
  int rounds = 0;
  double norm = 0; ///< of the last change
};

/// Solves shift (y - base) = f(time, y) from `y` on; units of the tolerance are of the states
/// `near`.
llvm::LogicalResult newton(ReferenceProblem &problem, const ReferenceFactors &factors, double time,
                           double shift, const Vector &base, const Vector &near, int maxRounds,
                           NewtonResult &result);

} // namespace mad::ode

#endif // MAD_DIALECTS_ODE_IR_ODEREFERENCENEWTON_H
