//===- SimtPipeline.h - The way of a GPU kernel to the emulator -----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_PIPELINES_SIMTPIPELINE_H
#define MAD_PASSES_PIPELINES_SIMTPIPELINE_H

namespace mlir {
class OpPassManager;
} // namespace mlir

namespace mad {

/// `buildNvvm` (passes/Pipelines/GpuPipeline.h), then mad-nvvm-to-simt.
void buildSimt(mlir::OpPassManager &manager, bool barePointers = true);

/// `--mad-gpu-simt-pipeline`, for mad-opt.
void registerSimtPipeline();

} // namespace mad

#endif // MAD_PASSES_PIPELINES_SIMTPIPELINE_H
