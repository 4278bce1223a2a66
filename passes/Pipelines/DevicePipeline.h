//===- DevicePipeline.h - The stages of a compilation for a device ----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_PIPELINES_DEVICEPIPELINE_H
#define MAD_PASSES_PIPELINES_DEVICEPIPELINE_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "passes/Target/CudaCode.h"
#include "passes/Target/EntryDescription.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/LogicalResult.h"
#include <functional>
#include <vector>

namespace mlir {
class DialectRegistry;
class OpPassManager;
} // namespace mlir

namespace mad {

class Timeline;

/// Names of the stages in order that mad-opt has pipelines for: `fold`, `linalg`, `kernels`.
llvm::ArrayRef<llvm::StringRef> deviceStages();
/// Adds the passes of one stage.
void buildDeviceStage(mlir::OpPassManager &manager, llvm::StringRef stage);
/// Kernels of the stage `kernels`, whose launches are calls, to branches and single loads and
/// stores: what becomes the NVVM dialect.
/// `expand`: functions become arithmetic (mad-expand-math), as far as they can.
void buildKernelLoops(mlir::OpPassManager &manager, bool expand = false);

/// What a lowering tells of itself.
struct DeviceWatch {
  Timeline *timeline = nullptr; ///< records stages, and passes where it wants them
  /// Called after each stage, those of the kernels alone included: `host`, `loops`, `nvvm`.
  std::function<void(llvm::StringRef stage, mlir::ModuleOp module)> afterStage;
};

/// Lowers a module of the mad dialect in place, kernels included, to code of the CPU that runs
/// them in the emulator (runtime/simt), and describes its entries.
llvm::LogicalResult lowerToSimt(mlir::ModuleOp module, int level,
                                std::vector<EntryDescription> &entries,
                                const DeviceWatch &watch = {});
/// In the message of a program that cannot do without the toolkit.
inline constexpr char needsToolkit[] =
    "which kernels have from the CUDA toolkit; install it, or say with CUDA_HOME where it is";
/// The same for GPUs: the module becomes code of the host, which knows its kernels by
/// `kernelSymbol`; `kernels` is given them on their way to PTX. They call functions of the CUDA
/// toolkit, or where `expand` is set none: a program that cannot do without is an error.
llvm::LogicalResult lowerToCuda(mlir::ModuleOp module, bool expand,
                                std::vector<EntryDescription> &entries,
                                mlir::OwningOpRef<mlir::ModuleOp> &kernels,
                                std::vector<KernelDescription> &described,
                                const DeviceWatch &watch = {});
/// The first stages of both, which only describe the entries.
llvm::LogicalResult describeForDevice(mlir::ModuleOp module, std::vector<EntryDescription> &entries,
                                      const DeviceWatch &watch = {});

} // namespace mad

#endif // MAD_PASSES_PIPELINES_DEVICEPIPELINE_H
