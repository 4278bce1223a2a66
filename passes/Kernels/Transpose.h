//===- Transpose.h - Square blocks of vectors --------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_KERNELS_TRANSPOSE_H
#define MAD_PASSES_KERNELS_TRANSPOSE_H

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mad::kernels {

/// Transposes n vectors of n lanes, n a power of two, in place: n log n shuffles of
/// two vectors.
void transpose(mlir::ImplicitLocOpBuilder &b, llvm::MutableArrayRef<mlir::Value> rows);

} // namespace mad::kernels

#endif // MAD_PASSES_KERNELS_TRANSPOSE_H
