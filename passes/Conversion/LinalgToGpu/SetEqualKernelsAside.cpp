//===- SetEqualKernelsAside.cpp - Equal kernels are worked on once ----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each layer of a model has the kernels of the one before. Simplifying them is most of the work of
// lowering, so it is done to one of them, and the others are copies of what it has become
// (CopyEqualKernels.cpp). They stay kernels of their own meanwhile, as launches may be merged with
// those beside them.
//
//===----------------------------------------------------------------------===//
#include "passes/Conversion/LinalgToGpu/EqualKernels.h"
#include "passes/Conversion/Passes.h"

namespace mad {
#define GEN_PASS_DEF_SETEQUALKERNELSASIDE
#include "passes/Conversion/Passes.h.inc"

using namespace mlir;

namespace {
struct SetEqualKernelsAsidePass : impl::SetEqualKernelsAsideBase<SetEqualKernelsAsidePass> {
  using SetEqualKernelsAsideBase::SetEqualKernelsAsideBase;

  void runOnOperation() override {
    KnownKernels known;
    for (auto kernel : getOperation().getOps<gpu::GPUFuncOp>()) {
      gpu::GPUFuncOp first = known.findOrAdd(kernel);
      // Arguments stay with the entry; memory of a block is one of them.
      if (first == kernel || !llvm::hasSingleElement(kernel.getBody()))
        continue;
      Block &entry = kernel.getBody().front();
      entry.dropAllReferences();
      entry.getOperations().clear();
      OpBuilder b = OpBuilder::atBlockEnd(&entry);
      gpu::ReturnOp::create(b, kernel.getLoc());
      kernel->setAttr(equalKernel, FlatSymbolRefAttr::get(first.getNameAttr()));
    }
  }
};
} // namespace
} // namespace mad
