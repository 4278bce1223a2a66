//===- SplitFunctions.cpp - Long code becomes several functions -------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// LLVM takes time that grows with the square of the loops of a function (what it
// knows about a loop comes from all loops before it). So a block with many loops
// is cut into parts, each a function of its own. A part takes as arguments what
// it uses and returns what is used after it. Views and constants are made again
// inside, so that addresses stay as simple as they were.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "passes/Kernels/KernelLibrary.h"
#include "passes/Transforms/Passes.h"
#include "llvm/ADT/SetVector.h"
#include <vector>

using namespace mlir;

namespace mad {
#define GEN_PASS_DEF_SPLITFUNCTIONS
#include "passes/Transforms/Passes.h.inc"

namespace {

/// Whether a part makes the op again instead of taking its result.
bool isLight(Operation *op) {
  if (op->getNumRegions() || op->getNumResults() != 1 || !isPure(op))
    return false;
  Type type = op->getResult(0).getType();
  return op->hasTrait<OpTrait::ConstantLike>() || isa<MemRefType, IndexType>(type);
}

/// Stack memory lasts as long as its function, so it stays in the first one.
bool isStack(Operation *op) { return isa<memref::AllocaOp, LLVM::AllocaOp>(op); }

/// A failed check leaves the function of the entry.
bool canMove(Operation *op) {
  return !op->walk([](Operation *inner) {
              return isa<cf::AssertOp, func::ReturnOp>(inner) ? WalkResult::interrupt()
                                                              : WalkResult::advance();
            }).wasInterrupted();
}

struct Size {
  int64_t loops = 0, ops = 0;
  void add(Operation *op) {
    op->walk([&](Operation *inner) {
      ++ops;
      loops += inner->getNumRegions() > 0;
    });
  }
};

/// Ops of one block, in their order.
class Part {
public:
  void add(Operation *op) {
    ops.push_back(op);
    size.add(op);
  }
  bool empty() const { return ops.empty(); }
  const Size &getSize() const { return size; }
  /// False if too many values would go in and out.
  bool outline(OpBuilder &b, SymbolTable &symbols);

private:
  void take(Value value);
  bool isInside(Value value);
  void findInputs();
  void findOutputs();

  SmallVector<Operation *> ops;
  Size size;
  DenseSet<Operation *> members;
  llvm::SetVector<Value> inputs, outputs;
  SmallVector<Operation *> again; ///< light ops to make inside, in their order
  DenseSet<Value> seen;
};

/// Provides a value from outside.
void Part::take(Value value) {
  if (!seen.insert(value).second)
    return;
  Operation *op = value.getDefiningOp();
  if (!op || !isLight(op)) {
    inputs.insert(value);
    return;
  }
  for (Value operand : op->getOperands())
    take(operand);
  again.push_back(op);
}

bool Part::isInside(Value value) {
  Operation *at = value.getDefiningOp();
  if (!at)
    at = cast<BlockArgument>(value).getOwner()->getParentOp();
  return members.contains(ops.front()->getBlock()->findAncestorOpInBlock(*at));
}

void Part::findInputs() {
  for (Operation *op : ops)
    op->walk([&](Operation *inner) {
      for (Value operand : inner->getOperands())
        if (!isInside(operand))
          take(operand);
    });
}

void Part::findOutputs() {
  Block *block = ops.front()->getBlock();
  for (Operation *op : ops)
    for (Value result : op->getResults())
      for (Operation *user : result.getUsers())
        if (!members.contains(block->findAncestorOpInBlock(*user)))
          outputs.insert(result);
}

bool Part::outline(OpBuilder &b, SymbolTable &symbols) {
  members.insert(ops.begin(), ops.end());
  findInputs();
  findOutputs();
  // They go through memory, and LLVM takes time that grows with their square.
  if (size.loops == 0 && int64_t(inputs.size() + outputs.size()) > size.ops / 4)
    return false;
  Location loc = ops.front()->getLoc();
  auto type = b.getFunctionType(TypeRange(inputs.getArrayRef()), TypeRange(outputs.getArrayRef()));
  b.setInsertionPointAfter(ops.front()->getParentOfType<func::FuncOp>());
  auto function = func::FuncOp::create(b, loc, "part", type);
  symbols.insert(function); // under a name of its own
  function.setPrivate();
  function->setAttr("llvm.linkage",
                    LLVM::LinkageAttr::get(b.getContext(), LLVM::Linkage::Internal));
  // Or LLVM puts it back to where it came from.
  function->setAttr("passthrough", b.getStrArrayAttr({"noinline"}));

  b.setInsertionPoint(ops.back());
  auto call = func::CallOp::create(b, loc, function, inputs.getArrayRef());
  b.setInsertionPointToStart(function.addEntryBlock());
  IRMapping values;
  values.map(inputs.getArrayRef(), function.getArguments());
  for (Operation *op : again)
    b.clone(*op, values);
  for (Operation *op : ops)
    b.clone(*op, values);
  SmallVector<Value> results;
  for (Value output : outputs)
    results.push_back(values.lookup(output));
  func::ReturnOp::create(b, loc, results);
  for (auto [output, result] : llvm::zip(outputs, call.getResults()))
    Value(output).replaceUsesWithIf(result, [&](OpOperand &use) {
      return !members.contains(call->getBlock()->findAncestorOpInBlock(*use.getOwner()));
    });
  for (Operation *op : llvm::reverse(ops))
    op->erase();
  return true;
}

struct SplitFunctionsPass : impl::SplitFunctionsBase<SplitFunctionsPass> {
  using SplitFunctionsBase::SplitFunctionsBase;

  bool isFull(const Size &size) const { return size.loops >= maxLoops || size.ops >= maxOps; }

  void split(Block &block, OpBuilder &b, SymbolTable &symbols) {
    Size whole;
    for (Operation &op : block)
      whole.add(&op);
    if (whole.loops < 2 * maxLoops && whole.ops < 2 * maxOps)
      return;
    std::vector<Part> parts(1);
    // Light ops and stack memory stay before the parts when no part makes their operands.
    DenseSet<Value> made;
    for (Operation &op : block.without_terminator()) {
      bool fromPart = llvm::any_of(op.getOperands(), [&](Value v) { return made.contains(v); });
      if ((isLight(&op) || isStack(&op)) && !fromPart)
        continue;
      bool moves = canMove(&op) && !isStack(&op);
      if (isFull(parts.back().getSize()) || !moves)
        parts.emplace_back();
      if (!moves)
        continue;
      parts.back().add(&op);
      made.insert(op.result_begin(), op.result_end());
    }
    for (Part &part : parts) {
      // Not worth a call.
      if (part.getSize().loops < maxLoops / 4 && part.getSize().ops < maxOps / 4)
        continue;
      numParts += part.outline(b, symbols);
    }
  }

  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    OpBuilder b(&getContext());
    SmallVector<Block *> blocks;
    // The inner ones first.
    getOperation().walk<WalkOrder::PostOrder>([&](Operation *op) {
      auto function =
          isa<func::FuncOp>(op) ? cast<func::FuncOp>(op) : op->getParentOfType<func::FuncOp>();
      if (!function || function->hasAttr(kernels::kernelAttribute))
        return;
      for (Region &region : op->getRegions())
        for (Block &block : region)
          blocks.push_back(&block);
    });
    for (Block *block : blocks)
      split(*block, b, symbols);
  }
};

} // namespace
} // namespace mad
