//===- Regions.h - Branches and loops on leaves -----------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_ODE_REGIONS_H
#define MAD_PASSES_ODE_REGIONS_H

#include "passes/Ode/Algebra.h"
#include "passes/Ode/RightHandSide.h"

namespace mad {

/// `mad.if`: what `then` builds, or else `otherwise`.
Leaves ifElse(Algebra &m, mlir::Value condition, const Leaves &otherwise,
              llvm::function_ref<Leaves()> then);
/// `mad.iterate`: the last values, and behind them the number of rounds. Both functions are given
/// the number of the round, from 0, and the values in front of it.
Leaves iterate(Algebra &m, const Leaves &initial, llvm::StringRef limit,
               llvm::function_ref<mlir::Value(mlir::Value, const Leaves &)> condition,
               llvm::function_ref<Leaves(mlir::Value, const Leaves &)> body);

} // namespace mad

#endif // MAD_PASSES_ODE_REGIONS_H
