//===- WindowEpilogue.cpp - Elementwise ops behind a convolution ------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Transforms/WindowEpilogue.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using linalg::GenericOp;

namespace mad {
namespace {

/// The buffer, before its shape was changed. `last` dimensions must not have been:
/// null where they were.
Value rootOf(Value memory, unsigned last = 0) {
  auto keeps = [&](ArrayRef<ReassociationIndices> groups) {
    return groups.size() >= last && llvm::all_of(groups.take_back(last), [](const auto &group) {
             return group.size() == 1;
           });
  };
  while (Operation *op = memory.getDefiningOp()) {
    if (auto collapse = dyn_cast<memref::CollapseShapeOp>(op)) {
      if (!keeps(collapse.getReassociationIndices()))
        return {};
    } else if (auto expand = dyn_cast<memref::ExpandShapeOp>(op)) {
      if (!keeps(expand.getReassociationIndices()))
        return {};
    } else if (!isa<memref::CastOp>(op)) {
      break;
    }
    memory = op->getOperand(0);
  }
  return memory;
}

/// All elements, one a row, or one.
enum class Kind { Scalar, Matrix, Row, Other };

class Shape {
public:
  explicit Shape(const WindowProduct &product) : columns(columnsOf(product)) {}

  /// Trailing dimensions of the result that are its columns.
  unsigned columns;

  Kind kind(GenericOp op, OpOperand &operand) const {
    auto type = dyn_cast<MemRefType>(operand.get().getType());
    AffineMap map = op.getMatchingIndexingMap(&operand);
    if (!type || map.getNumResults() == 0)
      return Kind::Scalar;
    if (map.isIdentity())
      return type.getLayout().isIdentity() ? Kind::Matrix : Kind::Other;
    return rowPosition(op, operand) ? Kind::Row : Kind::Other;
  }

  /// The dimension of an operand that is the last one of the rows; others have size 1.
  std::optional<unsigned> rowPosition(GenericOp op, OpOperand &operand) const {
    std::optional<unsigned> found;
    AffineExpr row = getAffineDimExpr(op.getNumLoops() - columns - 1, op.getContext());
    for (auto [position, e] : llvm::enumerate(op.getMatchingIndexingMap(&operand).getResults())) {
      if (e == row && !found)
        found = position;
      else if (e != getAffineConstantExpr(0, op.getContext()))
        return {};
    }
    return found;
  }

private:
  static unsigned columnsOf(const WindowProduct &product) {
    AffineMap map = product.map(2);
    for (auto [position, e] : llvm::enumerate(map.getResults()))
      if (cast<AffineDimExpr>(e).getPosition() == product.m)
        return map.getNumResults() - position - 1;
    return 0;
  }
};

class Finder {
public:
  explicit Finder(const WindowProduct &product)
      : shape(product), result(product.op->getOperand(2)) {
    written.insert(rootOf(result));
    read.insert(rootOf(product.op->getOperand(product.x)));
    read.insert(rootOf(product.op->getOperand(product.w)));
  }

  bool accepts(GenericOp op) {
    if (!isSimple(op))
      return false;
    Value output = op.getDpsInits().front();
    bool usesResult = false;
    for (OpOperand &operand : op->getOpOperands()) {
      Kind kind = shape.kind(op, operand);
      if (kind == Kind::Other)
        return false;
      if (kind == Kind::Scalar)
        continue;
      Value root = rootOf(operand.get());
      bool own = isResult(operand.get());
      usesResult |= own;
      bool shared = written.contains(root) || root == rootOf(output);
      if (shared && !(kind == Kind::Matrix && (own || operand.get() == output)))
        return false;
    }
    if (!usesResult || read.contains(rootOf(output)))
      return false;
    written.insert(rootOf(output));
    return true;
  }

private:
  bool isSimple(GenericOp op) const {
    if (!op.hasPureBufferSemantics() || op.getNumReductionLoops() || op.getNumDpsInits() != 1 ||
        op.getNumLoops() <= shape.columns ||
        shape.kind(op, *op.getDpsInitOperand(0)) != Kind::Matrix)
      return false;
    return !op.getBody()
                ->walk([](Operation *inner) {
                  bool bad = isa<linalg::IndexOp, memref::LoadOp>(inner) || inner->getNumRegions();
                  return bad ? WalkResult::interrupt() : WalkResult::advance();
                })
                .wasInterrupted();
  }

  /// Memory of the product's result, with its columns.
  bool isResult(Value memory) const {
    Value root = rootOf(memory, shape.columns);
    return root && root == rootOf(result, shape.columns);
  }

  Shape shape;
  Value result;
  llvm::SmallSetVector<Value, 4> written, read;
};

Value partOf(ImplicitLocOpBuilder &b, const Shape &shape, GenericOp op, OpOperand &operand,
             const Block &block) {
  Value memory = operand.get();
  Kind kind = shape.kind(op, operand);
  if (kind == Kind::Scalar)
    return memory;
  auto type = cast<MemRefType>(memory.getType());
  int64_t rank = type.getRank();
  OpFoldResult one = b.getIndexAttr(1), none = b.getIndexAttr(0);
  if (kind == Kind::Matrix) {
    auto dims = [](int64_t from, int64_t to) {
      return ReassociationIndices(llvm::to_vector(llvm::seq(from, to)));
    };
    int64_t rows = rank - shape.columns;
    if (rank > 2)
      memory = memref::CollapseShapeOp::create(
          b, memory, ArrayRef<ReassociationIndices>{dims(0, rows), dims(rows, rank)});
    return memref::SubViewOp::create(b, memory, ArrayRef<OpFoldResult>{block.row, block.column},
                                     ArrayRef<OpFoldResult>{block.rows, block.columns},
                                     ArrayRef<OpFoldResult>{one, one});
  }
  unsigned position = *shape.rowPosition(op, operand);
  SmallVector<OpFoldResult> offsets(rank, none), sizes(rank, one), strides(rank, one);
  Value count = b.createOrFold<memref::DimOp>(memory, position);
  offsets[position] = b.createOrFold<arith::RemUIOp>(block.row, count);
  sizes[position] = block.rows;
  auto reduced = memref::SubViewOp::inferRankReducedResultType({ShapedType::kDynamic}, type,
                                                               offsets, sizes, strides);
  return memref::SubViewOp::create(b, cast<MemRefType>(reduced), memory, offsets, sizes, strides);
}

} // namespace

SmallVector<GenericOp> findEpilogue(const WindowProduct &product) {
  SmallVector<GenericOp> found;
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

void emitEpilogue(ImplicitLocOpBuilder &b, const WindowProduct &product, GenericOp op,
                  const Block &block) {
  Shape shape(product);
  SmallVector<Value> parts;
  SmallVector<AffineMap> maps;
  MLIRContext *context = op.getContext();
  for (OpOperand &operand : op->getOpOperands()) {
    parts.push_back(partOf(b, shape, op, operand, block));
    Kind kind = shape.kind(op, operand);
    maps.push_back(kind == Kind::Matrix ? AffineMap::getMultiDimIdentityMap(2, context)
                   : kind == Kind::Row  ? AffineMap::get(2, 0, getAffineDimExpr(0, context))
                                        : AffineMap::get(2, 0, context));
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
