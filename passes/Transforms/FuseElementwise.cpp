//===- FuseElementwise.cpp - One loop nest for what belongs together --------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Decides first, then builds each kernel once, so that a chain of n ops costs n
// and not n^2. A kernel has one root; an elementwise op is inlined into the roots
// that read it, directly or through other inlined ops. What a root needs of an op
// is one map from the root's loops to the loops of the op: a use. Inside a kernel
// a value is computed once for each different use.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "passes/Transforms/Passes.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include <map>

using namespace mlir;
using linalg::GenericOp;

namespace mad {
#define GEN_PASS_DEF_FUSEELEMENTWISE
#include "passes/Transforms/Passes.h.inc"

namespace {

/// What it costs to compute an element of an op again.
enum class Cost { Move, Cheap, Dear };

/// Floats of more bits: cheaper than to store them.
bool widens(Operation &op) {
  if (isa<arith::ExtFOp>(op))
    return true;
  return isa<arith::SIToFPOp, arith::UIToFPOp>(op) && op.getOperand(0).getType().isInteger(8);
}

Cost costOf(GenericOp op) {
  unsigned arithmetic = 0;
  for (Operation &inner : op.getBody()->without_terminator()) {
    if (isa<linalg::IndexOp, arith::ConstantOp, arith::IndexCastOp, arith::TruncIOp,
            arith::ExtUIOp>(inner) ||
        widens(inner))
      continue;
    if (inner.getNumRegions() ||
        isa<tensor::ExtractOp, arith::DivFOp, arith::FloorDivSIOp, arith::RemSIOp>(inner))
      return Cost::Dear;
    if (isa<math::MathDialect>(inner.getDialect()) && !isa<math::AbsFOp, math::AbsIOp>(inner))
      return Cost::Dear;
    ++arithmetic;
  }
  if (arithmetic == 0)
    return Cost::Move;
  // More than one operand would be read again, too.
  return arithmetic <= 3 && op.getNumDpsInputs() <= 1 ? Cost::Cheap : Cost::Dear;
}

bool isElementwise(GenericOp op) {
  return op.getNumReductionLoops() == 0 && op.getNumResults() == 1 && op.hasPureTensorSemantics() &&
         op.getIndexingMapsArray().back().isIdentity() &&
         !op.payloadUsesValueFromOperand(op.getDpsInitOperand(0));
}

using Use = std::pair<GenericOp, AffineMap>;
using Uses = llvm::SetVector<Use>;

/// Chooses what is inlined where; nothing of what is to be `kept`.
class Plan {
public:
  Plan(func::FuncOp function, const llvm::DenseSet<Operation *> &kept);
  bool isInlined(Operation *op) const { return inlined.contains(op); }
  ArrayRef<GenericOp> roots() const { return kernels; }
  ArrayRef<GenericOp> inlinedOps() const { return order; }

private:
  struct Inlined {
    Uses uses;
    unsigned depth; ///< of the chain of inlined users
  };
  /// Kernels are built by recursion over chains.
  static constexpr unsigned maxDepth = 256;

  std::optional<Inlined> usesOf(GenericOp op) const;
  static bool worthwhile(GenericOp op, const Uses &uses);

