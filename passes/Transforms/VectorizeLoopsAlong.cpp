//===- VectorizeLoopsAlong.cpp - Reductions, lanes along the reduction ------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The lanes hold partial results of one element of the output; several vectors of
// them run side by side, because a combination takes some cycles. They are brought
// together at the end in a fixed order. Long sums are cut into blocks. Needs a combiner that allows
// any order.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/Transforms/VectorizeLoopsCascade.h"

using namespace mlir;

namespace mad::vectorize {
namespace {

class AlongEmitter {
public:
  AlongEmitter(ImplicitLocOpBuilder &b, const Nest &nest, const TilePlan &plan,
               ArrayRef<Combiner> combiners);
  void emit();

private:
  void emitOuter(BodyEmitter &e, unsigned level);
  void emitSides(BodyEmitter &e, unsigned side, SmallVector<int64_t> sizes);
  void emitTile(BodyEmitter &e, ArrayRef<int64_t> sizes);
  /// Accumulators: for each point of the tile and each output `vectors` vectors,
  /// then a scalar for each point and output, then flags for each point and output
  /// that has them.
  SmallVector<Value> reduce(BodyEmitter &e, ArrayRef<int64_t> sizes, unsigned level,
                            ValueRange accumulators);
  /// Steps of the reductions from `level` on, the vectors last.
  Value stepsFrom(unsigned level);
  /// Which accumulators are sums.
  llvm::SmallBitVector sums(unsigned points, unsigned all) const;
  SmallVector<Value> reduceVectors(BodyEmitter &e, ArrayRef<int64_t> sizes,
                                   ValueRange accumulators);
  SmallVector<Value> step(BodyEmitter &e, ArrayRef<int64_t> sizes, int64_t count, int64_t lanes,
                          Value mask, ValueRange accumulators);
  SmallVector<SmallVector<int64_t>> points(ArrayRef<int64_t> sizes, ArrayRef<int64_t> at) const;
  /// Takes values up in an accumulator.
  Value take(BodyEmitter &e, unsigned output, Value accumulator, ArrayRef<Lanes> values);
  /// Brings two accumulators together.
  Value combine(BodyEmitter &e, unsigned output, Value x, Value y);
  Value horizontal(Value vector, llvm::function_ref<Value(Value, Value)> combine);
  /// Whether accumulators hold the largest of the numbers, and one vector of flags
  /// beside them where a NaN was: a maximum that keeps NaN is four instructions.
  static bool flagsNan(Operation *op);
  Value larger(unsigned output, Value x, Value y);
  /// The flags, with those of up to two values.
  Value flagNan(Value flags, Value x, Value y);
  /// The largest of all lanes, or NaN.
  Value finishFlagged(unsigned output, Value vector, Value flags);
  TypedAttr neutral(unsigned output) const;

