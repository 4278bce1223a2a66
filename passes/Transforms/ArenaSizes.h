//===- ArenaSizes.h - Sizes of buffers from dimension parameters ------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_TRANSFORMS_ARENASIZES_H
#define MAD_PASSES_TRANSFORMS_ARENASIZES_H

#include "mlir/IR/IRMapping.h"
#include "passes/Transforms/Entries.h"

namespace mad {

/// Computes index values of the entry again from its dimension parameters alone.
class SizeCloner {
public:
  SizeCloner(mlir::func::FuncOp function, mlir::OpBuilder &b, mlir::ValueRange dims)
      : function(function), arguments(function), b(b), dims(dims) {
    for (auto [from, to] : llvm::zip(function.getArguments(), dims))
      values.map(from, to);
  }
  /// Null when it depends on something else.
  mlir::Value clone(mlir::Value v);
  /// The size of a memref along a dimension; null likewise.
  mlir::Value extentOf(mlir::Value memory, int64_t dim, mlir::Location loc);

private:
  mlir::Value extentOfArgument(mlir::BlockArgument memory, int64_t dim, mlir::Location loc);
  mlir::Value clone(mlir::OpFoldResult size, mlir::Location loc);

  mlir::func::FuncOp function;
  EntryArguments arguments;
  mlir::OpBuilder &b;
  mlir::ValueRange dims;
  mlir::IRMapping values;
};

/// Makes a function of index arithmetic, whose result is a number of bytes, give
/// more bytes than any machine has when the true result, or one of `others`, does
/// not fit. Numbers of that size need no precision: it computes all in f64 as well.
void saturateBytes(mlir::func::FuncOp function, mlir::ValueRange others);

} // namespace mad

#endif // MAD_PASSES_TRANSFORMS_ARENASIZES_H
