//===- DimExpr.cpp - Dimensions as normalised integer polynomials -----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The normal form rests on one step: a sum is divided by a polynomial with
// remainder, leading term first, so that every part of a division that is exact
// leaves it. What remains under the division is reduced by common factors.
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/DimExprTerms.h"

#include <algorithm>
#include <numeric>

namespace mad {

namespace {

using Monomial = DimExpr::Monomial;
using Terms = DimExpr::Terms;

// Dimensions that people write are far below these; they keep a hostile program
// from filling the memory.
constexpr size_t maxTerms = 256;
constexpr size_t maxFactors = 16;
constexpr size_t maxAtomText = 2048;

/// `a / b` when every factor of b is one of a.
std::optional<Monomial> quotient(const Monomial &a, const Monomial &b) {
  if (!std::includes(a.begin(), a.end(), b.begin(), b.end()))
    return std::nullopt;
  Monomial rest;
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(rest));
  return rest;
}

/// Factors that all terms of both share.
Monomial commonFactors(const Terms &a, const Terms &b) {
  std::optional<Monomial> common;
  for (const Terms *terms : {&a, &b})
    for (const auto &[monomial, _] : *terms) {
      if (!common) {
        common = monomial;
        continue;
      }
      Monomial both;
      std::set_intersection(common->begin(), common->end(), monomial.begin(), monomial.end(),
                            std::back_inserter(both));
      common = both;
    }
  return common.value_or(Monomial());
}

} // namespace

DimExpr::DimExpr(Terms terms, bool ok) : ok(ok) {
  if (terms.empty())
    return;
  if (terms.size() == 1 && terms.begin()->first.empty())
    number = terms.begin()->second;
  else
    sum = std::make_shared<const Terms>(std::move(terms));
}

DimExpr DimExpr::symbol(std::string name) {
  return {Terms{{{Atom{std::move(name), nullptr}}, 1}}, true};
}

