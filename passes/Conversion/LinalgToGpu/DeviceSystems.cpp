//===- DeviceSystems.cpp - Systems of an ensemble, a block each -------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A loop over lanes (passes/Transforms/Lanes.h) whose rounds work on tensors: more than a thread
// has registers for. A block does what a round does, one after the other: loops over elements are
// divided among its threads, with barriers between one that writes and the next; all threads
// compute all scalars, so that loops and branches are the same for all. Memory of a round is a part
// of one allocation, of which each block has its own. Blocks take up rounds in turns.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "mlir/Transforms/RegionUtils.h"
#include "passes/Conversion/LinalgToGpu/DeviceFunction.h"
#include "passes/Conversion/LinalgToGpu/DeviceRows.h"
#include "passes/Conversion/LinalgToGpu/RowCombiner.h"
#include "passes/Transforms/Kernels.h"
#include "passes/Transforms/Lanes.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using linalg::GenericOp;

namespace mad {
namespace {

/// Threads of a block; elements that one is to have at least, before there are more.
constexpr int64_t mostThreads = 256, elementsOfThread = 2;
/// Blocks, where there is memory for them; more than a chip has room for at once, since systems
/// take different times. A block for each multiprocessor may have more memory than `mostScratch`.
constexpr int64_t mostBlocks = 4096, fewestBlocks = 132;
constexpr int64_t mostScratch = int64_t(128) << 20, mostOfFewest = int64_t(8) << 30;
/// With larger tensors a system is work for the whole device: a block alone takes up to 70 times as
/// long, and 132 of them at a time twice as long as the device for one after the other (measured).
constexpr int64_t mostElements = int64_t(1) << 19;
constexpr int64_t alignment = 16;

/// What is known of a loop before it becomes a kernel.
struct SystemPlan {
  SmallVector<memref::AllocOp> memory; ///< of a round
  int64_t elements = 1;                ///< of the largest loop whose extents are known
  int64_t results = 1;                 ///< the most of such a loop, or what becomes a single one
  bool isDynamic = false;
  unsigned reductions = 0;
  RowThreads threads;
  /// On the host: where each begins in the memory of a round, and how long that is, in bytes.
  llvm::DenseMap<Operation *, Value> places;
  Value bytes;
};

/// Whether it adds up all elements by many threads.
bool isSpread(GenericOp op) {
  return op.getNumParallelLoops() == 0 && op.getNumReductionLoops() > 0 && combinersOf(op);
}

/// Threads of a block where extents are known when running.
constexpr int dynamicThreads = 128;

int64_t bytesOf(Type element) {
  return element.isIntOrFloat() ? llvm::divideCeil(element.getIntOrFloatBitWidth(), 8) : 8;
}

/// Where what is written lies: only the round's own memory, or its place in that of all.
bool isOwn(Value memory, scf::ForOp loop) {
  while (true) {
    Operation *op = memory.getDefiningOp();
    if (!op)
      return true;
    if (loop->isProperAncestor(op)) {
      auto view = dyn_cast<ViewLikeOpInterface>(op);
      if (!view)
        return true;
      memory = view.getViewSource();
      continue;
    }
    // Memory of before the loop that nobody else needs is of one round at a time.
    return !llvm::all_of(memory.getUsers(),
                         [&](Operation *user) { return loop->isProperAncestor(user); });
  }
}

/// Whether a thread can do what a loop does for an element: it needs no memory of its own.
bool fitsThread(linalg::LinalgOp op) {
  return !op->getRegion(0)
              .walk([](Operation *inner) {
                bool fits = isa<memref::LoadOp, scf::ForOp, scf::IfOp, scf::WhileOp, scf::YieldOp,
                                scf::ConditionOp, linalg::YieldOp>(inner) ||
                            isMemoryEffectFree(inner);
                return fits ? WalkResult::advance() : WalkResult::interrupt();
              })
              .wasInterrupted();
}

/// Takes up one op; false where a block cannot do it.
bool plan(Operation *op, scf::ForOp loop, SystemPlan &made) {
  if (auto memory = dyn_cast<memref::AllocOp>(op)) {
    made.memory.push_back(memory);
    return memory.getType().getLayout().isIdentity() &&
           llvm::all_of(memory.getOperands(),
                        [&](Value size) { return loop.isDefinedOutsideOfLoop(size); });
  }
  if (auto store = dyn_cast<memref::StoreOp>(op))
    return isOwn(store.getMemref(), loop);
  if (auto generic = dyn_cast<linalg::LinalgOp>(op)) {
    if (!isa<GenericOp, linalg::FillOp>(op) || !fitsThread(generic) ||
        !llvm::all_of(generic.getDpsInits(), [&](Value to) { return isOwn(to, loop); }))
      return false;
    int64_t work = 1, results = 1;
    for (auto [size, kind] :
         llvm::zip_equal(generic.getStaticLoopRanges(), generic.getIteratorTypesArray())) {
      const int64_t known = ShapedType::isDynamic(size) ? 1 : size;
      work *= known;
      results *= kind == utils::IteratorType::parallel ? known : 1;
    }
    made.elements = std::max(made.elements, work);
    made.results = std::max(made.results, generic.getNumParallelLoops() ? results : work);
    made.isDynamic |= generic.hasDynamicShape();
    if (auto sum = dyn_cast<GenericOp>(op); sum && isSpread(sum))
      made.reductions += combinersOf(sum)->size();
    return true;
  }
  return isa<scf::ForOp, scf::IfOp, scf::WhileOp, scf::YieldOp, scf::ConditionOp, memref::LoadOp,
             linalg::YieldOp>(op) ||
         isMemoryEffectFree(op);
}

std::optional<SystemPlan> planOf(scf::ForOp loop) {
  SystemPlan made;
  if (!loop->hasAttr(lanesAttribute) || loop.getNumResults() ||
      !isConstantIntValue(loop.getLowerBound(), 0) || !isConstantIntValue(loop.getStep(), 1))
    return {};
  bool possible = true, tensors = false;
  loop.getBody()->walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (!plan(op, loop, made)) {
      possible = false;
      return WalkResult::interrupt();
    }
    tensors |= isa<linalg::LinalgOp>(op);
    return isa<GenericOp>(op) ? WalkResult::skip() : WalkResult::advance();
  });
  if (!possible || !tensors || made.results > mostElements)
    return {};
  const auto wanted = int64_t(llvm::PowerOf2Ceil(made.elements / elementsOfThread));
  made.threads.along = made.isDynamic
                           ? dynamicThreads
                           : int(std::clamp<int64_t>(wanted, device::lanesOfWarp, mostThreads));
  made.threads.rows = 1;
  return made;
}

