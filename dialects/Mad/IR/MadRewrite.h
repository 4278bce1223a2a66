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
class DimExpr;
class MadDialect;
/// A size; parameters of entries are taken for one that is usual. At least 1.
double nominalSize(const DimExpr &size);
/// Elements of a tensor; parameters of entries are taken for a size that is usual.
double nominalElements(mlir::RankedTensorType type);
/// Cycles of a sum of so many products of elements of `bits`, which reads and writes so many bytes.
double productCycles(double products, double bytes, unsigned bits);
/// Cycles of an elementwise op, by its name without dialect, on so many elements of `bits`.
double elementwiseCycles(llvm::StringRef name, double elements, unsigned bits);
/// Gives the dialect its `RewriteInterface`.
void addRewriteInterface(MadDialect &dialect);
} // namespace mad

#endif // MAD_DIALECTS_MAD_IR_MADREWRITE_H
