//===- DeviceLines.cpp - A thread for each line of serial work ---------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What has to be taken in order along lines, where no line needs anything of another.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Transforms/RegionUtils.h"
#include "passes/Conversion/LinalgToGpu/DeviceFunction.h"
#include "passes/Transforms/Lanes.h"

using namespace mlir;

namespace mad {

/// Lines take long: few of them are to have a multiprocessor each.
static constexpr int64_t lineThreads = 64;
/// Lanes are many.
static constexpr int64_t laneThreads = 128;

/// Whether a thread can do what a round of a loop does: it needs no memory of its own.
static bool fitsThread(scf::ForOp loop) {
  return !loop->walk([](Operation *op) {
                bool scalar = isa<scf::ForOp, scf::IfOp, scf::WhileOp, scf::YieldOp,
                                  scf::ConditionOp, memref::LoadOp, memref::StoreOp>(op) ||
                              isMemoryEffectFree(op);
                bool memory =
                    llvm::any_of(op->getResultTypes(), [](Type t) { return isa<MemRefType>(t); });
                return scalar && !memory && !isa<linalg::LinalgOp>(op) ? WalkResult::advance()
                                                                       : WalkResult::interrupt();
              })
              .wasInterrupted();
}

void separateLanes(func::FuncOp function) {
  SmallVector<scf::ForOp> loops;
  function.walk([&](scf::ForOp op) {
    if (op->hasAttr(lanesAttribute))
      loops.push_back(op);
  });
  for (scf::ForOp loop : loops) {
    if (loop.getNumResults() || !fitsThread(loop))
      continue;
    OpBuilder b(loop);
    auto made = scf::ParallelOp::create(b, loop.getLoc(), loop.getLowerBound(),
                                        loop.getUpperBound(), loop.getStep());
    made->setAttr(lanesAttribute, b.getUnitAttr());
    Block *from = loop.getBody(), *to = made.getBody();
    from->getArgument(0).replaceAllUsesWith(to->getArgument(0));
    to->getOperations().splice(to->begin(), from->getOperations(), from->begin(),
                               std::prev(from->end()));
    loop.erase();
  }
}

bool lowerLines(DeviceFunction &f, scf::ParallelOp op) {
  auto is = [](ValueRange values, int64_t number) {
    return llvm::all_of(values, [&](Value v) { return isConstantIntValue(v, number); });
  };
  if (op.getNumResults() || !is(op.getLowerBound(), 0) || !is(op.getStep(), 1) ||
      llvm::any_of(op.getUpperBound(), [&](Value v) { return f.scalars.isOnDevice(v); }))
    return false;
  Value total = f.constant(1);
  for (Value extent : op.getUpperBound())
    total = f.mul(total, extent);
  bool isLanes = op->hasAttr(lanesAttribute);
  int64_t blockThreads = isLanes ? laneThreads : lineThreads;
  Value blocks = f.ceilDiv(total, blockThreads);

  DeviceKernel kernel = f.kernel(isLanes ? "a thread a lane" : "a thread a line, in order");
  llvm::SetVector<Value> used;
  getUsedValuesDefinedAbove(op.getRegion(), used);
  for (Value v : used)
    kernel.get(v);
  SmallVector<Value> sizes;
  for (Value extent : op.getUpperBound())
    sizes.push_back(kernel.get(extent));
  ImplicitLocOpBuilder &k = kernel.builder();
  Value block = gpu::BlockIdOp::create(k, gpu::Dimension::x);
  Value thread = gpu::ThreadIdOp::create(k, gpu::Dimension::x);
  Value width = arith::ConstantIndexOp::create(k, blockThreads);
  Value id = arith::AddIOp::create(k, arith::MulIOp::create(k, block, width), thread);
  Value isInside = arith::CmpIOp::create(k, arith::CmpIPredicate::ult, id, kernel.get(total));
  auto guard = scf::IfOp::create(k, isInside, /*withElseRegion=*/false);
  k.setInsertionPoint(guard.thenBlock()->getTerminator());
  for (auto [variable, size] : llvm::reverse(llvm::zip(op.getInductionVars(), sizes))) {
    kernel.mapping().map(variable, arith::RemUIOp::create(k, id, size).getResult());
    id = arith::DivUIOp::create(k, id, size);
  }
  for (Operation &inner : op.getBody()->without_terminator())
    kernel.clone(&inner);
  kernel.launch(f.b, blocks, blockThreads);
  f.taken.insert(op);
  return true;
}

} // namespace mad
