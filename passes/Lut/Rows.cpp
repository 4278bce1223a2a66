//===- Rows.cpp - Memory as matrices of neighbouring rows -----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Lut/Rows.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace mad {

static SmallVector<ReassociationIndices> allButTheLast(int64_t rank) {
  SmallVector<ReassociationIndices> groups(2);
  for (int64_t d = 0; d + 1 < rank; ++d)
    groups[0].push_back(d);
  groups[1].push_back(rank - 1);
  return groups;
}

static SmallVector<ReassociationIndices> all(int64_t rank) {
  SmallVector<ReassociationIndices> groups(1);
  for (int64_t d = 0; d < rank; ++d)
    groups[0].push_back(d);
  return groups;
}

static bool isRows(MemRefType type) {
  if (type.getRank() <= 2)
    return type.isLastDimUnitStride();
  return type.isLastDimUnitStride() &&
         memref::CollapseShapeOp::isGuaranteedCollapsible(type, allButTheLast(type.getRank()));
}

static Value flattened(ImplicitLocOpBuilder &b, Value memory) {
  auto type = cast<MemRefType>(memory.getType());
  if (type.getRank() == 2)
    return memory;
  if (type.getRank() == 1)
    return memref::ExpandShapeOp::create(b, ArrayRef<int64_t>{1, type.getDimSize(0)}, memory,
                                         ArrayRef<ReassociationIndices>{{0, 1}});
  return memref::CollapseShapeOp::create(b, memory, allButTheLast(type.getRank()));
}

/// Memory of the same sizes.
static Value likeIt(ImplicitLocOpBuilder &b, Value memory) {
  auto type = cast<MemRefType>(memory.getType());
  SmallVector<Value> dynamic;
  for (int64_t d = 0; d < type.getRank(); ++d)
    if (type.isDynamicDim(d))
      dynamic.push_back(memref::DimOp::create(b, memory, d));
  return memref::AllocOp::create(b, MemRefType::get(type.getShape(), type.getElementType()),
                                 dynamic, b.getI64IntegerAttr(64));
}

static Value copied(ImplicitLocOpBuilder &b, Value memory) {
  Value copy = likeIt(b, memory);
  memref::CopyOp::create(b, memory, copy);
  return copy;
}

Value rowsToRead(ImplicitLocOpBuilder &b, Value memory) {
  bool fits = isRows(cast<MemRefType>(memory.getType()));
  return flattened(b, fits ? memory : copied(b, memory));
}

Value rowsToWrite(ImplicitLocOpBuilder &b, Value memory) {
  bool fits = isRows(cast<MemRefType>(memory.getType()));
  return flattened(b, fits ? memory : likeIt(b, memory));
}

void rowsWritten(ImplicitLocOpBuilder &b, Value rows, Value memory) {
  auto type = cast<MemRefType>(memory.getType());
  if (isRows(type))
    return;
  // What `flattened` was given.
  Value copy = type.getRank() == 2 ? rows : rows.getDefiningOp()->getOperand(0);
  memref::CopyOp::create(b, copy, memory);
}

Value elementsToRead(ImplicitLocOpBuilder &b, Value memory) {
  auto type = cast<MemRefType>(memory.getType());
  int64_t rank = type.getRank();
  if (rank == 0)
    return memref::ExpandShapeOp::create(b, ArrayRef<int64_t>{1}, memory,
                                         ArrayRef<ReassociationIndices>{});
  bool fits = type.isLastDimUnitStride() &&
              (rank == 1 || memref::CollapseShapeOp::isGuaranteedCollapsible(type, all(rank)));
  if (!fits)
    memory = copied(b, memory);
  return rank == 1 ? memory : memref::CollapseShapeOp::create(b, memory, all(rank)).getResult();
}

} // namespace mad
