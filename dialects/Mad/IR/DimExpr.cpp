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
#include "dialects/Mad/IR/DimExpr.h"

#include <algorithm>
#include <numeric>

namespace mad {

namespace {

using Monomial = DimExpr::Monomial;
using Terms = std::map<Monomial, int64_t>;

// Dimensions that people write are far below these; they keep a hostile program
// from filling the memory.
constexpr size_t maxTerms = 256;
constexpr size_t maxFactors = 16;
constexpr size_t maxAtomText = 2048;

int64_t floorDivide(int64_t a, int64_t b) {
  int64_t q = a / b;
  return q * b != a && (a < 0) != (b < 0) ? q - 1 : q;
}

/// Degree first, then alphabetical: the order of division and of printing.
bool leads(const Monomial &a, const Monomial &b) {
  return a.size() != b.size() ? a.size() > b.size() : a < b;
}

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

std::string product(int64_t coefficient, const Monomial &monomial, bool negated = false) {
  std::string text;
  if (coefficient != 1 || monomial.empty())
    text = std::to_string(coefficient);
  for (const DimExpr::Atom &atom : monomial) {
    if (!text.empty())
      text += " * ";
    // A division that stands alone as a term needs no parentheses.
    bool alone = coefficient == 1 && monomial.size() == 1 && !negated;
    text += atom.division && !alone ? "(" + atom.text + ")" : atom.text;
  }
  return text;
}

std::string sumText(const Terms &sum) {
  if (sum.empty())
    return "0";
  std::vector<const std::pair<const Monomial, int64_t> *> order;
  for (const auto &entry : sum)
    order.push_back(&entry);
  std::sort(order.begin(), order.end(), [](auto *a, auto *b) {
    if (a->first.empty() != b->first.empty())
      return b->first.empty();
    if ((a->second > 0) != (b->second > 0))
      return a->second > 0;
    return leads(a->first, b->first);
  });
  // `1 - K` rather than `-K + 1`.
  if (order.front()->second < 0 && order.back()->second > 0)
    std::rotate(order.begin(), order.end() - 1, order.end());

  std::string text;
  for (const auto *entry : order) {
    int64_t c = entry->second;
    // The least integer has no positive counterpart: it is written as it is.
    bool negative = c < 0 && c != INT64_MIN;
    if (text.empty())
      text = negative && !entry->first.empty() ? "-" + product(-c, entry->first, true)
                                               : product(c, entry->first);
    else
      text += (negative ? " - " : " + ") + product(negative ? -c : c, entry->first);
  }
  return text;
}

} // namespace

DimExpr::DimExpr(int64_t value) {
  if (value)
    sum[{}] = value;
}

DimExpr DimExpr::symbol(std::string name) {
  DimExpr e;
  e.sum[{Atom{std::move(name), nullptr}}] = 1;
  return e;
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

DimExpr operator+(const DimExpr &a, const DimExpr &b) {
  DimExpr result = a;
  result.ok = a.ok && b.ok;
  for (const auto &[monomial, coefficient] : b.sum) {
    int64_t &slot = result.sum[monomial];
    result.ok &= !__builtin_add_overflow(slot, coefficient, &slot);
    if (slot == 0)
      result.sum.erase(monomial);
  }
  result.ok &= result.sum.size() <= maxTerms;
  return result;
}

DimExpr operator-(const DimExpr &a, const DimExpr &b) { return a + b * DimExpr(-1); }

DimExpr operator*(const DimExpr &a, const DimExpr &b) {
  DimExpr result;
  result.ok = a.ok && b.ok && a.sum.size() * b.sum.size() <= maxTerms * 4;
  if (!result.ok)
    return result;
  for (const auto &[ma, ca] : a.sum)
    for (const auto &[mb, cb] : b.sum) {
      Monomial both;
      std::merge(ma.begin(), ma.end(), mb.begin(), mb.end(), std::back_inserter(both));
      result.ok &= both.size() <= maxFactors;
      int64_t c = 0;
      int64_t &slot = result.sum[both];
      result.ok &= !__builtin_mul_overflow(ca, cb, &c);
      result.ok &= !__builtin_add_overflow(slot, c, &slot);
      if (slot == 0)
        result.sum.erase(both);
    }
  result.ok &= result.sum.size() <= maxTerms;
  return result;
}

bool operator==(const DimExpr &a, const DimExpr &b) { return a.ok && b.ok && a.sum == b.sum; }

std::optional<int64_t> DimExpr::constant() const {
  if (!ok || sum.size() > 1)
    return std::nullopt;
  if (sum.empty())
    return 0;
  if (!sum.begin()->first.empty())
    return std::nullopt;
  return sum.begin()->second;
}

//===----------------------------------------------------------------------===//
// Division
//===----------------------------------------------------------------------===//

/// The leading term; `e` is not zero.
static Terms::const_iterator leading(const DimExpr &e) {
  auto best = e.terms().begin();
  for (auto it = e.terms().begin(); it != e.terms().end(); ++it)
    if (leads(it->first, best->first))
      best = it;
  return best;
}

static DimExpr term(const Monomial &monomial, int64_t coefficient) {
  DimExpr result(coefficient);
  for (const DimExpr::Atom &atom : monomial)
    result =
        result * (atom.division ? DimExpr::floorDiv(atom.division->first, atom.division->second)
                                : DimExpr::symbol(atom.text));
  return result;
}

/// a = result * b + rest, where no term of `rest` contains the leading term of b.
static DimExpr divide(const DimExpr &a, const DimExpr &b, DimExpr &rest) {
  auto lead = leading(b);
  DimExpr result;
  rest = a;
  for (size_t step = 0; step < maxTerms; ++step) {
    if (!rest.valid())
      break;
    const std::pair<const Monomial, int64_t> *best = nullptr;
    for (const auto &candidate : rest.terms())
      if (quotient(candidate.first, lead->first) &&
          floorDivide(candidate.second, lead->second) != 0 &&
          (!best || leads(candidate.first, best->first)))
        best = &candidate;
    if (!best)
      break;
    DimExpr part =
        term(*quotient(best->first, lead->first), floorDivide(best->second, lead->second));
    result = result + part;
    rest = rest - part * b;
  }
  return result;
}

/// Divides every coefficient, and every monomial by `factors`; exact.
static DimExpr reduced(const DimExpr &e, int64_t by, const Monomial &factors) {
  DimExpr result;
  for (const auto &[monomial, coefficient] : e.terms())
    result = result + term(*quotient(monomial, factors), floorDivide(coefficient, by));
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
    return e.terms().size() == 1 && e.terms().begin()->second > 0;
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
  if (!a.ok || !b.ok || b.sum.empty())
    return invalid;
  int64_t sign = leading(b)->second;
  if (sign == INT64_MIN)
    return invalid;
  if (sign < 0)
    return floorDiv(a * DimExpr(-1), b * DimExpr(-1));

  DimExpr rest;
  DimExpr whole = divide(a, b, rest);
  if (!rest.ok || !whole.ok)
    return invalid;
  if (rest.sum.empty())
    return whole;
  auto constant = b.constant();
  if (constant && rest.constant())
    return whole; // in [0, constant)

  // floor((g x + k) / (g c)) = floor((x + floor(k / g)) / c) for a constant c.
  int64_t gcd = content(rest, content(b, 0, true), !constant);
  Monomial factors = constant ? Monomial() : commonFactors(rest.sum, b.sum);
  if (gcd > 1 || !factors.empty())
    return whole + floorDiv(reduced(rest, gcd, factors), reduced(b, gcd, factors));

  // floor((floor(x / p) + k) / q) = floor((x + k p) / (p q)) for constants p, q.
  if (constant) {
    DimExpr inner = rest;
    int64_t k = 0;
    if (auto it = inner.sum.find(Monomial()); it != inner.sum.end()) {
      k = it->second;
      inner.sum.erase(it);
    }
    auto only = inner.sum.begin();
    if (inner.sum.size() == 1 && only->second == 1 && only->first.size() == 1 &&
        only->first[0].division && only->first[0].division->second.constant()) {
      const auto &[x, p] = *only->first[0].division;
      return whole + floorDiv(x + DimExpr(k) * p, p * b);
    }
  }

  Atom atom{divisionText(rest, b), std::make_shared<const std::pair<DimExpr, DimExpr>>(rest, b)};
  if (atom.text.size() > maxAtomText)
    return invalid;
  DimExpr result;
  result.sum[{atom}] = 1;
  return whole + result;
}

//===----------------------------------------------------------------------===//
// Questions
//===----------------------------------------------------------------------===//

std::optional<std::string> DimExpr::asSymbol() const {
  if (!ok || sum.size() != 1 || sum.begin()->second != 1)
    return std::nullopt;
  const Monomial &monomial = sum.begin()->first;
  if (monomial.size() != 1 || monomial[0].division)
    return std::nullopt;
  return monomial[0].text;
}

std::set<std::string> DimExpr::symbols() const {
  std::set<std::string> result;
  for (const auto &[monomial, _] : sum)
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

/// The terms as they are printed: `(H + K) / 2 - K` is `(H - K) / 2` to people.
/// What is subtracted beside a division goes back into it when it is there too.
static Terms readable(const Terms &sum) {
  Terms result = sum;
  for (const auto &[monomial, coefficient] : sum) {
    if (coefficient != 1 || monomial.size() != 1 || !monomial[0].division)
      continue;
    const auto &[numerator, divisor] = *monomial[0].division;
    auto c = divisor.constant();
    if (!c)
      continue;
    Terms inside = numerator.terms();
    bool changed = false;
    for (auto &[m, k] : inside) {
      auto outer = result.find(m);
      int64_t part = 0;
      if (outer == result.end() || outer->second >= 0 ||
          __builtin_mul_overflow(outer->second, *c, &part) || __builtin_add_overflow(k, part, &k))
        continue;
      result.erase(outer);
      changed = true;
    }
    if (!changed)
      continue;
    std::string text = inside.size() == 1 && inside.begin()->second > 0
                           ? sumText(inside)
                           : "(" + sumText(inside) + ")";
    result.erase(monomial);
    result[{DimExpr::Atom{text + " / " + std::to_string(*c), monomial[0].division}}] = 1;
  }
  return result;
}

std::string DimExpr::str() const { return ok ? sumText(readable(sum)) : "<invalid>"; }

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
  for (const auto &[monomial, coefficient] : sum) {
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
  DimExpr result;
  result.ok = ok;
  for (const auto &[monomial, coefficient] : sum) {
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
  for (const auto &[monomial, coefficient] : sum) {
    DimExpr part = term(monomial, coefficient);
    if (!part.symbols().count(name)) {
      rest = rest - part;
      continue;
    }
    auto cofactor = quotient(monomial, {Atom{name, nullptr}});
    if (!cofactor || term(*cofactor, coefficient).symbols().count(name))
      return std::nullopt;
    factor = factor + term(*cofactor, coefficient);
  }
  if (!rest.ok || !factor.ok || factor.sum.empty())
    return std::nullopt;
  if (leading(factor)->second < 0) {
    factor = factor * DimExpr(-1);
    rest = rest * DimExpr(-1);
  }
  DimExpr remainder;
  DimExpr result = divide(rest, factor, remainder);
  if (!result.ok || !remainder.ok || !remainder.sum.empty())
    return std::nullopt;
  return result;
}

//===----------------------------------------------------------------------===//
// Lower bounds
//===----------------------------------------------------------------------===//

static std::optional<int64_t> atomLowerBound(const DimExpr::Atom &atom) {
  if (!atom.division)
    return 0;
  const auto &[a, b] = *atom.division;
  auto low = a.lowerBound();
  if (!low)
    return std::nullopt;
  if (auto c = b.constant())
    return floorDivide(*low, *c);
  auto divisor = b.lowerBound();
  if (*low >= 0 && divisor && *divisor >= 0)
    return 0;
  return std::nullopt;
}

/// Term by term.
static std::optional<int64_t> directLowerBound(const DimExpr &e) {
  int64_t total = 0;
  for (const auto &[monomial, coefficient] : e.terms()) {
    int64_t part = coefficient;
    if (coefficient < 0 && !monomial.empty())
      return std::nullopt;
    for (const DimExpr::Atom &atom : monomial) {
      auto low = atomLowerBound(atom);
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
      result = result + term(monomial, coefficient) * DimExpr(scale);
      continue;
    }
    const auto &[a, b] = *monomial[0].division;
    // (a - c + 1) / c <= floor(a / c) <= a / c
    DimExpr bound = coefficient > 0 ? a - b + DimExpr(1) : a;
    result = result + bound * DimExpr(scale / *b.constant()) * DimExpr(coefficient);
  }
  return result;
}

std::optional<int64_t> DimExpr::lowerBound() const {
  if (!ok)
    return std::nullopt;
  auto best = directLowerBound(*this);
  int64_t scale = 1;
  DimExpr current = *this;
  // Each round takes away one level of nested divisions.
  for (int round = 0, total = 1; round < 4 && total < 1000; ++round) {
    auto next = relaxed(current, scale);
    if (!next || !next->ok || scale == 1 || scale > 1000)
      break;
    total *= static_cast<int>(scale);
    current = *next;
    if (auto low = directLowerBound(current)) {
      int64_t bound = -floorDivide(-*low, total);
      best = best ? std::max(*best, bound) : bound;
    }
  }
  return best;
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

namespace {

/// sum = product (('+' | '-') product)*; product = unary (('*' | '/') unary)*.
class Reader {
public:
  explicit Reader(std::string_view text) : text(text) {}

  std::optional<DimExpr> read() {
    auto e = sum(0);
    skip();
    if (!e || at != text.size() || !e->valid())
      return std::nullopt;
    return e;
  }

private:
  void skip() {
    while (at < text.size() && (text[at] == ' ' || text[at] == '\t'))
      ++at;
  }
  bool take(char c) {
    skip();
    if (at >= text.size() || text[at] != c)
      return false;
    ++at;
    return true;
  }

  std::optional<DimExpr> sum(int depth) {
    auto left = product(depth);
    while (left) {
      bool minus = take('-');
      if (!minus && !take('+'))
        break;
      auto right = product(depth);
      if (!right)
        return std::nullopt;
      left = minus ? *left - *right : *left + *right;
    }
    return left;
  }

  std::optional<DimExpr> product(int depth) {
    auto left = unary(depth);
    while (left) {
      bool divide = take('/');
      if (!divide && !take('*'))
        break;
      auto right = unary(depth);
      if (!right)
        return std::nullopt;
      left = divide ? DimExpr::floorDiv(*left, *right) : *left * *right;
    }
    return left;
  }

  std::optional<DimExpr> unary(int depth) {
    if (depth > 200)
      return std::nullopt;
    if (take('-')) {
      // The least integer has no positive counterpart.
      skip();
      if (at < text.size() && isDigit(text[at]))
        return number(true);
      auto e = unary(depth + 1);
      return e ? std::optional<DimExpr>(DimExpr() - *e) : std::nullopt;
    }
    if (take('(')) {
      auto e = sum(depth + 1);
      return e && take(')') ? e : std::nullopt;
    }
    skip();
    if (at >= text.size())
      return std::nullopt;
    return isDigit(text[at]) ? number(false) : name();
  }

  std::optional<DimExpr> number(bool negative) {
    int64_t value = 0;
    for (; at < text.size() && isDigit(text[at]); ++at) {
      int64_t digit = text[at] - '0';
      if (__builtin_mul_overflow(value, 10, &value) ||
          __builtin_add_overflow(value, negative ? -digit : digit, &value))
        return std::nullopt;
    }
    return DimExpr(value);
  }

  std::optional<DimExpr> name() {
    size_t begin = at;
    while (at < text.size() && isNamePart(text[at]))
      ++at;
    if (at == begin)
      return std::nullopt;
    return DimExpr::symbol(std::string(text.substr(begin, at - begin)));
  }

  static bool isDigit(char c) { return c >= '0' && c <= '9'; }
  static bool isNamePart(char c) {
    return isDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '.' ||
           static_cast<unsigned char>(c) >= 0x80;
  }

  std::string_view text;
  size_t at = 0;
};

} // namespace

std::optional<DimExpr> DimExpr::parse(std::string_view text) { return Reader(text).read(); }

} // namespace mad
