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
#include "passes/Transforms/WindowProduct.h"

namespace mad {

/// Rows and columns of a block.
struct Block {
  mlir::Value row, rows, column, columns;
};

/// The ops behind a product that need of its result only the elements at their own place,
/// of other memory those or one number a row or a column; nothing between them has an
/// effect. Blocks of the product and of them may run in turn, if nothing that the product
/// reads after its first block is overwritten.
class Epilogue {
public:
  Epilogue() = default;
  /// Of a product of two matrices; others have none. Both factors may be read until the
  /// end, but what follows overwrites at most the rows: those must be packed then.
  static Epilogue behind(const Contraction &product);
  /// The rows of the result are all dimensions before its columns, and a block has rows
  /// of one product only.
  static Epilogue behind(const WindowProduct &product);

  llvm::ArrayRef<mlir::linalg::GenericOp> ops() const { return found; }
  bool empty() const { return found.empty(); }
  /// Writes copies of the ops for one block. Rows count through all products.
  void emit(mlir::ImplicitLocOpBuilder &b, const Block &block) const;
  void erase();

private:
  llvm::SmallVector<mlir::linalg::GenericOp> found;
  unsigned columns = 1; ///< how many of the last dimensions
};

} // namespace mad

#endif // MAD_PASSES_TRANSFORMS_EPILOGUE_H
