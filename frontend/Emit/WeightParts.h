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

/// The weight that holds what is read or computed, before any rounding: `w`, or `w.unrounded` where
/// the program calls the rounded one `w`.
std::string sourceName(const hir::Weight &weight);

/// Sources of the data and of the rounded values of a weight that `lut.gptq` rounds: `w.gram`,
/// which is read from `path`, and `w` or, of one that is read from a file, `w.rounded`.
void emitGptq(mlir::OpBuilder &b, const hir::Weight &weight, const std::string &path,
              mlir::Location loc, mlir::RankedTensorType type,
              llvm::SmallVectorImpl<mlir::func::FuncOp> &functions);

/// Sources of the parts of a weight with a format, `w.codes` and so on: weights that are computed
/// of its values, each by a function that encodes them. Nothing else reads the values, so they are
/// gone in the end.
void emitParts(mlir::OpBuilder &b, const hir::Weight &weight, mlir::Location loc,
               mlir::RankedTensorType type, llvm::SmallVectorImpl<mlir::func::FuncOp> &functions);

/// The source of the dictionary, which all weights `as lut.dictionary` share. `weight` is one of
/// them.
void emitDictionary(mlir::OpBuilder &b, const hir::Weight &weight, mlir::Location loc,
                    llvm::SmallVectorImpl<mlir::func::FuncOp> &functions);

/// Whether it is stored as blocks of a .gguf file, which stay as they are.
bool isKept(const hir::Weight &weight);

/// Sources of the parts of such a weight: each is read from `path`, as `blocks` (the format) and
/// `part` (which one) of it say, and `shape`, that of the weight.
void emitBlocks(mlir::OpBuilder &b, const hir::Weight &weight, const std::string &path,
                mlir::Location loc);

} // namespace mad

#endif // MAD_FRONTEND_EMIT_WEIGHTPARTS_H
