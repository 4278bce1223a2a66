//===- Activations.h - Quantised activations as tensor expressions ----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_CONVERSION_LUTTOMAD_ACTIVATIONS_H
#define MAD_PASSES_CONVERSION_LUTTOMAD_ACTIVATIONS_H

#include "dialects/Lut/IR/LutOps.h"

namespace mad {

/// The codes of a weight, integers [B..., K, M] of 8 or more bits. `weight` is its type.
mlir::Value decodedCodes(mlir::OpBuilder &b, mlir::Location loc, lut::FormatAttr format,
                         mlir::ValueRange parts, mlir::RankedTensorType weight);

/// Replaces `lut.quantize_act`, `lut.dequant_act`, and `lut.gemm` that no kernel computes, by their
/// definitions in ops of the mad dialect. Other ops stay.
void activationsToMad(mlir::Operation *op);

} // namespace mad

#endif // MAD_PASSES_CONVERSION_LUTTOMAD_ACTIVATIONS_H
