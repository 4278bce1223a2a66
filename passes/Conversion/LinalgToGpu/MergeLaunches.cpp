//===- MergeLaunches.cpp - One launch for several small kernels --------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A launch costs about two microseconds, which is more than small kernels take. Kernels that fit
// into one block run one after the other in it, with barriers where one needs what another has
// written. Those of several blocks that need nothing of each other run side by side, each in blocks
// of its own.
//
// Launches of a block of the host's code that follow each other without anything else between them
// are taken in an order that keeps what they need: all small ones that can run, then all others
// that can.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "passes/Conversion/GpuToRuntime/DeviceNames.h"
#include "passes/Conversion/LinalgToGpu/DeviceKernel.h"
#include "passes/Conversion/Passes.h"
#include "passes/Transforms/Entries.h"
#include "passes/Transforms/Memory.h"
#include "llvm/ADT/StringExtras.h"

namespace mad {
#define GEN_PASS_DEF_MERGELAUNCHES
#include "passes/Conversion/Passes.h.inc"

using namespace mlir;

namespace {

/// Threads of a block in which small kernels run, and blocks that others may have for being merged.
constexpr int64_t mostThreads = 1024, mostBlocks = 264, lanesOfWarp = 32;

/// Parameters of 8 bytes that merged kernels may have: all drivers take 4 KB.
constexpr int64_t mostParameters = 480;

/// Memory that a launch uses.
struct Access {
  Value base;   ///< null: any
  Value memory; ///< as it is passed
  bool writes = false;
};

struct Launch {
  gpu::LaunchFuncOp op;
  gpu::GPUFuncOp kernel;
  SmallVector<Access> accesses;
  int64_t blocks = 0, threads = 0; ///< 0: not known, or not along x alone
  bool isSmall = false, mayStandBeside = false;
  SmallVector<size_t> before; ///< launches that it must follow
  bool done = false;
};

/// What the launches of a group are passed together.
class Parameters {
public:
  /// Whether those of one more are few enough; then they are among them. The first one always is.
  bool add(gpu::LaunchFuncOp launch) {
    int64_t more = 0;
    for (Value operand : launch.getKernelOperands())
      if (!known.contains(operand))
        more += wordsOf(operand.getType());
    if (!known.empty() && words + more > mostParameters)
      return false;
    known.insert_range(launch.getKernelOperands());
    words += more;
    return true;
  }

private:
  /// A pointer, and sizes and strides that may be needed.
  static int64_t wordsOf(Type type) {
    auto memory = dyn_cast<MemRefType>(type);
    if (!memory)
      return 1;
    SmallVector<int64_t> all = memory.getStridesAndOffset().first;
    all.append(memory.getShape().begin(), memory.getShape().end());
    return 2 + llvm::count_if(all, ShapedType::isDynamic);
  }
  llvm::SmallPtrSet<Value, 16> known;
  int64_t words = 0;
};

/// What a thread or block is counted by.
enum class Counter { Thread, Block, Other };
Counter counterOf(Operation *op) {
  if (auto thread = dyn_cast<gpu::ThreadIdOp>(op))
    return thread.getDimension() == gpu::Dimension::x ? Counter::Thread : Counter::Other;
  if (auto block = dyn_cast<gpu::BlockIdOp>(op))
    return block.getDimension() == gpu::Dimension::x ? Counter::Block : Counter::Other;
  if (isa<NVVM::ThreadIdXOp>(op))
    return Counter::Thread;
  if (isa<NVVM::BlockIdXOp>(op))
    return Counter::Block;
  return Counter::Other;
}
bool isCounter(Operation *op) {
  return isa<gpu::ThreadIdOp, gpu::BlockIdOp, gpu::GridDimOp, gpu::BlockDimOp, gpu::LaneIdOp,
             gpu::SubgroupIdOp, NVVM::ThreadIdXOp, NVVM::ThreadIdYOp, NVVM::ThreadIdZOp,
             NVVM::BlockIdXOp, NVVM::BlockIdYOp, NVVM::BlockIdZOp, NVVM::GridDimXOp,
             NVVM::GridDimYOp, NVVM::GridDimZOp, NVVM::BlockDimXOp>(op);
}

/// Whether a kernel may write memory that it is passed.
bool mayWrite(BlockArgument argument) {
  SmallVector<Value> work{argument};
  llvm::SmallPtrSet<Value, 16> seen;
  while (!work.empty()) {
    Value value = work.pop_back_val();
    if (!seen.insert(value).second)
      continue;
    for (OpOperand &use : value.getUses()) {
      Operation *user = use.getOwner();
      if (isa<ViewLikeOpInterface, UnrealizedConversionCastOp, LLVM::GEPOp, memref::CastOp,
              LLVM::AddrSpaceCastOp>(user)) {
        llvm::append_range(work, user->getResults());
        continue;
      }
      if (isa<memref::LoadOp, memref::DimOp, LLVM::LoadOp, LLVM::PtrToIntOp>(user))
        continue;
      if (auto copy = dyn_cast<NVVM::CpAsyncOp>(user); copy && copy.getSrc() == value)
        continue;
      if (auto generic = dyn_cast<linalg::LinalgOp>(user); generic && !generic.isDpsInit(&use))
        continue;
      return true;
    }
  }
  return false;
}

/// Whether a thread that ends where checks fail may instead skip what is behind them.
bool endsAtChecksAlone(gpu::GPUFuncOp kernel) {
  auto isLast = [&](Operation *op) {
    while ((op = op->getParentOp()) != kernel)
      if (!isa<scf::IfOp>(op) || op->getNumResults() || !op->getNextNode() ||
          op->getNextNode() != op->getBlock()->getTerminator())
        return false;
    return true;
  };
  WalkResult all = kernel.walk([&](cf::AssertOp check) {
    return isLast(check) ? WalkResult::advance() : WalkResult::interrupt();
  });
  return !all.wasInterrupted();
}

/// Its threads come to the barriers behind it also where a check fails.
void skipBehindChecks(Block *body) {
  SmallVector<cf::AssertOp> checks;
  body->walk([&](cf::AssertOp check) { checks.push_back(check); });
  for (cf::AssertOp check : llvm::reverse(checks)) {
    OpBuilder b(check);
    auto good = scf::IfOp::create(b, check.getLoc(), check.getArg(), /*withElseRegion=*/false);
    Block *behind = good.thenBlock(), *here = check->getBlock();
    behind->getOperations().splice(behind->begin(), here->getOperations(),
                                   std::next(check->getIterator()),
                                   here->getTerminator()->getIterator());
    check.erase();
  }
}

class Merger {
public:
  Merger(func::FuncOp function, bool &changed)
      : function(function), changed(changed),
        status(function.getArgument(EntryArguments(function).status)) {}
  void run() {
    SmallVector<Block *> blocks;
    function.walk([&](Block *block) {
      if (llvm::any_of(*block, [](Operation &op) { return isa<gpu::LaunchFuncOp>(op); }))
        blocks.push_back(block);
    });
    for (Block *block : blocks)
      runOn(*block);
  }

private:
  void runOn(Block &block);
  void mergeAll(SmallVector<Launch> &launches);
  Launch describe(gpu::LaunchFuncOp op);
  bool mayOverlap(const Access &x, const Access &y, Block *block);
  bool conflict(const Launch &earlier, const Launch &later);
  bool disagree(const Launch &x, const Launch &y);
  /// A kernel in the making: what it is passed, and of which arguments nothing overlaps.
  struct Made {
    gpu::GPUFuncOp function;
    SmallVector<Value> operands;
    SmallVector<bool> apart;
    llvm::DenseMap<Value, unsigned> places;
  };
  void emit(ArrayRef<Launch *> launches, bool inOneBlock, Operation *behind);
  Value argumentOf(Launch &launch, unsigned i, Made &made, bool apart);
  void cloneBody(ImplicitLocOpBuilder &b, const Launch &launch, IRMapping &mapping, Value thread,
                 Value block);

