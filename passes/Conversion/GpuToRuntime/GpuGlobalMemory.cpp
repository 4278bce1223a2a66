//===- GpuGlobalMemory.cpp - What kernels are given is global memory --------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/AttrTypeSubElements.h"
#include "passes/Conversion/Passes.h"

using namespace mlir;

namespace mad {
#define GEN_PASS_DEF_GPUGLOBALMEMORY
#include "passes/Conversion/Passes.h.inc"

namespace {

struct GpuGlobalMemoryPass : impl::GpuGlobalMemoryBase<GpuGlobalMemoryPass> {
  using GpuGlobalMemoryBase::GpuGlobalMemoryBase;

  void runOnOperation() override {
    auto global = gpu::AddressSpaceAttr::get(&getContext(), gpu::AddressSpace::Global);
    AttrTypeReplacer spaces;
    spaces.addReplacement([&](MemRefType type) -> Type {
      if (type.getMemorySpace())
        return type;
      return MemRefType::get(type.getShape(), type.getElementType(), type.getLayout(), global);
    });
    spaces.recursivelyReplaceElementsIn(getOperation(), /*replaceAttrs=*/true,
                                        /*replaceLocs=*/false, /*replaceTypes=*/true);
  }
};

} // namespace
} // namespace mad
