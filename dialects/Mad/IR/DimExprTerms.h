//===- DimExprTerms.h - Terms of dimensions -------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For the files of DimExpr alone.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_MAD_IR_DIMEXPRTERMS_H
#define MAD_DIALECTS_MAD_IR_DIMEXPRTERMS_H

#include "dialects/Mad/IR/DimExpr.h"

namespace mad {

inline int64_t floorDivide(int64_t a, int64_t b) {
  int64_t q = a / b;
  return q * b != a && (a < 0) != (b < 0) ? q - 1 : q;
}

/// Degree first, then alphabetical: the order of division and of printing.
inline bool leads(const DimExpr::Monomial &a, const DimExpr::Monomial &b) {
  return a.size() != b.size() ? a.size() > b.size() : a < b;
}

DimExpr termOf(const DimExpr::Monomial &monomial, int64_t coefficient);

} // namespace mad

#endif // MAD_DIALECTS_MAD_IR_DIMEXPRTERMS_H
