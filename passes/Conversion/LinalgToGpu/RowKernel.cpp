//===- RowKernel.cpp - Where rows, columns and operands of a kernel are ---===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Conversion/LinalgToGpu/RowKernel.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using linalg::GenericOp;

namespace mad {

void RowKernel::when(Value condition, llvm::function_ref<void()> body) {
  if (!condition)
    return body();
  auto branch = scf::IfOp::create(b, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(branch.thenBlock()->getTerminator());
  body();
}

Values RowKernel::loops(Value from, Value to, Value step, ValueRange start,
                        llvm::function_ref<Values(Value, ArrayRef<Value>)> body) {
  auto made = scf::ForOp::create(b, from, to, step, start);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(made.getBody());
  Values carried(made.getRegionIterArgs().begin(), made.getRegionIterArgs().end());
  Values next = body(made.getInductionVar(), carried);
  if (!start.empty())
    scf::YieldOp::create(b, next);
  return Values(made.getResults().begin(), made.getResults().end());
}

/// The row of this thread, and where that is.
void RowKernel::placeRow(Value rows, ArrayRef<Value> rowExtents) {
  Value block = gpu::BlockIdOp::create(b, gpu::Dimension::x);
  Value thread = gpu::ThreadIdOp::create(b, gpu::Dimension::x);
  if (pieces) {
    piece = gpu::BlockIdOp::create(b, gpu::Dimension::y);
  }
  row = block;
  lane = thread;
  if (threads.cluster > 1) {
    Value blocks = constant(threads.cluster);
    row = arith::DivUIOp::create(b, block, blocks);
    lane = add(mul(arith::RemUIOp::create(b, block, blocks), constant(threads.threads())), thread);
  }
  if (threads.rows > 1) {
    Value width = constant(threads.across > 1 ? threads.across : threads.along);
    Value quotient = arith::DivUIOp::create(b, thread, width);
    Value rest = arith::RemUIOp::create(b, thread, width);
    row = add(mul(block, constant(threads.rows)), threads.across > 1 ? rest : quotient);
    lane = threads.across > 1 ? quotient : rest;
    active = less(row, rows);
  }
  // Threads without a row meet the others at barriers.
  if (threads.across > 1)
    row = min(row, arith::SubIOp::create(b, rows, constant(1)));
  // So do those whose warp has another row.
  if (threads.along < device::lanesOfWarp)
    row = min(row, arith::SubIOp::create(b, rows, constant(1)));
  rowSizes.assign(rowExtents.begin(), rowExtents.end());
}

RowKernel::Columns RowKernel::columnsOf(const RowMember &member, ArrayRef<Value> sizes) {
  Columns columns;
  columns.count = constant(1);
  for (unsigned d = 0; d < member.loops.size(); ++d) {
    if (!isColumn(member, d) || getConstantIntValue(sizes[d]) == 1)
      continue;
    columns.loops.push_back(d);
    columns.count = mul(columns.count, sizes[d]);
  }
  columns.known = getConstantIntValue(columns.count);
  return columns;
}

bool RowKernel::isInOrder(const RowMember &member, OpOperand &operand) {
  GenericOp op = member.work.op;
  return mad::isInOrder(op, op.getMatchingIndexingMap(&operand),
                        [&](unsigned loop) { return isColumn(member, loop); });
}

/// Of all loops, at a column.
Values RowKernel::indices(const RowMember &member, const Columns &columns, Value column,
                          ArrayRef<Value> sizes) {
  Values at(member.loops.size());
  for (auto [d, leaves] : llvm::enumerate(member.loops)) {
    for (unsigned leaf : leaves)
      at[d] = at[d] ? add(mul(at[d], rowSizes[leaf]), rowIndices[leaf]) : rowIndices[leaf];
    if (!at[d])
      at[d] = constant(0);
  }
  if (!column)
    return at;
  Values columnSizes;
  for (unsigned d : columns.loops)
    columnSizes.push_back(sizes[d]);
  Values parts = splitRow(b, column, columnSizes);
  for (auto [d, part] : llvm::zip(columns.loops, parts))
    at[d] = part;
  return at;
}

/// An op may have columns of one memory twice, of different rows.
RowColumns rowColumnsOf(const RowMember &member, OpOperand &operand) {
  GenericOp op = member.work.op;
  std::vector<int64_t> rows;
  for (AffineExpr e : op.getMatchingIndexingMap(&operand).getResults())
    if (auto loop = dyn_cast<AffineDimExpr>(e))
      rows.insert(rows.end(), member.loops[loop.getPosition()].begin(),
                  member.loops[loop.getPosition()].end());
    else if (auto place = cast<AffineConstantExpr>(e); place.getValue() != 0)
      rows.push_back(-place.getValue());
  return {rootOf(operand.get()).getAsOpaquePointer(), rows};
}

/// An element of an operand, from a register where it is in one.
Value RowKernel::read(const RowMember &member, OpOperand &operand, ArrayRef<Value> at) {
  GenericOp op = member.work.op;
  Value memory = operand.get();
  if (!isa<MemRefType>(memory.getType()))
    return kernel.get(memory);
  if (Value known = rowValues.lookup(baseOf(memory)))
    return known;
  if (group && isInOrder(member, operand)) {
    Value root = rootOf(memory);
    if (group->number >= 0)
      if (auto known = heldColumns.find(rowColumnsOf(member, operand)); known != heldColumns.end())
        return known->second[group->number + element];
    if (auto found = waiting.find(root); found != waiting.end())
      return valueOf(found->second);
    if (!group->isSingle() || group->number >= 0) {
      auto &loaded = group->loaded[&operand];
      if (loaded.empty()) {
        ArrayRef<Value> sizes = extents[&member - plan.members.data()];
        Values made = loadGroup(member, operand, columnsOf(member, sizes), sizes);
        group->loaded[&operand] = made;
        return made[element];
      }
      return loaded[element];
    }
  }
  return loadElement(b, kernel.get(memory), op.getMatchingIndexingMap(&operand), at);
}

/// Of the body; inits only where they are used.
Values RowKernel::arguments(const RowMember &member, ArrayRef<Value> at) {
  GenericOp op = member.work.op;
  Values all;
  for (OpOperand &operand : op->getOpOperands()) {
    bool used = !op.getMatchingBlockArgument(&operand).use_empty();
    bool isOutput = op.isDpsInit(&operand);
    Value initial = isOutput ? member.work.initialOf(operand.get()) : Value();
    if (!used || (isOutput && op.getNumReductionLoops() > 0))
      all.push_back(Value());
    else
      all.push_back(initial ? kernel.get(initial) : read(member, operand, at));
  }
  return all;
}

/// A barrier where the member meets columns of other threads.
void RowKernel::beforeMember(const RowMember &member) {
  GenericOp op = member.work.op;
  bool meets = false;
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    Value base = baseOf(operand.get());
    bool inOrder = isInOrder(member, operand);
    meets |= written.contains(base) && !inOrder && !rowValues.count(base);
    meets |= op.isDpsInit(&operand) && readAnywhere.contains(base);
  }
  if (meets) {
    combineRow.meet();
    written.clear();
    readAnywhere.clear();
  }
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    Value base = baseOf(operand.get());
    if (op.isDpsInit(&operand))
      written.insert(base);
    // What a reduction begins with may be a constant.
    const bool isRead = !op.getMatchingBlockArgument(&operand).use_empty() &&
                        !(op.isDpsInit(&operand) && member.work.initialOf(operand.get()));
    if (isRead && !isInOrder(member, operand) && !rowValues.count(base))
      readAnywhere.insert(base);
  }
}

