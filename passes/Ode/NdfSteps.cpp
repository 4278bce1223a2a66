//===- NdfSteps.cpp - Steps of backward differences -------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// L. F. Shampine, M. W. Reichelt: The MATLAB ODE suite (1997). The order is a number of the program
// that runs: sums over differences have weights of 0 behind it.
//
//===----------------------------------------------------------------------===//
#include "passes/Ode/NdfSteps.h"
#include "dialects/Mad/IR/MadMathOps.h"
#include "dialects/Ode/Tableaus/Control.h"
#include "passes/Ode/Regions.h"

using namespace mlir;

namespace mad {

using ode::NewtonControl;

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

Leaves NdfSteps::packed(const Memory &memory) const {
  Leaves all = {memory.order,   memory.equal,    memory.h,          memory.coefficient,
                memory.isFresh, memory.isWanted, memory.evaluations};
  for (const Leaves &difference : memory.d)
    all.append(difference);
  all.append(memory.jacobian);
  all.append(memory.factors);
  all.append(memory.work);
  return all;
}

NdfSteps::Memory NdfSteps::unpacked(const Leaves &values) {
  ArrayRef<Value> rest = values;
  auto take = [&](size_t count) {
    Leaves part(rest.take_front(count));
    rest = rest.drop_front(count);
    return part;
  };
  Memory memory;
  for (Value *number : {&memory.order, &memory.equal, &memory.h, &memory.coefficient,
                        &memory.isFresh, &memory.isWanted, &memory.evaluations})
    *number = take(1)[0];
  size_t jacobian = matrix->noJacobian().size(), factors = matrix->noFactors().size();
  size_t counts = countsWork ? 2 : 0;
  size_t leaves = (rest.size() - jacobian - factors - counts) / kept;
  for (int j = 0; j < kept; ++j)
    memory.d.push_back(take(leaves));
  memory.jacobian = take(jacobian);
  memory.factors = take(factors);
  memory.work = take(counts);
  return memory;
}

/// D_1 = h f, with h the direction: the first step rescales it.
Leaves NdfSteps::begin(const Leaves &y, const Leaves &rates) {
  Memory memory;
  Value way = m.compare(Predicate::ge, op.getTo(), op.getFrom());
  memory.h = m.select(way, m.real(1), m.real(-1));
  memory.order = m.real(1);
  memory.equal = memory.coefficient = m.real(0);
  memory.isFresh = m.truth(false);
  memory.isWanted = m.truth(true);
  memory.evaluations = m.integer(0);
  memory.d.push_back(m.scaled(memory.h, rates));
  Leaves zeros;
  for (Value leaf : y)
    zeros.push_back(m.spread(m.number(m.element, 0), Algebra::typeOf(leaf)));
  memory.d.append(kept - 1, zeros);
  memory.jacobian = matrix->noJacobian();
  memory.factors = matrix->noFactors();
  memory.work.assign(countsWork ? 2 : 0, m.integer(0));
  return packed(memory);
}

Leaves NdfSteps::restart(const Leaves &memory, const Leaves &y, const Leaves &rates) {
  Memory next = unpacked(begin(y, rates));
  next.evaluations = unpacked(memory).evaluations;
  next.work = unpacked(memory).work;
  return packed(next);
}

/// `numbers[order + shift]`
Value NdfSteps::ofOrder(Value order, ArrayRef<double> numbers, int shift) {
  Value found = m.real(numbers[1 + shift]);
  for (int k = 2; k <= highest; ++k)
    found = m.select(isOrder(order, k), m.real(numbers[k + shift]), found);
  return found;
}

//===----------------------------------------------------------------------===//
// A step
//===----------------------------------------------------------------------===//

/// The differences of the same polynomial for another step: D (R(ratio) R(1)) with
/// R_ik(x) = product of (l - 1 - x k) / l, l = 1, ..., i.
void NdfSteps::rescale(Memory &memory, Value h) {
  Value ratio = m.div(h, memory.h), isOther = m.compare(Predicate::ne, h, memory.h);
  auto fixed = [](int i, int k) {
    double product = 1;
    for (int l = 1; l <= i; ++l)
      product *= (l - 1.0 - k) / l;
    return product;
  };
  Leaves old;
  size_t leaves = memory.d[0].size();
  for (int j = 0; j < highest; ++j)
    old.append(memory.d[j]);
  Leaves made = ifElse(m, isOther, old, [&] {
    Value weights[highest + 1][highest + 1];
    for (int k = 1; k <= highest; ++k) {
      Value product = m.real(1);
      for (int i = 1; i <= highest; ++i) {
        Value factor = m.sub(m.real((i - 1.0) / i), m.mul(m.real(double(k) / i), ratio));
        weights[i][k] = product = m.mul(product, factor);
      }
    }
    Leaves all;
    for (int j = 1; j <= highest; ++j) {
      Leaves sum;
      for (int i = 1; i <= highest; ++i) {
        Value weight = m.real(0);
        for (int k = 1; k <= j; ++k)
          weight = m.add(weight, m.mul(m.real(fixed(k, j)), weights[i][k]));
        weight = m.select(isUpTo(i, memory.order), weight, m.real(0));
        Leaves term = m.scaled(weight, memory.d[i - 1]);
        sum = sum.empty() ? term : m.plus(sum, term);
      }
      all.append(m.chosen(isUpTo(j, memory.order), sum, memory.d[j - 1]));
    }
    return all;
  });
  for (int j = 0; j < highest; ++j)
    memory.d[j] = Leaves(ArrayRef(made).slice(j * leaves, leaves));
  memory.equal = m.select(isOther, m.real(0), memory.equal);
  memory.h = h;
}

/// A Jacobian where one is wanted, and factors where they are of another matrix.
void NdfSteps::refresh(Memory &memory, const Leaves &predicted, Value next, Value coefficient) {
  memory.jacobian = ifElse(m, memory.isWanted, memory.jacobian,
                           [&] { return matrix->linearise(next, predicted, false).jacobian; });
  memory.isFresh = m.either(memory.isFresh, memory.isWanted);
  memory.evaluations = m.add(memory.evaluations, m.cast(memory.isWanted, m.b.getI64Type()));
  Value isOther = m.compare(Predicate::ne, coefficient, memory.coefficient);
  Value isFactored = m.either(isOther, memory.isWanted);
  if (countsWork)
    for (auto [count, more] : {std::pair(0, memory.isWanted), std::pair(1, isFactored)})
      memory.work[count] = m.add(memory.work[count], m.cast(more, m.b.getI64Type()));
  memory.factors = ifElse(m, isFactored, memory.factors, [&] {
    return matrix->factor(memory.jacobian, m.div(m.real(1), coefficient));
  });
  memory.coefficient = coefficient;
}

/// squared^(-1 / (2 order))
Value NdfSteps::root(Value squared, Value order) {
  Value log = ode::Log2Op::create(m.b, m.loc, squared.getType(), squared);
  Value power = m.div(m.mul(m.real(-0.5), log), order);
  return ode::Exp2Op::create(m.b, m.loc, power.getType(), power, /*inside=*/false);
}

StepMethod::Trial NdfSteps::attempt(const Point &now, Value h, Value next) {
  Trial trial;
  trial.h = h;
  trial.next = next;
  Memory memory = unpacked(now.memory);
  rescale(memory, h);
  Value order = memory.order, alpha = ofOrder(order, ndf.alpha);
  Leaves predicted = now.y, psi;
  for (int j = 1; j <= highest; ++j) {
    Value counts = isUpTo(j, order);
    predicted =
        m.plus(predicted, m.scaled(m.select(counts, m.real(1), m.real(0)), memory.d[j - 1]));
    Value weight = m.select(counts, m.real(ndf.gamma[j]), m.real(0));
    Leaves term = m.scaled(m.div(weight, alpha), memory.d[j - 1]);
    psi = psi.empty() ? term : m.plus(psi, term);
  }
  Value coefficient = m.div(h, alpha);
  refresh(memory, predicted, next, coefficient);
  ImplicitStage stage;
  stage.time = next;
  stage.shift = m.div(m.real(1), coefficient);
  stage.base = m.minus(predicted, psi);
  stage.guess = stage.near = predicted;
  ImplicitSolution found =
      solveStage(m, rhs, *matrix, memory.factors, stage, NewtonControl::roundsNdf);
  memory.evaluations = m.add(memory.evaluations, found.rounds);
  Leaves d = m.minus(found.y, predicted);
  trial.end = found.y;
  trial.errors = m.scaled(ofOrder(order, ndf.error), d);
  Value error = m.div(m.sumOfSquares(trial.errors, now.y, trial.end), m.size());
  // What was lost is not finite, what is not near enough is more than any tolerance.
  Value beyond = m.add(m.sub(found.norm, found.norm), m.real(NewtonControl::beyond));
  trial.errorSquared = m.select(found.converged, error, beyond);

  int most = NewtonControl::roundsNdf;
  Value safety = m.div(m.real(0.9 * (2 * most + 1)),
                       m.add(m.real(2 * most), m.cast(found.rounds, m.b.getF64Type())));
  Value shrunk = m.mul(safety, root(error, m.add(order, m.real(1))));
  Value least = m.real(ode::Controller::shrink);
  shrunk = m.select(m.compare(Predicate::ge, shrunk, least), shrunk, least);
  // A Jacobian of an earlier step may be to blame.
  Value again = m.select(memory.isFresh, m.real(NewtonControl::shrink), m.real(1));
  trial.ratioRejected = m.select(found.converged, shrunk, again);
  memory.isWanted = m.both(m.no(found.converged), m.no(memory.isFresh));
  trial.stages.push_back(packed(memory));
  choose(now, trial, memory, d, error, safety);
  return trial;
}

/// The differences behind the step, d the difference of the next order.
NdfSteps::Differences NdfSteps::updated(const Memory &memory, const Leaves &d) {
  Differences made(kept);
  for (int j = kept; j >= 1; --j) {
    Leaves value = memory.d[j - 1];
    if (j <= highest)
      value = m.chosen(isUpTo(j, memory.order), m.plus(value, made[j]), value);
    if (j >= 2 && j <= highest + 1)
      value = m.chosen(isOrder(memory.order, j - 1), d, value);
    if (j >= 3)
      value = m.chosen(isOrder(memory.order, j - 2), m.minus(d, memory.d[j - 2]), value);
    made[j - 1] = value;
  }
  return made;
}

/// What follows an accepted step: after order + 1 equal ones, the order with the largest step.
void NdfSteps::choose(const Point &, Trial &trial, Memory &memory, const Leaves &d,
                      Value errorSquared, Value safety) {
  Value order = memory.order;
  memory.d = updated(memory, d);
  for (const Leaves &difference : memory.d)
    trial.stages.push_back(difference);
  trial.stages.push_back({order});
  memory.equal = m.add(memory.equal, m.real(1));
  memory.isFresh = m.truth(false);
  memory.isWanted = m.truth(false);
  Value accept = m.compare(Predicate::le, trial.errorSquared, m.real(1));
  Value due = m.both(accept, m.compare(Predicate::gt, memory.equal, order));
  Leaves results = ifElse(m, due, {order, m.real(1), memory.equal}, [&] {
    auto ratio = [&](int shift) {
      Leaves difference;
      for (int k = 1; k <= highest; ++k) {
        int place = shift < 0 ? k : k + 2;
        difference = k == 1 ? memory.d[place - 1]
                            : m.chosen(isOrder(order, k), memory.d[place - 1], difference);
      }
      Leaves errors = m.scaled(ofOrder(order, ndf.error, shift), difference);
      Value square = m.div(m.sumOfSquares(errors, trial.end, trial.end), m.size());
      return root(square, m.add(order, m.real(1 + shift)));
    };
    Value same = root(errorSquared, m.add(order, m.real(1)));
    Value low = m.select(m.compare(Predicate::gt, order, m.real(1)), ratio(-1), m.real(0));
    Value high = m.select(m.compare(Predicate::lt, order, m.real(highest)), ratio(1), m.real(0));
    Value isLow = m.both(m.compare(Predicate::ge, low, same), m.compare(Predicate::ge, low, high));
    Value isHigh = m.compare(Predicate::gt, high, m.greater(low, same));
    Value best = m.select(isLow, low, m.select(isHigh, high, same));
    Value change = m.select(isLow, m.real(-1), m.select(isHigh, m.real(1), m.real(0)));
    Value factor = m.lesser(m.mul(safety, best), m.real(ode::Controller::grow));
    return Leaves{m.add(order, change), factor, m.real(0)};
  });
  memory.order = results[0];
  trial.ratioAccepted = results[1];
  memory.equal = results[2];
  trial.stages.push_back(packed(memory));
}

Leaves NdfSteps::remember(const Point &, Trial &trial, Value accept) {
  return m.chosen(accept, trial.stages.back(), trial.stages.front());
}

/// The polynomial through the end of the step and the points behind it.
Leaves NdfSteps::interpolated(const Point &, const Trial &trial, ArrayRef<Leaves> stages,
                              Value time) {
  Value x = m.div(m.sub(time, trial.next), trial.h), product = m.real(1);
  x = m.min(m.max(x, m.real(-1)), m.real(0));
  Value order = stages[1 + kept][0];
  Leaves result = trial.end;
  for (int j = 1; j <= highest; ++j) {
    product = m.mul(product, m.div(m.add(x, m.real(j - 1)), m.real(j)));
    Value weight = m.select(isUpTo(j, order), product, m.real(0));
    result = m.plus(result, m.scaled(weight, stages[j]));
  }
  return result;
}

StepMethod::Work NdfSteps::work(Value, const Leaves &memory) {
  Memory known = unpacked(memory);
  return {known.work[0], known.work[1], m.sub(known.evaluations, known.work[0])};
}

Value NdfSteps::evaluations(Value, Value, Value before, const Leaves &memory) {
  return m.add(before, memory[6]);
}

} // namespace mad