  llvm::DenseMap<Operation *, Inlined> inlined;
  SmallVector<GenericOp> kernels, order; ///< users before producers
};

Plan::Plan(func::FuncOp function, const llvm::DenseSet<Operation *> &kept) {
  SmallVector<GenericOp> ops;
  function.walk([&](GenericOp op) {
    if (op.hasPureTensorSemantics())
      ops.push_back(op);
  });
  for (GenericOp op : llvm::reverse(ops)) {
    if (isElementwise(op) && !kept.contains(op)) {
      auto uses = usesOf(op);
      if (uses && !uses->uses.empty() && uses->depth < maxDepth && worthwhile(op, uses->uses)) {
        inlined[op] = std::move(*uses);
        order.push_back(op);
        continue;
      }
    }
    kernels.push_back(op);
  }
}

/// All uses, or nothing when something else than an input of a kernel reads the op.
std::optional<Plan::Inlined> Plan::usesOf(GenericOp op) const {
  Inlined result{{}, 0};
  for (OpOperand &use : op->getUses()) {
    auto user = dyn_cast<GenericOp>(use.getOwner());
    if (!user || !user.hasPureTensorSemantics() || !user.isDpsInput(&use) ||
        user->getBlock() != op->getBlock())
      return {};
    AffineMap map = user.getMatchingIndexingMap(&use);
    auto at = inlined.find(user);
    if (at == inlined.end()) {
      result.uses.insert({user, map});
      continue;
    }
    result.depth = std::max(result.depth, at->second.depth + 1);
    for (auto &[root, toUser] : at->second.uses)
      result.uses.insert({root, map.compose(toUser)});
  }
  return result;
}

bool Plan::worthwhile(GenericOp op, const Uses &uses) {
  // Elements that a kernel reads again and again are better read than computed.
  bool again = llvm::any_of(uses, [](const Use &u) { return !u.second.isPermutation(); });
  switch (costOf(op)) {
  case Cost::Move:
    return true;
  case Cost::Cheap:
    return !again;
  case Cost::Dear:
    return !again && uses.size() == 1;
  }
  return false;
}

/// Finds what is to be kept so that no kernel of a plan reads too much.
class Limit {
public:
  Limit(const Plan &plan, size_t most) : plan(plan), most(most) {}

  /// Whether something was added to what is kept.
  bool apply(llvm::DenseSet<Operation *> &kept);

private:
  using Reads = llvm::SetVector<std::pair<Value, AffineMap>>; ///< with maps from the root's loops
  const Reads &readsOf(GenericOp op, AffineMap map);

  const Plan &plan;
  size_t most;
  llvm::DenseSet<Operation *> cut;
  /// Of one kernel.
  std::map<std::pair<Operation *, const void *>, Reads> known;
};

bool Limit::apply(llvm::DenseSet<Operation *> &kept) {
  for (GenericOp root : plan.roots()) {
    known.clear();
    readsOf(root, AffineMap::getMultiDimIdentityMap(root.getNumLoops(), root.getContext()));
  }
  kept.insert_range(cut);
  return !cut.empty();
}

/// What an op and those that are inlined into it read. Of too much, those that read the most are
/// kept, each of which is one tensor then.
const Limit::Reads &Limit::readsOf(GenericOp op, AffineMap map) {
  auto [at, isNew] = known.try_emplace({op, map.getAsOpaquePointer()});
  if (!isNew)
    return at->second;
  Reads alone;
  SmallVector<std::tuple<const Reads *, GenericOp, AffineMap>> producers;
  for (OpOperand *operand : op.getDpsInputOperands()) {
    AffineMap to = op.getMatchingIndexingMap(operand).compose(map);
    auto producer = operand->get().getDefiningOp<GenericOp>();
    if (producer && plan.isInlined(producer) && !cut.contains(producer))
      producers.push_back({&readsOf(producer, to), producer, to});
    else
      alone.insert({operand->get(), to});
  }
  llvm::stable_sort(producers, [](const auto &x, const auto &y) {
    return std::get<0>(x)->size() < std::get<0>(y)->size();
  });
  Reads &all = at->second;
  while (true) {
    all = alone;
    for (auto [reads, producer, to] : producers)
      all.insert_range(*reads);
    if (all.size() <= most || producers.empty() || std::get<0>(producers.back())->size() <= 1)
      return all;
    auto [reads, producer, to] = producers.pop_back_val();
    cut.insert(producer);
    alone.insert({producer->getResult(0), to});
  }
}

/// Builds one kernel.
class KernelBuilder {
public:
  KernelBuilder(OpBuilder &b, const Plan &plan, GenericOp root) : b(b), plan(plan), root(root) {}

  /// Null when nothing is inlined into the root.
  GenericOp build();

private:
  void collect(GenericOp op, AffineMap map);
  void addShapeOperand();
  OpFoldResult loopSize(unsigned loop);
  SmallVector<Value> inlineBody(OpBuilder &b, GenericOp op, AffineMap map, ValueRange arguments);
  Value expand(OpBuilder &b, Location loc, AffineExpr e);

