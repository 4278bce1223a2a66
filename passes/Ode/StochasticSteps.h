//===- StochasticSteps.h - Steps of methods for equations with noise --------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_ODE_STOCHASTICSTEPS_H
#define MAD_PASSES_ODE_STOCHASTICSTEPS_H

#include "dialects/Mad/Derivatives/Differentiate.h"
#include "dialects/Ode/Tableaus/Tableau.h"
#include "passes/Ode/Noise.h"
#include "passes/Ode/StepMethod.h"

namespace mad {

/// The memory is the number of the step, which the noise depends on.
class StochasticSteps : public StepMethod {
public:
  StochasticSteps(ode::SolveOp op, RightHandSide &rhs, SolveAlgebra &m, Value system);
  /// Null, after a message, where Milstein's method has no derivative of the noise.
  static std::unique_ptr<StepMethod> of(ode::SolveOp op, RightHandSide &rhs, SolveAlgebra &m,
                                        Value system);

  int order() const override { return 1; }
  bool needsRates() const override { return false; }
  Leaves begin(const Leaves &, const Leaves &) override { return {m.integer(0)}; }
  Trial attempt(const Point &now, Value h, Value next) override;
  Leaves remember(const Point &now, Trial &, Value) override {
    return {m.add(now.memory[0], m.integer(1))};
  }
  Leaves interpolated(const Point &now, const Trial &trial, llvm::ArrayRef<Leaves> stages,
                      Value time) override;
  Value evaluations(Value rounds, Value, Value before, const Leaves &) override {
    return before ? m.add(rounds, before) : rounds;
  }

private:
  bool isMilstein() { return op.getMethod().str() == ode::milstein; }
  std::optional<Differentiated> along(mlir::OpBuilder &b, llvm::ArrayRef<Value> arguments,
                                      const Leaves &directions);
  bool canDifferentiate();
  Value firstOf(size_t leaf);
  Value shaped(Value x, mlir::RankedTensorType type);
  Value sum(const Leaves &amplitudes, size_t first, mlir::RankedTensorType type,
            const Leaves &increments);

  ode::SolveOp op;
  RightHandSide &rhs;
  SolveAlgebra &m;
  Noise noise;
  Differentiator derivatives;
  /// A leaf with noise.
  struct Noisy {
    size_t leaf;
    size_t first; ///< of its amplitudes, among all of them
    bool isCommon;
  };
  llvm::SmallVector<Noisy> noisy;
  std::optional<DimExpr> processes; ///< common ones, if there are some
};

} // namespace mad

#endif // MAD_PASSES_ODE_STOCHASTICSTEPS_H
