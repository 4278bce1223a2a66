//===- ExpandWords.h - Codes of a dictionary while they are needed ----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_LUT_EXPANDWORDS_H
#define MAD_PASSES_LUT_EXPANDWORDS_H

#include "dialects/Lut/IR/LutOps.h"
#include "passes/Kernels/KernelLibrary.h"

namespace mad {

/// Some columns of a weight [K, M] `as lut.dictionary`, as codes of 2 bits, [K / 4, columns], in
/// memory of their own. All levels of CPUs ask for the same memory.
class ExpandedColumns {
public:
  /// `words`, `starts` and `dictionary` are matrices. At most `width` columns at a time; 0: all to
  /// other memory.
  ExpandedColumns(mlir::ImplicitLocOpBuilder &b, kernels::KernelLibrary &library, mlir::Value words,
                  mlir::Value starts, mlir::Value dictionary, int64_t K, int64_t width);

  /// Columns `from` to `to`, until the next call.
  mlir::Value columns(mlir::Value from, mlir::Value to);
  /// The same to other memory, [K / 4, to - from].
  void into(mlir::Value memory, mlir::Value from, mlir::Value to);

private:
  mlir::ImplicitLocOpBuilder &b;
  kernels::KernelLibrary &library;
  llvm::SmallVector<mlir::Value> parts;
  int64_t K;
  mlir::Value codes, stage;
};

/// Columns `from` to `to` of rows of neighbours.
mlir::Value columnsOf(mlir::ImplicitLocOpBuilder &b, mlir::Value matrix, mlir::Value from,
                      mlir::Value to);

/// Makes calls of an op on memory, in pieces of columns.
void expandWords(lut::ExpandIntoOp op, kernels::KernelLibrary &library, int64_t grain);

} // namespace mad

#endif // MAD_PASSES_LUT_EXPANDWORDS_H
