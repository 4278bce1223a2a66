//===- Epilogue.h - Elementwise ops behind a product ------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A bias, an activation or a residual right behind a product can run on each block of
// the result while that is in cache. The ops stay what they are, on parts of memory.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_TRANSFORMS_EPILOGUE_H
#define MAD_PASSES_TRANSFORMS_EPILOGUE_H

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "passes/Transforms/Contraction.h"

namespace mad {

/// The ops behind `product`, a product of two matrices, that need of its result only
/// the elements at their own place; nothing between them has an effect. Blocks of the
/// product and of them may run in turn once both factors have been packed.
llvm::SmallVector<mlir::linalg::GenericOp> findEpilogue(const Contraction &product);

/// Rows and columns of a block.
struct Block {
  mlir::Value row, rows, column, columns;
};

/// A copy of an op of an epilogue for one block.
void emitEpilogue(mlir::ImplicitLocOpBuilder &b, mlir::linalg::GenericOp op, const Block &block);

} // namespace mad

#endif // MAD_PASSES_TRANSFORMS_EPILOGUE_H