/// The kernel of a loop in the making.
class SystemKernel {
public:
  SystemKernel(DeviceKernel &kernel, const SystemPlan &plan)
      : kernel(kernel), plan(plan), b(kernel.builder()), combine(b, plan.threads) {}
  void emit(scf::ForOp loop, Value count, Value scratch);

private:
  using Values = SmallVector<Value>;
  void emitAll(Block &block);
  void emitOp(Operation *op);
  void emitRegions(Operation *op);
  void emitGeneric(GenericOp op);
  void emitSpread(GenericOp op, const DeviceWork &work, ArrayRef<Combiner> combiners);
  void emitElement(GenericOp op, const DeviceWork &work, ArrayRef<Value> extents, Values at);
  Values loops(GenericOp op, ArrayRef<Value> extents, ArrayRef<unsigned> dims, Values &at,
               ArrayRef<Value> carried);
  Values extentsOf(linalg::LinalgOp op);
  Value product(ArrayRef<Value> numbers);
  Values step(GenericOp op, ArrayRef<Value> at, ArrayRef<Value> carried);
  Value initialOf(const DeviceWork &work, OpOperand &init, ArrayRef<Value> at);
  void fillAlone(linalg::FillOp fill);
  /// Over numbers below `count`, shared out among the threads.
  Values shareOut(Value count, ArrayRef<Value> start,
                  llvm::function_ref<Values(Value, ArrayRef<Value>)> body);
  void byOne(llvm::function_ref<void()> body);
  void meet();
  void reads() {
    if (written)
      meet();
    read = true;
  }
  void writes() {
    if (written || read)
      meet();
    written = true;
  }
  Value constant(int64_t value) { return arith::ConstantIndexOp::create(b, value); }

  DeviceKernel &kernel;
  const SystemPlan &plan;
  ImplicitLocOpBuilder &b;
  RowCombiner combine;
  Value thread, scratch, begin; ///< the block's memory begins at a byte of all
  /// Of memory since the last barrier.
  bool read = false, written = false;
};

