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
// emitCascade; those of a panel start at zero and are added to the output; what streams
// have added to the output goes to totals from time to time.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "passes/Transforms/VectorizeLoopsCascade.h"

using namespace mlir;

namespace mad::vectorize {
namespace {

/// Steps of a reduction that run on one panel.
constexpr int64_t panelDepth = 256;
/// Bytes of a packed panel: half of the smallest first-level cache.
constexpr int64_t panelBytes = 16 << 10;
constexpr StringLiteral panelAttr = "panel";
/// Blocks of rows from which on a panel is worth its packing.
constexpr int64_t packedBlocks = 4;
/// Steps of a reduction that run on one pass over the vector dimension.
constexpr int64_t streamDepth = 8;
/// Steps that streams add to the output before it is added to the totals. More than of a
/// cascade: rows and columns are cut as well, for the totals.
constexpr int64_t streamBlock = 1024;
/// Bytes of the totals, which lie on the stack.
constexpr int64_t totalBytes = 32 << 10;

class AcrossEmitter {
public:
  AcrossEmitter(ImplicitLocOpBuilder &b, const Nest &nest, const TilePlan &plan,
                ArrayRef<Combiner> combiners);
  void emit();

private:
  /// A part of the reduction dimension that is cut into blocks: a loop, or without
  /// bounds the next `unroll` steps, written out.
  struct Range {
    Value low, high;
    int64_t unroll = 1;
    bool apart = false; ///< a sum of its own, that is added to the output
  };
  /// The vectors of one tile.
  struct Shape {
    int64_t rows, vectors, lanes;
    Value mask;
  };

  void emitOuter(BodyEmitter &outer, unsigned level);
  void emitRows(BodyEmitter &outer);
  void emitPanels(BodyEmitter &outer, Value low, Value high, int64_t rows);
  void emitPanelStrips(BodyEmitter &outer, Value low, Value high, int64_t rows,
                       std::optional<Range> range);
  Value buffer(ArrayRef<int64_t> shape, Type element, StringRef name);
  void pack(BodyEmitter &strip, const Range &range);
  struct RowBlock {
    Value low, high;
    int64_t count;
  };
  SmallVector<RowBlock> rowBlocks(Value low, Value high);
  void emitRowBlocks(BodyEmitter &outer, ArrayRef<RowBlock> blocks,
                     llvm::function_ref<void(BodyEmitter &, int64_t)> write);
  /// A part of the output: some rows and columns.
  struct Area {
    Value firstRow, lastRow, firstColumn, lastColumn;
  };
  void emitStreams(BodyEmitter &outer, Value low);
  void emitStreamsBetween(BodyEmitter &outer, const Area &area, Value first, Value last);
  bool cutsStreams() const;
  void emitCutStreams(BodyEmitter &outer, const Area &area);
  void addToTotals(BodyEmitter &outer, const Area &area, ArrayRef<Value> totals, Value isFirst,
                   Value isLast);
  void emitSteps(BodyEmitter &e, const Area &area, int64_t count);
  using Tile = llvm::function_ref<void(BodyEmitter &, int64_t vectors, int64_t lanes, Value mask)>;
  void emitStrips(BodyEmitter &outer, int64_t vectors, Tile tile, Value first = {},
                  Value last = {});
  void emitStripsBetween(BodyEmitter &outer, Value low, Value high, int64_t vectors, Tile tile);
  void emitScalarStrips(BodyEmitter &outer, Value low, Value high, Tile tile);
  Value initial(BodyEmitter &e, unsigned output, ArrayRef<int64_t> point,
                const std::optional<Range> &range);
  Value joined(BodyEmitter &e, unsigned output, ArrayRef<int64_t> point, Value sum, Value isFirst);
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
  Value stepsFrom(unsigned level, int64_t unroll);
  bool isSum(unsigned output) const { return !combiners.empty() && isFloatSum(combiners[output]); }
  bool onlySums() const { return !combiners.empty() && llvm::all_of(combiners, isFloatSum); }
  bool isSmall(unsigned dim) const;

