//===- Facts.h - What is known about dimensions -----------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Decides equalities and inequalities between dimensions from what `where`
// clauses and earlier checks say.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_FRONTEND_CHECK_FACTS_H
#define MAD_FRONTEND_CHECK_FACTS_H

#include "dialects/Mad/IR/DimExpr.h"

namespace mad::elab {

enum class Answer : uint8_t { Yes, No, Unknown };

class Facts {
public:
  /// From now on `e` is at least 0.
  void addAtLeastZero(const DimExpr &e);
  void addEqual(const DimExpr &a, const DimExpr &b);

  Answer equal(const DimExpr &a, const DimExpr &b) const;
  Answer atLeast(const DimExpr &a, const DimExpr &b) const;
  bool proves(const DimExpr &a, const DimExpr &atLeast) const {
    return this->atLeast(a, atLeast) == Answer::Yes;
  }

private:
  DimExpr simplified(const DimExpr &e) const;
  bool nonNegative(const DimExpr &e) const;

  std::vector<DimExpr> positive;           ///< each is at least 0
  std::vector<DimExpr> zero;               ///< each is 0
  std::map<std::string, DimExpr> replaced; ///< symbol by what it is equal to
};

} // namespace mad::elab

#endif // MAD_FRONTEND_CHECK_FACTS_H
