//===- FuseRowsEmit.cpp - Loops over blocks of rows -------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The last dimension of the rows is cut into blocks; of the others each value has
// blocks of its own. Pieces are ranges of both.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "passes/Transforms/FuseRows.h"
#include "passes/Transforms/Kernels.h"
#include "passes/Transforms/Pieces.h"

using namespace mlir;
using linalg::GenericOp;

namespace mad::rows {

namespace {

/// Rows of a block with contractions: of the register tiles of 4 and 6 rows.
constexpr int64_t contractedRows = 24;
/// With contractions each piece packs for itself what its blocks share
/// (mad-pack-contractions): pieces have so many rows, if there are, and rows are not cut
/// into pieces where so many come from the other dimensions.
constexpr int64_t contractedPiece = 96, contractedPieces = 8;
/// Bytes of a block otherwise, of the memory that has the longest rows.
constexpr int64_t blockBytes = 16384;
/// Neighbouring columns, where these are the rows: whole cache lines.
constexpr int64_t columns = 64;
/// With fewer rows than this, threads had better share the rows themselves.
constexpr int64_t fewRows = 8;

class Emitter {
public:
  explicit Emitter(Group &group)
      : group(group), leaves(group.leaves()),
        b(group.members.back().op.getLoc(), group.members.back().op.getOperation()) {}
  bool emit();

private:
  Value constant(int64_t value) { return arith::ConstantIndexOp::create(b, value); }
  Value mul(Value x, Value y) { return b.createOrFold<arith::MulIOp>(x, y); }
  Value sizeOf(Value memory, int64_t dim);
  bool isLast(ArrayRef<Atom *> rows) { return llvm::is_contained(leavesOf(rows), leaves.back()); }
  /// Where the block, or the row, lies in dimensions that were made one.
  Value offsetOf(ArrayRef<Atom *> rows);

  Value chooseBlock();
  Value estimate(Value rows);
  void makeScratch();
  void fillPieces(scf::ParallelOp loop, ArrayRef<CutExtent> dims, const PieceGrid &grid);
  Value scratchOf(Value view);
  std::pair<Value, AffineMap> slice(Value view, AffineMap map, const Member &member,
                                    ArrayRef<int64_t> newDims, unsigned newCount);
  void emitMember(const Member &member);

