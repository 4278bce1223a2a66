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
  size_t leaf = 0;
  for (auto [i, state] : llvm::enumerate(op.getInitial())) {
    int64_t count = rhs.isScalar() ? Algebra::typeOf(state).getNumElements() : 1;
    for (int64_t k = 0; k < count; ++k, ++leaf)
      if (op.hasNoise(i))
        noisy.push_back(leaf);
  }
}

/// What the body yields, and how it moves as states do along the amplitudes of the noise.
std::optional<Differentiated> StochasticSteps::along(OpBuilder &b, ArrayRef<Value> arguments,
                                                     const Leaves &amplitudes) {
  Leaves seeds(arguments.size());
  for (auto [leaf, amplitude] : llvm::zip_equal(noisy, amplitudes))
    seeds[1 + leaf] = amplitude;
  auto found = derivatives.inlined(b, rhs.block(), arguments, seeds);
  return failed(found) ? std::nullopt : std::optional<Differentiated>(*found);
}

/// Built on the side.
bool StochasticSteps::canDifferentiate() {
  Block aside;
  OpBuilder b(op.getContext());
  b.setInsertionPointToEnd(&aside);
  Leaves arguments, amplitudes;
  for (BlockArgument argument : rhs.block().getArguments())
    arguments.push_back(aside.addArgument(argument.getType(), argument.getLoc()));
  for (size_t leaf : noisy)
    amplitudes.push_back(arguments[1 + leaf]);
  return along(b, arguments, amplitudes).has_value();
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
  std::optional<Differentiated> moved;
  if (isMilstein())
    moved = along(m.b, rhs.arguments(m.b, now.t, now.y), amplitudes);
  for (auto [i, leaf] : llvm::enumerate(noisy)) {
    Value increment = m.mul(root, noise.normals(now.y[leaf], now.memory[0], firstOf(leaf)));
    trial.end[leaf] = m.add(trial.end[leaf], m.mul(amplitudes[i], increment));
    Value slope = moved ? moved->tangents[now.y.size() + i] : Value();
    if (!slope)
      continue;
    Value excess = m.sub(m.mul(increment, increment), m.cast(length, m.element));
    trial.end[leaf] = m.add(trial.end[leaf], m.mul(m.mul(m.number(m.element, 0.5), slope), excess));
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