  OpBuilder &b;
  const Plan &plan;
  GenericOp root;
  /// Inputs from memory, with maps from the root's loops.
  llvm::SetVector<std::pair<Value, AffineMap>> inputs;
  /// Inlined elements, by producer and map.
  llvm::MapVector<std::pair<Operation *, AffineMap>, Value> elements;
};

void KernelBuilder::collect(GenericOp op, AffineMap map) {
  for (OpOperand *operand : op.getDpsInputOperands()) {
    AffineMap to = op.getMatchingIndexingMap(operand).compose(map);
    auto producer = operand->get().getDefiningOp<GenericOp>();
    if (!producer || !plan.isInlined(producer))
      inputs.insert({operand->get(), to});
    else if (elements.insert({{producer, to}, Value()}).second)
      collect(producer, to);
  }
}

/// The size of a loop of the root, read off a tensor that outlives the fusion.
OpFoldResult KernelBuilder::loopSize(unsigned loop) {
  for (OpOperand &operand : root->getOpOperands()) {
    AffineMap map = root.getMatchingIndexingMap(&operand);
    for (auto [i, e] : llvm::enumerate(map.getResults())) {
      if (e != b.getAffineDimExpr(loop))
        continue;
      Value tensor = operand.get();
      if (auto producer = tensor.getDefiningOp<GenericOp>())
        tensor = producer.getDpsInits().front();
      return tensor::getMixedSize(b, root.getLoc(), tensor, i);
    }
  }
  llvm_unreachable("the maps of a linalg op determine its loops");
}

/// Sizes of all loops must follow from operands. Where a window was inlined into
/// a reduction they do not: an operand that is not read says them.
void KernelBuilder::addShapeOperand() {
  llvm::SmallBitVector known(root.getNumLoops());
  auto mark = [&](AffineMap map) {
    for (AffineExpr e : map.getResults())
      if (auto d = dyn_cast<AffineDimExpr>(e))
        known.set(d.getPosition());
  };
  for (auto &[value, map] : inputs)
    mark(map);
  for (OpOperand &init : root.getDpsInitsMutable())
    mark(root.getMatchingIndexingMap(&init));
  SmallVector<OpFoldResult> sizes;
  SmallVector<AffineExpr> loops;
  for (unsigned loop = 0; loop < known.size(); ++loop) {
    if (known.test(loop))
      continue;
    sizes.push_back(loopSize(loop));
    loops.push_back(b.getAffineDimExpr(loop));
  }
  if (loops.empty())
    return;
  Value shape = tensor::EmptyOp::create(b, root.getLoc(), sizes, b.getI8Type());
  inputs.insert({shape, AffineMap::get(known.size(), 0, loops, b.getContext())});
}

Value KernelBuilder::expand(OpBuilder &b, Location loc, AffineExpr e) {
  if (auto d = dyn_cast<AffineDimExpr>(e))
    return linalg::IndexOp::create(b, loc, d.getPosition());
  if (auto c = dyn_cast<AffineConstantExpr>(e))
    return arith::ConstantIndexOp::create(b, loc, c.getValue());
  auto binary = cast<AffineBinaryOpExpr>(e);
  Value x = expand(b, loc, binary.getLHS()), y = expand(b, loc, binary.getRHS());
  if (e.getKind() == AffineExprKind::Add)
    return arith::AddIOp::create(b, loc, x, y);
  assert(e.getKind() == AffineExprKind::Mul && "maps of views are linear");
  return arith::MulIOp::create(b, loc, x, y);
}

/// Copies the body of `op` for the position that `map` gives; returns what it yields.
SmallVector<Value> KernelBuilder::inlineBody(OpBuilder &b, GenericOp op, AffineMap map,
                                             ValueRange arguments) {
  IRMapping values;
  for (OpOperand *operand : op.getDpsInputOperands()) {
    AffineMap to = op.getMatchingIndexingMap(operand).compose(map);
    auto producer = operand->get().getDefiningOp<GenericOp>();
    Value v;
    if (producer && plan.isInlined(producer)) {
      v = elements.lookup({producer, to});
    } else {
      auto at = llvm::find(inputs, std::make_pair(operand->get(), to));
      v = arguments[at - inputs.begin()];
    }
    values.map(op.getMatchingBlockArgument(operand), v);
  }
  if (op == root)
    for (auto [i, init] : llvm::enumerate(op.getDpsInitsMutable()))
      values.map(op.getMatchingBlockArgument(&init), arguments[inputs.size() + i]);
  for (Operation &inner : op.getBody()->without_terminator()) {
    if (auto index = dyn_cast<linalg::IndexOp>(inner))
      values.map(index.getResult(), expand(b, index.getLoc(), map.getResult(index.getDim())));
    else
      b.clone(inner, values);
  }
  return llvm::map_to_vector(op.getBody()->getTerminator()->getOperands(),
                             [&](Value v) { return values.lookupOrDefault(v); });
}

GenericOp KernelBuilder::build() {
  AffineMap identity = b.getMultiDimIdentityMap(root.getNumLoops());
  collect(root, identity);
  if (elements.empty())
    return {};
  b.setInsertionPoint(root);
  addShapeOperand();
  SmallVector<Value> values;
  SmallVector<AffineMap> maps;
  for (auto &[value, map] : inputs) {
    values.push_back(value);
    maps.push_back(map);
  }
  for (OpOperand &init : root.getDpsInitsMutable())
    maps.push_back(root.getMatchingIndexingMap(&init));
  auto body = [&](OpBuilder &b, Location loc, ValueRange arguments) {
    // An op was inserted after its consumer: backwards, producers come first. But
    // one that is shared may stand before another of its consumers.
    std::function<void(GenericOp, AffineMap)> emit = [&](GenericOp op, AffineMap map) {
      for (OpOperand *operand : op.getDpsInputOperands()) {
        AffineMap to = op.getMatchingIndexingMap(operand).compose(map);
        auto producer = operand->get().getDefiningOp<GenericOp>();
        if (!producer || !plan.isInlined(producer) || elements[{producer, to}])
          continue;
        emit(producer, to);
        elements[{producer, to}] = inlineBody(b, producer, to, arguments).front();
      }
    };
    emit(root, identity);
    linalg::YieldOp::create(b, loc, inlineBody(b, root, identity, arguments));
  };
  return GenericOp::create(b, root.getLoc(), root.getResultTypes(), values, root.getDpsInits(),
                           maps, root.getIteratorTypesArray(), body);
}

/// One value for all elements, whatever the block of the reader is: in a loop, memory full of it
/// would be read, or even written, in each round. Readers in other blocks get a copy of their own.
void copyConstants(func::FuncOp function) {
  SmallVector<GenericOp> ops;
  function.walk([&](GenericOp op) {
    if (op.getNumDpsInputs() == 0 && isElementwise(op) &&
        op.getBody()->without_terminator().empty())
      ops.push_back(op);
  });
  for (GenericOp op : ops)
    for (OpOperand &use : llvm::make_early_inc_range(op->getUses())) {
      auto reader = dyn_cast<GenericOp>(use.getOwner());
      if (!reader || reader->getBlock() == op->getBlock() || !reader.hasPureTensorSemantics() ||
          !reader.isDpsInput(&use))
        continue;
      OpBuilder b(reader);
      use.set(b.clone(*op)->getResult(0));
    }
}

struct FuseElementwisePass : impl::FuseElementwiseBase<FuseElementwisePass> {
  using FuseElementwiseBase::FuseElementwiseBase;

  void runOnOperation() override {
    copyConstants(getOperation());
    llvm::DenseSet<Operation *> kept;
    Plan plan(getOperation(), kept);
    while (Limit(plan, mostReads).apply(kept))
      plan = Plan(getOperation(), kept);
    OpBuilder b(&getContext());
    for (GenericOp root : plan.roots()) {
      GenericOp fused = KernelBuilder(b, plan, root).build();
      if (!fused)
        continue;
      root->replaceAllUsesWith(fused);
      root->erase();
    }
    numFused += plan.inlinedOps().size();
    for (GenericOp op : plan.inlinedOps())
      op->erase();
  }
};

} // namespace
} // namespace mad
