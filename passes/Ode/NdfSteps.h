//===- NdfSteps.h - Steps of backward differences ---------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_ODE_NDFSTEPS_H
#define MAD_PASSES_ODE_NDFSTEPS_H

#include "dialects/Ode/Tableaus/Tableau.h"
#include "passes/Ode/Newton.h"
#include "passes/Ode/StepMethod.h"

namespace mad {

/// Variable order. Its memory: numbers, the differences of the states, J, the factors of W.
class NdfSteps : public StepMethod {
public:
  NdfSteps(ode::SolveOp op, RightHandSide &rhs, SolveAlgebra &m,
           std::unique_ptr<NewtonMatrix> matrix)
      : op(op), rhs(rhs), m(m), matrix(std::move(matrix)) {}

  int order() const override { return 1; }
  int firstOrder() const override { return 2; }
  bool needsRates() const override { return true; }
  Leaves begin(const Leaves &y, const Leaves &rates) override;
  Leaves restart(const Leaves &memory, const Leaves &y, const Leaves &rates) override;
  Trial attempt(const Point &now, Value h, Value next) override;
  Leaves remember(const Point &now, Trial &trial, Value accept) override;
  Leaves interpolated(const Point &now, const Trial &trial, llvm::ArrayRef<Leaves> stages,
                      Value time) override;
  Value evaluations(Value rounds, Value accepted, Value before, const Leaves &memory) override;
  Work work(Value rounds, const Leaves &memory) override;

private:
  static constexpr int highest = ode::Ndf::maxOrder;
  static constexpr int kept = highest + 2; ///< differences D_1, ..., D_kept
  using Differences = llvm::SmallVector<Leaves>;
  struct Memory {
    Value order;       ///< f64
    Value equal;       ///< steps since the last change of the step or the order, f64
    Value h;           ///< of the differences, with its direction
    Value coefficient; ///< h / alpha of the factors; 0: there are none
    Value isFresh;     ///< J is of this step
    Value isWanted;    ///< J must be evaluated
    Value evaluations; ///< i64
    Differences d;     ///< d[j - 1] is D_j
    Leaves jacobian, factors;
    Leaves work; ///< Jacobians and factorisations, i64, where they are counted
  };
  Leaves packed(const Memory &memory) const;
  Memory unpacked(const Leaves &values);
  Value ofOrder(Value order, llvm::ArrayRef<double> numbers, int shift = 0);
  Value isOrder(Value order, int number) { return m.compare(Predicate::eq, order, m.real(number)); }
  Value isUpTo(int number, Value order) { return m.compare(Predicate::ge, order, m.real(number)); }
  void rescale(Memory &memory, Value h);
  void refresh(Memory &memory, const Leaves &predicted, Value next, Value coefficient);
  Differences updated(const Memory &memory, const Leaves &d);
  void choose(const Point &now, Trial &trial, Memory &memory, const Leaves &d, Value errorSquared,
              Value safety);
  Value root(Value squared, Value order);

  ode::SolveOp op;
  RightHandSide &rhs;
  SolveAlgebra &m;
  std::unique_ptr<NewtonMatrix> matrix;
  ode::Ndf ndf;
};

} // namespace mad

#endif // MAD_PASSES_ODE_NDFSTEPS_H
