//===- ExpandLanes.h - The systems of an ensemble ---------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_ODE_EXPANDLANES_H
#define MAD_PASSES_ODE_EXPANDLANES_H

#include "passes/Ode/RightHandSide.h"

namespace mad {

/// Makes a `mad.scan` of an ensemble whose rounds are its systems, in front of the op; returns what
/// replaces its results. A round reads and writes at its own position alone, and the scan says so
/// (passes/Transforms/Lanes.h). `choose` says how the steps of one system are written. Empty, after
/// a message, where they cannot be.
Leaves expandLanes(ode::SolveOp op,
                   llvm::function_ref<std::unique_ptr<RightHandSide>(ode::SolveOp one)> choose);

} // namespace mad

#endif // MAD_PASSES_ODE_EXPANDLANES_H
