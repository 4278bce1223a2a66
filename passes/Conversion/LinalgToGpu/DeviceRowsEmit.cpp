//===- DeviceRowsEmit.cpp - The code of a kernel of rows ---------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What ops make of a row as a whole is a value that all of its threads have. What they make
// of its columns stays in the registers of the thread, where those are few enough (`held`), or
// goes through memory, in which each thread finds its own columns again; a barrier stands before
// other accesses.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Conversion/LinalgToGpu/RowCombiner.h"

using namespace mlir;
using linalg::GenericOp;

namespace mad {
namespace {

using Values = SmallVector<Value>;

/// Accumulators of a thread, and steps of a block of a long sum.
constexpr int64_t unroll = 4, blockSteps = 256;

class RowKernel {
public:
  RowKernel(DeviceKernel &kernel, const RowPlan &plan, const RowThreads &threads,
            ArrayRef<SmallVector<Value>> extents)
      : kernel(kernel), plan(plan), threads(threads), extents(extents), b(kernel.builder()),
        combineRow(b, threads) {}
  /// `rows` and what else is of the host are values of the kernel.
  void emit(Value rows, ArrayRef<Value> rowExtents, Value pieces);

private:
  struct Columns {
    SmallVector<unsigned> loops; ///< that are longer than one
    Value count;
    std::optional<int64_t> known;
    bool areThose(const Columns &other) const {
      return known ? known == other.known : count == other.count;
    }
  };
  /// An op on columns that is computed where its result is read, again each time.
  struct Waiting {
    const RowMember *member = nullptr;
    Columns columns;
    ArrayRef<Value> sizes;
    llvm::DenseMap<Value, Value> rowValues; ///< when it was its turn
    int64_t cost = 0;                       ///< ops
  };
  Value constant(int64_t value) { return arith::ConstantIndexOp::create(b, value); }
  Value add(Value x, Value y) { return b.createOrFold<arith::AddIOp>(x, y); }
  Value mul(Value x, Value y) { return b.createOrFold<arith::MulIOp>(x, y); }
  Value min(Value x, Value y) { return b.createOrFold<arith::MinSIOp>(x, y); }
  Value less(Value x, Value y) {
    return b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::slt, x, y);
  }
  void placeRow(Value rows, ArrayRef<Value> rowExtents);
  Values loops(Value from, Value to, Value step, ValueRange start,
               llvm::function_ref<Values(Value, ArrayRef<Value>)> body);
  void when(Value condition, llvm::function_ref<void()> body);

  Columns columnsOf(const RowMember &member, ArrayRef<Value> sizes);
  bool isColumn(const RowMember &member, unsigned loop) { return member.loops[loop].empty(); }
  bool isInOrder(const RowMember &member, OpOperand &operand);
  Values indices(const RowMember &member, const Columns &columns, Value column,
                 ArrayRef<Value> sizes);
  Value read(const RowMember &member, OpOperand &operand, ArrayRef<Value> at, int number);
  Values arguments(const RowMember &member, ArrayRef<Value> at, int number);
  bool mustStore(Value memory, bool isRowValue);
  void beforeMember(const RowMember &member);
  void preload(const RowMember &member, const Columns &columns, ArrayRef<Value> sizes);
  Value columnOf(int number) { return add(lane, constant(int64_t(number) * threads.along)); }

  bool isElementwise(const RowMember &member);
  bool mayWait(size_t number);
  Value valueOf(const Waiting &waiting);

  void emitMember(size_t number);
  void emitRowValue(const RowMember &member, ArrayRef<Value> sizes);
  void emitColumns(const RowMember &member, const Columns &columns, ArrayRef<Value> sizes);
  void emitHeldColumns(const RowMember &member, const Columns &columns, ArrayRef<Value> sizes);
  void emitReduction(const RowMember &member, const Columns &columns, ArrayRef<Value> sizes);
  Values reduceHeld(const RowMember &member, ArrayRef<Combiner> combiners, const Columns &columns,
                    ArrayRef<Value> sizes);
  Values reduceLoop(const RowMember &member, ArrayRef<Combiner> combiners, const Columns &columns,
                    ArrayRef<Value> sizes);
  Values others(const RowMember &member, ArrayRef<Combiner> combiners, ArrayRef<Value> at,
                int number);
  void keepRowValue(const RowMember &member, OpOperand &output, Value value, ArrayRef<Value> at);