  ImplicitLocOpBuilder &b;
  const Nest &nest;
  const TilePlan &plan;
  ArrayRef<Combiner> combiners;
  BodyAnalysis analysis;
  unsigned dim;
  SmallVector<unsigned> outer, reductions; ///< but the sides and the vector dimension
  SmallVector<unsigned, 2> flagged;        ///< outputs
  llvm::SmallBitVector fixed;
  llvm::SmallPtrSet<Operation *, 4> combinerOps;
  SmallVector<Value> wanted;
};

AlongEmitter::AlongEmitter(ImplicitLocOpBuilder &b, const Nest &nest, const TilePlan &plan,
                           ArrayRef<Combiner> combiners)
    : b(b), nest(nest), plan(plan), combiners(combiners), analysis(nest), dim(plan.vectorDim),
      fixed(nest.numDims()) {
  for (unsigned d = 0; d < nest.numDims(); ++d) {
    if (d == dim || llvm::any_of(plan.sides, [&](TilePlan::Side s) { return s.dim == d; }))
      continue;
    (nest.isParallel(d) ? outer : reductions).push_back(d);
  }
  for (auto [o, c] : llvm::enumerate(combiners)) {
    if (flagsNan(c.op))
      flagged.push_back(o);
    combinerOps.insert(c.op);
    for (OpOperand &operand : c.op->getOpOperands())
      if (operand.getOperandNumber() != c.accumulator)
        wanted.push_back(operand.get());
  }
}

//===----------------------------------------------------------------------===//
// Combiners
//===----------------------------------------------------------------------===//

Value AlongEmitter::take(BodyEmitter &e, unsigned output, Value accumulator,
                         ArrayRef<Lanes> values) {
  auto [op, position] = combiners[output];
  SmallVector<Value> operands;
  for (const Lanes &x : values)
    operands.push_back(e.materialize(x));
  operands.insert(operands.begin() + position, accumulator);
  Operation *copy = e.clone(op);
  copy->setOperands(operands);
  copy->getResult(0).setType(accumulator.getType());
  return copy->getResult(0);
}

Value AlongEmitter::combine(BodyEmitter &e, unsigned output, Value x, Value y) {
  if (isa<math::FmaOp>(combiners[output].op))
    return arith::AddFOp::create(b, x, y);
  Operation *copy = e.clone(combiners[output].op);
  copy->setOperands({x, y});
  copy->getResult(0).setType(x.getType());
  return copy->getResult(0);
}

/// Halves of the vector are combined until one element is left.
Value AlongEmitter::horizontal(Value vector, llvm::function_ref<Value(Value, Value)> combine) {
  int64_t size = cast<VectorType>(vector.getType()).getNumElements();
  for (; size > 1; size /= 2) {
    auto half = [&](int64_t from) -> Value {
      if (size == 2)
        return vector::ExtractOp::create(b, vector, from);
      SmallVector<int64_t> order = llvm::to_vector(llvm::seq(from, from + size / 2));
      return vector::ShuffleOp::create(b, vector, vector, order);
    };
    Value low = half(0), high = half(size / 2);
    vector = combine(low, high);
  }
  return vector;
}

bool AlongEmitter::flagsNan(Operation *op) {
  if (!isa<arith::MaximumFOp, arith::MinimumFOp>(op))
    return false;
  Type type = op->getResult(0).getType();
  auto flags = cast<arith::ArithFastMathInterface>(op).getFastMathFlagsAttr();
  // In strict code -0 is less than 0.
  return (type.isF32() || type.isF64()) && flags &&
         flags.getValue() != arith::FastMathFlags::none &&
         !bitEnumContainsAll(flags.getValue(), arith::FastMathFlags::nnan);
}

Value AlongEmitter::larger(unsigned output, Value x, Value y) {
  auto less = isa<arith::MaximumFOp>(combiners[output].op) ? arith::CmpFPredicate::OLT
                                                           : arith::CmpFPredicate::OGT;
  // One instruction: x where they are equal, and where y is NaN.
  return arith::SelectOp::create(b, arith::CmpFOp::create(b, less, x, y), y, x);
}

Value AlongEmitter::flagNan(Value flags, Value x, Value y) {
  auto type = cast<VectorType>(flags.getType());
  Value all = arith::ConstantOp::create(
      b, DenseElementsAttr::get(type, llvm::APInt::getAllOnes(type.getElementTypeBitWidth())));
  Value isNan = arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, x, y);
  return arith::SelectOp::create(b, isNan, all, flags);
}

Value AlongEmitter::finishFlagged(unsigned output, Value vector, Value flags) {
  Type element = cast<VectorType>(vector.getType()).getElementType();
  vector = horizontal(vector, [&](Value x, Value y) { return larger(output, x, y); });
  Value none = arith::ConstantOp::create(b, b.getZeroAttr(flags.getType()));
  Value found = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, flags, none);
  Value any = vector::ReductionOp::create(b, vector::CombiningKind::OR, found);
  const llvm::fltSemantics &semantics = cast<FloatType>(element).getFloatSemantics();
  Value nan =
      arith::ConstantOp::create(b, b.getFloatAttr(element, llvm::APFloat::getQNaN(semantics)));
  return arith::SelectOp::create(b, any, nan, vector);
}

