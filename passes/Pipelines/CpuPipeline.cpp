//===- CpuPipeline.cpp - From the tensor dialect to the LLVM dialect --------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "passes/Lut/Passes.h"
#include "passes/Ode/Passes.h"
#include "passes/Pipelines/Common.h"
#include "passes/Pipelines/Pipelines.h"
#include "passes/Pipelines/Timeline.h"
#include "passes/Transforms/Passes.h"

using namespace mlir;

namespace mad {

/// Structured ops on tensors, as few and as large as pays.
static void buildLinalg(OpPassManager &pm, int level) {
  buildLoops(pm);
  pm.addPass(createPackWeights());
  pm.addPass(createPackCodes());
  if (level < 3)
    pm.addPass(createWidenWeights());
  pm.addNestedPass<func::FuncOp>(createReuseOperands());
}

/// Memory: results at the caller's, the rest in an arena.
static void buildBufferize(OpPassManager &pm, const CpuOptions &options) {
  buildMemory(pm);
  pm.addNestedPass<func::FuncOp>(createFuseRows());
  pm.addNestedPass<func::FuncOp>(createVectorizePacks({options.level}));
  pm.addNestedPass<func::FuncOp>(createVectorizeLanes({options.level}));
  simplify(pm);
  PackWindowsOptions windows;
  windows.level = options.level;
  windows.tiles = options.tiles;
  pm.addPass(createPackWindows(windows));
  PackContractionsOptions pack;
  pack.level = options.level;
  pack.tiles = options.tiles;
  pm.addPass(createPackContractions(pack));
  MultiplyCodesOptions codes;
  codes.level = options.level;
  codes.tiles = options.tiles;
  pm.addPass(createMultiplyCodes(codes));
  simplify(pm);
  pm.addPass(createPlanArena());
  simplify(pm);
}

/// Loops, over vectors where that is possible.
static void buildVector(OpPassManager &pm, const CpuOptions &options) {
  pm.addNestedPass<func::FuncOp>(createLegalizeMemrefs());
  pm.addPass(createShareKernels());
  pm.addPass(createParallelizeLoops());
  pm.addNestedPass<func::FuncOp>(createVectorizeLoops({options.level}));
  pm.addNestedPass<func::FuncOp>(createConvertLinalgToLoopsPass());
  simplify(pm);
  pm.addPass(createSplitFunctions());
}

llvm::ArrayRef<llvm::StringRef> cpuStages() {
  static constexpr llvm::StringRef stages[] = {"fold", "linalg", "bufferize", "vector", "llvm"};
  return stages;
}

void buildCpuStage(OpPassManager &manager, llvm::StringRef stage, const CpuOptions &options) {
  if (stage == "fold")
    buildFold(manager, /*packs=*/true);
  else if (stage == "linalg")
    buildLinalg(manager, options.level);
  else if (stage == "bufferize")
    buildBufferize(manager, options);
  else if (stage == "vector")
    buildVector(manager, options);
  else if (stage == "llvm")
    buildHostCode(manager, options.level, /*device=*/false);
}

llvm::LogicalResult lowerToLlvm(ModuleOp module, const CpuOptions &options,
                                std::vector<EntryDescription> &entries) {
  for (llvm::StringRef stage : cpuStages()) {
    PassManager manager(module.getContext());
    manager.enableVerifier(options.verify);
    buildCpuStage(manager, stage, options);
    if (stage == "bufferize" && options.traceKernels)
      manager.addPass(createTraceKernels());
    if (options.timeline && options.timeline->passes)
      recordPasses(manager, *options.timeline);
    double begin = options.timeline ? options.timeline->now() : 0;
    if (failed(manager.run(module)))
      return failure();
    if (options.timeline)
      options.timeline->add(stage.str(), "stage", begin);
    if (options.afterStage)
      options.afterStage(stage, module);
    // Later stages have no types that say what the caller sees.
    if (stage == "linalg" && failed(describeEntries(module, entries)))
      return failure();
    if (stage == options.stopAfter)
      return success();
  }
  return success();
}

} // namespace mad
