//===- LinearPart.h - Functions of the linear part of equations -------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// L of y' = L y + N(t, y), block by block: a block is a state. Its part is a number, a diagonal or
// a matrix; so are functions phi[k](z L) of it, phi[0] = exp, phi[k](z) = sum_j z^j / (j + k)!.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_ODE_LINEARPART_H
#define MAD_PASSES_ODE_LINEARPART_H

#include "passes/Ode/SolveAlgebra.h"

namespace mad {

class LinearPart {
public:
  using Value = mlir::Value;
  /// Of a state.
  struct Block {
    enum Kind { Zero, Number, Diagonal, Matrix } kind = Zero;
    /// A number; a diagonal as leaves of the state; a matrix as a tensor [n, n] or, where leaves
    /// are scalars, its elements.
    Leaves values;
  };
  /// A function of L.
  using Function = llvm::SmallVector<Block>;

  LinearPart(ode::SolveOp op, RightHandSide &rhs, SolveAlgebra &m) : op(op), rhs(rhs), m(m) {}

  /// What the region of the op yields: L, in the element type of the states.
  Function ofRegion(Value time, const Leaves &states);
  /// phi[0] to phi[most] of z L, z a scalar of f64, in f64. With `half` those of z L / 2 stand in
  /// front.
  llvm::SmallVector<Function> phis(const Function &linear, Value z, int most, bool half);
  /// sum weights[i] functions[i], the weights scalars of f64.
  Function combined(llvm::ArrayRef<Value> weights, llvm::ArrayRef<const Function *> functions);
  /// In the element type of the states.
  Function rounded(const Function &function);
  /// A function times all states.
  Leaves times(const Function &function, const Leaves &x);
  /// rates - L states
  Leaves rest(const Leaves &rates, const Function &linear, const Leaves &states);

private:
  size_t leavesOf(size_t state) const;
  Value matrixOf(llvm::ArrayRef<Value> values, size_t rows);
  Leaves product(const Block &block, llvm::ArrayRef<Value> x);

  ode::SolveOp op;
  RightHandSide &rhs;
  SolveAlgebra &m;
};

/// phi[0] to phi[most], at most 3, of each element of z, a tensor of f64.
Leaves phiOfElements(Algebra &m, mlir::Value z, int most);
/// Of z a, a matrix of f64 and z a scalar; with `half` those of z a / 2 in front.
Leaves phiOfMatrix(Algebra &m, mlir::Value a, mlir::Value z, int most, bool half);
/// a @ b of matrices or of a matrix and a vector.
mlir::Value matrixProduct(Algebra &m, mlir::Value a, mlir::Value b);

} // namespace mad

#endif // MAD_PASSES_ODE_LINEARPART_H