  DeviceKernel &kernel;
  const RowPlan &plan;
  const RowThreads &threads;
  ArrayRef<SmallVector<Value>> extents; ///< of the loops of each member
  ImplicitLocOpBuilder &b;
  RowCombiner combineRow;
  Value lane, active, row; ///< active: null where all threads have a row
  Values rowIndices, rowSizes;
  Value piece, pieces;
  llvm::DenseMap<Value, Value> rowValues;    ///< by base
  llvm::DenseMap<Value, Values> heldColumns; ///< by root
  llvm::DenseMap<Value, Waiting> waiting;    ///< by root
  Value currentColumn;
  llvm::DenseSet<Value> written, readAnywhere; ///< bases, since the last barrier
};

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

/// An element of an operand, from a register where it is in one.
Value RowKernel::read(const RowMember &member, OpOperand &operand, ArrayRef<Value> at, int number) {
  GenericOp op = member.work.op;
  Value memory = operand.get();
  if (!isa<MemRefType>(memory.getType()))
    return kernel.get(memory);
  if (Value known = rowValues.lookup(baseOf(memory)))
    return known;
  if (number >= 0 && isInOrder(member, operand)) {
    auto known = heldColumns.find(rootOf(memory));
    if (known != heldColumns.end())
      return known->second[number];
  }
  if (currentColumn && isInOrder(member, operand))
    if (auto found = waiting.find(rootOf(memory)); found != waiting.end())
      return valueOf(found->second);
  return loadElement(b, kernel.get(memory), op.getMatchingIndexingMap(&operand), at);
}

bool RowKernel::isElementwise(const RowMember &member) {
  GenericOp op = member.work.op;
  return op.getNumReductionLoops() == 0 && op.getNumDpsInits() == 1;
}

/// Whether a member need not be in memory: what reads it does so in order, and can compute it again
/// from what is still there then. Long rows are read again rather than written and read.
bool RowKernel::mayWait(size_t number) {
  constexpr int64_t mostOps = 16, mostUses = 3;
  const RowMember &member = plan.members[number];
  GenericOp op = member.work.op;
  if (threads.held || pieces || !isElementwise(member) ||
      !op.getRegionOutputArgs().front().use_empty())
    return false;
  Value output = op.getDpsInits().front(), base = baseOf(output), root = rootOf(output);
  Columns columns = columnsOf(member, extents[number]);
  int64_t cost = op.getBody()->getOperations().size();
  auto isWritten = [&](Value base) {
    return llvm::any_of(plan.members, [&](const RowMember &other) {
      GenericOp writer = other.work.op;
      return llvm::any_of(writer.getDpsInits(), [&](Value v) { return baseOf(v) == base; });
    });
  };
  for (OpOperand *input : op.getDpsInputOperands()) {
    Value memory = input->get();
    if (!isa<MemRefType>(memory.getType()) || rowValues.count(baseOf(memory)))
      continue;
    auto found = waiting.find(rootOf(memory));
    if (found != waiting.end() && isInOrder(member, *input))
      cost += found->second.cost;
    else if (isWritten(baseOf(memory)))
      return false;
  }
  if (columns.loops.empty() || cost > mostOps)
    return false;
  int64_t uses = 0;
  for (size_t i = number + 1; i < plan.members.size(); ++i) {
    const RowMember &next = plan.members[i];
    GenericOp reader = next.work.op;
    bool overwrites = false;
    for (OpOperand &operand : reader->getOpOperands()) {
      if (!isa<MemRefType>(operand.get().getType()) || baseOf(operand.get()) != base)
        continue;
      if (rootOf(operand.get()) != root || !isInOrder(next, operand) ||
          !columns.areThose(columnsOf(next, extents[i])))
        return false;
      uses += !reader.getMatchingBlockArgument(&operand).use_empty();
      if (reader.isDpsInit(&operand)) {
        if (!isElementwise(next))
          return false;
        overwrites = true;
      }
    }
    if (overwrites)
      return uses > 0 && uses <= mostUses;
  }
  return uses <= mostUses && plan.hidden.contains(base);
}

Value RowKernel::valueOf(const Waiting &entry) {
  Waiting one = entry; // reading may move the others
  std::swap(rowValues, one.rowValues);
  Values at = indices(*one.member, one.columns, currentColumn, one.sizes);
  Value value = emitBody(kernel, one.member->work.op, arguments(*one.member, at, -1), at).front();
  std::swap(rowValues, one.rowValues);
  return value;
}

/// Of the body; inits only where they are used.
Values RowKernel::arguments(const RowMember &member, ArrayRef<Value> at, int number) {
  GenericOp op = member.work.op;
  Values all;
  for (OpOperand &operand : op->getOpOperands()) {
    bool used = !op.getMatchingBlockArgument(&operand).use_empty();
    bool isOutput = op.isDpsInit(&operand);
    Value initial = isOutput ? member.work.initialOf(operand.get()) : Value();
    if (!used || (isOutput && op.getNumReductionLoops() > 0))
      all.push_back(Value());
    else
      all.push_back(initial ? kernel.get(initial) : read(member, operand, at, number));
  }
  return all;
}

/// Whether what a member writes has to be in memory.
bool RowKernel::mustStore(Value memory, bool isRowValue) {
  Value base = baseOf(memory);
  if (!plan.hidden.contains(base))
    return true;
  if (isRowValue)
    return false;
  if (!threads.held)
    return true;
  for (const RowMember &member : plan.members) {
    GenericOp op = member.work.op;
    for (OpOperand &operand : op->getOpOperands())
      if (isa<MemRefType>(operand.get().getType()) && baseOf(operand.get()) == base &&
          (!isInOrder(member, operand) || rootOf(operand.get()) != rootOf(memory)))
        return true;
  }
  return false;
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
    if (threads.isWarp())
      NVVM::SyncWarpOp::create(b, arith::ConstantIntOp::create(b, -1, 32));
    else
      NVVM::BarrierOp::create(b);
    written.clear();
    readAnywhere.clear();
  }
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    Value base = baseOf(operand.get());
    if (op.isDpsInit(&operand))
      written.insert(base);
    if (!isInOrder(member, operand) && !rowValues.count(base))
      readAnywhere.insert(base);
  }
}

