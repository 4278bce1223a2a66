//===- VectorizeLoopsPlan.cpp - How a reduction is tiled --------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A register tile saves loads: an operand that does not vary along a side of the
// tile is loaded once for all accumulators along it. All choices of the vector
// dimension and the sides are tried; the cost of one is its loads an accumulator.
//
//===----------------------------------------------------------------------===//
#include "passes/Transforms/VectorizeLoopsPlan.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>

using namespace mlir;

namespace mad::vectorize {

static bool isFreeCombiner(Operation *op) {
  if (isa<arith::AddFOp, arith::MulFOp, math::FmaOp>(op)) {
    auto flags = cast<arith::ArithFastMathInterface>(op).getFastMathFlagsAttr();
    return flags && bitEnumContainsAll(flags.getValue(), arith::FastMathFlags::reassoc);
  }
  return isa<arith::AddIOp, arith::MulIOp, arith::MaximumFOp, arith::MinimumFOp, arith::MaxNumFOp,
             arith::MinNumFOp, arith::MaxSIOp, arith::MinSIOp, arith::MaxUIOp, arith::MinUIOp,
             arith::AndIOp, arith::OrIOp, arith::XOrIOp>(op);
}

std::optional<SmallVector<Combiner>> freeCombiners(const Nest &nest) {
  SmallVector<Combiner> result;
  Block &body = *nest.op.getBody();
  for (auto [i, yielded] : llvm::enumerate(body.getTerminator()->getOperands())) {
    BlockArgument accumulator = body.getArgument(nest.numInputs() + i);
    Operation *op = yielded.getDefiningOp();
    if (!op || op->getBlock() != &body || !isFreeCombiner(op) || !accumulator.hasOneUse() ||
        *accumulator.user_begin() != op || !op->hasOneUse())
      return {};
    unsigned position = accumulator.use_begin()->getOperandNumber();
    if (isa<math::FmaOp>(op) && position != 2)
      return {};
    result.push_back({op, position});
  }
  return result;
}

namespace {

/// One read of memory in the body.
struct Read {
  Access access; ///< along the vector dimension
  llvm::SmallBitVector deps;
};

class Planner {
public:
  Planner(const BodyAnalysis &analysis) : analysis(analysis), nest(analysis.nest) {}

  void consider(unsigned vectorDim);
  std::optional<TilePlan> best;

private:
  SmallVector<Read> reads(unsigned vectorDim) const;
  double vectorCost(Access access) const;
  double cost(ArrayRef<Read> reads, const TilePlan &plan) const;
  int64_t expectedSize(unsigned dim) const { return nest.staticSize(dim).value_or(256); }
  int64_t blockOf(unsigned dim, int64_t room) const;
  void considerSides(ArrayRef<Read> reads, TilePlan plan);
  void accept(ArrayRef<Read> reads, TilePlan plan);

