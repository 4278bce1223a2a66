//===- SymplecticTest.cpp - Orders of compositions of Verlet ----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A symmetric composition of a symmetric method of order 2 has an even order, which is at least 4
// where the cubes of its coefficients sum to 0, and 6 where their fifth powers do, too, beside a
// condition that no single sum says (Hairer, Lubich and Wanner, V.3). So slopes are measured as
// well.
//
//===----------------------------------------------------------------------===//
#include "dialects/Ode/Tableaus/Tableau.h"
#include <cmath>
#include <gtest/gtest.h>

using namespace mad::ode;

namespace {

std::vector<std::string> names() {
  std::vector<std::string> found;
  for (const std::string &name : methodNames())
    if (methodOf(name).family == Family::Symplectic)
      found.push_back(name);
  return found;
}

double powers(const Composition &c, int n) {
  double sum = 0;
  for (double gamma : c.gamma)
    sum += std::pow(gamma, n);
  return sum;
}

struct State {
  long double q, v;
};

/// dq / dt = v + v^3 / 4 + sin(t) / 3, dv / dt = cos(t) - sin(q), from 0 to 2.
State solved(const Composition &c, int steps) {
  State y{1, 0.3L};
  long double h = 2.0L / steps;
  auto force = [&](long double t) { return std::cos(t) - std::sin(y.q); };
  for (int i = 0; i < steps; ++i) {
    long double t = i * h;
    for (size_t s = 0; s < c.stages(); ++s) {
      y.v += h * c.kick(s) * force(t + h * c.time(s));
      long double middle = t + h * (c.time(s) + c.gamma[s] / 2);
      y.q += h * c.gamma[s] * (y.v + y.v * y.v * y.v / 4 + std::sin(middle) / 3);
    }
    y.v += h * c.kick(c.stages()) * force(t + h);
  }
  return y;
}

long double apart(State a, State b) { return std::hypot(a.q - b.q, a.v - b.v); }

} // namespace

TEST(Symplectic, Coefficients) {
  EXPECT_EQ(names().size(), 5u);
  for (const std::string &name : names()) {
    SCOPED_TRACE(name);
    Composition c = compositionOf(name);
    EXPECT_EQ(c.name, name);
    EXPECT_FALSE(methodOf(name).adaptive);
    double kicks = 0;
    for (size_t i = 0; i < c.stages(); ++i) {
      EXPECT_EQ(c.gamma[i], c.gamma[c.stages() - 1 - i]);
      kicks += c.kick(i);
    }
    EXPECT_NEAR(kicks + c.kick(c.stages()), 1, 1e-15);
    EXPECT_NEAR(c.time(c.stages()), 1, 1e-15);
    // Of at most 17 coefficients below 2, rounded to 53 bits.
    for (int n = 3; n < c.order; n += 2)
      EXPECT_NEAR(powers(c, n), 0, 1e-14) << n;
    EXPECT_GT(std::fabs(powers(c, c.order + 1)), 1e-4);
  }
}

TEST(Symplectic, Slopes) {
  for (const std::string &name : names()) {
    SCOPED_TRACE(name);
    Composition c = compositionOf(name);
    int n = c.order > 6 ? 12 : 40;
    State exact = solved(kahanli8(), 400);
    long double slope = std::log2(apart(solved(c, n), exact) / apart(solved(c, 2 * n), exact));
    EXPECT_NEAR(static_cast<double>(slope), c.order, 0.15);
  }
}
