//===- GpuAsync.cpp - Copies in the background ------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "passes/Kernels/Gpu/GpuBuilder.h"

using namespace mlir;
using namespace mad::device;

static constexpr unsigned clusterSpace = 7;

void GpuBuilder::copyAsync(Value shared, Value global, int bytes, Value valid) {
  // Past the first cache where the instruction can: a tile is read once by a block.
  auto cache = bytes == 16 ? NVVM::LoadCacheModifierKind::CG : NVVM::LoadCacheModifierKind::CA;
  NVVM::CpAsyncOp::create(b, shared, global, static_cast<uint32_t>(bytes), cache, valid);
}
void GpuBuilder::commitCopies() { NVVM::CpAsyncCommitGroupOp::create(b); }
void GpuBuilder::waitCopies(int left) {
  NVVM::CpAsyncWaitGroupOp::create(b, static_cast<uint32_t>(left));
}

void GpuBuilder::barrierInit(Value barrier, int arrivals) {
  NVVM::MBarrierInitOp::create(b, barrier, number(arrivals), Value());
}
void GpuBuilder::fenceBarrierInit() { NVVM::FenceMbarrierInitOp::create(b); }
void GpuBuilder::barrierArrive(Value barrier) {
  // Another block's has no token, and orders what was before in the whole cluster.
  if (cast<LLVM::LLVMPointerType>(barrier.getType()).getAddressSpace() == clusterSpace)
    NVVM::MBarrierArriveOp::create(b, Type(), barrier, Value(), NVVM::MemScopeKind::CLUSTER);
  else
    NVVM::MBarrierArriveOp::create(b, b.getI64Type(), barrier, Value());
}
void GpuBuilder::barrierExpect(Value barrier, Number bytes) {
  NVVM::MBarrierArriveExpectTxOp::create(b, Type(), barrier, number(bytes), NVVM::MemScopeKind::CTA,
                                         /*relaxed=*/false, Value());
}
void GpuBuilder::barrierWait(Value barrier, Value parity) {
  constexpr int ticks = 10000000; // of one try; the instruction's lowering tries again
  NVVM::MBarrierTryWaitParityOp::create(b, barrier, parity, number(ticks));
}
void GpuBuilder::copyTensor(Value shared, Value map, Value barrier, ValueRange at, int blocks) {
  Value mask = blocks ? arith::ConstantOp::create(b, b.getI16IntegerAttr(blocks)) : Value();
  Value target = LLVM::AddrSpaceCastOp::create(
      b, LLVM::LLVMPointerType::get(b.getContext(), clusterSpace), shared);
  NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp::create(
      b, target, map, at, barrier, ValueRange(), mask, Value(), NVVM::TMALoadMode::TILE,
      /*isCTAOnly=*/false, NVVM::CTAGroupKindAttr(), Value());
}
void GpuBuilder::prefetchTensor(Value map, ValueRange at) {
  NVVM::CpAsyncBulkTensorPrefetchOp::create(b, map, at, ValueRange(), NVVM::TMALoadMode::TILE,
                                            Value());
}
void GpuBuilder::copyBulk(Value shared, Value global, Value bytes, Value barrier) {
  Value target = LLVM::AddrSpaceCastOp::create(
      b, LLVM::LLVMPointerType::get(b.getContext(), clusterSpace), shared);
  NVVM::CpAsyncBulkGlobalToSharedClusterOp::create(b, target, global, barrier, bytes, Value(),
                                                   Value());
}
void GpuBuilder::storeAsync(Value value, Value shared, Value barrier) {
  NVVM::InlinePtxOp::create(
      b, TypeRange(), ValueRange{shared, value, barrier}, ValueRange(),
      "st.async.shared::cluster.mbarrier::complete_tx::bytes.b64 [$0], $1, [$2];", Value());
}
void GpuBuilder::prefetchMap(Value map) {
  NVVM::PrefetchOp::create(b, /*cacheLevel=*/nullptr, /*evictPriority=*/nullptr, map,
                           /*predicate=*/Value(), /*tensormap=*/true, /*uniform=*/false,
                           /*in_param_space=*/false);
}
void GpuBuilder::runInClusters(int blocks) {
  Operation *kernel = b.getInsertionBlock()->getParentOp();
  if (!isa<gpu::GPUFuncOp>(kernel))
    kernel = kernel->getParentOfType<gpu::GPUFuncOp>();
  kernel->setAttr(NVVM::NVVMDialect::getClusterDimAttrName(),
                  b.getDenseI32ArrayAttr({blocks, 1, 1}));
}
Value GpuBuilder::clusterRank() { return NVVM::ClusterId::create(b, b.getI32Type()); }
void GpuBuilder::clusterArrive(bool relaxed) {
  if (relaxed)
    NVVM::ClusterArriveRelaxedOp::create(b, b.getUnitAttr());
  else
    NVVM::ClusterArriveOp::create(b, b.getUnitAttr());
}
void GpuBuilder::clusterWait() { NVVM::ClusterWaitOp::create(b, b.getUnitAttr()); }
Value GpuBuilder::inBlock(Value shared, Number rank) {
  return NVVM::MapaOp::create(b, LLVM::LLVMPointerType::get(b.getContext(), clusterSpace), shared,
                              number(rank));
}
void GpuBuilder::setRegisters(int count, bool more) {
  NVVM::SetMaxRegisterOp::create(
      b, count, more ? NVVM::SetMaxRegisterAction::increase : NVVM::SetMaxRegisterAction::decrease);
}
void GpuBuilder::fenceShared() {
  NVVM::FenceProxyOp::create(
      b, NVVM::ProxyKindAttr::get(b.getContext(), NVVM::ProxyKind::async_shared),
      NVVM::SharedSpaceAttr::get(b.getContext(), NVVM::SharedSpace::shared_cta));
}
