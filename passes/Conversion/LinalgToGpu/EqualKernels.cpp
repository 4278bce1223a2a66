//===- EqualKernels.cpp - Which kernels do the same -------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Conversion/LinalgToGpu/EqualKernels.h"
#include "mlir/IR/OperationSupport.h"
#include "mlir/IR/SymbolTable.h"

namespace mad {

using namespace mlir;

/// What equal kernels have in common, quickly: the type and the ops.
static size_t hashOf(gpu::GPUFuncOp kernel) {
  llvm::hash_code hash = hash_value(Type(kernel.getFunctionType()));
  kernel->walk([&](Operation *op) { hash = llvm::hash_combine(hash, op->getName()); });
  return hash;
}

static bool areEqual(gpu::GPUFuncOp one, gpu::GPUFuncOp other) {
  auto attributes = [](gpu::GPUFuncOp kernel) {
    NamedAttrList list(kernel->getAttrDictionary());
    list.erase(SymbolTable::getSymbolAttrName());
    list.erase("choice");
    return list.getDictionary(kernel.getContext());
  };
  return one->getParentOp() == other->getParentOp() && attributes(one) == attributes(other) &&
         OperationEquivalence::isRegionEquivalentTo(&one.getBody(), &other.getBody(),
                                                    OperationEquivalence::IgnoreLocations);
}

gpu::GPUFuncOp KnownKernels::findOrAdd(gpu::GPUFuncOp kernel) {
  SmallVector<gpu::GPUFuncOp> &like = known[hashOf(kernel)];
  auto same = llvm::find_if(like, [&](gpu::GPUFuncOp other) { return areEqual(kernel, other); });
  if (same != like.end())
    return *same;
  like.push_back(kernel);
  return kernel;
}

} // namespace mad
