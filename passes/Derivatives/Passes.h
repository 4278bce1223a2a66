//===- Passes.h - Passes on derivatives -------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_DERIVATIVES_PASSES_H
#define MAD_PASSES_DERIVATIVES_PASSES_H

#include "mlir/Pass/Pass.h"

namespace mad {
#define GEN_PASS_DECL
#include "passes/Derivatives/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "passes/Derivatives/Passes.h.inc"
} // namespace mad

#endif // MAD_PASSES_DERIVATIVES_PASSES_H
