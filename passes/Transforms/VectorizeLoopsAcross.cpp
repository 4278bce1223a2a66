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
// long; the part of the operand that all rows share is packed, so that it stays in
// cache whatever its strides. Stream: for few rows, some steps of the reduction run
// for the whole vector dimension before the next ones; a large matrix is then read
// in its order in memory.
//
// Where the order of the reduction is free, long sums are cut: those in registers by
// emitCascade; what panels and streams have added to the output goes to totals from time
// to time. Both cut at the same places, so that a row has the same bits in both, and in a
// product of packed matrices (passes/Kernels/TileSizes.h).
//
//===----------------------------------------------------------------------===//
#include "passes/Transforms/VectorizeLoopsAcross.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "passes/Transforms/VectorizeLoopsCascade.h"

using namespace mlir;

namespace mad::vectorize {

/// Steps of a reduction that run on one panel.
static constexpr int64_t panelDepth = 256;
/// Bytes of a packed panel: half of the smallest first-level cache.
static constexpr int64_t panelBytes = 16 << 10;
static constexpr StringLiteral panelAttr = "panel";
/// Blocks of rows from which on a panel is worth its packing.
static constexpr int64_t packedBlocks = 4;
/// Steps of a reduction that run on one pass over the vector dimension.
static constexpr int64_t streamDepth = 8;

AcrossEmitter::AcrossEmitter(ImplicitLocOpBuilder &b, const Nest &nest, const TilePlan &plan,
                             ArrayRef<Combiner> combiners)
    : b(b), nest(nest), plan(plan), combiners(combiners), plain(nest), dim(plan.vectorDim),
      depth(panelDepth) {
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
  for (unsigned i = 0; blocked && row && !packed && i < nest.numInputs(); ++i) {
    llvm::SmallBitVector deps = plain.of(nest.op.getBody()->getArgument(i)).deps();
    if (plain.operandAccess(i, dim) == Access::Contiguous && deps.test(dim) &&
        deps.test(*blocked) && !deps.test(*row)) {
      packed = i;
      Type element = cast<MemRefType>(nest.op->getOperand(i).getType()).getElementType();
      int64_t width = plan.vectors * nest.lanes * element.getIntOrFloatBitWidth() / 8;
      depth = std::min(depth, std::max<int64_t>(panelBytes / width, 32));
    }
  }
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

/// Steps of the reductions from `level` on.
Value AcrossEmitter::stepsFrom(unsigned level, int64_t unroll) {
  Value steps = constantIndex(b, unroll);
  for (unsigned d : ArrayRef(reductions).drop_front(level))
    steps = b.createOrFold<arith::MulIOp>(steps, sizeOf(b, nest, d));
  return steps;
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
  for (bool isRest = false;; unroll = 1) {
    Value end = lastStep(b, low, high, unroll);
    CascadeLoop loop{d, low, end, unroll, stepsFrom(level + 1, unroll)};
    loop.isOutermost = level == 0;
    loop.isInnermost = level + 1 == reductions.size();
    if (!inRange && !isRest) {
      loop.sums.resize(current.size());
      for (unsigned i = 0; i < current.size(); ++i)
        if (isSum(i % nest.op.getNumDpsInits()))
          loop.sums.set(i);
    }
    current = emitCascade(outer, loop, current, [&](BodyEmitter &e, ValueRange carried) {
      return inner(e, unroll, carried);
    });
    if (unroll == 1)
      return current;
    low = end;
    isRest = true;
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

/// What an accumulator of a part of the reduction starts with.
Value AcrossEmitter::initial(BodyEmitter &e, unsigned output, ArrayRef<int64_t> point,
                             const std::optional<Range> &range) {
  Value number = nest.initials[output];
  Value first = !range ? Value() : range->low ? range->low : e.dim(*blocked);
  bool always = !first || constantInt(first) == 0;
  if (number && always)
    return e.materialize({number});
  Value found = e.materialize(e.loadOperand(nest.numInputs() + output, point));
  if (!number || constantInt(first))
    return found;
  Value isFirst = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, first, constantIndex(b, 0));
  return arith::SelectOp::create(b, isFirst, e.materialize({number}), found);
}

void AcrossEmitter::emitTile(BodyEmitter &emitter, const Shape &shape, std::optional<Range> range) {
  unsigned outputs = nest.op.getNumDpsInits();
  BodyEmitter e = emitter;
  e.setVector(dim, shape.lanes, shape.mask);
  SmallVector<Value> accumulators;
  forEach(shape, e.origin(), [&](ArrayRef<int64_t> point) {
    for (unsigned o = 0; o < outputs; ++o)
      accumulators.push_back(initial(e, o, point, range));
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
  emitLoop(outer, dim, low, high, nest.lanes,
           [&](BodyEmitter &e) { tile(e, 1, nest.lanes, emitMask(e, low, high, nest.lanes)); });
}

/// Cuts the vector dimension, or a part of it, into strips and writes a tile for each.
void AcrossEmitter::emitStrips(BodyEmitter &outer, int64_t vectors, Tile tile, Value first,
                               Value last) {
  Value zero = constantIndex(b, 0), size = sizeOf(b, nest, dim);
  if (!inside)
    return emitStripsBetween(outer, first ? first : zero, last ? last : size, vectors, tile);
  auto [low, high] = emitBounds(outer, split, *inside, dim);
  emitScalarStrips(outer, zero, low, tile);
  BodyEmitter inner = outer;
  inner.setAnalysis(*inside);
  emitStripsBetween(inner, low, high, vectors, tile);
  emitScalarStrips(outer, high, size, tile);
}

/// Memory on the stack: one a function, type and name.
Value AcrossEmitter::buffer(ArrayRef<int64_t> shape, Type element, StringRef name) {
  auto type = MemRefType::get(shape, element);
  Block &entry = nest.op->getParentOfType<FunctionOpInterface>().front();
  for (auto known : entry.getOps<memref::AllocaOp>())
    if (known.getType() == type && known->hasAttr(name))
      return known;
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&entry);
  auto buffer = memref::AllocaOp::create(b, type, b.getI64IntegerAttr(64));
  buffer->setAttr(name, b.getUnitAttr());
  return buffer;
}

/// Copies the part of the operand that all rows of a strip share.
void AcrossEmitter::pack(BodyEmitter &strip, const Range &range) {
  Value memory = buffer({depth, plan.vectors * nest.lanes},
                        getElementTypeOrSelf(nest.op->getOperand(*packed).getType()), panelAttr);
  emitLoop(strip, *blocked, range.low, range.high, 1, [&](BodyEmitter &e) {
    e.setVector(dim, nest.lanes);
    Value at = b.createOrFold<arith::SubIOp>(e.dim(*blocked), range.low);
    for (int64_t v = 0; v < plan.vectors; ++v) {
      SmallVector<int64_t> point = e.origin();
      point[dim] = v * nest.lanes;
      vector::StoreOp::create(b, e.loadOperand(*packed, point).value, memory,
                              ValueRange{at, constantIndex(b, v * nest.lanes)});
    }
  });
  strip.readFrom(*packed, memory, *blocked, range.low);
}

void AcrossEmitter::emitPanelStrips(BodyEmitter &outer, Value low, Value high, int64_t count,
                                    std::optional<Range> range) {
  emitStrips(outer, plan.vectors,
             [&](BodyEmitter &strip, int64_t vectors, int64_t lanes, Value mask) {
               Shape shape{count, vectors, lanes, mask};
               if (!row)
                 return emitTile(strip, shape, range);
               auto tiles = [&](BodyEmitter &e) {
                 emitLoop(e, *row, low, high, count,
                          [&](BodyEmitter &tile) { emitTile(tile, shape, range); });
               };
               if (!range)
                 return tiles(strip);
               range->unroll = unrollOf(*blocked, shape);
               if (vectors != plan.vectors || lanes != nest.lanes || mask)
                 return tiles(strip);
               pack(strip, *range);
               tiles(strip);
             });
}

/// Rows `low` to `high`, `count` at a time.
void AcrossEmitter::emitPanels(BodyEmitter &outer, Value low, Value high, int64_t count) {
  if (!packed)
    return emitPanelStrips(outer, low, high, count, std::nullopt);
  Value size = sizeOf(b, nest, *blocked);
  if (nest.staticSize(*blocked).value_or(depth + 1) <= depth)
    return emitPanelStrips(outer, low, high, count, Range{constantIndex(b, 0), size});
  if (isCut())
    return emitCutPanels(outer, low, high, count);
  // Blocks of the reduction; the accumulators rest in the output between them.
  auto loop = scf::ForOp::create(b, constantIndex(b, 0), size, constantIndex(b, depth));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value first = loop.getInductionVar();
  Value last = arith::AddIOp::create(b, first, constantIndex(b, depth));
  last = arith::MinSIOp::create(b, last, size);
  emitPanelStrips(outer, low, high, count, Range{first, last});
}

/// A few steps of the reduction, from the place of `e` on, for a block of rows.
void AcrossEmitter::emitSteps(BodyEmitter &e, const Area &area, int64_t count) {
  Value first = e.dim(*blocked);
  Value last = b.createOrFold<arith::AddIOp>(first, constantIndex(b, streamDepth));
  if (count == 1) {
    // What does not vary along the vectors is loaded once for all of them.
    SmallVector<int64_t> at = e.origin();
    for (at[*blocked] = 0; at[*blocked] < streamDepth; ++at[*blocked])
      hoist(e, count, at, reductions);
  }
  auto tile = [&](BodyEmitter &strip, int64_t vectors, int64_t lanes, Value mask) {
    Shape shape{count, vectors, lanes, mask};
    bool whole = vectors == plan.vectors && lanes == nest.lanes;
    if (count == 1 && whole)
      return emitTile(strip, shape, Range{{}, {}, streamDepth});
    // Written out where time is spent; a loop is less code.
    emitTile(strip, shape, Range{first, last, count == rows && whole ? 2 : 1});
  };
  emitStrips(e, plan.vectors, tile, area.firstColumn, area.lastColumn);
}

/// Rows from `low` on, a few steps of the reduction at a time.
void AcrossEmitter::emitStreams(BodyEmitter &outer, Value low) {
  Value zero = constantIndex(b, 0), one = constantIndex(b, 1);
  Area area{low, row ? sizeOf(b, nest, *row) : one, zero, sizeOf(b, nest, dim)};
  if (isCut())
    return emitCutStreams(outer, area);
  emitStreamsBetween(outer, area, zero, sizeOf(b, nest, *blocked));
}

/// Some steps, for a part of the output.
void AcrossEmitter::emitStreamsBetween(BodyEmitter &outer, const Area &area, Value first,
                                       Value last) {
  auto blocks = rowBlocks(area.firstRow, area.lastRow);
  Value end = lastStep(b, first, last, streamDepth);
  emitLoop(outer, *blocked, first, end, streamDepth, [&](BodyEmitter &steps) {
    emitRowBlocks(steps, blocks, [&](BodyEmitter &e, int64_t count) { emitSteps(e, area, count); });
  });
  if (isEmpty(end, last))
    return;
  emitRowBlocks(outer, blocks, [&](BodyEmitter &e, int64_t count) {
    auto tile = [&](BodyEmitter &strip, int64_t vectors, int64_t lanes, Value mask) {
      emitTile(strip, {count, vectors, lanes, mask}, Range{end, last, 1});
    };
    emitStrips(e, plan.vectors, tile, area.firstColumn, area.lastColumn);
  });
}

/// The rows from `low` on: blocks of the full height, then of half of it, and so on.
SmallVector<AcrossEmitter::RowBlock> AcrossEmitter::rowBlocks(Value low, Value size) {
  SmallVector<RowBlock> result;
  for (int64_t count = rows; count >= 1; count /= 2) {
    Value high = lastStep(b, low, size, count);
    if (!isEmpty(low, high))
      result.push_back({low, high, count});
    low = high;
  }
  return result;
}

//===----------------------------------------------------------------------===//
// All rows
//===----------------------------------------------------------------------===//

void AcrossEmitter::emitRowBlocks(BodyEmitter &outer, ArrayRef<RowBlock> blocks,
                                  llvm::function_ref<void(BodyEmitter &, int64_t)> write) {
  for (const RowBlock &block : blocks) {
    if (row)
      emitLoop(outer, *row, block.low, block.high, block.count,
               [&](BodyEmitter &e) { write(e, block.count); });
    else
      write(outer, 1);
  }
}

void AcrossEmitter::emitRows(BodyEmitter &outer) {
  Value low = constantIndex(b, 0);
  bool wide = nest.staticSize(dim).value_or(1 << 30) > 8 * nest.lanes;
  if (!blocked || !wide || nest.heavy || plain.hasGather(dim)) {
    Value size = row ? sizeOf(b, nest, *row) : constantIndex(b, 1);
    for (const RowBlock &block : rowBlocks(low, size))
      emitPanels(outer, block.low, block.high, block.count);
    return;
  }
  if (packed) {
    // Panels for many rows only; how many there are may be known when running.
    Value high = lastStep(b, low, sizeOf(b, nest, *row), rows);
    Value many = b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::sge, high,
                                               constantIndex(b, packedBlocks * rows));
    auto known = constantInt(many);
    if (known && *known) {
      emitPanels(outer, low, high, rows);
      low = high;
    } else if (!known) {
      auto choice = scf::IfOp::create(b, many, /*withElseRegion=*/false);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(choice.thenBlock());
      BodyEmitter inner = outer;
      emitPanels(inner, low, high, rows);
    }
    if (!known)
      low = arith::SelectOp::create(b, many, high, low);
  }
  emitStreams(outer, low);
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

void emitAcross(ImplicitLocOpBuilder &b, const Nest &nest, const TilePlan &plan,
                ArrayRef<Combiner> combiners) {
  AcrossEmitter(b, nest, plan, combiners).emit();
}

} // namespace mad::vectorize