void SystemKernel::meet() {
  gpu::BarrierOp::create(b);
  read = written = false;
}

void SystemKernel::byOne(llvm::function_ref<void()> body) {
  Value isFirst = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, thread, constant(0));
  auto branch = scf::IfOp::create(b, isFirst, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(branch.thenBlock()->getTerminator());
  body();
}

SystemKernel::Values
SystemKernel::shareOut(Value count, ArrayRef<Value> start,
                       llvm::function_ref<Values(Value, ArrayRef<Value>)> body) {
  auto loop = scf::ForOp::create(b, thread, count, constant(plan.threads.threads()), start);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Values next = body(loop.getInductionVar(), llvm::to_vector_of<Value>(loop.getRegionIterArgs()));
  if (!start.empty())
    scf::YieldOp::create(b, next);
  return llvm::to_vector_of<Value>(loop.getResults());
}

//===----------------------------------------------------------------------===//
// Loops over elements
//===----------------------------------------------------------------------===//

Value SystemKernel::initialOf(const DeviceWork &work, OpOperand &init, ArrayRef<Value> at) {
  GenericOp op = work.op;
  if (!op.getNumReductionLoops() && op.getMatchingBlockArgument(&init).use_empty())
    return {};
  if (Value number = work.initialOf(init.get()))
    return kernel.get(number);
  return loadElement(b, kernel.get(init.get()), op.getMatchingIndexingMap(&init), at);
}

SystemKernel::Values SystemKernel::step(GenericOp op, ArrayRef<Value> at, ArrayRef<Value> carried) {
  Values arguments;
  for (OpOperand *input : op.getDpsInputOperands())
    arguments.push_back(
        loadElement(b, kernel.get(input->get()), op.getMatchingIndexingMap(input), at));
  llvm::append_range(arguments, carried);
  return emitBody(kernel, op, arguments, at);
}

SystemKernel::Values SystemKernel::extentsOf(linalg::LinalgOp op) {
  Values extents(op.getNumLoops());
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    for (auto [k, place] : llvm::enumerate(op.getMatchingIndexingMap(&operand).getResults()))
      if (auto d = dyn_cast<AffineDimExpr>(place); d && !extents[d.getPosition()])
        extents[d.getPosition()] =
            b.createOrFold<memref::DimOp>(kernel.get(operand.get()), constant(int64_t(k)));
  }
  return extents;
}

Value SystemKernel::product(ArrayRef<Value> numbers) {
  Value all = constant(1);
  for (Value number : numbers)
    all = b.createOrFold<arith::MulIOp>(all, number);
  return all;
}

SystemKernel::Values SystemKernel::loops(GenericOp op, ArrayRef<Value> extents,
                                         ArrayRef<unsigned> dims, Values &at,
                                         ArrayRef<Value> carried) {
  if (dims.empty())
    return step(op, at, carried);
  auto loop = scf::ForOp::create(b, constant(0), extents[dims.front()], constant(1), carried);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  at[dims.front()] = loop.getInductionVar();
  auto inside = llvm::to_vector_of<Value>(loop.getRegionIterArgs());
  scf::YieldOp::create(b, loops(op, extents, dims.drop_front(), at, inside));
  return llvm::to_vector_of<Value>(loop.getResults());
}

/// One element of each result, by one thread.
void SystemKernel::emitElement(GenericOp op, const DeviceWork &work, ArrayRef<Value> extents,
                               Values at) {
  SmallVector<unsigned> reduction;
  op.getReductionDims(reduction);
  Values start;
  for (OpOperand &init : op.getDpsInitsMutable())
    start.push_back(initialOf(work, init, at));
  Values made = loops(op, extents, reduction, at, start);
  for (auto [init, value] : llvm::zip_equal(op.getDpsInitsMutable(), made))
    storeElement(b, value, kernel.get(init.get()), op.getMatchingIndexingMap(&init), at);
}

