//===- OverlapLaunches.cpp - Kernels that start before the one in front ends -===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Between two kernels a GPU stands idle for a microsecond or two: the last blocks end, the next
// grid is set up. Chips from 9.0 on start the next one meanwhile (programmatic dependent launch),
// if each kernel says where it needs what was before it. That a kernel waits means more than that
// the one in front has ended: that one has waited itself, so all before it have ended, too.
//
// Blocks that wait hold registers and shared memory of a multiprocessor, and the first ones go
// where there is room. So a kernel lets the next one start at its end, when its own blocks leave,
// or, if it has few of them, as soon as it has waited. Some gain by starting at once: those that
// copy weights first, and those of few blocks that wait (`DeviceKernel::setEarly`). So kernels that
// such follow wherever they are launched let go at their start, and those that copy weights do,
// whatever follows.
//
// Kernels in turns (`turnsKernel`) are launched early only with few blocks: one wave of them would
// be more on one multiprocessor than on another. Where threads of a block
// end apart (`apartKernel`), what is at the end makes them meet there: ptxas then makes slower
// code, and spills registers.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Conversion/Passes.h"
#include "passes/Target/CudaCode.h"

namespace mad {
#define GEN_PASS_DEF_OVERLAPLAUNCHES
#include "passes/Conversion/Passes.h.inc"

using namespace mlir;

namespace {
bool isWait(Operation *op) {
  auto control = dyn_cast<NVVM::GriddepcontrolOp>(op);
  return control && control.getKind() == NVVM::GridDepActionKind::wait;
}

/// Whether a kernel waits by itself, and before that does no more than copy what nobody writes, and
/// wait for such copies (FewRows*.cpp, Lut*.cpp).
bool waitsInTime(gpu::GPUFuncOp kernel) {
  bool waits = false;
  kernel.getBody().walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (isWait(op)) {
      waits = true;
      return WalkResult::interrupt();
    }
    const bool harmless =
        isa<scf::IfOp, scf::ForOp, scf::YieldOp, NVVM::GriddepcontrolOp, NVVM::CpAsyncOp,
            NVVM::CpAsyncCommitGroupOp, NVVM::CpAsyncWaitGroupOp, NVVM::MBarrierTryWaitParityOp,
            NVVM::PrefetchOp, NVVM::CpAsyncBulkTensorPrefetchOp, NVVM::MBarrierInitOp,
            NVVM::FenceMbarrierInitOp, NVVM::MBarrierArriveExpectTxOp, NVVM::BarrierOp,
            NVVM::SyncWarpOp, NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp, NVVM::ClusterArriveOp,
            NVVM::SetMaxRegisterOp, NVVM::ClusterArriveRelaxedOp>(op) ||
        isMemoryEffectFree(op);
    return harmless ? WalkResult::advance() : WalkResult::interrupt();
  });
  return waits;
}

/// Kernels behind all of whose launches come such as `gain` when they start at once.
llvm::DenseSet<StringAttr> inFrontOf(const llvm::DenseSet<StringAttr> &gain, ModuleOp module) {
  llvm::DenseSet<StringAttr> inFront, others;
  module.walk([&](func::FuncOp function) {
    StringAttr last;
    function.walk([&](gpu::LaunchFuncOp launch) {
      const StringAttr name = launch.getKernelName();
      if (last)
        (gain.contains(name) ? inFront : others).insert(last);
      last = name;
    });
    if (last)
      others.insert(last);
  });
  for (StringAttr name : others)
    inFront.erase(name);
  return inFront;
}

/// Leaves most multiprocessors to the next kernel.
constexpr int fewBlocks = 32;

void letGo(OpBuilder &b, Location loc) {
  NVVM::GriddepcontrolOp::create(b, loc, NVVM::GridDepActionKind::launch_dependents);
}

void letGoIfFew(OpBuilder &b, Location loc) {
  Value blocks = gpu::GridDimOp::create(b, loc, gpu::Dimension::x);
  for (gpu::Dimension dimension : {gpu::Dimension::y, gpu::Dimension::z})
    blocks = arith::MulIOp::create(b, loc, blocks, gpu::GridDimOp::create(b, loc, dimension));
  Value most = arith::ConstantIndexOp::create(b, loc, fewBlocks);
  Value few = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ule, blocks, most);
  auto branch = scf::IfOp::create(b, loc, few, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  letGo(b, loc);
}

/// Waits ahead of any memory, and lets the next one start, at once or later.
void overlap(gpu::GPUFuncOp kernel, bool atOnce) {
  const Location loc = kernel.getLoc();
  OpBuilder b(&*llvm::find_if(kernel.getBody().front(), [](Operation &op) {
    return op.hasTrait<OpTrait::IsTerminator>() || !isMemoryEffectFree(&op);
  }));
  if (atOnce)
    letGo(b, loc);
  NVVM::GriddepcontrolOp::create(b, loc, NVVM::GridDepActionKind::wait);
  if (atOnce)
    return;
  letGoIfFew(b, loc);
  if (kernel->hasAttr(apartKernel))
    return;
  for (auto end : kernel.getBody().getOps<gpu::ReturnOp>()) {
    b.setInsertionPoint(end);
    letGo(b, loc);
  }
}

struct OverlapLaunchesPass : impl::OverlapLaunchesBase<OverlapLaunchesPass> {
  using OverlapLaunchesBase::OverlapLaunchesBase;

  void runOnOperation() override {
    llvm::DenseSet<StringAttr> gain;
    SmallVector<gpu::GPUFuncOp> others;
    getOperation().walk([&](gpu::GPUFuncOp kernel) {
      if (!kernel.isKernel())
        return;
      const bool waits = waitsInTime(kernel);
      if (waits || kernel->hasAttr(earlyKernel))
        gain.insert(kernel.getNameAttr());
      if (!waits)
        others.push_back(kernel);
      kernel->setAttr(earlyKernel, UnitAttr::get(kernel.getContext()));
    });
    const llvm::DenseSet<StringAttr> inFront = inFrontOf(gain, getOperation());
    for (gpu::GPUFuncOp kernel : others)
      overlap(kernel, inFront.contains(kernel.getNameAttr()));
  }
};

} // namespace
} // namespace mad
