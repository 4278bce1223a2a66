//===- VectorizeLoopsAcross.cpp - Reductions, lanes across elements ---------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each lane is an element of the output, so that the order of the reduction stays
// that of the op. A tile of rows x vectors accumulators goes through the reduction
// loops in registers.
//
// Two forms. Panel: the reduction runs inside of the tile, in blocks when it is
// long, so that a panel of the operand that all rows share stays in cache. Stream:
// for few rows, some steps of the reduction run for the whole vector dimension
// before the next ones; a large matrix is then read in its order in memory.
//
//===----------------------------------------------------------------------===//
#include "passes/Transforms/VectorizeLoopsPlan.h"

using namespace mlir;

namespace mad::vectorize {
namespace {

/// Steps of a reduction that run on one panel.
constexpr int64_t panelDepth = 256;
/// Steps of a reduction that run on one pass over the vector dimension.
constexpr int64_t streamDepth = 8;

class AcrossEmitter {
public:
  AcrossEmitter(ImplicitLocOpBuilder &b, const Nest &nest, const TilePlan &plan);
  void emit();

private:
  /// A part of the reduction dimension that is cut into blocks: a loop, or without
  /// bounds the next `unroll` steps, written out.
  struct Range {
    Value low, high;
    int64_t unroll = 1;
  };
  /// The vectors of one tile.
  struct Shape {
    int64_t rows, vectors, lanes;
    Value mask;
  };

  void emitOuter(BodyEmitter &outer, unsigned level);
  void emitRows(BodyEmitter &outer);
  void emitPanels(BodyEmitter &outer, Value low, Value high, int64_t rows);
  void emitStreams(BodyEmitter &outer, Value low, Value high, int64_t rows);
  using Tile = llvm::function_ref<void(BodyEmitter &, int64_t vectors, int64_t lanes, Value mask)>;
  void emitStrips(BodyEmitter &outer, int64_t vectors, Tile tile);
  void emitStripsBetween(BodyEmitter &outer, Value low, Value high, int64_t vectors, Tile tile);
  void emitScalarStrips(BodyEmitter &outer, Value low, Value high, Tile tile);
  void emitTile(BodyEmitter &emitter, const Shape &shape, std::optional<Range> range);
  SmallVector<Value> reduce(BodyEmitter &outer, const Shape &shape, unsigned level,
                            SmallVector<int64_t> at, std::optional<Range> range,
                            ValueRange accumulators);
  SmallVector<Value> step(BodyEmitter &emitter, const Shape &shape, ArrayRef<int64_t> at,
                          ValueRange accumulators);
  template <typename F> void forEach(const Shape &shape, ArrayRef<int64_t> at, F f) const;
  void hoist(BodyEmitter &emitter, int64_t rows, ArrayRef<int64_t> at,
             ArrayRef<unsigned> reductionDims);
  int64_t unrollOf(unsigned dim, const Shape &shape) const;
  bool isSmall(unsigned dim) const;

