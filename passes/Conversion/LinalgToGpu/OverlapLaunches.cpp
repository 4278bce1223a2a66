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
// Blocks that wait hold registers and shared memory of a multiprocessor, so only kernels that have
// something to do meanwhile are launched early: those that copy weights first (`earlyKernel`).
//
//===----------------------------------------------------------------------===//
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

struct OverlapLaunchesPass : impl::OverlapLaunchesBase<OverlapLaunchesPass> {
  using OverlapLaunchesBase::OverlapLaunchesBase;

  void runOnOperation() override {
    for (auto kernel : getOperation().getOps<gpu::GPUFuncOp>()) {
      if (!kernel.isKernel())
        continue;
      if (waitsInTime(kernel)) {
        kernel->setAttr(earlyKernel, UnitAttr::get(kernel.getContext()));
        continue;
      }
      Block &entry = kernel.getBody().front();
      Operation *first = &*llvm::find_if(entry, [](Operation &op) {
        return op.hasTrait<OpTrait::IsTerminator>() || !isMemoryEffectFree(&op);
      });
      OpBuilder b(first);
      NVVM::GriddepcontrolOp::create(b, kernel.getLoc(),
                                     NVVM::GridDepActionKind::launch_dependents);
      NVVM::GriddepcontrolOp::create(b, kernel.getLoc(), NVVM::GridDepActionKind::wait);
    }
  }
};

} // namespace
} // namespace mad
