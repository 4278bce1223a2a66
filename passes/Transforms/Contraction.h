//===- Contraction.h - Products of matrices among structured ops ------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_TRANSFORMS_CONTRACTION_H
#define MAD_PASSES_TRANSFORMS_CONTRACTION_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include <optional>

namespace mad {

/// `C[.., m, n] += A[.., m, k] * B[.., k, n]`: a sum of products over one dimension,
/// with two dimensions of the output of which each occurs in one factor only. The
/// other dimensions of the output are outer ones.
struct Contraction {
  /// Floats of type `sum`; the factors may be narrower. Nothing if `op` is not of that form.
  static std::optional<Contraction> match(mlir::linalg::GenericOp op);

  mutable mlir::linalg::GenericOp op; ///< a handle; its methods are not const
  unsigned a, b;                      ///< operand numbers of the factors
  unsigned m, n, k;                   ///< dimensions
  llvm::SmallVector<unsigned> outer;
  mlir::Type sum;
  bool mayContract; ///< products need not be rounded

  unsigned c() const { return 2; }
  mlir::AffineMap map(unsigned operand) const { return op.getIndexingMapsArray()[operand]; }
  mlir::Type element(unsigned operand) const {
    return mlir::getElementTypeOrSelf(op->getOperand(operand).getType());
  }
};

} // namespace mad

#endif // MAD_PASSES_TRANSFORMS_CONTRACTION_H
