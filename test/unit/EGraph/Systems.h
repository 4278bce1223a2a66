//===- Systems.h - Systems of polynomials for tests -------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_TEST_UNIT_EGRAPH_SYSTEMS_H
#define MAD_TEST_UNIT_EGRAPH_SYSTEMS_H

#include "passes/EGraph/StraightLine.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringRef.h"
#include <cmath>
#include <random>

namespace mad::egraph {

/// A polynomial from text as `3*a*b^2 - c + 2`; variables are letters, a is 0.
inline Polynomial polynomialOf(Monomials &monomials, llvm::StringRef text) {
  Polynomial result;
  llvm::SmallVector<llvm::StringRef> words, factors;
  text.split(words, ' ', -1, false);
  double sign = 1;
  for (llvm::StringRef word : words) {
    if (word == "+" || word == "-") {
      sign = word == "-" ? -1 : 1;
      continue;
    }
    double coefficient = sign;
    Monomial product = one;
    if (word.consume_front("-"))
      coefficient = -coefficient;
    factors.clear();
    word.split(factors, '*');
    for (llvm::StringRef factor : factors) {
      double number;
      if (!factor.getAsDouble(number)) {
        coefficient *= number;
        continue;
      }
      uint32_t exponent = 1;
      if (factor.size() > 1)
        factor.drop_front(2).getAsInteger(10, exponent);
      product = monomials.times(product, monomials.of(Power{Variable(factor[0] - 'a'), exponent}));
    }
    result.add(product, coefficient);
  }
  return result;
}

inline System systemOf(llvm::ArrayRef<llvm::StringRef> texts) {
  System system;
  system.variables = 26;
  for (llvm::StringRef text : texts)
    system.polynomials.push_back(polynomialOf(system.monomials, text));
  return system;
}

inline std::string textOf(const Monomials &monomials, const Polynomial &polynomial) {
  return textOf(monomials, polynomial, [](Variable v) { return std::string(1, char('a' + v)); });
}

/// Numbers of a prime field: polynomials of small degree that differ agree at few points.
struct Residue {
  static constexpr uint64_t prime = (uint64_t(1) << 61) - 1;
  uint64_t value = 0;
  /// Of a multiple of a power of 2, small or large.
  explicit Residue(double number) {
    Residue scale(uint64_t(1));
    const Residue half(uint64_t(1) << 60);
    for (; number != std::floor(number); number *= 2)
      scale = scale * half;
    const Residue size(uint64_t(std::abs(number)));
    value = (scale * (number < 0 ? Residue(prime - size.value) : size)).value;
  }
  explicit Residue(uint64_t value) : value(value % prime) {}
  Residue operator+(Residue other) const { return Residue((value + other.value) % prime); }
  Residue operator*(Residue other) const {
    return Residue(uint64_t(static_cast<unsigned __int128>(value) * other.value % prime));
  }
  bool operator==(Residue other) const { return value == other.value; }
};

/// Random points for `evaluate`.
inline std::vector<Residue> randomPoint(unsigned variables, unsigned seed) {
  std::mt19937_64 random(seed);
  std::vector<Residue> result;
  for (unsigned v = 0; v < variables; ++v)
    result.emplace_back(uint64_t(random()));
  return result;
}

} // namespace mad::egraph

#endif // MAD_TEST_UNIT_EGRAPH_SYSTEMS_H
