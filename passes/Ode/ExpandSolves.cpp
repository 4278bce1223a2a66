//===- ExpandSolves.cpp - Differential equations become loops ---------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Ode/Tableaus/Tableau.h"
#include "passes/Ode/ExpandLanes.h"
#include "passes/Ode/Passes.h"
#include "passes/Ode/SolveLoops.h"
#include "passes/Transforms/Remarks.h"

using namespace mlir;

namespace mad {
#define GEN_PASS_DEF_EXPANDSOLVES
#include "passes/Ode/Passes.h.inc"

namespace {

/// Elements of a linear part [n, n] whose functions loops keep in registers.
constexpr int64_t maxMatrix = 64;

/// How often a step has the right-hand side.
int64_t copiesOf(ode::SolveOp op) {
  std::string name = op.getMethod().str();
  switch (ode::methodOf(name).family) {
  case ode::Family::Explicit:
    return static_cast<int64_t>(ode::tableauOf(name).stages());
  case ode::Family::Rosenbrock:
    return static_cast<int64_t>(ode::rosenbrockOf(name).stages());
  case ode::Family::Esdirk:
    return static_cast<int64_t>(ode::esdirkOf(name).stages());
  case ode::Family::Symplectic:
    // Of a kick and a drift each half of it is used.
    return static_cast<int64_t>(ode::compositionOf(name).stages());
  case ode::Family::Stochastic:
  case ode::Family::Ndf:
    return 2;
  case ode::Family::Exponential:
    return static_cast<int64_t>(ode::exponentialOf(name).stages());
  }
  return 1;
}

struct ExpandSolvesPass : impl::ExpandSolvesBase<ExpandSolvesPass> {
  using ExpandSolvesBase::ExpandSolvesBase;

  void runOnOperation() override {
    while (ode::SolveOp op = next())
      if (!expand(op))
        return signalPassFailure();
  }

  /// A solve in a right-hand side comes first, so that all stages share what it becomes. But an
  /// implicit method differentiates its right-hand side, and loops of steps have no derivative:
  /// there the solve inside comes later. Null where none is left.
  ode::SolveOp next() {
    ode::SolveOp found;
    getOperation()->walk<WalkOrder::PostOrder>([&](ode::SolveOp op) {
      for (auto outer = op->getParentOfType<ode::SolveOp>(); outer;
           outer = outer->getParentOfType<ode::SolveOp>()) {
        ode::Family family = ode::methodOf(outer.getMethod().str()).family;
        if (family != ode::Family::Explicit && family != ode::Family::Symplectic)
          return WalkResult::advance();
      }
      found = op;
      return WalkResult::interrupt();
    });
    return found;
  }

  /// Why it is not written out in scalars, whatever its right-hand side is; else empty.
  static std::string onTensorsBecause(ode::SolveOp op) {
    std::string name = op.getMethod().str();
    if (ode::methodOf(name).family != ode::Family::Exponential)
      return "";
    if (ode::exponentialOf(name).ofJacobian)
      return "functions of its Jacobian are computed on tensors";
    for (Value part : op.getLinearRegion().front().getTerminator()->getOperands()) {
      auto type = cast<RankedTensorType>(part.getType());
      if (type.getRank() == 2 && type.hasStaticShape() && type.getNumElements() > maxMatrix)
        return "a linear part has " + std::to_string(type.getNumElements()) + " elements";
    }
    return "";
  }

  /// Element by element where that can be, and a remark that says so.
  std::unique_ptr<RightHandSide> choose(ode::SolveOp op, bool packs) {
    std::string reason = onTensorsBecause(op);
    auto rhs = !reason.empty() ? nullptr
                               : RightHandSide::onScalars(op, scalars, ops / copiesOf(op), reason);
    std::unique_ptr<RightHandSide> onPacks =
        rhs && packs ? RightHandSide::onPacks(op, rhs) : nullptr;
    if (onPacks)
      remarkTaken(op.getLoc(), "the steps of `" + op.getName() + "` are written out in vectors");
    else if (rhs)
      remarkTaken(op.getLoc(), "the steps of `" + op.getName() + "` are written out in scalars");
    else
      remarkMissed(op.getLoc(),
                   "the steps of `" + op.getName() + "` are not written out in scalars: " + reason);
    if (onPacks)
      return onPacks;
    return rhs ? std::move(rhs) : RightHandSide::onTensors(op);
  }

  /// False, after a message, where it cannot be.
  bool expand(ode::SolveOp op) {
    OpBuilder b(op);
    Leaves results;
    if (op.getLaneRank()) {
      results = expandLanes(op, [&](ode::SolveOp one) { return choose(one, false); });
    } else {
      std::unique_ptr<RightHandSide> rhs = choose(op, packs);
      SolveLoops loops(op, *rhs, b);
      if (loops.isPossible())
        results = loops.build();
    }
    if (results.empty())
      return false;
    for (auto [old, result] : llvm::zip_equal(op->getResults(), results))
      if (result) // what nobody reads need not be there
        old.replaceAllUsesWith(result);
    op->erase();
    return true;
  }
};

} // namespace
} // namespace mad