TypedAttr AlongEmitter::neutral(unsigned output) const {
  Operation *op = combiners[output].op;
  Type type = op->getResult(0).getType();
  if (auto f = dyn_cast<FloatType>(type)) {
    const llvm::fltSemantics &s = f.getFloatSemantics();
    if (isa<arith::MulFOp>(op))
      return b.getFloatAttr(type, 1.0);
    if (isa<arith::AddFOp, math::FmaOp>(op)) // -0 + x is x, for all x
      return b.getFloatAttr(type, llvm::APFloat::getZero(s, /*Negative=*/true));
    bool least = isa<arith::MaximumFOp, arith::MaxNumFOp>(op);
    // NaN is what maxnumf and minnumf ignore.
    if (isa<arith::MaxNumFOp, arith::MinNumFOp>(op))
      return b.getFloatAttr(type, llvm::APFloat::getQNaN(s));
    return b.getFloatAttr(type, llvm::APFloat::getInf(s, least));
  }
  unsigned width = type.isIndex() ? 64 : type.getIntOrFloatBitWidth();
  llvm::APInt value = llvm::APInt::getZero(width);
  if (isa<arith::MulIOp>(op))
    value = llvm::APInt(width, 1);
  else if (isa<arith::MaxSIOp>(op))
    value = llvm::APInt::getSignedMinValue(width);
  else if (isa<arith::MinSIOp>(op))
    value = llvm::APInt::getSignedMaxValue(width);
  else if (isa<arith::MinUIOp, arith::AndIOp>(op))
    value = llvm::APInt::getAllOnes(width);
  return b.getIntegerAttr(type, value);
}

//===----------------------------------------------------------------------===//
// One tile
//===----------------------------------------------------------------------===//

SmallVector<SmallVector<int64_t>> AlongEmitter::points(ArrayRef<int64_t> sizes,
                                                       ArrayRef<int64_t> at) const {
  SmallVector<SmallVector<int64_t>> result{llvm::to_vector(at)};
  for (auto [side, size] : llvm::zip(plan.sides, sizes)) {
    SmallVector<SmallVector<int64_t>> next;
    for (const auto &p : result)
      for (int64_t i = 0; i < size; ++i) {
        next.push_back(p);
        next.back()[side.dim] += i;
      }
    result = std::move(next);
  }
  return result;
}

/// Combines the next `count` vectors (lanes > 1), or the next scalars.
SmallVector<Value> AlongEmitter::step(BodyEmitter &e, ArrayRef<int64_t> sizes, int64_t count,
                                      int64_t lanes, Value mask, ValueRange accumulators) {
  SmallVector<Value> next = llvm::to_vector(accumulators);
  unsigned outputs = combiners.size();
  auto tile = points(sizes, e.origin());
  unsigned scalars = tile.size() * outputs * plan.vectors, flags = scalars + tile.size() * outputs;
  e.setVector(dim, lanes, mask);
  llvm::DenseMap<unsigned, Value> unflagged; // the values of the vectors before
  for (auto [i, point] : llvm::enumerate(tile))
    for (int64_t v = 0; v < count; ++v) {
      point[dim] = v * lanes;
      SmallVector<Lanes> all = e.evaluateAll(wanted, point, combinerOps);
      ArrayRef<Lanes> rest = all;
      for (unsigned o = 0; o < outputs; ++o) {
        unsigned at = i * outputs + o, used = combiners[o].op->getNumOperands() - 1;
        at = lanes > 1 ? at * plan.vectors + v : scalars + at;
        if (lanes > 1 && llvm::is_contained(flagged, o)) {
          unsigned flagsAt =
              flags + i * flagged.size() + (llvm::find(flagged, o) - flagged.begin());
          Value x = e.materialize(rest[0]), &before = unflagged[flagsAt];
          if (mask)
            x = arith::SelectOp::create(b, mask, x, e.splat(neutral(o)));
          next[at] = larger(o, next[at], x);
          if (before || v + 1 == count)
            next[flagsAt] = flagNan(next[flagsAt], x, before ? before : x);
          before = before ? Value() : x;
          rest = rest.drop_front(used);
          continue;
        }
        Value taken = take(e, o, next[at], rest.take_front(used));
        if (mask)
          taken = arith::SelectOp::create(b, mask, taken, next[at]);
        next[at] = taken;
        rest = rest.drop_front(used);
      }
    }
  return next;
}

