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

/// The larger one, NaN if one is: an instruction of its own, where arith's op becomes four.
mlir::Value maximum(GpuBuilder &g, mlir::Value x, mlir::Value y);

/// The largest score, or 0 where that is -inf: no difference of a score to it is a NaN that the
/// scores themselves are not the cause of.
mlir::Value baseOfScores(GpuBuilder &g, mlir::Value most);

/// How many keys, from the first, a row sees.
mlir::Value keysOf(GpuBuilder &g, const AttentionSpec &spec, const RowValues &row,
                   mlir::Value keys);

/// Stores the sums of neighbouring columns as far as there are such columns.
void storeColumns(GpuBuilder &g, const AttentionSpec &spec, const RowValues &row,
                  mlir::ValueRange finished, mlir::Value column, mlir::ValueRange sums);

/// Types of the catalogue's kernels, and their arguments by name; completes the specification for
/// one head of one of a batch.
llvm::SmallVector<mlir::Type> attentionTypes(mlir::MLIRContext *context);
struct AttentionPlace {
  mlir::Value heads, head, batch;
};
AttentionArguments setAttention(GpuBuilder &g, AttentionSpec &spec, const AttentionForm &form,
                                mlir::ValueRange all, const AttentionPlace &place);

/// Of a kernel of the catalogue.
template <typename Tile>
llvm::Expected<KernelSignature> attentionSignature(mlir::gpu::GPUModuleOp module,
                                                   llvm::StringRef name, const Tile &tile,
                                                   const AttentionSpec &spec) {
  if (llvm::Error fault = check(tile, spec))
    return std::move(fault);
  KernelSignature signature;
  signature.name = name.str();
  signature.threads = tile.threads();
  signature.sharedBytes = tile.sharedBytes(spec);
  signature.arguments = attentionTypes(module.getContext());
  return signature;
}
/// Of blocks of so many rows each, of one head.
llvm::Expected<Kernel> makeAttention(
    mlir::gpu::GPUModuleOp module, const KernelSignature &signature, const AttentionForm &form,
    AttentionSpec &spec, int rowsOfBlock,
    llvm::function_ref<void(GpuBuilder &, const AttentionArguments &, mlir::Value first)> write);

} // namespace mad::device

#endif // MAD_PASSES_KERNELS_GPU_ATTENTIONPARTS_H