/// Reads the columns that stay in registers. Threads behind the last column read that.
void RowKernel::preload(const RowMember &member, const Columns &columns, ArrayRef<Value> sizes) {
  GenericOp op = member.work.op;
  for (OpOperand &operand : op->getOpOperands()) {
    Value memory = operand.get();
    if (!isa<MemRefType>(memory.getType()) || op.getMatchingBlockArgument(&operand).use_empty() ||
        (op.isDpsInit(&operand) && op.getNumReductionLoops() > 0) || !isInOrder(member, operand) ||
        heldColumns.contains(rootOf(memory)) || rowValues.count(baseOf(memory)) ||
        (op.isDpsInit(&operand) && member.work.initialOf(memory)))
      continue;
    Values all;
    Value last = arith::SubIOp::create(b, columns.count, constant(1));
    for (int i = 0; i < threads.held; ++i) {
      bool inside = (i + 1) * threads.along <= *columns.known;
      Value column = inside ? columnOf(i) : min(columnOf(i), last);
      all.push_back(loadElement(b, kernel.get(memory), op.getMatchingIndexingMap(&operand),
                                indices(member, columns, column, sizes)));
    }
    heldColumns[rootOf(memory)] = all;
  }
}

void RowKernel::keepRowValue(const RowMember &member, OpOperand &output, Value value,
                             ArrayRef<Value> at) {
  GenericOp op = member.work.op;
  Value memory = output.get();
  rowValues[baseOf(memory)] = value;
  if (!mustStore(memory, /*isRowValue=*/true))
    return;
  Value first = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, lane, constant(0));
  when(threads.across > 1 ? b.createOrFold<arith::AndIOp>(first, active) : first,
       [&] { storeElement(b, value, kernel.get(memory), op.getMatchingIndexingMap(&output), at); });
}

