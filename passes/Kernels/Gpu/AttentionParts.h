//===- AttentionParts.h - What kernels of attention share -------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_KERNELS_GPU_ATTENTIONPARTS_H
#define MAD_PASSES_KERNELS_GPU_ATTENTIONPARTS_H

#include "passes/Kernels/Gpu/Attention.h"

namespace mad::device {

/// The largest score, or 0 where that is -inf: no difference of a score to it is a NaN that the
/// scores themselves are not the cause of.
mlir::Value baseOfScores(GpuBuilder &g, mlir::Value most);

/// How many keys, from the first, a row sees.
mlir::Value keysOf(GpuBuilder &g, const AttentionSpec &spec, const RowValues &row,
                   mlir::Value keys);

/// Stores the sums of neighbouring columns as far as there are such columns.
void storeColumns(GpuBuilder &g, const AttentionSpec &spec, const RowValues &row,
                  mlir::ValueRange finished, mlir::Value column, mlir::ValueRange sums);

/// Types of the catalogue's kernels, and their arguments by name; completes the specification.
llvm::SmallVector<mlir::Type> attentionTypes(mlir::MLIRContext *context);
AttentionArguments setAttention(GpuBuilder &g, AttentionSpec &spec, const AttentionForm &form,
                                mlir::ValueRange all);

} // namespace mad::device

#endif // MAD_PASSES_KERNELS_GPU_ATTENTIONPARTS_H