void RowKernel::emitMember(size_t number) {
  const RowMember &member = plan.members[number];
  current = &member;
  ArrayRef<Value> sizes = extents[number];
  GenericOp op = member.work.op;
  b.setLoc(op.getLoc());
  Columns columns = columnsOf(member, sizes);
  if (mayWait(number)) {
    int64_t cost = op.getBody()->getOperations().size();
    for (Value input : op.getDpsInputs())
      cost += waiting.lookup(rootOf(input)).cost;
    waiting[rootOf(op.getDpsInits().front())] = {&member, columns, sizes, rowValues, cost};
    return;
  }
  beforeMember(member);
  if (op.getNumReductionLoops() > 0)
    emitReduction(member, columns, sizes);
  else if (columns.loops.empty())
    emitRowValue(member, sizes);
  else if (threads.held)
    emitHeldColumns(member, columns, sizes);
  else
    emitColumns(member, columns, sizes);
  for (Value output : op.getDpsInits())
    waiting.erase(rootOf(output));
}

const RowMember *RowKernel::withColumns() {
  for (auto [member, sizes] : llvm::zip(plan.members, extents))
    if (!columnsOf(member, sizes).loops.empty())
      return &member;
  return nullptr;
}

/// Where the row is, and how far from a place of wide accesses.
void RowKernel::setRow(Value number, Value rows) {
  row = number;
  rowIndices = splitRow(b, row, rowSizes);
  const RowMember *member = withColumns();
  if (!plan.shifted || vector == 1 || !member)
    return;
  Columns columns = columnsOf(*member, extents[member - plan.members.data()]);
  shift = commonShift ? commonShift
                      : b.createOrFold<arith::RemUIOp>(mul(row, columns.count), constant(vector));
  isNeverAligned = columns.known && *columns.known % vector;
  Value all = b.createOrFold<arith::RemUIOp>(mul(rows, columns.count), constant(vector));
  if (getConstantIntValue(all) != 0)
    isGroupThere = less(add(row, constant(1)), rows);
}

