//===- DimExprBounds.cpp - What dimensions are at least -------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/DimExprTerms.h"

#include <numeric>

namespace mad {

namespace {
/// Bounds of the divisions in one expression: those inside others come up again and again.
/// The keys keep them alive.
using Bounds = std::map<std::shared_ptr<const std::pair<DimExpr, DimExpr>>, std::optional<int64_t>>;
} // namespace

static std::optional<int64_t> boundOf(const DimExpr &e, Bounds &bounds);

static std::optional<int64_t> divisionBound(const DimExpr &a, const DimExpr &b, Bounds &bounds) {
  auto low = boundOf(a, bounds);
  if (!low)
    return std::nullopt;
  if (auto c = b.constant())
    return floorDivide(*low, *c);
  auto divisor = boundOf(b, bounds);
  if (*low >= 0 && divisor && *divisor >= 0)
    return 0;
  return std::nullopt;
}

static std::optional<int64_t> atomLowerBound(const DimExpr::Atom &atom, Bounds &bounds) {
  if (!atom.division)
    return 0;
  if (auto known = bounds.find(atom.division); known != bounds.end())
    return known->second;
  auto bound = divisionBound(atom.division->first, atom.division->second, bounds);
  bounds[atom.division] = bound;
  return bound;
}

/// Term by term.
static std::optional<int64_t> directLowerBound(const DimExpr &e, Bounds &bounds) {
  int64_t total = 0;
  for (const auto &[monomial, coefficient] : e.terms()) {
    int64_t part = coefficient;
    if (coefficient < 0 && !monomial.empty())
      return std::nullopt;
    for (const DimExpr::Atom &atom : monomial) {
      auto low = atomLowerBound(atom, bounds);
      if (!low || (*low < 0 && monomial.size() > 1) || __builtin_mul_overflow(part, *low, &part))
        return std::nullopt;
    }
    if (__builtin_add_overflow(total, part, &total))
      return std::nullopt;
  }
  return total;
}

/// Replaces divisions by constants with their rational bounds, so that
/// `H - 2 * (H / 2)` is seen to be at least 0: the bound of `scale * e`.
static std::optional<DimExpr> relaxed(const DimExpr &e, int64_t &scale) {
  scale = 1;
  for (const auto &[monomial, _] : e.terms())
    for (const DimExpr::Atom &atom : monomial)
      if (atom.division) {
        auto c = atom.division->second.constant();
        if (!c || monomial.size() != 1 ||
            __builtin_mul_overflow(scale, *c / std::gcd(scale, *c), &scale))
          return std::nullopt;
      }
  DimExpr result;
  for (const auto &[monomial, coefficient] : e.terms()) {
    if (monomial.size() != 1 || !monomial[0].division) {
      result = result + termOf(monomial, coefficient) * DimExpr(scale);
      continue;
    }
    const auto &[a, b] = *monomial[0].division;
    // (a - c + 1) / c <= floor(a / c) <= a / c
    DimExpr bound = coefficient > 0 ? a - b + DimExpr(1) : a;
    result = result + bound * DimExpr(scale / *b.constant()) * DimExpr(coefficient);
  }
  return result;
}

static std::optional<int64_t> boundOf(const DimExpr &e, Bounds &bounds) {
  if (!e.valid())
    return std::nullopt;
  auto best = directLowerBound(e, bounds);
  int64_t scale = 1;
  DimExpr current = e;
  // Each round takes away one level of nested divisions.
  for (int round = 0, total = 1; round < 4 && total < 1000; ++round) {
    auto next = relaxed(current, scale);
    if (!next || !next->valid() || scale == 1 || scale > 1000)
      break;
    total *= static_cast<int>(scale);
    current = *next;
    if (auto low = directLowerBound(current, bounds)) {
      int64_t bound = -floorDivide(-*low, total);
      best = best ? std::max(*best, bound) : bound;
    }
  }
  return best;
}

std::optional<int64_t> DimExpr::lowerBound() const {
  Bounds bounds;
  return boundOf(*this, bounds);
}

} // namespace mad
