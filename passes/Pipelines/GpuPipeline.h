//===- GpuPipeline.h - The way of a GPU kernel -------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_PIPELINES_GPUPIPELINE_H
#define MAD_PASSES_PIPELINES_GPUPIPELINE_H

namespace mlir {
class DialectRegistry;
class OpPassManager;
} // namespace mlir

namespace mad {

/// Dialects that GPU kernels are written in. Not among those of the CPU road, so that
/// its start does not get slower.
void registerGpuDialects(mlir::DialectRegistry &registry);

/// Adds to a pipeline on the module what every road of a kernel shares: the functions of each
/// `gpu.module` to the NVVM and LLVM dialects. Then comes buildPtx
/// (passes/Pipelines/PtxPipeline.h).
/// `barePointers`: a memref argument is one pointer, as host programs pass it; else all of its
/// descriptor.
void buildNvvm(mlir::OpPassManager &manager, bool barePointers = true);

/// `--mad-gpu-nvvm-pipeline`, for mad-opt.
void registerGpuPipelines();

} // namespace mad

#endif // MAD_PASSES_PIPELINES_GPUPIPELINE_H
