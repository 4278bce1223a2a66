//===- Newton.h - The simplified Newton iteration of implicit stages --------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_ODE_NEWTON_H
#define MAD_PASSES_ODE_NEWTON_H

#include "passes/Ode/NewtonMatrix.h"

namespace mad {

/// An equation shift (y - base) = f(time, y).
struct ImplicitStage {
  mlir::Value time, shift;
  Leaves base, guess;
  Leaves near;       ///< states whose sizes give the units of the tolerance
  mlir::Value asked; ///< where it is false nothing is iterated, and it has failed; null: always
};

struct ImplicitSolution {
  Leaves y;
  mlir::Value converged; ///< whether it has
  mlir::Value rounds;    ///< evaluations of f, i64
  mlir::Value norm;      ///< of the last change, f64; not finite where the iteration was lost
};

/// Iterates with the factors of shift - J for a Jacobian of somewhere (dialects/Ode/README.md,
/// "Newton's iteration").
ImplicitSolution solveStage(SolveAlgebra &m, RightHandSide &rhs, NewtonMatrix &matrix,
                            const Leaves &factors, const ImplicitStage &stage, int maxRounds);

} // namespace mad

#endif // MAD_PASSES_ODE_NEWTON_H
