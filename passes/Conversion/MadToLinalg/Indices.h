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

} // namespace mad

#endif // MAD_PASSES_CONVERSION_MADTOLINALG_INDICES_H
