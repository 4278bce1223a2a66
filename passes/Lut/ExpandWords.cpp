//===- ExpandWords.cpp - Codes of a dictionary while they are needed --------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Lut/ExpandWords.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Transforms/Pieces.h"

using namespace mlir;
using mad::kernels::KernelLibrary;

namespace mad {

static Value bytes(ImplicitLocOpBuilder &b, ArrayRef<int64_t> shape) {
  return memref::AllocOp::create(b, MemRefType::get(shape, b.getI8Type()), ValueRange(),
                                 b.getI64IntegerAttr(64));
}

ExpandedColumns::ExpandedColumns(ImplicitLocOpBuilder &b, KernelLibrary &library, Value words,
                                 Value starts, Value dictionary, int64_t K, int64_t width)
    : b(b), library(library), K(K) {
  for (Value part : {words, starts, dictionary})
    parts.push_back(kernels::castTo(b, part, KernelLibrary::rows(b.getI8Type())));
  if (width)
    codes = bytes(b, {(K + 3) / 4, width});
  stage = kernels::castTo(b, bytes(b, {KernelLibrary::expandStage(K)}),
                          KernelLibrary::flat(b.getI8Type()));
}

Value columnsOf(ImplicitLocOpBuilder &b, Value matrix, Value from, Value to) {
  OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1);
  Value rows = memref::DimOp::create(b, matrix, 0);
  Value width = kernels::Index(b).sub(to, from);
  Value part = memref::SubViewOp::create(b, matrix, ArrayRef<OpFoldResult>{zero, from},
                                         ArrayRef<OpFoldResult>{rows, width},
                                         ArrayRef<OpFoldResult>{one, one});
  Type element = cast<MemRefType>(matrix.getType()).getElementType();
  return kernels::castTo(b, part, KernelLibrary::rows(element));
}

Value ExpandedColumns::columns(Value from, Value to) {
  kernels::Index i(b);
  Value made = columnsOf(b, codes, i.constant(0), i.sub(to, from));
  into(made, from, to);
  return made;
}

void ExpandedColumns::into(Value memory, Value from, Value to) {
  SmallVector<Value> values(parts);
  values.append({memory, stage, kernels::Index(b).constant(K), from, to});
  func::CallOp::create(b, library.expandWords(), values);
}

/// Estimated picoseconds for a code.
static constexpr int64_t codeTime = 150;

/// Of a matrix.
static void expandMatrix(ImplicitLocOpBuilder &b, ValueRange parts, Value init,
                         KernelLibrary &library, int64_t K, int64_t grain) {
  kernels::Index i(b);
  int64_t M = cast<MemRefType>(init.getType()).getDimSize(1);
  CutExtent across{i.constant(M), 64};
  forPieces(b, i.constant(codeTime * K * M), grain, across,
            [&](ArrayRef<PieceRange> range, const PieceGrid &) {
              ExpandedColumns memory(b, library, parts[0], parts[1], parts[2], K, 0);
              Value to = i.add(range[0].low, range[0].length);
              memory.into(columnsOf(b, init, range[0].low, to), range[0].low, to);
            });
}

/// A matrix of a batch.
static Value matrixOf(ImplicitLocOpBuilder &b, Value memory, ArrayRef<OpFoldResult> numbers) {
  auto type = cast<MemRefType>(memory.getType());
  SmallVector<OpFoldResult> offsets(numbers), sizes(numbers.size(), b.getIndexAttr(1)),
      strides(type.getRank(), b.getIndexAttr(1));
  for (int64_t size : type.getShape().take_back(2)) {
    offsets.push_back(b.getIndexAttr(0));
    sizes.push_back(b.getIndexAttr(size));
  }
  MemRefType made = memref::SubViewOp::inferRankReducedResultType(type.getShape().take_back(2),
                                                                  type, offsets, sizes, strides);
  return memref::SubViewOp::create(b, made, memory, offsets, sizes, strides);
}

void expandWords(lut::ExpandIntoOp op, KernelLibrary &library, int64_t grain) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  ArrayRef<int64_t> batch = cast<MemRefType>(op.getInit().getType()).getShape().drop_back(2);
  kernels::Index i(b);
  // One matrix after the other.
  SmallVector<OpFoldResult> numbers;
  for (int64_t size : batch) {
    auto loop = scf::ForOp::create(b, i.constant(0), i.constant(size), i.constant(1));
    numbers.push_back(loop.getInductionVar());
    b.setInsertionPointToStart(loop.getBody());
  }
  Value words = matrixOf(b, op.getWords(), numbers), starts = matrixOf(b, op.getStarts(), numbers),
        init = matrixOf(b, op.getInit(), numbers);
  expandMatrix(b, {words, starts, op.getDictionary()}, init, library, int64_t(op.getRows()), grain);
  op.erase();
}

} // namespace mad
