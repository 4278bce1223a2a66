//===- Memory.cpp - Loads, stores and atomics -------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The access itself stays; a call before it checks it.
//
//===----------------------------------------------------------------------===//
#include "mlir/IR/Matchers.h"
#include "passes/Conversion/NvvmToSimt/Lowering.h"
#include "passes/Conversion/StrayLoad.h"
#include "llvm/Support/AtomicOrdering.h"

using namespace mlir;
using namespace mad::simt;

/// Flags of an access, as runtime/simt/Ops.h has them.
enum : uint32_t { Write = 1, Atomic = 2, Near = 4, Stray = 8 };

/// Whether a scope has other blocks than those of the cluster.
static bool isOfBlocks(std::optional<StringRef> scope) {
  return !scope || scope->empty() || *scope == "device";
}

bool mad::simt::isFenceOfBlocks(Operation *op) {
  auto strong = [](LLVM::AtomicOrdering ordering) {
    auto o = llvm::AtomicOrdering(ordering);
    return isAcquireOrStronger(o) || isReleaseOrStronger(o);
  };
  if (auto barrier = dyn_cast<NVVM::MembarOp>(op))
    return barrier.getScope() == NVVM::MemScopeKind::GPU ||
           barrier.getScope() == NVVM::MemScopeKind::SYS;
  if (auto fence = dyn_cast<LLVM::FenceOp>(op))
    return isOfBlocks(fence.getSyncscope());
  if (auto load = dyn_cast<LLVM::LoadOp>(op))
    return strong(load.getOrdering()) && isOfBlocks(load.getSyncscope());
  if (auto store = dyn_cast<LLVM::StoreOp>(op))
    return strong(store.getOrdering()) && isOfBlocks(store.getSyncscope());
  if (auto atomic = dyn_cast<LLVM::AtomicRMWOp>(op))
    return strong(atomic.getOrdering()) && isOfBlocks(atomic.getSyncscope());
  auto exchange = dyn_cast<LLVM::AtomicCmpXchgOp>(op);
  return exchange && strong(exchange.getSuccessOrdering()) && isOfBlocks(exchange.getSyncscope());
}

/// The variable that a pointer points into, if it comes straight from one.
static Value variableOf(Value p) {
  while (Operation *op = p.getDefiningOp()) {
    if (auto gep = dyn_cast<LLVM::GEPOp>(op))
      p = gep.getBase();
    else if (auto cast = dyn_cast<LLVM::AddrSpaceCastOp>(op))
      p = cast.getArg();
    else
      return isa<LLVM::AllocaOp, LLVM::AddressOfOp>(op) ? p : Value();
  }
  return {};
}

void Lowering::check(Operation *op, Value p, Type accessed, uint32_t access) {
  Location loc = op->getLoc();
  uint64_t size = bytes(accessed);
  const unsigned space = cast<LLVM::LLVMPointerType>(p.getType()).getAddressSpace();
  // Cells of two bytes are exact while nobody touches one of them alone, and so on.
  if (size % 2 != 0)
    need(ByteCells);
  if (size % 4 != 0 && space != Shared && space != SharedCluster)
    need(HalfWords);
  Value flags = constant(loc, access);
  if (Value variable = variableOf(p)) {
    uint64_t room = 0;
    if (auto alloca = variable.getDefiningOp<LLVM::AllocaOp>()) {
      APInt count;
      matchPattern(alloca.getArraySize(), m_ConstantInt(&count));
      room = count.getZExtValue() * bytes(alloca.getElemType());
    } else if (auto global = host.lookupSymbol<LLVM::GlobalOp>(
                   variable.getDefiningOp<LLVM::AddressOfOp>().getGlobalName())) {
      room = bytes(global.getType());
    }
    if (room) {
      call(loc, "object", nothing,
           {p, constant(loc, size), variable, constant(loc, room, 64), place(op)});
      return;
    }
  }
  StringRef name;
  switch (space) {
  case Shared:
    name = "shared";
    break;
  case SharedCluster:
    name = "shared_cluster";
    break;
  case Global:
    name = "global";
    break;
  default:
    name = "generic";
  }
  call(loc, name, nothing, {p, constant(loc, size), flags, place(op)});
}

void Lowering::checkOrdered(Operation *op, Value p, Type accessed, uint32_t access,
                            LLVM::AtomicOrdering ordering, std::optional<StringRef> scope) {
  if (ordering == LLVM::AtomicOrdering::not_atomic)
    return check(op, p, accessed, access);
  const bool fences = isFenceOfBlocks(op);
  if (fences && isReleaseOrStronger(llvm::AtomicOrdering(ordering)))
    call(op->getLoc(), "fence", nothing, {});
  check(op, p, accessed, access | Atomic | (isOfBlocks(scope) ? 0 : Near));
  if (!fences || !isAcquireOrStronger(llvm::AtomicOrdering(ordering)))
    return;
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointAfter(op);
  call(op->getLoc(), "fence", nothing, {});
}

Lowering::Lowered Lowering::lowerMemory(Operation *op) {
  Location loc = op->getLoc();
  if (auto load = dyn_cast<LLVM::LoadOp>(op)) {
    checkOrdered(op, load.getAddr(), load.getType(), op->hasAttr(mad::strayLoad) ? Stray : 0,
                 load.getOrdering(), load.getSyncscope());
    return success();
  }
  if (auto store = dyn_cast<LLVM::StoreOp>(op)) {
    checkOrdered(op, store.getAddr(), store.getValue().getType(), Write, store.getOrdering(),
                 store.getSyncscope());
    return success();
  }
  if (auto atomic = dyn_cast<LLVM::AtomicRMWOp>(op)) {
    checkOrdered(op, atomic.getPtr(), atomic.getVal().getType(), Write, atomic.getOrdering(),
                 atomic.getSyncscope());
    atomic.setSyncscope(std::nullopt);
    return success();
  }
  if (auto exchange = dyn_cast<LLVM::AtomicCmpXchgOp>(op)) {
    checkOrdered(op, exchange.getPtr(), exchange.getVal().getType(), Write,
                 exchange.getSuccessOrdering(), exchange.getSyncscope());
    exchange.setSyncscope(std::nullopt);
    return success();
  }
  if (auto address = dyn_cast<LLVM::AddressOfOp>(op)) {
    auto found = shared.offsets.find(address.getGlobalName());
    if (found == shared.offsets.end())
      return success();
    Value base = LLVM::LoadOp::create(b, loc, pointer, at(loc, thread, SharedBase));
    Value made = at(loc, base, found->second);
    // Users still look at the address space.
    made = LLVM::AddrSpaceCastOp::create(b, loc, address.getType(), made);
    address.getRes().replaceAllUsesWith(made);
    op->erase();
    return success();
  }
  if (isa<NVVM::PrefetchOp, NVVM::CpAsyncBulkTensorPrefetchOp, NVVM::MembarOp, LLVM::FenceOp>(op)) {
    if (isFenceOfBlocks(op))
      call(loc, "fence", nothing, {});
    op->erase(); // accesses of fibers happen in order
    return success();
  }
  // Other operations on memory would go unchecked.
  StringRef name = op->getName().getStringRef();
  if (name.starts_with("llvm.intr.") && !name.starts_with("llvm.intr.lifetime") &&
      !name.starts_with("llvm.intr.assume"))
    for (Type type : op->getOperandTypes())
      if (isa<LLVM::LLVMPointerType>(type))
        return op->emitOpError("has no emulation");
  return std::nullopt;
}
