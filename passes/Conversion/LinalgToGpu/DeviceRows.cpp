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
/// Up to here a warp has a row, else a block.
constexpr int64_t columnsOfWarp = 1024;
/// With so many results side by side, a thread for each has as much to do.
constexpr int64_t manyResults = 1 << 17;
/// With more results than this, one whose factors are used again is no matter of reading them.
constexpr int64_t fewProducts = 4096;
/// Blocks that a device should have to do, all at the same time, and the least steps of a thread
/// for a piece, or groups of 16 bytes.
constexpr int64_t manyBlocks = 660, stepsOfPiece = 64, groupsOfPiece = 4;
/// Shared memory of a kernel, on all chips that products are for.
constexpr int64_t sharedOfRows = 160 * 1024;
/// Of vectors that rows in turns have there: for a block of a thousand threads, or several.
constexpr int64_t sharedOfTurns = 48 * 1024;
/// Of a kernel that combines through memory.
constexpr int mostReductions = 16;

RowThreads warpARow() { return {}; }
RowThreads blockARow(int threads) { return {threads, 1, 1, 0}; }
RowThreads sideBySide() { return {8, device::lanesOfWarp, device::lanesOfWarp, 0}; }

/// Whether columns of an operand are held before its member computes: others read them, too, or
/// each row has its own.
bool isOfRows(const RowMember &member, OpOperand &operand) {
  GenericOp op = member.work.op;
  return llvm::any_of(op.getMatchingIndexingMap(&operand).getResults(), [&](AffineExpr e) {
    auto loop = dyn_cast<AffineDimExpr>(e);
    return loop && !member.loops[loop.getPosition()].empty();
  });
}

/// Arrays of columns that a thread has in registers at a time, at most.
int heldAtOnce(const RowPlan &plan) {
  struct Span {
    size_t first, last; ///< members that read or write the columns
    bool isRead;        ///< by the first one
    bool isOfRows;
  };
  llvm::MapVector<Value, Span> spans; ///< by root
  for (auto [i, member] : llvm::enumerate(plan.members)) {
    GenericOp op = member.work.op;
    for (OpOperand &operand : op->getOpOperands()) {
      if (!hasRowColumns(member, operand))
        continue;
      bool isRead = !op.getMatchingBlockArgument(&operand).use_empty();
      Span &span = spans.insert({rootOf(operand.get()), {i, i, false, false}}).first->second;
      span.last = i;
      span.isRead |= span.first == i && isRead;
      span.isOfRows |= isOfRows(member, operand);
    }
  }
  int most = 1;
  for (size_t i = 0; i < plan.members.size(); ++i) {
    int through = 0, before = 0, behind = 0;
    for (auto &[root, span] : spans) {
      if (span.first > i || span.last < i || (span.first == span.last && !span.isOfRows))
        continue;
      bool is = span.first < i || span.isRead; // there before the member computes
      through += is && span.last > i;
      before += is && span.last == i;
      behind += !is && span.last > i;
    }
    most = std::max(most, through + std::max(before, behind));
  }
  return most;
}

/// Columns that a thread has registers for: two of three, of the 64 that a thread of 1024 has.
int mostHeldBy(const RowPlan &plan) {
  return plan.vector == 1 ? 8 : std::max(32 / heldAtOnce(plan) / plan.vector, 1) * plan.vector;
}

/// Rows of a block one after the other, where that saves reading vectors along their columns one
/// element at a time.
void takeTurns(const RowPlan &plan, RowThreads &threads) {
  constexpr int mostTurns = 32;
  if (!threads.held || threads.along < device::lanesOfWarp || plan.extents.empty())
    return;
  RowThreads inTurns = threads;
  inTurns.turns = mostTurns;
  const RowSlots slots = slotsOf(plan, inTurns);
  if (!slots.all.empty() && slots.bytes + mostReductions * inTurns.sharedBytes() <= sharedOfTurns)
    threads = inTurns;
}

/// For rows of a known length.
RowThreads threadsFor(const RowPlan &plan, int64_t columns) {
  const int vector = plan.vector, mostHeld = mostHeldBy(plan);
  const int64_t groups = llvm::divideCeil(columns + (plan.shifted ? vector - 1 : 0), vector);
  RowThreads threads;
  if (vector > 1 && columns <= columnsOfWarp && groups * vector <= mostHeld * 32) {
    threads.along = std::clamp<int64_t>(llvm::PowerOf2Ceil(groups), 4, device::lanesOfWarp);
    threads.rows = 128 / threads.along;
  } else if (groups * vector > mostHeld * device::lanesOfWarp) {
    int64_t along = llvm::PowerOf2Ceil(llvm::divideCeil(groups * vector, std::min(mostHeld, 16)));
    threads = blockARow(std::clamp<int64_t>(along, 64, 1024));
  } else if (columns > columnsOfWarp) {
    threads = blockARow(256);
  }
  int64_t held = llvm::divideCeil(groups, threads.along) * vector;
  threads.held = held <= mostHeld ? std::max<int64_t>(held, 1) : 0;
  takeTurns(plan, threads);
  return threads;
}

/// Blocks that share a row, of whose columns each thread holds so many; nothing where there are too
/// many columns.
std::optional<RowThreads> clusterOf(const RowPlan &plan, int64_t columns, int held) {
  constexpr int blocks = 8, mostThreads = 1024;
  const int64_t groups =
      llvm::divideCeil(columns + (plan.shifted ? plan.vector - 1 : 0), plan.vector);
  const int64_t lanes = llvm::divideCeil(groups, held / plan.vector);
  const int64_t ofBlock = llvm::alignTo(llvm::divideCeil(lanes, blocks), device::lanesOfWarp);
  if (ofBlock > mostThreads || ofBlock * blocks > groups) // each thread has a column
    return {};
  RowThreads threads = blockARow(ofBlock * blocks);
  threads.cluster = blocks;
  threads.held = held;
  return threads;
}

