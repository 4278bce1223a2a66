//===- DeviceColumns.cpp - Reductions whose results are neighbours -----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A thread has as many results side by side as 16 bytes of the widest input hold, and goes down the
// rows with others of its block, eight rows on their way at a time. Where that makes few blocks,
// rows are cut in pieces, whose results a second kernel combines in order.
//
// Rows of other lengths begin at other distances from multiples of 16 bytes, but those of a thread
// at the same: they are a multiple of 8 apart. It reads whole groups, whose columns are those of
// other threads moved by that distance, so a block reads a group more than it has results of.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/Conversion/LinalgToGpu/DeviceWide.h"

using namespace mlir;
using linalg::GenericOp;

namespace mad {
namespace {

/// Threads of a block along the results, and down the rows.
constexpr int64_t across = 32, along = 16, blockThreads = across * along;
/// Rows on their way at a time, of one input; results of pieces.
constexpr int64_t mostUnroll = 8, unrollOfParts = 2;
/// Blocks that a device should have to do, all at the same time, and the least rows of a piece.
constexpr int64_t manyBlocks = 256, rowsOfPiece = along * mostUnroll;
/// Of sums that are rounded, steps of a thread in one.
constexpr int64_t longestSum = 1024;

class ColumnKernel {
public:
  ColumnKernel(DeviceFunction &f, DeviceWork &work, unsigned fast, ArrayRef<Value> extents)
      : f(f), work(work), op(work.op), fast(fast), extents(extents),
        combine(combinersOf(op)->front()) {
    SmallVector<unsigned> reduction;
    op.getReductionDims(reduction);
    down = reduction.front();
    op.getParallelDims(outer);
    llvm::erase(outer, fast);
  }
  bool isFit();
  /// Whether results of any number of a row can be computed.
  bool canShift();
  /// Whether results of a row are whole groups.
  Value holds();
  /// `known`: no other kernel is there for other sizes. `shift`: rows begin anywhere.
  void lower(bool known, bool shift);
  /// Fewer results of a row are not worth a block of shifted groups.
  int64_t fewest() { return across * vector / 2; }

private:
  void launch(Value pieces, Value parts);
  void launchParts(Value pieces, Value parts);
  Value constant(int64_t x) { return arith::ConstantIndexOp::create(*k, x); }
  Value add(Value x, Value y) { return k->createOrFold<arith::AddIOp>(x, y); }
  Value mul(Value x, Value y) { return k->createOrFold<arith::MulIOp>(x, y); }
  Value sub(Value x, Value y) { return k->createOrFold<arith::SubIOp>(x, y); }
  Value div(Value x, int64_t y) { return k->createOrFold<arith::DivUIOp>(x, constant(y)); }
  Value rem(Value x, int64_t y) { return k->createOrFold<arith::RemUIOp>(x, constant(y)); }
  Value min(Value x, Value y) { return k->createOrFold<arith::MinUIOp>(x, y); }
  Value less(Value x, Value y) {
    return k->createOrFold<arith::CmpIOp>(arith::CmpIPredicate::ult, x, y);
  }
  void when(Value condition, llvm::function_ref<void()> body) {
    auto branch = scf::IfOp::create(*k, condition, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(*k);
    k->setInsertionPoint(branch.thenBlock()->getTerminator());
    body();
  }
  using Values = device::Values;
  using Body = llvm::function_ref<Values(Value, ValueRange)>;
  Values loop(Value from, Value to, int64_t step, ValueRange start, Body body);
  /// From row to row of [from, to), `unroll` at a time: `rows` gets the numbers of some and gives
  /// their elements, `count` each.
  Values reduce(Value from, Value to, int64_t unroll, int64_t count,
                llvm::function_ref<SmallVector<Values>(ArrayRef<Value>)> rows);
  Values identities(int64_t count) { return Values(count, combine.identityValue(*k)); }
  void place(Value result, SmallVectorImpl<Value> &at);
  Values elementsOf(DeviceKernel &kernel, ArrayRef<Value> loaded, ArrayRef<Value> first);
  SmallVector<Values> rowsAt(DeviceKernel &kernel, SmallVector<Value> at, ArrayRef<Value> numbers);
  Value combineBlock(ArrayRef<Value> sums);
  Value combineSlots(ArrayRef<Value> sums, Value slot, int64_t width, Value own);
  int64_t resultsOfBlock() { return (isShifted ? across - 1 : across) * vector; }
  Value blocksOfAll();
  void placeShifted(Value block, Value from, SmallVectorImpl<Value> &at);
  void takeLastRow(DeviceKernel &kernel, SmallVector<Value> at, Value from, Value to, Values &sums);
  void finish(DeviceKernel &kernel, Value result, Value sum);

  DeviceFunction &f;
  DeviceWork &work;
  GenericOp op;
  const unsigned fast;
  ArrayRef<Value> extents;
  Combiner combine;
  unsigned down = 0;
  SmallVector<unsigned> outer; ///< parallel loops but the fast one
  int64_t vector = 0, unroll = mostUnroll;
  bool isShifted = false;
  GenericOp behind;
  Value results; ///< on the host
  ImplicitLocOpBuilder *k = nullptr;
  device::GpuBuilder *g = nullptr;
  SmallVector<Value> sizes; ///< of all loops, in the kernel
  Value thread, lane, part;
  Value shift;       ///< of the rows of this thread
  Value firstResult; ///< of the block
};

bool ColumnKernel::isFit() {
  if (op.getNumDpsInits() != 1 || op.getNumReductionLoops() != 1 || readsElsewhere(op))
    return false;
  int64_t widest = 0, inputs = 0;
  for (OpOperand *input : op.getDpsInputOperands()) {
    auto access = wideAccess(f, op, *input, fast);
    if (!access)
      return false;
    if (*access != Access::Wide)
      continue;
    widest =
        std::max<int64_t>(widest, device::bytesOf(getElementTypeOrSelf(input->get().getType())));
    ++inputs;
  }
  unroll = std::max<int64_t>(mostUnroll / std::max<int64_t>(inputs, 1), 1);
  vector = widest ? 16 / widest : 0;
  Type element = getElementTypeOrSelf(op.getDpsInits().front().getType());
  return vector > 1 && !element.isIndex() && device::bytesOf(element) >= 4 &&
         device::bytesOf(element) * vector <= 64;
}

/// All that varies along a row lies row behind row, without gaps, the results innermost.
bool ColumnKernel::canShift() {
  if (along % vector != 0)
    return false;
  AffineMap known;
  for (OpOperand *input : op.getDpsInputOperands()) {
    if (*wideAccess(f, op, *input, fast) != Access::Wide)
      continue;
    AffineMap map = op.getMatchingIndexingMap(input);
    if (!map.isPermutation() || (known && known != map))
      return false;
    known = map;
  }
  return true;
}

Value ColumnKernel::holds() {
  Value rest = f.b.createOrFold<arith::RemUIOp>(extents[fast], f.constant(vector));
  return f.b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, rest, f.constant(0));
}

ColumnKernel::Values ColumnKernel::loop(Value from, Value to, int64_t step, ValueRange start,
                                        Body body) {
  auto made = scf::ForOp::create(*k, from, to, constant(step), start);
  OpBuilder::InsertionGuard guard(*k);
  k->setInsertionPointToStart(made.getBody());
  scf::YieldOp::create(*k, body(made.getInductionVar(), made.getRegionIterArgs()));
  return Values(made.getResults());
}

ColumnKernel::Values
ColumnKernel::reduce(Value from, Value to, int64_t unroll, int64_t count,
                     llvm::function_ref<SmallVector<Values>(ArrayRef<Value>)> rows) {
  auto steps = [&](int64_t number) {
    return [&, number](Value row, ValueRange carried) -> Values {
      SmallVector<Value> numbers;
      for (int64_t u = 0; u < number; ++u)
        numbers.push_back(add(row, constant(u * along)));
      Values sums(carried);
      for (const Values &elements : rows(numbers))
        for (auto [sum, x] : llvm::zip(sums, elements))
          sum = combine(*k, sum, x);
      return sums;
    };
  };
  auto range = [&](Value begin, Value end) {
    Value whole = mul(div(sub(end, begin), along * unroll), constant(along * unroll));
    Value middle = add(begin, whole);
    Values sums = loop(add(begin, part), middle, along * unroll, identities(count), steps(unroll));
    return loop(add(middle, part), end, along, sums, steps(1));
  };
  if (!combine.rounds)
    return range(from, to);
  const int64_t most = longestSum * along;
  return loop(from, to, most, identities(count), [&](Value begin, ValueRange totals) -> Values {
    Values sums = range(begin, min(add(begin, constant(most)), to));
    for (auto [sum, total] : llvm::zip(sums, totals))
      sum = combine(*k, total, sum);
    return sums;
  });
}

/// The indices of the parallel loops of a result.
void ColumnKernel::place(Value result, SmallVectorImpl<Value> &at) {
  at.assign(op.getNumLoops(), constant(0));
  at[fast] = k->createOrFold<arith::RemUIOp>(result, sizes[fast]);
  Value rest = k->createOrFold<arith::DivUIOp>(result, sizes[fast]);
  for (unsigned d : llvm::reverse(outer)) {
    at[d] = k->createOrFold<arith::RemUIOp>(rest, sizes[d]);
    rest = k->createOrFold<arith::DivUIOp>(rest, sizes[d]);
  }
}

/// What the sums of this thread take up of one row.
ColumnKernel::Values ColumnKernel::elementsOf(DeviceKernel &kernel, ArrayRef<Value> loaded,
                                              ArrayRef<Value> first) {
  llvm::SmallPtrSet<Operation *, 1> without{combine.op};
  Values elements;
  for (int64_t e = 0; e < vector; ++e) {
    SmallVector<Value> at(first), arguments;
    at[fast] = add(at[fast], constant(e));
    for (Value x : loaded)
      arguments.push_back(
          isa<VectorType>(x.getType()) ? mlir::vector::ExtractOp::create(*k, x, e).getResult() : x);
    arguments.push_back(Value());
    IRMapping body = emitBody(kernel, op, arguments, at, without);
    elements.push_back(body.lookupOrDefault(combine.other));
  }
  return elements;
}

/// All loads come before what is made of them.
SmallVector<ColumnKernel::Values> ColumnKernel::rowsAt(DeviceKernel &kernel, SmallVector<Value> at,
                                                       ArrayRef<Value> numbers) {
  SmallVector<SmallVector<Value>> loaded, places;
  for (Value row : numbers) {
    at[down] = row;
    places.push_back(at);
    loaded.emplace_back();
    for (OpOperand *input : op.getDpsInputOperands()) {
      Value memory = input->get();
      if (*wideAccess(f, op, *input, fast) == Access::Wide)
        loaded.back().push_back(g->load(g->vectorOf(vector, getElementTypeOrSelf(memory.getType())),
                                        wideAddress(kernel, *g, op, *input, at, sizes)));
      else
        loaded.back().push_back(
            loadElement(*k, kernel.get(memory), op.getMatchingIndexingMap(input), at));
    }
  }
  SmallVector<Values> elements;
  for (auto [values, indices] : llvm::zip(loaded, places))
    elements.push_back(elementsOf(kernel, values, indices));
  return elements;
}

/// Of all threads down the rows: for each of the first threads one result of the block.
Value ColumnKernel::combineBlock(ArrayRef<Value> sums) {
  const int64_t width = across * sums.size();
  Value slot = add(mul(part, constant(width)), mul(lane, constant(sums.size())));
  if (shift) {
    // Moved by less than a group: what would lie before the first one has a group more in front.
    const int64_t wider = width + vector;
    slot =
        add(mul(part, constant(wider)), sub(mul(add(lane, constant(1)), constant(vector)), shift));
    return combineSlots(sums, slot, wider,
                        add(min(thread, constant(resultsOfBlock() - 1)), constant(vector)));
  }
  return combineSlots(sums, slot, width, min(thread, constant(width - 1)));
}

/// `width`: from the results of threads to those of the next ones down the rows; `own`: the first
/// one that this thread adds up.
Value ColumnKernel::combineSlots(ArrayRef<Value> sums, Value slot, int64_t width, Value own) {
  Type type = sums.front().getType();
  Type word = k->getI32Type();
  auto at = [&](Value number) {
    return g->at(g->shared(), type, arith::IndexCastOp::create(*k, word, number).getResult());
  };
  for (auto [e, sum] : llvm::enumerate(sums))
    g->store(sum, at(add(slot, constant(e))));
  g->barrier();
  Value all;
  for (int64_t p = 0; p < along; ++p) {
    Value sum = g->load(type, at(add(own, constant(p * width))));
    all = all ? combine(*k, all, sum) : sum;
  }
  return all;
}

void ColumnKernel::finish(DeviceKernel &kernel, Value result, Value sum) {
  SmallVector<Value> at;
  place(result, at);
  OpOperand &output = *op.getDpsInitsMutable().begin();
  AffineMap map = op.getMatchingIndexingMap(&output);
  Value memory = kernel.get(output.get()), initial = work.initialOf(output.get());
  Value before = initial ? kernel.get(initial) : loadElement(*k, memory, map, at);
  storeResult(kernel, op, behind, combine(*k, before, sum), at);
}

Value ColumnKernel::blocksOfAll() {
  if (!isShifted)
    return f.ceilDiv(results, resultsOfBlock());
  Value blocks = f.ceilDiv(extents[fast], resultsOfBlock());
  for (unsigned d : outer)
    blocks = f.mul(blocks, extents[d]);
  return blocks;
}

/// The first column of this thread, which may be before the row, and what else it needs to know of
/// rows that begin anywhere.
void ColumnKernel::placeShifted(Value block, Value from, SmallVectorImpl<Value> &at) {
  Value count = sizes[fast];
  Value windows = k->createOrFold<arith::CeilDivUIOp>(count, constant(resultsOfBlock()));
  Value window = k->createOrFold<arith::RemUIOp>(block, windows);
  Value number = k->createOrFold<arith::DivUIOp>(block, windows);
  at.assign(op.getNumLoops(), constant(0));
  place(mul(number, count), at);
  firstResult = add(mul(number, count), mul(window, constant(resultsOfBlock())));
  at[down] = add(from, part);
  Value offset = constant(0); ///< of the row
  for (OpOperand *input : op.getDpsInputOperands())
    if (*wideAccess(f, op, *input, fast) == Access::Wide) {
      offset = constant(0);
      for (AffineExpr e : op.getMatchingIndexingMap(input).getResults()) {
        unsigned d = cast<AffineDimExpr>(e).getPosition();
        offset = add(mul(offset, sizes[d]), at[d]);
      }
    }
  shift = rem(offset, vector);
  Value end = sub(count, constant(1)), last = sub(end, rem(add(end, shift), vector));
  Value own = add(mul(window, constant(resultsOfBlock())), mul(lane, constant(vector)));
  at[fast] = k->createOrFold<arith::MinSIOp>(sub(own, shift), last);
}

/// Its last group may end behind the memory: columns are read one at a time.
void ColumnKernel::takeLastRow(DeviceKernel &kernel, SmallVector<Value> at, Value from, Value to,
                               Values &sums) {
  Value last = sub(sizes[down], constant(1));
  Value isMine =
      k->createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, rem(sub(last, from), along), part);
  Value isOfPiece = k->createOrFold<arith::AndIOp>(less(last, to), less(from, to));
  isMine = k->createOrFold<arith::AndIOp>(isMine, isOfPiece);
  at[down] = last;
  Value first = at[fast];
  for (auto [e, sum] : llvm::enumerate(sums)) {
    Value column = add(first, constant(e));
    Value there = k->createOrFold<arith::AndIOp>(isMine, less(column, sizes[fast]));
    auto branch = scf::IfOp::create(*k, TypeRange(sum.getType()), there, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(*k);
    k->setInsertionPointToStart(branch.thenBlock());
    at[fast] = column;
    SmallVector<Value> arguments;
    for (OpOperand *input : op.getDpsInputOperands())
      arguments.push_back(
          loadElement(*k, kernel.get(input->get()), op.getMatchingIndexingMap(input), at));
    arguments.push_back(Value());
    llvm::SmallPtrSet<Operation *, 1> without{combine.op};
    IRMapping body = emitBody(kernel, op, arguments, at, without);
    scf::YieldOp::create(*k, combine(*k, sum, body.lookupOrDefault(combine.other)));
    k->setInsertionPointToStart(branch.elseBlock());
    scf::YieldOp::create(*k, sum);
    sum = branch.getResult(0);
  }
}

void ColumnKernel::launch(Value pieces, Value parts) {
  Value groups = f.b.createOrFold<arith::DivUIOp>(results, f.constant(vector));
  Value blocks = blocksOfAll();
  const std::string text =
      ("columns: " + llvm::Twine(vector) + " a thread" + (isShifted ? " from anywhere, " : ", ") +
       llvm::Twine(along) + " threads down the rows" + (parts ? ", in pieces" : ""))
          .str();
  DeviceKernel kernel = f.kernel(text, work.refusals);
  const int bytes = device::bytesOf(combine.other.getType());
  kernel.setShared((isShifted ? along * (across + 1) : blockThreads) * vector * bytes);
  getUses(kernel, op);
  useBehind(kernel, behind);
  for (linalg::FillOp fill : work.fills)
    kernel.get(fill.getDpsInputs().front());
  sizes.clear();
  for (Value v : extents)
    sizes.push_back(kernel.get(v));
  Value all = kernel.get(results), groupsOfAll = kernel.get(groups);
  Value numberOfPieces = kernel.get(pieces);
  ImplicitLocOpBuilder &b = kernel.builder();
  device::KernelSignature signature;
  signature.threads = blockThreads;
  device::GpuBuilder builder(b, signature);
  k = &b, g = &builder;
  thread = gpu::ThreadIdOp::create(b, gpu::Dimension::x);
  lane = rem(thread, across), part = div(thread, across);
  Value block = gpu::BlockIdOp::create(b, gpu::Dimension::x);
  Value piece = parts ? gpu::BlockIdOp::create(b, gpu::Dimension::y).getResult() : constant(0);
  SmallVector<Value> at;
  if (!isShifted) {
    // Threads without results read those of the last one.
    Value group = min(add(mul(block, constant(across)), lane), sub(groupsOfAll, constant(1)));
    place(mul(group, constant(vector)), at);
    firstResult = mul(block, constant(across * vector));
  }
  Value rows = sizes[down], from = constant(0), to = rows;
  if (parts) {
    // Whole steps.
    Value steps = b.createOrFold<arith::CeilDivUIOp>(
        b.createOrFold<arith::CeilDivUIOp>(rows, constant(along * unroll)), numberOfPieces);
    Value length = mul(steps, constant(along * unroll));
    from = min(mul(piece, length), rows);
    to = min(add(from, length), rows);
  }
  Value end = to;
  if (isShifted) {
    placeShifted(block, from, at);
    end = min(to, sub(rows, constant(1)));
  }
  Values sums = reduce(min(from, end), end, unroll, vector,
                       [&](ArrayRef<Value> numbers) { return rowsAt(kernel, at, numbers); });
  if (isShifted)
    takeLastRow(kernel, at, from, to, sums);
  Value sum = combineBlock(sums);
  Value result = add(firstResult, thread);
  Value isThere =
      b.createOrFold<arith::AndIOp>(less(thread, constant(resultsOfBlock())), less(result, all));
  if (isShifted) {
    Value row = b.createOrFold<arith::DivUIOp>(firstResult, sizes[fast]);
    Value behind = mul(add(row, constant(1)), sizes[fast]);
    isThere = b.createOrFold<arith::AndIOp>(isThere, less(result, behind));
  }
  when(isThere, [&] {
    if (parts)
      memref::StoreOp::create(b, sum, kernel.get(parts), add(mul(piece, all), result));
    else
      finish(kernel, result, sum);
  });
  Value one = f.constant(1);
  kernel.launch(f.b, {blocks, parts ? pieces : one, one}, blockThreads);
}

/// What pieces have left, all results of the first one in front.
void ColumnKernel::launchParts(Value pieces, Value parts) {
  DeviceKernel kernel = f.kernel("columns: pieces combined");
  kernel.setEarly();
  kernel.setShared(blockThreads * device::bytesOf(combine.other.getType()));
  kernel.get(op.getDpsInits().front());
  useBehind(kernel, behind);
  for (linalg::FillOp fill : work.fills)
    kernel.get(fill.getDpsInputs().front());
  sizes.clear();
  for (Value v : extents)
    sizes.push_back(kernel.get(v));
  Value all = kernel.get(results), count = kernel.get(pieces), memory = kernel.get(parts);
  ImplicitLocOpBuilder &b = kernel.builder();
  device::KernelSignature signature;
  signature.threads = blockThreads;
  device::GpuBuilder builder(b, signature);
  k = &b, g = &builder;
  thread = gpu::ThreadIdOp::create(b, gpu::Dimension::x);
  lane = rem(thread, across), part = div(thread, across);
  shift = Value();
  Value first = mul(gpu::BlockIdOp::create(b, gpu::Dimension::x), constant(across));
  Value own = min(add(first, lane), sub(all, constant(1)));
  Values sums = reduce(constant(0), count, unrollOfParts, 1, [&](ArrayRef<Value> numbers) {
    SmallVector<Values> elements;
    for (Value number : numbers)
      elements.push_back(
          {memref::LoadOp::create(b, memory, add(mul(number, all), own)).getResult()});
    return elements;
  });
  Value sum = combineBlock(sums), result = add(first, thread);
  Value isThere = b.createOrFold<arith::AndIOp>(less(thread, constant(across)), less(result, all));
  when(isThere, [&] { finish(kernel, result, sum); });
  kernel.launch(f.b, f.ceilDiv(results, across), blockThreads);
}

void ColumnKernel::lower(bool known, bool shift) {
  auto &b = f.b;
  isShifted = shift;
  if (known && (behind = opBehind(f, op)))
    f.taken.insert(behind);
  results = extents[fast];
  for (unsigned d : outer)
    results = f.mul(results, extents[d]);
  Value one = f.constant(1);
  Value blocks = b.createOrFold<arith::MaxSIOp>(blocksOfAll(), one);
  Value wanted = b.createOrFold<arith::CeilDivSIOp>(f.constant(manyBlocks), blocks);
  Value most = b.createOrFold<arith::DivUIOp>(extents[down], f.constant(rowsOfPiece));
  Value pieces = b.createOrFold<arith::MaxSIOp>(b.createOrFold<arith::MinSIOp>(wanted, most), one);
  f.branch(
      f.less(one, pieces),
      [&] {
        Value parts = memref::AllocOp::create(
            b, MemRefType::get({ShapedType::kDynamic}, combine.other.getType()),
            f.mul(pieces, results));
        launch(pieces, parts);
        launchParts(pieces, parts);
      },
      [&] { launch(one, Value()); });
}

} // namespace

bool lowerColumns(DeviceFunction &f, DeviceWork &work, unsigned fast, ArrayRef<Value> extents,
                  llvm::function_ref<void()> otherwise) {
  ColumnKernel kernel(f, work, fast, extents);
  if (!kernel.isFit())
    return false;
  Value holds = kernel.holds();
  std::optional<int64_t> whole = getConstantIntValue(holds);
  auto shifted = [&] {
    if (!kernel.canShift())
      return otherwise();
    Value isWorth = f.less(f.constant(kernel.fewest()), extents[fast]);
    const bool known = whole && getConstantIntValue(isWorth);
    f.branch(isWorth, [&] { kernel.lower(known, /*shift=*/true); }, otherwise);
  };
  f.branch(holds, [&] { kernel.lower(whole.has_value(), /*shift=*/false); }, shifted);
  return true;
}

} // namespace mad
