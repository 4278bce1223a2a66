//===- OrderGlobals.cpp - Constants in the order of their uses --------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/SymbolTable.h"
#include "passes/Transforms/Passes.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace mad {
#define GEN_PASS_DEF_ORDERGLOBALS
#include "passes/Transforms/Passes.h.inc"

namespace {

/// As bufferization names a constant: `__constant_4x8xf32`.
std::string nameOf(MemRefType type) {
  std::string name = "__constant_";
  llvm::raw_string_ostream os(name);
  for (int64_t extent : type.getShape())
    os << extent << "x";
  os << type.getElementType();
  return name;
}

struct OrderGlobalsPass : impl::OrderGlobalsBase<OrderGlobalsPass> {
  using OrderGlobalsBase::OrderGlobalsBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    llvm::DenseMap<StringAttr, memref::GlobalOp> globals;
    llvm::StringSet<> taken;
    for (Operation &op : *module.getBody()) {
      auto global = dyn_cast<memref::GlobalOp>(op);
      if (global && global.getSymName().starts_with("__constant_"))
        globals[global.getSymNameAttr()] = global;
      else if (auto symbol = dyn_cast<SymbolOpInterface>(op))
        taken.insert(symbol.getName());
    }
    if (globals.size() < 2)
      return;
    llvm::MapVector<StringAttr, SmallVector<memref::GetGlobalOp>> uses;
    module.walk([&](memref::GetGlobalOp op) {
      if (globals.contains(op.getNameAttr().getAttr()))
        uses[op.getNameAttr().getAttr()].push_back(op);
    });
    // What a pattern has folded away would keep its name.
    for (auto [name, global] : globals)
      if (!uses.contains(name))
        global.erase();
    Operation *front = &module.getBody()->front();
    llvm::StringMap<int64_t> counts;
    for (auto &[old, users] : uses) {
      memref::GlobalOp global = globals.lookup(old);
      if (global == front)
        front = front->getNextNode();
      else
        global->moveBefore(front);
      std::string base = nameOf(global.getType()), name = base;
      while (!taken.insert(name).second)
        name = base + "_" + std::to_string(counts[base]++);
      global.setSymName(name);
      for (memref::GetGlobalOp user : users)
        user.setName(name);
    }
  }
};

} // namespace
} // namespace mad
