//===- BindDestinations.cpp - Results are written where the caller says -----===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Still on tensors: empty-tensor elimination then makes the producer of a result
// write to the caller's memory, and no copy is left.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "passes/Transforms/Entries.h"
#include "passes/Transforms/Passes.h"

using namespace mlir;

namespace mad {
#define GEN_PASS_DEF_BINDDESTINATIONS
#include "passes/Transforms/Passes.h.inc"

namespace {

MemRefType memoryOf(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  return MemRefType::get(tensor.getShape(), tensor.getElementType());
}

/// The analysis of bufferization looks at all uses of a value for each of them.
constexpr unsigned manyUses = 64;

bool hasManyUses(Value v) { return std::distance(v.use_begin(), v.use_end()) > manyUses; }

/// Gives each of the uses a tensor of its own of memory that nobody writes to any more.
template <typename Wanted>
void readApart(Value tensor, Type type, Value memory, OpBuilder &b, Wanted wanted) {
  SmallVector<OpOperand *> uses;
  for (OpOperand &use : tensor.getUses())
    if (wanted(use))
      uses.push_back(&use);
  for (OpOperand *use : uses) {
    b.setInsertionPoint(use->getOwner());
    use->set(bufferization::ToTensorOp::create(b, use->getOwner()->getLoc(), type, memory,
                                               /*restrict=*/true, /*writable=*/false));
  }
}

/// The same for values that linalg ops compute and others only read.
void readApart(func::FuncOp function, OpBuilder &b) {
  SmallVector<OpResult> values;
  auto reads = [](OpOperand &use) {
    auto op = dyn_cast<linalg::LinalgOp>(use.getOwner());
    return (op && op.isDpsInput(&use)) || isa<tensor::ExtractOp, tensor::DimOp>(use.getOwner());
  };
  auto endsThere = [](OpOperand &use) {
    return isa<bufferization::MaterializeInDestinationOp>(use.getOwner()) &&
           use.getOperandNumber() == 0;
  };
  function.walk([&](linalg::LinalgOp op) {
    for (OpResult r : op->getResults())
      if (isa<RankedTensorType>(r.getType()) && hasManyUses(r) &&
          llvm::all_of(r.getUses(), [&](OpOperand &use) { return reads(use) || endsThere(use); }))
        values.push_back(r);
  });
  for (OpResult v : values) {
    b.setInsertionPointAfter(v.getOwner());
    Value memory = bufferization::ToBufferOp::create(b, v.getLoc(), memoryOf(v.getType()), v,
                                                     /*readOnly=*/true);
    readApart(v, v.getType(), memory, b, reads);
  }
}

void bindArguments(func::FuncOp function, const EntryArguments &arguments, OpBuilder &b) {
  b.setInsertionPointToStart(&function.front());
  for (BlockArgument a : function.getArguments()) {
    Type type = a.getType();
    if (!isa<RankedTensorType>(type))
      continue;
    a.setType(memoryOf(type));
    if (!arguments.isState(a.getArgNumber()) && hasManyUses(a)) {
      readApart(a, type, a, b, [](OpOperand &) { return true; });
      b.setInsertionPointToStart(&function.front());
      continue;
    }
    auto tensor =
        bufferization::ToTensorOp::create(b, a.getLoc(), type, a, /*restrict=*/true,
                                          /*writable=*/arguments.isState(a.getArgNumber()));
    a.replaceAllUsesExcept(tensor, tensor);
  }
}

/// The same elements of `memory`, which lie one behind the other, by the shape of `type`: where
/// a reshape of a value of `type` goes to `memory`, the value itself can be made there.
Value reshaped(Value memory, Operation *reshape, OpBuilder &b) {
  Value source = reshape->getOperand(0);
  Location loc = reshape->getLoc();
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(reshape))
    return memref::ExpandShapeOp::create(b, loc, memoryOf(source.getType()), memory,
                                         collapse.getReassociationIndices(),
                                         tensor::getMixedSizes(b, loc, source));
  return memref::CollapseShapeOp::create(
      b, loc, memory, cast<tensor::ExpandShapeOp>(reshape).getReassociationIndices());
}

void write(Value value, Value memory, OpBuilder &b) {
  Location loc = value.getLoc();
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(op) ||
        !cast<MemRefType>(memory.getType()).getLayout().isIdentity())
      break;
    memory = reshaped(memory, op, b);
    value = op->getOperand(0);
  }
  auto scalar = value.getDefiningOp<tensor::FromElementsOp>();
  if (scalar && scalar.getType().getRank() == 0) {
    memref::StoreOp::create(b, loc, scalar.getOperand(0), memory);
    return;
  }
  auto op = bufferization::MaterializeInDestinationOp::create(b, loc, TypeRange(), value, memory);
  op.setRestrict(true);
  op.setWritable(true);
}

