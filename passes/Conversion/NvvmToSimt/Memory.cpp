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

using namespace mlir;
using namespace mad::simt;

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

void Lowering::check(Operation *op, Value p, Type accessed, bool write, bool atomic) {
  Location loc = op->getLoc();
  uint64_t size = bytes(accessed);
  // Cells of two bytes are exact while nobody touches one of them alone.
  if (size % 2 != 0)
    need(ByteCells);
  Value flags = constant(loc, (write ? 1 : 0) | (atomic ? 2 : 0));
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
  switch (cast<LLVM::LLVMPointerType>(p.getType()).getAddressSpace()) {
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

Lowering::Lowered Lowering::lowerMemory(Operation *op) {
  Location loc = op->getLoc();
  if (auto load = dyn_cast<LLVM::LoadOp>(op)) {
    check(op, load.getAddr(), load.getType(), false,
          load.getOrdering() != LLVM::AtomicOrdering::not_atomic);
    return success();
  }
  if (auto store = dyn_cast<LLVM::StoreOp>(op)) {
    check(op, store.getAddr(), store.getValue().getType(), true,
          store.getOrdering() != LLVM::AtomicOrdering::not_atomic);
    return success();
  }
  if (auto atomic = dyn_cast<LLVM::AtomicRMWOp>(op)) {
    check(op, atomic.getPtr(), atomic.getVal().getType(), true, true);
    atomic.setSyncscope(std::nullopt);
    return success();
  }
  if (auto exchange = dyn_cast<LLVM::AtomicCmpXchgOp>(op)) {
    check(op, exchange.getPtr(), exchange.getVal().getType(), true, true);
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
  if (isa<NVVM::MembarOp, NVVM::PrefetchOp, NVVM::CpAsyncBulkTensorPrefetchOp, LLVM::FenceOp>(op)) {
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
