//===- SolveAlgebra.h - Arithmetic on the states of a solve -----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the loop of steps and the steps themselves share: sums of leaves, and norms in units
// of the tolerances.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_ODE_SOLVEALGEBRA_H
#define MAD_PASSES_ODE_SOLVEALGEBRA_H

#include "passes/Ode/Algebra.h"
#include "passes/Ode/RightHandSide.h"

namespace mad {

class SolveAlgebra : public Algebra {
public:
  SolveAlgebra(ode::SolveOp op, RightHandSide &rhs, mlir::OpBuilder &b);

  /// sum weights[i] k[i]; nothing where all weights are 0.
  Leaves sum(llvm::ArrayRef<double> weights, llvm::ArrayRef<Leaves> k);
  /// y + h sum weights[i] k[i]
  Leaves combined(const Leaves &y, mlir::Value h, llvm::ArrayRef<double> weights,
                  llvm::ArrayRef<Leaves> k);
  /// A scalar of f64 times each leaf.
  Leaves scaled(mlir::Value factor, const Leaves &x);
  Leaves plus(const Leaves &x, const Leaves &y);
  Leaves minus(const Leaves &x, const Leaves &y);
  /// Hermite's cubic at a time within a step of h from t, where the states are y, to `end`, with
  /// the derivatives at both: with x = (time - t) / h and D = end - y it is
  /// y + x^2 (3 - 2x) D + x (1 - x)^2 h first - x^2 (1 - x) h last.
  Leaves hermite(mlir::Value time, mlir::Value t, mlir::Value h, const Leaves &y, const Leaves &end,
                 const Leaves &first, const Leaves &last);
  /// One of both by a condition.
  Leaves chosen(mlir::Value condition, const Leaves &x, const Leaves &y);

  /// Makes tolerances of one number a component those of leaves: in front of all that follows, and
  /// of the loop of steps.
  void splitTolerances(bool intoScalars, bool ofSystem);
  /// The numbers of a tolerance: the loop over the systems of an ensemble has no other tensors.
  Leaves numbersOf(mlir::Value tolerance, bool scalars);
  /// The relative tolerance that roundings are compared with: of several the least positive one.
  mlir::Value leastRtol() { return least ? least : op.getRtol(); }
  /// An error of a leaf in units of the tolerance between two states; 0 of no error, whatever the
  /// unit is.
  mlir::Value unitOf(mlir::Value error, mlir::Value x, mlir::Value y, size_t leaf);
  /// Of all elements in these units, in f64. In f32 finite errors count as 1e12 units at most.
  mlir::Value sumOfSquares(const Leaves &errors, const Leaves &x, const Leaves &y,
                           mlir::Type type = {});
  /// How many elements the states have, at least 1, as f64.
  mlir::Value size();
  /// The number of the largest element of all leaves; NaN is one.
  mlir::Value largest(const Leaves &leaves);

  ode::SolveOp op;
  RightHandSide &rhs;
  mlir::Type element; ///< of the states

private:
  Leaves ofLeaves(mlir::Value tolerance, bool scalars);
  mlir::Value least;
  Leaves rtols, atols; ///< of leaves, where they are not one number
};

} // namespace mad

#endif // MAD_PASSES_ODE_SOLVEALGEBRA_H