  func::FuncOp function;
  bool &changed;
  Value status; ///< memory with the number of a failed check
};

/// Runs of launches with nothing between them that does more than compute.
void Merger::runOn(Block &block) {
  SmallVector<Launch> launches;
  auto flush = [&] {
    mergeAll(launches);
    launches.clear();
  };
  for (Operation &op : llvm::make_early_inc_range(block)) {
    if (auto launch = dyn_cast<gpu::LaunchFuncOp>(op))
      launches.push_back(describe(launch));
    else if (!isa<memref::AllocOp>(op) && !isMemoryEffectFree(&op))
      flush();
  }
  flush();
}

Launch Merger::describe(gpu::LaunchFuncOp op) {
  Launch made;
  made.op = op;
  made.kernel = SymbolTable::lookupNearestSymbolFrom<gpu::GPUFuncOp>(op, op.getKernel());
  for (auto [i, operand] : llvm::enumerate(op.getKernelOperands())) {
    if (!isa<MemRefType>(operand.getType()))
      continue;
    BlockArgument argument = made.kernel.getArgument(i);
    const bool reads = made.kernel.getArgAttr(i, apartAttribute) ||
                       made.kernel.getArgAttr(i, boxesAttribute) || !mayWrite(argument);
    made.accesses.push_back({baseOf(operand), operand, !reads});
  }
  auto known = [](Value v) { return getConstantIntValue(v).value_or(0); };
  gpu::KernelDim3 grid = op.getGridSizeOperandValues(), threads = op.getBlockSizeOperandValues();
  if (known(grid.y) != 1 || known(grid.z) != 1 || known(threads.y) != 1 || known(threads.z) != 1)
    return made;
  made.blocks = known(grid.x), made.threads = known(threads.x);
  if (!made.blocks || !made.threads || op.getAsyncToken() || !op.getAsyncDependencies().empty() ||
      made.kernel->getParentOfType<gpu::GPUModuleOp>().getName() != "kernels" ||
      !llvm::hasSingleElement(made.kernel.getBody()) ||
      !made.kernel.getWorkgroupAttributions().empty())
    return made;
  bool waits = false, plain = true;
  made.kernel.walk([&](Operation *inner) {
    waits |= isa<gpu::BarrierOp, NVVM::BarrierOp, NVVM::Barrier0Op>(inner) ||
             isa<LLVM::AddressOfOp>(inner);
    plain &= !isCounter(inner) || counterOf(inner) != Counter::Other;
  });
  Value shared = op.getDynamicSharedMemorySize();
  made.mayStandBeside = plain && (!shared || getConstantIntValue(shared)) &&
                        made.blocks <= mostBlocks &&
                        !made.kernel->hasAttr(NVVM::NVVMDialect::getMinctasmAttrName());
  const bool whole = made.threads % lanesOfWarp == 0 || made.blocks == 1;
  made.isSmall = plain && whole && !waits && !shared && made.blocks * made.threads <= mostThreads &&
                 endsAtChecksAlone(made.kernel);
  return made;
}

/// Whether memory is there before the block begins.
static bool isFromOutside(Value memory, Block *block) {
  while (Operation *op = memory.getDefiningOp()) {
    if (op->getBlock() != block)
      return true;
    auto view = dyn_cast<ViewLikeOpInterface>(op);
    if (!view)
      return false;
    memory = view.getViewSource();
  }
  return true;
}

/// Arguments of an entry overlap with nothing else; nor does memory of this round of a loop with
/// what was there before it.
bool Merger::mayOverlap(const Access &x, const Access &y, Block *block) {
  if (x.base && y.base)
    return x.base == y.base;
  auto isApart = [&](const Access &one, const Access &other) {
    return one.base && one.base.getDefiningOp<memref::AllocOp>() &&
           one.base.getDefiningOp()->getBlock() == block && block->getParentOp() != function &&
           isFromOutside(other.memory, block);
  };
  return !isApart(x, y) && !isApart(y, x);
}

/// A check may come before kernels that ask whether one has failed: then they do nothing, as all
/// that follows a failed check. Not while they run, see `disagree`.
bool Merger::conflict(const Launch &earlier, const Launch &later) {
  Block *block = earlier.op->getBlock();
  return llvm::any_of(earlier.accesses, [&](const Access &a) {
    return llvm::any_of(later.accesses, [&](const Access &b) {
      if (a.base && a.base == status && !a.writes)
        return false;
      return (a.writes || b.writes) && mayOverlap(a, b, block);
    });
  });
}

/// Whether one of two kernels asks for failed checks while the other one notes them: threads of a
/// block might not agree then.
bool Merger::disagree(const Launch &x, const Launch &y) {
  auto touches = [&](const Launch &launch, bool writes) {
    return llvm::any_of(launch.accesses, [&](const Access &a) {
      return a.base && a.base == status && a.writes == writes;
    });
  };
  return (touches(x, false) && touches(y, true)) || (touches(x, true) && touches(y, false));
}

void Merger::mergeAll(SmallVector<Launch> &launches) {
  if (launches.size() < 2)
    return;
  for (size_t i = 0; i < launches.size(); ++i)
    for (size_t j = 0; j < i; ++j)
      if (conflict(launches[j], launches[i]))
        launches[i].before.push_back(j);
  auto isReady = [&](const Launch &launch) {
    return !launch.done &&
           llvm::all_of(launch.before, [&](size_t before) { return launches[before].done; });
  };
  size_t left = launches.size();
  auto take = [&](Launch &launch, SmallVector<Launch *> &into) {
    launch.done = true;
    --left;
    into.push_back(&launch);
  };
  SmallVector<std::pair<SmallVector<Launch *>, bool>> groups;
  while (left) {
    SmallVector<Launch *> group;
    Parameters parameters;
    // What becomes ready by those before is among them.
    for (Launch &launch : launches)
      if (launch.isSmall && isReady(launch) && parameters.add(launch.op))
        take(launch, group);
    if (!group.empty()) {
      groups.push_back({group, true});
      continue;
    }
    SmallVector<Launch *> ready;
    for (Launch &launch : launches)
      if (isReady(launch))
        ready.push_back(&launch);
    int64_t blocks = ready.front()->blocks;
    parameters.add(ready.front()->op);
    take(*ready.front(), group);
    if (ready.front()->mayStandBeside)
      for (Launch *other : llvm::drop_begin(ready))
        if (other->mayStandBeside && other->threads == ready.front()->threads &&
            blocks + other->blocks <= mostBlocks &&
            llvm::none_of(group, [&](Launch *one) { return disagree(*one, *other); }) &&
            parameters.add(other->op)) {
          blocks += other->blocks;
          take(*other, group);
        }
    groups.push_back({group, false});
  }
  // Where the last one is all that they use is known.
  Operation *behind = launches.back().op->getNextNode();
  for (auto &[group, inOneBlock] : groups) {
    if (group.size() == 1)
      group.front()->op->moveBefore(behind);
    else
      emit(group, inOneBlock, behind);
  }
}

/// What stands for an operand of a launch in the new kernel. `apart`: nothing that is written
/// overlaps with it.
Value Merger::argumentOf(Launch &launch, unsigned i, Made &made, bool apart) {
  Value operand = launch.op.getKernelOperands()[i];
  Block &entry = made.function.front();
  apart &= bool(launch.kernel.getArgAttr(i, apartAttribute));
  auto [at, isNew] = made.places.try_emplace(operand, made.operands.size());
  if (isNew) {
    made.operands.push_back(operand);
    made.apart.push_back(apart);
    return entry.addArgument(operand.getType(), operand.getLoc());
  }
  made.apart[at->second] = made.apart[at->second] && apart;
  return entry.getArgument(at->second);
}

/// The body of a kernel as that of one of its threads.
void Merger::cloneBody(ImplicitLocOpBuilder &b, const Launch &launch, IRMapping &mapping,
                       Value thread, Value block) {
  gpu::GPUFuncOp kernel = launch.kernel;
  for (Operation &op : kernel.front().without_terminator())
    b.clone(op, mapping);
  // Counters of the clones, at any depth.
  SmallVector<Operation *> counters;
  b.getInsertionBlock()->walk([&](Operation *op) {
    if (isCounter(op) && op != thread.getDefiningOp() && op != block.getDefiningOp())
      counters.push_back(op);
  });
  for (Operation *op : counters) {
    Value count = counterOf(op) == Counter::Thread ? thread : block;
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(op);
    Type type = op->getResult(0).getType();
    if (type != count.getType())
      count = arith::IndexCastUIOp::create(b, type, count);
    op->getResult(0).replaceAllUsesWith(count);
    op->erase();
  }
}

/// One kernel for all of them, and its launch.
void Merger::emit(ArrayRef<Launch *> launches, bool inOneBlock, Operation *behind) {
  changed = true;
  ImplicitLocOpBuilder b(launches.front()->op.getLoc(), function.getContext());
  b.setInsertionPoint(launches.front()->kernel);
  Made made;
  made.function = gpu::GPUFuncOp::create(b, "merged", b.getFunctionType({}, {}));
  made.function->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), b.getUnitAttr());
  b.setInsertionPointToEnd(&made.function.front());
  gpu::ReturnOp::create(b);
  b.setInsertionPoint(made.function.front().getTerminator());
  auto index = [&](int64_t x) -> Value { return arith::ConstantIndexOp::create(b, x); };
  Value thread = gpu::ThreadIdOp::create(b, gpu::Dimension::x);
  Value block = inOneBlock ? Value() : gpu::BlockIdOp::create(b, gpu::Dimension::x).getResult();
  int64_t threads = lanesOfWarp, blocks = 0;
  for (Launch *launch : launches)
    threads = std::max(threads, inOneBlock ? launch->blocks * launch->threads : launch->threads);
  threads = llvm::alignTo(threads, lanesOfWarp);
  SmallVector<const Launch *> sinceBarrier;
  std::string choice = inOneBlock ? "in one block" : "side by side";
  for (Launch *launch : launches) {
    if (inOneBlock && llvm::any_of(sinceBarrier, [&](const Launch *other) {
          return conflict(*other, *launch);
        })) {
      gpu::BarrierOp::create(b);
      sinceBarrier.clear();
    }
    sinceBarrier.push_back(launch);
    IRMapping mapping;
    for (unsigned i = 0; i < launch->op.getNumKernelOperands(); ++i)
      mapping.map(launch->kernel.getArgument(i), argumentOf(*launch, i, made, !inOneBlock));
    Value mine = inOneBlock ? thread : arith::SubIOp::create(b, block, index(blocks)).getResult();
    Value isMine = arith::CmpIOp::create(
        b, arith::CmpIPredicate::ult, mine,
        index(inOneBlock ? launch->blocks * launch->threads : launch->blocks));
    auto guard = scf::IfOp::create(b, isMine, /*withElseRegion=*/false);
    {
      OpBuilder::InsertionGuard inside(b);
      b.setInsertionPoint(guard.thenBlock()->getTerminator());
      if (!inOneBlock)
        cloneBody(b, *launch, mapping, thread, mine);
      else if (launch->blocks == 1)
        cloneBody(b, *launch, mapping, thread, index(0));
      else
        cloneBody(b, *launch, mapping, arith::RemUIOp::create(b, thread, index(launch->threads)),
                  arith::DivUIOp::create(b, thread, index(launch->threads)));
      if (inOneBlock)
        skipBehindChecks(guard.thenBlock());
    }
    blocks += launch->blocks;
    auto text = launch->kernel->getAttrOfType<StringAttr>("choice");
    choice += (launch == launches.front() ? ": " : "; ") + (text ? text.str() : "a kernel");
  }
  made.function.setType(b.getFunctionType(made.function.front().getArgumentTypes(), {}));
  made.function->setAttr("choice", b.getStringAttr(choice));
  made.function.setKnownBlockSizeAttr(b.getDenseI32ArrayAttr({int32_t(threads), 1, 1}));
  for (auto [i, apart] : llvm::enumerate(made.apart))
    if (apart)
      made.function.setArgAttr(i, apartAttribute, b.getUnitAttr());
  // It takes the place of the first.
  StringAttr name = launches.front()->kernel.getNameAttr();
  for (Launch *launch : launches)
    launch->kernel.erase();
  SymbolTable::setSymbolName(made.function, name);
  b.setInsertionPoint(behind);
  int64_t shared = 0;
  for (Launch *launch : launches)
    if (Value bytes = launch->op.getDynamicSharedMemorySize())
      shared = std::max(shared, *getConstantIntValue(bytes));
  Value one = index(1), bytes;
  if (shared)
    bytes = arith::ConstantIntOp::create(b, shared, 32);
  gpu::LaunchFuncOp::create(b, made.function,
                            gpu::KernelDim3{index(inOneBlock ? 1 : blocks), one, one},
                            gpu::KernelDim3{index(threads), one, one}, bytes, made.operands);
  for (Launch *launch : launches)
    launch->op.erase();
}

struct MergeLaunchesPass : impl::MergeLaunchesBase<MergeLaunchesPass> {
  using MergeLaunchesBase::MergeLaunchesBase;

  void runOnOperation() override {
    bool changed = false;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (isEntry(function))
        Merger(function, changed).run();
    if (!changed)
      markAllAnalysesPreserved();
  }
};

} // namespace
} // namespace mad
