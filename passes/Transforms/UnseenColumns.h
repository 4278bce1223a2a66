//===- UnseenColumns.h - Columns that a mask rules out ----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// In a block of rows of an attention a mask may rule out the last keys for all queries:
// those behind the last query of a causal one, or behind the end of a text. Their
// scores need not be computed, since minus infinity takes their place, and their shares
// are zeros, which a product with values can leave out.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_TRANSFORMS_UNSEENCOLUMNS_H
#define MAD_PASSES_TRANSFORMS_UNSEENCOLUMNS_H

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "passes/Transforms/Contraction.h"

namespace mad {

/// Where masked columns of a block become minus infinity.
struct Masking {
  mlir::linalg::GenericOp op;
  llvm::SmallVector<mlir::OpOperand *> masks; ///< bytes; an element counts where all are true
};

/// For a product in a loop over blocks of rows whose result is masked before anything
/// else reads it, so that masked elements can have any value.
std::optional<Masking> maskingOfResult(const Contraction &product);
/// For a product whose left factor is zero in masked columns, or NaN in all columns of a
/// row.
std::optional<Masking> maskingOfLeft(const Contraction &product);

/// Writes code that finds behind which column all masks rule out the rest in all rows;
/// `views` are the memory of the masks there. At least 1, if there are columns, and a
/// little more than needed.
mlir::Value emitSeenColumns(mlir::ImplicitLocOpBuilder &b, const Masking &masking,
                            mlir::ValueRange views);

} // namespace mad

#endif // MAD_PASSES_TRANSFORMS_UNSEENCOLUMNS_H
