//===- SolveLoops.h - The loop of steps of a solve --------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_ODE_SOLVELOOPS_H
#define MAD_PASSES_ODE_SOLVELOOPS_H

#include "dialects/Ode/Tableaus/Control.h"
#include "passes/Ode/StepMethod.h"

namespace mad {

/// One system of an ensemble: a round of the loop `around`.
struct Lane {
  mlir::Value index;                 ///< its number; null: there is one system alone
  Leaves all;                        ///< the states of all systems, which are written at `index`
  Leaves tables;                     ///< as `Solution::tables`, of all systems
  mlir::Operation *around = nullptr; ///< what is the same for all stands in front of it
  bool countsWork = false;           ///< somebody reads `ode::SolveOp::getWork`
};

/// What is known of a solve at its end; numbers are i64 scalars.
struct Solution {
  Leaves states; ///< as the results of the op; for a lane those of all
  /// The values of steps, of saved steps the times, of events times and numbers; for a lane those
  /// of all.
  Leaves tables;
  Leaves counts; ///< of saved steps, of events, of work
  mlir::Value time, status, accepted, rounds, evaluations;
  /// Of the elements of all states the number of that to blame, or -1, and the square of the last
  /// step's error in units of its tolerance, less than 0 where there was none; null where the op
  /// need not fail.
  mlir::Value component, errorSquared;
};

/// Ends the call with a message where a solve failed; `solve` is of one system, or of all.
void checkSolved(mlir::OpBuilder &b, ode::SolveOp solve, const Solution &solution);

/// Writes one `ode.solve` as loops (dialects/Ode/README.md, "What a solve computes").
class SolveLoops {
public:
  SolveLoops(ode::SolveOp op, RightHandSide &rhs, mlir::OpBuilder &b, Lane lane = {});
  /// False, after a message, where the right-hand side has no derivative and the method needs it.
  bool isPossible() const { return method != nullptr; }
  /// In front of the op; its results are returned.
  llvm::SmallVector<mlir::Value> build();
  Solution solve();
  /// What a table has where nothing was written.
  static mlir::Value emptyCell(Algebra &m, mlir::RankedTensorType table);

  /// Whether anything needs the counts of work.
  static bool readsWork(ode::SolveOp op);

private:
  using Value = mlir::Value;
  /// What the loop knows between two steps.
  struct State {
    Value t, h, logOld, logOlder, status, accepted, denseSteps, count;
    Value component, errorSquared; ///< as `Solution` has them
    Value savedTimes;              ///< of steps
    Leaves y, memory, saved, dense;
    /// Of events: the guards where the step begins; restarts of the method.
    Leaves guards;
    Value eventTimes, eventNumbers, eventCount, restarts, lastReset, hasReset, ended;
    Value whole; ///< given steps that are done, where events end some
  };
  /// The values that there are, in one order.
  template <typename S, typename Visit> static void eachValue(S &state, Visit visit) {
    for (auto *value :
         {&state.t, &state.h, &state.logOld, &state.logOlder, &state.status, &state.accepted,
          &state.component, &state.errorSquared, &state.denseSteps, &state.count, &state.savedTimes,
          &state.eventTimes, &state.eventNumbers, &state.eventCount, &state.restarts,
          &state.lastReset, &state.hasReset, &state.ended, &state.whole})
      if (*value)
        visit(*value);
    for (auto *leaves : {&state.y, &state.memory, &state.saved, &state.dense, &state.guards})
      for (auto &value : *leaves)
        visit(value);
  }
  /// An event in a step, or its end.
  struct Found {
    Value any, time;
    Leaves y, fired;
  };
  void begin();
  State start();
  Value badOptions();
  Value goodTolerances();
  bool hasOwnTolerances();
  Value badTimes();
  Value initialStep(const Leaves &y, const Leaves &f);
  Value least(Value t);

  // ChosenSteps.cpp
  State adaptive(State state, Value &rounds);
  State adaptiveStep(const State &now, Value round);
  Value chooseStep(State &state, const State &now, const StepMethod::Trial &trial, Value h,
                   Value accept, Value logError);
  void giveUp(State &state, const State &now, const StepMethod::Trial &trial, Value stuck,
              Value round);
  // GivenSteps.cpp
  State fixed(State state, Value &rounds);
  void shortStep(State &state, Value isShort, Value &rounds, Value count, Value h);
  State fixedStep(const State &now, Value i, Value count, Value h);
  Value restOfStep(const State &now, Value isLast, Value begin, Value next, Value h);
  Leaves loop(const State &initial, llvm::StringRef limit, Value &rounds,
              llvm::function_ref<Value(const State &, Value)> condition,
              llvm::function_ref<State(const State &, Value)> body);

  /// At given times.
  bool saves() const { return static_cast<bool>(times); }
  bool savesSteps() { return op.savesStates(); }
  void saveDense(State &state, const StepMethod::Point &now, const StepMethod::Trial &trial,
                 Value accepted, Value until, const Leaves &end);
  void emptySaved(State &state);
  /// A place in a table: of this system, where there are several.
  Leaves placeOf(Value row) const { return lane.index ? Leaves{lane.index, row} : Leaves{row}; }
  void saveReached(State &state, Value allowed, Value goesOn);
  Value isBefore(Value count, Value until);
  void saveWhile(State &state, Value allowed, Value until,
                 llvm::function_ref<Leaves(Value time)> row);
  void saveStep(State &state, const StepMethod::Point &now, const StepMethod::Trial &trial,
                Value accepted, Value until);

  // SolveEvents.cpp
  bool hasEvents() { return op.eventCount() > 0; }
  Leaves guardsAt(Value t, const Leaves &y);
  Leaves signsFrom(Value t, const Leaves &y, const Leaves &rates, Value h, const Leaves &fired);
  Leaves crossed(const Leaves &signs, const Leaves &now);
  Value anyOf(const Leaves &flags);
  void beginEvents(State &state, Value moves, const Leaves &rates);
  Leaves bracketed(const Leaves &signs, const Leaves &high,
                   llvm::function_ref<Leaves(Value x)> guardsIn, Value enough);
  Found findEvent(State &state, const State &now, const StepMethod::Point &point,
                  const StepMethod::Trial &trial, Value accept);
  Value goesOn(Value t, const Leaves &fired);
  void recordEvents(State &state, const Leaves &fired);
  Leaves resetStates(Value t, Leaves y, const Leaves &fired);
  void happen(State &state, const Found &found);

  Value code(ode::Status status) { return m.integer(static_cast<int64_t>(status)); }

  ode::SolveOp op;
  RightHandSide &rhs;
  mlir::OpBuilder &b;
  Lane lane;
  SolveAlgebra m;
  std::unique_ptr<StepMethod> method;
  bool carriesF = true; ///< f(from, y) is known before the first step
  Value from, to, span, direction, times;
  mlir::Type element; ///< of the states
};

} // namespace mad

#endif // MAD_PASSES_ODE_SOLVELOOPS_H
