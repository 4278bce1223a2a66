//===- Memory.cpp - Where memory comes from ---------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Transforms/Memory.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace mad {

Value reshaped(Value memory) {
  Operation *op = memory.getDefiningOp();
  if (!op)
    return {};
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case<memref::ExpandShapeOp, memref::CollapseShapeOp>([](auto o) { return o.getSrc(); })
      .Case<memref::CastOp>([](auto o) { return o.getSource(); })
      .Default(Value());
}

/// Whether a reshape leaves the last dimensions as they are.
static bool keeps(Operation *reshape, unsigned last) {
  auto single = [&](ArrayRef<ReassociationIndices> groups) {
    return groups.size() >= last && llvm::all_of(groups.take_back(last), [](const auto &group) {
             return group.size() == 1;
           });
  };
  if (auto collapse = dyn_cast<memref::CollapseShapeOp>(reshape))
    return single(collapse.getReassociationIndices());
  if (auto expand = dyn_cast<memref::ExpandShapeOp>(reshape))
    return single(expand.getReassociationIndices());
  return true;
}

Value rootOf(Value memory, unsigned last) {
  while (Value source = reshaped(memory)) {
    if (last && !keeps(memory.getDefiningOp(), last))
      return {};
    memory = source;
  }
  return memory;
}

/// Whether nothing but the loop uses the memory from there on.
static bool handsOver(scf::ForOp loop, Value init) {
  if (!baseOf(init))
    return false;
  SmallVector<Value> work{init};
  llvm::SmallPtrSet<void *, 8> seen; // reshapes lead to and fro
  while (!work.empty()) {
    Value v = work.pop_back_val();
    if (!seen.insert(v.getAsOpaquePointer()).second)
      continue;
    for (Operation *user : v.getUsers()) {
      if (user == loop)
        continue;
      Operation *here = loop->getBlock()->findAncestorOpInBlock(*user);
      if (!here || !here->isBeforeInBlock(loop))
        return false;
      for (Value result : user->getResults())
        if (isa<MemRefType>(result.getType()))
          work.push_back(result);
    }
    if (Value source = reshaped(v))
      work.push_back(source);
  }
  return true;
}

/// Memory that a loop carries. It is that of its start where each round updates it in
/// place. Otherwise rounds exchange what they carry: then each value is memory of its
/// own, as long as nobody uses what they started with.
static Value carried(scf::ForOp loop, unsigned number, Value self) {
  if (loop.getYieldedValues()[number] == loop.getRegionIterArg(number))
    return baseOf(loop.getInitArgs()[number]);
  llvm::SmallPtrSet<void *, 4> seen;
  for (Value v : loop.getInitArgs())
    if (isa<MemRefType>(v.getType()) &&
        (!handsOver(loop, v) || !seen.insert(baseOf(v).getAsOpaquePointer()).second))
      return {};
  for (Value v : loop.getYieldedValues()) {
    auto argument = dyn_cast<BlockArgument>(v);
    if (isa<MemRefType>(v.getType()) && (!argument || argument.getOwner() != loop.getBody()))
      return {};
  }
  return self;
}

Value baseOf(Value memory) {
  memory = rootOf(memory);
  if (auto argument = dyn_cast<BlockArgument>(memory)) {
    Operation *parent = argument.getOwner()->getParentOp();
    if (isa<func::FuncOp>(parent))
      return memory;
    auto loop = dyn_cast<scf::ForOp>(parent);
    if (!loop || argument == loop.getInductionVar())
      return {};
    return carried(loop, argument.getArgNumber() - loop.getNumInductionVars(), memory);
  }
  Operation *op = memory.getDefiningOp();
  if (isa<memref::AllocOp, memref::GetGlobalOp>(op)) // constants are never written
    return memory;
  if (auto slice = dyn_cast<memref::SubViewOp>(op))
    return baseOf(slice.getSource());
  if (auto shape = dyn_cast<memref::ReinterpretCastOp>(op))
    return baseOf(shape.getSource());
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return carried(loop, cast<OpResult>(memory).getResultNumber(), memory);
  return {};
}

bool hasNeighbours(Value memory) {
  auto type = dyn_cast<MemRefType>(memory.getType());
  SmallVector<int64_t> strides;
  int64_t offset;
  return type && succeeded(type.getStridesAndOffset(strides, offset)) && !strides.empty() &&
         strides.back() == 1;
}

bool hasOnlyUsers(Value memory, llvm::function_ref<bool(Operation *)> isOurs) {
  SmallVector<Value> work{memory};
  while (!work.empty())
    for (Operation *user : work.pop_back_val().getUsers())
      if (isa<memref::ExpandShapeOp, memref::CollapseShapeOp, memref::CastOp>(user))
        work.push_back(user->getResult(0));
      else if (!isa<memref::DimOp>(user) && !isOurs(user))
        return false;
  return true;
}

} // namespace mad
