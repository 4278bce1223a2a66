//===- CpuPipeline.cpp - From the tensor dialect to the LLVM dialect --------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "passes/Conversion/Passes.h"
#include "passes/Pipelines/Pipelines.h"
#include "passes/Pipelines/Timeline.h"
#include "passes/Transforms/Entries.h"
#include "passes/Transforms/Passes.h"

using namespace mlir;

namespace mad {

/// Blocks are LLVM's business.
static std::unique_ptr<Pass> canonicalizer() {
  GreedyRewriteConfig config;
  config.setRegionSimplificationLevel(GreedySimplifyRegionLevel::Disabled);
  return createCanonicalizerPass(config);
}

static void simplify(OpPassManager &pm) {
  pm.addPass(canonicalizer());
  pm.addPass(createCSEPass());
}

static void simplifyValues(OpPassManager &pm) {
  pm.addPass(canonicalizer());
  pm.addNestedPass<func::FuncOp>(createMergeEqualOps());
}

/// One function an entry, in the mad dialect.
static void buildFold(OpPassManager &pm) {
  pm.addPass(createInlinerPass());
  pm.addPass(createSymbolDCEPass());
  simplifyValues(pm);
  pm.addNestedPass<func::FuncOp>(createFoldTables());
  simplifyValues(pm);
  pm.addNestedPass<func::FuncOp>(createPadWindows());
}

/// Structured ops on tensors, as few and as large as pays.
static void buildLinalg(OpPassManager &pm) {
  pm.addPass(createMadToLinalg());
  simplifyValues(pm);
  pm.addNestedPass<func::FuncOp>(createFuseElementwise());
  simplifyValues(pm);
  pm.addPass(createPackWeights());
  pm.addNestedPass<func::FuncOp>(createReuseOperands());
}

/// Memory: results at the caller's, the rest in an arena.
static void buildBufferize(OpPassManager &pm, const CpuOptions &options) {
  pm.addPass(createBindDestinations());
  pm.addPass(createEliminateEmptyTensors());
  pm.addPass(bufferization::createEmptyTensorToAllocTensorPass());
  bufferization::OneShotBufferizePassOptions bufferize;
  bufferize.bufferizeFunctionBoundaries = true;
  bufferize.functionBoundaryTypeConversion = bufferization::LayoutMapOption::IdentityLayoutMap;
  pm.addPass(bufferization::createOneShotBufferizePass(bufferize));
  pm.addPass(createOrderGlobals());
  simplify(pm);
  pm.addNestedPass<func::FuncOp>(createFuseRows());
  simplify(pm);
  PackWindowsOptions windows;
  windows.level = options.level;
  windows.tiles = options.tiles;
  pm.addPass(createPackWindows(windows));
  PackContractionsOptions pack;
  pack.level = options.level;
  pack.tiles = options.tiles;
  pm.addPass(createPackContractions(pack));
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

/// The LLVM dialect, with C functions for the runtime.
static void buildLlvm(OpPassManager &pm, const CpuOptions &options) {
  pm.addPass(createLowerEntries());
  // Calls libm, so the program's functions must have given its names back.
  pm.addPass(createExpandMath({options.level}));
  pm.addPass(createExpandNarrowFloats({options.level}));
  // All of one function before the next, while it is in the cache.
  OpPassManager &each = pm.nest<func::FuncOp>();
  simplify(each);
  each.addPass(memref::createExpandStridedMetadataPass());
  each.addPass(createLowerAffinePass());
  each.addPass(arith::createArithExpandOpsPass());
  each.addPass(createLowerBranches());
  each.addPass(createSCFToControlFlowPass());
  each.addPass(createLowerChecks());
  each.addPass(createConvertVectorToLLVMPass());
  pm.addPass(createFunctionsToLlvm());
  OpPassManager &lowered = pm.nest<LLVM::LLVMFuncOp>();
  lowered.addPass(createReconcileUnrealizedCastsPass());
  simplify(lowered);
}

llvm::ArrayRef<llvm::StringRef> cpuStages() {
  static constexpr llvm::StringRef stages[] = {"fold", "linalg", "bufferize", "vector", "llvm"};
  return stages;
}

void buildCpuStage(OpPassManager &manager, llvm::StringRef stage, const CpuOptions &options) {
  if (stage == "fold")
    buildFold(manager);
  else if (stage == "linalg")
    buildLinalg(manager);
  else if (stage == "bufferize")
    buildBufferize(manager, options);
  else if (stage == "vector")
    buildVector(manager, options);
  else if (stage == "llvm")
    buildLlvm(manager, options);
}

static llvm::LogicalResult describe(ModuleOp module, std::vector<EntryDescription> &entries) {
  for (auto function : module.getOps<func::FuncOp>()) {
    if (!isEntry(function))
      continue;
    auto entry = describeEntry(function);
    if (failed(entry))
      return failure();
    entries.push_back(std::move(*entry));
  }
  return success();
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
    if (stage == "linalg" && failed(describe(module, entries)))
      return failure();
    if (stage == options.stopAfter)
      return success();
  }
  return success();
}

} // namespace mad
