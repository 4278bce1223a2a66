//===- Passes.h - Passes on differential equations --------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_ODE_PASSES_H
#define MAD_PASSES_ODE_PASSES_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/Pass.h"

namespace mad {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/Ode/Passes.h.inc"
} // namespace mad

#endif // MAD_PASSES_ODE_PASSES_H
