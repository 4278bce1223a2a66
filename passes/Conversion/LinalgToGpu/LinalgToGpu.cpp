//===- LinalgToGpu.cpp - Work on memory becomes kernels ----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All memory of an entry is the device's; the function stays on the host and
// launches kernels in order. Linalg ops, and groups of them that share rows, are kernels of
// the families of DeviceFunction.h. Other ops that touch memory, with what lies between them,
// are kernels of one thread: loads and stores of single elements, checks, loops of
// little work. Where such a kernel computes scalars that are used later, it leaves
// them in cells of memory. Loops and branches around linalg ops stay on the host,
// which reads what it needs to know for them from the device.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "mlir/Transforms/RegionUtils.h"
#include "passes/Conversion/LinalgToGpu/DeviceAttention.h"
#include "passes/Conversion/LinalgToGpu/DeviceBehind.h"
#include "passes/Conversion/LinalgToGpu/DeviceTiles.h"
#include "passes/Conversion/Passes.h"
#include "passes/Transforms/Entries.h"
#include "passes/Transforms/Kernels.h"
#include "passes/Transforms/Remarks.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using linalg::GenericOp;

namespace mad {
#define GEN_PASS_DEF_LINALGTOGPU
#include "passes/Conversion/Passes.h.inc"

namespace {

/// Linalg ops with fewer iterations do not pay for a launch of their own.
constexpr int64_t smallWork = 16;

/// Memory is the device's, whatever op it is that reads or writes it.
bool touchesMemory(Operation *op) {
  return op
      ->walk([](Operation *inner) {
        auto effects = dyn_cast<MemoryEffectOpInterface>(inner);
        bool touches = isa<cf::AssertOp, linalg::LinalgOp>(inner) ||
                       (effects && (effects.hasEffect<MemoryEffects::Read>() ||
                                    effects.hasEffect<MemoryEffects::Write>()));
        return touches ? WalkResult::interrupt() : WalkResult::advance();
      })
      .wasInterrupted();
}

bool isLarge(linalg::LinalgOp op) {
  int64_t work = 1;
  for (int64_t size : op.getStaticLoopRanges()) {
    if (ShapedType::isDynamic(size))
      return true;
    work = llvm::SaturatingMultiply<uint64_t>(work, size);
  }
  return work >= smallWork;
}

/// Loops and branches that the host runs: those around much work, and those that say
/// which memory is used next.
bool staysOnHost(Operation *op) {
  if (!isa<scf::SCFDialect>(op->getDialect()))
    return false;
  if (llvm::any_of(op->getResults(),
                   [](Value v) { return isa<MemRefType>(v.getType()) && !v.use_empty(); }))
    return true;
  return op
      ->walk([&](Operation *inner) {
        auto loops = dyn_cast<linalg::LinalgOp>(inner);
        bool much = isa<scf::ParallelOp, CumulateMemoryOp, SortMemoryOp, ScatterMemoryOp,
                        lut::ExpandIntoOp, lut::UnpackIntoOp>(inner) ||
                    (loops && isLarge(loops));
        return much ? WalkResult::interrupt() : WalkResult::advance();
      })
      .wasInterrupted();
}

/// The op that a fill goes along with.
GenericOp ownerOf(linalg::FillOp fill) {
  for (Operation *o = fill->getNextNode(); o; o = o->getNextNode()) {
    if (auto op = dyn_cast<GenericOp>(o))
      return llvm::is_contained(fillsBefore(op), fill) ? op : GenericOp();
    if (!isa<linalg::FillOp>(o) && !isMemoryEffectFree(o))
      return {};
  }
  return {};
}

class DeviceMapping {
public:
  DeviceMapping(func::FuncOp function, gpu::GPUModuleOp kernels) : f(function, kernels) {}
  LogicalResult run();

private:
  using Segment = llvm::SmallSetVector<Operation *, 16>;

  LogicalResult map(Block &block);
  bool hasKernel(GenericOp op);
  std::optional<LogicalResult> mapKernels(Operation *op, Segment &segment);
  std::optional<LogicalResult> mapGeneric(Operation *op, Segment &segment);
  LogicalResult mapInside(Operation *op);
  void findGroups(Block &block);
  void findAttentions(Block &block);
  LogicalResult addTo(Segment &segment, Operation *op);
  void flush(Segment &segment);
  bool lowerOrdered(Operation &op);
  LogicalResult launch(GenericOp op);
  LogicalResult launch(linalg::FillOp op);
  LogicalResult launchMember(GenericOp op);
  LogicalResult launchAttention(GenericOp op);
  LogicalResult needOnHost(OpOperand &operand);
  Value cellOf(Value scalar);
  void tell(Location loc, const std::string &what);
  void tell(const Segment &segment);

