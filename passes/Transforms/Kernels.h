//===- Kernels.h - What passes on structured ops in memory share ------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_TRANSFORMS_KERNELS_H
#define MAD_PASSES_TRANSFORMS_KERNELS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace mad {

/// Fills of the outputs right before the op: they go along, because the start of a
/// reduction need not pass through memory.
llvm::SmallVector<mlir::linalg::FillOp> fillsBefore(mlir::linalg::GenericOp op);

/// Estimated picoseconds of one iteration, of vectorised code in cache. Memory sets
/// the pace of loops without a reduction.
int64_t timeOf(mlir::linalg::GenericOp op);

/// The op with neighbouring dimensions made one where that changes nothing; replaces
/// it. Returns `op` where there are none.
mlir::linalg::GenericOp collapseDims(mlir::RewriterBase &rewriter, mlir::linalg::GenericOp op);

} // namespace mad

#endif // MAD_PASSES_TRANSFORMS_KERNELS_H