/// All elements make one number: parts of them, which all threads then combine.
void SystemKernel::emitSpread(GenericOp op, const DeviceWork &work, ArrayRef<Combiner> combiners) {
  Values sizes = extentsOf(op), parts;
  for (const Combiner &each : combiners)
    parts.push_back(each.identityValue(b));
  parts = shareOut(product(sizes), parts, [&](Value number, ArrayRef<Value> carried) {
    return step(op, splitRow(b, number, sizes), carried);
  });
  Values totals;
  for (auto [each, part] : llvm::zip_equal(combiners, parts))
    totals.push_back(combine(each, part));
  Values origin(sizes.size(), constant(0));
  byOne([&] {
    for (auto [init, each, total] : llvm::zip_equal(op.getDpsInitsMutable(), combiners, totals)) {
      Value all = each(b, initialOf(work, init, origin), total);
      storeElement(b, all, kernel.get(init.get()), op.getMatchingIndexingMap(&init), origin);
    }
  });
}

void SystemKernel::emitGeneric(GenericOp op) {
  DeviceWork work{op, fillsBefore(op), {}};
  writes();
  getUses(kernel, op);
  if (isSpread(op))
    return emitSpread(op, work, *combinersOf(op));
  SmallVector<unsigned> parallel;
  op.getParallelDims(parallel);
  Values extents = extentsOf(op), at(extents.size(), constant(0)), sizes;
  for (unsigned d : parallel)
    sizes.push_back(extents[d]);
  Value count = product(sizes);
  if (isConstantIntValue(count, 1))
    return byOne([&] { emitElement(op, work, extents, at); });
  shareOut(count, {}, [&](Value number, ArrayRef<Value>) {
    for (auto [d, index] : llvm::zip_equal(parallel, splitRow(b, number, sizes)))
      at[d] = index;
    emitElement(op, work, extents, at);
    return Values();
  });
}

/// One that no loop over elements takes along.
void SystemKernel::fillAlone(linalg::FillOp fill) {
  Value number = kernel.get(fill.getDpsInputs().front());
  writes();
  Value to = kernel.get(fill.getDpsInits().front());
  Values sizes = extentsOf(fill);
  Value count = product(sizes);
  if (isConstantIntValue(count, 1))
    return byOne(
        [&] { memref::StoreOp::create(b, number, to, Values(sizes.size(), constant(0))); });
  shareOut(count, {}, [&](Value i, ArrayRef<Value>) {
    memref::StoreOp::create(b, number, to, splitRow(b, i, sizes));
    return Values();
  });
}

//===----------------------------------------------------------------------===//
// All of a round
//===----------------------------------------------------------------------===//

/// Whether a loop over elements begins with what the fill would write.
bool isTaken(linalg::FillOp fill) {
  for (Operation *o = fill->getNextNode(); o; o = o->getNextNode()) {
    if (auto op = dyn_cast<GenericOp>(o))
      if (llvm::is_contained(fillsBefore(op), fill))
        return true;
    if (!isa<linalg::FillOp, memref::AllocOp>(o) && !isMemoryEffectFree(o))
      return false;
  }
  return false;
}

/// What loops carry and branches decide by is the same for all threads.
void SystemKernel::emitRegions(Operation *op) {
  if (read || written)
    meet();
  for (Value operand : op->getOperands())
    kernel.get(operand);
  Operation *made = b.insert(op->cloneWithoutRegions(kernel.mapping()));
  for (auto [from, to] : llvm::zip_equal(op->getRegions(), made->getRegions()))
    for (Block &block : from) {
      OpBuilder::InsertionGuard guard(b);
      SmallVector<Location> locations(block.getNumArguments(), op->getLoc());
      Block *into = b.createBlock(&to, to.end(), block.getArgumentTypes(), locations);
      for (auto [old, argument] : llvm::zip_equal(block.getArguments(), into->getArguments()))
        kernel.mapping().map(old, argument);
      emitAll(block);
      if (read || written)
        meet();
      kernel.clone(block.getTerminator());
    }
  b.setInsertionPointAfter(made);
}

void SystemKernel::emitOp(Operation *op) {
  b.setLoc(op->getLoc());
  if (auto memory = dyn_cast<memref::AllocOp>(op)) {
    Value from = arith::AddIOp::create(b, begin, kernel.get(plan.places.lookup(op)));
    Values sizes;
    for (Value size : memory.getOperands())
      sizes.push_back(kernel.get(size));
    Value view = memref::ViewOp::create(b, memory.getType(), scratch, from, sizes);
    kernel.mapping().map(memory.getResult(), view);
  } else if (auto generic = dyn_cast<GenericOp>(op)) {
    emitGeneric(generic);
  } else if (auto fill = dyn_cast<linalg::FillOp>(op)) {
    if (!isTaken(fill))
      fillAlone(fill);
  } else if (isa<memref::StoreOp>(op)) {
    for (Value operand : op->getOperands())
      kernel.get(operand);
    writes();
    byOne([&] { kernel.clone(op); });
  } else if (op->getNumRegions()) {
    emitRegions(op);
  } else {
    if (isa<memref::LoadOp>(op))
      reads();
    kernel.clone(op);
  }
}

