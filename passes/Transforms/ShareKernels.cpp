//===- ShareKernels.cpp - Equal loop nests are compiled once ----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A vectorised contraction is hundreds of instructions, and a model has the same
// one in every layer. Ops are equal when they do the same to operands of the same
// types; the key of an op spells that out. Constants that a body uses count as
// part of it, other values as operands.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "passes/Transforms/Kernels.h"
#include "passes/Transforms/Passes.h"
#include <map>

using namespace mlir;
using linalg::GenericOp;

namespace mad {
#define GEN_PASS_DEF_SHAREKERNELS
#include "passes/Transforms/Passes.h.inc"

namespace {

/// An op as a function of distinct values.
class Kernel {
public:
  explicit Kernel(GenericOp op) : op(op), fills(fillsBefore(op)) {
    // Functions that pieces call are not cut, so the others have their own.
    words.push_back(op->getParentOfType<scf::ParallelOp>() != nullptr);
    note(op->getAttrDictionary());
    note(op->getPropertiesAsAttribute());
    for (Value v : op->getOperands())
      noteValue(v);
    noteRegion(op.getRegion());
    for (linalg::FillOp fill : fills)
      for (Value v : fill->getOperands())
        noteValue(v);
  }

  using Key = std::vector<uintptr_t>;
  const Key &key() const { return words; }
  func::FuncOp outline(OpBuilder &b, StringRef name);
  void call(func::FuncOp function);
  GenericOp getOp() const { return op; }

private:
  void note(Attribute a) { words.push_back(reinterpret_cast<uintptr_t>(a.getAsOpaquePointer())); }
  void note(Type t) { words.push_back(reinterpret_cast<uintptr_t>(t.getAsOpaquePointer())); }
  void noteValue(Value v);
  void noteRegion(Region &region);

  GenericOp op;
  SmallVector<linalg::FillOp> fills;
  Key words;
  llvm::DenseMap<Value, unsigned> numbers; ///< of all values met
  SmallVector<Value> arguments;
  SmallVector<Operation *> constants;
};

void Kernel::noteValue(Value v) {
  auto [at, isNew] = numbers.try_emplace(v, numbers.size());
  words.push_back(at->second);
  if (!isNew)
    return;
  note(v.getType());
  Attribute constant;
  if (matchPattern(v, m_Constant(&constant))) {
    note(constant);
    constants.push_back(v.getDefiningOp());
  } else {
    arguments.push_back(v);
  }
}

void Kernel::noteRegion(Region &region) {
  for (Block &block : region) {
    words.push_back(block.getNumArguments());
    for (BlockArgument a : block.getArguments()) {
      numbers.try_emplace(a, numbers.size());
      note(a.getType());
    }
    for (Operation &inner : block) {
      words.push_back(reinterpret_cast<uintptr_t>(inner.getName().getAsOpaquePointer()));
      note(inner.getDiscardableAttrDictionary());
      note(inner.getPropertiesAsAttribute());
      words.push_back(inner.getNumOperands());
      for (Value v : inner.getOperands())
        noteValue(v);
      for (Value v : inner.getResults()) {
        numbers.try_emplace(v, numbers.size());
        note(v.getType());
      }
      for (Region &nested : inner.getRegions())
        noteRegion(nested);
    }
  }
}

func::FuncOp Kernel::outline(OpBuilder &b, StringRef name) {
  auto type = b.getFunctionType(TypeRange(ValueRange(arguments)), {});
  auto function = func::FuncOp::create(b, op->getLoc(), name, type);
  function.setPrivate();
  function->setAttr("llvm.linkage",
                    LLVM::LinkageAttr::get(b.getContext(), LLVM::Linkage::Internal));
  // Or LLVM puts it back to where it came from.
  function->setAttr("passthrough", b.getStrArrayAttr({"noinline"}));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(function.addEntryBlock());
  IRMapping values;
  values.map(arguments, function.getArguments());
  for (Operation *constant : constants)
    b.clone(*constant, values);
  for (linalg::FillOp fill : fills)
    b.clone(*fill.getOperation(), values);
  b.clone(*op.getOperation(), values);
  func::ReturnOp::create(b, op->getLoc());
  return function;
}

void Kernel::call(func::FuncOp function) {
  OpBuilder b(op);
  func::CallOp::create(b, op->getLoc(), function, arguments);
  for (linalg::FillOp fill : fills)
    fill.erase();
  op.erase();
}

/// Whether the iterations take so little time that a call shows.
bool isShort(GenericOp op) {
  int64_t rounds = 1;
  for (int64_t size : op.getStaticLoopRanges()) {
    if (ShapedType::isDynamic(size))
      return false;
    rounds *= size;
  }
  return rounds <= 64;
}

/// From how many equal ops on calls are worth it.
size_t leastShared(GenericOp op) {
  return op.getNumReductionLoops() || op.getBody()->getOperations().size() > 6 ? 2 : 4;
}

struct ShareKernelsPass : impl::ShareKernelsBase<ShareKernelsPass> {
  using ShareKernelsBase::ShareKernelsBase;

  void runOnOperation() override {
    std::vector<SmallVector<Kernel>> groups;
    std::map<Kernel::Key, size_t> numbers;
    getOperation().walk([&](GenericOp op) {
      if (!op.hasPureBufferSemantics() || isShort(op))
        return;
      Kernel kernel(op);
      size_t at = numbers.try_emplace(kernel.key(), groups.size()).first->second;
      if (at == groups.size())
        groups.emplace_back();
      groups[at].push_back(std::move(kernel));
    });
    SymbolTable symbols(getOperation());
    OpBuilder b(&getContext());
    for (SmallVector<Kernel> &group : groups) {
      if (group.size() < leastShared(group.front().getOp()))
        continue;
      func::FuncOp function = group.front().outline(b, "kernel");
      symbols.insert(function); // under a name of its own
      for (Kernel &kernel : group)
        kernel.call(function);
      numShared += group.size();
    }
  }
};

} // namespace
} // namespace mad
