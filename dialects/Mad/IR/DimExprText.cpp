//===- DimExprText.cpp - Dimensions as text, and back ---------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/DimExprTerms.h"

#include <algorithm>

namespace mad {

using Monomial = DimExpr::Monomial;
using Terms = DimExpr::Terms;

static std::string product(int64_t coefficient, const Monomial &monomial, bool negated = false) {
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

static std::string sumText(const Terms &sum) {
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

std::string DimExpr::str() const { return ok ? sumText(readable(terms())) : "<invalid>"; }

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
