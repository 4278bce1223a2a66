//===- ExponentialSteps.h - Steps of exponential methods ---------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_ODE_EXPONENTIALSTEPS_H
#define MAD_PASSES_ODE_EXPONENTIALSTEPS_H

#include "dialects/Ode/Tableaus/Tableau.h"
#include "passes/Ode/LinearPart.h"
#include "passes/Ode/NewtonMatrix.h"
#include "passes/Ode/StepMethod.h"

namespace mad {

/// Nothing is carried. Functions of the linear part are computed in front of the steps, but with
/// events: there steps differ, and each computes its own.
class ExponentialSteps : public StepMethod {
public:
  ExponentialSteps(ode::SolveOp op, RightHandSide &rhs, SolveAlgebra &m);

  int order() const override { return method.order; }
  bool needsRates() const override { return false; }
  bool needsEqualSteps() const override { return !hasEvents; }
  void equalSteps(Value h, const Leaves &y) override;
  Leaves begin(const Leaves &, const Leaves &) override { return {}; }
  Trial attempt(const Point &now, Value h, Value next) override;
  Leaves remember(const Point &, Trial &, Value) override { return {}; }
  Leaves interpolated(const Point &now, const Trial &trial, llvm::ArrayRef<Leaves> stages,
                      Value time) override;
  Value evaluations(Value rounds, Value accepted, Value before, const Leaves &memory) override;

private:
  using Function = LinearPart::Function;
  using Weight = ode::Exponential::Weight;
  Function weighted(const Weight &weight, Value h, Value x, llvm::ArrayRef<Function> phis);
  const Function &weightOf(const Weight &weight) const;

  ode::SolveOp op;
  RightHandSide &rhs;
  SolveAlgebra &m;
  LinearPart part;
  ode::Exponential method;
  int most = 1; ///< phi[most] is the last one that it needs
  bool hasEvents;
  bool half = false; ///< it needs those of h L / 2, too
  Value step;        ///< the length of steps
  Function linear, exponential, halfExponential;
  llvm::SmallVector<std::pair<Weight, Function>> weights; ///< h times those of the method
};

/// With the Jacobian at the beginning of each step instead of a given linear part.
class ExponentialRosenbrockSteps : public StepMethod {
public:
  ExponentialRosenbrockSteps(ode::SolveOp op, SolveAlgebra &m, std::unique_ptr<NewtonMatrix> matrix)
      : op(op), m(m), matrix(std::move(matrix)) {}

  int order() const override { return 2; }
  bool needsRates() const override { return false; }
  Leaves begin(const Leaves &, const Leaves &) override { return {}; }
  Trial attempt(const Point &now, Value h, Value next) override;
  Leaves remember(const Point &, Trial &, Value) override { return {}; }
  Leaves interpolated(const Point &now, const Trial &trial, llvm::ArrayRef<Leaves> stages,
                      Value time) override;
  Value evaluations(Value rounds, Value accepted, Value before, const Leaves &memory) override;
  Work work(Value rounds, const Leaves &) override { return {rounds, {}, {}}; }

private:
  Leaves moved(const Leaves &y, llvm::ArrayRef<Leaves> stages, Value h);

  ode::SolveOp op;
  SolveAlgebra &m;
  std::unique_ptr<NewtonMatrix> matrix;
};

} // namespace mad

#endif // MAD_PASSES_ODE_EXPONENTIALSTEPS_H