void RowKernel::emitRow() {
  placeKept();
  for (size_t i = 0; i < plan.members.size(); ++i)
    emitMember(i);
}

void RowKernel::emit(Value rows, ArrayRef<Value> rowExtents, Value pieceCount, Value stride) {
  pieces = pieceCount;
  if (threads.ahead)
    beginAhead();
  combineRow.begin();
  placeRow(rows, rowExtents);
  if (stride)
    return emitTurns(rows, stride);
  OpBuilder::InsertionGuard guard(b);
  if (active && threads.across == 1 && threads.along >= device::lanesOfWarp) {
    // Whole warps leave, which meet at no barrier of the block.
    auto branch = scf::IfOp::create(b, active, /*withElseRegion=*/false);
    b.setInsertionPoint(branch.thenBlock()->getTerminator());
    active = Value();
  }
  setRow(row, rows);
  emitRow();
  combineRow.awaitBlocks();
}

bool isInOrder(GenericOp op, AffineMap map, llvm::function_ref<bool(unsigned loop)> isColumn) {
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  SmallVector<unsigned> expected, found;
  for (unsigned d = 0; d < op.getNumLoops(); ++d)
    if (isColumn(d) && sizes[d] != 1)
      expected.push_back(d);
  for (AffineExpr e : map.getResults()) {
    auto loop = dyn_cast<AffineDimExpr>(e);
    if (!loop && !isa<AffineConstantExpr>(e))
      return false;
    if (loop && isColumn(loop.getPosition()) && sizes[loop.getPosition()] != 1)
      found.push_back(loop.getPosition());
  }
  return expected == found;
}

std::string RowThreads::text() const {
  std::string threads = llvm::Twine(along).str();
  std::string share =
      across > 1 ? threads + " threads a row, " + llvm::Twine(across).str() + " rows side by side"
      : along < device::lanesOfWarp ? threads + " threads a row"
      : isWarp()                    ? std::string("a warp a row")
      : cluster > 1                 ? llvm::Twine(cluster).str() + " blocks of " +
                                          llvm::Twine(this->threads()).str() + " a row"
                                    : "a block of " + threads + " a row";
  if (kept)
    share += ", " + llvm::Twine(kept).str() + " columns in shared memory";
  if (turns > 1 || ahead)
    share += ", in turns";
  if (ahead)
    share += ", the next row on its way";
  return held ? share + ", " + llvm::Twine(held).str() + " columns a thread in registers" : share;
}

/// Whether a warp has as many columns of a row in turns as registers hold: some 100 are enough, of
/// which code generation takes more or fewer.
static bool fillsRegisters(const RowPlan &plan, const RowThreads &threads) {
  constexpr int wideColumns = 4, mostHeld = 32;
  return threads.turns > 1 && !threads.ahead && threads.isWarp() && threads.held >= mostHeld &&
         plan.vector >= wideColumns;
}