Terms DimExpr::terms() const {
  if (sum)
    return *sum;
  return number ? Terms{{{}, number}} : Terms();
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

DimExpr operator+(const DimExpr &a, const DimExpr &b) {
  bool ok = a.ok && b.ok;
  if (!a.sum && !b.sum) {
    DimExpr result;
    result.ok = !__builtin_add_overflow(a.number, b.number, &result.number) && ok;
    return result;
  }
  Terms sum = a.terms();
  for (const auto &[monomial, coefficient] : b.terms()) {
    int64_t &slot = sum[monomial];
    ok &= !__builtin_add_overflow(slot, coefficient, &slot);
    if (slot == 0)
      sum.erase(monomial);
  }
  ok &= sum.size() <= maxTerms;
  return {std::move(sum), ok};
}

DimExpr operator-(const DimExpr &a, const DimExpr &b) { return a + b * DimExpr(-1); }

DimExpr operator*(const DimExpr &a, const DimExpr &b) {
  DimExpr result;
  result.ok = a.ok && b.ok;
  if (!a.sum && !b.sum) {
    result.ok &= !__builtin_mul_overflow(a.number, b.number, &result.number);
    return result;
  }
  Terms left = a.terms(), right = b.terms(), sum;
  result.ok &= left.size() * right.size() <= maxTerms * 4;
  if (!result.ok)
    return result;
  bool ok = true;
  for (const auto &[ma, ca] : left)
    for (const auto &[mb, cb] : right) {
      Monomial both;
      std::merge(ma.begin(), ma.end(), mb.begin(), mb.end(), std::back_inserter(both));
      ok &= both.size() <= maxFactors;
      int64_t c = 0;
      int64_t &slot = sum[both];
      ok &= !__builtin_mul_overflow(ca, cb, &c);
      ok &= !__builtin_add_overflow(slot, c, &slot);
      if (slot == 0)
        sum.erase(both);
    }
  ok &= sum.size() <= maxTerms;
  return {std::move(sum), ok};
}

bool operator==(const DimExpr &a, const DimExpr &b) {
  if (!a.ok || !b.ok || a.number != b.number || !a.sum != !b.sum)
    return false;
  return a.sum == b.sum || *a.sum == *b.sum;
}

std::optional<int64_t> DimExpr::constant() const {
  return ok && !sum ? std::optional(number) : std::nullopt;
}

//===----------------------------------------------------------------------===//
// Division
//===----------------------------------------------------------------------===//

/// The leading term; `e` is not zero.
static std::pair<Monomial, int64_t> leading(const DimExpr &e) {
  Terms terms = e.terms();
  auto best = terms.begin();
  for (auto it = terms.begin(); it != terms.end(); ++it)
    if (leads(it->first, best->first))
      best = it;
  return *best;
}

/// The factors are in normal form: to divide again what stands in them would take twice as
/// long for each division inside another.
DimExpr termOf(const Monomial &monomial, int64_t coefficient) {
  return coefficient ? DimExpr(Terms{{monomial, coefficient}}, true) : DimExpr();
}

/// a = result * b + rest, where no term of `rest` contains the leading term of b.
static DimExpr divide(const DimExpr &a, const DimExpr &b, DimExpr &rest) {
  auto lead = leading(b);
  DimExpr result;
  rest = a;
  for (size_t step = 0; step < maxTerms; ++step) {
    if (!rest.valid())
      break;
    Terms terms = rest.terms();
    const std::pair<const Monomial, int64_t> *best = nullptr;
    for (const auto &candidate : terms)
      if (quotient(candidate.first, lead.first) &&
          floorDivide(candidate.second, lead.second) != 0 &&
          (!best || leads(candidate.first, best->first)))
        best = &candidate;
    if (!best)
      break;
    DimExpr part =
        termOf(*quotient(best->first, lead.first), floorDivide(best->second, lead.second));
    result = result + part;
    rest = rest - part * b;
  }
  return result;
}

/// Divides every coefficient, and every monomial by `factors`; exact.
static DimExpr reduced(const DimExpr &e, int64_t by, const Monomial &factors) {
  DimExpr result;
  for (const auto &[monomial, coefficient] : e.terms())
    result = result + termOf(*quotient(monomial, factors), floorDivide(coefficient, by));
  return result;
}

static int64_t content(const DimExpr &e, int64_t start, bool withConstant) {
  int64_t gcd = start;
  for (const auto &[monomial, coefficient] : e.terms())
    if (withConstant || !monomial.empty())
      gcd = std::gcd(gcd, coefficient);
  return gcd;
}

static std::string divisionText(const DimExpr &a, const DimExpr &b) {
  auto isProduct = [](const DimExpr &e) {
    Terms terms = e.terms();
    return terms.size() == 1 && terms.begin()->second > 0;
  };
  std::string left = a.str(), right = b.str();
  if (!isProduct(a))
    left = "(" + left + ")";
  bool plain = b.constant().value_or(-1) >= 0 || b.asSymbol();
  return left + " / " + (plain ? right : "(" + right + ")");
}

DimExpr DimExpr::floorDiv(const DimExpr &a, const DimExpr &b) {
  DimExpr invalid;
  invalid.ok = false;
  if (!a.ok || !b.ok || b.isZero())
    return invalid;
  int64_t sign = leading(b).second;
  if (sign == INT64_MIN)
    return invalid;
  if (sign < 0)
    return floorDiv(a * DimExpr(-1), b * DimExpr(-1));

  DimExpr rest;
  DimExpr whole = divide(a, b, rest);
  if (!rest.ok || !whole.ok)
    return invalid;
  if (rest.isZero())
    return whole;
  auto constant = b.constant();
  if (constant && rest.constant())
    return whole; // in [0, constant)

  // floor((g x + k) / (g c)) = floor((x + floor(k / g)) / c) for a constant c.
  int64_t gcd = content(rest, content(b, 0, true), !constant);
  Monomial factors = constant ? Monomial() : commonFactors(rest.terms(), b.terms());
  if (gcd > 1 || !factors.empty())
    return whole + floorDiv(reduced(rest, gcd, factors), reduced(b, gcd, factors));

  // floor((floor(x / p) + k) / q) = floor((x + k p) / (p q)) for constants p, q.
  if (constant) {
    Terms inner = rest.terms();
    int64_t k = 0;
    if (auto it = inner.find(Monomial()); it != inner.end()) {
      k = it->second;
      inner.erase(it);
    }
    auto only = inner.begin();
    if (inner.size() == 1 && only->second == 1 && only->first.size() == 1 &&
        only->first[0].division && only->first[0].division->second.constant()) {
      const auto &[x, p] = *only->first[0].division;
      return whole + floorDiv(x + DimExpr(k) * p, p * b);
    }
  }

  Atom atom{divisionText(rest, b), std::make_shared<const std::pair<DimExpr, DimExpr>>(rest, b)};
  if (atom.text.size() > maxAtomText)
    return invalid;
  return whole + DimExpr(Terms{{{atom}, 1}}, true);
}

//===----------------------------------------------------------------------===//
// Questions
//===----------------------------------------------------------------------===//

std::optional<std::string> DimExpr::asSymbol() const {
  if (!ok || !sum || sum->size() != 1 || sum->begin()->second != 1)
    return std::nullopt;
  const Monomial &monomial = sum->begin()->first;
  if (monomial.size() != 1 || monomial[0].division)
    return std::nullopt;
  return monomial[0].text;
}

std::set<std::string> DimExpr::symbols() const {
  std::set<std::string> result;
  for (const auto &[monomial, _] : terms())
    for (const Atom &atom : monomial) {
      if (!atom.division) {
        result.insert(atom.text);
        continue;
      }
      result.merge(atom.division->first.symbols());
      result.merge(atom.division->second.symbols());
    }
  return result;
}

static std::optional<int64_t>
evaluateAtom(const DimExpr::Atom &atom,
             const std::function<std::optional<int64_t>(const std::string &)> &value) {
  if (!atom.division)
    return value(atom.text);
  auto a = atom.division->first.evaluate(value);
  auto b = atom.division->second.evaluate(value);
  if (!a || !b || *b == 0 || (*a == INT64_MIN && *b == -1))
    return std::nullopt;
  return floorDivide(*a, *b);
}

std::optional<int64_t>
DimExpr::evaluate(const std::function<std::optional<int64_t>(const std::string &)> &value) const {
  if (!ok)
    return std::nullopt;
  int64_t total = 0;
  for (const auto &[monomial, coefficient] : terms()) {
    int64_t part = coefficient;
    for (const Atom &atom : monomial) {
      auto factor = evaluateAtom(atom, value);
      if (!factor || __builtin_mul_overflow(part, *factor, &part))
        return std::nullopt;
    }
    if (__builtin_add_overflow(total, part, &total))
      return std::nullopt;
  }
  return total;
}

DimExpr DimExpr::substitute(const std::map<std::string, DimExpr> &by) const {
  if (!sum)
    return *this;
  DimExpr result;
  result.ok = ok;
  for (const auto &[monomial, coefficient] : terms()) {
    DimExpr part(coefficient);
    for (const Atom &atom : monomial) {
      auto it = by.find(atom.text);
      if (atom.division)
        part = part *
               floorDiv(atom.division->first.substitute(by), atom.division->second.substitute(by));
      else
        part = part * (it == by.end() ? symbol(atom.text) : it->second);
    }
    result = result + part;
  }
  return result;
}

std::optional<DimExpr> DimExpr::solve(const std::string &name, const DimExpr &other) const {
  if (!ok || !other.ok || other.symbols().count(name))
    return std::nullopt;
  DimExpr factor, rest = other;
  for (const auto &[monomial, coefficient] : terms()) {
    DimExpr part = termOf(monomial, coefficient);
    if (!part.symbols().count(name)) {
      rest = rest - part;
      continue;
    }
    auto cofactor = quotient(monomial, {Atom{name, nullptr}});
    if (!cofactor || termOf(*cofactor, coefficient).symbols().count(name))
      return std::nullopt;
    factor = factor + termOf(*cofactor, coefficient);
  }
  if (!rest.ok || !factor.ok || factor.isZero())
    return std::nullopt;
  if (leading(factor).second < 0) {
    factor = factor * DimExpr(-1);
    rest = rest * DimExpr(-1);
  }
  DimExpr remainder;
  DimExpr result = divide(rest, factor, remainder);
  if (!result.ok || !remainder.ok || !remainder.isZero())
    return std::nullopt;
  return result;
}

} // namespace mad
