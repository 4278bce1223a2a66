//===- DeviceBehind.cpp - What is made of a reduction's results --------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A conversion behind a sum, or its division by the number of terms: a launch of its own would take
// as long as a twentieth of a large sum.
//
//===----------------------------------------------------------------------===//
#include "passes/Conversion/LinalgToGpu/DeviceFunction.h"
#include "passes/Transforms/Kernels.h"
#include "passes/Transforms/Memory.h"

using namespace mlir;
using linalg::GenericOp;

namespace mad {

/// Whether a value is known where the reduction is; memory without sizes of its own is moved there.
static bool isKnownBefore(Operation *reduction, Value value) {
  Operation *def = value.getDefiningOp();
  if (!def || def->getBlock() != reduction->getBlock() || def->isBeforeInBlock(reduction))
    return true;
  if (!isa<memref::AllocOp>(def) || def->getNumOperands() > 0)
    return false;
  def->moveBefore(reduction);
  return true;
}

/// Whether a reduction may read memory with this base.
static bool mayRead(GenericOp reduction, Value written) {
  auto isOther = [&](Value memory) {
    Value base = baseOf(memory);
    return base && base != written;
  };
  for (Value input : reduction.getDpsInputs())
    if (isa<MemRefType>(input.getType()) && !isOther(input))
      return true;
  return reduction.getBody()
      ->walk([&](memref::LoadOp load) {
        return isOther(load.getMemRef()) ? WalkResult::advance() : WalkResult::interrupt();
      })
      .wasInterrupted();
}

GenericOp opBehind(DeviceFunction &f, GenericOp reduction) {
  if (reduction.getNumDpsInits() != 1)
    return {};
  OpOperand &result = *reduction.getDpsInitOperand(0);
  Value memory = result.get(), base = baseOf(memory);
  auto type = dyn_cast<MemRefType>(memory.getType());
  const int64_t rank = reduction.getNumLoops() - reduction.getNumReductionLoops();
  if (!type || !base || !base.getDefiningOp<memref::AllocOp>() || type.getRank() != rank)
    return {};
  Operation *next = reduction->getNextNode();
  while (next && (isMemoryEffectFree(next) || isa<memref::AllocOp>(next)))
    next = next->getNextNode();
  auto op = dyn_cast_or_null<GenericOp>(next);
  if (!op || !op.hasPureBufferSemantics() || op.getNumReductionLoops() ||
      op.getNumLoops() != rank || op->getNumOperands() != 2 || op.getNumDpsInits() != 1 ||
      op.getDpsInputs().front() != memory || f.groups.contains(op) || f.attentions.contains(op) ||
      f.taken.contains(op))
    return {};
  for (OpOperand &operand : op->getOpOperands())
    if (!op.getMatchingIndexingMap(&operand).isIdentity() ||
        !cast<MemRefType>(operand.get().getType()).getLayout().isIdentity())
      return {};
  for (Operation &inner : *op.getBody())
    if (!isMemoryEffectFree(&inner) || inner.getNumRegions() > 0 || isa<linalg::IndexOp>(inner) ||
        llvm::any_of(inner.getOperands(), [&](Value v) {
          return f.scalars.isOnDevice(v) ||
                 (v.getParentRegion() != &op.getRegion() && !isKnownBefore(reduction, v));
        }))
      return {};
  OpOperand &output = *op.getDpsInitOperand(0);
  Value written = baseOf(output.get());
  if (!written || written == base || !op.getMatchingBlockArgument(&output).use_empty() ||
      f.scalars.isOnDevice(output.get()))
    return {};
  // The kernel writes there while it still reads.
  if (mayRead(reduction, written))
    return {};
  SmallVector<linalg::FillOp> fills = fillsBefore(reduction);
  bool isOnlyHere = hasOnlyUsers(base, [&](Operation *user) {
    return user == reduction || user == op || llvm::is_contained(fills, user);
  });
  return isOnlyHere && isKnownBefore(reduction, output.get()) ? op : GenericOp();
}

void useBehind(DeviceKernel &kernel, GenericOp op) {
  if (!op)
    return;
  kernel.get(op.getDpsInits().front());
  for (Operation &inner : *op.getBody())
    for (Value v : inner.getOperands())
      if (v.getParentRegion() != &op.getRegion())
        kernel.get(v);
}

void storeResult(DeviceKernel &kernel, GenericOp reduction, GenericOp behind, Value result,
                 ArrayRef<Value> at) {
  ImplicitLocOpBuilder &b = kernel.builder();
  OpOperand &output = *reduction.getDpsInitOperand(0);
  AffineMap map = reduction.getMatchingIndexingMap(&output);
  if (!behind)
    return storeElement(b, result, kernel.get(output.get()), map, at);
  SmallVector<Value> place;
  for (AffineExpr e : map.getResults())
    place.push_back(at[cast<AffineDimExpr>(e).getPosition()]);
  Value made = emitBody(kernel, behind, {result, Value()}, place).front();
  memref::StoreOp::create(b, made, kernel.get(behind.getDpsInits().front()), place);
}

} // namespace mad
