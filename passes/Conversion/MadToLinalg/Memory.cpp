//===- Memory.cpp - Lowerings that work in memory of their own --------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Conversion/MadToLinalg/Memory.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace mad {

Value memoryFor(Lowering &lowering, OpBuilder &b, Operation *op, RankedTensorType type) {
  RankedTensorType plain = lowering.plain(type);
  SmallVector<Value> sizes;
  for (int64_t d = 0; d < type.getRank(); ++d)
    if (type.isDynamicDim(d))
      sizes.push_back(lowering.extent(b, op, type, d));
  return memref::AllocOp::create(b, op->getLoc(),
                                 MemRefType::get(plain.getShape(), plain.getElementType()), sizes);
}

Value memoryLine(OpBuilder &b, Location loc, Value size, Type element) {
  if (auto known = getConstantIntValue(size))
    return memref::AllocOp::create(b, loc, MemRefType::get({*known}, element));
  return memref::AllocOp::create(b, loc, MemRefType::get({ShapedType::kDynamic}, element), size);
}

void writeMemory(OpBuilder &b, Location loc, Value tensor, Value memory) {
  auto op = bufferization::MaterializeInDestinationOp::create(b, loc, TypeRange(), tensor, memory);
  op.setRestrict(true);
  op.setWritable(true);
}

Value memoryOf(OpBuilder &b, Location loc, Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  return bufferization::ToBufferOp::create(
      b, loc, MemRefType::get(type.getShape(), type.getElementType()), tensor, /*readOnly=*/true);
}

Value contentsOf(OpBuilder &b, Location loc, Value memory) {
  auto type = cast<MemRefType>(memory.getType());
  return bufferization::ToTensorOp::create(
      b, loc, RankedTensorType::get(type.getShape(), type.getElementType()), memory,
      /*restrict=*/true, /*writable=*/false);
}

void loopOver(OpBuilder &b, Location loc, ValueRange extents, LoopBody body) {
  SmallVector<Value> low(extents.size(), indexConstant(b, loc, 0));
  SmallVector<Value> step(extents.size(), indexConstant(b, loc, 1));
  scf::buildLoopNest(b, loc, low, extents, step,
                     [&](OpBuilder &, Location, ValueRange at) { body(at); });
}

void loopOver(Lowering &lowering, OpBuilder &b, Operation *op, RankedTensorType type,
              ArrayRef<int64_t> without, LoopBody body) {
  SmallVector<Value> extents;
  for (int64_t d = 0; d < type.getRank(); ++d)
    if (!llvm::is_contained(without, d))
      extents.push_back(lowering.extent(b, op, type, d));
  loopOver(b, op->getLoc(), extents, [&](ValueRange at) {
    SmallVector<Value> all(type.getRank());
    for (int64_t d = 0, next = 0; d < type.getRank(); ++d)
      if (!llvm::is_contained(without, d))
        all[d] = at[next++];
    body(all);
  });
}

} // namespace mad