void RowKernel::emitRowValue(const RowMember &member, ArrayRef<Value> sizes) {
  GenericOp op = member.work.op;
  Values at = indices(member, {}, {}, sizes);
  Values made = emitBody(kernel, op, arguments(member, at, -1), at);
  // All threads have read before one of them writes.
  bool inMemory = llvm::any_of(op->getOpOperands(), [&](OpOperand &operand) {
    Value base = isa<MemRefType>(operand.get().getType()) ? baseOf(operand.get()) : Value();
    return base && !rowValues.count(base) &&
           llvm::any_of(op.getDpsInits(), [&](Value v) { return baseOf(v) == base; });
  });
  if (inMemory && threads.isWarp())
    NVVM::SyncWarpOp::create(b, arith::ConstantIntOp::create(b, -1, 32));
  else if (inMemory)
    NVVM::BarrierOp::create(b);
  for (auto [output, value] : llvm::zip(op.getDpsInitsMutable(), made))
    keepRowValue(member, output, value, at);
}

void RowKernel::emitHeldColumns(const RowMember &member, const Columns &columns,
                                ArrayRef<Value> sizes) {
  GenericOp op = member.work.op;
  preload(member, columns, sizes);
  Value last = arith::SubIOp::create(b, columns.count, constant(1));
  SmallVector<Values> results(op.getNumDpsInits());
  for (int i = 0; i < threads.held; ++i) {
    bool inside = (i + 1) * threads.along <= *columns.known;
    Value column = columnOf(i);
    Values at = indices(member, columns, inside ? column : min(column, last), sizes);
    Values made = emitBody(kernel, op, arguments(member, at, i), at);
    Value guard = inside ? Value() : less(column, columns.count);
    if (threads.across > 1)
      guard = guard ? b.createOrFold<arith::AndIOp>(guard, active) : active;
    when(guard, [&] {
      for (auto [output, value] : llvm::zip(op.getDpsInitsMutable(), made))
        if (mustStore(output.get(), false))
          storeElement(b, value, kernel.get(output.get()), op.getMatchingIndexingMap(&output), at);
    });
    for (auto [k, value] : llvm::enumerate(made))
      results[k].push_back(value);
  }
  for (auto [output, values] : llvm::zip(op.getDpsInits(), results))
    heldColumns[rootOf(output)] = values;
}

/// All of a step is read before any of it is written.
void RowKernel::emitColumns(const RowMember &member, const Columns &columns,
                            ArrayRef<Value> sizes) {
  GenericOp op = member.work.op;
  auto compute = [&](ArrayRef<Value> some) {
    SmallVector<Values> places, made;
    for (Value column : some) {
      currentColumn = column;
      places.push_back(indices(member, columns, column, sizes));
      made.push_back(emitBody(kernel, op, arguments(member, places.back(), -1), places.back()));
    }
    currentColumn = Value();
    for (auto [at, results] : llvm::zip(places, made))
      for (auto [output, value] : llvm::zip(op.getDpsInitsMutable(), results))
        storeElement(b, value, kernel.get(output.get()), op.getMatchingIndexingMap(&output), at);
  };
  when(threads.across > 1 ? active : Value(), [&] {
    Value width = constant(threads.along), step = constant(threads.along * unroll);
    Value end = mul(b.createOrFold<arith::DivUIOp>(columns.count, step), step);
    loops(lane, end, step, {}, [&](Value column, ArrayRef<Value>) -> Values {
      Values some;
      for (int64_t u = 0; u < unroll; ++u)
        some.push_back(add(column, constant(u * threads.along)));
      compute(some);
      return {};
    });
    loops(add(end, lane), columns.count, width, {}, [&](Value column, ArrayRef<Value>) -> Values {
      compute({column});
      return {};
    });
  });
}

/// What the outputs take up at a place.
Values RowKernel::others(const RowMember &member, ArrayRef<Combiner> combiners, ArrayRef<Value> at,
                         int number) {
  llvm::SmallPtrSet<Operation *, 4> last;
  for (const Combiner &combine : combiners)
    last.insert(combine.op);
  IRMapping body = emitBody(kernel, member.work.op, arguments(member, at, number), at, last);
  Values all;
  for (const Combiner &combine : combiners)
    all.push_back(body.lookupOrDefault(combine.other));
  return all;
}

