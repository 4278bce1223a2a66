//===- Facts.cpp - What is known about dimensions ---------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Facts.h"

namespace mad::elab {

/// Sums of two facts are tried; with many facts only the first ones.
static constexpr size_t maxPaired = 16;

void Facts::addAtLeastZero(const DimExpr &e) {
  if (e.valid() && !nonNegative(simplified(e)))
    positive.push_back(e);
}

void Facts::addEqual(const DimExpr &a, const DimExpr &b) {
  DimExpr left = simplified(a), right = simplified(b);
  if (!left.valid() || !right.valid() || left == right)
    return;
  for (bool swap : {false, true}) {
    const DimExpr &x = swap ? right : left, &y = swap ? left : right;
    for (const std::string &name : x.symbols()) {
      auto solved = x.solve(name, y);
      if (!solved)
        continue;
      for (auto &[_, by] : replaced)
        by = by.substitute({{name, *solved}});
      replaced[name] = *solved;
      return;
    }
  }
  zero.push_back(left - right);
}

DimExpr Facts::simplified(const DimExpr &e) const {
  return replaced.empty() ? e : e.substitute(replaced);
}

bool Facts::nonNegative(const DimExpr &e) const {
  if (e.lowerBound().value_or(-1) >= 0)
    return true;
  std::vector<DimExpr> known;
  for (const DimExpr &fact : positive)
    known.push_back(simplified(fact));
  for (const DimExpr &fact : zero)
    for (int sign : {1, -1})
      known.push_back(simplified(fact) * DimExpr(sign));
  for (size_t i = 0; i < known.size(); ++i) {
    DimExpr rest = e - known[i];
    if (rest.lowerBound().value_or(-1) >= 0)
      return true;
    for (size_t k = i; k < known.size() && k < maxPaired; ++k)
      if ((rest - known[k]).lowerBound().value_or(-1) >= 0)
        return true;
  }
  return false;
}

/// Whether it is 0 only where sizes are: `7 * N`, but not `N - M`. Two dimensions
/// that agree on nothing else are taken for different.
static bool onlyZeroOfNothing(const DimExpr &e) {
  DimExpr::Terms terms = e.terms();
  if (terms.empty())
    return false;
  bool positive = terms.begin()->second > 0;
  for (const auto &[monomial, coefficient] : terms) {
    if ((coefficient > 0) != positive)
      return false;
    for (const DimExpr::Atom &atom : monomial)
      if (atom.division)
        return false;
  }
  return true;
}

Answer Facts::equal(const DimExpr &a, const DimExpr &b) const {
  DimExpr difference = simplified(a) - simplified(b);
  if (auto c = difference.constant())
    return *c == 0 ? Answer::Yes : Answer::No;
  for (const DimExpr &fact : zero) {
    DimExpr known = simplified(fact);
    DimExpr times = DimExpr::floorDiv(difference, known);
    if (times * known == difference)
      return Answer::Yes;
  }
  if (onlyZeroOfNothing(difference))
    return Answer::No;
  if (nonNegative(difference - DimExpr(1)) || nonNegative(difference * DimExpr(-1) - DimExpr(1)))
    return Answer::No;
  return Answer::Unknown;
}

Answer Facts::atLeast(const DimExpr &a, const DimExpr &b) const {
  DimExpr difference = simplified(a) - simplified(b);
  if (auto c = difference.constant())
    return *c >= 0 ? Answer::Yes : Answer::No;
  if (nonNegative(difference))
    return Answer::Yes;
  if (nonNegative(difference * DimExpr(-1) - DimExpr(1)))
    return Answer::No;
  return Answer::Unknown;
}

} // namespace mad::elab
