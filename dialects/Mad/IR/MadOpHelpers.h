//===- MadOpHelpers.h - What verifiers and evaluations of ops share ---------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_MAD_IR_MADOPHELPERS_H
#define MAD_DIALECTS_MAD_IR_MADOPHELPERS_H

#include "dialects/Mad/IR/MadOps.h"

namespace mad {

/// Every dynamic dimension must say what it is.
llvm::LogicalResult verifySizes(mlir::Operation *op);
llvm::LogicalResult verifySameElement(mlir::Operation *op, mlir::Value a, const llvm::Twine &what,
                                      mlir::Value b, const llvm::Twine &other);
/// Whether two sizes are certainly different.
bool differ(const DimExpr &a, const DimExpr &b);

llvm::SmallVector<int64_t> rowMajorStrides(llvm::ArrayRef<int64_t> shape);
/// Fails when the lowest or the highest of some coordinates lies outside of a
/// dimension of `source`. Compiled code says the same.
llvm::LogicalResult checkIndex(mlir::Operation *op, mlir::Value source, int64_t dim, int64_t lowest,
                               int64_t highest, int64_t extent, RefContext &context);

} // namespace mad

#endif // MAD_DIALECTS_MAD_IR_MADOPHELPERS_H