/// Whether `memory` is known where `op` stands.
bool isKnownAt(Value memory, Operation *op) {
  if (isa<BlockArgument>(memory))
    return memory.getParentRegion()->isAncestor(op->getParentRegion());
  Operation *made = memory.getDefiningOp();
  return made->getBlock() == op->getBlock() && made->isBeforeInBlock(op);
}

/// Whether the value may be in the place of one from outside of the region.
bool comesFromOutside(Value value, Region &region) {
  if (!region.isAncestor(value.getParentRegion()))
    return !value.getDefiningOp<bufferization::ToTensorOp>() &&
           !(value.getDefiningOp<tensor::EmptyOp>() && value.hasOneUse());
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto loop = dyn_cast<scf::ForOp>(argument.getOwner()->getParentOp());
    OpOperand *init = loop ? loop.getTiedLoopInit(argument) : nullptr;
    return !init || comesFromOutside(init->get(), region);
  }
  Operation *op = value.getDefiningOp();
  unsigned number = cast<OpResult>(value).getResultNumber();
  if (auto destination = dyn_cast<DestinationStyleOpInterface>(op))
    return comesFromOutside(destination.getTiedOpOperand(cast<OpResult>(value))->get(), region);
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return comesFromOutside(loop.getInitArgs()[number], region);
  if (auto branch = dyn_cast<scf::IfOp>(op))
    return comesFromOutside(branch.thenYield().getOperand(number), region) ||
           comesFromOutside(branch.elseYield().getOperand(number), region);
  return llvm::any_of(op->getOperands(), [&](Value operand) {
    return isa<RankedTensorType>(operand.getType()) && comesFromOutside(operand, region);
  });
}

/// Copies: a value that others read must not be made in memory that they write to.
void copy(Value value, Value memory, OpBuilder &b) {
  Location loc = value.getLoc();
  Value from = bufferization::ToBufferOp::create(b, loc, memoryOf(value.getType()), value,
                                                 /*readOnly=*/true);
  memref::CopyOp::create(b, loc, from, memory);
}

/// `value` and what it may share its memory with, as far back as it was written into:
/// by insertions, loops and branches, and as part of something larger.
void collectChain(Value value, DenseSet<Value> &chain) {
  SmallVector<Value> work{value};
  while (!work.empty()) {
    Value v = work.pop_back_val();
    Operation *op = v.getDefiningOp();
    if (!op || isa<bufferization::ToTensorOp, tensor::EmptyOp, arith::ConstantOp>(op) ||
        !chain.insert(v).second)
      continue;
    unsigned number = cast<OpResult>(v).getResultNumber();
    if (auto insertion = dyn_cast<tensor::InsertSliceOp>(op))
      work.append({insertion.getSource(), insertion.getDest()});
    else if (auto destination = dyn_cast<DestinationStyleOpInterface>(op))
      work.push_back(destination.getTiedOpOperand(cast<OpResult>(v))->get());
    else if (auto loop = dyn_cast<scf::ForOp>(op))
      work.push_back(loop.getInitArgs()[number]);
    else if (auto loop = dyn_cast<scf::WhileOp>(op))
      work.append(loop.getInits().begin(), loop.getInits().end());
    else if (auto branch = dyn_cast<scf::IfOp>(op))
      work.append({branch.thenYield().getOperand(number), branch.elseYield().getOperand(number)});
    else if (isa<tensor::CastOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp,
                 tensor::ExtractSliceOp, tensor::ReshapeOp>(op))
      work.push_back(op->getOperand(0));
  }
}

/// Whether something behind `branch` uses what `value`, made in it, was written over.
bool isSharedBehind(scf::IfOp branch, Value value) {
  DenseSet<Value> chain;
  collectChain(value, chain);
  return llvm::any_of(chain, [&](Value v) {
    return !branch->isAncestor(v.getDefiningOp()) &&
           llvm::any_of(v.getUsers(), [&](Operation *user) {
             Operation *here = branch->getBlock()->findAncestorOpInBlock(*user);
             return !here || branch->isBeforeInBlock(here);
           });
  });
}