  Group &group;
  Atoms leaves;
  ImplicitLocOpBuilder b;
  SmallVector<Value> extents; ///< of the leaves
  Value block, length;
  llvm::DenseMap<Atom *, Value> at; ///< where each leaf is
  llvm::DenseMap<Value, Value> scratch;
};

Value Emitter::sizeOf(Value memory, int64_t dim) {
  return getValueOrCreateConstantIndexOp(b, b.getLoc(),
                                         memref::getMixedSize(b, b.getLoc(), memory, dim));
}

Value Emitter::offsetOf(ArrayRef<Atom *> rows) {
  Value offset;
  for (Atom *leaf : leavesOf(rows)) {
    Value extent = extents[llvm::find(leaves, leaf) - leaves.begin()];
    offset = offset ? b.createOrFold<arith::AddIOp>(mul(offset, extent), at[leaf]) : at[leaf];
  }
  return offset;
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

Value Emitter::chooseBlock() {
  if (group.hasContraction())
    return constant(contractedRows);
  Value longest = constant(1);
  for (auto &[base, memory] : group.memories) {
    if (!memory.isAligned || memory.uses < 2)
      continue;
    auto type = cast<MemRefType>(memory.root.getType());
    Type e = type.getElementType();
    Value bytes = constant(e.isIndex() ? 8 : llvm::divideCeil(e.getIntOrFloatBitWidth(), 8));
    for (auto [d, rows] : llvm::enumerate(memory.signature))
      if (rows.empty())
        bytes = mul(bytes, sizeOf(memory.root, d));
    longest = b.createOrFold<arith::MaxSIOp>(longest, bytes);
  }
  Value most = b.createOrFold<arith::DivUIOp>(constant(blockBytes), longest);
  if (!group.hasColumns())
    return b.createOrFold<arith::MaxSIOp>(most, constant(1));
  most = b.createOrFold<arith::DivUIOp>(most, constant(columns));
  most = b.createOrFold<arith::MaxSIOp>(most, constant(1));
  return mul(most, constant(columns));
}

/// Picoseconds of the whole.
Value Emitter::estimate(Value rows) {
  Value total = constant(0);
  for (const Member &member : group.members) {
    GenericOp generic = member.op;
    auto op = cast<linalg::LinalgOp>(generic.getOperation());
    Value time = constant(timeOf(generic));
    for (auto [range, loop] : llvm::zip(op.createLoopRanges(b, b.getLoc()), member.loops))
      if (loop.empty())
        time = mul(time, getValueOrCreateConstantIndexOp(b, b.getLoc(), range.size));
    total = b.createOrFold<arith::AddIOp>(total, time);
  }
  return mul(total, rows);
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

/// A block of rows of what only the group uses.
void Emitter::makeScratch() {
  for (auto &[base, memory] : group.memories) {
    if (!group.isPrivate(base))
      continue;
    auto type = cast<MemRefType>(base.getType());
    SmallVector<int64_t> shape;
    SmallVector<Value> sizes;
    for (auto [d, rows] : llvm::enumerate(memory.signature)) {
      if (!rows.empty() && !isLast(rows))
        continue;
      Value size = rows.empty() ? sizeOf(base, d) : block;
      std::optional<int64_t> known = getConstantIntValue(size);
      shape.push_back(known.value_or(ShapedType::kDynamic));
      if (!known)
        sizes.push_back(size);
    }
    scratch[base] = memref::AllocOp::create(b, MemRefType::get(shape, type.getElementType()), sizes,
                                            b.getI64IntegerAttr(64));
  }
}

/// The part of the scratch memory that the block uses, in the shape of `view`.
Value Emitter::scratchOf(Value view) {
  Value memory = scratch[baseOf(view)];
  auto type = cast<MemRefType>(memory.getType());
  SmallVector<OpFoldResult> sizes;
  Signature signature = *group.signatureOf(view);
  SmallVector<unsigned> kept;
  unsigned cut = 0;
  for (auto [d, rows] : llvm::enumerate(signature)) {
    if (!rows.empty() && !isLast(rows))
      continue;
    if (!rows.empty())
      cut = sizes.size();
    sizes.push_back(rows.empty() ? memref::getMixedSize(b, b.getLoc(), view, d)
                                 : getAsOpFoldResult(length));
  }
  SmallVector<OpFoldResult> strides(sizes.size(), b.getIndexAttr(1));
  SmallVector<OpFoldResult> zeros(sizes.size(), b.getIndexAttr(0));
  if (view != baseOf(view)) {
    // In another shape, but strides are those of a whole block.
    OpFoldResult stride = b.getIndexAttr(1);
    for (unsigned d = sizes.size(); d-- > 0;) {
      strides[d] = stride;
      Value x = getValueOrCreateConstantIndexOp(b, b.getLoc(), stride);
      Value y = d == cut ? block : getValueOrCreateConstantIndexOp(b, b.getLoc(), sizes[d]);
      stride = getAsOpFoldResult(mul(x, y));
    }
    SmallVector<int64_t> shape, steps;
    SmallVector<Value> dynamic;
    dispatchIndexOpFoldResults(sizes, dynamic, shape);
    dispatchIndexOpFoldResults(strides, dynamic, steps);
    auto layout = StridedLayoutAttr::get(b.getContext(), 0, steps);
    return memref::ReinterpretCastOp::create(b,
                                             MemRefType::get(shape, type.getElementType(), layout),
                                             memory, b.getIndexAttr(0), sizes, strides);
  }
  if (getAsOpFoldResult(length) == memref::getMixedSize(b, b.getLoc(), memory, cut))
    return memory;
  return memref::SubViewOp::create(b, memory, zeros, sizes, strides);
}

/// What the block accesses of `view`, and how the loops of the block index that.
std::pair<Value, AffineMap> Emitter::slice(Value view, AffineMap map, const Member &member,
                                           ArrayRef<int64_t> newDims, unsigned newCount) {
  SmallVector<AffineExpr> results;
  SmallVector<OpFoldResult> offsets, sizes, strides(map.getNumResults(), b.getIndexAttr(1));
  SmallVector<int64_t> shape;
  auto type = cast<MemRefType>(view.getType());
  for (auto [d, e] : llvm::enumerate(map.getResults())) {
    auto loop = dyn_cast<AffineDimExpr>(e);
    ArrayRef<Atom *> rows;
    if (loop)
      rows = member.loops[loop.getPosition()];
    bool cut = !rows.empty();
    offsets.push_back(cut ? getAsOpFoldResult(offsetOf(rows)) : b.getIndexAttr(0));
    sizes.push_back(!cut           ? memref::getMixedSize(b, b.getLoc(), view, d)
                    : isLast(rows) ? getAsOpFoldResult(length)
                                   : b.getIndexAttr(1));
    if (cut && !isLast(rows))
      continue;
    results.push_back(loop ? b.getAffineDimExpr(newDims[loop.getPosition()]) : e);
    shape.push_back(getConstantIntValue(sizes.back()).value_or(ShapedType::kDynamic));
  }
  AffineMap newMap = AffineMap::get(newCount, 0, results, b.getContext());
  if (scratch.contains(baseOf(view)))
    return {scratchOf(view), newMap};
  auto part = memref::SubViewOp::inferRankReducedResultType(shape, type, offsets, sizes, strides);
  return {memref::SubViewOp::create(b, part, view, offsets, sizes, strides), newMap};
}

//===----------------------------------------------------------------------===//
// Code
//===----------------------------------------------------------------------===//

void Emitter::emitMember(const Member &member) {
  GenericOp op = member.op;
  SmallVector<int64_t> newDims(op.getNumLoops(), -1);
  SmallVector<utils::IteratorType> kinds;
  for (auto [d, kind] : llvm::enumerate(op.getIteratorTypesArray())) {
    ArrayRef<Atom *> rows = member.loops[d];
    if (!rows.empty() && !isLast(rows))
      continue;
    newDims[d] = kinds.size();
    kinds.push_back(kind);
  }
  SmallVector<Value> inputs, outputs;
  SmallVector<AffineMap> maps;
  llvm::DenseMap<Value, Value> outputOf;
  // What is updated in place stays one value.
  llvm::MapVector<std::pair<Value, AffineMap>, std::pair<Value, AffineMap>> parts;
  for (OpOperand &operand : op->getOpOperands()) {
    Value value = operand.get();
    AffineMap map = op.getMatchingIndexingMap(&operand);
    if (!isa<MemRefType>(value.getType())) {
      inputs.push_back(value);
      maps.push_back(AffineMap::get(kinds.size(), 0, b.getContext()));
      continue;
    }
    auto [entry, isNew] = parts.try_emplace({value, map});
    if (isNew)
      entry->second = slice(value, map, member, newDims, kinds.size());
    (op.isDpsInit(&operand) ? outputs : inputs).push_back(entry->second.first);
    if (op.isDpsInit(&operand))
      outputOf[value] = entry->second.first;
    maps.push_back(entry->second.second);
  }
  for (linalg::FillOp fill : llvm::reverse(member.fills))
    linalg::FillOp::create(b, fill.getLoc(), fill.getDpsInputs()[0],
                           outputOf[fill.getDpsInits()[0]]);
  auto made = GenericOp::create(b, op.getLoc(), inputs, outputs, maps, kinds);
  made->setDiscardableAttrs(op->getDiscardableAttrDictionary());
  IRMapping none;
  op.getRegion().cloneInto(&made.getRegion(), none);
  OpBuilder::InsertionGuard guard(b);
  SmallVector<linalg::IndexOp> indices(made.getBody()->getOps<linalg::IndexOp>());
  for (linalg::IndexOp index : indices) {
    unsigned dim = index.getDim();
    ArrayRef<Atom *> rows = member.loops[dim];
    b.setInsertionPoint(made);
    Value offset = rows.empty() ? Value() : offsetOf(rows);
    b.setInsertionPointAfter(index);
    if (newDims[dim] < 0) {
      index.replaceAllUsesWith(offset);
      index.erase();
      continue;
    }
    index.setDim(newDims[dim]);
    if (offset) {
      auto sum = arith::AddIOp::create(b, index, offset);
      index.getResult().replaceAllUsesExcept(sum, sum);
    }
  }
}

void Emitter::fillPieces(scf::ParallelOp loop, ArrayRef<CutExtent> dims, const PieceGrid &grid) {
  b.setInsertionPointToStart(loop.getBody());
  makeScratch();
  auto ranges = rangesOf(b, b.getLoc(), grid, dims, loop.getInductionVars()[0]);
  Value one = constant(1);
  if (dims.size() == 2) {
    Value end = b.createOrFold<arith::AddIOp>(ranges[0].low, ranges[0].length);
    auto outer = scf::ForOp::create(b, ranges[0].low, end, one);
    b.setInsertionPointToStart(outer.getBody());
    Value rest = outer.getInductionVar();
    for (unsigned i = leaves.size() - 1; i-- > 0;) {
      at[leaves[i]] = i == 0 ? rest : arith::RemUIOp::create(b, rest, extents[i]).getResult();
      if (i > 0)
        rest = arith::DivUIOp::create(b, rest, extents[i]);
    }
  }
  PieceRange last = ranges.back();
  Value end = b.createOrFold<arith::AddIOp>(last.low, last.length);
  auto inner = scf::ForOp::create(b, last.low, end, block);
  inner->setAttr(blocksAttribute, b.getUnitAttr());
  b.setInsertionPointToStart(inner.getBody());
  at[leaves.back()] = inner.getInductionVar();
  Value rest = arith::SubIOp::create(b, end, inner.getInductionVar());
  length = arith::MinSIOp::create(b, block, rest);
  for (const Member &member : group.members)
    emitMember(member);
}

bool Emitter::emit() {
  Value outer, rows = constant(1);
  for (Atom *leaf : leaves) {
    extents.push_back(sizeOf(leaf->memory, leaf->dim));
    outer = rows;
    rows = mul(rows, extents.back());
  }
  Value total = estimate(rows);
  Value isSmall =
      b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::slt, total, constant(8 * pieceGrain));
  Value many = b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::sge, rows, constant(fewRows));
  Value good = b.createOrFold<arith::OrIOp>(isSmall, many);
  std::optional<int64_t> known = getConstantIntValue(good);
  if (known && !*known)
    return false;
  block = chooseBlock();
  SmallVector<CutExtent, 2> dims;
  if (leaves.size() > 1)
    dims.push_back({outer, 1});
  int64_t unit = group.hasColumns() ? columns : group.hasContraction() ? contractedPiece : 1;
  dims.push_back({extents.back(), unit});
  Value wanted = piecesOf(b, b.getLoc(), total);
  if (group.hasContraction()) {
    Value most = b.createOrFold<arith::MaxSIOp>(outer, constant(contractedPieces));
    wanted = b.createOrFold<arith::MinSIOp>(wanted, most);
  }
  PieceGrid grid = gridOf(b, b.getLoc(), wanted, dims);
  Value zero = constant(0), one = constant(1);
  scf::IfOp branch;
  if (!known && !group.hasContraction()) {
    branch = scf::IfOp::create(b, good, /*withElseRegion=*/true);
    b.setInsertionPointToStart(branch.thenBlock());
  }
  auto loop = scf::ParallelOp::create(b, ValueRange{zero}, ValueRange{grid.count}, ValueRange{one},
                                      ValueRange{});
  fillPieces(loop, dims, grid);
  for (const Member &member : group.members) {
    SmallVector<Operation *> ops(member.fills.rbegin(), member.fills.rend());
    ops.push_back(member.op);
    for (Operation *op : ops)
      if (branch)
        op->moveBefore(branch.elseBlock()->getTerminator());
      else
        op->erase();
  }
  return true;
}

} // namespace

bool isPart(Operation *op) {
  for (; op; op = op->getParentOp())
    if (isa<scf::ParallelOp>(op) || op->hasAttr(blocksAttribute))
      return true;
  return false;
}

bool emitGroup(Group &group) { return Emitter(group).emit(); }

} // namespace mad::rows
