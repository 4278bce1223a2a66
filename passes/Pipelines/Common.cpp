//===- Common.cpp - What the pipelines of all targets share -----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Pipelines/Common.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "passes/Conversion/Passes.h"
#include "passes/EGraph/Bridge/Passes.h"
#include "passes/EGraph/Bridge/Rewrite.h"
#include "passes/Lut/Passes.h"
#include "passes/Ode/Passes.h"
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

void simplify(OpPassManager &pm) {
  pm.addPass(canonicalizer());
  pm.addPass(createCSEPass());
}

void simplifyValues(OpPassManager &pm) {
  pm.addPass(canonicalizer());
  pm.addNestedPass<func::FuncOp>(createMergeEqualOps());
}

void buildActivations(OpPassManager &pm) {
  pm.addPass(createInlinerPass());
  pm.addPass(createSymbolDCEPass());
  simplifyValues(pm);
  pm.addPass(createMatchGemms());
  simplifyValues(pm);
}

void buildFold(OpPassManager &pm, bool packs) {
  pm.addPass(createDropRules());
  pm.addPass(createInlinerPass());
  pm.addPass(createSymbolDCEPass());
  simplifyValues(pm);
  ExpandSolvesOptions solves;
  solves.packs = packs;
  pm.addNestedPass<func::FuncOp>(createExpandSolves(solves));
  simplifyValues(pm);
  pm.addNestedPass<func::FuncOp>(createFoldTables());
  simplifyValues(pm);
  pm.addNestedPass<func::FuncOp>(createPadWindows());
}

void buildRewrite(OpPassManager &pm, RewriteExtras extras, bool orders) {
  pm.addPass(createSettleRules());
  pm.addPass(createInlinerPass());
  pm.addPass(createSymbolDCEPass());
  simplifyValues(pm);
  pm.addPass(createRewrite(extras));
  pm.addPass(createDropRules());
  simplifyValues(pm);
  pm.addPass(createHoistWeights({orders}));
  simplifyValues(pm);
}

void buildTiles(OpPassManager &pm) { pm.addPass(createMatchTileProducts()); }

void buildLoops(OpPassManager &pm, bool device) {
  if (!device) {
    pm.addPass(createMatchLutProducts());
    pm.addPass(createPrecomputeTables());
  }
  pm.addPass(createLutToMad({device}));
  pm.addPass(createMadToLinalg({device}));
  simplifyValues(pm);
  pm.addNestedPass<func::FuncOp>(createFuseElementwise());
  simplifyValues(pm);
}

void buildMemory(OpPassManager &pm) {
  pm.addPass(createBindDestinations());
  pm.addPass(createEliminateEmptyTensors());
  pm.addPass(bufferization::createEmptyTensorToAllocTensorPass());
  bufferization::OneShotBufferizePassOptions bufferize;
  bufferize.bufferizeFunctionBoundaries = true;
  bufferize.functionBoundaryTypeConversion = bufferization::LayoutMapOption::IdentityLayoutMap;
  pm.addPass(bufferization::createOneShotBufferizePass(bufferize));
  pm.addPass(createOrderGlobals());
  simplify(pm);
}

void buildHostCode(OpPassManager &pm, int level, bool device) {
  pm.addPass(createLowerEntries({device}));
  // Calls libm, so the program's functions must have given its names back.
  pm.addPass(createExpandMath({level}));
  pm.addPass(createExpandNarrowFloats({level}));
  // All of one function before the next, while it is in the cache.
  OpPassManager &each = pm.nest<func::FuncOp>();
  simplify(each);
  each.addPass(memref::createExpandStridedMetadataPass());
  each.addPass(createLowerAffinePass());
  each.addPass(createExpandStrictMaxima());
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

llvm::LogicalResult describeEntries(ModuleOp module, std::vector<EntryDescription> &entries) {
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

} // namespace mad
