//===- Derivatives.h - Calls of what computes tangents ----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_FRONTEND_EMIT_DERIVATIVES_H
#define MAD_FRONTEND_EMIT_DERIVATIVES_H

#include "dialects/Mad/IR/DimExpr.h"
#include "mlir/IR/Builders.h"
#include <optional>

namespace mlir::func {
class FuncOp;
} // namespace mlir::func

namespace mad {

class Differentiator;

/// Calls the companion of a function for the arguments that `active` numbers, whose tangents are
/// the last operands. Gives the results, then the tangents of all results of floats, and nothing
/// where there is no companion, after a message.
llvm::SmallVector<mlir::Value> emitJvp(mlir::OpBuilder &b, mlir::Location loc,
                                       Differentiator &derivatives, mlir::func::FuncOp function,
                                       mlir::ValueRange operands, llvm::ArrayRef<uint32_t> active,
                                       const std::optional<DimExpr> &directions);

/// As `emitJvp` for the tangents of the identity, which are the last operand: one direction for
/// each element of argument number `argument`. Where sizes are known and columns of the Jacobian
/// share no row, such columns are computed together.
llvm::SmallVector<mlir::Value> emitJacobian(mlir::OpBuilder &b, mlir::Location loc,
                                            Differentiator &derivatives,
                                            mlir::func::FuncOp function, mlir::ValueRange operands,
                                            uint32_t argument, const DimExpr &directions);

} // namespace mad

#endif // MAD_FRONTEND_EMIT_DERIVATIVES_H
