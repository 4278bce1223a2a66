//===- ProductTables.h - Tables of columns that products read ----*- C++ -*-===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_EGRAPH_BRIDGE_PRODUCTTABLES_H
#define MAD_PASSES_EGRAPH_BRIDGE_PRODUCTTABLES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mad {
class WeightSourceOp;

/// Products with codes look up in tables that lie in panels. Where something else reads the tables
/// of columns, too, they lie as in the format, and products get tables of their own. `sourceOf`
/// makes a weight of a value. Returns how many there are.
unsigned splitTables(llvm::ArrayRef<mlir::func::FuncOp> functions,
                     llvm::function_ref<WeightSourceOp(mlir::Value)> sourceOf);

} // namespace mad

#endif // MAD_PASSES_EGRAPH_BRIDGE_PRODUCTTABLES_H
