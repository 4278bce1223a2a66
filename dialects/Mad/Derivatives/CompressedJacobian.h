//===- CompressedJacobian.h - Jacobians of few directions ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_MAD_DERIVATIVES_COMPRESSEDJACOBIAN_H
#define MAD_DIALECTS_MAD_DERIVATIVES_COMPRESSEDJACOBIAN_H

#include "dialects/Mad/Derivatives/Differentiate.h"
#include "dialects/Mad/Derivatives/Sparsity.h"

namespace mad {

/// A Jacobian of a function, all of whose columns of one colour were computed together.
struct CompressedJacobian {
  llvm::SmallVector<mlir::Value> results; ///< of the function itself
  /// [entries], in the element type of the results: those of the pattern, row by row.
  mlir::Value entries;
};

/// Builds it at the place of the builder, by one call of the companion of `function` with a
/// direction for each colour. `values` are the arguments, `by` numbers those that vary. All results
/// of floats have one element type. `sparsity` and `colouring` are those of `function` and `by`,
/// the pattern has an entry. Fails as `Differentiator::jvp` does.
llvm::FailureOr<CompressedJacobian>
compressedJacobian(mlir::OpBuilder &b, mlir::Location loc, Differentiator &derivatives,
                   mlir::func::FuncOp function, mlir::ValueRange values,
                   llvm::ArrayRef<unsigned> by, const Sparsity &sparsity,
                   const Colouring &colouring);
/// As above with the ops of a block in place: of a right-hand side, for example.
llvm::FailureOr<CompressedJacobian>
compressedJacobian(mlir::OpBuilder &b, mlir::Location loc, Differentiator &derivatives,
                   mlir::Block &block, mlir::ValueRange values, llvm::ArrayRef<unsigned> by,
                   const Sparsity &sparsity, const Colouring &colouring);

/// The whole Jacobian [rows, columns].
mlir::Value denseJacobian(mlir::OpBuilder &b, mlir::Location loc, mlir::Value entries,
                          const Sparsity &sparsity);
/// The entries of some rows, from number `first` on, in a tensor [columns, rows] of zeros.
mlir::Value denseColumns(mlir::OpBuilder &b, mlir::Location loc, mlir::Value entries,
                         const Sparsity &sparsity, int64_t first, int64_t rows);

} // namespace mad

#endif // MAD_DIALECTS_MAD_DERIVATIVES_COMPRESSEDJACOBIAN_H
