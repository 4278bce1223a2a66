//===- Polynomial.h - Sums and products in normal form ----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sums and products of any number of operands, without order: a sum is a table from monomials to
// coefficients, a monomial a list of variables with exponents. No sum has a sum among its terms,
// and no product a product among its factors, because making one merges them. This is the term
// representation of Gowda et al., "High-performance symbolic-numerics via multiple dispatch"
// (2021).
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_EGRAPH_POLYNOMIAL_H
#define MAD_PASSES_EGRAPH_POLYNOMIAL_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Allocator.h"
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mad::egraph {

/// What is neither a sum nor a product.
using Variable = uint32_t;

struct Power {
  Variable base;
  uint32_t exponent; ///< at least 1
  bool operator==(const Power &other) const {
    return base == other.base && exponent == other.exponent;
  }
};

/// A product of powers, by its number.
using Monomial = uint32_t;
constexpr Monomial one = 0;

/// All products that there are, each once. Powers are in order of their bases.
class Monomials {
public:
  Monomials() { of(llvm::ArrayRef<Power>()); }
  Monomials(Monomials &&) = default;
  Monomials &operator=(Monomials &&) = default;

  Monomial of(llvm::ArrayRef<Power> powers);
  Monomial of(Variable variable) { return of(Power{variable, 1}); }
  Monomial times(Monomial a, Monomial b);
  /// What is left of `a` without `b`, which divides it.
  Monomial over(Monomial a, Monomial b);
  /// The greatest product that divides both.
  Monomial common(Monomial a, Monomial b);

  llvm::ArrayRef<Power> operator[](Monomial m) const { return products[m]; }
  uint64_t degree(Monomial m) const;
  size_t size() const { return products.size(); }

private:
  std::vector<llvm::ArrayRef<Power>> products;
  llvm::DenseMap<uint64_t, llvm::SmallVector<Monomial, 1>> byHash;
  llvm::BumpPtrAllocator memory;
};

struct Term {
  Monomial monomial;
  double coefficient;
  bool operator==(const Term &other) const {
    return monomial == other.monomial && coefficient == other.coefficient;
  }
};

/// A sum of monomials with coefficients, which are finite and not 0. Coefficients of equal
/// monomials are added as they come, which is exact for integers below 2^53.
class Polynomial {
public:
  void add(Monomial monomial, double coefficient);
  void add(const Polynomial &other, double scale = 1);
  size_t size() const { return table.size(); }
  double operator[](Monomial monomial) const { return table.lookup(monomial); }
  /// Terms in order of the numbers of their monomials.
  std::vector<Term> terms() const;
  bool operator==(const Polynomial &other) const;

private:
  llvm::DenseMap<Monomial, double> table;
};

/// The product, unless it has more than `limit` terms.
std::optional<Polynomial> multiply(Monomials &monomials, const Polynomial &a, const Polynomial &b,
                                   size_t limit = ~size_t(0));
/// For tests and reports: `2*x^2*y - 1`, variables by what `nameOf` says.
std::string textOf(const Monomials &monomials, const Polynomial &polynomial,
                   llvm::function_ref<std::string(Variable)> nameOf);

/// Several polynomials of the same variables, which are 0 to `variables` - 1.
struct System {
  Monomials monomials;
  std::vector<Polynomial> polynomials;
  unsigned variables = 0;
};

} // namespace mad::egraph

#endif // MAD_PASSES_EGRAPH_POLYNOMIAL_H
