//===- Copies.cpp - Asynchronous copies -------------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Conversion/NvvmToSimt/Lowering.h"

using namespace mlir;
using namespace mad::simt;

Lowering::Lowered Lowering::lowerCopy(Operation *op) {
  Location loc = op->getLoc();
  if (auto copy = dyn_cast<NVVM::CpAsyncOp>(op)) {
    Value size = constant(loc, copy.getSize());
    return replace(op, "cp_async",
                   {copy.getDst(), copy.getSrc(), size, copy.getCpSize() ? copy.getCpSize() : size,
                    place(op)});
  }
  if (isa<NVVM::CpAsyncCommitGroupOp>(op))
    return replace(op, "cp_commit", {});
  if (auto wait = dyn_cast<NVVM::CpAsyncWaitGroupOp>(op))
    return replace(op, "cp_wait", {constant(loc, wait.getN())});

  // Of the blocks of the cluster; 0 stands for none, so an empty one is told as out of range.
  auto mask = [&](Value blocks) -> Value {
    if (!blocks)
      return constant(loc, 0);
    Value wide = LLVM::ZExtOp::create(b, loc, word, blocks), none = constant(loc, 0);
    Value empty = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::eq, wide, none);
    return LLVM::SelectOp::create(b, loc, empty, constant(loc, 1 << 16), wide);
  };
  if (auto load = dyn_cast<NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp>(op)) {
    if (load.getMode() != NVVM::TMALoadMode::TILE || load.getGroup())
      return op->emitOpError("has no emulation: im2col, or a group of blocks");
    if (load.getPredicate())
      predicate(op, load.getPredicate());
    storeWords(loc, load.getCoordinates(), A);
    return replace(op, "tma_load",
                   {load.getDstMem(), load.getTmaDescriptor(), load.getMbar(),
                    constant(loc, load.getCoordinates().size()), fragments,
                    mask(load.getMulticastMask()), place(op)});
  }
  if (auto load = dyn_cast<NVVM::CpAsyncBulkGlobalToSharedClusterOp>(op))
    return replace(op, "bulk_load",
                   {load.getDstMem(), load.getSrcMem(), load.getMbar(), load.getSize(),
                    mask(load.getMulticastMask()), place(op)});
  if (auto store = dyn_cast<NVVM::CpAsyncBulkTensorSharedCTAToGlobalOp>(op)) {
    if (store.getMode() != NVVM::TMAStoreMode::TILE)
      return op->emitOpError("has no emulation: a mode other than tile");
    if (store.getPredicate())
      predicate(op, store.getPredicate());
    storeWords(loc, store.getCoordinates(), A);
    return replace(op, "tma_store",
                   {store.getTmaDescriptor(), store.getSrcMem(),
                    constant(loc, store.getCoordinates().size()), fragments, place(op)});
  }
  if (auto store = dyn_cast<NVVM::CpAsyncBulkSharedCTAToGlobalOp>(op)) {
    if (store.getByteMask())
      return op->emitOpError("has no emulation: a mask of bytes");
    return replace(op, "bulk_store",
                   {store.getDstMem(), store.getSrcMem(), store.getSize(), place(op)});
  }
  if (isa<NVVM::CpAsyncBulkCommitGroupOp>(op))
    return replace(op, "bulk_commit", {});
  if (auto wait = dyn_cast<NVVM::CpAsyncBulkWaitGroupOp>(op))
    return replace(op, "bulk_wait", {constant(loc, wait.getGroup())});
  return std::nullopt;
}