/// Those of a multiprocessor at a time: with some 70 registers a thread, or 100.
static int blocksAtOnce(const RowPlan &plan, const RowThreads &threads) {
  const int threadsAtOnce = fillsRegisters(plan, threads) ? 640 : 896;
  return std::max(threadsAtOnce / threads.threads(), 1);
}

/// Blocks that make the turns: as many as a device has at a time. Rows of a block are as far from
/// multiples of 16 bytes as its first ones.
static Value blocksInTurns(DeviceFunction &f, const RowPlan &plan, const RowThreads &threads,
                           Value blocks) {
  Value enough = f.mul(f.multiprocessors(), f.constant(blocksAtOnce(plan, threads)));
  Value some = f.b.createOrFold<arith::MinSIOp>(blocks, enough);
  Value all = f.b.createOrFold<arith::MaxSIOp>(f.ceilDiv(blocks, threads.turns), some);
  if (!plan.shifted)
    return all;
  const int64_t unit = plan.vector / std::gcd(plan.vector, threads.rows);
  return f.mul(f.ceilDiv(all, unit), f.constant(unit));
}

void launchRows(DeviceFunction &f, const RowPlan &plan, const RowThreads &threads) {
  std::string text = "rows: " + threads.text();
  if (plan.members.size() > 1)
    text += ", " + llvm::Twine(plan.members.size()).str() + " ops";
  if (plan.vector > 1 && threads.across == 1)
    text += ", " + llvm::Twine(plan.vector).str() + " at a time";
  if (plan.shifted && threads.across == 1)
    text += " from anywhere";
  if (plan.pieces)
    text += ", in pieces";
  Value rows = f.constant(1);
  for (Value extent : plan.extents)
    rows = f.mul(rows, extent);
  Value blocks = f.ceilDiv(rows, threads.rows), one = f.constant(1), stride;
  if (threads.ahead) {
    stride = clustersAhead(f, plan, threads);
    blocks = f.b.createOrFold<arith::MinSIOp>(blocks, stride);
  } else if (threads.turns > 1) {
    blocks = blocksInTurns(f, plan, threads, blocks);
    stride = f.mul(blocks, f.constant(threads.rows));
  }
  if (threads.cluster > 1)
    blocks = f.mul(blocks, f.constant(threads.cluster));

  DeviceKernel kernel = threads.needsGroups() ? f.groupKernel(text) : f.kernel(text);
  kernel.setCluster(threads.cluster);
  if (stride)
    kernel.setInTurns();
  kernel.setEndsApart();
  const int reductions = reductionsOf(plan);
  SmallVector<SmallVector<Value>> extents;
  for (const RowMember &member : plan.members) {
    GenericOp op = member.work.op;
    getUses(kernel, op);
    for (linalg::FillOp fill : member.work.fills)
      kernel.get(fill.getDpsInputs().front());
    SmallVector<Value> sizes;
    for (Value v : member.extents)
      sizes.push_back(kernel.get(v));
    extents.push_back(sizes);
  }
  useBehind(kernel, plan.behind);
  SmallVector<Value> rowExtents;
  for (Value v : plan.extents)
    rowExtents.push_back(kernel.get(v));
  // One reduction a row meets that of the next row, which has other memory.
  int64_t shared =
      (threads.turns > 1 ? std::max(reductions, 2) : reductions) * threads.sharedBytes();
  if (threads.kept)
    for (Value root : readAgain(plan))
      shared += threads.kept * device::bytesOf(getElementTypeOrSelf(root.getType()));
  if (threads.turns > 1)
    shared = llvm::alignTo(shared, 16) + slotsOf(plan, threads).bytes;
  kernel.setShared(threads.ahead ? sharedAhead(plan, threads) : shared,
                   fillsRegisters(plan, threads) ? blocksAtOnce(plan, threads) : threads.ahead);
  Value rowsInside = kernel.get(rows);
  Value pieces = plan.pieces ? kernel.get(plan.pieces) : Value();
  Value strideInside = stride ? kernel.get(stride) : Value();
  RowKernel(kernel, plan, threads, extents).emit(rowsInside, rowExtents, pieces, strideInside);
  kernel.launch(f.b, {blocks, plan.pieces ? plan.pieces : one, one}, threads.threads());
}

} // namespace mad