  ImplicitLocOpBuilder &b;
  const Nest &nest;
  const TilePlan &plan;
  BodyAnalysis plain;
  Split split;
  std::optional<BodyAnalysis> inside;
  unsigned dim;                ///< of the vectors
  std::optional<unsigned> row; ///< of the rows
  int64_t rows = 1;
  SmallVector<unsigned> outer, reductions; ///< without those of one step
  llvm::SmallBitVector fixedOutside;
  /// The reduction dimension that is cut into blocks, if that pays.
  std::optional<unsigned> blocked;
};

AcrossEmitter::AcrossEmitter(ImplicitLocOpBuilder &b, const Nest &nest, const TilePlan &plan)
    : b(b), nest(nest), plan(plan), plain(nest), dim(plan.vectorDim) {
  if (!plan.sides.empty()) {
    row = plan.sides.front().dim;
    rows = plan.sides.front().size;
  }
  fixedOutside.resize(nest.numDims());
  for (unsigned d = 0; d < nest.numDims(); ++d) {
    if (d == dim || d == row)
      continue;
    if (!nest.isParallel(d) && !nest.isOne(d)) {
      reductions.push_back(d);
      continue;
    }
    outer.push_back(d);
    fixedOutside.set(d);
  }
  if (reductions.size() == 1 && nest.staticSize(reductions[0]).value_or(1000) > streamDepth)
    blocked = reductions[0];
  split = findSplit(plain, dim, fixedOutside);
  if (!split.facts.empty())
    inside.emplace(nest, split.facts);
}

/// Reductions that are written out.
bool AcrossEmitter::isSmall(unsigned d) const {
  return d == reductions.back() && nest.staticSize(d).value_or(1000) <= 5 && nest.bodySize <= 4;
}

int64_t AcrossEmitter::unrollOf(unsigned d, const Shape &shape) const {
  if (d != reductions.back() || nest.heavy || nest.bodySize > 4 || shape.lanes == 1)
    return 1;
  if (nest.staticSize(d).value_or(1000) < 16)
    return 1;
  return shape.rows * shape.vectors >= 8 ? 4 : 1;
}

template <typename F>
void AcrossEmitter::forEach(const Shape &shape, ArrayRef<int64_t> at, F f) const {
  SmallVector<int64_t> point(at);
  for (int64_t r = 0; r < shape.rows; ++r)
    for (int64_t v = 0; v < shape.vectors; ++v) {
      if (row)
        point[*row] = at[*row] + r;
      point[dim] = at[dim] + v * shape.lanes;
      f(ArrayRef<int64_t>(point));
    }
}

//===----------------------------------------------------------------------===//
// One tile
//===----------------------------------------------------------------------===//

SmallVector<Value> AcrossEmitter::step(BodyEmitter &emitter, const Shape &shape,
                                       ArrayRef<int64_t> at, ValueRange accumulators) {
  Block &body = *nest.op.getBody();
  unsigned outputs = nest.op.getNumDpsInits(), i = 0;
  SmallVector<Value> next;
  forEach(shape, at, [&](ArrayRef<int64_t> point) {
    for (unsigned o = 0; o < outputs; ++o)
      emitter.bind(body.getArgument(nest.numInputs() + o), point, {accumulators[i++]});
    for (Lanes x : emitter.yields(point))
      next.push_back(emitter.materialize(x));
  });
  return next;
}

SmallVector<Value> AcrossEmitter::reduce(BodyEmitter &outer, const Shape &shape, unsigned level,
                                         SmallVector<int64_t> at, std::optional<Range> range,
                                         ValueRange accumulators) {
  if (level == reductions.size())
    return step(outer, shape, at, accumulators);
  unsigned d = reductions[level];
  SmallVector<Value> current = llvm::to_vector(accumulators);
  auto inner = [&](BodyEmitter &e, int64_t unroll, ValueRange carried) {
    SmallVector<Value> values = llvm::to_vector(carried);
    for (int64_t i = 0; i < unroll; ++i) {
      at[d] = i;
      // The last level is written where it is used.
      if (level + 1 < reductions.size())
        hoist(e, shape.rows, at, ArrayRef(reductions).take_front(level + 1));
      values = reduce(e, shape, level + 1, at, range, values);
    }
    at[d] = 0;
    return values;
  };
  bool inRange = range && d == blocked;
  if (inRange && !range->low) {
    BodyEmitter e = outer;
    return inner(e, range->unroll, current);
  }
  if (!inRange && isSmall(d)) {
    BodyEmitter e = outer;
    e.setDim(d, constantIndex(b, 0));
    return inner(e, *nest.staticSize(d), current);
  }
  Value low = constantIndex(b, 0), high = sizeOf(b, nest, d);
  int64_t unroll = unrollOf(d, shape);
  if (inRange) {
    low = range->low;
    high = range->high;
    unroll = range->unroll;
  }
  for (;; unroll = 1) {
    Value end = lastStep(b, low, high, unroll);
    current = emitLoop(outer, d, low, end, unroll, current,
                       [&](BodyEmitter &e, ValueRange carried) { return inner(e, unroll, carried); });
    if (unroll == 1)
      return current;
    low = end;
  }
}

/// Writes what depends on the outer dimensions, some rows (none: 0) and some
/// reductions only.
void AcrossEmitter::hoist(BodyEmitter &emitter, int64_t count, ArrayRef<int64_t> at,
                          ArrayRef<unsigned> reductionDims) {
  llvm::SmallBitVector fixed = fixedOutside;
  if (row && count)
    fixed.set(*row);
  for (unsigned d : reductionDims)
    fixed.set(d);
  SmallVector<int64_t> point(at);
  for (int64_t r = 0; r < std::max<int64_t>(count, 1); ++r) {
    if (row)
      point[*row] = at[*row] + r;
    emitter.hoist(fixed, point);
  }
}

void AcrossEmitter::emitTile(BodyEmitter &emitter, const Shape &shape,
                             std::optional<Range> range) {
  unsigned outputs = nest.op.getNumDpsInits();
  BodyEmitter e = emitter;
  e.setVector(dim, shape.lanes, shape.mask);
  SmallVector<Value> accumulators;
  forEach(shape, e.origin(), [&](ArrayRef<int64_t> point) {
    for (unsigned o = 0; o < outputs; ++o)
      accumulators.push_back(e.materialize(e.loadOperand(nest.numInputs() + o, point)));
  });
  hoist(e, shape.rows, e.origin(), {});
  SmallVector<Value> results = reduce(e, shape, 0, e.origin(), range, accumulators);
  unsigned i = 0;
  forEach(shape, e.origin(), [&](ArrayRef<int64_t> point) {
    for (unsigned o = 0; o < outputs; ++o)
      e.storeOutput(o, point, {results[i++]});
  });
}

//===----------------------------------------------------------------------===//
// Loops around tiles
//===----------------------------------------------------------------------===//

void AcrossEmitter::emitScalarStrips(BodyEmitter &outer, Value low, Value high, Tile tile) {
  emitLoop(outer, dim, low, high, 1, [&](BodyEmitter &e) { tile(e, 1, 1, {}); });
}

void AcrossEmitter::emitStripsBetween(BodyEmitter &outer, Value low, Value high, int64_t vectors,
                                      Tile tile) {
  for (;; vectors = 1) {
    Value end = lastStep(b, low, high, vectors * nest.lanes);
    emitLoop(outer, dim, low, end, vectors * nest.lanes,
             [&](BodyEmitter &e) { tile(e, vectors, nest.lanes, {}); });
    low = end;
    if (vectors == 1)
      break;
  }
  bool contiguous = true;
  for (unsigned i = nest.numInputs(); i < nest.op->getNumOperands(); ++i)
    contiguous &= plain.operandAccess(i, dim) == Access::Contiguous;
  if (!contiguous || !wantsMaskedTail(outer.analysis(), dim))
    return emitScalarStrips(outer, low, high, tile);
  emitLoop(outer, dim, low, high, nest.lanes, [&](BodyEmitter &e) {
    tile(e, 1, nest.lanes, emitMask(e, low, high, nest.lanes));
  });
}

/// Cuts the vector dimension into strips and writes a tile for each.
void AcrossEmitter::emitStrips(BodyEmitter &outer, int64_t vectors, Tile tile) {
  Value zero = constantIndex(b, 0), size = sizeOf(b, nest, dim);
  if (!inside)
    return emitStripsBetween(outer, zero, size, vectors, tile);
  auto [low, high] = emitBounds(outer, split, *inside, dim);
  emitScalarStrips(outer, zero, low, tile);
  BodyEmitter inner = outer;
  inner.setAnalysis(*inside);
  emitStripsBetween(inner, low, high, vectors, tile);
  emitScalarStrips(outer, high, size, tile);
}

void AcrossEmitter::emitPanels(BodyEmitter &outer, Value low, Value high, int64_t count) {
  auto strips = [&](BodyEmitter &e, std::optional<Range> range) {
    emitStrips(e, plan.vectors, [&](BodyEmitter &strip, int64_t vectors, int64_t lanes, Value mask) {
      Shape shape{count, vectors, lanes, mask};
      if (range)
        range->unroll = unrollOf(*blocked, shape);
      if (!row)
        return emitTile(strip, shape, range);
      emitLoop(strip, *row, low, high, count,
               [&](BodyEmitter &tile) { emitTile(tile, shape, range); });
    });
  };
  if (!blocked || !row || nest.staticSize(*blocked).value_or(1 << 30) <= 2 * panelDepth)
    return strips(outer, std::nullopt);
  // Blocks of the reduction; the accumulators rest in the output between them.
  Value size = sizeOf(b, nest, *blocked);
  auto loop = scf::ForOp::create(b, constantIndex(b, 0), size, constantIndex(b, panelDepth));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value first = loop.getInductionVar();
  Value last = arith::AddIOp::create(b, first, constantIndex(b, panelDepth));
  last = arith::MinSIOp::create(b, last, size);
  strips(outer, Range{first, last});
}

/// Rows `low` to `high`, `count` at a time.
void AcrossEmitter::emitStreams(BodyEmitter &outer, Value low, Value high, int64_t count) {
  auto strips = [&](BodyEmitter &e, Range range) {
    emitStrips(e, plan.vectors, [&](BodyEmitter &strip, int64_t vectors, int64_t lanes, Value mask) {
      emitTile(strip, {count, vectors, lanes, mask}, range);
    });
  };
  auto allSteps = [&](BodyEmitter &e) {
    Value size = sizeOf(b, nest, *blocked), end = lastStep(b, constantIndex(b, 0), size, streamDepth);
    emitLoop(e, *blocked, constantIndex(b, 0), end, streamDepth, [&](BodyEmitter &steps) {
      // What does not vary along the vectors is loaded once for all of them.
      SmallVector<int64_t> at = steps.origin();
      for (at[*blocked] = 0; at[*blocked] < streamDepth; ++at[*blocked])
        hoist(steps, count, at, reductions);
      strips(steps, {{}, {}, streamDepth});
    });
    if (!isEmpty(end, size))
      strips(e, {end, size, 1});
  };
  if (!row)
    return allSteps(outer);
  emitLoop(outer, *row, low, high, count, allSteps);
}

void AcrossEmitter::emitRows(BodyEmitter &outer) {
  Value zero = constantIndex(b, 0), size = row ? sizeOf(b, nest, *row) : constantIndex(b, 1);
  // One stream a pass pays where the other operand does not fit a few registers.
  bool wide = nest.staticSize(dim).value_or(1 << 30) > 8 * nest.lanes;
  bool streams = blocked && wide && !nest.heavy;
  Value low = zero;
  for (int64_t count = rows;; count = std::max<int64_t>(1, count / 2)) {
    Value high = lastStep(b, low, size, count);
    if (!isEmpty(low, high)) {
      if (streams && count < 4)
        emitStreams(outer, low, high, count);
      else
        emitPanels(outer, low, high, count);
    }
    low = high;
    if (count == 1)
      return;
  }
}

void AcrossEmitter::emitOuter(BodyEmitter &e, unsigned level) {
  if (level == outer.size()) {
    hoist(e, 0, e.origin(), {});
    return emitRows(e);
  }
  unsigned d = outer[level];
  emitLoop(e, d, constantIndex(b, 0), sizeOf(b, nest, d), 1,
           [&](BodyEmitter &inner) { emitOuter(inner, level + 1); });
}

void AcrossEmitter::emit() {
  BodyEmitter emitter(b, plain);
  emitOuter(emitter, 0);
}

} // namespace

void emitAcross(ImplicitLocOpBuilder &b, const Nest &nest, const TilePlan &plan) {
  AcrossEmitter(b, nest, plan).emit();
}

} // namespace mad::vectorize
