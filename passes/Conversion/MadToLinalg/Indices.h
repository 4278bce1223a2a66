//===- Indices.h - Computed positions and their checks ----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_CONVERSION_MADTOLINALG_INDICES_H
#define MAD_PASSES_CONVERSION_MADTOLINALG_INDICES_H

#include "passes/Conversion/MadToLinalg/Lowering.h"

namespace mad {

/// Makes the call fail when a position along dimension `k` of `source` lies outside
/// of it. Both are values of the mad dialect, as `indices` is; `over` is the type of
/// the positions at which that is read.
void checkIndices(Lowering &lowering, mlir::Operation *op, mlir::Value source, int64_t k,
                  mlir::Value indices, mlir::RankedTensorType over,
                  mlir::ConversionPatternRewriter &b);

/// One position, as an index: element `at` of `indices`, a value of the mad dialect.
/// What only counts or repeats is computed and not read, so it need not exist.
mlir::Value indexAt(mlir::Location loc, mlir::Value indices, mlir::ValueRange at,
                    mlir::ConversionPatternRewriter &b);

/// Whether positions are those along dimension `dim` of what they are for: 0, 1, 2, ...
bool countsAlong(mlir::Value indices, int64_t dim);
/// Whether it is clear that they are the same all along dimension `dim`.
bool repeatsAlong(mlir::Value indices, int64_t dim);

} // namespace mad

#endif // MAD_PASSES_CONVERSION_MADTOLINALG_INDICES_H
