//===- NarrowFactors.h - Factors of 16 bits that products widen --*- C++ -*-===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_EGRAPH_BRIDGE_NARROWFACTORS_H
#define MAD_PASSES_EGRAPH_BRIDGE_NARROWFACTORS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mad {
class WeightSourceOp;

/// Whether all that needs it are products of two factors that are widened alike: kernels multiply
/// the narrow ones, exactly, and read half of the bytes.
bool isForNarrowProducts(mlir::Value value);

/// Joins what is widened alike first, and widens it then, where it is a factor: of products that
/// were made one, the factors are joined.
void widenJoined(mlir::func::FuncOp function);

/// Products on CPUs read a weight in panels, for which it has one order. Where the products of
/// narrow matrices sum along both of their dimensions, or something else reads them, too, the
/// others get a weight of their own, which is as narrow. `sourceOf` makes one of a value. Returns
/// how many there are.
unsigned splitOrders(llvm::ArrayRef<mlir::func::FuncOp> functions,
                     llvm::function_ref<WeightSourceOp(mlir::Value)> sourceOf);

} // namespace mad

#endif // MAD_PASSES_EGRAPH_BRIDGE_NARROWFACTORS_H