/// Measured on an H100: rows that are read twice, or of which registers hold several arrays, are no
/// faster so.
std::optional<RowThreads> clusterARow(const RowPlan &plan, int64_t columns) {
  constexpr int enoughHeld = 32;
  const int held = mostHeldBy(plan);
  auto reduces = [](const RowMember &member) {
    GenericOp op = member.work.op;
    return op.getNumReductionLoops() > 0;
  };
  if (held < enoughHeld || llvm::count_if(plan.members, reduces) < 2)
    return {};
  return clusterOf(plan, columns, held);
}

/// The same with the next row on its way to shared memory; nothing where a row cannot be, or where
/// there is no room. As many blocks as fit on a multiprocessor keep each other's waiting hidden.
std::optional<RowThreads> rowAhead(const RowPlan &plan, int64_t columns) {
  constexpr int enoughHeld = 16, mostAtOnce = 4;
  constexpr int64_t sharedOfChip = 227 * 1024, registersOfChip = 65536;
  // Inputs come from shared memory, a group at a time: two arrays are in registers one after the
  // other.
  const int held = heldAtOnce(plan) <= 2 ? 32 : mostHeldBy(plan);
  if (plan.vector == 1 || held < enoughHeld || plan.extents.empty() || !plan.sameColumns)
    return {};
  std::optional<RowThreads> threads = clusterOf(plan, columns, held);
  if (!threads)
    return {};
  threads->ahead = 1;
  if (!slotsAhead(plan, *threads))
    return {};
  const int64_t shared = sharedAhead(plan, *threads);
  if (shared > sharedOfChip)
    return {};
  // The columns of a thread as f32, and as many registers again.
  const int64_t registers = int64_t(threads->threads()) * (2 * held + 8);
  threads->ahead = std::clamp<int64_t>(
      std::min(sharedOfChip / (shared + 1024), registersOfChip / registers), 1, mostAtOnce);
  return threads;
}

/// A block a row, for rows that registers do not hold. Shared memory keeps what it can of columns
/// that are read again, for two blocks at a time if that is all of them.
RowThreads longRow(const RowPlan &plan, int64_t columns) {
  int64_t bytes = 0;
  for (Value root : readAgain(plan))
    bytes += device::bytesOf(getElementTypeOrSelf(root.getType()));
  int64_t most = sharedOfRows;
  for (const RowMember &member : plan.members) {
    GenericOp op = member.work.op;
    if (op.getNumReductionLoops() > 0)
      most -= op.getNumDpsInits() * blockARow(1024).sharedBytes();
  }
  if (bytes == 0 || plan.vector == 1)
    return blockARow(1024);
  RowThreads threads = blockARow(columns * bytes <= most / 2 ? 512 : 1024);
  // Whole rounds of the block.
  const int64_t round = threads.along * plan.vector;
  threads.kept = std::min<int64_t>(most / bytes / round, llvm::divideCeil(columns, round)) * round;
  return threads;
}

/// A warp a row with columns in registers, of rows that begin anywhere: where the host finds that
/// there is at most one group a thread that may not be whole. Loops take longer with many columns
/// an access.
void heldByWarp(DeviceFunction &f, const RowPlan &plan, Value columns, int held,
                llvm::function_ref<void()> otherwise) {
  constexpr int enough = 8;
  const int fewest = 2 * plan.vector;
  if (!plan.shifted || plan.vector < enough || held < fewest)
    return otherwise();
  RowThreads threads = warpARow();
  threads.held = held;
  threads.least = int64_t(held - plan.vector) * threads.along;
  const int64_t most = int64_t(held) * threads.along - (plan.vector - 1);
  takeTurns(plan, threads);
  Value isMore = f.less(f.constant(threads.least - 1), columns);
  Value fits = f.less(columns, f.constant(most + 1));
  f.branch(
      f.b.createOrFold<arith::AndIOp>(isMore, fits), [&] { launchRows(f, plan, threads); },
      [&] { heldByWarp(f, plan, columns, held - plan.vector, otherwise); });
}

/// Columns in registers where their number is small enough; a warp or a block a row.
void launchAlong(DeviceFunction &f, const RowPlan &plan, Value columns) {
  if (std::optional<int64_t> known = getConstantIntValue(columns)) {
    RowThreads threads = threadsFor(plan, *known);
    const bool isHeld = threads.held || *known <= columnsOfWarp;
    // A multiprocessor has no other block beside one of so many threads with registers full.
    constexpr int aloneThreads = 1024;
    std::optional<RowThreads> cluster;
    if (!isHeld || (threads.held && threads.threads() == aloneThreads))
      cluster = rowAhead(plan, *known);
    if (!cluster && !isHeld)
      cluster = clusterARow(plan, *known);
    auto plain = [&] { launchRows(f, plan, isHeld ? threads : longRow(plan, *known)); };
    if (!cluster)
      return plain();
    return f.branch(f.hasGroups(), [&] { launchRows(f, plan, *cluster); }, plain);
  }
  auto unknown = [&] {
    f.branch(
        f.less(columns, f.constant(columnsOfWarp + 1)), [&] { launchRows(f, plan, warpARow()); },
        [&] { launchRows(f, plan, blockARow(512)); });
  };
  heldByWarp(f, plan, columns, mostHeldBy(plan), unknown);
}

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
