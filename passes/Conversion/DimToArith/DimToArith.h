//===- DimToArith.h - Dimensions as index arithmetic ------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_CONVERSION_DIMTOARITH_DIMTOARITH_H
#define MAD_PASSES_CONVERSION_DIMTOARITH_DIMTOARITH_H

#include "dialects/Mad/IR/DimExpr.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace mad {

/// Computes a dimension in `index` arithmetic; null when `symbol` is null for one
/// of its names. A division by zero gives some number instead of a trap: whether
/// it can happen is checked elsewhere.
mlir::Value dimToArith(mlir::OpBuilder &b, mlir::Location loc, const DimExpr &dim,
                       llvm::function_ref<mlir::Value(llvm::StringRef)> symbol);

/// Whether `dimToArith` may give another number than the dimension: it has a division, a product,
/// or factors by which the sum of extents of tensors in memory may leave 64 bits.
bool dimMayFail(const DimExpr &dim);

/// Whether a dimension overflows 64 bits or divides by zero, as an i1: just where
/// `DimExpr::evaluate` gives nothing. Null when `symbol` is null for one of its names.
mlir::Value dimFails(mlir::OpBuilder &b, mlir::Location loc, const DimExpr &dim,
                     llvm::function_ref<mlir::Value(llvm::StringRef)> symbol);
/// What is said then.
std::string dimFailure(const DimExpr &dim);

} // namespace mad

#endif // MAD_PASSES_CONVERSION_DIMTOARITH_DIMTOARITH_H
