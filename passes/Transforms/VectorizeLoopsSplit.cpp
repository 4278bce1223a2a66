//===- VectorizeLoopsSplit.cpp - The inside of a dimension ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Transforms/VectorizeLoopsSplit.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"

using namespace mlir;

namespace mad::vectorize {
namespace {

using P = arith::CmpIPredicate;

class SplitFinder {
public:
  SplitFinder(const BodyAnalysis &analysis, unsigned dim, const llvm::SmallBitVector &fixed)
      : analysis(analysis), dim(dim), fixed(fixed) {}

  /// Decides one more op, if there is one.
  bool decide(Operation &op, Split &split);

private:
  std::optional<int64_t> slope(Value value) const;
  /// Of the left side of an inequality along the dimension.
  std::optional<int64_t> slope(const Inequality &q) const;
  /// The value where all iteration dimensions are 0, if it is constant.
  std::optional<int64_t> constantPart(Value value) const;
  bool holdsInside(const Inequality &q) const;
  bool decideCompare(arith::CmpIOp compare, Split &split);
  bool accept(Operation &op, unsigned outcome, ArrayRef<Inequality> bounds, Split &split);

  const BodyAnalysis &analysis;
  unsigned dim;
  const llvm::SmallBitVector &fixed;
};

std::optional<int64_t> SplitFinder::slope(Value value) const {
  if (!value)
    return 0;
  const Variation &v = analysis.of(value);
  for (unsigned d = 0; d < analysis.nest.numDims(); ++d)
    if (v.irregular.test(d) && (d == dim || !fixed.test(d)))
      return {};
  return v.slope[dim];
}

std::optional<int64_t> SplitFinder::slope(const Inequality &q) const {
  auto x = slope(q.plus), y = slope(q.minus);
  if (!x || !y)
    return {};
  return *x - *y;
}

std::optional<int64_t> SplitFinder::constantPart(Value value) const {
  if (!value)
    return 0;
  if (std::optional<int64_t> constant = constantInt(value))
    return constant;
  Operation *op = value.getDefiningOp();
  if (!op || op->getBlock() != analysis.nest.op.getBody())
    return {};
  if (isa<linalg::IndexOp>(op))
    return 0;
  if (std::optional<unsigned> outcome = analysis.fact(op); outcome && !isa<arith::CmpIOp>(op))
    return constantPart(op->getOperand(*outcome));
  if (isa<arith::IndexCastOp>(op))
    return constantPart(op->getOperand(0));
  if (!isa<arith::AddIOp, arith::SubIOp, arith::MulIOp>(op))
    return {};
  auto x = constantPart(op->getOperand(0)), y = constantPart(op->getOperand(1));
  if (!x || !y)
    return {};
  return isa<arith::AddIOp>(op) ? *x + *y : isa<arith::SubIOp>(op) ? *x - *y : *x * *y;
}

/// Whether most positions of the dimension are likely to satisfy it. A comparison
/// with a small constant is taken for one with the start of an array, any other for
/// one with its end.
bool SplitFinder::holdsInside(const Inequality &q) const {
  Value moving = q.plus, still = q.minus;
  if (slope(moving) == 0)
    std::swap(moving, still);
  bool fromStart = false;
  if (std::optional<int64_t> place = constantPart(still)) {
    int64_t distance = std::abs(*place - constantPart(moving).value_or(0));
    fromStart = distance <= analysis.nest.staticSize(dim).value_or(128) / 2;
  }
  return *slope(q) > 0 ? fromStart : !fromStart;
}

bool SplitFinder::accept(Operation &op, unsigned outcome, ArrayRef<Inequality> bounds,
                         Split &split) {
  for (const Inequality &q : bounds) {
    auto s = slope(q);
    if (!s || std::abs(*s) != 1)
      return false;
  }
  split.facts[&op] = outcome;
  split.bounds.append(bounds.begin(), bounds.end());
  return true;
}

bool SplitFinder::decideCompare(arith::CmpIOp compare, Split &split) {
  Value x = compare.getLhs(), y = compare.getRhs();
  P predicate = compare.getPredicate();
  switch (predicate) {
  case P::ult:
    return accept(*compare, 1, {{x, {}, 0}, {y, x, -1}}, split);
  case P::ule:
    return accept(*compare, 1, {{x, {}, 0}, {y, x, 0}}, split);
  case P::uge:
    return accept(*compare, 0, {{x, {}, 0}, {y, x, -1}}, split);
  case P::ugt:
    return accept(*compare, 0, {{x, {}, 0}, {y, x, 0}}, split);
  case P::eq:
  case P::ne:
    return false;
  default:
    break;
  }
  if (predicate == P::sgt || predicate == P::sge)
    std::swap(x, y); // x < y or x <= y
  int64_t strict = predicate == P::slt || predicate == P::sgt;
  Inequality yes{y, x, -strict}, no{x, y, strict - 1};
  if (!slope(yes))
    return false;
  bool holds = holdsInside(yes);
  return accept(*compare, holds, {holds ? yes : no}, split);
}

bool SplitFinder::decide(Operation &op, Split &split) {
  if (!analysis.isLive(&op) || analysis.fact(&op) || op.getNumOperands() != 2 ||
      !op.getOperand(0).getType().isIntOrIndex() || op.getOperand(0).getType().isInteger(1))
    return false;
  Value x = op.getOperand(0), y = op.getOperand(1);
  if (auto compare = dyn_cast<arith::CmpIOp>(op))
    return decideCompare(compare, split);
  if (isa<arith::RemSIOp, arith::RemUIOp>(op))
    return accept(op, 0, {{x, {}, 0}, {y, x, -1}}, split);
  if (!isa<arith::MaxSIOp, arith::MinSIOp>(op))
    return false;
  // The side that moves.
  if (slope(x) == 0)
    std::swap(x, y);
  unsigned outcome = x == op.getOperand(0) ? 0 : 1;
  if (isa<arith::MaxSIOp>(op))
    return accept(op, outcome, {{x, y, 0}}, split);
  return accept(op, outcome, {{y, x, 0}}, split);
}

int64_t countGathers(const BodyAnalysis &analysis, unsigned dim) {
  int64_t count = 0;
  for (memref::LoadOp load : analysis.loads())
    count += analysis.loadAccess(load, dim) == Access::Gather;
  return count;
}

} // namespace

Split findSplit(const BodyAnalysis &analysis, unsigned dim, const llvm::SmallBitVector &fixed) {
  int64_t before = countGathers(analysis, dim);
  if (before == 0)
    return Split();
  Split split;
  // A fact may be needed to see that a later value is linear.
  for (bool changed = true; changed;) {
    changed = false;
    BodyAnalysis current(analysis.nest, split.facts);
    SplitFinder finder(current, dim, fixed);
    for (Operation &op : analysis.nest.op.getBody()->without_terminator())
      changed |= !changed && finder.decide(op, split);
  }
  if (split.facts.empty() || countGathers(BodyAnalysis(analysis.nest, split.facts), dim) >= before)
    return Split();
  return split;
}

std::pair<Value, Value> emitBounds(BodyEmitter emitter, const Split &split,
                                   const BodyAnalysis &inside, unsigned dim) {
  ImplicitLocOpBuilder &b = emitter.builder();
  const Nest &nest = inside.nest;
  auto constant = [&](int64_t v) -> Value { return arith::ConstantIndexOp::create(b, v); };
  auto sizeOf = [&](unsigned d) {
    return getValueOrCreateConstantIndexOp(b, b.getLoc(), nest.sizes[d]);
  };
  Value zero = constant(0), size = sizeOf(dim);
  llvm::SmallBitVector open(nest.numDims());
  for (unsigned d = 0; d < nest.numDims(); ++d)
    if (d != dim && !emitter.dim(d)) {
      open.set(d);
      emitter.setDim(d, zero);
    }
  emitter.setAnalysis(inside);
  emitter.setVector(dim, 1);
  emitter.setDim(dim, zero);
  auto at = emitter.origin();
  auto value = [&](Value v) -> Value {
    if (!v)
      return zero;
    return getValueOrCreateCastToIndexLike(b, b.getLoc(), b.getIndexType(),
                                           emitter.evaluate(v, at).value);
  };
  auto slope = [&](Value v, unsigned d) { return v ? inside.of(v).slope[d] : 0; };
  Value low = zero, high = size;
  for (const Inequality &q : split.bounds) {
    // The left side at 0, at its least over the open dimensions.
    Value rest = b.createOrFold<arith::SubIOp>(value(q.plus), value(q.minus));
    rest = b.createOrFold<arith::AddIOp>(rest, constant(q.constant));
    for (unsigned d : open.set_bits()) {
      int64_t s = slope(q.plus, d) - slope(q.minus, d);
      if (s >= 0)
        continue;
      Value last = b.createOrFold<arith::SubIOp>(sizeOf(d), constant(1));
      Value reach = b.createOrFold<arith::MulIOp>(last, constant(s));
      rest = b.createOrFold<arith::AddIOp>(rest, reach);
    }
    if (slope(q.plus, dim) - slope(q.minus, dim) > 0)
      low = b.createOrFold<arith::MaxSIOp>(low, b.createOrFold<arith::SubIOp>(zero, rest));
    else
      high = b.createOrFold<arith::MinSIOp>(high, b.createOrFold<arith::AddIOp>(rest, constant(1)));
  }
  low = b.createOrFold<arith::MinSIOp>(low, size);
  high = b.createOrFold<arith::MaxSIOp>(low, high);
  return {low, high};
}

} // namespace mad::vectorize
