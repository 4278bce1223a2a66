//===- StochasticSteps.cpp - Steps of methods for equations with noise ------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Ode/StochasticSteps.h"
#include "dialects/Mad/IR/MadMathOps.h"

using namespace mlir;

namespace mad {

StochasticSteps::StochasticSteps(ode::SolveOp op, RightHandSide &rhs, SolveAlgebra &m, Value system)
    : op(op), rhs(rhs), m(m), noise(m, op.getKey(), system),
      derivatives(op->getParentOfType<ModuleOp>()) {
  size_t leaf = 0, amplitude = 0, result = op.getInitial().size();
  Operation *yield = op.getBody().front().getTerminator();
  for (auto [i, state] : llvm::enumerate(op.getInitial())) {
    RankedTensorType own = Algebra::typeOf(state);
    int64_t count = rhs.isScalar() ? own.getNumElements() : 1, columns = 1;
    bool isCommon = false;
    if (op.hasNoise(i)) {
      RankedTensorType type = Algebra::typeOf(yield->getOperand(unsigned(result++)));
      isCommon = type.getRank() > own.getRank();
      if (isCommon)
        processes = dimExpr(type, own.getRank());
      if (isCommon && rhs.isScalar())
        columns = *processes->constant();
    }
    for (int64_t k = 0; k < count; ++k, ++leaf) {
      if (!op.hasNoise(i))
        continue;
      noisy.push_back({leaf, amplitude, isCommon});
      amplitude += size_t(columns);
    }
  }
}

/// What the body yields, and how it moves as states do along a direction for each leaf with noise.
std::optional<Differentiated> StochasticSteps::along(OpBuilder &b, ArrayRef<Value> arguments,
                                                     const Leaves &directions) {
  Leaves seeds(arguments.size());
  for (auto [one, direction] : llvm::zip_equal(noisy, directions))
    seeds[1 + one.leaf] = direction;
  auto found = derivatives.inlined(b, rhs.block(), arguments, seeds);
  return failed(found) ? std::nullopt : std::optional<Differentiated>(*found);
}

/// Built on the side.
bool StochasticSteps::canDifferentiate() {
  Block aside;
  OpBuilder b(op.getContext());
  b.setInsertionPointToEnd(&aside);
  Leaves arguments, directions;
  for (BlockArgument argument : rhs.block().getArguments())
    arguments.push_back(aside.addArgument(argument.getType(), argument.getLoc()));
  for (const Noisy &one : noisy)
    directions.push_back(arguments[1 + one.leaf]);
  return along(b, arguments, directions).has_value();
}

std::unique_ptr<StepMethod> StochasticSteps::of(ode::SolveOp op, RightHandSide &rhs,
                                                SolveAlgebra &m, Value system) {
  auto steps = std::make_unique<StochasticSteps>(op, rhs, m, system);
  if (steps->isMilstein() && !steps->canDifferentiate())
    return nullptr;
  return steps;
}

/// The number of the first element of a leaf among all states.
Value StochasticSteps::firstOf(size_t leaf) {
  if (rhs.isScalar())
    return m.integer(static_cast<int64_t>(leaf));
  DimExpr first(0);
  for (Value state : op.getInitial().take_front(leaf)) {
    RankedTensorType type = Algebra::typeOf(state);
    DimExpr count(1);
    for (int64_t d = 0; d < type.getRank(); ++d)
      count = count * dimExpr(type, d);
    first = first + count;
  }
  if (auto known = first.constant())
    return m.integer(*known);
  return DimOp::create(m.b, m.loc, RankedTensorType::get({}, m.b.getI64Type()), first.str());
}

Value StochasticSteps::shaped(Value x, RankedTensorType type) {
  return x.getType() == type ? x : Value(ReshapeOp::create(m.b, m.loc, type, x));
}

/// What common processes add to a leaf of this type: the sum of its amplitudes times increments.
Value StochasticSteps::sum(const Leaves &amplitudes, size_t first, RankedTensorType type,
                           const Leaves &increments) {
  if (!rhs.isScalar()) {
    auto rank = unsigned(type.getRank());
    auto every = m.b.getMultiDimIdentityMap(rank + 1);
    auto last = AffineMap::get(rank + 1, 0, m.b.getAffineDimExpr(rank));
    return ContractOp::create(m.b, m.loc, type, amplitudes[first], increments[0], every, last);
  }
  Value total = m.number(m.element, 0);
  for (auto [k, increment] : llvm::enumerate(increments)) {
    Value term = m.mul(amplitudes[first + k], increment);
    total = k ? m.add(total, term) : term;
  }
  return total;
}

StepMethod::Trial StochasticSteps::attempt(const Point &now, Value h, Value next) {
  Trial trial;
  trial.h = h;
  trial.next = next;
  Leaves rates = rhs.evaluate(m.b, now.t, now.y);
  Leaves amplitudes(ArrayRef(rates).drop_front(now.y.size()));
  rates.truncate(now.y.size());
  trial.end = m.plus(now.y, m.scaled(h, rates));
  Value length = m.abs(h);
  Value root = m.cast(SqrtOp::create(m.b, m.loc, length.getType(), length), m.element);
  Leaves common;
  if (processes)
    for (Value normal : noise.common(*processes, now.memory[0], rhs.isScalar()))
      common.push_back(m.mul(root, normal));
  // With several common processes noise does not depend on what has some.
  std::optional<Differentiated> moved;
  if (isMilstein() && (!processes || processes->constant() == 1)) {
    Leaves directions;
    for (const Noisy &one : noisy)
      directions.push_back(shaped(amplitudes[one.first], Algebra::typeOf(now.y[one.leaf])));
    moved = along(m.b, rhs.arguments(m.b, now.t, now.y), directions);
  }
  for (const Noisy &one : noisy) {
    RankedTensorType type = Algebra::typeOf(now.y[one.leaf]);
    Value &end = trial.end[one.leaf], increment;
    if (one.isCommon) {
      end = m.add(end, sum(amplitudes, one.first, type, common));
    } else {
      increment = m.mul(root, noise.normals(now.y[one.leaf], now.memory[0], firstOf(one.leaf)));
      end = m.add(end, m.mul(amplitudes[one.first], increment));
    }
    Value slope = moved ? moved->tangents[now.y.size() + one.first] : Value();
    if (!slope)
      continue;
    if (one.isCommon)
      increment = shaped(common[0], RankedTensorType::get({}, m.element));
    Value excess = m.sub(m.mul(increment, increment), m.cast(length, m.element));
    slope = m.mul(m.number(m.element, 0.5), shaped(slope, type));
    end = m.add(end, m.mul(slope, excess));
  }
  return trial;
}

/// A straight line.
Leaves StochasticSteps::interpolated(const Point &now, const Trial &trial, ArrayRef<Leaves>,
                                     Value time) {
  Value x = m.div(m.sub(time, now.t), trial.h);
  x = m.min(m.max(x, m.real(0)), m.real(1));
  return m.plus(now.y, m.scaled(x, m.minus(trial.end, now.y)));
}

} // namespace mad
