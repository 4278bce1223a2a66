//===- OdeReferenceJacobian.h - Derivatives of a right-hand side ------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_ODE_IR_ODEREFERENCEJACOBIAN_H
#define MAD_DIALECTS_ODE_IR_ODEREFERENCEJACOBIAN_H

#include "dialects/Ode/IR/OdeReferenceProblem.h"

namespace mad::ode {

/// Evaluates tangents of the right-hand side, direction by direction, by a function that is
/// added to the module.
class ReferenceJacobian {
public:
  explicit ReferenceJacobian(ReferenceProblem &problem) : problem(problem) {}

  /// J[i][j] = df_i / dy_j, and df / dt.
  llvm::LogicalResult evaluate(double time, const Vector &at, std::vector<Vector> &jacobian,
                               Vector &timeRates);
  /// The tangents of all that the body yields along one direction: that of the time, or one of the
  /// states.
  llvm::LogicalResult along(double time, const Vector &at, double timeSeed, const Vector &seed,
                            Vector &tangent);

private:
  llvm::LogicalResult prepare(bool ofTime);

  ReferenceProblem &problem;
  mlir::Operation *functions[2] = {}; ///< of states, of the time
};

/// shift - J as factors, with partial pivoting.
class ReferenceFactors {
public:
  ReferenceFactors() = default;
  ReferenceFactors(const std::vector<Vector> &jacobian, double shift);
  Vector solve(Vector right) const;

private:
  std::vector<Vector> lu;
  std::vector<size_t> rows;
};

} // namespace mad::ode

#endif // MAD_DIALECTS_ODE_IR_ODEREFERENCEJACOBIAN_H
