//===- PtxPipeline.cpp - From the NVVM dialect to what PTX is made of -------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Not one list with buildNvvm, because code that runs kernels on a CPU, for tests, branches
// off between them: behind it, many instructions are text for ptxas.
//
//===----------------------------------------------------------------------===//
#include "passes/Pipelines/PtxPipeline.h"
#include "mlir/Conversion/NVVMToLLVM/NVVMToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVM/NVVM/Target.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "passes/Pipelines/GpuPipeline.h"
#include "passes/Target/CudaCode.h"

using namespace mlir;

namespace {
/// A tensor map is passed to a kernel by value, as 128 bytes that nothing writes. In our
/// kernels it is an argument that is a pointer without a memory space; conversion to NVVM
/// drops what would say so on gpu.func.
struct TensorMapArguments : PassWrapper<TensorMapArguments, OperationPass<gpu::GPUModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(TensorMapArguments)

  void runOnOperation() override {
    Builder b(&getContext());
    auto bytes = TypeAttr::get(LLVM::LLVMArrayType::get(b.getI8Type(), 128));
    for (auto function : getOperation().getOps<LLVM::LLVMFuncOp>()) {
      if (!function->hasAttr(NVVM::NVVMDialect::getKernelFuncAttrName()))
        continue;
      for (auto [i, type] : llvm::enumerate(function.getArgumentTypes())) {
        auto pointer = dyn_cast<LLVM::LLVMPointerType>(type);
        if (!pointer || pointer.getAddressSpace() != 0)
          continue;
        function.setArgAttr(i, LLVM::LLVMDialect::getByValAttrName(), bytes);
        function.setArgAttr(i, LLVM::LLVMDialect::getAlignAttrName(), b.getI64IntegerAttr(64));
        function.setArgAttr(i, NVVM::NVVMDialect::getGridConstantAttrName(), b.getUnitAttr());
      }
    }
  }
};

/// What lets kernels overlap, as comments: other chips than those from 9.0 on do not know it.
struct OverlapAsComments : PassWrapper<OverlapAsComments, OperationPass<gpu::GPUModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(OverlapAsComments)

  void runOnOperation() override {
    getOperation()->walk([](NVVM::GriddepcontrolOp op) {
      OpBuilder b(op);
      std::string text = (mad::overlapComment + "griddepcontrol." +
                          NVVM::stringifyGridDepActionKind(op.getKind()) + ";")
                             .str();
      LLVM::InlineAsmOp::create(
          b, op.getLoc(), /*res=*/Type(), ValueRange(), text, /*constraints=*/"~{memory}",
          /*has_side_effects=*/true, /*is_align_stack=*/false, LLVM::TailCallKind::None,
          LLVM::AsmDialectAttr::get(b.getContext(), LLVM::AsmDialect::AD_ATT), ArrayAttr());
      op.erase();
    });
  }
};
} // namespace

void mad::buildOverlap(OpPassManager &manager) {
  manager.nest<gpu::GPUModuleOp>().addPass(std::make_unique<OverlapAsComments>());
}

void mad::registerPtxDialects(DialectRegistry &registry) {
  registerGpuDialects(registry);
  registerGPUDialectTranslation(registry);
  registerNVVMDialectTranslation(registry);
  NVVM::registerNVVMTargetInterfaceExternalModels(registry);
}

void mad::buildPtx(OpPassManager &manager) {
  OpPassManager &module = manager.nest<gpu::GPUModuleOp>();
  module.addPass(std::make_unique<TensorMapArguments>());
  module.addPass(createConvertNVVMToLLVMPass());
  module.addPass(createReconcileUnrealizedCastsPass());
}
