//===- FailureCheck.cpp - Solves that may fail ------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Ode/SolveLoops.h"

using namespace mlir;

namespace mad {

void checkSolved(OpBuilder &b, ode::SolveOp solve, const Solution &solution) {
  SmallVector<Type> types;
  for (BlockArgument state : solve.getBody().getArguments().slice(1, solve.getInitial().size()))
    types.push_back(state.getType());
  ode::CheckOp::create(b, solve.getLoc(), solution.status, solution.time, solution.rounds,
                       solution.component, solution.errorSquared, solve.getNameAttr(),
                       solve.getStateNamesAttr(), b.getTypeArrayAttr(types),
                       solve->getAttrOfType<ArrayAttr>(ode::componentsAttr),
                       /*trajectory=*/solve.getLaneRank() > 0);
}

} // namespace mad
