//===- VectorizeLoopsMap.cpp - Loops of ops without a reduction -------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One dimension, along which every output is contiguous, runs over vectors; the
// others are loops around it. Where an input is contiguous along another dimension,
// square blocks of it are transposed in registers.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Math/IR/Math.h"
#include "passes/Transforms/VectorizeLoopsEmit.h"
#include "passes/Transforms/VectorizeLoopsSplit.h"

using namespace mlir;

namespace mad::vectorize {
namespace {

class MapEmitter {
public:
  MapEmitter(ImplicitLocOpBuilder &b, const Nest &nest) : b(b), nest(nest), plain(nest) {}

  bool emit();

private:
  std::optional<unsigned> chooseDim() const;
  void findTransposed();
  void emitTransposed(BodyEmitter &outer);
  void emitBlocks(BodyEmitter &strip, int64_t vectors);
  int64_t chooseUnroll(const BodyAnalysis &analysis) const;
  bool wantsPairs(const BodyAnalysis &analysis) const;
  void emitOuter(BodyEmitter &outer, unsigned level);
  void emitInner(BodyEmitter &outer);
  void emitScalars(BodyEmitter &outer, Value low, Value high);
  void emitVectors(BodyEmitter &outer, Value low, Value high);
  /// Vectors (or scalars) at the current point, `count` of them side by side.
  void emitPoints(BodyEmitter &emitter, int64_t count, int64_t lanes);

