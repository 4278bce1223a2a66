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

/// The integers that the scales of a weight are multiplied with, [B..., K, M] of f32. `weight` is
/// its type.
mlir::Value decodedIntegers(mlir::OpBuilder &b, mlir::Location loc, lut::FormatAttr format,
                            mlir::ValueRange parts, mlir::RankedTensorType weight);

/// Replaces `lut.quantize_act`, `lut.dequant_act`, and `lut.gemm` that no kernel computes, by their
/// definitions in ops of the mad dialect. Other ops stay. `device`: factors are in memory as f16.
void activationsToMad(mlir::Operation *op, bool device);

} // namespace mad

#endif // MAD_PASSES_CONVERSION_LUTTOMAD_ACTIVATIONS_H
