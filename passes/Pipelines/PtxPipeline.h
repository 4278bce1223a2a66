//===- PtxPipeline.h - From the NVVM dialect to what PTX is made of ---------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_PIPELINES_PTXPIPELINE_H
#define MAD_PASSES_PIPELINES_PTXPIPELINE_H

namespace mlir {
class DialectRegistry;
class OpPassManager;
} // namespace mlir

namespace mad {

/// Dialects of kernels and their translations to LLVM IR, besides what a CPU needs.
void registerPtxDialects(mlir::DialectRegistry &registry);

/// Before `buildPtx`, for kernels that are to run on chips which cannot overlap kernels, too: what
/// lets them becomes comments, which `withOverlap` (passes/Target/CudaCode.h) opens for the others.
void buildOverlap(mlir::OpPassManager &manager);

/// From what buildNvvm (passes/Pipelines/GpuPipeline.h) made to what makePtx
/// (passes/Target/Ptx.h) translates. `manager` works on the module around gpu.module.
void buildPtx(mlir::OpPassManager &manager);

} // namespace mad

#endif // MAD_PASSES_PIPELINES_PTXPIPELINE_H
