//===- DeviceRows.cpp - Which ops become kernels of rows ---------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Conversion/LinalgToGpu/DeviceRows.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Transforms/Kernels.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using linalg::GenericOp;

namespace mad {
namespace {

/// Shorter reductions are loops of one thread.
constexpr int64_t shortRow = 32;
/// A thread for each element of shorter rows, where there is no reduction.
constexpr int64_t shortMap = 64;
/// With so many results side by side, a thread for each has as much to do.
constexpr int64_t manyResults = 1 << 17;
/// With more results than this, one whose factors are used again is no matter of reading them.
constexpr int64_t fewProducts = 4096;
/// Blocks that a device should have to do, all at the same time, and the least steps of a thread
/// for a piece, or groups of 16 bytes.
constexpr int64_t manyBlocks = 660, stepsOfPiece = 64, groupsOfPiece = 4;

RowThreads sideBySide() { return {8, device::lanesOfWarp, device::lanesOfWarp, 0}; }

//===----------------------------------------------------------------------===//
// Single reductions
//===----------------------------------------------------------------------===//

/// Null where one of them is not known.
std::optional<int64_t> knownProduct(GenericOp op, utils::IteratorType kind) {
  int64_t total = 1;
  for (auto [size, type] : llvm::zip(op.getStaticLoopRanges(), op.getIteratorTypesArray())) {
    if (type != kind)
      continue;
    if (ShapedType::isDynamic(size))
      return {};
    total = llvm::SaturatingMultiply<uint64_t>(total, size);
  }
  return total;
}

/// The loop whose steps are neighbours in the input that varies most; nothing for windows and
/// tables.
std::optional<unsigned> fastLoop(GenericOp op) {
  std::optional<unsigned> fast;
  size_t most = 0;
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  SmallVector<utils::IteratorType> kinds = op.getIteratorTypesArray();
  for (OpOperand *input : op.getDpsInputOperands()) {
    AffineMap map = op.getMatchingIndexingMap(input);
    if (!isa<MemRefType>(input->get().getType()))
      continue;
    std::optional<unsigned> last;
    size_t count = 0;
    for (AffineExpr e : map.getResults()) {
      auto loop = dyn_cast<AffineDimExpr>(e);
      if (!loop && !isa<AffineConstantExpr>(e))
        return {};
      if (!loop || sizes[loop.getPosition()] == 1)
        continue;
      last = loop.getPosition();
      ++count;
    }
    if (last && !hasNeighbours(input->get()))
      last.reset();
    bool better = count > most ||
                  (count == most && last && fast && kinds[*last] == utils::IteratorType::parallel);
    if (last && better) {
      fast = last;
      most = count;
    }
  }
  return fast;
}

/// Whether each input serves for several results.
bool isReused(GenericOp op) {
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  SmallVector<unsigned> parallel;
  op.getParallelDims(parallel);
  return llvm::all_of(op.getDpsInputOperands(), [&](OpOperand *input) {
    AffineMap map = op.getMatchingIndexingMap(input);
    return llvm::any_of(parallel,
                        [&](unsigned d) { return sizes[d] != 1 && !map.isFunctionOfDim(d); });
  });
}

/// A row for each result, the loop `last` innermost.
RowPlan planOf(const DeviceWork &work, ArrayRef<Value> extents, std::optional<unsigned> last) {
  RowPlan plan;
  RowMember member{work, {}, {extents.begin(), extents.end()}, {}};
  GenericOp op = work.op;
  SmallVector<unsigned> parallel;
  op.getParallelDims(parallel);
  if (last) {
    llvm::erase(parallel, *last);
    parallel.push_back(*last);
  }
  member.loops.resize(op.getNumLoops());
  for (unsigned d : parallel) {
    member.loops[d] = {unsigned(plan.extents.size())};
    plan.extents.push_back(extents[d]);
  }
  plan.members.push_back(std::move(member));
  return plan;
}

class Reduction {
public:
  Reduction(DeviceFunction &f, RowPlan plan, Value columns)
      : f(f), plan(std::move(plan)), columns(columns) {}
  void launch(const RowThreads &threads);
  /// Where the length is known when running only.
  void launchAlong();

private:
  Value piecesOf(const RowThreads &threads);
  void launchPieces(const RowThreads &threads, Value pieces);