  ImplicitLocOpBuilder &b;
  const Nest &nest;
  const TilePlan &plan;
  ArrayRef<Combiner> combiners; ///< none: the order must stay
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
  /// An input that varies along the vectors and that dimension, but not the rows.
  std::optional<unsigned> packed;
  int64_t depth = panelDepth;
};

AcrossEmitter::AcrossEmitter(ImplicitLocOpBuilder &b, const Nest &nest, const TilePlan &plan,
                             ArrayRef<Combiner> combiners)
    : b(b), nest(nest), plan(plan), combiners(combiners), plain(nest), dim(plan.vectorDim) {
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
  if (range && range->apart)
    return noSum(b, e.laneType(combiners[output].op->getResult(0).getType()));
  if (number && always)
    return e.materialize({number});
  Value found = e.materialize(e.loadOperand(nest.numInputs() + output, point));
  if (!number || constantInt(first))
    return found;
  Value isFirst = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, first, constantIndex(b, 0));
  return arith::SelectOp::create(b, isFirst, e.materialize({number}), found);
}

/// What the output becomes with the sum of a part.
Value AcrossEmitter::joined(BodyEmitter &e, unsigned output, ArrayRef<int64_t> point, Value sum,
                            Value isFirst) {
  Value before = e.materialize(e.loadOperand(nest.numInputs() + output, point));
  if (Value number = nest.initials[output])
    before = arith::SelectOp::create(b, isFirst, e.materialize({number}), before);
  return arith::AddFOp::create(b, before, sum);
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
  Value isFirst;
  if (range && range->apart)
    isFirst =
        arith::CmpIOp::create(b, arith::CmpIPredicate::eq, range->low, constantIndex(b, 0));
  forEach(shape, e.origin(), [&](ArrayRef<int64_t> point) {
    for (unsigned o = 0; o < outputs; ++o, ++i)
      e.storeOutput(o, point, {isFirst ? joined(e, o, point, results[i], isFirst) : results[i]});
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

/// Memory of a panel or of totals: one a function and type, on the stack.
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
  // Blocks of the reduction; the accumulators rest in the output between them.
  auto loop = scf::ForOp::create(b, constantIndex(b, 0), size, constantIndex(b, depth));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value first = loop.getInductionVar();
  Value last = arith::AddIOp::create(b, first, constantIndex(b, depth));
  last = arith::MinSIOp::create(b, last, size);
  emitPanelStrips(outer, low, high, count, Range{first, last, 1, onlySums()});
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
  if (cutsStreams())
    return emitCutStreams(outer, area);
  emitStreamsBetween(outer, area, zero, sizeOf(b, nest, *blocked));
}

/// Some steps, for a part of the output.
void AcrossEmitter::emitStreamsBetween(BodyEmitter &outer, const Area &area, Value first,
                                       Value last) {
  auto blocks = rowBlocks(area.firstRow, area.lastRow);
  Value end = lastStep(b, first, last, streamDepth);
  emitLoop(outer, *blocked, first, end, streamDepth, [&](BodyEmitter &steps) {
    emitRowBlocks(steps, blocks,
                  [&](BodyEmitter &e, int64_t count) { emitSteps(e, area, count); });
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
// Long sums of streams
//===----------------------------------------------------------------------===//

bool AcrossEmitter::cutsStreams() const {
  // Borders of a stencil cut the columns already.
  return onlySums() && !inside &&
         nest.staticSize(*blocked).value_or(streamBlock + 1) > streamBlock;
}

/// Parts of the output that totals hold, one after the other, if the reduction is long.
/// The output is what streams add to; after each block of steps it is added to the
/// totals and starts again.
void AcrossEmitter::emitCutStreams(BodyEmitter &outer, const Area &area) {
  unsigned outputs = combiners.size();
  Value zero = constantIndex(b, 0), size = sizeOf(b, nest, *blocked);
  int64_t height = 1, step = plan.vectors * nest.lanes, width = 8;
  if (row)
    height = std::min(nest.staticSize(*row).value_or(2 * rows), 2 * rows);
  for (const Combiner &c : combiners)
    width = std::max<int64_t>(width, c.op->getResult(0).getType().getIntOrFloatBitWidth());
  int64_t columns = totalBytes / (outputs * height * width / 8) / step * step;
  if (auto known = nest.staticSize(dim))
    columns = std::min<int64_t>(columns, llvm::alignTo(*known, step));
  columns = std::max(columns, step);
  SmallVector<Value> totals;
  for (const Combiner &c : combiners)
    totals.push_back(buffer({outputs, height, columns}, c.op->getResult(0).getType(), "totals"));

  Value isLong = b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::ult,
                                               constantIndex(b, streamBlock), size);
  auto cut = [&](Value low, Value high, int64_t part, llvm::function_ref<void(Value, Value)> body) {
    auto from = constantInt(low), to = constantInt(high);
    if (from && to && *to - *from <= part)
      return body(low, high);
    Value whole = b.createOrFold<arith::MaxSIOp>(high, constantIndex(b, 1));
    Value step = b.createOrFold<arith::SelectOp>(isLong, constantIndex(b, part), whole);
    auto loop = scf::ForOp::create(b, low, high, step);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value first = loop.getInductionVar();
    body(first, arith::MinSIOp::create(b, arith::AddIOp::create(b, first, step), high));
  };
  cut(area.firstRow, area.lastRow, height, [&](Value firstRow, Value lastRow) {
    cut(area.firstColumn, area.lastColumn, columns, [&](Value firstColumn, Value lastColumn) {
      Area part{firstRow, lastRow, firstColumn, lastColumn};
      cut(zero, size, streamBlock, [&](Value first, Value last) {
        emitStreamsBetween(outer, part, first, last);
        auto choice = scf::IfOp::create(b, isLong, /*withElseRegion=*/false);
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToStart(choice.thenBlock());
        Value isFirst = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, first, zero);
        Value isLast = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, last, size);
        addToTotals(outer, part, totals, isFirst, isLast);
      });
    });
  });
}

/// Adds a part of the output to the totals; gives it them in the end, else nothing.
void AcrossEmitter::addToTotals(BodyEmitter &outer, const Area &area, ArrayRef<Value> totals,
                                Value isFirst, Value isLast) {
  auto tile = [&](BodyEmitter &strip, int64_t, int64_t lanes, Value mask) {
    BodyEmitter e = strip;
    e.setVector(dim, lanes, mask);
    Value line = constantIndex(b, 0);
    if (row)
      line = arith::SubIOp::create(b, e.dim(*row), area.firstRow);
    Value column = b.createOrFold<arith::SubIOp>(e.dim(dim), area.firstColumn);
    for (auto [o, memory] : llvm::enumerate(totals)) {
      Value part = e.materialize(e.loadOperand(nest.numInputs() + o, e.origin()));
      SmallVector<Value> at{constantIndex(b, o), line, column};
      Type type = part.getType();
      Value total = lanes > 1 ? vector::LoadOp::create(b, cast<VectorType>(type), memory, at)
                              : memref::LoadOp::create(b, memory, at).getResult();
      Value sum = arith::AddFOp::create(b, total, part);
      total = arith::SelectOp::create(b, isFirst, part, sum);
      if (lanes > 1)
        vector::StoreOp::create(b, total, memory, at);
      else
        memref::StoreOp::create(b, total, memory, at);
      e.storeOutput(o, e.origin(), {arith::SelectOp::create(b, isLast, total, noSum(b, type))});
    }
  };
  auto strips = [&](BodyEmitter &e) {
    emitStripsBetween(e, area.firstColumn, area.lastColumn, 1, tile);
  };
  if (!row)
    return strips(outer);
  emitLoop(outer, *row, area.firstRow, area.lastRow, 1, strips);
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

} // namespace

void emitAcross(ImplicitLocOpBuilder &b, const Nest &nest, const TilePlan &plan,
                ArrayRef<Combiner> combiners) {
  AcrossEmitter(b, nest, plan, combiners).emit();
}

} // namespace mad::vectorize