  ImplicitLocOpBuilder &b;
  const Nest &nest;
  BodyAnalysis plain;
  unsigned dim = 0;
  /// Inputs that are contiguous along `rows` only.
  SmallVector<unsigned> transposed;
  std::optional<unsigned> rows;
  Split split;
  std::optional<BodyAnalysis> inside;
};

std::optional<unsigned> MapEmitter::chooseDim() const {
  for (unsigned d = nest.numDims(); d-- > 0;) {
    bool contiguous = !nest.isOne(d);
    for (unsigned i = nest.numInputs(); i < nest.op->getNumOperands(); ++i)
      contiguous &= plain.operandAccess(i, d) == Access::Contiguous;
    if (contiguous)
      return d;
  }
  return {};
}

int64_t MapEmitter::chooseUnroll(const BodyAnalysis &analysis) const {
  int64_t unroll = nest.bodySize <= 4 ? 4 : nest.bodySize <= 12 ? 2 : 1;
  if (nest.heavy || analysis.hasGather(dim))
    unroll = 1;
  if (std::optional<int64_t> size = nest.staticSize(dim))
    while (unroll > 1 && unroll * nest.lanes > *size)
      unroll /= 2;
  return unroll;
}

/// Whether a vector takes two registers. The steps of a long chain then alternate
/// between both, so that fewer of them wait in the queues of the CPU. What fills all
/// registers anyway is better off without.
bool MapEmitter::wantsPairs(const BodyAnalysis &analysis) const {
  if (nest.level < 4 || !nest.heavy || analysis.hasGather(dim) ||
      nest.staticSize(dim).value_or(2 * nest.lanes) < 2 * nest.lanes)
    return false;
  auto isF32 = [](Type type) { return getElementTypeOrSelf(type).isF32(); };
  unsigned functions = 0;
  for (Operation &op : nest.op.getBody()->without_terminator()) {
    if (isHeavy(op) && (!isa<math::ExpOp, math::TanhOp, math::ErfOp>(op) || ++functions > 1))
      return false;
    if (!isa<FloatType>(op.getResult(0).getType()) || !isF32(op.getResult(0).getType()))
      return false;
  }
  return nest.bodySize <= 16 && llvm::all_of(nest.op->getOperandTypes(), isF32);
}

void MapEmitter::emitPoints(BodyEmitter &emitter, int64_t count, int64_t lanes) {
  SmallVector<SmallVector<Lanes>> results;
  SmallVector<int64_t> at = emitter.origin();
  for (int64_t i = 0; i < count; ++i) {
    if (lanes)
      at[dim] = i * lanes;
    results.push_back(emitter.yields(at));
  }
  for (int64_t i = 0; i < count; ++i) {
    if (lanes)
      at[dim] = i * lanes;
    for (auto [k, value] : llvm::enumerate(results[i]))
      emitter.storeOutput(k, at, value);
  }
}

void MapEmitter::emitScalars(BodyEmitter &outer, Value low, Value high) {
  BodyEmitter scalars = outer;
  scalars.setVector(dim, 1);
  emitLoop(scalars, dim, low, high, 1, [&](BodyEmitter &e) { emitPoints(e, 1, 1); });
}

void MapEmitter::emitVectors(BodyEmitter &outer, Value low, Value high) {
  const BodyAnalysis &analysis = outer.analysis();
  BodyEmitter vectors = outer;
  if (wantsPairs(analysis)) {
    BodyEmitter pairs = outer;
    int64_t step = 2 * nest.lanes;
    pairs.setVector(dim, step);
    Value end = lastStep(b, low, high, step);
    emitLoop(pairs, dim, low, end, step, [&](BodyEmitter &e) { emitPoints(e, 1, step); });
    low = end;
  }
  vectors.setVector(dim, nest.lanes);
  for (int64_t unroll = chooseUnroll(analysis);; unroll = 1) {
    int64_t step = unroll * nest.lanes;
    Value end = lastStep(b, low, high, step);
    emitLoop(vectors, dim, low, end, step,
             [&](BodyEmitter &e) { emitPoints(e, unroll, nest.lanes); });
    low = end;
    if (unroll == 1)
      break;
  }
  if (!wantsMaskedTail(analysis, dim))
    return emitScalars(outer, low, high);
  if (isEmpty(low, high))
    return;
  // Runs once or never.
  emitLoop(outer, dim, low, high, nest.lanes, [&](BodyEmitter &e) {
    e.setVector(dim, nest.lanes, emitMask(e, low, high, nest.lanes));
    emitPoints(e, 1, nest.lanes);
  });
}

void MapEmitter::emitInner(BodyEmitter &outer) {
  Value zero = constantIndex(b, 0), size = sizeOf(b, nest, dim);
  if (!inside)
    return emitVectors(outer, zero, size);
  auto [low, high] = emitBounds(outer, split, *inside, dim);
  BodyEmitter inner = outer;
  inner.setAnalysis(*inside);
  llvm::SmallBitVector fixed(nest.numDims(), true);
  inner.hoist(fixed.reset(dim), inner.origin());
  emitScalars(outer, zero, low);
  emitVectors(inner, low, high);
  emitScalars(outer, high, size);
}

/// Finds the dimension for blocks, if there are inputs to transpose.
void MapEmitter::findTransposed() {
  for (unsigned i = 0; i < nest.numInputs(); ++i) {
    if (!plain.isLive(nest.op.getBody()->getArgument(i)) ||
        plain.operandAccess(i, dim) != Access::Gather)
      continue;
    for (unsigned d = 0; d < nest.numDims(); ++d)
      if (d != dim && (!rows || rows == d) &&
          nest.staticSize(d).value_or(nest.lanes) >= nest.lanes &&
          plain.operandAccess(i, d) == Access::Contiguous) {
        rows = d;
        transposed.push_back(i);
      }
  }
}

/// Blocks of lanes x lanes points (or two beside each other) at a strip.
void MapEmitter::emitBlocks(BodyEmitter &strip, int64_t vectors) {
  Value zero = constantIndex(b, 0), size = sizeOf(b, nest, *rows);
  Value end = lastStep(b, zero, size, nest.lanes);
  emitLoop(strip, *rows, zero, end, nest.lanes, [&](BodyEmitter &e) {
    SmallVector<int64_t> at = e.origin();
    for (int64_t v = 0; v < vectors; ++v) {
      at[dim] = v * nest.lanes;
      for (unsigned input : transposed)
        e.loadTransposed(input, *rows, at);
    }
    for (at[*rows] = 0; at[*rows] < nest.lanes; ++at[*rows])
      for (int64_t v = 0; v < vectors; ++v) {
        at[dim] = v * nest.lanes;
        for (auto [k, value] : llvm::enumerate(e.yields(at)))
          e.storeOutput(k, at, value);
      }
  });
  emitLoop(strip, *rows, end, size, 1, [&](BodyEmitter &e) { emitPoints(e, vectors, nest.lanes); });
}

void MapEmitter::emitTransposed(BodyEmitter &outer) {
  Value low = constantIndex(b, 0), size = sizeOf(b, nest, dim);
  BodyEmitter vectors = outer;
  vectors.setVector(dim, nest.lanes);
  // Two vectors of 32 bytes are a line of cache, which is written as a whole.
  for (int64_t count = nest.level >= 4 ? 1 : 2;; count = 1) {
    Value end = lastStep(b, low, size, count * nest.lanes);
    emitLoop(vectors, dim, low, end, count * nest.lanes,
             [&](BodyEmitter &e) { emitBlocks(e, count); });
    low = end;
    if (count == 1)
      break;
  }
  emitLoop(outer, *rows, constantIndex(b, 0), sizeOf(b, nest, *rows), 1,
           [&](BodyEmitter &e) { emitScalars(e, low, size); });
}

void MapEmitter::emitOuter(BodyEmitter &outer, unsigned level) {
  if (level == nest.numDims())
    return rows ? emitTransposed(outer) : emitInner(outer);
  if (level == dim || level == rows)
    return emitOuter(outer, level + 1);
  emitLoop(outer, level, constantIndex(b, 0), sizeOf(b, nest, level), 1, [&](BodyEmitter &e) {
    llvm::SmallBitVector fixed(nest.numDims());
    fixed.set(0, level + 1);
    fixed.reset(dim);
    if (rows)
      fixed.reset(*rows);
    e.hoist(fixed, e.origin());
    emitOuter(e, level + 1);
  });
}

bool MapEmitter::emit() {
  BodyEmitter emitter(b, plain);
  if (nest.numDims() == 0) {
    emitPoints(emitter, 1, 0);
    return true;
  }
  std::optional<unsigned> chosen = chooseDim();
  if (!chosen)
    return false;
  dim = *chosen;
  llvm::SmallBitVector fixed(nest.numDims(), true);
  fixed.reset(dim);
  split = findSplit(plain, dim, fixed);
  if (!split.facts.empty())
    inside.emplace(nest, split.facts);
  else if (!nest.heavy)
    findTransposed();
  emitter.hoist(llvm::SmallBitVector(nest.numDims()), emitter.origin());
  emitOuter(emitter, 0);
  return true;
}

} // namespace

bool emitMap(ImplicitLocOpBuilder &b, const Nest &nest) { return MapEmitter(b, nest).emit(); }

} // namespace mad::vectorize
