//===- StandardRules.h - The rewrite rules of the library, ready for use ----===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_STANDARDRULES_STANDARDRULES_H
#define MAD_PASSES_STANDARDRULES_STANDARDRULES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace mad {

/// A module of the rules that `emitStandardRules` (frontend/Emit) makes, as `mad-settle-rules`
/// leaves them, with their places in the sources. The context must have the mad dialect. Null
/// only if the bytecode in the compiler is broken.
mlir::OwningOpRef<mlir::ModuleOp> loadStandardRules(mlir::MLIRContext &context);

} // namespace mad

#endif // MAD_PASSES_STANDARDRULES_STANDARDRULES_H
