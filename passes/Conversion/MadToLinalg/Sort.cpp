//===- Sort.cpp - Sorting to loops ------------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Line by line. Few wanted elements: they are kept in order while the line is read
// once, in O(n + h k) for the h elements that enter (h is about k log(n / k) when
// the order is random). Else blocks are sorted by insertion and merged from the
// bottom up, between two buffers, in O(n log n) always. Both are stable.
//
// On a device lines of neighbours are left to kernels; what lies along another dimension is turned
// before and after. For lines that kernels cannot count each round of merging is one op on all
// elements: the thread of an element of the result finds by halves how many of those before it came
// from the left run (Odeh, Green, Mwassi, Shmueli and Birk, "Merge path", 2012).
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadDataOps.h"
#include "dialects/Mad/IR/MadMemoryOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "passes/Conversion/MadToLinalg/Memory.h"

using namespace mlir;

namespace mad {
namespace {

/// Elements that insertion sorts faster than merging does.
constexpr int64_t block = 16;
/// Of so many wanted elements at most a list is kept.
constexpr int64_t maxKept = 32;
/// Elements of a line that kernels can count.
constexpr int64_t longestLine = int64_t(1) << 30;

/// Keys and the positions that they had; no positions where nobody asks.
struct Pairs {
  Value keys, positions;
};

/// Emits the code of one op.
class Sorter {
public:
  Sorter(SortOp op, Value source, Lowering &lowering, OpBuilder &b)
      : op(op), source(source), lowering(lowering), b(b), loc(op.getLoc()),
        axis(static_cast<int64_t>(op.getAxis())) {}

  void run(SmallVectorImpl<Value> &results);

private:
  void keepFew(ValueRange line);
  void enter(Value x, Value i, Value count);
  void mergeAll(ValueRange line);
  void sortBlocks(ValueRange line);
  void merge(Pairs from, Pairs to, Value low, Value middle, Value high);
  void insertSorted(Pairs into, Value x, Value i, Value low, Value at);
  void copyOut(Pairs from, ValueRange line);
  void onDevice(SmallVectorImpl<Value> &results);
  void sortMemory(Value from);
  void mergeOnDevice();
  Value turned(Value tensor, RankedTensorType result);
  /// Dimension d of a type, with the sorted one last.
  int64_t turnedDim(RankedTensorType type, int64_t d) {
    return d + 1 == type.getRank() ? axis : d < axis ? d : d + 1;
  }
  void roundOnDevice(Pairs from, Pairs to, Value width);
  /// Of so many rounds the sorted width doubles until it is all.
  Value roundsFrom(int64_t width);
  Pairs whole();

  /// Whether x comes before y, strictly.
  Value before(Value x, Value y);
  Pairs scratch(Value size);
  SmallVector<Value> on(ValueRange line, Value i) {
    SmallVector<Value> at(line);
    at[axis] = i;
    return at;
  }
  Value index(int64_t i) { return indexConstant(b, loc, i); }
  Value compare(arith::CmpIPredicate predicate, Value x, Value y) {
    return arith::CmpIOp::create(b, loc, predicate, x, y);
  }
  Value less(Value x, Value y) { return compare(arith::CmpIPredicate::slt, x, y); }
  Value add(Value x, Value y) { return arith::AddIOp::create(b, loc, x, y); }
  Value least(Value x, Value y) { return arith::MinSIOp::create(b, loc, x, y); }
  Value load(Value memory, Value i) { return memref::LoadOp::create(b, loc, memory, i); }
  void store(Value x, Value memory, ValueRange at) {
    memref::StoreOp::create(b, loc, x, memory, at);
  }
  Value asWord(Value i) { return arith::IndexCastOp::create(b, loc, b.getI64Type(), i); }
  /// Copies element `from` of the one to element `to` of the other.
  void move(Pairs source, Value from, Pairs target, Value to);

