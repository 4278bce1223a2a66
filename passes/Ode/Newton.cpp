//===- Newton.cpp - The simplified Newton iteration of implicit stages ------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Ode/Newton.h"
#include "dialects/Mad/IR/MadMathOps.h"
#include "dialects/Ode/Tableaus/Control.h"
#include "passes/Ode/Regions.h"

using namespace mlir;

namespace mad {

using ode::NewtonControl;

/// So many units in the last place, in units of the tolerance.
static Value inTolerances(SolveAlgebra &m, double units) {
  return m.div(m.real(units * (m.element.isF32() ? 0x1p-23 : 0x1p-52)), m.leastRtol());
}

/// How far from the solution, in units of the tolerance, an iteration may end.
static Value bound(SolveAlgebra &m) {
  Value roundings = inTolerances(m, NewtonControl::roundings);
  roundings = m.lesser(roundings, m.real(NewtonControl::coarsest));
  return m.greater(roundings, m.real(NewtonControl::finest));
}

ImplicitSolution solveStage(SolveAlgebra &m, RightHandSide &rhs, NewtonMatrix &matrix,
                            const Leaves &factors, const ImplicitStage &stage, int maxRounds) {
  enum { GoesOn = 0, Converged = 1, Failed = 2 };
  Value kappa = bound(m), size = m.size(), one = m.real(1);
  Value smallest = inTolerances(m, NewtonControl::tinyRoundings);
  smallest = m.lesser(smallest, m.real(NewtonControl::finest));
  smallest = m.greater(smallest, m.mul(m.real(NewtonControl::tiny), kappa));
  Value start = m.integer(GoesOn);
  if (stage.asked)
    start = m.select(stage.asked, start, m.integer(Failed));
  Leaves carried = {start, m.real(0)};
  carried.append(stage.guess);
  auto body = [&](Value round, const Leaves &now) {
    Leaves y(ArrayRef(now).drop_front(2));
    Leaves right =
        m.minus(rhs.evaluate(m.b, stage.time, y), m.scaled(stage.shift, m.minus(y, stage.base)));
    Leaves change = matrix.solve(factors, right);
    Value mean = m.div(m.sumOfSquares(change, stage.near, stage.near), size);
    Value norm = SqrtOp::create(m.b, m.loc, mean.getType(), mean);
    Value isLater = m.compare(Predicate::gt, round, m.integer(0)), rate = m.div(norm, now[1]);
    Value error = m.div(norm, m.sub(one, rate));
    Value square = m.mul(rate, rate), power = rate;
    for (int left = 2; left <= 3; ++left)
      power = m.select(m.compare(Predicate::le, round, m.integer(maxRounds - left)),
                       left == 2 ? square : m.mul(square, rate), power);
    // NaN is not less than anything.
    Value hope = m.both(m.compare(Predicate::lt, rate, one),
                        m.compare(Predicate::le, m.mul(power, error), kappa));
    Value good = m.select(isLater, hope, m.isFinite(norm));
    Value near = m.both(isLater, m.compare(Predicate::lt, m.mul(rate, error), kappa));
    // So small a change may be one of roundings, of which no rate can be told; one that no longer
    // shrinks, but is within the bound, is.
    Value tiny = m.compare(Predicate::le, norm, smallest);
    Value isStill = m.both(isLater, m.both(m.compare(Predicate::ge, rate, one),
                                           m.compare(Predicate::le, norm, kappa)));
    Value done = m.either(m.either(tiny, isStill), m.both(good, near));
    Value state = m.select(good, m.integer(GoesOn), m.integer(Failed));
    Leaves next = {m.select(done, m.integer(Converged), state), norm};
    next.append(m.plus(y, change));
    return next;
  };
  Leaves results = iterate(
      m, carried, std::to_string(maxRounds),
      [&](Value, const Leaves &now) { return m.compare(Predicate::eq, now[0], m.integer(GoesOn)); },
      body);
  ImplicitSolution solution;
  solution.rounds = results.pop_back_val();
  solution.converged = m.compare(Predicate::eq, results[0], m.integer(Converged));
  solution.norm = results[1];
  solution.y = Leaves(ArrayRef(results).drop_front(2));
  return solution;
}

} // namespace mad
