//===- StepMethod.h - What one step of a method computes --------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// SolveLoops is the loop of steps: control, saving, status, failures. It asks a method for a
// step, whatever that is made of, and for the solution within it.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_ODE_STEPMETHOD_H
#define MAD_PASSES_ODE_STEPMETHOD_H

#include "passes/Ode/SolveAlgebra.h"

namespace mad {

class StepMethod {
public:
  using Value = mlir::Value;
  /// Of the linear algebra of implicit methods: i64.
  struct Work {
    Value jacobians, factorisations, iterations;
  };
  /// Where a step begins.
  struct Point {
    Value t;
    Leaves y;
    /// What the method carries from step to step, of any types; in front of the first step what
    /// `begin` gives.
    Leaves memory;
  };
  /// A step, before it is known whether it is accepted.
  struct Trial {
    Value h, next; ///< with its direction; t + h
    Leaves end;    ///< the states at `next`
    /// Of chosen steps: the estimate of the error of each element, and the mean of its squares in
    /// units of the tolerance. NaN, as all that is not at most 1, rejects the step.
    Leaves errors;
    Value errorSquared;
    /// The sizes of the next step in parts of |h|, if the method chooses them: null, or f64. The
    /// loop chooses them by its controller otherwise.
    Value ratioAccepted, ratioRejected;
    /// Where it is false the step has failed, and half of it is tried; null: always.
    Value converged;
    llvm::SmallVector<Leaves> stages; ///< what the method needs of it later
  };

  virtual ~StepMethod() = default;
  /// Null, after a message, where the right-hand side has no derivative and the method needs it.
  /// `system` is the number of the system in an ensemble, null where it is alone.
  static std::unique_ptr<StepMethod> of(ode::SolveOp op, RightHandSide &rhs, SolveAlgebra &m,
                                        Value system);

  /// The order of the solution, for the control of steps.
  virtual int order() const = 0;
  /// The one that the choice of the first step counts with.
  virtual int firstOrder() const { return order(); }
  /// Whether f(t, y) must be known in front of the first step, if nothing else needs it.
  virtual bool needsRates() const = 0;
  /// Whether it computes functions of the length of a step in front of all steps.
  virtual bool needsEqualSteps() const { return false; }
  /// The steps that are attempted next have this length, or one that differs by roundings. It is
  /// called in front of the first step, and again in front of a last one that is shorter.
  virtual void equalSteps(Value h, const Leaves &y) {
    (void)h;
    (void)y;
  }

  /// The memory in front of the first step. It is called where nothing is solved, too, and must not
  /// evaluate the right-hand side. `rates` are f(from, y), or y where they are not known.
  virtual Leaves begin(const Leaves &y, const Leaves &rates) = 0;
  /// In which type the squares of errors are, given the leaves of the states.
  virtual mlir::Type errorType(const Leaves &y) const;
  /// The memory where the states were changed: as in front of the first step, but what it counts.
  virtual Leaves restart(const Leaves &memory, const Leaves &y, const Leaves &rates) {
    (void)memory;
    return begin(y, rates);
  }
  virtual Trial attempt(const Point &now, Value h, Value next) = 0;
  /// The memory behind a step that is or is not accepted. It may complete the stages.
  virtual Leaves remember(const Point &now, Trial &trial, Value accept) = 0;

  /// How many evaluations the interpolant needs in a step that has times to save.
  virtual int64_t denseStages() const { return 0; }
  /// Makes them.
  virtual llvm::SmallVector<Leaves> completed(const Point &now, const Trial &trial) {
    return trial.stages;
  }
  /// The states at a time within an accepted step; the stages are `completed`.
  virtual Leaves interpolated(const Point &now, const Trial &trial, llvm::ArrayRef<Leaves> stages,
                              Value time) = 0;

  /// How often the right-hand side was evaluated in all `rounds` and in front of them, where
  /// `before` counts, or is null; but for the interpolant.
  virtual Value evaluations(Value rounds, Value accepted, Value before, const Leaves &memory) = 0;
  /// How many Jacobians, factorisations and rounds of Newton's iteration there were. Only asked for
  /// of methods that have a Jacobian, and where `countsWork`.
  virtual Work work(Value rounds, const Leaves &memory) {
    (void)memory;
    return {rounds, rounds, {}};
  }
  bool countsWork = false; ///< set in front of `begin`
};

} // namespace mad

#endif // MAD_PASSES_ODE_STEPMETHOD_H
