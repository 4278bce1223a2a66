//===- MadRewrite.h - Names and costs of the ops for rewriting --------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_MAD_IR_MADREWRITE_H
#define MAD_DIALECTS_MAD_IR_MADREWRITE_H

#include "mlir/IR/BuiltinTypes.h"

namespace mad {
class MadDialect;
/// Elements of a tensor; parameters of entries are taken for a size that is usual.
double nominalElements(mlir::RankedTensorType type);
/// Gives the dialect its `RewriteInterface`.
void addRewriteInterface(MadDialect &dialect);
} // namespace mad

#endif // MAD_DIALECTS_MAD_IR_MADREWRITE_H
