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

/// Columns of a packed panel for sums of a type, on all CPUs: 64 bytes.
int64_t panelOf(mlir::Type sum);
/// Rows of a packed block, on all CPUs.
int64_t blockHeight();
/// The map by which a contraction reads a packed factor.
mlir::AffineMap panelMap(unsigned dims, unsigned n, unsigned k, int64_t panel,
                         mlir::MLIRContext *context);

/// Whether the body adds the product of both inputs to the output; `contract`: products
/// need not be rounded.
bool isSumOfProducts(mlir::linalg::GenericOp op, bool &contract);

/// Whether the sums of such a body may be taken in any order.
bool mayReorder(mlir::linalg::GenericOp op);

/// The element type of a factor for passes/Kernels: bytes without a sign are ui8.
mlir::Type factorType(mlir::linalg::GenericOp op, unsigned operand);

/// `C[.., m, n] += A[.., m, k] * B[.., k, n]`: a sum of products over one dimension,
/// with two dimensions of the output of which each occurs in one factor only. The
/// other dimensions of the output are outer ones.
struct Contraction {
  /// Floats of type `sum`; the factors may be narrower. Nothing if `op` is not of that form.
  static std::optional<Contraction> match(mlir::linalg::GenericOp op);

  mutable mlir::linalg::GenericOp op; ///< a handle; its methods are not const
  unsigned a, b;                      ///< operand numbers of the factors
  std::optional<unsigned> m;          ///< dimensions; without rows there is one
  unsigned n, k;
  /// B is packed: [n floordiv panel, k, n mod panel]; 0: it is a matrix.
  int64_t panel = 0;
  llvm::SmallVector<unsigned> outer;
  mlir::Type sum;
  bool mayContract; ///< products need not be rounded

  unsigned c() const { return 2; }
  mlir::AffineMap map(unsigned operand) const { return op.getIndexingMapsArray()[operand]; }
  mlir::Type element(unsigned operand) const {
    return mlir::getElementTypeOrSelf(op->getOperand(operand).getType());
  }

private:
  bool findFactors();
};

/// Makes a product with a packed factor one of two matrices, if its memory allows: what
/// is above the rows becomes rows, and a vector one row. Returns the new op, or that of
/// `product`.
mlir::linalg::GenericOp flattenRows(mlir::RewriterBase &rewriter, const Contraction &product);

} // namespace mad

#endif // MAD_PASSES_TRANSFORMS_CONTRACTION_H
