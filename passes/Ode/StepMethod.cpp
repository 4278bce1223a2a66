//===- StepMethod.cpp - The step of each method -----------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Ode/StepMethod.h"
#include "passes/Ode/EsdirkSteps.h"
#include "passes/Ode/ExponentialSteps.h"
#include "passes/Ode/NdfSteps.h"
#include "passes/Ode/RosenbrockSteps.h"
#include "passes/Ode/RungeKutta.h"
#include "passes/Ode/StochasticSteps.h"
#include "passes/Ode/SymplecticSteps.h"

namespace mad {

std::unique_ptr<StepMethod> StepMethod::of(ode::SolveOp op, RightHandSide &rhs, SolveAlgebra &m,
                                           mlir::Value system) {
  ode::Family family = ode::methodOf(op.getMethod().str()).family;
  if (family == ode::Family::Explicit)
    return std::make_unique<RungeKutta>(op, rhs, m);
  if (family == ode::Family::Exponential) {
    if (!ode::exponentialOf(op.getMethod().str()).ofJacobian)
      return std::make_unique<ExponentialSteps>(op, rhs, m);
    std::unique_ptr<NewtonMatrix> dense = NewtonMatrix::onTensors(op, rhs, m);
    return dense ? std::make_unique<ExponentialRosenbrockSteps>(op, m, std::move(dense)) : nullptr;
  }
  if (family == ode::Family::Stochastic)
    return StochasticSteps::of(op, rhs, m, system);
  if (family == ode::Family::Symplectic)
    return std::make_unique<SymplecticSteps>(op, rhs, m);
  std::unique_ptr<NewtonMatrix> matrix = NewtonMatrix::of(op, rhs, m);
  if (!matrix)
    return nullptr;
  if (family == ode::Family::Esdirk)
    return std::make_unique<EsdirkSteps>(op, rhs, m, std::move(matrix));
  if (family == ode::Family::Ndf)
    return std::make_unique<NdfSteps>(op, rhs, m, std::move(matrix));
  return std::make_unique<RosenbrockSteps>(op, rhs, m, std::move(matrix));
}

mlir::Type StepMethod::errorType(const Leaves &y) const {
  return mlir::Float64Type::get(y.front().getContext());
}

} // namespace mad
