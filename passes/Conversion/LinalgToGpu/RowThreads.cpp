//===- RowThreads.cpp - How threads share rows --------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A few threads, a warp, a block or several have a row, with its columns in registers where they
// have room. Where only the host knows how long rows are, it chooses among kernels.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "passes/Conversion/LinalgToGpu/DeviceRows.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using linalg::GenericOp;

namespace mad {
namespace {

/// Shared memory of a kernel, on all chips that products are for.
constexpr int64_t sharedOfRows = 160 * 1024;
/// Of a chip with groups of warps, where each block needs some more; and its registers.
constexpr int64_t sharedOfChip = 227 * 1024, sharedOfBlock = 1024, registersOfChip = 65536;
/// Of vectors that rows in turns have there: for a block of a thousand threads, or several.
constexpr int64_t sharedOfTurns = 48 * 1024;
/// With as many columns an access loops take longer where rows begin anywhere.
constexpr int narrowColumns = 8;

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

} // namespace

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

namespace {

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
  constexpr int enoughHeld = 16, fewThreads = 64;
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
  const int mostAtOnce = threads->threads() <= fewThreads ? 8 : 4;
  // The columns of a thread as f32, and as many registers again.
  const int64_t registers = int64_t(threads->threads()) * (2 * held + 8);
  threads->ahead = std::clamp<int64_t>(
      std::min(sharedOfChip / (shared + sharedOfBlock), registersOfChip / registers), 1,
      mostAtOnce);
  return threads;
}

/// Whether all is computed as it is written: functions then need more registers beside the columns.
bool isStrict(const RowPlan &plan) {
  return llvm::any_of(plan.members, [](const RowMember &member) {
    GenericOp op = member.work.op;
    return llvm::any_of(op.getBody()->getOperations(), [](Operation &inner) {
      return isa<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::DivFOp>(inner) &&
             cast<arith::ArithFastMathInterface>(inner).getFastMathFlagsAttr().getValue() ==
                 arith::FastMathFlags::none;
    });
  });
}

/// Columns of a thread of blocks that have rows alone, which come ahead; 0: no block may. Of 16
/// bits: of bytes an access has 16, which these are no multiples of.
int heldAhead(const RowPlan &plan) {
  constexpr int heldOfOne = 40, heldOfTwo = 32;
  const int arrays = heldAtOnce(plan);
  if (!plan.shifted || plan.vector != narrowColumns || plan.extents.empty() || !plan.sameColumns)
    return 0;
  return arrays == 1 ? heldOfOne : arrays == 2 ? heldOfTwo : 0;
}

/// One block has a row that begins anywhere, and the next one is on its way: in as many blocks at a
/// time as have registers for what threads hold as f32 and 20 more, or 60. Measured on an H200:
/// rows of more columns at a time take longer.
std::optional<RowThreads> blockAhead(const RowPlan &plan, int along, int held, int64_t columns) {
  constexpr int mostAtOnce = 32, fewHeld = 16;
  constexpr int64_t columnsAtOnce = 20480;
  RowThreads threads = blockARow(along);
  threads.held = held;
  threads.ahead = 1;
  if (!slotsAhead(plan, threads))
    return {};
  // Without vectors a warp alone needs no more than its own registers.
  if (columns <= columnsOfWarp && held > fewHeld && slotsOf(plan, threads).all.empty())
    return {};
  const int64_t shared = sharedOfChip / (sharedAhead(plan, threads) + sharedOfBlock);
  const int others = isStrict(plan) ? 60 : 20;
  const int64_t registers = registersOfChip / (along * (2 * held + others));
  threads.ahead = std::min({shared, registers, columnsAtOnce / columns, int64_t(mostAtOnce)});
  return threads.ahead > 1 ? std::optional(threads) : std::nullopt;
}

/// As few threads as hold a row, which have less to do for each other.
std::optional<RowThreads> blockAhead(const RowPlan &plan, int64_t columns) {
  const int64_t groups = columns / plan.vector; // that are whole, at most
  const int most = heldAhead(plan);
  if (!most || groups < device::lanesOfWarp)
    return {};
  const int along =
      llvm::alignTo(llvm::divideCeil(groups, most / plan.vector), device::lanesOfWarp);
  return blockAhead(plan, along, llvm::divideCeil(groups, along) * plan.vector, columns);
}

/// The same for lengths that only the host knows: of each number of threads those that hold as much
/// as they may, of the least ones others, too.
SmallVector<RowThreads> blocksAhead(const RowPlan &plan) {
  constexpr std::pair<int, int> smaller[] = {{32, 16}, {32, 24}, {32, 32}, {32, 40}, {64, 24}};
  constexpr int larger[] = {64, 96, 128, 192, 256, 320};
  const int most = heldAhead(plan);
  SmallVector<std::pair<int, int>> shapes;
  for (auto [along, held] : smaller)
    if (held <= most)
      shapes.push_back({along, held});
  for (int along : larger)
    shapes.push_back({along, most});
  SmallVector<RowThreads> blocks;
  if (!most)
    return blocks;
  int64_t least = 32 * plan.vector;
  for (auto [along, held] : shapes) {
    const int64_t end = int64_t(along) * held + plan.vector;
    if (std::optional<RowThreads> threads = blockAhead(plan, along, held, (least + end) / 2)) {
      threads->least = least;
      blocks.push_back(*threads);
    }
    least = end;
  }
  return blocks;
}

/// Whether there are rows for more blocks than a device runs one of a multiprocessor, as the host
/// finds: others compute few rows.
Value hasManyRows(DeviceFunction &f, const RowPlan &plan) {
  Value rows = f.constant(1);
  for (Value extent : plan.extents)
    rows = f.mul(rows, extent);
  return f.less(f.multiprocessors(), rows);
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
/// there is at most one group a thread that may not be whole.
void heldByWarp(DeviceFunction &f, const RowPlan &plan, Value columns, int held,
                llvm::function_ref<void()> otherwise) {
  const int fewest = 2 * plan.vector;
  if (!plan.shifted || plan.vector < narrowColumns || held < fewest)
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

/// The same of rows that all begin where wide accesses may, as the host finds: groups are whole or
/// not there.
void heldAligned(DeviceFunction &f, const RowPlan &plan, Value columns, int held,
                 llvm::function_ref<void()> otherwise) {
  RowThreads threads = warpARow();
  threads.held = held;
  threads.least = int64_t(held / 2) * threads.along + 1;
  RowPlan aligned = plan;
  aligned.shifted = false;
  for (RowMember &member : aligned.members)
    for (RowAccess &access : member.access)
      access.isAligned |= access.isDense;
  auto both = [&](Value x, Value y) { return f.b.createOrFold<arith::AndIOp>(x, y); };
  Value rest = f.b.createOrFold<arith::RemUIOp>(columns, f.constant(plan.vector));
  Value isMore = f.less(f.constant(threads.least - 1), columns);
  Value fits = f.less(columns, f.constant(int64_t(held) * threads.along + 1));
  f.branch(
      both(f.less(rest, f.constant(1)), both(isMore, fits)),
      [&] { launchRows(f, aligned, threads); }, otherwise);
}

/// Blocks that have rows alone, where the host finds that it is good.
void launchAhead(DeviceFunction &f, const RowPlan &plan, Value columns, Value isGood,
                 ArrayRef<RowThreads> blocks, llvm::function_ref<void()> otherwise) {
  if (blocks.empty())
    return otherwise();
  const RowThreads &threads = blocks.front();
  auto both = [&](Value x, Value y) { return f.b.createOrFold<arith::AndIOp>(x, y); };
  Value isMore = f.less(f.constant(threads.least - 1), columns);
  Value fits = f.less(columns, f.constant(int64_t(threads.held) * threads.along + plan.vector));
  f.branch(
      both(isGood, both(isMore, fits)), [&] { launchRows(f, plan, threads); },
      [&] { launchAhead(f, plan, columns, isGood, blocks.drop_front(), otherwise); });
}

} // namespace

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
    auto few = [&] {
      if (!cluster)
        return plain();
      f.branch(f.hasGroups(), [&] { launchRows(f, plan, *cluster); }, plain);
    };
    std::optional<RowThreads> block = blockAhead(plan, *known);
    if (!block)
      return few();
    Value good = f.b.createOrFold<arith::AndIOp>(f.hasGroups(), hasManyRows(f, plan));
    return f.branch(good, [&] { launchRows(f, plan, *block); }, few);
  }
  auto unknown = [&] {
    f.branch(
        f.less(columns, f.constant(columnsOfWarp + 1)), [&] { launchRows(f, plan, warpARow()); },
        [&] { launchRows(f, plan, blockARow(512)); });
  };
  const int held = mostHeldBy(plan);
  const bool readsOnce = plan.members.size() == 1;
  auto few = [&] {
    if (!plan.shifted || plan.vector >= narrowColumns || held < 4 * plan.vector || readsOnce)
      return heldByWarp(f, plan, columns, held, unknown);
    heldAligned(f, plan, columns, held, [&] { heldAligned(f, plan, columns, held / 2, unknown); });
  };
  SmallVector<RowThreads> blocks = blocksAhead(plan);
  if (blocks.empty())
    return few();
  Value good = f.b.createOrFold<arith::AndIOp>(f.hasGroups(), hasManyRows(f, plan));
  launchAhead(f, plan, columns, good, blocks, few);
}

} // namespace mad
