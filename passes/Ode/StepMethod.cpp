//===- StepMethod.cpp - The step of each method -----------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Ode/StepMethod.h"
#include "passes/Ode/RungeKutta.h"

namespace mad {

std::unique_ptr<StepMethod> StepMethod::of(ode::SolveOp op, RightHandSide &rhs, SolveAlgebra &m) {
  return std::make_unique<RungeKutta>(op, rhs, m);
}

} // namespace mad
