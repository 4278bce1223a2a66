//===- WeightParts.h - Weights that are stored in a format ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_FRONTEND_EMIT_WEIGHTPARTS_H
#define MAD_FRONTEND_EMIT_WEIGHTPARTS_H

#include "frontend/Check/Program.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mad {

/// The elements of a weight: as it is, or what its parts stand for.
mlir::Value weightValue(mlir::OpBuilder &b, const hir::Weight &weight, mlir::Location loc,
                        mlir::RankedTensorType type);

/// Sources of the parts of a weight with a format, `w.codes` and so on: weights that are computed
/// of its values, each by a function that encodes them. Nothing else reads the values, so they are
/// gone in the end.
void emitParts(mlir::OpBuilder &b, const hir::Weight &weight, mlir::Location loc,
               mlir::RankedTensorType type, llvm::SmallVectorImpl<mlir::func::FuncOp> &functions);

} // namespace mad

#endif // MAD_FRONTEND_EMIT_WEIGHTPARTS_H
