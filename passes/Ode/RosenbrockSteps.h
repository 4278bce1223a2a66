//===- RosenbrockSteps.h - Steps of linearly implicit methods ---------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_ODE_ROSENBROCKSTEPS_H
#define MAD_PASSES_ODE_ROSENBROCKSTEPS_H

#include "dialects/Ode/Tableaus/Tableau.h"
#include "passes/Ode/NewtonMatrix.h"
#include "passes/Ode/StepMethod.h"

namespace mad {

/// Nothing is carried: each step evaluates f and its derivatives at its beginning, together.
class RosenbrockSteps : public StepMethod {
public:
  RosenbrockSteps(ode::SolveOp op, RightHandSide &rhs, SolveAlgebra &m,
                  std::unique_ptr<NewtonMatrix> matrix);

  int order() const override { return method.errorOrder; }
  int firstOrder() const override { return method.order; }
  bool needsRates() const override { return false; }
  Leaves begin(const Leaves &, const Leaves &) override { return {}; }
  Trial attempt(const Point &now, Value h, Value next) override;
  Leaves remember(const Point &, Trial &, Value) override { return {}; }
  Leaves interpolated(const Point &now, const Trial &trial, llvm::ArrayRef<Leaves> stages,
                      Value time) override;
  Value evaluations(Value rounds, Value accepted, Value before, const Leaves &memory) override;

private:
  ode::SolveOp op;
  RightHandSide &rhs;
  SolveAlgebra &m;
  std::unique_ptr<NewtonMatrix> matrix;
  ode::Rosenbrock method;
};

} // namespace mad

#endif // MAD_PASSES_ODE_ROSENBROCKSTEPS_H
