//===- Pipelines.h - The stages of a compilation ----------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_PIPELINES_PIPELINES_H
#define MAD_PASSES_PIPELINES_PIPELINES_H

#include "passes/Target/EntryDescription.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/LogicalResult.h"
#include <functional>
#include <string>
#include <vector>

namespace mlir {
class DialectRegistry;
class ModuleOp;
class OpPassManager;
} // namespace mlir

namespace mad {

class Timeline;

/// How code is made for one CPU variant.
struct CpuOptions {
  int level = 3;                ///< 0 x86-64, 3 x86-64-v3, 4 x86-64-v4
  std::string tiles;            ///< parameters of products; empty: those of the level
  bool verify = false;          ///< run the verifier after every pass
  std::string stopAfter;        ///< name of a stage; empty: go to the LLVM dialect
  bool traceKernels = false;    ///< the code calls hooks around its kernels (`mad run --trace`)
  Timeline *timeline = nullptr; ///< is told of stages, and of passes if it wants
  /// Is shown the module after each stage.
  std::function<void(llvm::StringRef stage, mlir::ModuleOp module)> afterStage;
};

/// Names of the stages in order: `fold`, `linalg`, `bufferize`, `vector`, `llvm`.
llvm::ArrayRef<llvm::StringRef> cpuStages();
/// Adds the passes of one stage. Each is also registered with mad-opt as
/// `--mad-<stage>-pipeline`.
void buildCpuStage(mlir::OpPassManager &manager, llvm::StringRef stage, const CpuOptions &options);

/// All dialects and translations that the pipelines need.
void registerCpuDialects(mlir::DialectRegistry &registry);
/// Passes and pipelines of ours, for mad-opt.
void registerMadPasses();

/// Lowers a module of the mad dialect to the LLVM dialect in place and describes
/// its entries. Diagnostics go to the context's handler.
llvm::LogicalResult lowerToLlvm(mlir::ModuleOp module, const CpuOptions &options,
                                std::vector<EntryDescription> &entries);

} // namespace mad

#endif // MAD_PASSES_PIPELINES_PIPELINES_H
