//===- ByteKernels.h - What kernels on bytes share --------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_KERNELS_BYTEKERNELS_H
#define MAD_PASSES_KERNELS_BYTEKERNELS_H

#include "passes/Kernels/ByteCodes.h"

namespace mad::kernels {

/// Sizes of a product, as arguments of the functions.
struct ByteShape {
  static constexpr unsigned size = 4; ///< arguments
  mlir::Value K, group, blocks, stride;
  mlir::Value groups;

  ByteShape(mlir::ImplicitLocOpBuilder &b, const LutKernel &kernel, mlir::ValueRange arguments);
  /// The arguments for a weight of K rows.
  static llvm::SmallVector<mlir::Value> of(mlir::ImplicitLocOpBuilder &b, const LutKernel &kernel,
                                           int64_t K);
  /// Bytes of a row of arranged activations.
  static int64_t strideOf(const LutKernel &kernel, int64_t K);
  /// Codes of a block.
  int64_t block() const;
  /// The step that the first block of a group begins with.
  mlir::Value firstStep(mlir::Value group) const;

private:
  mlir::ImplicitLocOpBuilder &b;
  const LutKernel &kernel;
};

} // namespace mad::kernels

#endif // MAD_PASSES_KERNELS_BYTEKERNELS_H
