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

/// Makes the call fail when a position along dimension `k` of `source` (called
/// `name`) lies outside of it. `indices` is a value of the mad dialect, `over` the
/// type of the positions at which it is read.
void checkIndices(Lowering &lowering, mlir::Operation *op, mlir::Value source,
                  const std::string &name, int64_t k, mlir::Value indices,
                  mlir::RankedTensorType over, mlir::ConversionPatternRewriter &b);

/// One position, as an index: element `at` of `indices`, a value of the mad dialect.
/// What only counts or repeats is computed and not read, so it need not exist.
mlir::Value indexAt(mlir::Location loc, mlir::Value indices, mlir::ValueRange at,
                    mlir::ConversionPatternRewriter &b);

/// What the source program calls a value, in either form.
std::string nameOf(mlir::Value old, mlir::Value converted);

} // namespace mad

#endif // MAD_PASSES_CONVERSION_MADTOLINALG_INDICES_H