Value AlongEmitter::stepsFrom(unsigned level) {
  Value steps = b.createOrFold<arith::DivUIOp>(sizeOf(b, nest, dim),
                                               constantIndex(b, plan.vectors * nest.lanes));
  steps = b.createOrFold<arith::AddIOp>(steps, constantIndex(b, 1));
  for (unsigned d : ArrayRef(reductions).drop_front(level))
    steps = b.createOrFold<arith::MulIOp>(steps, sizeOf(b, nest, d));
  return steps;
}

llvm::SmallBitVector AlongEmitter::sums(unsigned points, unsigned all) const {
  unsigned outputs = combiners.size(), vectors = points * outputs * plan.vectors;
  llvm::SmallBitVector result(all);
  for (unsigned i = 0; i < vectors + points * outputs; ++i) {
    unsigned output = (i < vectors ? i / plan.vectors : i - vectors) % outputs;
    if (isFloatSum(combiners[output]))
      result.set(i);
  }
  return result;
}

SmallVector<Value> AlongEmitter::reduceVectors(BodyEmitter &e, ArrayRef<int64_t> sizes,
                                               ValueRange accumulators) {
  SmallVector<Value> current = llvm::to_vector(accumulators);
  Value low = constantIndex(b, 0), high = sizeOf(b, nest, dim);
  for (int64_t count = plan.vectors;; count = 1) {
    Value end = lastStep(b, low, high, count * nest.lanes);
    auto inside = [&](BodyEmitter &inner, ValueRange carried) {
      return step(inner, sizes, count, nest.lanes, {}, carried);
    };
    CascadeLoop loop{dim, low, end, count * nest.lanes, constantIndex(b, 1)};
    loop.isOutermost = reductions.empty();
    if (count == plan.vectors) // the others are few
      loop.sums = sums(points(sizes, e.origin()).size(), current.size());
    current = emitCascade(e, loop, current, inside);
    low = end;
    if (count == 1)
      break;
  }
  if (wantsMaskedTail(analysis, dim))
    return emitLoop(e, dim, low, high, nest.lanes, current,
                    [&](BodyEmitter &inner, ValueRange carried) {
                      Value mask = emitMask(inner, low, high, nest.lanes);
                      return step(inner, sizes, 1, nest.lanes, mask, carried);
                    });
  return emitLoop(e, dim, low, high, 1, current, [&](BodyEmitter &inner, ValueRange carried) {
    return step(inner, sizes, 1, 1, {}, carried);
  });
}

SmallVector<Value> AlongEmitter::reduce(BodyEmitter &e, ArrayRef<int64_t> sizes, unsigned level,
                                        ValueRange accumulators) {
  for (const auto &p : points(sizes, e.origin()))
    e.hoist(fixed, p);
  if (level == reductions.size())
    return reduceVectors(e, sizes, accumulators);
  unsigned d = reductions[level];
  fixed.set(d);
  CascadeLoop loop{d, constantIndex(b, 0), sizeOf(b, nest, d), 1, stepsFrom(level + 1)};
  loop.isOutermost = level == 0;
  loop.isInnermost = false;
  loop.sums = sums(points(sizes, e.origin()).size(), accumulators.size());
  auto results = emitCascade(e, loop, accumulators, [&](BodyEmitter &inner, ValueRange carried) {
    return reduce(inner, sizes, level + 1, carried);
  });
  fixed.reset(d);
  return results;
}

