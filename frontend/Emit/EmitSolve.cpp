//===- EmitSolve.cpp - Solves as ops -------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadDataOps.h"
#include "dialects/Ode/IR/OdeOps.h"
#include "frontend/Emit/FunctionEmitter.h"

using namespace mlir;

namespace mad {

SmallVector<Value> FunctionEmitter::solve(const hir::Node &node, Location loc, TypeRange types) {
  const hir::Solve &what = *node.solve;
  SmallVector<Value> all = operands(node);
  size_t states = what.states.size(), first = states + 2;
  auto option = [&](llvm::StringRef name) {
    auto at = llvm::find(what.options, name);
    return at == what.options.end() ? Value() : all[first + (at - what.options.begin())];
  };
  SmallVector<llvm::StringRef> names(what.states.begin(), what.states.end()), events;
  SmallVector<int64_t> directions;
  SmallVector<bool> stops, resets;
  for (const hir::Solve::Event &event : what.events) {
    events.push_back(event.name);
    directions.push_back(event.direction);
    stops.push_back(event.stops);
    resets.push_back(event.resets);
  }
  SmallVector<bool> noisy(what.noisy.begin(), what.noisy.end());
  SmallVector<bool> positions(what.positions.begin(), what.positions.end());
  size_t leading = types.size() - 5;
  auto op = ode::SolveOp::create(
      b, loc, types.take_front(leading), types[leading], types[leading + 1], types[leading + 2],
      types[leading + 3], types[leading + 4], b.getStringAttr(what.method),
      b.getStringAttr(what.name), b.getStrArrayAttr(names), ArrayRef(all).take_front(states),
      all[states], all[states + 1], option("rtol"), option("atol"), option("step"), option("first"),
      option("min_step"), option("max_step"), option("save"), option("key"),
      ArrayRef(all).drop_front(first + what.options.size()),
      what.steps ? b.getStringAttr(what.steps->str()) : StringAttr(),
      b.getI64IntegerAttr(what.maxSteps), b.getStringAttr(what.controller), UnitAttr(),
      what.gains.empty() ? DenseF64ArrayAttr() : b.getDenseF64ArrayAttr(what.gains),
      what.saveSteps ? b.getStringAttr(what.saveSteps->str()) : StringAttr(),
      what.isDense ? b.getUnitAttr() : UnitAttr(), ArrayAttr(), DenseI64ArrayAttr(),
      DenseBoolArrayAttr(), DenseBoolArrayAttr(), StringAttr(), DenseI64ArrayAttr(),
      what.positions.empty() ? DenseBoolArrayAttr() : b.getDenseBoolArrayAttr(positions),
      what.noisy.empty() ? DenseBoolArrayAttr() : b.getDenseBoolArrayAttr(noisy),
      what.countsWork ? b.getUnitAttr() : UnitAttr(), unsigned(node.regions.size() - 1));
  if (!what.components.empty()) {
    SmallVector<llvm::StringRef> components(what.components.begin(), what.components.end());
    op->setAttr(ode::componentsAttr, b.getStrArrayAttr(components));
  }
  if (!events.empty()) {
    op.setEventsAttr(b.getStrArrayAttr(events));
    op.setEventDirections(directions);
    op.setEventStops(stops);
    op.setEventResets(resets);
    op.setMaxEvents(what.maxEvents->str());
  }
  if (!what.linear.empty())
    op.setLinear(what.linear);
  for (auto [body, target] : llvm::zip_equal(node.regions, op->getRegions()))
    solveRegion(body, target, loc);
  return op.getResults();
}

/// A linear part in the sizes of its state: a number, a diagonal or a matrix.
Value FunctionEmitter::linearPart(Value part, Value state) {
  auto own = cast<RankedTensorType>(state.getType());
  int64_t rank = cast<RankedTensorType>(part.getType()).getRank();
  if (rank == own.getRank())
    return relabelled(part, own, part.getLoc());
  if (rank == 0)
    return part;
  DimExpr rows = dimExpr(own, 0);
  return relabelled(part, tensorType({rows, rows}, {}, own.getElementType()), part.getLoc());
}

/// What a right-hand side, the guards of events or their new states are.
void FunctionEmitter::solveRegion(const hir::Region &body, Region &target, Location loc) {
  OpBuilder::InsertionGuard guard(b);
  Block *block = b.createBlock(&target);
  for (const hir::Node *parameter : body.parameters)
    values[parameter] = {
        block->addArgument(type(parameter->types[0]), location(parameter->span, parameter->name))};
  for (const hir::Node *n : body.nodes)
    this->node(*n);
  SmallVector<Value> yielded;
  for (auto [i, result] : llvm::enumerate(body.results)) {
    Value found = value(result);
    // States have the sizes of the arguments, in their order, guards have none.
    auto op = cast<ode::SolveOp>(target.getParentOp());
    if (op.getLinear() && &target == &op.getLinearRegion()) {
      yielded.push_back(linearPart(found, block->getArgument(unsigned(1 + (*op.getLinear())[i]))));
      continue;
    }
    size_t states = op.getInitial().size(), state = i % states;
    // Behind the derivatives there is the noise of some states.
    if (op.getNoisy() && i >= states) {
      size_t left = i - states;
      for (state = 0; !op.hasNoise(state) || left-- > 0;)
        ++state;
    }
    auto given = cast<RankedTensorType>(found.getType());
    auto own = cast<RankedTensorType>(block->getArgument(unsigned(1 + state)).getType());
    if (op.getNoisy() && given.getRank() > own.getRank()) {
      // With the processes behind the sizes of the state.
      SmallVector<DimExpr> sizes;
      for (int64_t d = 0; d < own.getRank(); ++d)
        sizes.push_back(dimExpr(own, d));
      sizes.push_back(dimExpr(given, own.getRank()));
      own = tensorType(sizes, {}, own.getElementType());
    }
    if (given.getRank())
      found = relabelled(found, own, loc);
    yielded.push_back(found);
  }
  ode::YieldOp::create(b, loc, yielded);
}

} // namespace mad
