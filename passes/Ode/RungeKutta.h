//===- RungeKutta.h - Steps of explicit Runge-Kutta methods -----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_ODE_RUNGEKUTTA_H
#define MAD_PASSES_ODE_RUNGEKUTTA_H

#include "dialects/Ode/Tableaus/Tableau.h"
#include "passes/Ode/StepMethod.h"

namespace mad {

/// Its memory is f(t, y), where something needs it: the last stage, or evaluated behind a step.
class RungeKutta : public StepMethod {
public:
  RungeKutta(ode::SolveOp op, RightHandSide &rhs, SolveAlgebra &m);

  int order() const override { return tableau.order; }
  bool needsRates() const override { return carriesRates; }
  Leaves begin(const Leaves &y, const Leaves &rates) override;
  mlir::Type errorType(const Leaves &y) const override;
  Trial attempt(const Point &now, Value h, Value next) override;
  Leaves remember(const Point &now, Trial &trial, Value accept) override;
  int64_t denseStages() const override { return static_cast<int64_t>(tableau.denseC.size()); }
  llvm::SmallVector<Leaves> completed(const Point &now, const Trial &trial) override;
  Leaves interpolated(const Point &now, const Trial &trial, llvm::ArrayRef<Leaves> stages,
                      Value time) override;
  Value evaluations(Value rounds, Value accepted, Value before, const Leaves &memory) override;

private:
  void estimate(const Point &now, Trial &trial);

  ode::SolveOp op;
  RightHandSide &rhs;
  SolveAlgebra &m;
  ode::Tableau tableau;
  bool carriesRates;
};

} // namespace mad

#endif // MAD_PASSES_ODE_RUNGEKUTTA_H
