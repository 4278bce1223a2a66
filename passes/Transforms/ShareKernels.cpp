//===- ShareKernels.cpp - Equal loop nests are compiled once ----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A vectorised contraction is hundreds of instructions, and a model has the same
// one in every layer. Ops are equal when they do the same to operands of the same
// types; the key of an op spells that out. Constants that a body uses count as
// part of it, other values as operands, and so do views of memory from outside,
// which each layer has at other places.
//
// Loops that run in pieces are shared with all that is around them first: choices
// between ways for few and many rows, calls of library kernels. A function that is
// called again is in the caches, where the code of each layer would be read from
// memory behind its weights.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
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
  explicit Kernel(Operation *op) : op(op) {
    if (auto generic = dyn_cast<GenericOp>(op))
      fills = fillsBefore(generic);
    // Functions that pieces call are not cut, so the others have their own.
    words.push_back(op->getParentOfType<scf::ParallelOp>() != nullptr);
    noteOp(*op);
    for (linalg::FillOp fill : fills)
      for (Value v : fill->getOperands())
        noteValue(v);
  }

  using Key = std::vector<uintptr_t>;
  const Key &key() const { return words; }
  /// The op in a function. Views move in front of it.
  func::FuncOp outline(OpBuilder &b, StringRef name);
  /// Replaces the op.
  void call(func::FuncOp function);
  Operation *getOp() const { return op; }

private:
  void note(Attribute a) { words.push_back(reinterpret_cast<uintptr_t>(a.getAsOpaquePointer())); }
  void note(Type t) { words.push_back(reinterpret_cast<uintptr_t>(t.getAsOpaquePointer())); }
  void noteValue(Value v);
  void noteOp(Operation &inner);
  void noteRegion(Region &region);
  void moveViews();
  bool isView(Operation &inner) const;
  bool isOutside(Value v) const;

  Operation *op;
  SmallVector<linalg::FillOp> fills;
  SmallVector<Operation *> views; ///< inside, of memory outside
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

bool Kernel::isOutside(Value v) const {
  return !op->isAncestor(v.getParentRegion()->getParentOp()) ||
         llvm::is_contained(views, v.getDefiningOp());
}

/// Memory that is the same in front of the op.
bool Kernel::isView(Operation &inner) const {
  return inner.getNumResults() == 1 && isa<MemRefType>(inner.getResult(0).getType()) &&
         inner.getNumRegions() == 0 && isPure(&inner) && inner.getNumOperands() > 0 &&
         llvm::all_of(inner.getOperands(), [&](Value v) { return isOutside(v); });
}

void Kernel::noteOp(Operation &inner) {
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

void Kernel::noteRegion(Region &region) {
  words.push_back(region.getBlocks().size());
  for (Block &block : region) {
    words.push_back(block.getNumArguments());
    for (BlockArgument a : block.getArguments()) {
      numbers.try_emplace(a, numbers.size());
      note(a.getType());
    }
    for (Operation &inner : block)
      if (isView(inner))
        views.push_back(&inner);
      else if (!inner.hasTrait<OpTrait::ConstantLike>())
        noteOp(inner);
    words.push_back(0); // the end
  }
}

void Kernel::moveViews() {
  for (Operation *view : views)
    view->moveBefore(op);
  views.clear();
}

func::FuncOp Kernel::outline(OpBuilder &b, StringRef name) {
  moveViews();
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
  b.clone(*op, values);
  func::ReturnOp::create(b, op->getLoc());
  return function;
}

void Kernel::call(func::FuncOp function) {
  moveViews();
  OpBuilder b(op);
  func::CallOp::create(b, op->getLoc(), function, arguments);
  for (linalg::FillOp fill : fills)
    fill.erase();
  op->erase();
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

bool isOp(Operation *op) {
  auto generic = dyn_cast<GenericOp>(op);
  return generic && generic.hasPureBufferSemantics() && !isShort(generic);
}

/// Loops that run in pieces, with what is around them. A failed check leaves the function of the
/// entry.
bool isNest(Operation *op) {
  if (!isa<scf::IfOp, scf::ForOp, scf::ParallelOp>(op) || op->getNumResults() > 0 ||
      op->getParentOfType<scf::ParallelOp>())
    return false;
  bool pieces = false, stays = false;
  op->walk([&](Operation *inner) {
    pieces |= isa<scf::ParallelOp>(inner);
    stays |= isa<cf::AssertOp>(inner);
  });
  return pieces && !stays;
}

/// From how many equal ones on calls are worth it.
size_t leastShared(Operation *op) {
  auto generic = dyn_cast<GenericOp>(op);
  return !generic || generic.getNumReductionLoops() || generic.getBody()->getOperations().size() > 6
             ? 2
             : 4;
}

struct ShareKernelsPass : impl::ShareKernelsBase<ShareKernelsPass> {
  using ShareKernelsBase::ShareKernelsBase;

  void runOnOperation() override {
    // Outer ones first; what is left of inner ones may be equal to others again.
    while (share(isNest))
      ;
    share(isOp);
  }

  /// Shares equal candidates. Answers whether there were any.
  bool share(function_ref<bool(Operation *)> isCandidate) {
    std::vector<std::vector<Kernel>> groups;
    std::map<Kernel::Key, size_t> numbers;
    getOperation()->walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (!isCandidate(op))
        return;
      Kernel kernel(op);
      size_t at = numbers.try_emplace(kernel.key(), groups.size()).first->second;
      if (at == groups.size())
        groups.emplace_back();
      groups[at].push_back(std::move(kernel));
    });
    SymbolTable symbols(getOperation());
    OpBuilder b(&getContext());
    llvm::DenseSet<Operation *> gone;
    bool any = false;
    for (std::vector<Kernel> &group : groups) {
      llvm::erase_if(group, [&](const Kernel &kernel) { return gone.contains(kernel.getOp()); });
      if (group.empty() || group.size() < leastShared(group.front().getOp()))
        continue;
      func::FuncOp function = group.front().outline(b, "kernel");
      symbols.insert(function); // under a name of its own
      for (Kernel &kernel : group) {
        kernel.getOp()->walk([&](Operation *inner) { gone.insert(inner); });
        kernel.call(function);
      }
      numShared += group.size();
      any = true;
    }
    return any;
  }
};

} // namespace
} // namespace mad
