//===- SolveLoops.h - The loop of steps of a solve --------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_ODE_SOLVELOOPS_H
#define MAD_PASSES_ODE_SOLVELOOPS_H

#include "passes/Ode/StepMethod.h"

namespace mad {

/// One system of an ensemble: a round of the loop `around`.
struct Lane {
  mlir::Value index;                 ///< its number; null: there is one system alone
  Leaves all;                        ///< the states of all systems, which are written at `index`
  mlir::Operation *around = nullptr; ///< what is the same for all stands in front of it
};

/// What is known of a solve at its end; numbers are i64 scalars.
struct Solution {
  Leaves states; ///< as the results of the op; for a lane those of all
  mlir::Value time, status, accepted, rounds, evaluations;
  mlir::Value component; ///< to blame; null where the op need not fail
};

/// Writes one `ode.solve` as loops (dialects/Ode/README.md, "What a solve computes").
class SolveLoops {
public:
  SolveLoops(ode::SolveOp op, RightHandSide &rhs, mlir::OpBuilder &b, Lane lane = {});
  /// False, after a message, where the right-hand side has no derivative and the method needs it.
  bool isPossible() const { return method != nullptr; }
  /// In front of the op; its results are returned.
  llvm::SmallVector<mlir::Value> build();
  Solution solve();

private:
  using Value = mlir::Value;
  /// What the loop knows between two steps.
  struct State {
    Value t, h, logOld, status, accepted, component, denseSteps, count;
    Leaves y, memory, saved;
  };
  void begin();
  State start();
  Value badOptions();
  Value badTimes();
  Value initialStep(const Leaves &y, const Leaves &f);
  Value least(Value t);

  State adaptive(State state, Value &rounds);
  State adaptiveStep(const State &now);
  State fixed(State state, Value &rounds);
  State fixedStep(const State &now, Value i, Value count, Value h);
  Leaves loop(const State &initial, llvm::StringRef limit, Value &rounds,
              llvm::function_ref<Value(const State &, Value)> condition,
              llvm::function_ref<State(const State &, Value)> body);

  bool saves() const { return static_cast<bool>(times); }
  Value isBefore(Value count, Value until);
  void saveWhile(State &state, Value allowed, Value until,
                 llvm::function_ref<Leaves(Value time)> row);
  void saveStep(State &state, const StepMethod::Point &now, const StepMethod::Trial &trial,
                Value accepted);

  ode::SolveOp op;
  RightHandSide &rhs;
  mlir::OpBuilder &b;
  Lane lane;
  SolveAlgebra m;
  std::unique_ptr<StepMethod> method;
  bool carriesF = true; ///< f(from, y) is known before the first step
  Value from, to, span, direction, rtol, atol, times;
  mlir::Type element; ///< of the states
};

} // namespace mad

#endif // MAD_PASSES_ODE_SOLVELOOPS_H
