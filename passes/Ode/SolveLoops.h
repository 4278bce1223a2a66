//===- SolveLoops.h - The loop of steps of a solve --------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_ODE_SOLVELOOPS_H
#define MAD_PASSES_ODE_SOLVELOOPS_H

#include "dialects/Ode/Tableaus/Tableau.h"
#include "passes/Ode/Algebra.h"
#include "passes/Ode/RightHandSide.h"

namespace mad {

/// Writes one `ode.solve` as loops (dialects/Ode/README.md, "What a solve computes").
class SolveLoops {
public:
  SolveLoops(ode::SolveOp op, RightHandSide &rhs, mlir::OpBuilder &b);
  /// In front of the op; its results are returned.
  llvm::SmallVector<mlir::Value> build();

private:
  using Value = mlir::Value;
  /// What the loop knows between two steps.
  struct State {
    Value t, h, logOld, status, accepted, component, denseSteps, count;
    Leaves y, f, saved;
  };
  void begin();
  State start();
  Value badOptions();
  Value badTimes();
  Value initialStep(const Leaves &y, const Leaves &f);
  Value least(Value t);
  Value unitOf(Value error, Value a, Value b);
  Value sumOfSquares(const Leaves &errors, const Leaves &a, const Leaves &b);
  Value size();
  Value largest(const Leaves &badness);
  Leaves combined(const Leaves &y, Value h, llvm::ArrayRef<double> weights,
                  llvm::ArrayRef<Leaves> k);
  Leaves sum(llvm::ArrayRef<double> weights, llvm::ArrayRef<Leaves> k);
  Leaves chosen(Value condition, const Leaves &x, const Leaves &y);
  llvm::SmallVector<Leaves> stages(const State &now, Value h, Value next);
  Value errorSquared(const State &now, const Leaves &end, Value h, llvm::ArrayRef<Leaves> k,
                     Leaves &errors);

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
  void saveStep(State &state, const State &now, Value accepted, Value h, Value next,
                llvm::ArrayRef<Leaves> k);

  ode::SolveOp op;
  RightHandSide &rhs;
  mlir::OpBuilder &b;
  Algebra m;
  ode::Tableau tableau;
  bool carriesF = true; ///< f(t, y) is known before a step
  Value from, to, span, direction, rtol, atol, times;
  mlir::Type element; ///< of the states
};

} // namespace mad

#endif // MAD_PASSES_ODE_SOLVELOOPS_H