void AlongEmitter::emitTile(BodyEmitter &e, ArrayRef<int64_t> sizes) {
  unsigned outputs = combiners.size(), i = 0;
  auto tile = points(sizes, e.origin());
  BodyEmitter vectors = e;
  vectors.setVector(dim, nest.lanes);
  SmallVector<Value> accumulators;
  for (unsigned p = 0; p < tile.size(); ++p)
    for (unsigned o = 0; o < outputs; ++o)
      accumulators.append(plan.vectors, vectors.splat(neutral(o)));
  for (const auto &p : tile)
    for (unsigned o = 0; o < outputs; ++o)
      accumulators.push_back(nest.initials[o] ? nest.initials[o]
                                              : e.loadOperand(nest.numInputs() + o, p).value);
  for (unsigned p = 0; p < tile.size(); ++p)
    for (unsigned o : flagged) {
      unsigned width = combiners[o].op->getResult(0).getType().getIntOrFloatBitWidth();
      auto type = VectorType::get(nest.lanes, b.getIntegerType(width));
      accumulators.push_back(arith::ConstantOp::create(b, b.getZeroAttr(type)));
    }
  SmallVector<Value> results = reduce(e, sizes, 0, accumulators);
  unsigned flags = tile.size() * outputs * (plan.vectors + 1);
  for (auto [k, p] : llvm::enumerate(tile))
    for (unsigned o = 0; o < outputs; ++o, i += plan.vectors) {
      SmallVector<Value> parts(ArrayRef(results).slice(i, plan.vectors));
      bool isFlagged = llvm::is_contained(flagged, o);
      while (parts.size() > 1) { // pairs, so that the order is fixed and short
        SmallVector<Value> half;
        for (unsigned j = 0; j + 1 < parts.size(); j += 2)
          half.push_back(isFlagged ? larger(o, parts[j], parts[j + 1])
                                   : combine(e, o, parts[j], parts[j + 1]));
        if (parts.size() % 2)
          half.push_back(parts.back());
        parts = half;
      }
      Value scalar = results[tile.size() * outputs * plan.vectors + k * outputs + o];
      Value last =
          isFlagged ? finishFlagged(o, parts[0], results[flags++])
                    : horizontal(parts[0], [&](Value x, Value y) { return combine(e, o, x, y); });
      e.storeOutput(o, p, {combine(e, o, scalar, last)});
    }
}

//===----------------------------------------------------------------------===//
// Loops around tiles
//===----------------------------------------------------------------------===//

void AlongEmitter::emitSides(BodyEmitter &e, unsigned side, SmallVector<int64_t> sizes) {
  if (side == plan.sides.size())
    return emitTile(e, sizes);
  auto [d, most] = plan.sides[side];
  Value low = constantIndex(b, 0), size = sizeOf(b, nest, d);
  fixed.set(d);
  for (int64_t count = most;; count = 1) {
    Value high = lastStep(b, low, size, count);
    sizes.push_back(count);
    emitLoop(e, d, low, high, count,
             [&](BodyEmitter &inner) { emitSides(inner, side + 1, sizes); });
    sizes.pop_back();
    low = high;
    if (count == 1)
      break;
  }
  fixed.reset(d);
}

void AlongEmitter::emitOuter(BodyEmitter &e, unsigned level) {
  if (level == outer.size())
    return emitSides(e, 0, {});
  unsigned d = outer[level];
  fixed.set(d);
  emitLoop(e, d, constantIndex(b, 0), sizeOf(b, nest, d), 1, [&](BodyEmitter &inner) {
    inner.hoist(fixed, inner.origin());
    emitOuter(inner, level + 1);
  });
  fixed.reset(d);
}

void AlongEmitter::emit() {
  BodyEmitter emitter(b, analysis);
  emitOuter(emitter, 0);
}

} // namespace

void emitAlong(ImplicitLocOpBuilder &b, const Nest &nest, const TilePlan &plan,
               ArrayRef<Combiner> combiners) {
  AlongEmitter(b, nest, plan, combiners).emit();
}

} // namespace mad::vectorize
