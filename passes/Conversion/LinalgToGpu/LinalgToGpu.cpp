//===- LinalgToGpu.cpp - Work on memory becomes kernels ----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All memory of an entry is the device's; the function stays on the host and
// launches kernels in order. Each linalg op is a kernel with a thread for each
// element of its result. Other ops that touch memory, with what lies between them,
// are kernels of one thread: loads and stores of single elements, checks, loops of
// little work. Where such a kernel computes scalars that are used later, it leaves
// them in cells of memory. Loops and branches around linalg ops stay on the host,
// which reads what it needs to know for them from the device.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/RegionUtils.h"
#include "passes/Conversion/LinalgToGpu/DeviceKernel.h"
#include "passes/Conversion/Passes.h"
#include "passes/Transforms/Entries.h"

using namespace mlir;
using linalg::GenericOp;

namespace mad {
#define GEN_PASS_DEF_LINALGTOGPU
#include "passes/Conversion/Passes.h.inc"

namespace {

/// Threads of a block where nothing else is asked for.
constexpr int64_t blockThreads = 256;
/// Linalg ops with fewer iterations do not pay for a launch of their own.
constexpr int64_t smallWork = 64;

bool touchesMemory(Operation *op) {
  return op
      ->walk([](Operation *inner) {
        bool touches =
            isa<memref::LoadOp, memref::StoreOp, memref::CopyOp, cf::AssertOp, linalg::LinalgOp>(
                inner);
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
      ->walk([&](linalg::LinalgOp inner) {
        return isLarge(inner) ? WalkResult::interrupt() : WalkResult::advance();
      })
      .wasInterrupted();
}

class DeviceMapping {
public:
  DeviceMapping(func::FuncOp function, gpu::GPUModuleOp kernels)
      : function(function), kernels(kernels), b(function.getLoc(), function.getContext()) {
    if (!entryList(function, "index_checks").empty())
      status = function.getArgument(EntryArguments(function).status);
  }
  LogicalResult run();

private:
  using Segment = llvm::SmallSetVector<Operation *, 16>;

  LogicalResult map(Block &block);
  LogicalResult addTo(Segment &segment, Operation *op);
  void flush(Segment &segment);
  LogicalResult launchGeneric(GenericOp op);
  LogicalResult needOnHost(OpOperand &operand);
  Value knownSize(Value size);
  Value cellOf(Value scalar);
  std::string nextName() { return (function.getName() + "$" + llvm::Twine(number++)).str(); }
  Value constant(int64_t value) { return arith::ConstantIndexOp::create(b, value); }

  func::FuncOp function;
  gpu::GPUModuleOp kernels;
  ImplicitLocOpBuilder b;
  DeviceScalars scalars;
  SmallVector<Operation *> moved; ///< ops that kernels have copies of
  Value status;
  unsigned number = 0;
};

LogicalResult DeviceMapping::run() {
  if (failed(map(function.front())))
    return failure();
  llvm::append_range(moved, scalars.derivedOps());
  for (Operation *op : moved)
    op->dropAllReferences();
  for (Operation *op : moved)
    op->erase();
  return success();
}

LogicalResult DeviceMapping::map(Block &block) {
  Segment segment;
  auto anyOnDevice = [&](Operation *op) {
    auto onDevice = [&](Value v) {
      return scalars.isOnDevice(v) || segment.contains(v.getDefiningOp());
    };
    llvm::SetVector<Value> used;
    getUsedValuesDefinedAbove(op->getRegions(), used);
    return llvm::any_of(op->getOperands(), onDevice) || llvm::any_of(used, onDevice);
  };
  for (Operation &op : llvm::make_early_inc_range(block.without_terminator())) {
    if (isa<memref::AllocOp, memref::AllocaOp>(op))
      continue;
    auto generic = dyn_cast<GenericOp>(op);
    if (generic && isLarge(generic)) {
      flush(segment);
      if (failed(launchGeneric(generic)))
        return failure();
    } else if (staysOnHost(&op)) {
      flush(segment);
      for (OpOperand &operand : op.getOpOperands())
        if (failed(needOnHost(operand)))
          return failure();
      for (Region &region : op.getRegions())
        for (Block &inner : region)
          if (failed(map(inner)))
            return failure();
    } else if (touchesMemory(&op) || (op.getNumRegions() > 0 && anyOnDevice(&op))) {
      if (failed(addTo(segment, &op)))
        return failure();
    } else if (anyOnDevice(&op)) {
      scalars.setDerived(&op);
    }
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
  DeviceKernel kernel(kernels, nextName(), b.getLoc(), scalars, status);
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
  kernel.launch(b, constant(1), 1);
  for (auto [result, cell] : cells)
    scalars.setCell(result, cell);
  llvm::append_range(moved, segment.getArrayRef());
  segment.clear();
}

/// The element of an operand, or the operand itself.
Value loadElement(ImplicitLocOpBuilder &b, Value operand, AffineMap map, ValueRange at) {
  if (!isa<MemRefType>(operand.getType()))
    return operand;
  auto indices = affine::expandAffineMap(b, b.getLoc(), map, at);
  return memref::LoadOp::create(b, operand, *indices);
}

/// What one thread does: `at` holds the indices of the parallel dimensions.
void emitElement(DeviceKernel &kernel, GenericOp op, SmallVector<Value> at,
                 ArrayRef<Value> extents) {
  ImplicitLocOpBuilder &b = kernel.builder();
  auto memory = [&](OpOperand &operand) { return kernel.get(operand.get()); };
  auto mapOf = [&](OpOperand &operand) { return op.getMatchingIndexingMap(&operand); };
  SmallVector<unsigned> reduction;
  op.getReductionDims(reduction);
  Value zero = arith::ConstantIndexOp::create(b, 0), one = arith::ConstantIndexOp::create(b, 1);
  for (unsigned d : reduction)
    at[d] = zero;
  SmallVector<Value> results;
  for (OpOperand &init : op.getDpsInitsMutable())
    results.push_back(loadElement(b, memory(init), mapOf(init), at));
  SmallVector<scf::ForOp> loops;
  for (unsigned d : reduction) {
    auto loop = scf::ForOp::create(b, zero, extents[d], one, results);
    loops.push_back(loop);
    b.setInsertionPointToStart(loop.getBody());
    at[d] = loop.getInductionVar();
    results.assign(loop.getRegionIterArgs().begin(), loop.getRegionIterArgs().end());
  }
  IRMapping body = kernel.mapping();
  for (OpOperand *input : op.getDpsInputOperands())
    body.map(op.getMatchingBlockArgument(input), loadElement(b, memory(*input), mapOf(*input), at));
  for (auto [init, value] : llvm::zip(op.getDpsInitsMutable(), results))
    body.map(op.getMatchingBlockArgument(&init), value);
  for (Operation &inner : op.getBody()->without_terminator())
    if (auto index = dyn_cast<linalg::IndexOp>(inner))
      body.map(index.getResult(), at[index.getDim()]);
    else
      b.clone(inner, body);
  SmallVector<Value> made;
  for (Value v : op.getBody()->getTerminator()->getOperands())
    made.push_back(body.lookupOrDefault(v));
  for (scf::ForOp loop : llvm::reverse(loops)) {
    scf::YieldOp::create(b, made);
    made.assign(loop.getResults().begin(), loop.getResults().end());
    b.setInsertionPointAfter(loop);
  }
  for (auto [init, value] : llvm::zip(op.getDpsInitsMutable(), made)) {
    auto indices = affine::expandAffineMap(b, b.getLoc(), mapOf(init), at);
    memref::StoreOp::create(b, value, memory(init), *indices);
  }
}

/// A size that the host can compute; null if there is none. Where memory begins may be
/// the device's to know, or which of two it is.
Value DeviceMapping::knownSize(Value size) {
  auto dim = size.getDefiningOp<memref::DimOp>();
  if (!dim || !scalars.isOnDevice(dim.getSource()))
    return scalars.isOnDevice(size) ? Value() : size;
  Operation *memory = dim.getSource().getDefiningOp();
  auto select = dyn_cast_or_null<arith::SelectOp>(memory);
  if (!select && !isa_and_nonnull<memref::CastOp>(memory))
    return {};
  Value same = select ? select.getTrueValue() : memory->getOperand(0);
  Value other = b.createOrFold<memref::DimOp>(same, dim.getIndex());
  dim.erase();
  return knownSize(other);
}

/// A thread for each element of the result.
LogicalResult DeviceMapping::launchGeneric(GenericOp op) {
  b.setInsertionPoint(op);
  b.setLoc(op.getLoc());
  SmallVector<Range> ranges =
      cast<linalg::LinalgOp>(op.getOperation()).createLoopRanges(b, op.getLoc());
  SmallVector<unsigned> parallel;
  op.getParallelDims(parallel);
  SmallVector<Value> extents;
  for (Range &range : ranges) {
    extents.push_back(knownSize(getValueOrCreateConstantIndexOp(b, op.getLoc(), range.size)));
    if (!extents.back())
      return op->emitError("the extents of this loop are known to the device only");
  }
  Value total = constant(1);
  for (unsigned d : parallel)
    total = b.createOrFold<arith::MulIOp>(total, extents[d]);
  int64_t threads = parallel.empty() ? 1 : blockThreads;
  Value blocks = b.createOrFold<arith::CeilDivSIOp>(total, constant(threads));

  DeviceKernel kernel(kernels, nextName(), op.getLoc(), scalars, status);
  // Before loops: what is computed for one use is there for all.
  llvm::SetVector<Value> used;
  getUsedValuesDefinedAbove(op.getRegion(), used);
  for (Value v : used)
    kernel.get(v);
  for (Value v : op->getOperands())
    kernel.get(v);
  SmallVector<Value> sizes;
  for (Value v : extents)
    sizes.push_back(kernel.get(v));
  ImplicitLocOpBuilder &k = kernel.builder();
  Value block = gpu::BlockIdOp::create(k, gpu::Dimension::x);
  Value thread = gpu::ThreadIdOp::create(k, gpu::Dimension::x);
  Value width = arith::ConstantIndexOp::create(k, threads);
  Value id = arith::AddIOp::create(k, arith::MulIOp::create(k, block, width), thread);
  Value isInside = arith::CmpIOp::create(k, arith::CmpIPredicate::ult, id, kernel.get(total));
  auto guard = scf::IfOp::create(k, isInside, /*withElseRegion=*/false);
  k.setInsertionPoint(guard.thenBlock()->getTerminator());
  SmallVector<Value> at(op.getNumLoops());
  for (unsigned d : llvm::reverse(parallel)) {
    if (d == parallel.front()) {
      at[d] = id;
      break;
    }
    at[d] = arith::RemUIOp::create(k, id, sizes[d]);
    id = arith::DivUIOp::create(k, id, sizes[d]);
  }
  emitElement(kernel, op, at, sizes);
  kernel.launch(b, blocks, threads);
  op.erase();
  return success();
}

/// Where the device keeps a scalar.
Value DeviceMapping::cellOf(Value scalar) {
  if (Value cell = scalars.cellOf(scalar))
    return cell;
  Value cell = memref::AllocOp::create(b, MemRefType::get({}, scalar.getType()));
  DeviceKernel kernel(kernels, nextName(), b.getLoc(), scalars, status);
  Value value = kernel.get(scalar);
  memref::StoreOp::create(kernel.builder(), value, kernel.get(cell));
  kernel.launch(b, constant(1), 1);
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
  Value cell = cellOf(value);
  auto type = MemRefType::get({}, value.getType());
  Value here;
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(&function.front());
    here = memref::AllocaOp::create(b, type);
  }
  gpu::MemcpyOp::create(b, /*asyncToken=*/Type(), ValueRange(), here, cell);
  operand.set(memref::LoadOp::create(b, here, ValueRange()));
  return success();
}

/// Ops with names and copies, as loops over elements.
LogicalResult generalize(func::FuncOp function) {
  IRRewriter rewriter(function.getContext());
  SmallVector<Operation *> ops;
  function.walk([&](Operation *op) {
    if (isa<memref::CopyOp, linalg::LinalgOp>(op) && !isa<GenericOp>(op))
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
      if (failed(generalize(function)) || failed(DeviceMapping(function, kernels).run()))
        return signalPassFailure();
    }
    getOperation()->setAttr(gpu::GPUDialect::getContainerModuleAttrName(), b.getUnitAttr());
  }
};

} // namespace
} // namespace mad