/// Two results may be made of one value, each by updates of it. Memory of the caller
/// that the value is made in then holds one of them, while the other is written there.
/// So they become copies, all before the first result is written. So do those that share memory
/// with one of `later`, which is read behind them.
void separate(MutableArrayRef<Value> values, ArrayRef<Value> later, OpBuilder &b) {
  SmallVector<DenseSet<Value>> chains(values.size());
  for (auto [value, chain] : llvm::zip(values, chains))
    collectChain(value, chain);
  SmallVector<bool> shared(values.size());
  auto meet = [](const DenseSet<Value> &one, const DenseSet<Value> &other) {
    return llvm::any_of(one, [&](Value v) { return other.contains(v); });
  };
  for (size_t i = 0; i < values.size(); ++i)
    for (size_t j = 0; j < i; ++j)
      if (meet(chains[i], chains[j]))
        shared[i] = shared[j] = true;
  for (Value value : later) {
    DenseSet<Value> chain;
    collectChain(value, chain);
    for (auto [mine, isShared] : llvm::zip(chains, shared))
      isShared |= meet(mine, chain);
  }
  for (auto [value, isShared] : llvm::zip(values, shared))
    if (isShared && cast<RankedTensorType>(value.getType()).getRank() > 0)
      value = bufferization::AllocTensorOp::create(
          b, value.getLoc(), cast<RankedTensorType>(value.getType()), ValueRange(), value);
}

/// What is written to memory and comes from branches is written at their ends.
void sinkIntoBranches(bufferization::MaterializeInDestinationOp op, OpBuilder &b) {
  Value value = op.getSource(), memory = op.getDest();
  auto branch = value.getDefiningOp<scf::IfOp>();
  if (!branch || !value.hasOneUse() || !isa<MemRefType>(memory.getType()) ||
      !isKnownAt(memory, branch) || isSharedBehind(branch, value))
    return;
  unsigned number = cast<OpResult>(value).getResultNumber();
  for (Region *region : branch.getRegions()) {
    Operation *yield = region->front().getTerminator();
    b.setInsertionPoint(yield);
    Value end = yield->getOperand(number);
    bool splits = end.getDefiningOp<scf::IfOp>() && end.hasOneUse();
    if (!splits && !end.getDefiningOp<tensor::FromElementsOp>() && comesFromOutside(end, *region)) {
      copy(end, memory, b);
      continue;
    }
    write(end, memory, b);
    if (auto inner = dyn_cast<bufferization::MaterializeInDestinationOp>(yield->getPrevNode()))
      sinkIntoBranches(inner, b);
  }
  op.erase();
}

/// Results of branches that were bound inside of them.
void dropUnusedResults(func::FuncOp function) {
  IRRewriter b(function.getContext());
  function.walk([&](scf::IfOp op) {
    SmallVector<unsigned> used;
    for (OpResult r : op.getResults())
      if (!r.use_empty())
        used.push_back(r.getResultNumber());
    if (used.size() == op.getNumResults())
      return;
    b.setInsertionPoint(op);
    SmallVector<Type> types;
    for (unsigned i : used)
      types.push_back(op.getResult(i).getType());
    auto smaller = scf::IfOp::create(b, op.getLoc(), types, op.getCondition(), true);
    for (auto [from, to] : llvm::zip(op.getRegions(), smaller.getRegions())) {
      to->takeBody(*from);
      auto yield = cast<scf::YieldOp>(to->front().getTerminator());
      SmallVector<Value> values;
      for (unsigned i : used)
        values.push_back(yield.getOperand(i));
      yield.getResultsMutable().assign(values);
    }
    for (auto [i, r] : llvm::enumerate(used))
      op.getResult(r).replaceAllUsesWith(smaller.getResult(i));
    op.erase();
  });
}

/// The memory that a value is written to in place: it comes from there by insertions,
/// loops and branches alone. Null when it comes from nowhere or from two places.
Value originOf(Value value) {
  while (!isa<BlockArgument>(value)) {
    Operation *op = value.getDefiningOp();
    unsigned number = cast<OpResult>(value).getResultNumber();
    if (auto memory = dyn_cast<bufferization::ToTensorOp>(op))
      return memory.getBuffer();
    if (auto destination = dyn_cast<DestinationStyleOpInterface>(op))
      value = destination.getTiedOpOperand(cast<OpResult>(value))->get();
    else if (auto loop = dyn_cast<scf::ForOp>(op))
      value = loop.getInitArgs()[number];
    else if (auto loop = dyn_cast<scf::WhileOp>(op))
      value = loop.getInits()[number];
    else if (auto branch = dyn_cast<scf::IfOp>(op)) {
      Value other = originOf(branch.elseYield().getOperand(number));
      Value memory = originOf(branch.thenYield().getOperand(number));
      return memory == other ? memory : Value();
    } else
      return {};
  }
  return {};
}

