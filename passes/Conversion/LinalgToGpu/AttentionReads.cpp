//===- AttentionReads.cpp - Memory that an attention does without ---------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "passes/Conversion/LinalgToGpu/AttentionFinder.h"
#include "passes/Transforms/Kernels.h"

using namespace mlir;
using linalg::GenericOp;

namespace mad::attention {

/// A plain element by element op of floats, without loads of computed places.
bool isSimple(GenericOp op) {
  if (!op.hasPureBufferSemantics() || op.getNumReductionLoops() || op.getNumDpsInits() != 1 ||
      op.getNumLoops() == 0)
    return false;
  bool simple = true;
  op.getBody()->walk([&](Operation *inner) {
    simple &= inner->getNumRegions() == 0 && !isa<memref::LoadOp>(inner);
  });
  return simple;
}

/// No op from there to the last writes the memory.
bool Finder::isUnwritten(Value base, Operation *from) {
  for (Operation *op = from->getNextNode(); op; op = op->getNextNode()) {
    WalkResult result = op->walk([&](Operation *inner) {
      if (auto linalg = dyn_cast<linalg::LinalgOp>(inner)) {
        for (Value init : linalg.getDpsInits())
          if (isMemory(init) && (!baseOf(init) || baseOf(init) == base))
            return WalkResult::interrupt();
        return WalkResult::skip();
      }
      auto effects = dyn_cast<MemoryEffectOpInterface>(inner);
      if (!effects && inner->getNumRegions() == 0 && !isMemoryEffectFree(inner))
        return WalkResult::interrupt();
      SmallVector<MemoryEffects::EffectInstance> all;
      if (effects)
        effects.getEffects<MemoryEffects::Write>(all);
      for (auto &effect : all)
        if (!effect.getValue() || !isMemory(effect.getValue()) || !baseOf(effect.getValue()) ||
            baseOf(effect.getValue()) == base)
          return WalkResult::interrupt();
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      return false;
    if (op == lastOp)
      return true;
  }
  return false;
}

/// A factor that is a copy with dimensions in another order, for nobody else.
AttentionFactor Finder::factorOf(Value memory, const Contraction &c, unsigned keysFromEnd) {
  AttentionFactor same{memory, {}};
  Value root = rootOf(memory, keysFromEnd), base = baseOf(memory);
  if (!root || root != base || !isWhole(memory))
    return same;
  GenericOp copy;
  bool others = !isPrivate(base, [&](Operation *user) {
    if (user == c.op)
      return true;
    auto generic = dyn_cast<GenericOp>(user);
    if (!generic || copy || generic->getBlock() != c.op->getBlock() ||
        !generic->isBeforeInBlock(product) || generic.getNumDpsInputs() != 1)
      return false;
    copy = generic;
    return true;
  });
  if (others || !copy || !isSimple(copy) || copy.getDpsInits().front() != root ||
      !copy.getMatchingIndexingMap(copy.getDpsInitOperand(0)).isIdentity() ||
      copy.getBody()->getTerminator()->getOperand(0) != copy.getBody()->getArgument(0))
    return same;
  Value source = copy.getDpsInputs().front();
  AffineMap map = copy.getMatchingIndexingMap(copy.getDpsInputOperand(0));
  if (!isMemory(source) || !map.isPermutation() || !baseOf(source) || !hasNeighbours(source) ||
      map.getDimPosition(map.getNumResults() - 1) != copy.getNumLoops() - 1 ||
      getElementTypeOrSelf(source) != getElementTypeOrSelf(root) || !fillsBefore(copy).empty() ||
      held.contains(baseOf(source)) || !isUnwritten(baseOf(source), copy))
    return same;
  // All dimensions of the batch, in order, before the rows.
  SmallVector<unsigned> expected(c.outer.begin(), c.outer.end());
  AffineMap mine = c.map(memory == c.op->getOperand(c.a) ? c.a : c.b);
  for (unsigned i = 0; i < expected.size(); ++i)
    if (mine.getDimPosition(i) != expected[i])
      return same;
  if (mine.getNumResults() != expected.size() + 2)
    return same;
  if (keysFromEnd == 2 &&
      (copy.getNumLoops() < 2 || cast<MemRefType>(root.getType()).getRank() < 2))
    return same;
  return {source, copy};
}

void Finder::findCopies() {
  const Contraction &s = *found->scores, &w = *found->values;
  found->q = factorOf(s.op->getOperand(s.a), s, 1);
  // Of Q the sum must be the last dimension, behind the rows.
  AffineMap a = s.map(s.a);
  if (found->q.copy && a.getDimPosition(a.getNumResults() - 2) != *s.m)
    found->q = {s.op->getOperand(s.a), {}};
  found->k = factorOf(s.op->getOperand(s.b), s, 2);
  AffineMap b = s.map(s.b);
  if (found->k.copy && b.getDimPosition(b.getNumResults() - 2) != s.n)
    found->k = {s.op->getOperand(s.b), {}};
  found->v = factorOf(w.op->getOperand(w.b), w, 2);
  AffineMap v = w.map(w.b);
  if (found->v.copy && v.getDimPosition(v.getNumResults() - 2) != w.k)
    found->v = {w.op->getOperand(w.b), {}};
  for (AttentionFactor factor : {found->q, found->k, found->v})
    if (factor.copy && !llvm::is_contained(found->ops, factor.copy.getOperation()))
      found->ops.push_back(factor.copy);
}

/// Memory that one op fills element by element, for scores alone.
bool Finder::isComputed(Value memory, unsigned depth) {
  Value base = baseOf(memory);
  if (found->computed.contains(base))
    return true;
  GenericOp maker;
  bool ours = memory == base && isPrivate(base, [&](Operation *user) {
                auto generic = dyn_cast<GenericOp>(user);
                if (!generic)
                  return false;
                if (!llvm::is_contained(generic.getDpsInits(), base))
                  return llvm::is_contained(found->ops, user);
                bool first = !maker && generic->getBlock() == product->getBlock();
                maker = generic;
                return first;
              });
  if (!ours || !maker || depth > 3 || !isSimple(maker) || f.groups.contains(maker) ||
      !maker->isBeforeInBlock(lastOp) || !fillsBefore(maker).empty() ||
      !maker.getMatchingIndexingMap(maker.getDpsInitOperand(0)).isIdentity() ||
      !maker.getMatchingBlockArgument(maker.getDpsInitOperand(0)).use_empty())
    return false;
  for (Value input : maker.getDpsInputs())
    if (isMemory(input) &&
        (!baseOf(input) || held.contains(baseOf(input)) || baseOf(input) == baseOf(found->output) ||
         !isUnwritten(baseOf(input), maker)))
      return false;
  found->computed[base] = maker;
  found->ops.push_back(maker);
  for (Value input : maker.getDpsInputs())
    if (isMemory(input))
      (void)isComputed(input, depth + 1);
  return true;
}

void Finder::findComputed() {
  for (const AttentionStep &step : found->steps) {
    GenericOp op = step.op;
    for (OpOperand *input : op.getDpsInputOperands())
      if (step.kind == AttentionStep::Score && isMemory(input->get()) &&
          step.sources[input->getOperandNumber()] == AttentionStep::Memory)
        (void)isComputed(input->get(), 0);
  }
}

} // namespace mad::attention
