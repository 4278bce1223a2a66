//===- Symplectic.cpp - Compositions of the Verlet method -------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// L. Verlet: Computer "experiments" on classical fluids (1967), in the form with velocities;
// H. Yoshida: Construction of higher order symplectic integrators (1990), the triple jump and
// solution A of order 6; W. Kahan, R.-C. Li: Composition constants for raising the orders of
// unconventional schemes for ordinary differential equations (1997), 9 and 17 stages. Digits are
// those of Hairer, Lubich and Wanner, Geometric Numerical Integration, V.3.2.
//
//===----------------------------------------------------------------------===//
#include "dialects/Ode/Tableaus/Tableau.h"

namespace mad::ode {

double Composition::kick(size_t i) const {
  double before = i > 0 ? gamma[i - 1] : 0, behind = i < stages() ? gamma[i] : 0;
  return (before + behind) / 2;
}

double Composition::time(size_t i) const {
  double sum = 0;
  for (size_t j = 0; j < i; ++j)
    sum += gamma[j];
  return sum;
}

/// The first half and the middle of a row of coefficients.
static Composition symmetric(std::string name, int order, std::vector<double> half) {
  Composition c;
  c.name = std::move(name);
  c.order = order;
  c.gamma = half;
  c.gamma.insert(c.gamma.end(), half.rbegin() + 1, half.rend());
  return c;
}

// clang-format off: tables
Composition verlet() { return symmetric("verlet", 2, {1}); }

/// 1 / (2 - 2^(1/3)) and what is left.
Composition yoshida4() {
  return symmetric("yoshida4", 4, {1.35120719195965763405, -1.70241438391931526810});
}

Composition yoshida6() {
  return symmetric("yoshida6", 6, {
      0.78451361047755726382, 0.23557321335935813368, -1.17767998417887100695,
      1.31518632068391121889});
}

Composition kahanli6() {
  return symmetric("kahanli6", 6, {
      0.39216144400731413927925056, 0.33259913678935943859974864,
      -0.70624617255763935980996482, 0.08221359629355080023149045,
      0.79854399093482996339895035});
}

Composition kahanli8() {
  return symmetric("kahanli8", 8, {
      0.13020248308889008087881763, 0.56116298177510838456196441,
      -0.38947496264484728640807860, 0.15884190655515560089621075,
      -0.39590389413323757733623154, 0.18453964097831570709183254,
      0.25837438768632204729397911, 0.29501172360931029887096624,
      -0.60550853383003451169892108});
}

} // namespace mad::ode