  SortOp op;
  Value source;
  Lowering &lowering;
  OpBuilder &b;
  Location loc;
  int64_t axis;
  Value extent, wanted; ///< elements along the axis: of the source, of the results
  Value values, positions;
  Pairs first, second;
};

Pairs Sorter::scratch(Value size) {
  Type element = cast<RankedTensorType>(source.getType()).getElementType();
  Pairs pairs{memoryLine(b, loc, size, element), {}};
  if (positions)
    pairs.positions = memoryLine(b, loc, size, b.getI64Type());
  return pairs;
}

/// NaN is the largest: unordered comparisons let it win or lose against numbers, and
/// the second condition keeps it from doing so against itself.
Value Sorter::before(Value x, Value y) {
  bool descending = op.getDescending();
  if (isa<FloatType>(x.getType())) {
    using P = arith::CmpFPredicate;
    x = widened(b, loc, x);
    y = widened(b, loc, y);
    Value first = arith::CmpFOp::create(b, loc, descending ? P::UGT : P::ULT, x, y);
    Value number = descending ? y : x;
    Value ordered = arith::CmpFOp::create(b, loc, P::ORD, number, number);
    return arith::AndIOp::create(b, loc, first, ordered);
  }
  using P = arith::CmpIPredicate;
  if (isUnsigned(op.getSource()))
    return compare(descending ? P::ugt : P::ult, x, y);
  // Bools are bytes 0 and 1.
  return compare(descending ? P::sgt : P::slt, x, y);
}

void Sorter::move(Pairs from, Value i, Pairs to, Value j) {
  store(load(from.keys, i), to.keys, j);
  if (positions)
    store(load(from.positions, i), to.positions, j);
}

/// Puts x into the sorted elements [low, at) of `into`, behind its equals; those that
/// follow it move up by one.
void Sorter::insertSorted(Pairs into, Value x, Value i, Value low, Value at) {
  Value one = index(1);
  // Where there is no element below, the loop reads this one.
  store(x, into.keys, at);
  auto loop = scf::WhileOp::create(
      b, loc, TypeRange{b.getIndexType()}, ValueRange{at},
      [&](OpBuilder &, Location, ValueRange p) {
        Value more = compare(arith::CmpIPredicate::sgt, p.front(), low);
        Value below = arith::SubIOp::create(b, loc, p.front(), one);
        Value safe = arith::MaxSIOp::create(b, loc, below, low);
        Value moves = before(x, load(into.keys, safe));
        scf::ConditionOp::create(b, loc, arith::AndIOp::create(b, loc, more, moves), p);
      },
      [&](OpBuilder &, Location, ValueRange p) {
        Value below = arith::SubIOp::create(b, loc, p.front(), one);
        move(into, below, into, p.front());
        scf::YieldOp::create(b, loc, below);
      });
  store(x, into.keys, loop.getResult(0));
  if (positions)
    store(asWord(i), into.positions, loop.getResult(0));
}

//===----------------------------------------------------------------------===//
// Few
//===----------------------------------------------------------------------===//

void Sorter::keepFew(ValueRange line) {
  Value zero = index(0), one = index(1);
  scf::ForOp::create(
      b, loc, zero, extent, one, zero, [&](OpBuilder &, Location, Value i, ValueRange state) {
        Value count = state.front();
        Value x = tensor::ExtractOp::create(b, loc, source, on(line, i));
        Value full = compare(arith::CmpIPredicate::eq, count, wanted);
        Value last =
            arith::MaxSIOp::create(b, loc, arith::SubIOp::create(b, loc, count, one), zero);
        auto enters = scf::IfOp::create(
            b, loc, full,
            [&](OpBuilder &, Location) {
              scf::YieldOp::create(b, loc, before(x, load(first.keys, last)));
            },
            [&](OpBuilder &, Location) {
              scf::YieldOp::create(b, loc, Value(arith::ConstantIntOp::create(b, loc, 1, 1)));
            });
        auto result = scf::IfOp::create(
            b, loc, enters.getResult(0),
            [&](OpBuilder &, Location) {
              // The last one leaves when there is no room.
              Value at = arith::SelectOp::create(b, loc, full, last, count);
              insertSorted(first, x, i, zero, at);
              scf::YieldOp::create(b, loc, add(at, one));
            },
            [&](OpBuilder &, Location) { scf::YieldOp::create(b, loc, count); });
        scf::YieldOp::create(b, loc, result.getResults());
      });
  copyOut(first, line);
}

//===----------------------------------------------------------------------===//
// Merging
//===----------------------------------------------------------------------===//

void Sorter::sortBlocks(ValueRange line) {
  Value one = index(1);
  scf::ForOp::create(b, loc, index(0), extent, index(block), ValueRange(),
                     [&](OpBuilder &, Location, Value low, ValueRange) {
                       Value high = least(add(low, index(block)), extent);
                       scf::ForOp::create(b, loc, low, high, one, ValueRange(),
                                          [&](OpBuilder &, Location, Value i, ValueRange) {
                                            Value x = tensor::ExtractOp::create(b, loc, source,
                                                                                on(line, i));
                                            insertSorted(first, x, i, low, i);
                                            scf::YieldOp::create(b, loc);
                                          });
                       scf::YieldOp::create(b, loc);
                     });
}

/// Merges [low, middle) and [middle, high). Without branches on the data: which side
/// is next cannot be foreseen.
void Sorter::merge(Pairs from, Pairs to, Value low, Value middle, Value high) {
  Value one = index(1), end = arith::SubIOp::create(b, loc, extent, one);
  scf::ForOp::create(b, loc, low, high, one, ValueRange{low, middle},
                     [&](OpBuilder &, Location, Value k, ValueRange at) {
                       Value i = at[0], j = at[1];
                       Value left = load(from.keys, least(i, end)),
                             right = load(from.keys, least(j, end));
                       Value leftEnded = compare(arith::CmpIPredicate::sge, i, middle);
                       Value rightLeft = less(j, high);
                       Value wins = arith::OrIOp::create(b, loc, leftEnded, before(right, left));
                       Value takes = arith::AndIOp::create(b, loc, rightLeft, wins);
                       store(arith::SelectOp::create(b, loc, takes, right, left), to.keys, k);
                       if (positions)
                         store(load(from.positions, arith::SelectOp::create(b, loc, takes, j, i)),
                               to.positions, k);
                       Value steps = arith::IndexCastUIOp::create(b, loc, b.getIndexType(), takes);
                       Value nextJ = add(j, steps);
                       Value nextI = add(i, arith::SubIOp::create(b, loc, one, steps));
                       scf::YieldOp::create(b, loc, ValueRange{nextI, nextJ});
                     });
}

Value Sorter::roundsFrom(int64_t width) {
  Value one = index(1), two = index(2);
  auto rounds = scf::WhileOp::create(
      b, loc, TypeRange{b.getIndexType(), b.getIndexType()}, ValueRange{index(0), index(width)},
      [&](OpBuilder &, Location, ValueRange v) {
        scf::ConditionOp::create(b, loc, less(v[1], extent), v);
      },
      [&](OpBuilder &, Location, ValueRange v) {
        Value twice = arith::MulIOp::create(b, loc, v[1], two);
        scf::YieldOp::create(b, loc, ValueRange{add(v[0], one), twice});
      });
  return rounds.getResult(0);
}

void Sorter::mergeAll(ValueRange line) {
  sortBlocks(line);
  Value zero = index(0), one = index(1), two = index(2);
  SmallVector<Value> buffers{first.keys, second.keys, index(block)};
  if (positions)
    buffers.append({first.positions, second.positions});
  auto pairs = [&](ValueRange v, unsigned which) {
    return Pairs{v[which], positions ? v[3 + which] : Value()};
  };
  auto loop =
      scf::ForOp::create(b, loc, zero, roundsFrom(block), one, buffers,
                         [&](OpBuilder &, Location, Value, ValueRange v) {
                           Value width = v[2], twice = arith::MulIOp::create(b, loc, width, two);
                           scf::ForOp::create(b, loc, zero, extent, twice, ValueRange(),
                                              [&](OpBuilder &, Location, Value low, ValueRange) {
                                                Value middle = least(add(low, width), extent);
                                                Value high = least(add(low, twice), extent);
                                                merge(pairs(v, 0), pairs(v, 1), low, middle, high);
                                                scf::YieldOp::create(b, loc);
                                              });
                           SmallVector<Value> next{v[1], v[0], twice};
                           if (positions)
                             next.append({v[4], v[3]});
                           scf::YieldOp::create(b, loc, next);
                         });
  copyOut(pairs(loop.getResults(), 0), line);
}

//===----------------------------------------------------------------------===//
// Many threads
//===----------------------------------------------------------------------===//

Pairs Sorter::whole() {
  auto type = cast<MemRefType>(memoryOf(b, loc, source).getType());
  SmallVector<Value> sizes;
  for (int64_t d = 0; d < type.getRank(); ++d)
    if (type.isDynamicDim(d))
      sizes.push_back(tensor::DimOp::create(b, loc, source, d));
  auto positionType = MemRefType::get(type.getShape(), b.getI64Type());
  Pairs pairs{memref::AllocOp::create(b, loc, type, sizes), {}};
  if (positions)
    pairs.positions = memref::AllocOp::create(b, loc, positionType, sizes);
  return pairs;
}

/// Merges each two neighbouring runs of `width` elements of all lines. Of the elements of a run
/// those behind the wanted ones are anything.
void Sorter::roundOnDevice(Pairs from, Pairs to, Value width) {
  using P = arith::CmpIPredicate;
  int64_t rank = cast<MemRefType>(to.keys.getType()).getRank();
  SmallVector<Value> outputs{to.keys};
  if (positions)
    outputs.push_back(to.positions);
  SmallVector<AffineMap> maps(outputs.size(), b.getMultiDimIdentityMap(rank));
  SmallVector<utils::IteratorType> parallel(rank, utils::IteratorType::parallel);
  auto body = [&](OpBuilder &inner, Location, ValueRange) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(inner.getInsertionBlock(), inner.getInsertionPoint());
    SmallVector<Value> at;
    for (int64_t d = 0; d < rank; ++d)
      at.push_back(linalg::IndexOp::create(b, loc, d));
    Value place = at[axis], zero = index(0), one = index(1);
    Value end = arith::SubIOp::create(b, loc, extent, one);
    auto key = [&](Value i) {
      Value safe = arith::MaxSIOp::create(b, loc, least(i, end), zero);
      return memref::LoadOp::create(b, loc, from.keys, on(at, safe)).getResult();
    };
    auto sub = [&](Value x, Value y) { return arith::SubIOp::create(b, loc, x, y).getResult(); };
    Value both = arith::MulIOp::create(b, loc, width, index(2));
    Value k = arith::RemUIOp::create(b, loc, place, both), low = sub(place, k);
    Value middle = least(add(low, width), extent), high = least(add(low, both), extent);
    Value right = sub(high, middle);
    Value start = arith::MaxSIOp::create(b, loc, sub(k, right), zero);
    Value stop = least(k, sub(middle, low));
    stop = arith::SelectOp::create(b, loc, less(k, wanted), stop, start);
    auto loop = scf::WhileOp::create(
        b, loc, TypeRange{b.getIndexType(), b.getIndexType()}, ValueRange{start, stop},
        [&](OpBuilder &, Location, ValueRange v) {
          scf::ConditionOp::create(b, loc, less(v[0], v[1]), v);
        },
        [&](OpBuilder &, Location, ValueRange v) {
          Value half = arith::ShRUIOp::create(b, loc, add(v[0], v[1]), one);
          Value across = add(middle, sub(sub(k, one), half));
          // Of equals the left one comes first.
          Value fewer = before(key(across), key(add(low, half)));
          Value from = arith::SelectOp::create(b, loc, fewer, v[0], add(half, one));
          Value to = arith::SelectOp::create(b, loc, fewer, half, v[1]);
          scf::YieldOp::create(b, loc, ValueRange{from, to});
        });
    Value i = add(low, loop.getResult(0)), j = add(middle, sub(k, loop.getResult(0)));
    Value x = key(i), y = key(j);
    Value ended = compare(P::sge, i, middle);
    Value takes = arith::AndIOp::create(b, loc, less(j, high),
                                        arith::OrIOp::create(b, loc, ended, before(y, x)));
    SmallVector<Value> results{arith::SelectOp::create(b, loc, takes, y, x)};
    if (positions) {
      Value of = least(arith::SelectOp::create(b, loc, takes, j, i), end);
      results.push_back(memref::LoadOp::create(b, loc, from.positions, on(at, of)));
    }
    linalg::YieldOp::create(b, loc, results);
  };
  linalg::GenericOp::create(b, loc, TypeRange(), ValueRange(), outputs, maps, parallel, body);
}

void Sorter::mergeOnDevice() {
  first = whole();
  second = whole();
  writeMemory(b, loc, source, first.keys);
  int64_t rank = cast<MemRefType>(first.keys.getType()).getRank();
  SmallVector<utils::IteratorType> parallel(rank, utils::IteratorType::parallel);
  SmallVector<AffineMap> same{b.getMultiDimIdentityMap(rank)};
  auto each = [&](Value memory, llvm::function_ref<Value(OpBuilder &, ArrayRef<Value>)> element) {
    linalg::GenericOp::create(b, loc, TypeRange(), ValueRange(), ValueRange{memory}, same, parallel,
                              [&](OpBuilder &inner, Location, ValueRange) {
                                SmallVector<Value> at;
                                for (int64_t d = 0; d < rank; ++d)
                                  at.push_back(linalg::IndexOp::create(inner, loc, d));
                                linalg::YieldOp::create(inner, loc, element(inner, at));
                              });
  };
  if (positions)
    each(first.positions, [&](OpBuilder &inner, ArrayRef<Value> at) -> Value {
      return arith::IndexCastOp::create(inner, loc, inner.getI64Type(), at[axis]);
    });
  SmallVector<Value> buffers{first.keys, second.keys, index(1)};
  if (positions)
    buffers.append({first.positions, second.positions});
  auto pairs = [&](ValueRange v, unsigned which) {
    return Pairs{v[which], positions ? v[3 + which] : Value()};
  };
  auto loop = scf::ForOp::create(b, loc, index(0), roundsFrom(1), index(1), buffers,
                                 [&](OpBuilder &, Location, Value, ValueRange v) {
                                   roundOnDevice(pairs(v, 0), pairs(v, 1), v[2]);
                                   SmallVector<Value> next{
                                       v[1], v[0], arith::MulIOp::create(b, loc, v[2], index(2))};
                                   if (positions)
                                     next.append({v[4], v[3]});
                                   scf::YieldOp::create(b, loc, next);
                                 });
  Pairs sorted = pairs(loop.getResults(), 0);
  auto take = [&](Value to, Value from) {
    if (to)
      each(to, [&](OpBuilder &inner, ArrayRef<Value> at) -> Value {
        return memref::LoadOp::create(inner, loc, from, at);
      });
  };
  take(values, sorted.keys);
  take(positions, sorted.positions);
}

/// A tensor with the sorted dimension last as one of type `result`, or, of the source itself, the
/// other way round.
Value Sorter::turned(Value tensor, RankedTensorType type) {
  int64_t rank = type.getRank();
  const bool back = tensor != source;
  SmallVector<OpFoldResult> sizes = lowering.sizes(b, op, type);
  SmallVector<OpFoldResult> shape(rank);
  SmallVector<AffineExpr> from(rank);
  for (int64_t d = 0; d < rank; ++d) {
    int64_t other = turnedDim(type, d);
    shape[d] = sizes[back ? d : other];
    from[back ? d : other] = b.getAffineDimExpr(back ? other : d);
  }
  Type element = cast<RankedTensorType>(tensor.getType()).getElementType();
  Value init = tensor::EmptyOp::create(b, loc, shape, element);
  SmallVector<AffineMap> maps{AffineMap::get(rank, 0, from, b.getContext()),
                              b.getMultiDimIdentityMap(rank)};
  SmallVector<utils::IteratorType> parallel(rank, utils::IteratorType::parallel);
  return linalg::GenericOp::create(b, loc, init.getType(), tensor, init, maps, parallel,
                                   [](OpBuilder &inner, Location loc, ValueRange v) {
                                     linalg::YieldOp::create(inner, loc, v[0]);
                                   })
      .getResult(0);
}

void Sorter::sortMemory(Value from) {
  bool all = dimExpr(cast<RankedTensorType>(op.getSource().getType()), op.getAxis()) ==
             dimExpr(cast<RankedTensorType>(op.getValues().getType()), op.getAxis());
  SortMemoryOp::create(b, loc, from, values, positions, op.getDescending(),
                       isUnsigned(op.getSource()), all);
}

void Sorter::onDevice(SmallVectorImpl<Value> &results) {
  auto from = cast<RankedTensorType>(op.getSource().getType());
  auto to = cast<RankedTensorType>(op.getValues().getType());
  const bool turns = axis + 1 != from.getRank();
  auto resultMemory = [&](Value result) -> Value {
    if (result.use_empty())
      return {};
    SmallVector<int64_t> shape;
    SmallVector<Value> sizes;
    for (int64_t d = 0; d < to.getRank(); ++d) {
      int64_t other = turnedDim(to, d);
      shape.push_back(to.getDimSize(other));
      if (to.isDynamicDim(other))
        sizes.push_back(lowering.extent(b, op, to, other));
    }
    Type element = lowering.plain(result.getType()).getElementType();
    return memref::AllocOp::create(b, loc, MemRefType::get(shape, element), sizes);
  };
  values = resultMemory(op.getValues());
  positions = resultMemory(op.getPositions());
  extent = lowering.extent(b, op, from, axis);
  wanted = lowering.extent(b, op, to, axis);
  if (turns)
    source = turned(source, from);
  axis = from.getRank() - 1;
  std::optional<int64_t> known = getConstantIntValue(extent);
  Value memory = memoryOf(b, loc, source);
  if (known && *known <= longestLine) {
    sortMemory(memory);
  } else {
    // The memory of the elements is read by both.
    auto branch = scf::IfOp::create(b, loc, less(extent, index(longestLine + 1)),
                                    /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    sortMemory(memory);
    b.setInsertionPointToStart(branch.elseBlock());
    mergeOnDevice();
  }
  axis = static_cast<int64_t>(op.getAxis());
  for (auto [memory, result] :
       {std::pair(values, Value(op.getValues())), std::pair(positions, Value(op.getPositions()))})
    if (!memory)
      results.push_back(lowering.empty(b, op, cast<RankedTensorType>(result.getType())));
    else if (turns)
      results.push_back(
          turned(contentsOf(b, loc, memory), cast<RankedTensorType>(result.getType())));
    else
      results.push_back(contentsOf(b, loc, memory));
}

void Sorter::copyOut(Pairs from, ValueRange line) {
  scf::ForOp::create(b, loc, index(0), wanted, index(1), ValueRange(),
                     [&](OpBuilder &, Location, Value i, ValueRange) {
                       if (values)
                         store(load(from.keys, i), values, on(line, i));
                       if (positions)
                         store(load(from.positions, i), positions, on(line, i));
                       scf::YieldOp::create(b, loc);
                     });
}

void Sorter::run(SmallVectorImpl<Value> &results) {
  auto from = cast<RankedTensorType>(op.getSource().getType());
  auto to = cast<RankedTensorType>(op.getValues().getType());
  auto isWanted = [](Value v) { return !v.use_empty(); };
  if (lowering.device && (isWanted(op.getValues()) || isWanted(op.getPositions())))
    return onDevice(results);
  if (isWanted(op.getValues()))
    values = memoryFor(lowering, b, op, to);
  if (isWanted(op.getPositions()))
    positions = memoryFor(lowering, b, op, cast<RankedTensorType>(op.getPositions().getType()));
  if (values || positions) {
    extent = lowering.extent(b, op, from, axis);
    wanted = lowering.extent(b, op, to, axis);
  }
  if (values || positions) {
    std::optional<int64_t> few = dimExpr(to, axis).constant();
    bool keeps = few && *few > 0 && *few <= maxKept;
    first = scratch(keeps ? wanted : extent);
    if (!keeps)
      second = scratch(extent);
    loopOver(lowering, b, op, to, {axis},
             [&](ValueRange line) { keeps ? keepFew(line) : mergeAll(line); });
  }
  for (auto [memory, result] :
       {std::pair(values, Value(op.getValues())), std::pair(positions, Value(op.getPositions()))})
    results.push_back(memory ? contentsOf(b, loc, memory)
                             : lowering.empty(b, op, cast<RankedTensorType>(result.getType())));
}

struct SortLowering : LoweringPattern<SortOp> {
  using LoweringPattern::LoweringPattern;

  LogicalResult matchAndRewrite(SortOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    SmallVector<Value> results;
    Sorter(op, adaptor.getSource(), lowering, b).run(results);
    b.replaceOp(op, results);
    return success();
  }
};

} // namespace

void populateSortPatterns(RewritePatternSet &patterns, Lowering &lowering) {
  patterns.add<SortLowering>(lowering, patterns.getContext());
}

} // namespace mad