  const BodyAnalysis &analysis;
  const Nest &nest;
};

SmallVector<Read> Planner::reads(unsigned vectorDim) const {
  SmallVector<Read> result;
  Block &body = *nest.op.getBody();
  for (unsigned i = 0; i < nest.numInputs(); ++i)
    if (analysis.isLive(body.getArgument(i)) && isa<MemRefType>(nest.op->getOperand(i).getType()))
      result.push_back(
          {analysis.operandAccess(i, vectorDim), analysis.of(body.getArgument(i)).deps()});
  for (memref::LoadOp load : analysis.loads())
    result.push_back({analysis.loadAccess(load, vectorDim), analysis.of(load).deps()});
  return result;
}

double Planner::vectorCost(Access access) const {
  switch (access) {
  case Access::Invariant:
  case Access::Contiguous:
    return 1;
  case Access::Reverse:
    return 2;
  case Access::EverySecond:
    return 3;
  case Access::Gather:
    return 1.5 * nest.lanes;
  }
  return 1;
}

/// Loads for one accumulator of the tile, and the share of lanes that work.
double Planner::cost(ArrayRef<Read> reads, const TilePlan &plan) const {
  double loads = 0, accumulators = plan.vectors;
  for (const TilePlan::Side &s : plan.sides)
    accumulators *= s.size;
  for (const Read &read : reads) {
    double count = vectorCost(read.access);
    if (read.deps.test(plan.vectorDim))
      count *= plan.vectors;
    for (const TilePlan::Side &s : plan.sides)
      if (read.deps.test(s.dim))
        count *= s.size;
    loads += count;
  }
  // The combination itself, and the latency of too few accumulators.
  double steps = std::max(loads / accumulators, 0.5) + 0.5 + (accumulators < 4 ? 0.5 : 0);
  double size = expectedSize(plan.vectorDim);
  double used = size / (std::ceil(size / nest.lanes) * nest.lanes);
  if (!nest.isParallel(plan.vectorDim))
    steps += 4 * nest.lanes / std::max(size, 1.0); // horizontal sums
  else
    for (unsigned i = nest.numInputs(); i < nest.op->getNumOperands(); ++i)
      if (analysis.operandAccess(i, plan.vectorDim) != Access::Contiguous)
        steps += 0.3; // lane by lane
  return steps / used;
}

void Planner::accept(ArrayRef<Read> reads, TilePlan plan) {
  plan.cost = cost(reads, plan);
  if (!best || plan.cost < best->cost)
    best = plan;
}

/// At most `room` of a dimension: blocks of equal size, where it is known.
int64_t Planner::blockOf(unsigned dim, int64_t room) const {
  std::optional<int64_t> size = nest.staticSize(dim);
  if (!size || *size <= 0)
    return room;
  return llvm::divideCeil(*size, llvm::divideCeil(*size, room));
}

void Planner::considerSides(ArrayRef<Read> reads, TilePlan plan) {
  // Registers for accumulators; the rest hold operands.
  int64_t registers = nest.level >= 4 ? 16 : nest.level >= 3 ? 12 : 8;
  if (nest.heavy || nest.bodySize > 4)
    registers = nest.heavy ? 2 : 4;
  int64_t most = std::max<int64_t>(1, expectedSize(plan.vectorDim) / nest.lanes);
  // Lanes that are read one by one are much code.
  bool gathers = llvm::any_of(reads, [](const Read &r) { return r.access == Access::Gather; });
  plan.vectors = gathers ? 1 : std::min<int64_t>({most, registers, 4});
  accept(reads, plan);
  SmallVector<unsigned> candidates;
  for (unsigned d = 0; d < nest.numDims(); ++d)
    if (d != plan.vectorDim && nest.isParallel(d) && !nest.isOne(d) &&
        llvm::any_of(reads, [&](const Read &r) { return !r.deps.test(d); }))
      candidates.push_back(d);
  if (nest.isParallel(plan.vectorDim)) {
    plan.vectors = gathers ? 1 : most <= 3 ? std::min(most, registers) : 2;
    for (unsigned d : candidates) {
      plan.sides = {{d, blockOf(d, registers / plan.vectors)}};
      accept(reads, plan);
    }
    return;
  }
  plan.vectors = 1;
  for (unsigned d : candidates) {
    plan.sides = {{d, blockOf(d, std::min<int64_t>(4, registers))}};
    accept(reads, plan);
    for (unsigned e : candidates) {
      if (e <= d || registers < 8)
        continue;
      plan.sides = {{d, blockOf(d, 4)}, {e, blockOf(e, 2)}};
      accept(reads, plan);
    }
  }
}

void Planner::consider(unsigned vectorDim) {
  if (nest.isOne(vectorDim))
    return;
  SmallVector<Read> all = reads(vectorDim);
  TilePlan plan;
  plan.vectorDim = vectorDim;
  considerSides(all, plan);
}

} // namespace

std::optional<TilePlan> choosePlan(const BodyAnalysis &analysis, bool freeOrder) {
  const Nest &nest = analysis.nest;
  Planner planner(analysis);
  for (unsigned d = nest.numDims(); d-- > 0;) {
    if (!nest.isParallel(d) && !freeOrder)
      continue;
    if (nest.isParallel(d)) {
      // Each lane must have elements of its own.
      bool varies = true;
      for (unsigned i = nest.numInputs(); i < nest.op->getNumOperands(); ++i)
        varies &= analysis.operandAccess(i, d) != Access::Invariant;
      if (!varies)
        continue;
    }
    // Behind the border conditions of a stencil lie the neighbours.
    llvm::SmallBitVector fixed(nest.numDims());
    if (nest.isParallel(d))
      if (Split split = findSplit(analysis, d, fixed); !split.facts.empty()) {
        BodyAnalysis inside(nest, split.facts);
        Planner other(inside);
        other.consider(d);
        if (other.best && (!planner.best || other.best->cost < planner.best->cost))
          planner.best = other.best;
        continue;
      }
    planner.consider(d);
  }
  // A scalar loop loads everything for each element.
  double scalar = nest.lanes * (analysis.reads(0).size() + 1.0);
  if (!planner.best || planner.best->cost >= scalar)
    return {};
  return planner.best;
}

bool startsFresh(const Nest &nest, const TilePlan &plan) {
  // A reduction of unknown length may be cut into blocks, of which there may be none.
  if (!nest.isParallel(plan.vectorDim))
    return true;
  for (unsigned d = 0; d < nest.numDims(); ++d)
    if (!nest.isParallel(d) && nest.staticSize(d).value_or(0) == 0)
      return false;
  return true;
}

} // namespace mad::vectorize
