//===- Epilogue.cpp - Elementwise ops behind a product ----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Transforms/Epilogue.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "passes/Transforms/Memory.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using linalg::GenericOp;

namespace mad {
namespace {

/// How an operand varies over the rows and the columns.
enum class Kind { Scalar, Matrix, PerRow, PerColumn, Other };

/// The rows, all of `rank` dimensions but the last ones, and the columns.
SmallVector<ReassociationIndices> asMatrix(int64_t rank, unsigned columns) {
  return {llvm::to_vector(llvm::seq<int64_t>(0, rank - columns)),
          llvm::to_vector(llvm::seq<int64_t>(rank - columns, rank))};
}

/// The dimension of an operand that is the last one of the rows; others have size 1.
std::optional<unsigned> rowPosition(GenericOp op, OpOperand &operand, unsigned columns) {
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

/// For an op of more loops than there are columns.
Kind kindOf(GenericOp op, OpOperand &operand, unsigned columns) {
  auto type = dyn_cast<MemRefType>(operand.get().getType());
  AffineMap map = op.getMatchingIndexingMap(&operand);
  if (!type || map.getNumResults() == 0)
    return Kind::Scalar;
  unsigned loops = op.getNumLoops();
  if (map.isIdentity())
    return memref::CollapseShapeOp::isGuaranteedCollapsible(type, asMatrix(loops, columns))
               ? Kind::Matrix
               : Kind::Other;
  if (columns == 1 && map.getNumResults() == 1 &&
      map.getResult(0) == getAffineDimExpr(loops - 1, op.getContext()))
    return Kind::PerColumn;
  return rowPosition(op, operand, columns) ? Kind::PerRow : Kind::Other;
}

/// Whether the dimension right before the columns of `memory` is one of the root, or
/// several as one (`merged`), or a part of one (`split`).
bool keepsRow(Value memory, unsigned columns, bool merged, bool split) {
  auto isOne = [&](ArrayRef<ReassociationIndices> groups) {
    return groups[groups.size() - columns - 1].size() == 1;
  };
  while (Operation *op = memory.getDefiningOp()) {
    if (auto collapse = dyn_cast<memref::CollapseShapeOp>(op)) {
      if (!merged && !isOne(collapse.getReassociationIndices()))
        return false;
    } else if (auto expand = dyn_cast<memref::ExpandShapeOp>(op)) {
      if (!split && !isOne(expand.getReassociationIndices()))
        return false;
    } else if (!isa<memref::CastOp>(op)) {
      break;
    }
    memory = op->getOperand(0);
  }
  return true;
}

/// The memory of a product, and of the ops behind it so far.
class Finder {
public:
  /// `rows`: the dimension of the result along which a block lies within one product;
  /// none where it may lie in several.
  Finder(Value result, unsigned columns, std::optional<unsigned> rows)
      : result(result), columns(columns), rows(rows) {
    written.insert(baseOf(result));
  }
  /// Memory that is read while blocks are written.
  void reads(Value memory) { read.insert(baseOf(memory)); }

  SmallVector<GenericOp> behind(Operation *product) {
    SmallVector<GenericOp> found;
    for (Operation *op = product->getNextNode(); op; op = op->getNextNode()) {
      if (isMemoryEffectFree(op))
        continue;
      auto generic = dyn_cast<GenericOp>(op);
      if (!generic || !accepts(generic))
        break;
      found.push_back(generic);
    }
    return found;
  }

private:
  bool accepts(GenericOp op);
  bool isSimple(GenericOp op) const;
  bool isResult(Value memory) const;
  bool hasRowsOfProduct(Value memory) const;
  /// Where memory lies is not known: it may be anywhere.
  static bool mayBeIn(const llvm::SmallSetVector<Value, 4> &bases, Value memory) {
    Value base = baseOf(memory);
    return !base || bases.contains(Value()) || bases.contains(base);
  }

  Value result;
  unsigned columns;
  std::optional<unsigned> rows;
  llvm::SmallSetVector<Value, 4> written, read; ///< bases
};

bool Finder::accepts(GenericOp op) {
  if (!isSimple(op))
    return false;
  Value output = op.getDpsInits().front();
  Value own; // the result, as the op sees it
  bool perRow = false;
  llvm::SmallSetVector<Value, 4> changing = written;
  changing.insert(baseOf(output));
  for (OpOperand &operand : op->getOpOperands()) {
    Kind kind = kindOf(op, operand, columns);
    if (kind == Kind::Other)
      return false;
    if (kind == Kind::Scalar)
      continue;
    Value memory = operand.get();
    bool isMatrix = kind == Kind::Matrix;
    if (isMatrix && isResult(memory))
      own = memory;
    perRow |= kind == Kind::PerRow;
    // Of what is written, an element only at its own place.
    if (!(isMatrix && (memory == output || isResult(memory))) && mayBeIn(changing, memory))
      return false;
  }
  bool manyRows = op.getNumLoops() > columns + 1;
  if (!own || (perRow && manyRows && !hasRowsOfProduct(own)) || mayBeIn(read, output))
    return false;
  written = changing;
  return true;
}

bool Finder::isSimple(GenericOp op) const {
  if (!op.hasPureBufferSemantics() || op.getNumReductionLoops() || op.getNumDpsInits() != 1 ||
      op.getNumLoops() <= columns || kindOf(op, *op.getDpsInitOperand(0), columns) != Kind::Matrix)
    return false;
  return !op.getBody()
              ->walk([](Operation *inner) {
                bool bad = isa<linalg::IndexOp, memref::LoadOp>(inner) || inner->getNumRegions();
                return bad ? WalkResult::interrupt() : WalkResult::advance();
              })
              .wasInterrupted();
}

/// Memory of the product's result, with its columns.
bool Finder::isResult(Value memory) const {
  if (memory == result)
    return true;
  if (rootOf(memory) != rootOf(result))
    return false;
  ArrayRef<int64_t> here = cast<MemRefType>(memory.getType()).getShape().take_back(columns),
                    there = cast<MemRefType>(result.getType()).getShape().take_back(columns);
  if (here == there && !ShapedType::isDynamicShape(here))
    return true;
  return rootOf(memory, columns) && rootOf(result, columns);
}

/// Whether the last dimension of the rows in `memory`, which is the result, is the rows of
/// one product, or of several: a block does not go beyond it.
bool Finder::hasRowsOfProduct(Value memory) const {
  if (!rows)
    return false;
  auto here = cast<MemRefType>(memory.getType()), there = cast<MemRefType>(result.getType());
  int64_t size = here.getDimSize(here.getRank() - columns - 1), product = there.getDimSize(*rows);
  if (!ShapedType::isDynamic(size) && !ShapedType::isDynamic(product))
    return product && size % product == 0;
  return rootOf(memory, columns) && rootOf(result, columns) &&
         keepsRow(memory, columns, /*merged=*/true, /*split=*/false) &&
         keepsRow(result, columns, /*merged=*/false, /*split=*/true);
}

/// The part of an operand that belongs to a block.
Value partOf(ImplicitLocOpBuilder &b, GenericOp op, OpOperand &operand, unsigned columns,
             const Block &block) {
  Value memory = operand.get();
  Kind kind = kindOf(op, operand, columns);
  if (kind == Kind::Scalar)
    return memory;
  auto type = cast<MemRefType>(memory.getType());
  int64_t rank = type.getRank();
  OpFoldResult one = b.getIndexAttr(1), none = b.getIndexAttr(0);
  if (kind == Kind::Matrix) {
    if (rank > 2)
      memory = memref::CollapseShapeOp::create(b, memory, asMatrix(rank, columns));
    return memref::SubViewOp::create(b, memory, ArrayRef<OpFoldResult>{block.row, block.column},
                                     ArrayRef<OpFoldResult>{block.rows, block.columns},
                                     ArrayRef<OpFoldResult>{one, one});
  }
  if (kind == Kind::PerColumn)
    return memref::SubViewOp::create(b, memory, ArrayRef<OpFoldResult>{block.column},
                                     ArrayRef<OpFoldResult>{block.columns},
                                     ArrayRef<OpFoldResult>{one});
  unsigned position = *rowPosition(op, operand, columns);
  SmallVector<OpFoldResult> offsets(rank, none), sizes(rank, one), strides(rank, one);
  Value row = block.row;
  if (op.getNumLoops() > columns + 1)
    row = b.createOrFold<arith::RemUIOp>(row, b.createOrFold<memref::DimOp>(memory, position));
  offsets[position] = row;
  sizes[position] = block.rows;
  auto reduced = memref::SubViewOp::inferRankReducedResultType({ShapedType::kDynamic}, type,
                                                               offsets, sizes, strides);
  return memref::SubViewOp::create(b, cast<MemRefType>(reduced), memory, offsets, sizes, strides);
}

/// How a block of such memory is read.
AffineMap mapOf(Kind kind, MLIRContext *context) {
  switch (kind) {
  case Kind::Matrix:
    return AffineMap::getMultiDimIdentityMap(2, context);
  case Kind::PerRow:
    return AffineMap::get(2, 0, getAffineDimExpr(0, context));
  case Kind::PerColumn:
    return AffineMap::get(2, 0, getAffineDimExpr(1, context));
  default:
    return AffineMap::get(2, 0, context);
  }
}

void emitOp(ImplicitLocOpBuilder &b, GenericOp op, unsigned columns, const Block &block) {
  SmallVector<Value> parts;
  SmallVector<AffineMap> maps;
  for (OpOperand &operand : op->getOpOperands()) {
    parts.push_back(partOf(b, op, operand, columns, block));
    maps.push_back(mapOf(kindOf(op, operand, columns), op.getContext()));
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

} // namespace

Epilogue Epilogue::behind(const Contraction &product) {
  Epilogue result;
  if (!product.m || !product.outer.empty() || product.op.getNumLoops() != 3)
    return result;
  Finder finder(product.op->getOperand(product.c()), result.columns, std::nullopt);
  // Columns are read while blocks are written; whoever overwrites rows packs them before.
  finder.reads(product.op->getOperand(product.b));
  result.found = finder.behind(product.op);
  return result;
}

Epilogue Epilogue::behind(const WindowProduct &product) {
  Epilogue result;
  AffineMap map = product.map(2);
  unsigned row = *map.getResultPosition(getAffineDimExpr(product.m, map.getContext()));
  result.columns = map.getNumResults() - row - 1;
  Finder finder(product.op->getOperand(2), result.columns, row);
  finder.reads(product.op->getOperand(product.x));
  finder.reads(product.op->getOperand(product.w));
  result.found = finder.behind(product.op);
  return result;
}

void Epilogue::emit(ImplicitLocOpBuilder &b, const Block &block) const {
  for (GenericOp op : found)
    emitOp(b, op, columns, block);
}

void Epilogue::erase() {
  for (GenericOp op : found)
    op.erase();
  found.clear();
}

} // namespace mad
