//===- AttentionFinder.cpp - Which ops are an attention -------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All ops are computed where the last of them stands. So what they leave to each other is used by
// nobody else, and what they read is not written before that place. Ops between them that have to
// do with neither are computed where they are.
//
//===----------------------------------------------------------------------===//
#include "passes/Conversion/LinalgToGpu/AttentionFinder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "passes/Transforms/Kernels.h"

using namespace mlir;
using linalg::GenericOp;

namespace mad::attention {

/// Nothing but these ops uses the memory.
bool isPrivate(Value base, llvm::function_ref<bool(Operation *)> isOurs) {
  if (!base || !base.getDefiningOp<memref::AllocOp>())
    return false;
  SmallVector<Value> work{base};
  while (!work.empty())
    for (Operation *user : work.pop_back_val().getUsers()) {
      if (isa<memref::ExpandShapeOp, memref::CollapseShapeOp, memref::CastOp>(user))
        work.push_back(user->getResult(0));
      else if (!isa<memref::DimOp>(user) && !isOurs(user))
        return false;
    }
  return true;
}

bool Finder::begin() {
  found->scores = productOf(product);
  if (!found->scores)
    return false;
  const Contraction &c = *found->scores;
  // Rows of K: its last dimension is the sum's.
  AffineMap b = c.map(c.b), a = c.map(c.a);
  if (b.getDimPosition(b.getNumResults() - 1) != c.k ||
      a.getDimPosition(a.getNumResults() - 1) != c.k)
    return false;
  for (unsigned i : {c.a, c.b})
    if (!hasNeighbours(product->getOperand(i)) || !baseOf(product->getOperand(i)))
      return false;
  note(product);
  elements = baseOf(product->getOperand(2));
  return hold(product->getOperand(2), Held::Scores);
}

/// Takes an op up, with the memory that it reads.
void Finder::note(GenericOp op) {
  found->ops.push_back(op);
  llvm::append_range(found->fills, fillsBefore(op));
  for (Value input : op.getDpsInputs())
    if (isMemory(input) && !held.contains(baseOf(input)))
      read.insert(baseOf(input));
}

bool Finder::hold(Value memory, Held what) {
  Value base = baseOf(memory);
  if (!base || !isWhole(memory) || !isFloat(memory) || read.contains(base) ||
      (what == Held::Scores && !rootOf(memory, 1)))
    return false;
  held[base] = what;
  return true;
}

std::optional<Finder::Held> Finder::heldIn(Value memory) {
  auto at = held.find(baseOf(memory));
  return at == held.end() ? std::nullopt : std::optional(at->second);
}

/// Ops that have to do with nothing of this.
bool Finder::stayApart(Operation *op) {
  auto touches = [&](Value memory, bool writes) {
    Value base = baseOf(memory);
    return !base || held.contains(base) || (writes && read.contains(base));
  };
  if (auto load = dyn_cast<memref::LoadOp>(op))
    return !touches(load.getMemRef(), false);
  if (auto fill = dyn_cast<linalg::FillOp>(op))
    return !touches(fill.getDpsInits().front(), true);
  auto generic = dyn_cast<GenericOp>(op);
  if (!generic || !generic.hasPureBufferSemantics())
    return false;
  bool good = true;
  for (OpOperand &operand : generic->getOpOperands())
    if (isMemory(operand.get()))
      good = good && !touches(operand.get(), generic.isDpsInit(&operand));
  generic.getBody()->walk(
      [&](memref::LoadOp load) { good = good && !touches(load.getMemRef(), false); });
  return good;
}

bool Finder::visit(GenericOp op) {
  bool uses = llvm::any_of(op->getOperands(),
                           [&](Value v) { return isMemory(v) && held.contains(baseOf(v)); });
  if (!uses)
    return stayApart(op);
  if (op.getNumReductionLoops() == 0)
    return visitElements(op);
  return op.getNumDpsInputs() == 1 ? visitReduction(op) : visitProduct(op);
}

/// What members leave to each other is theirs, and nobody reads what is written.
bool Finder::isComplete() {
  if (stage != Stage::Result)
    return false;
  Value end = baseOf(found->output);
  for (auto [base, what] : held)
    if (base != end && !isPrivate(base, [&](Operation *user) {
          return llvm::is_contained(found->ops, user) || llvm::is_contained(found->fills, user);
        }))
      return false;
  for (Value base : read)
    if (!base || base == end)
      return false;
  return true;
}

std::shared_ptr<Attention> Finder::run() {
  if (!begin())
    return nullptr;
  constexpr unsigned longest = 48;
  SmallVector<linalg::FillOp> fills;
  unsigned seen = 0;
  for (Operation *op = product->getNextNode(); op && seen < longest; op = op->getNextNode()) {
    if (isa<memref::AllocOp>(op) || (op->getNumRegions() == 0 && isMemoryEffectFree(op)))
      continue;
    ++seen;
    if (auto fill = dyn_cast<linalg::FillOp>(op)) {
      fills.push_back(fill);
      continue;
    }
    auto generic = dyn_cast<GenericOp>(op);
    // Fills are those of this op, or apart.
    SmallVector<linalg::FillOp> own =
        generic ? fillsBefore(generic) : SmallVector<linalg::FillOp>();
    Attention before = *found;
    bool good = true;
    for (linalg::FillOp fill : fills)
      good = good && (llvm::is_contained(own, fill) || stayApart(fill));
    fills.clear();
    good = good && (generic ? visit(generic) : stayApart(op));
    if (!good) {
      if (stage != Stage::Result)
        return nullptr;
      // What follows is none of it.
      *found = std::move(before);
      break;
    }
  }
  if (!isComplete())
    return nullptr;
  if (found->scores->element(found->scores->a) != found->values->element(found->values->a))
    return nullptr;
  lastOp = found->last();
  findCopies();
  findComputed();
  llvm::sort(found->ops, [](Operation *x, Operation *y) { return x->isBeforeInBlock(y); });
  findLimit();
  findScale();
  return found;
}

} // namespace mad::attention

std::shared_ptr<mad::Attention> mad::findAttention(DeviceFunction &f, GenericOp product) {
  return attention::Finder(f, product).run();
}
