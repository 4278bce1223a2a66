//===- Memory.h - Lowerings that work in memory of their own ----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An algorithm whose steps write here and there is written as loops on memory that
// nothing else refers to; its result is a tensor again. All of it lies in the arena.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_CONVERSION_MADTOLINALG_MEMORY_H
#define MAD_PASSES_CONVERSION_MADTOLINALG_MEMORY_H

#include "passes/Conversion/MadToLinalg/Lowering.h"

namespace mad {

/// Memory for a tensor of `type` (of the mad dialect), as it is stored.
mlir::Value memoryFor(Lowering &lowering, mlir::OpBuilder &b, mlir::Operation *op,
                      mlir::RankedTensorType type);
/// Memory for `size` elements in a line.
mlir::Value memoryLine(mlir::OpBuilder &b, mlir::Location loc, mlir::Value size,
                       mlir::Type element);
void writeMemory(mlir::OpBuilder &b, mlir::Location loc, mlir::Value tensor, mlir::Value memory);
/// Memory that holds a tensor, to be read alone.
mlir::Value memoryOf(mlir::OpBuilder &b, mlir::Location loc, mlir::Value tensor);
/// What the memory holds, as a tensor; it must not change any more.
mlir::Value contentsOf(mlir::OpBuilder &b, mlir::Location loc, mlir::Value memory);

using LoopBody = llvm::function_ref<void(mlir::ValueRange)>;
/// Loops from 0 over `extents`, the last one innermost. `b` stands in the body
/// while that is built.
void loopOver(mlir::OpBuilder &b, mlir::Location loc, mlir::ValueRange extents, LoopBody body);
/// Loops over the dimensions of `type`, without those listed; they are null in what
/// the body gets.
void loopOver(Lowering &lowering, mlir::OpBuilder &b, mlir::Operation *op,
              mlir::RankedTensorType type, llvm::ArrayRef<int64_t> without, LoopBody body);

} // namespace mad

#endif // MAD_PASSES_CONVERSION_MADTOLINALG_MEMORY_H