/// The new value of each state goes to where the old one is, after everything else
/// has been read. What was not made there goes by way of memory of its own, since
/// it, or the value of another state, may still be read from the old one.
void bindStates(func::FuncOp function, const EntryArguments &arguments, ValueRange values,
                OpBuilder &b) {
  SmallVector<std::pair<Value, Value>> copies;
  for (auto [state, value] : llvm::zip(arguments.states, values)) {
    if (state < 0)
      continue;
    Value memory = function.getArgument(arguments.inputs + state);
    Location loc = value.getLoc();
    if (originOf(value) == memory && cast<RankedTensorType>(value.getType()).getRank() > 0) {
      copies.push_back({value, memory});
      continue;
    }
    SmallVector<Value> sizes;
    auto type = cast<MemRefType>(memory.getType());
    for (int64_t d = 0; d < type.getRank(); ++d)
      if (type.isDynamicDim(d))
        sizes.push_back(memref::DimOp::create(b, loc, memory, d));
    Value place = memref::AllocOp::create(b, loc, type, sizes);
    write(value, place, b);
    copies.push_back({place, memory});
  }
  for (auto [from, memory] : copies)
    if (isa<MemRefType>(from.getType()))
      memref::CopyOp::create(b, from.getLoc(), from, memory);
    else
      write(from, memory, b);
}

void bindResults(func::FuncOp function, const EntryArguments &arguments, OpBuilder &b) {
  auto end = cast<func::ReturnOp>(function.front().getTerminator());
  b.setInsertionPoint(end);
  SmallVector<Value> results;
  for (unsigned i : arguments.results)
    results.push_back(end.getOperand(i));
  SmallVector<Value> states;
  for (auto [state, value] : llvm::zip(arguments.states, end.getOperands()))
    if (state >= 0)
      states.push_back(value);
  separate(results, states, b);
  for (Value value : results) {
    Type memory = memoryOf(value.getType());
    write(value, function.front().addArgument(memory, value.getLoc()), b);
  }
  bindStates(function, arguments, end.getOperands(), b);
  end->eraseOperands(0, end->getNumOperands());
  function.walk([&](bufferization::MaterializeInDestinationOp op) { sinkIntoBranches(op, b); });
  dropUnusedResults(function);
}

/// Whether all elements become one number.
bool isFill(linalg::LinalgOp op) {
  return isa<linalg::FillOp>(op) ||
         (isa<linalg::GenericOp>(op) && op.getNumDpsInputs() == 0 && op->getNumResults() == 1 &&
          op.getBlock()->getOperations().size() == 1 &&
          !isa<BlockArgument>(op.getBlock()->getTerminator()->getOperand(0)));
}
bool isFill(tensor::EmptyOp) { return true; }

/// Common subexpressions have merged empty tensors and fills: each is to become one
/// place. Filling a place again is cheaper than copying one that was filled.
template <typename Op> void split(func::FuncOp function, OpBuilder &b) {
  SmallVector<Op> ops;
  function.walk([&](Op op) {
    if (isFill(op))
      ops.push_back(op);
  });
  for (Op op : ops) {
    if (op->use_empty())
      continue;
    for (OpOperand &use : llvm::make_early_inc_range(llvm::drop_begin(op->getUses()))) {
      b.setInsertionPoint(use.getOwner());
      use.set(b.clone(*op.getOperation())->getResult(0));
    }
    // Out of loops it was moved because nothing in it changes.
    Operation *user = *op->user_begin();
    if (isa<linalg::LinalgOp>(user) && user->getBlock() != op->getBlock())
      op->moveBefore(user);
  }
}

struct BindDestinationsPass : impl::BindDestinationsBase<BindDestinationsPass> {
  using BindDestinationsBase::BindDestinationsBase;

  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (!isEntry(function))
        continue;
      OpBuilder b(&getContext());
      EntryArguments arguments(function);
      SmallVector<DictionaryAttr> attrs;
      function.getAllArgAttrs(attrs);
      for (unsigned i : arguments.results)
        attrs.push_back(function.getResultAttrDict(i));
      split<linalg::LinalgOp>(function, b);
      split<tensor::EmptyOp>(function, b);
      bindArguments(function, arguments, b);
      bindResults(function, arguments, b);
      readApart(function, b);
      function.setType(b.getFunctionType(function.front().getArgumentTypes(), {}));
      function.setAllResultAttrs(ArrayRef<DictionaryAttr>());
      for (unsigned i = 0; i < attrs.size(); ++i)
        function.setArgAttrs(i, attrs[i] ? attrs[i] : b.getDictionaryAttr({}));
    }
  }
};

} // namespace
} // namespace mad