Values RowKernel::reduceHeld(const RowMember &member, ArrayRef<Combiner> combiners,
                             const Columns &columns, ArrayRef<Value> sizes) {
  preload(member, columns, sizes);
  Value last = arith::SubIOp::create(b, columns.count, constant(1));
  Values sums;
  for (int i = 0; i < threads.held; ++i) {
    bool inside = (i + 1) * threads.along <= *columns.known;
    Value column = columnOf(i);
    Values at = indices(member, columns, inside ? column : min(column, last), sizes);
    Values elements = others(member, combiners, at, i);
    for (auto [k, combine] : llvm::enumerate(combiners)) {
      Value x = elements[k];
      if (!inside)
        x = arith::SelectOp::create(b, less(column, columns.count), x, combine.identityValue(b));
      if (i == 0)
        sums.push_back(x);
      else
        sums[k] = combine(b, sums[k], x);
    }
  }
  return sums;
}

/// Of the columns of this thread. Long sums are sums of blocks.
Values RowKernel::reduceLoop(const RowMember &member, ArrayRef<Combiner> combiners,
                             const Columns &columns, ArrayRef<Value> sizes) {
  Values none;
  for (const Combiner &combine : combiners)
    none.push_back(combine.identityValue(b));
  auto combineAll = [&](ArrayRef<Value> x, ArrayRef<Value> y) {
    Values all;
    for (auto [combine, left, right] : llvm::zip(combiners, x, y))
      all.push_back(combine(b, left, right));
    return all;
  };
  auto elements = [&](Value column) {
    currentColumn = column;
    Values all = others(member, combiners, indices(member, columns, column, sizes), -1);
    currentColumn = Value();
    return all;
  };
  Value width = constant(threads.along), step = constant(threads.along * unroll);
  auto range = [&](Value from, Value to) {
    Value length = arith::SubIOp::create(b, to, from);
    Value end = add(from, mul(arith::DivUIOp::create(b, length, step), step));
    Values start;
    for (int64_t u = 0; u < unroll; ++u)
      llvm::append_range(start, none);
    const size_t count = combiners.size();
    Values sums = loops(add(from, lane), end, step, start, [&](Value at, ArrayRef<Value> carried) {
      Values next, loaded;
      for (int64_t u = 0; u < unroll; ++u)
        llvm::append_range(loaded, elements(add(at, constant(u * threads.along))));
      for (int64_t u = 0; u < unroll; ++u)
        llvm::append_range(next, combineAll(carried.slice(u * count, count),
                                            ArrayRef(loaded).slice(u * count, count)));
      return next;
    });
    Values all(ArrayRef(sums).take_front(count));
    for (int64_t u = 1; u < unroll; ++u)
      all = combineAll(all, ArrayRef(sums).slice(u * count, count));
    return loops(add(end, lane), to, width, all, [&](Value at, ArrayRef<Value> carried) {
      return combineAll(carried, elements(at));
    });
  };
  Value from = constant(0), to = columns.count;
  if (pieces) {
    // Whole steps, so that pieces begin where lines do.
    Value steps = arith::CeilDivUIOp::create(b, arith::CeilDivUIOp::create(b, to, step), pieces);
    Value length = mul(steps, step);
    from = min(mul(piece, length), to);
    to = min(add(from, length), to);
  }
  const int64_t most = blockSteps * unroll * threads.along;
  bool rounds = llvm::any_of(combiners, [](const Combiner &c) { return c.rounds; });
  if (!rounds || (columns.known && *columns.known <= 2 * most))
    return range(from, to);
  return loops(from, to, constant(most), none, [&](Value block, ArrayRef<Value> totals) {
    return combineAll(totals, range(block, min(add(block, constant(most)), to)));
  });
}

