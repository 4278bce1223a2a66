//===- Polynomial.cpp - Sums and products in normal form --------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/EGraph/Polynomial.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

using namespace llvm;

namespace mad::egraph {

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

static uint64_t hashOf(ArrayRef<Power> powers) {
  uint64_t hash = 0x9E3779B97F4A7C15ull;
  for (Power p : powers) {
    hash = (hash ^ (uint64_t(p.base) << 20 ^ p.exponent)) * 0xD6E8FEB86659FD93ull;
    hash ^= hash >> 32;
  }
  return hash >> 1; // not one of the keys that the table keeps for itself
}

Monomial Monomials::of(ArrayRef<Power> powers) {
  SmallVector<Monomial, 1> &same = byHash[hashOf(powers)];
  for (Monomial m : same)
    if (products[m] == powers)
      return m;
  products.push_back(powers.copy(memory));
  same.push_back(Monomial(products.size() - 1));
  return same.back();
}

/// Merges two lists in order of bases, with the exponents of both; leaves out what gets 0.
template <typename Join>
static SmallVector<Power, 4> merge(ArrayRef<Power> a, ArrayRef<Power> b, Join join) {
  SmallVector<Power, 4> result;
  while (!a.empty() || !b.empty()) {
    bool fromA = !a.empty() && (b.empty() || a[0].base <= b[0].base);
    bool fromB = !b.empty() && (a.empty() || b[0].base <= a[0].base);
    Variable base = fromA ? a[0].base : b[0].base;
    if (uint32_t e = join(fromA ? a[0].exponent : 0, fromB ? b[0].exponent : 0))
      result.push_back({base, e});
    a = a.drop_front(fromA);
    b = b.drop_front(fromB);
  }
  return result;
}

Monomial Monomials::times(Monomial a, Monomial b) {
  if (a == one || b == one)
    return a == one ? b : a;
  return of(merge(products[a], products[b], [](uint32_t x, uint32_t y) { return x + y; }));
}

Monomial Monomials::over(Monomial a, Monomial b) {
  return of(merge(products[a], products[b], [](uint32_t x, uint32_t y) { return x - y; }));
}

Monomial Monomials::common(Monomial a, Monomial b) {
  return of(merge(products[a], products[b], [](uint32_t x, uint32_t y) { return std::min(x, y); }));
}

uint64_t Monomials::degree(Monomial m) const {
  uint64_t result = 0;
  for (Power p : products[m])
    result += p.exponent;
  return result;
}

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

void Polynomial::add(Monomial monomial, double coefficient) {
  if (coefficient == 0)
    return;
  auto [at, isNew] = table.try_emplace(monomial, coefficient);
  if (!isNew && (at->second += coefficient) == 0)
    table.erase(at);
}

void Polynomial::add(const Polynomial &other, double scale) {
  for (auto [monomial, coefficient] : other.table)
    add(monomial, scale * coefficient);
}

std::vector<Term> Polynomial::terms() const {
  std::vector<Term> result;
  result.reserve(table.size());
  for (auto [monomial, coefficient] : table)
    result.push_back({monomial, coefficient});
  llvm::sort(result, [](Term a, Term b) { return a.monomial < b.monomial; });
  return result;
}

bool Polynomial::operator==(const Polynomial &other) const {
  return size() == other.size() &&
         llvm::all_of(table, [&](const auto &entry) { return other[entry.first] == entry.second; });
}

std::optional<Polynomial> multiply(Monomials &monomials, const Polynomial &a, const Polynomial &b,
                                   size_t limit) {
  Polynomial result;
  const std::vector<Term> right = b.terms();
  for (Term x : a.terms())
    for (Term y : right) {
      result.add(monomials.times(x.monomial, y.monomial), x.coefficient * y.coefficient);
      if (result.size() > limit)
        return std::nullopt;
    }
  return result;
}

std::string textOf(const Monomials &monomials, const Polynomial &polynomial,
                   function_ref<std::string(Variable)> nameOf) {
  std::string text;
  raw_string_ostream os(text);
  for (Term t : polynomial.terms()) {
    const bool negative = std::signbit(t.coefficient);
    os << (text.empty() ? (negative ? "-" : "") : negative ? " - " : " + ");
    const double size = std::abs(t.coefficient);
    const char *separator = "";
    if (size != 1 || t.monomial == one) {
      os << format("%.17g", size);
      separator = "*";
    }
    for (Power p : monomials[t.monomial]) {
      os << std::exchange(separator, "*") << nameOf(p.base);
      if (p.exponent > 1)
        os << '^' << p.exponent;
    }
  }
  return text.empty() ? "0" : text;
}

} // namespace mad::egraph
