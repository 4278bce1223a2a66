//===- DeviceBehind.cpp - What is made of a reduction's results --------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A conversion behind a sum, or its division by the number of terms: a launch of its own would take
// as long as a twentieth of a large sum.
//
//===----------------------------------------------------------------------===//
#include "passes/Conversion/LinalgToGpu/DeviceBehind.h"
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

/// What is computed of a number alone, and the store of it; null: something else is done with it.
static memref::StoreOp storeOf(memref::LoadOp load, llvm::SetVector<Operation *> &between) {
  memref::StoreOp store;
  SmallVector<Value> values{load.getResult()};
  while (!values.empty())
    for (Operation *user : values.pop_back_val().getUsers()) {
      auto last = dyn_cast<memref::StoreOp>(user);
      if (user->getBlock() != load->getBlock() ||
          (last && (store || last.getMemRefType().getRank())))
        return {};
      if (last) {
        store = last;
        continue;
      }
      if (!isMemoryEffectFree(user) || user->getNumRegions() > 0 || user->getNumResults() != 1)
        return {};
      if (between.insert(user))
        values.push_back(user->getResult(0));
    }
  if (!store || store->isBeforeInBlock(load))
    return {};
  for (Operation *op = load->getNextNode(); op != store; op = op->getNextNode())
    if (!isa<memref::AllocOp>(op) && !isMemoryEffectFree(op))
      return {};
  return store;
}

void joinScalars(func::FuncOp function) {
  SmallVector<std::pair<memref::LoadOp, memref::StoreOp>> found;
  SmallVector<llvm::SetVector<Operation *>> steps;
  function.walk([&](GenericOp reduction) {
    if (reduction.getNumReductionLoops() != reduction.getNumLoops() || !reduction.getNumLoops() ||
        reduction.getNumDpsInits() != 1 || !reduction.hasPureBufferSemantics())
      return;
    Operation *next = reduction->getNextNode();
    while (next && (isa<memref::AllocOp>(next) || isMemoryEffectFree(next)))
      next = next->getNextNode();
    auto load = dyn_cast_or_null<memref::LoadOp>(next);
    if (!load || load.getMemRef() != reduction.getDpsInits().front())
      return;
    llvm::SetVector<Operation *> between;
    if (memref::StoreOp store = storeOf(load, between); store && !between.empty()) {
      found.push_back({load, store});
      steps.push_back(std::move(between));
    }
  });
  for (auto [ends, between] : llvm::zip(found, steps)) {
    auto [load, store] = ends;
    ImplicitLocOpBuilder b(store.getLoc(), store);
    AffineMap none = AffineMap::get(0, 0, b.getContext());
    SmallVector<Operation *> inOrder = llvm::to_vector(between);
    llvm::sort(inOrder, [](Operation *x, Operation *y) { return x->isBeforeInBlock(y); });
    GenericOp::create(b, ValueRange(load.getMemRef()), ValueRange(store.getMemRef()),
                      ArrayRef{none, none}, ArrayRef<utils::IteratorType>(),
                      [&](OpBuilder &inside, Location at, ValueRange arguments) {
                        IRMapping map;
                        map.map(load.getResult(), arguments.front());
                        for (Operation *op : inOrder)
                          inside.clone(*op, map);
                        Value made = map.lookupOrDefault(store.getValueToStore());
                        linalg::YieldOp::create(inside, at, made);
                      });
    store.erase();
    for (Operation *op : llvm::reverse(inOrder))
      op->erase();
    load.erase();
  }
}

GenericOp opBehind(DeviceFunction &f, GenericOp reduction) {
  if (reduction.getNumDpsInits() != 1)
    return {};
  OpOperand &result = *reduction.getDpsInitOperand(0);
  Value memory = result.get(), base = baseOf(memory);
  auto type = dyn_cast<MemRefType>(memory.getType());
  const int64_t rank = reduction.getNumLoops() - reduction.getNumReductionLoops();
  if (!type || !base || type.getRank() != rank)
    return {};
  Operation *next = reduction->getNextNode();
  while (next && (isMemoryEffectFree(next) || isa<memref::AllocOp>(next)))
    next = next->getNextNode();
  auto op = dyn_cast_or_null<GenericOp>(next);
  if (!op || !op.hasPureBufferSemantics() || op.getNumReductionLoops() ||
      op.getNumLoops() != rank || op.getNumDpsInits() != 1 || op->getOperand(0) != memory ||
      f.groups.contains(op) || f.attentions.contains(op) || f.taken.contains(op))
    return {};
  const bool isInPlace = op->getNumOperands() == 1;
  if (!isInPlace && (op->getNumOperands() != 2 || !base.getDefiningOp<memref::AllocOp>()))
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
  if (isInPlace)
    return f.scalars.isOnDevice(memory) ? GenericOp() : op;
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
  SmallVector<Value> arguments(behind->getNumOperands());
  arguments.front() = result;
  Value made = emitBody(kernel, behind, arguments, place).front();
  memref::StoreOp::create(b, made, kernel.get(behind.getDpsInits().front()), place);
}

} // namespace mad
