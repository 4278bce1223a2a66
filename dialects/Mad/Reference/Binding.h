//===- Binding.h - Dimension parameters of a call ---------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_MAD_REFERENCE_BINDING_H
#define MAD_DIALECTS_MAD_REFERENCE_BINDING_H

#include "dialects/Mad/IR/RefTensor.h"

namespace mlir::func {
class FuncOp;
} // namespace mlir::func

namespace mad {

/// Finds the dimension parameters of a function from the extents of its inputs,
/// compares every extent with its type, and evaluates `mad.checks`. Sets
/// `context.dims`; on failure `context.message` says what does not fit.
llvm::LogicalResult bindDims(mlir::func::FuncOp function, llvm::ArrayRef<RefTensor> inputs,
                             RefContext &context);

} // namespace mad

#endif // MAD_DIALECTS_MAD_REFERENCE_BINDING_H
