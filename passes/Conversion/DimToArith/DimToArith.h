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

} // namespace mad

#endif // MAD_PASSES_CONVERSION_DIMTOARITH_DIMTOARITH_H
