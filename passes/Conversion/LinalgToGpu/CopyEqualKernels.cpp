//===- CopyEqualKernels.cpp - Kernels get the body of an equal one ----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/SymbolTable.h"
#include "passes/Conversion/LinalgToGpu/EqualKernels.h"
#include "passes/Conversion/Passes.h"

namespace mad {
#define GEN_PASS_DEF_COPYEQUALKERNELS
#include "passes/Conversion/Passes.h.inc"

using namespace mlir;

namespace {
struct CopyEqualKernelsPass : impl::CopyEqualKernelsBase<CopyEqualKernelsPass> {
  using CopyEqualKernelsBase::CopyEqualKernelsBase;

  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    for (auto kernel : getOperation().getOps<gpu::GPUFuncOp>()) {
      auto first = kernel->getAttrOfType<FlatSymbolRefAttr>(equalKernel);
      if (!first)
        continue;
      kernel->removeAttr(equalKernel);
      IRMapping mapping;
      kernel.getBody().dropAllReferences();
      kernel.getBody().getBlocks().clear();
      symbols.lookup<gpu::GPUFuncOp>(first.getAttr())
          .getBody()
          .cloneInto(&kernel.getBody(), mapping);
    }
  }
};
} // namespace
} // namespace mad
