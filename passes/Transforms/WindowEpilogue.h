//===- WindowEpilogue.h - Elementwise ops behind a convolution --------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// As Epilogue.h, for a result of which the rows are all dimensions before the columns.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_TRANSFORMS_WINDOWEPILOGUE_H
#define MAD_PASSES_TRANSFORMS_WINDOWEPILOGUE_H

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "passes/Transforms/Epilogue.h"
#include "passes/Transforms/WindowProduct.h"

namespace mad {

/// The ops behind `product` that need of its result only the elements at their own
/// place, and others of one number a row; nothing between them has an effect.
llvm::SmallVector<mlir::linalg::GenericOp> findEpilogue(const WindowProduct &product);

/// A copy of an op of an epilogue for one block. Rows count through all products.
void emitEpilogue(mlir::ImplicitLocOpBuilder &b, const WindowProduct &product,
                  mlir::linalg::GenericOp op, const Block &block);

} // namespace mad

#endif // MAD_PASSES_TRANSFORMS_WINDOWEPILOGUE_H
