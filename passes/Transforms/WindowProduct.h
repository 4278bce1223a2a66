//===- WindowProduct.h - Convolutions among structured ops ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_TRANSFORMS_WINDOWPRODUCT_H
#define MAD_PASSES_TRANSFORMS_WINDOWPRODUCT_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include <optional>

namespace mad {

/// `C[outer.., m, n..] += W[groups.., m, k..] * X[..]`, where each coordinate of X is a
/// sum of multiples of the dimensions other than m: a product of matrices with columns n
/// and steps k, of which the right factor is not a matrix in memory. Dimensions of size
/// 1 do not count.
struct WindowProduct {
  /// On tensors, or on memory without gaps but for X. At most two dimensions n and three
  /// k; products that are a `Contraction` are none.
  static std::optional<WindowProduct> match(mlir::linalg::GenericOp op);

  mutable mlir::linalg::GenericOp op; ///< a handle; its methods are not const
  unsigned w, x;                      ///< operand numbers
  unsigned m;
  llvm::SmallVector<unsigned> outer;  ///< dimensions, in the order of the output
  llvm::SmallVector<unsigned> groups; ///< those of `outer` that W has
  llvm::SmallVector<unsigned> n, k;
  /// W is packed: [m floordiv blockHeight(), k.., m mod blockHeight()].
  bool packed = false;
  mlir::Type sum;
  bool mayContract;

  mlir::AffineMap map(unsigned operand) const { return op.getIndexingMapsArray()[operand]; }
  mlir::Type element(unsigned operand) const {
    return mlir::getElementTypeOrSelf(op->getOperand(operand).getType());
  }

private:
  bool findFactors();
  bool findPacked();
  bool sortDims();
  bool fitsMemory() const;
  bool isOrdered(mlir::AffineMap map, llvm::ArrayRef<unsigned> dims) const;
};

} // namespace mad

#endif // MAD_PASSES_TRANSFORMS_WINDOWPRODUCT_H
