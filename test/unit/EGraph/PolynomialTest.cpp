//===- PolynomialTest.cpp - Sums and products in normal form ----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Systems.h"
#include "gtest/gtest.h"
#include <numeric>

using namespace mad::egraph;

TEST(Polynomial, ProductsAreOneWhateverTheOrder) {
  Monomials monomials;
  Monomial a = monomials.of(0), b = monomials.of(1), c = monomials.of(2);
  EXPECT_EQ(monomials.times(a, monomials.times(b, c)), monomials.times(monomials.times(c, a), b));
  EXPECT_EQ(monomials.times(a, one), a);
  Monomial m = monomials.times(monomials.times(a, a), b);
  EXPECT_EQ(monomials.degree(m), 3u);
  EXPECT_EQ(monomials[m].size(), 2u);
  EXPECT_EQ(monomials.over(m, a), monomials.times(a, b));
  EXPECT_EQ(monomials.over(m, m), one);
  EXPECT_EQ(monomials.common(m, monomials.times(b, monomials.times(b, a))), monomials.times(a, b));
  EXPECT_EQ(monomials.common(m, c), one);
}

TEST(Polynomial, TermsAreCollected) {
  Monomials monomials;
  EXPECT_EQ(textOf(monomials, polynomialOf(monomials, "a + b + a + a")), "3*a + b");
  EXPECT_EQ(textOf(monomials, polynomialOf(monomials, "a*b - b*a")), "0");
  EXPECT_EQ(textOf(monomials, polynomialOf(monomials, "2*a*b^2*a - 1 + b*b*a^2 + 3.5")),
            "2.5 + 3*a^2*b^2");
}

TEST(Polynomial, ProductsOfSums) {
  Monomials monomials;
  Polynomial sum = polynomialOf(monomials, "a + b"), difference = polynomialOf(monomials, "a - b");
  EXPECT_EQ(*multiply(monomials, sum, difference), polynomialOf(monomials, "a^2 - b^2"));
  EXPECT_FALSE(multiply(monomials, sum, polynomialOf(monomials, "c + d"), 3));
  // (a + b)^10 has binomials as coefficients.
  Polynomial power = polynomialOf(monomials, "1");
  for (unsigned i = 0; i < 10; ++i)
    power = *multiply(monomials, power, sum);
  EXPECT_EQ(power.size(), 11u);
  EXPECT_EQ(power[polynomialOf(monomials, "a^5*b^5").terms()[0].monomial], 252);
}

TEST(Polynomial, SumsOfManyTermsInAnyOrderAreEqual) {
  Monomials monomials;
  std::vector<Variable> order(2000);
  std::iota(order.begin(), order.end(), 0);
  Polynomial first;
  for (Variable v : order)
    first.add(monomials.of(v), v + 1);
  std::mt19937 random(7);
  std::shuffle(order.begin(), order.end(), random);
  // As a sum of sums.
  Polynomial second, part;
  for (Variable v : order) {
    part.add(monomials.of(v), v + 1);
    if (part.size() == 37) {
      second.add(part);
      part = Polynomial();
    }
  }
  second.add(part);
  EXPECT_EQ(first, second);
  second.add(first, -1);
  EXPECT_EQ(second.size(), 0u);
}