void SystemKernel::emitAll(Block &block) {
  for (Operation &op : block.without_terminator())
    emitOp(&op);
}

void SystemKernel::emit(scf::ForOp loop, Value count, Value memory) {
  thread = gpu::ThreadIdOp::create(b, gpu::Dimension::x);
  scratch = kernel.get(memory);
  Value block = gpu::BlockIdOp::create(b, gpu::Dimension::x);
  Value blocks = gpu::GridDimOp::create(b, gpu::Dimension::x);
  begin = arith::MulIOp::create(b, block, kernel.get(plan.bytes));
  auto turns = scf::ForOp::create(b, block, kernel.get(count), blocks);
  b.setInsertionPointToStart(turns.getBody());
  kernel.mapping().map(loop.getInductionVar(), turns.getInductionVar());
  emitAll(*loop.getBody());
  if (read || written)
    meet();
}

} // namespace

/// One behind the other; no bytes where only the device knows sizes.
static void placeMemory(DeviceFunction &f, SystemPlan &plan) {
  Value end = f.constant(alignment); // of none, too
  for (memref::AllocOp memory : plan.memory) {
    MemRefType type = memory.getType();
    Value bytes = f.constant(bytesOf(type.getElementType()));
    for (auto [d, extent] : llvm::enumerate(type.getShape())) {
      Value size = ShapedType::isDynamic(extent)
                       ? f.knownSize(memory.getDynamicSizes()[type.getDynamicDimIndex(unsigned(d))])
                       : f.constant(extent);
      if (!size)
        return;
      bytes = f.mul(bytes, size);
    }
    plan.places[memory] = end;
    bytes = f.mul(f.ceilDiv(bytes, alignment), f.constant(alignment));
    end = f.b.createOrFold<arith::AddIOp>(end, bytes);
  }
  plan.bytes = end;
}

bool isSystems(scf::ForOp loop) { return planOf(loop).has_value(); }

bool lowerSystems(DeviceFunction &f, scf::ForOp loop) {
  SystemPlan plan = *planOf(loop);
  Value count = f.knownSize(loop.getUpperBound());
  if (!count)
    return false;
  f.b.setInsertionPoint(loop);
  f.b.setLoc(loop.getLoc());
  placeMemory(f, plan);
  if (!plan.bytes)
    return false;
  Value room = f.b.createOrFold<arith::DivSIOp>(f.constant(mostScratch), plan.bytes);
  Value fewest = f.b.createOrFold<arith::DivSIOp>(f.constant(mostOfFewest), plan.bytes);
  fewest = f.b.createOrFold<arith::MinSIOp>(fewest, f.constant(fewestBlocks));
  fewest = f.b.createOrFold<arith::MaxSIOp>(fewest, f.constant(1));
  room = f.b.createOrFold<arith::MaxSIOp>(room, fewest);
  room = f.b.createOrFold<arith::MinSIOp>(room, f.constant(mostBlocks));
  Value blocks = f.b.createOrFold<arith::MinSIOp>(count, room);
  Value bytes = f.mul(blocks, plan.bytes);
  Value scratch =
      memref::AllocOp::create(f.b, MemRefType::get({ShapedType::kDynamic}, f.b.getI8Type()), bytes);
  DeviceKernel kernel =
      f.kernel("a block a system, of " + std::to_string(plan.threads.threads()) + " threads");
  kernel.setExchanges();
  kernel.setInTurns();
  kernel.setEndsApart();
  kernel.setShared(int64_t(plan.reductions) * plan.threads.sharedBytes());
  llvm::SetVector<Value> used;
  getUsedValuesDefinedAbove(loop.getRegion(), used);
  for (Value value : used)
    kernel.get(value);
  SystemKernel(kernel, plan).emit(loop, count, scratch);
  kernel.launch(f.b, blocks, plan.threads.threads());
  f.taken.insert(loop);
  return true;
}

} // namespace mad