  DeviceFunction &f;
  RowPlan plan;
  Value columns;
};

/// How many pieces keep the device busy.
Value Reduction::piecesOf(const RowThreads &threads) {
  Value rows = f.constant(1);
  for (Value extent : plan.extents)
    rows = f.mul(rows, extent);
  auto &b = f.b;
  Value one = f.constant(1);
  Value blocks = b.createOrFold<arith::MaxSIOp>(f.ceilDiv(rows, threads.rows), one);
  Value wanted = b.createOrFold<arith::CeilDivSIOp>(f.constant(manyBlocks), blocks);
  const int64_t steps =
      plan.vector > 1 && threads.across == 1 ? plan.vector * groupsOfPiece : stepsOfPiece;
  Value most = b.createOrFold<arith::DivUIOp>(columns, f.constant(threads.along * steps));
  return b.createOrFold<arith::MaxSIOp>(b.createOrFold<arith::MinSIOp>(wanted, most), one);
}

void Reduction::launchPieces(const RowThreads &threads, Value pieces) {
  RowPlan parts = plan;
  parts.pieces = pieces;
  launchRows(f, parts, threads);
  // Of rows that a block computes there may be a thousand pieces.
  launchParts(f, parts, threads.across > 1 ? warpARow() : blockARow(256));
}

void Reduction::launch(const RowThreads &threads) {
  GenericOp op = plan.members.front().work.op;
  Value pieces = op.getNumDpsInits() == 1 && !threads.isWarp() ? piecesOf(threads) : Value();
  std::optional<int64_t> known = pieces ? getConstantIntValue(pieces) : 1;
  if (known == 1)
    return launchRows(f, plan, threads);
  Value count = pieces;
  for (Value extent : plan.extents)
    count = f.mul(count, extent);
  Type element = getElementTypeOrSelf(op.getDpsInits().front().getType());
  plan.parts =
      memref::AllocOp::create(f.b, MemRefType::get({ShapedType::kDynamic}, element), count);
  if (known)
    return launchPieces(threads, pieces);
  auto branch = scf::IfOp::create(f.b, f.less(f.constant(1), pieces), /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(f.b);
  f.b.setInsertionPointToStart(branch.thenBlock());
  launchPieces(threads, pieces);
  f.b.setInsertionPointToStart(branch.elseBlock());
  launchRows(f, plan, threads);
}

void Reduction::launchAlong() {
  if (std::optional<int64_t> known = getConstantIntValue(columns))
    return launch(*known > columnsOfWarp ? blockARow(256) : threadsFor(plan, *known));
  Value isShort = f.less(columns, f.constant(columnsOfWarp + 1));
  auto branch = scf::IfOp::create(f.b, isShort, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(f.b);
  f.b.setInsertionPointToStart(branch.thenBlock());
  launch(warpARow());
  f.b.setInsertionPointToStart(branch.elseBlock());
  launch(blockARow(256));
}

} // namespace

bool lowerReduction(DeviceFunction &f, DeviceWork &work) {
  if (work.op.getNumReductionLoops() == 0)
    return false;
  collapse(f, work);
  GenericOp op = work.op;
  if (!combinersOf(op))
    return work.refuse("not by rows: taken in order");
  std::optional<int64_t> length = knownProduct(op, utils::IteratorType::reduction);
  std::optional<int64_t> results = knownProduct(op, utils::IteratorType::parallel);
  if (length && *length < shortRow)
    return work.refuse("not by rows: short");
  std::optional<unsigned> fast = fastLoop(op);
  if (!fast)
    return work.refuse("not by rows: windows or tables");
  if (isReused(op) && (!results || *results > fewProducts))
    return work.refuse("not by rows: a product");
  bool across = op.getIteratorTypesArray()[*fast] == utils::IteratorType::parallel;
  if (across && results && *results >= manyResults)
    return work.refuse("not by rows: many results side by side");
  auto extents = f.extentsOf(op);
  if (!extents)
    return false;
  Value columns = f.constant(1);
  SmallVector<unsigned> reduction;
  op.getReductionDims(reduction);
  for (unsigned d : reduction)
    columns = f.mul(columns, (*extents)[d]);
  RowPlan plan = planOf(work, *extents, across ? fast : std::nullopt);
  if (!across) {
    setAccess(f, plan);
    if ((plan.behind = opBehind(f, op)))
      f.taken.insert(plan.behind);
    Reduction(f, std::move(plan), columns).launchAlong();
  } else {
    auto narrow = [&] { Reduction(f, plan, columns).launch(sideBySide()); };
    if (!lowerColumns(f, work, *fast, *extents, narrow))
      narrow();
  }
  f.take(work);
  return true;
}

//===----------------------------------------------------------------------===//
// Single elementwise ops
//===----------------------------------------------------------------------===//

bool lowerRowMap(DeviceFunction &f, DeviceWork &work) {
  GenericOp op = work.op;
  if (op.getNumLoops() < 2 || op.getNumReductionLoops() > 0 || readsElsewhere(op))
    return false;
  const unsigned last = op.getNumLoops() - 1;
  auto isColumn = [&](unsigned loop) { return loop == last; };
  for (OpOperand &output : op.getDpsInitsMutable())
    if (!isInOrder(op, op.getMatchingIndexingMap(&output), isColumn))
      return false;
  auto extents = f.extentsOf(op);
  if (!extents)
    return false;
  RowPlan plan;
  RowMember member{work, {}, *extents, {}};
  for (unsigned d = 0; d < last; ++d) {
    member.loops.push_back({d});
    plan.extents.push_back((*extents)[d]);
  }
  member.loops.push_back({});
  plan.members.push_back(std::move(member));
  setAccess(f, plan);
  if (plan.vector == 1)
    return false;
  for (auto [operand, access] : llvm::zip(op->getOpOperands(), plan.members.front().access)) {
    bool varies = op.getMatchingIndexingMap(&operand).isFunctionOfDim(last);
    if (isa<MemRefType>(operand.get().getType()) && varies && !access.isAligned && !access.isDense)
      return false;
  }
  Value columns = extents->back();
  std::optional<int64_t> known = getConstantIntValue(columns);
  if (known && *known < shortMap)
    return false;
  if (known) {
    auto byRows = [&] { launchAlong(f, plan, columns); };
    if (!lowerFlat(f, work, byRows))
      byRows();
  } else {
    auto branch = scf::IfOp::create(f.b, f.less(columns, f.constant(shortMap)),
                                    /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(f.b);
    f.b.setInsertionPointToStart(branch.thenBlock());
    lowerElements(f, work);
    f.b.setInsertionPointToStart(branch.elseBlock());
    launchAlong(f, plan, columns);
  }
  f.take(work);
  return true;
}

//===----------------------------------------------------------------------===//
// Groups
//===----------------------------------------------------------------------===//

bool isMemberOfRows(GenericOp op, const rows::Signature &loops) {
  auto isColumn = [&](unsigned loop) { return loops[loop].empty(); };
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  SmallVector<utils::IteratorType> kinds = op.getIteratorTypesArray();
  if (op.getNumReductionLoops() > 0) {
    if (!combinersOf(op))
      return false;
    for (unsigned d = 0; d < op.getNumLoops(); ++d)
      if (isColumn(d) && kinds[d] == utils::IteratorType::parallel && sizes[d] != 1)
        return false;
    return true;
  }
  return llvm::all_of(op.getDpsInitsMutable(), [&](OpOperand &output) {
    return isInOrder(op, op.getMatchingIndexingMap(&output), isColumn);
  });
}

namespace {
/// One value for each size, so that columns are known to be as many.
class KnownSizes {
public:
  Value same(Value size) {
    OpFoldResult key = rows::sizeKey(size);
    return key ? sizes.insert({key.getOpaqueValue(), size}).first->second : size;
  }

private:
  llvm::DenseMap<void *, Value> sizes;
};
} // namespace

bool lowerGroup(DeviceFunction &f, rows::Group &group) {
  RowPlan plan;
  rows::Atoms leaves = group.leaves();
  KnownSizes sizes;
  for (rows::Atom *leaf : leaves) {
    plan.extents.push_back(f.sizeOf(leaf->memory, leaf->dim));
    if (!plan.extents.back())
      return false;
  }
  Value longest = f.constant(1), columnsOfAll;
  int reductions = 0;
  for (rows::Member &member : group.members) {
    auto extents = f.extentsOf(member.op);
    if (!extents)
      return false;
    for (Value &extent : *extents)
      extent = sizes.same(extent);
    RowMember made{{member.op, member.fills, {}}, {}, *extents, {}};
    Value columns = f.constant(1);
    for (auto [d, atoms] : llvm::enumerate(member.loops)) {
      SmallVector<unsigned, 2> numbers;
      for (rows::Atom *leaf : rows::leavesOf(atoms))
        numbers.push_back(llvm::find(leaves, leaf) - leaves.begin());
      if (numbers.empty())
        columns = f.mul(columns, (*extents)[d]);
      made.loops.push_back(numbers);
    }
    longest = f.b.createOrFold<arith::MaxSIOp>(longest, columns);
    if (getConstantIntValue(columns) != 1) {
      plan.sameColumns &= !columnsOfAll || columns == columnsOfAll ||
                          (getConstantIntValue(columns) &&
                           getConstantIntValue(columns) == getConstantIntValue(columnsOfAll));
      columnsOfAll = columns;
    }
    if (member.op.getNumReductionLoops() > 0)
      reductions += member.op.getNumDpsInits();
    plan.members.push_back(std::move(made));
  }
  if (reductions > mostReductions)
    return false;
  for (auto &[base, memory] : group.memories)
    if (group.isPrivate(base))
      plan.hidden.insert(base);

  if (group.hasColumns()) {
    launchRows(f, plan, sideBySide());
  } else {
    setAccess(f, plan);
    launchAlong(f, plan, longest);
  }
  for (const RowMember &member : plan.members)
    f.take(member.work);
  return true;
}

} // namespace mad
