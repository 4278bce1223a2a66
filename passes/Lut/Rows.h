//===- Rows.h - Memory as matrices of neighbouring rows ---------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels take two dimensions: the last one, whose elements are neighbours, and all others. Rows a
// distance apart are taken as they are; other layouts are copied.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_LUT_ROWS_H
#define MAD_PASSES_LUT_ROWS_H

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mad {

/// The matrix that `memory` is, or a copy of it.
mlir::Value rowsToRead(mlir::ImplicitLocOpBuilder &b, mlir::Value memory);
/// The matrix that is written in place of `memory`; `rowsWritten` goes behind that.
mlir::Value rowsToWrite(mlir::ImplicitLocOpBuilder &b, mlir::Value memory);
void rowsWritten(mlir::ImplicitLocOpBuilder &b, mlir::Value rows, mlir::Value memory);
/// All elements as one row of neighbours, or a copy of them.
mlir::Value elementsToRead(mlir::ImplicitLocOpBuilder &b, mlir::Value memory);

} // namespace mad

#endif // MAD_PASSES_LUT_ROWS_H
