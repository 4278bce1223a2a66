//===- EsdirkSteps.h - Steps of diagonally implicit methods -----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_ODE_ESDIRKSTEPS_H
#define MAD_PASSES_ODE_ESDIRKSTEPS_H

#include "dialects/Ode/Tableaus/Tableau.h"
#include "passes/Ode/Newton.h"
#include "passes/Ode/StepMethod.h"

namespace mad {

/// Its memory: the last stage, which is the first of the next step, and a count of evaluations. J
/// is evaluated at the beginning of each step.
class EsdirkSteps : public StepMethod {
public:
  EsdirkSteps(ode::SolveOp op, RightHandSide &rhs, SolveAlgebra &m,
              std::unique_ptr<NewtonMatrix> matrix)
      : rhs(rhs), m(m), matrix(std::move(matrix)), method(ode::esdirkOf(op.getMethod().str())) {}

  int order() const override { return method.errorOrder; }
  int firstOrder() const override { return method.order; }
  bool needsRates() const override { return true; }
  Leaves begin(const Leaves &y, const Leaves &rates) override;
  Leaves restart(const Leaves &memory, const Leaves &y, const Leaves &rates) override;
  Trial attempt(const Point &now, Value h, Value next) override;
  Leaves remember(const Point &now, Trial &trial, Value accept) override;
  Leaves interpolated(const Point &now, const Trial &trial, llvm::ArrayRef<Leaves> stages,
                      Value time) override;
  Value evaluations(Value rounds, Value accepted, Value before, const Leaves &memory) override;
  Work work(Value rounds, const Leaves &memory) override {
    return {rounds, rounds, m.sub(memory.back(), rounds)};
  }

private:
  RightHandSide &rhs;
  SolveAlgebra &m;
  std::unique_ptr<NewtonMatrix> matrix;
  ode::Esdirk method;
};

} // namespace mad

#endif // MAD_PASSES_ODE_ESDIRKSTEPS_H
