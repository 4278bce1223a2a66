//===- Passes.h - Rewriting by equality saturation ------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_EGRAPH_BRIDGE_PASSES_H
#define MAD_PASSES_EGRAPH_BRIDGE_PASSES_H

#include "mlir/Pass/Pass.h"
#include <memory>

namespace mlir {
class ModuleOp;
} // namespace mlir

namespace mad {
class MadDialect;

#define GEN_PASS_DECL
#include "passes/EGraph/Bridge/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "passes/EGraph/Bridge/Passes.h.inc"

} // namespace mad

#endif // MAD_PASSES_EGRAPH_BRIDGE_PASSES_H
