//===- Reorder.h - Dimensions in another order --------------------*- C++ -*-===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_LUT_REORDER_H
#define MAD_PASSES_LUT_REORDER_H

#include "dialects/Mad/IR/MadOps.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace mad {

/// The type of a tensor whose dimensions run along `dims` of a space, of the sizes that it has.
mlir::RankedTensorType typeAlong(llvm::ArrayRef<unsigned> dims, mlir::Type element,
                                 llvm::function_ref<DimExpr(unsigned)> size);

/// `value`, whose dimensions run along `from`, as a tensor of `type`, whose dimensions run along
/// `to`. Along those that are not among `from` it is the same.
mlir::Value reordered(mlir::OpBuilder &b, mlir::Value value, llvm::ArrayRef<unsigned> from,
                      llvm::ArrayRef<unsigned> to, mlir::RankedTensorType type);

} // namespace mad

#endif // MAD_PASSES_LUT_REORDER_H
