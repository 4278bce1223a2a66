//===- SymplecticSteps.h - Steps of compositions of Verlet ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_ODE_SYMPLECTICSTEPS_H
#define MAD_PASSES_ODE_SYMPLECTICSTEPS_H

#include "dialects/Ode/Tableaus/Tableau.h"
#include "passes/Ode/StepMethod.h"

namespace mad {

/// The memory are the derivatives of velocities at (t, y), from the last kick of a step for the
/// first one of the next. Each evaluation is the whole body, of which one half is used: the other
/// one has no users and is removed.
class SymplecticSteps : public StepMethod {
public:
  SymplecticSteps(ode::SolveOp op, RightHandSide &rhs, SolveAlgebra &m);

  int order() const override { return method.order; }
  bool needsRates() const override { return true; }
  Leaves begin(const Leaves &y, const Leaves &rates) override;
  Trial attempt(const Point &now, Value h, Value next) override;
  Leaves remember(const Point &now, Trial &trial, Value accept) override;
  Leaves interpolated(const Point &now, const Trial &trial, llvm::ArrayRef<Leaves> stages,
                      Value time) override;
  Value evaluations(Value rounds, Value accepted, Value before, const Leaves &memory) override;

private:
  Leaves moved(Leaves y, bool positions, Value h, double part, const Leaves &rates);
  Leaves velocities(const Leaves &all) const;

  ode::SolveOp op;
  RightHandSide &rhs;
  SolveAlgebra &m;
  ode::Composition method;
  llvm::SmallVector<bool> isPosition; ///< of each leaf
};

} // namespace mad

#endif // MAD_PASSES_ODE_SYMPLECTICSTEPS_H
