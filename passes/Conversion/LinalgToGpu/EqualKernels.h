//===- EqualKernels.h - Which kernels do the same ----------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_CONVERSION_LINALGTOGPU_EQUALKERNELS_H
#define MAD_PASSES_CONVERSION_LINALGTOGPU_EQUALKERNELS_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include <unordered_map>

namespace mad {

/// Of a kernel without a body: the one whose body it gets.
constexpr llvm::StringLiteral equalKernel = "mad.equal";

/// Kernels of a module that do the same, whatever they are called, were chosen for, and come from.
class KnownKernels {
public:
  /// An equal one that was added before; else this one, which is added.
  mlir::gpu::GPUFuncOp findOrAdd(mlir::gpu::GPUFuncOp kernel);

private:
  std::unordered_map<size_t, mlir::SmallVector<mlir::gpu::GPUFuncOp>> known;
};

} // namespace mad

#endif // MAD_PASSES_CONVERSION_LINALGTOGPU_EQUALKERNELS_H
