//===- Synchronise.cpp - Barriers, operations of a warp, mbarriers ---------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/IR/Matchers.h"
#include "passes/Conversion/NvvmToSimt/Lowering.h"

using namespace mlir;
using namespace mad::simt;

//===----------------------------------------------------------------------===//
// Barriers of the block
//===----------------------------------------------------------------------===//

Lowering::Lowered Lowering::lowerBarrier(Operation *op) {
  Location loc = op->getLoc();
  auto zero = [&] { return constant(loc, 0); };
  if (isa<NVVM::Barrier0Op>(op)) {
    call(loc, "barrier", word, {zero(), zero(), zero(), zero(), place(op)});
    op->erase();
    return success();
  }
  if (auto barrier = dyn_cast<NVVM::BarrierOp>(op)) {
    Value number = barrier.getBarrierId(), count = barrier.getNumberOfThreads();
    Value predicate = barrier.getReductionPredicate();
    int reduce = barrier.getReductionOp() ? int(*barrier.getReductionOp()) + 1 : 0;
    Value made = call(loc, "barrier", word,
                      {number ? number : zero(), count ? count : zero(), constant(loc, reduce),
                       predicate ? predicate : zero(), place(op)});
    if (op->getNumResults())
      op->getResult(0).replaceAllUsesWith(made);
    op->erase();
    return success();
  }
  if (auto arrive = dyn_cast<NVVM::BarrierArriveOp>(op)) {
    Value number = arrive.getBarrierId();
    return replace(op, "barrier_arrive",
                   {number ? number : zero(), arrive.getNumberOfThreads(), place(op)});
  }
  // Nothing of them shows here.
  if (isa<NVVM::SetMaxRegisterOp, NVVM::WgmmaFenceAlignedOp, NVVM::NanosleepOp,
          NVVM::GriddepcontrolOp>(op)) {
    op->erase();
    return success();
  }
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Clusters
//===----------------------------------------------------------------------===//

Lowering::Lowered Lowering::lowerCluster(Operation *op) {
  Location loc = op->getLoc();
  if (auto arrive = dyn_cast<NVVM::ClusterArriveOp>(op))
    return replace(op, "cluster_arrive",
                   {constant(loc, arrive.getAligned().value_or(false)), place(op)});
  if (auto arrive = dyn_cast<NVVM::ClusterArriveRelaxedOp>(op))
    return replace(op, "cluster_arrive",
                   {constant(loc, arrive.getAligned().value_or(false)), place(op)});
  if (isa<NVVM::ClusterWaitOp>(op))
    return replace(op, "cluster_wait", {place(op)});
  if (auto map = dyn_cast<NVVM::MapaOp>(op)) {
    auto from = cast<LLVM::LLVMPointerType>(map.getA().getType());
    if (from.getAddressSpace() == Generic)
      return op->emitOpError("has no emulation: of an address without a memory space");
    Value made = call(loc, "mapa", pointer, {map.getA(), map.getB(), place(op)});
    // Users still look at the address space.
    made = LLVM::AddrSpaceCastOp::create(b, loc, op->getResult(0).getType(), made);
    op->getResult(0).replaceAllUsesWith(made);
    op->erase();
    return success();
  }
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Operations of a warp
//===----------------------------------------------------------------------===//

/// Lets a struct of a 32-bit value and a predicate take the place of the op: the halves of
/// `packed`.
static void replaceByPair(OpBuilder &b, Operation *op, Value packed) {
  Location loc = op->getLoc();
  auto type = cast<LLVM::LLVMStructType>(op->getResult(0).getType());
  Value shift = LLVM::ConstantOp::create(b, loc, packed.getType(), b.getI64IntegerAttr(32));
  Value high = LLVM::LShrOp::create(b, loc, packed, shift);
  Value value = LLVM::TruncOp::create(b, loc, b.getI32Type(), packed);
  Value valid = LLVM::TruncOp::create(b, loc, b.getI1Type(), high);
  if (type.getBody()[0] != value.getType())
    value = LLVM::BitcastOp::create(b, loc, type.getBody()[0], value);
  Value pair = LLVM::PoisonOp::create(b, loc, type);
  pair = LLVM::InsertValueOp::create(b, loc, pair, value, ArrayRef<int64_t>{0});
  pair = LLVM::InsertValueOp::create(b, loc, pair, valid, ArrayRef<int64_t>{1});
  op->getResult(0).replaceAllUsesWith(pair);
  op->erase();
}

/// The same for a value of 32 bits or a predicate.
static void replaceByValue(OpBuilder &b, Operation *op, Value value) {
  Location loc = op->getLoc();
  Type type = op->getResult(0).getType();
  if (!value.getType().isInteger(32))
    value = LLVM::TruncOp::create(b, loc, b.getI32Type(), value);
  if (type.isInteger(1))
    value = LLVM::TruncOp::create(b, loc, type, value);
  else if (type != value.getType())
    value = LLVM::BitcastOp::create(b, loc, type, value);
  op->getResult(0).replaceAllUsesWith(value);
  op->erase();
}

Lowering::Lowered Lowering::lowerWarp(Operation *op) {
  Location loc = op->getLoc();
  if (auto sync = dyn_cast<NVVM::SyncWarpOp>(op))
    return replace(op, "syncwarp", {sync.getMask(), place(op)});
  if (auto shuffle = dyn_cast<NVVM::ShflOp>(op)) {
    Value made = call(loc, "shfl", wide,
                      {constant(loc, int(shuffle.getKind())), shuffle.getThreadMask(),
                       asWord(loc, shuffle.getVal()), shuffle.getOffset(),
                       shuffle.getMaskAndClamp(), place(op)});
    if (isa<LLVM::LLVMStructType>(shuffle.getType()))
      replaceByPair(b, op, made);
    else
      replaceByValue(b, op, made);
    return success();
  }
  if (auto vote = dyn_cast<NVVM::VoteSyncOp>(op)) {
    Value predicate = LLVM::ZExtOp::create(b, loc, word, vote.getPred());
    replaceByValue(
        b, op,
        call(loc, "vote", word,
             {constant(loc, int(vote.getKind())), vote.getMask(), predicate, place(op)}));
    return success();
  }
  if (auto redux = dyn_cast<NVVM::ReduxOp>(op)) {
    if (!redux.getVal().getType().isInteger(32))
      return op->emitOpError("has no emulation for floating point");
    return replace(
        op, "redux",
        {constant(loc, int(redux.getKind())), redux.getMaskAndClamp(), redux.getVal(), place(op)});
  }
  if (auto match = dyn_cast<NVVM::MatchSyncOp>(op)) {
    Value value = match.getVal();
    if (!value.getType().isInteger(64))
      value = LLVM::ZExtOp::create(b, loc, wide, value);
    bool all = match.getKind() == NVVM::MatchSyncKind::all;
    Value made =
        call(loc, "match", wide, {constant(loc, all), match.getThreadMask(), value, place(op)});
    if (all)
      replaceByPair(b, op, made);
    else
      replaceByValue(b, op, made);
    return success();
  }
  if (auto elect = dyn_cast<NVVM::ElectSyncOp>(op)) {
    Value mask = elect.getMembermask() ? elect.getMembermask() : constant(loc, -1);
    replaceByValue(b, op, call(loc, "elect", word, {mask, place(op)}));
    return success();
  }
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// mbarriers and fences
//===----------------------------------------------------------------------===//

Lowering::Lowered Lowering::lowerMbarrier(Operation *op) {
  Location loc = op->getLoc();
  auto relaxed = [&](auto arrive) { return arrive.getRelaxed(); };
  auto inCluster = [&](Value p) {
    return cast<LLVM::LLVMPointerType>(p.getType()).getAddressSpace() == SharedCluster;
  };
  // What was before an arrival at another block is before the wait there in this scope alone.
  auto tooNear = [&](auto arrive) {
    return inCluster(arrive.getAddr()) && arrive.getScope() == NVVM::MemScopeKind::CTA;
  };
  if (auto init = dyn_cast<NVVM::MBarrierInitOp>(op)) {
    if (init.getPredicate())
      predicate(op, init.getPredicate());
    return replace(op, "mbarrier_init", {init.getAddr(), init.getCount(), place(op)});
  }
  if (auto inval = dyn_cast<NVVM::MBarrierInvalOp>(op))
    return replace(op, "mbarrier_inval", {inval.getAddr(), place(op)});
  if (auto arrive = dyn_cast<NVVM::MBarrierArriveOp>(op)) {
    if (relaxed(arrive) || tooNear(arrive))
      return op->emitOpError("has no emulation: relaxed, or of another block in the scope of one");
    Value count = arrive.getCount() ? arrive.getCount() : constant(loc, 1);
    Value made =
        call(loc, "mbarrier_arrive", wide, {arrive.getAddr(), count, constant(loc, 0), place(op)});
    if (op->getNumResults())
      op->getResult(0).replaceAllUsesWith(made);
    op->erase();
    return success();
  }
  if (auto arrive = dyn_cast<NVVM::MBarrierArriveExpectTxOp>(op)) {
    if (relaxed(arrive) || tooNear(arrive) || (arrive.getPredicate() && op->getNumResults()))
      return op->emitOpError(
          "has no emulation: relaxed, of another block in the scope of one, or a "
          "token under a predicate");
    if (arrive.getPredicate())
      predicate(op, arrive.getPredicate());
    Value made = call(loc, "mbarrier_arrive", wide,
                      {arrive.getAddr(), constant(loc, 1), arrive.getTxcount(), place(op)});
    if (op->getNumResults())
      op->getResult(0).replaceAllUsesWith(made);
    op->erase();
    return success();
  }
  if (auto expect = dyn_cast<NVVM::MBarrierExpectTxOp>(op)) {
    if (inCluster(expect.getAddr()))
      return op->emitOpError("has no emulation: of another block");
    return replace(op, "mbarrier_expect", {expect.getAddr(), expect.getTxcount(), place(op)});
  }
  if (auto wait = dyn_cast<NVVM::MBarrierTryWaitParityOp>(op))
    return replace(op, "mbarrier_wait", {wait.getAddr(), wait.getPhase(), place(op)});
  if (isa<NVVM::FenceMbarrierInitOp>(op))
    return replace(op, "fence_mbarrier", {});
  if (auto fence = dyn_cast<NVVM::FenceProxyOp>(op)) {
    bool async = fence.getKind() == NVVM::ProxyKind::async ||
                 fence.getKind() == NVVM::ProxyKind::async_shared;
    if (async)
      return replace(op, "fence_proxy", {});
    op->erase();
    return success();
  }
  return std::nullopt;
}