  DeviceFunction f;
  ImplicitLocOpBuilder &b = f.b;
  DeviceScalars &scalars = f.scalars;
  unsigned told = 0; ///< kernels that remarks have named
};

/// The choice of a kernel, whichever module it is in.
std::string choiceOf(gpu::GPUModuleOp kernels, StringRef name) {
  for (auto module : kernels->getParentOfType<ModuleOp>().getOps<gpu::GPUModuleOp>())
    if (auto kernel = module.lookupSymbol<gpu::GPUFuncOp>(name))
      if (auto choice = kernel->getAttrOfType<StringAttr>("choice"))
        return choice.str();
  return "";
}

/// A remark on the kernels made since the last one, if there are any.
void DeviceMapping::tell(Location loc, const std::string &what) {
  unsigned first = std::exchange(told, f.numKernels());
  if (!wantsRemarks(loc.getContext()) || first == told)
    return;
  SmallVector<std::string> lines;
  for (unsigned i = first; i < told; ++i)
    lines.push_back(f.kernelName(i) + ": " + choiceOf(f.kernels, f.kernelName(i)));
  if (lines.size() == 1)
    remarkTaken(loc, what + ": " + lines.front());
  else
    remarkTaken(loc, what + ": " + llvm::Twine(lines.size()) + " kernels, by sizes or in turn",
                lines);
}

/// What of one thread's work may take long: loops, which have no other kernel.
void DeviceMapping::tell(const Segment &segment) {
  unsigned first = std::exchange(told, f.numKernels());
  Location loc = segment.front()->getLoc();
  if (!wantsRemarks(loc.getContext()))
    return;
  int64_t loops = 0, checks = 0, small = 0;
  for (Operation *op : segment) {
    bool loop = isa<LoopLikeOpInterface>(op) && !isa<linalg::LinalgOp>(op);
    if (loop && !loops)
      loc = op->getLoc();
    loops += loop;
    checks += isa<cf::AssertOp>(op);
    small += !loop && !isa<cf::AssertOp>(op);
  }
  SmallVector<std::string> parts;
  auto count = [&](int64_t number, StringRef one, StringRef more) {
    if (number)
      parts.push_back(std::to_string(number) + " " + (number == 1 ? one : more).str());
  };
  count(loops, "loop that has no kernel of many threads",
        "loops that have no kernel of many threads");
  count(checks, "check", "checks");
  count(small, "op of little work", "ops of little work");
  std::string text = "runs as one thread: " + f.kernelName(first) + ": " + llvm::join(parts, ", ");
  loops ? remarkMissed(loc, text) : remarkTaken(loc, text);
}

LogicalResult DeviceMapping::run() {
  if (failed(map(f.function.front())))
    return failure();
  SmallVector<Operation *> gone(f.taken.begin(), f.taken.end());
  llvm::append_range(gone, scalars.derivedOps());
  for (Operation *op : gone)
    op->dropAllReferences();
  for (Operation *op : gone)
    op->erase();
  return success();
}

/// Groups with enough work for a kernel.
void DeviceMapping::findGroups(Block &block) {
  rows::forGroups(block, isMemberOfRows, [&](std::unique_ptr<rows::Group> found) {
    std::shared_ptr<rows::Group> group = std::move(found);
    if (llvm::none_of(group->members, [](rows::Member &member) { return isLarge(member.op); }))
      return false;
    for (rows::Member &member : group->members)
      f.groups[member.op] = group;
    return true;
  });
}

/// Their ops are in no group.
void DeviceMapping::findAttentions(Block &block) {
  for (GenericOp product : block.getOps<GenericOp>()) {
    if (f.attentions.contains(product) || !isLarge(product))
      continue;
    std::shared_ptr<Attention> found = findAttention(f, product);
    if (!found)
      continue;
    for (Operation *op : found->ops) {
      f.attentions[op] = found;
      if (std::shared_ptr<rows::Group> group = f.groups.lookup(op))
        for (rows::Member &member : group->members)
          f.groups.erase(member.op);
    }
  }
}

/// Products, rows, fills and other generic ops that have kernels.
std::optional<LogicalResult> DeviceMapping::mapGeneric(Operation *op, Segment &segment) {
  auto fill = dyn_cast<linalg::FillOp>(op);
  auto generic = dyn_cast<GenericOp>(op);
  if ((!fill || !isLarge(fill)) && (!generic || !hasKernel(generic)))
    return std::nullopt;
  flush(segment);
  if (fill)
    return launch(fill);
  if (f.attentions.contains(generic))
    return launchAttention(generic);
  if (f.groups.contains(generic))
    return launchMember(generic);
  return launch(generic);
}

/// Whether a generic op is a kernel or a part of one.
bool DeviceMapping::hasKernel(GenericOp op) {
  return f.attentions.contains(op) || f.groups.contains(op) || isLarge(op);
}

/// Launches the kernels of an op that has any, behind what the segment holds; nothing where it has
/// none.
std::optional<LogicalResult> DeviceMapping::mapKernels(Operation *op, Segment &segment) {
  if (isa<GenericOp, linalg::FillOp>(op))
    return mapGeneric(op, segment);
  auto done = [&](bool known, StringRef what) -> LogicalResult {
    if (!known)
      return op->emitError() << what << " is known to the device only";
    return success();
  };
  if (auto lines = dyn_cast<scf::ParallelOp>(op)) {
    flush(segment);
    b.setInsertionPoint(lines);
    b.setLoc(lines.getLoc());
    return done(lowerLines(f, lines), "the number of these lines");
  }
  if (auto lanes = dyn_cast<scf::ForOp>(op); lanes && isSystems(lanes)) {
    flush(segment);
    return done(lowerSystems(f, lanes), "the number of these systems");
  }
  if (auto tiles = dyn_cast<lut::UnpackIntoOp>(op)) {
    flush(segment);
    takeTiles(f, tiles, [&](Operation *user) {
      auto reader = dyn_cast<GenericOp>(user);
      return reader && isLarge(reader) && !f.groups.contains(reader) &&
             !f.attentions.contains(reader) &&
             !llvm::is_contained(reader.getDpsInits(), tiles.getInit());
    });
    return success();
  }
  if (auto words = dyn_cast<lut::ExpandIntoOp>(op)) {
    flush(segment);
    expandWords(f, words);
    return success();
  }
  if (isa<CumulateMemoryOp, SortMemoryOp, ScatterMemoryOp>(op)) {
    flush(segment);
    if (!lowerOrdered(*op))
      return op->emitError("the extents of these lines are known to the device only");
    return success();
  }
  return std::nullopt;
}

/// The host runs the op, and launches what is inside.
LogicalResult DeviceMapping::mapInside(Operation *op) {
  for (OpOperand &operand : op->getOpOperands())
    if (failed(needOnHost(operand)))
      return failure();
  for (Region &region : op->getRegions())
    for (Block &inner : region)
      if (failed(map(inner)))
        return failure();
  return success();
}

LogicalResult DeviceMapping::map(Block &block) {
  findGroups(block);
  findAttentions(block);
  Segment segment;
  auto anyOnDevice = [&](Operation *op) {
    auto onDevice = [&](Value v) {
      return scalars.isOnDevice(v) || segment.contains(v.getDefiningOp());
    };
    llvm::SetVector<Value> used;
    getUsedValuesDefinedAbove(op->getRegions(), used);
    return llvm::any_of(op->getOperands(), onDevice) || llvm::any_of(used, onDevice);
  };
  // Families move ops, and launch what comes later.
  for (Operation *op : llvm::to_vector(
           llvm::map_range(block.without_terminator(), [](Operation &op) { return &op; }))) {
    if (isa<memref::AllocOp, memref::AllocaOp>(op) || f.taken.contains(op))
      continue;
    Location loc = op->getLoc();
    std::string what = wantsRemarks(loc.getContext()) ? describe(op) : "";
    auto fill = dyn_cast<linalg::FillOp>(op);
    GenericOp owner = fill ? ownerOf(fill) : GenericOp();
    if (owner && hasKernel(owner))
      continue;
    if (std::optional<LogicalResult> mapped = mapKernels(op, segment)) {
      if (failed(*mapped))
        return failure();
    } else if (staysOnHost(op)) {
      flush(segment);
      remarkTaken(loc, what + ": stays on the host, which launches what is inside");
      if (failed(mapInside(op)))
        return failure();
    } else if (touchesMemory(op) || (op->getNumRegions() > 0 && anyOnDevice(op))) {
      if (failed(addTo(segment, op)))
        return failure();
    } else if (anyOnDevice(op)) {
      scalars.setDerived(op);
    }
    tell(loc, what);
  }
  flush(segment);
  for (OpOperand &operand : block.getTerminator()->getOpOperands())
    if (failed(needOnHost(operand)))
      return failure();
  return success();
}

/// Memory that the op allocates for itself is there before.
LogicalResult DeviceMapping::addTo(Segment &segment, Operation *op) {
  SmallVector<memref::AllocOp> buffers;
  op->walk([&](memref::AllocOp buffer) { buffers.push_back(buffer); });
  for (memref::AllocOp buffer : buffers) {
    for (Value size : buffer.getOperands())
      if (op->isAncestor(size.getParentRegion()->getParentOp()))
        return buffer->emitError("the size of this memory is known inside of a loop only");
    buffer->moveBefore(op);
  }
  segment.insert(op);
  return success();
}

/// One thread runs the ops.
void DeviceMapping::flush(Segment &segment) {
  if (segment.empty())
    return;
  Block *block = segment.front()->getBlock();
  b.setInsertionPointAfter(segment.back());
  b.setLoc(segment.front()->getLoc());
  DeviceKernel kernel = f.kernel("one thread");
  SmallVector<std::pair<Value, Value>> cells;
  for (Operation *op : segment) {
    kernel.clone(op);
    for (Value result : op->getResults())
      if (llvm::any_of(result.getUsers(), [&](Operation *user) {
            return !segment.contains(block->findAncestorOpInBlock(*user));
          }))
        cells.push_back(
            {result, memref::AllocOp::create(b, MemRefType::get({}, result.getType()))});
  }
  for (auto [result, cell] : cells)
    memref::StoreOp::create(kernel.builder(), kernel.get(result), kernel.get(cell));
  kernel.launch(b, f.constant(1), 1);
  for (auto [result, cell] : cells)
    scalars.setCell(result, cell);
  tell(segment);
  f.taken.insert_range(segment);
  segment.clear();
}

/// What has kernels of its own.
bool DeviceMapping::lowerOrdered(Operation &op) {
  if (auto cumulate = dyn_cast<CumulateMemoryOp>(op))
    return lowerCumulate(f, cumulate);
  if (auto sort = dyn_cast<SortMemoryOp>(op))
    return lowerSort(f, sort);
  return lowerScatter(f, cast<ScatterMemoryOp>(op));
}

/// Tries the families of kernels, the fastest first.
LogicalResult DeviceMapping::launch(GenericOp op) {
  f.b.setInsertionPoint(op);
  f.b.setLoc(op.getLoc());
  DeviceWork work{op, fillsBefore(op), {}};
  if (lowerProduct(f, work))
    return success();
  decodeTilesOf(f, work.op);
  if (lowerReduction(f, work) || lowerWide(f, work) || lowerRowMap(f, work) ||
      lowerElements(f, work))
    return success();
  return work.op->emitError("the extents of this loop are known to the device only");
}

LogicalResult DeviceMapping::launch(linalg::FillOp op) {
  IRRewriter rewriter(op->getContext());
  rewriter.setInsertionPoint(op);
  FailureOr<GenericOp> generic = linalg::generalizeNamedOp(rewriter, op);
  return failed(generic) ? failure() : launch(*generic);
}

/// A group is computed in place of its last member.
LogicalResult DeviceMapping::launchMember(GenericOp op) {
  std::shared_ptr<rows::Group> group = f.groups.lookup(op);
  if (group->members.back().op != op)
    return success();
  f.b.setInsertionPoint(op);
  f.b.setLoc(op.getLoc());
  if (lowerGroup(f, *group))
    return success();
  for (rows::Member &member : group->members)
    f.groups.erase(member.op);
  for (rows::Member &member : group->members)
    if (failed(launch(member.op)))
      return failure();
  return success();
}

/// An attention is computed in place of its last op.
LogicalResult DeviceMapping::launchAttention(GenericOp op) {
  std::shared_ptr<Attention> attention = f.attentions.lookup(op);
  if (attention->last() != op)
    return success();
  f.b.setInsertionPoint(op);
  f.b.setLoc(op.getLoc());
  if (lowerAttention(f, *attention))
    return success();
  for (Operation *one : attention->ops)
    f.attentions.erase(one);
  for (Operation *one : attention->ops)
    if (failed(launch(cast<GenericOp>(one))))
      return failure();
  return success();
}

/// Where the device keeps a scalar.
Value DeviceMapping::cellOf(Value scalar) {
  if (Value cell = scalars.cellOf(scalar))
    return cell;
  Value cell = memref::AllocOp::create(b, MemRefType::get({}, scalar.getType()));
  DeviceKernel kernel = f.kernel("one thread");
  Value value = kernel.get(scalar);
  memref::StoreOp::create(kernel.builder(), value, kernel.get(cell));
  kernel.launch(b, f.constant(1), 1);
  return cell;
}

/// What the host decides by is read from the device.
LogicalResult DeviceMapping::needOnHost(OpOperand &operand) {
  Value value = operand.get();
  if (!scalars.isOnDevice(value))
    return success();
  if (isa<MemRefType>(value.getType()))
    return operand.getOwner()->emitError("memory whose place only the device knows");
  b.setInsertionPoint(operand.getOwner());
  b.setLoc(operand.getOwner()->getLoc());
  remarkMissed(b.getLoc(), "the host waits for what kernels have computed, to decide by it");
  Value cell = cellOf(value);
  told = f.numKernels();
  auto type = MemRefType::get({}, value.getType());
  Value here;
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(&f.function.front());
    here = memref::AllocaOp::create(b, type);
  }
  gpu::MemcpyOp::create(b, /*asyncToken=*/Type(), ValueRange(), here, cell);
  operand.set(memref::LoadOp::create(b, here, ValueRange()));
  return success();
}

/// Ops with names and copies, as loops over elements. Fills go along with others as they are.
LogicalResult generalize(func::FuncOp function) {
  IRRewriter rewriter(function.getContext());
  SmallVector<Operation *> ops;
  function.walk([&](Operation *op) {
    if (isa<memref::CopyOp, linalg::LinalgOp>(op) && !isa<GenericOp, linalg::FillOp>(op))
      ops.push_back(op);
  });
  for (Operation *op : ops) {
    rewriter.setInsertionPoint(op);
    if (auto copy = dyn_cast<memref::CopyOp>(op)) {
      linalg::makeMemRefCopyOp(rewriter, op->getLoc(), copy.getSource(), copy.getTarget());
      rewriter.eraseOp(op);
    } else if (failed(linalg::generalizeNamedOp(rewriter, cast<linalg::LinalgOp>(op)))) {
      return op->emitError("has no form as a loop");
    }
  }
  return success();
}

/// Tables of constants lie in the module of the kernels, where the host cannot name them:
/// those that a loop or a choice of the host hands on are copied first.
void copyTables(func::FuncOp function) {
  SmallVector<memref::GetGlobalOp> tables;
  function.walk([&](memref::GetGlobalOp op) { tables.push_back(op); });
  for (memref::GetGlobalOp table : tables) {
    OpBuilder b(table->getContext());
    b.setInsertionPointAfter(table);
    Value copy;
    for (OpOperand &use : llvm::make_early_inc_range(table->getUses())) {
      Operation *user = use.getOwner();
      if (!isa<scf::SCFDialect>(user->getDialect()) && !isa<arith::SelectOp>(user))
        continue;
      if (!copy) {
        copy = memref::AllocOp::create(b, table.getLoc(), table.getType());
        memref::CopyOp::create(b, table.getLoc(), table, copy);
      }
      use.set(copy);
    }
  }
}

struct LinalgToGpuPass : impl::LinalgToGpuBase<LinalgToGpuPass> {
  using LinalgToGpuBase::LinalgToGpuBase;

  void runOnOperation() override {
    auto b = OpBuilder::atBlockEnd(getOperation().getBody());
    auto kernels = gpu::GPUModuleOp::create(b, getOperation().getLoc(), "kernels");
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (!isEntry(function))
        continue;
      copyTables(function);
      separateLanes(function);
      joinScalars(function);
      if (failed(generalize(function)) || failed(DeviceMapping(function, kernels).run()))
        return signalPassFailure();
    }
    getOperation()->setAttr(gpu::GPUDialect::getContainerModuleAttrName(), b.getUnitAttr());
  }
};

} // namespace
} // namespace mad
