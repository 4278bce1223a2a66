//===- DevicePipeline.cpp - From the tensor dialect to kernels --------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Pipelines/DevicePipeline.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "passes/Conversion/Passes.h"
#include "passes/Pipelines/Common.h"
#include "passes/Pipelines/SimtPipeline.h"
#include "passes/Transforms/Passes.h"
#include "llvm/ADT/ArrayRef.h"

using namespace mlir;

namespace mad {

/// Memory of the device, kernels, and a function of the host that launches them.
static void buildKernels(OpPassManager &pm) {
  buildMemory(pm);
  pm.addNestedPass<func::FuncOp>(createLegalizeMemrefs());
  pm.addPass(createLinalgToGpu());
  simplify(pm);
  pm.addPass(createPlanArena());
  simplify(pm);
  pm.addPass(createGpuArguments());
  pm.addPass(createGpuToRuntime());
}

void buildKernelLoops(OpPassManager &pm) {
  OpPassManager &kernels = pm.nest<gpu::GPUModuleOp>();
  kernels.addPass(createGpuGlobalMemory());
  kernels.addPass(createGpuMath());
  kernels.addPass(createConvertLinalgToLoopsPass());
  kernels.addPass(createCanonicalizerPass());
  kernels.addPass(createCSEPass());
  kernels.addPass(memref::createExpandStridedMetadataPass());
  kernels.addPass(createLowerAffinePass());
  kernels.addPass(arith::createArithExpandOpsPass());
  kernels.addPass(createSCFToControlFlowPass());
  kernels.addNestedPass<gpu::GPUFuncOp>(createLowerChecks());
}

llvm::ArrayRef<llvm::StringRef> deviceStages() {
  static constexpr llvm::StringRef stages[] = {"fold", "linalg", "kernels"};
  return stages;
}

void buildDeviceStage(OpPassManager &manager, llvm::StringRef stage) {
  if (stage == "fold") {
    buildFold(manager);
  } else if (stage == "linalg") {
    buildLoops(manager);
    manager.addNestedPass<func::FuncOp>(createReuseOperands());
  } else if (stage == "kernels") {
    buildKernels(manager);
  }
}

static LogicalResult runStage(ModuleOp module, llvm::function_ref<void(OpPassManager &)> build) {
  PassManager manager(module.getContext());
  manager.enableVerifier(false);
  build(manager);
  return manager.run(module);
}

/// The kernels alone.
static OwningOpRef<ModuleOp> takeKernels(ModuleOp module) {
  OwningOpRef<ModuleOp> kernels = ModuleOp::create(module.getLoc());
  for (auto gpu : llvm::make_early_inc_range(module.getOps<gpu::GPUModuleOp>()))
    gpu->moveBefore(kernels->getBody(), kernels->getBody()->end());
  module->removeAttr(gpu::GPUDialect::getContainerModuleAttrName());
  (*kernels)->setAttr(gpu::GPUDialect::getContainerModuleAttrName(),
                      UnitAttr::get(module.getContext()));
  return kernels;
}

/// What the pass calls `k.simt` is `k.kernel` to the host.
static void joinSimt(ModuleOp module, ModuleOp kernels) {
  for (Operation &op : llvm::make_early_inc_range(*kernels.getBody())) {
    // LLVM knows other forms of some functions of libm, with other last bits.
    if (auto function = dyn_cast<LLVM::LLVMFuncOp>(op); function && function.isExternal())
      function->setAttr("passthrough", Builder(op.getContext()).getStrArrayAttr({"nobuiltin"}));
    auto name = op.getAttrOfType<StringAttr>(SymbolTable::getSymbolAttrName());
    if (StringRef kernel = name.getValue(); kernel.consume_back(".simt")) {
      std::string known = (kernel + ".kernel").str();
      if (Operation *declared = module.lookupSymbol(known))
        declared->erase();
      SymbolTable::setSymbolName(&op, known);
    } else if (module.lookupSymbol(name)) {
      op.erase(); // declared by both
      continue;
    }
    op.moveBefore(module.getBody(), module.getBody()->end());
  }
}

llvm::LogicalResult describeForDevice(ModuleOp module, std::vector<EntryDescription> &entries) {
  for (StringRef stage : {"fold", "linalg"})
    if (failed(runStage(module, [&](OpPassManager &pm) { buildDeviceStage(pm, stage); })))
      return failure();
  return describeEntries(module, entries);
}

llvm::LogicalResult lowerToSimt(ModuleOp module, int level,
                                std::vector<EntryDescription> &entries) {
  if (failed(describeForDevice(module, entries)) || failed(runStage(module, buildKernels)))
    return failure();
  OwningOpRef<ModuleOp> kernels = takeKernels(module);
  if (failed(runStage(module,
                      [&](OpPassManager &pm) { buildHostCode(pm, level, /*device=*/true); })) ||
      failed(runStage(*kernels, [](OpPassManager &pm) {
        buildKernelLoops(pm);
        buildSimt(pm, /*barePointers=*/false);
      })))
    return failure();
  joinSimt(module, *kernels);
  return success();
}

} // namespace mad
