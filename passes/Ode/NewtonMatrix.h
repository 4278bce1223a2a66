//===- NewtonMatrix.h - Linear equations of implicit methods ----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Implicit steps solve W x = r with W = shift - J, J the Jacobian of the right-hand side. How J and
// the factors of W are held is the business of an implementation: a list of values that loops may
// carry.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_ODE_NEWTONMATRIX_H
#define MAD_PASSES_ODE_NEWTONMATRIX_H

#include "passes/Ode/SolveAlgebra.h"

namespace mad {

class NewtonMatrix {
public:
  using Value = mlir::Value;
  struct Linearised {
    Leaves rates;     ///< f
    Leaves timeRates; ///< df/dt; null ones are zero, none if all are
    Leaves jacobian;  ///< as long as `jacobianTypes`
  };

  virtual ~NewtonMatrix() = default;
  /// Chooses by the leaves and their sizes. Null, after a message at the op, where an op of the
  /// right-hand side has no derivative.
  static std::unique_ptr<NewtonMatrix> of(ode::SolveOp op, RightHandSide &rhs, SolveAlgebra &m);

  /// One evaluation of f with its derivatives at a time (f64) and states.
  virtual Linearised linearise(Value time, const Leaves &states, bool withTime) = 0;
  /// Of shift - J, the shift a scalar of f64. A singular matrix gives values that are not finite.
  virtual Leaves factor(const Leaves &jacobian, Value shift) = 0;
  virtual Leaves solve(const Leaves &factors, const Leaves &right) = 0;

  /// Placeholders for loops, in front of the first evaluation.
  virtual Leaves noJacobian() = 0;
  virtual Leaves noFactors() = 0;

  // ScalarMatrix.cpp: written out for the pattern of J. DenseMatrix.cpp: tensors.
  static std::unique_ptr<NewtonMatrix> onScalars(ode::SolveOp op, RightHandSide &rhs,
                                                 SolveAlgebra &m);
  static std::unique_ptr<NewtonMatrix> onTensors(ode::SolveOp op, RightHandSide &rhs,
                                                 SolveAlgebra &m);
  // SparseMatrix.cpp: factors of the pattern of J. Not `known` where that is not, or is no gain.
  static std::unique_ptr<NewtonMatrix> ofPattern(ode::SolveOp op, RightHandSide &rhs,
                                                 SolveAlgebra &m, bool &known);
};

} // namespace mad

#endif // MAD_PASSES_ODE_NEWTONMATRIX_H
