//===- DevicePipeline.h - The stages of a compilation for a device ----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_PIPELINES_DEVICEPIPELINE_H
#define MAD_PASSES_PIPELINES_DEVICEPIPELINE_H

#include "passes/Target/EntryDescription.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/LogicalResult.h"
#include <vector>

namespace mlir {
class DialectRegistry;
class ModuleOp;
class OpPassManager;
} // namespace mlir

namespace mad {

/// Names of the stages in order: `fold`, `linalg`, `device`, `llvm`.
llvm::ArrayRef<llvm::StringRef> deviceStages();
/// Adds the passes of one stage.
void buildDeviceStage(mlir::OpPassManager &manager, llvm::StringRef stage);
/// Kernels of the stage `kernels`, whose launches are calls, to branches and single loads and
/// stores: what becomes the NVVM dialect.
void buildKernelLoops(mlir::OpPassManager &manager);

/// Lowers a module of the mad dialect in place, kernels included, to code of the CPU that runs
/// them in the emulator (runtime/simt), and describes its entries.
llvm::LogicalResult lowerToSimt(mlir::ModuleOp module, int level,
                                std::vector<EntryDescription> &entries);
/// The first stages of it, which only describe the entries.
llvm::LogicalResult describeForDevice(mlir::ModuleOp module,
                                      std::vector<EntryDescription> &entries);

} // namespace mad

#endif // MAD_PASSES_PIPELINES_DEVICEPIPELINE_H
