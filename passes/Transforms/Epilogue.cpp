//===- Epilogue.cpp - Elementwise ops behind a product ----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Transforms/Epilogue.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using linalg::GenericOp;

namespace mad {
namespace {

/// The buffer, before its shape was changed.
Value rootOf(Value memory) {
  while (Operation *op = memory.getDefiningOp()) {
    if (!isa<memref::CollapseShapeOp, memref::ExpandShapeOp, memref::CastOp>(op))
      break;
    memory = op->getOperand(0);
  }
  return memory;
}

/// How an operand varies over the rows (all dimensions but the last) and the columns.
enum class Kind { Scalar, Matrix, Row, Column, Other };

Kind kindOf(GenericOp op, OpOperand &operand) {
  auto type = dyn_cast<MemRefType>(operand.get().getType());
  AffineMap map = op.getMatchingIndexingMap(&operand);
  if (!type || map.getNumResults() == 0)
    return Kind::Scalar;
  unsigned loops = op.getNumLoops();
  if (map.isIdentity()) {
    SmallVector<ReassociationIndices> groups{llvm::to_vector(llvm::seq<int64_t>(0, loops - 1)),
                                             {int64_t(loops) - 1}};
    bool fits = loops == 2 || memref::CollapseShapeOp::isGuaranteedCollapsible(type, groups);
    return fits ? Kind::Matrix : Kind::Other;
  }
  if (map.getNumResults() == 1 && map.getResult(0) == getAffineDimExpr(loops - 1, op.getContext()))
    return Kind::Row;
  if (loops == 2 && map.getNumResults() == 1 &&
      map.getResult(0) == getAffineDimExpr(0, op.getContext()))
    return Kind::Column;
  return Kind::Other;
}

bool isSimple(GenericOp op) {
  if (!op.hasPureBufferSemantics() || op.getNumReductionLoops() || op.getNumDpsInits() != 1 ||
      op.getNumLoops() < 2 || kindOf(op, *op.getDpsInitOperand(0)) != Kind::Matrix)
    return false;
  return !op.getBody()
              ->walk([](Operation *inner) {
                bool bad = isa<linalg::IndexOp, memref::LoadOp>(inner) || inner->getNumRegions();
                return bad ? WalkResult::interrupt() : WalkResult::advance();
              })
              .wasInterrupted();
}

/// Whether a matrix operand has the rows and columns of the product.
bool sameShape(Value product, Value operand) {
  if (product == operand)
    return true;
  auto x = cast<MemRefType>(product.getType()), y = dyn_cast<MemRefType>(operand.getType());
  if (!y)
    return false;
  return y.getRank() > 0 && !ShapedType::isDynamic(x.getShape().back()) &&
         x.getShape().back() == y.getShape().back() && rootOf(product) == rootOf(operand);
}

class Finder {
public:
  explicit Finder(const Contraction &product)
      : product(product), result(product.op->getOperand(product.c())) {
    written.insert(rootOf(result));
    // Columns are read while blocks are written, rows have been packed before.
    read.insert(rootOf(product.op->getOperand(product.b)));
  }

  bool accepts(GenericOp op) {
    if (!isSimple(op))
      return false;
    Value output = op.getDpsInits().front();
    bool usesResult = sameShape(result, output);
    for (OpOperand &operand : op->getOpOperands()) {
      Kind kind = kindOf(op, operand);
      if (kind == Kind::Other)
        return false;
      if (kind == Kind::Matrix)
        usesResult |= sameShape(result, operand.get());
      bool same = operand.get() == output || sameShape(result, operand.get());
      bool shared =
          written.contains(rootOf(operand.get())) || rootOf(operand.get()) == rootOf(output);
      if (kind != Kind::Scalar && shared && !(kind == Kind::Matrix && same))
        return false;
    }
    if (!usesResult || read.contains(rootOf(output)))
      return false;
    // Another result must not be what an earlier op of the epilogue still reads elsewhere:
    // each of them reads its own places only.
    written.insert(rootOf(output));
    return true;
  }

private:
  const Contraction &product;
  Value result;
  llvm::SmallSetVector<Value, 4> written, read;
};

/// The part of an operand that belongs to a block.
Value partOf(ImplicitLocOpBuilder &b, GenericOp op, OpOperand &operand, const Block &block) {
  Kind kind = kindOf(op, operand);
  Value memory = operand.get();
  if (kind == Kind::Scalar)
    return memory;
  SmallVector<OpFoldResult> offsets, sizes;
  if (kind != Kind::Row) {
    offsets.push_back(block.row);
    sizes.push_back(block.rows);
  }
  if (kind != Kind::Column) {
    offsets.push_back(block.column);
    sizes.push_back(block.columns);
  }
  int64_t rank = cast<MemRefType>(memory.getType()).getRank();
  if (kind == Kind::Matrix && rank > 2) {
    SmallVector<ReassociationIndices> groups{llvm::to_vector(llvm::seq<int64_t>(0, rank - 1)),
                                             {rank - 1}};
    memory = memref::CollapseShapeOp::create(b, memory, groups);
  }
  SmallVector<OpFoldResult> strides(offsets.size(), b.getIndexAttr(1));
  return memref::SubViewOp::create(b, memory, offsets, sizes, strides);
}

} // namespace

SmallVector<GenericOp> findEpilogue(const Contraction &product) {
  SmallVector<GenericOp> found;
  if (!product.m || !product.outer.empty() || product.op.getNumLoops() != 3)
    return found;
  Finder finder(product);
  for (Operation *op = product.op->getNextNode(); op; op = op->getNextNode()) {
    if (isMemoryEffectFree(op))
      continue;
    auto generic = dyn_cast<GenericOp>(op);
    if (!generic || !finder.accepts(generic))
      break;
    found.push_back(generic);
  }
  return found;
}

void emitEpilogue(ImplicitLocOpBuilder &b, GenericOp op, const Block &block) {
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  MLIRContext *context = op.getContext();
  AffineExpr row = getAffineDimExpr(0, context), column = getAffineDimExpr(1, context);
  SmallVector<Value> parts;
  for (OpOperand &operand : op->getOpOperands()) {
    parts.push_back(partOf(b, op, operand, block));
    switch (kindOf(op, operand)) {
    case Kind::Scalar:
      maps.push_back(AffineMap::get(2, 0, context));
      break;
    case Kind::Row:
      maps.push_back(AffineMap::get(2, 0, column));
      break;
    case Kind::Column:
      maps.push_back(AffineMap::get(2, 0, row));
      break;
    default:
      maps.push_back(AffineMap::getMultiDimIdentityMap(2, context));
    }
  }
  Value output = parts.pop_back_val();
  // What is updated in place stays one value.
  for (auto [part, input] : llvm::zip(parts, op.getDpsInputs()))
    if (input == op.getDpsInits().front())
      part = output;
  auto made =
      GenericOp::create(b, parts, ValueRange{output}, maps,
                        ArrayRef{utils::IteratorType::parallel, utils::IteratorType::parallel});
  IRMapping values;
  op.getRegion().cloneInto(&made.getRegion(), values);
}

} // namespace mad
