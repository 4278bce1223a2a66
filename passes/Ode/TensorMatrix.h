//===- TensorMatrix.h - Matrices of implicit methods on tensors --------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_ODE_TENSORMATRIX_H
#define MAD_PASSES_ODE_TENSORMATRIX_H

#include "dialects/Mad/Derivatives/CompressedJacobian.h"
#include "passes/Ode/NewtonMatrix.h"

namespace mad {

/// What dense and sparse matrices share: derivatives of the body as it is, and the states as one
/// line.
class TensorMatrix : public NewtonMatrix {
public:
  TensorMatrix(ode::SolveOp op, RightHandSide &rhs, SolveAlgebra &m);
  Linearised linearise(Value time, const Leaves &states, bool withTime) override;

protected:
  /// f and J, into `result`.
  virtual llvm::LogicalResult jacobian(mlir::OpBuilder &b, llvm::ArrayRef<Value> arguments,
                                       Linearised &result) = 0;
  llvm::LogicalResult build(mlir::OpBuilder &b, llvm::ArrayRef<Value> arguments, bool withTime,
                            Linearised &result);
  /// Placeholders for the arguments of the body, in a block on the side.
  Leaves argumentsIn(mlir::Block &aside);
  /// All leaves one behind the other.
  Value joined(const Leaves &leaves);
  /// The parts of such a line, as the leaves are.
  Leaves parted(Value line, const Leaves &like);
  /// As a number of the program.
  Value number(const DimExpr &value);

  ode::SolveOp op;
  RightHandSide &rhs;
  SolveAlgebra &m;
  Differentiator derivatives;
  llvm::SmallVector<unsigned> by;   ///< arguments of the body: the states
  llvm::SmallVector<DimExpr> sizes; ///< of each state
  DimExpr size;                     ///< of all
};

} // namespace mad

#endif // MAD_PASSES_ODE_TENSORMATRIX_H