void RowKernel::emitReduction(const RowMember &member, const Columns &columns,
                              ArrayRef<Value> sizes) {
  GenericOp op = member.work.op;
  SmallVector<Combiner> combiners = *combinersOf(op);
  Values sums;
  if (threads.held) {
    sums = reduceHeld(member, combiners, columns, sizes);
  } else if (threads.across > 1) {
    SmallVector<Type> types;
    for (const Combiner &combine : combiners)
      types.push_back(combine.other.getType());
    auto branch = scf::IfOp::create(b, types, active, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    scf::YieldOp::create(b, reduceLoop(member, combiners, columns, sizes));
    b.setInsertionPointToStart(branch.elseBlock());
    Values none;
    for (const Combiner &combine : combiners)
      none.push_back(combine.identityValue(b));
    scf::YieldOp::create(b, none);
    sums.assign(branch.getResults().begin(), branch.getResults().end());
  } else {
    sums = reduceLoop(member, combiners, columns, sizes);
  }
  Values at = indices(member, {}, {}, sizes);
  for (auto [output, combine, sum] : llvm::zip(op.getDpsInitsMutable(), combiners, sums)) {
    Value all = combineRow(combine, sum);
    if (pieces) {
      Value first = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, lane, constant(0));
      when(active ? b.createOrFold<arith::AndIOp>(first, active) : first, [&] {
        Value place = add(mul(row, pieces), piece);
        memref::StoreOp::create(b, all, kernel.get(plan.parts), place);
      });
      return;
    }
    Value initial = member.work.initialOf(output.get());
    Value before = initial ? kernel.get(initial) : read(member, output, at, -1);
    // All threads have read before one of them writes.
    if (!initial && !rowValues.count(baseOf(output.get()))) {
      if (threads.isWarp())
        NVVM::SyncWarpOp::create(b, arith::ConstantIntOp::create(b, -1, 32));
      else
        NVVM::BarrierOp::create(b);
    }
    keepRowValue(member, output, combine(b, before, all), at);
  }
}

void RowKernel::emitMember(size_t number) {
  const RowMember &member = plan.members[number];
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

void RowKernel::emit(Value rows, ArrayRef<Value> rowExtents, Value pieceCount) {
  pieces = pieceCount;
  placeRow(rows, rowExtents);
  OpBuilder::InsertionGuard guard(b);
  if (active && threads.across == 1) {
    // Whole warps leave, which meet at no barrier of the block.
    auto branch = scf::IfOp::create(b, active, /*withElseRegion=*/false);
    b.setInsertionPoint(branch.thenBlock()->getTerminator());
    active = Value();
  }
  rowIndices = splitRow(b, row, rowSizes);
  for (size_t i = 0; i < plan.members.size(); ++i)
    emitMember(i);
}

} // namespace

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
  std::string share = across > 1 ? llvm::Twine(along).str() + " threads a row, " +
                                       llvm::Twine(across).str() + " rows side by side"
                      : isWarp() ? std::string("a warp a row")
                                 : "a block of " + llvm::Twine(along).str() + " a row";
  return held ? share + ", " + llvm::Twine(held).str() + " columns a thread in registers" : share;
}

void launchRows(DeviceFunction &f, const RowPlan &plan, const RowThreads &threads) {
  std::string text = "rows: " + threads.text();
  if (plan.members.size() > 1)
    text += ", " + llvm::Twine(plan.members.size()).str() + " ops";
  if (plan.pieces)
    text += ", in pieces";
  SmallVector<SmallVector<Value>> hostExtents;
  for (const RowMember &member : plan.members)
    hostExtents.push_back(*f.extentsOf(member.work.op));
  Value rows = f.constant(1);
  for (Value extent : plan.extents)
    rows = f.mul(rows, extent);
  Value blocks = f.ceilDiv(rows, threads.rows), one = f.constant(1);

  DeviceKernel kernel = f.kernel(text);
  int reductions = 0;
  SmallVector<SmallVector<Value>> extents;
  for (auto [member, known] : llvm::zip(plan.members, hostExtents)) {
    GenericOp op = member.work.op;
    getUses(kernel, op);
    for (linalg::FillOp fill : member.work.fills)
      kernel.get(fill.getDpsInputs().front());
    if (op.getNumReductionLoops() > 0)
      reductions += op.getNumDpsInits();
    SmallVector<Value> sizes;
    for (Value v : known)
      sizes.push_back(kernel.get(v));
    extents.push_back(sizes);
  }
  SmallVector<Value> rowExtents;
  for (Value v : plan.extents)
    rowExtents.push_back(kernel.get(v));
  kernel.setShared(reductions * threads.sharedBytes());
  Value rowsInside = kernel.get(rows);
  Value pieces = plan.pieces ? kernel.get(plan.pieces) : Value();
  RowKernel(kernel, plan, threads, extents).emit(rowsInside, rowExtents, pieces);
  kernel.launch(f.b, {blocks, plan.pieces ? plan.pieces : one, one}, threads.threads());
}

} // namespace mad
