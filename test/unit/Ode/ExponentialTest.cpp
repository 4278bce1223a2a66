//===- ExponentialTest.cpp - Weights and orders of exponential methods ------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Ode/Tableaus/Tableau.h"
#include <cmath>
#include <gtest/gtest.h>

using namespace mad::ode;

namespace {

/// By its series: exact to roundings for the small z here.
double phi(int k, double z) {
  double term = 1, sum = 0;
  for (int j = 1; j <= k; ++j)
    term /= j;
  for (int j = 1; j < 60; ++j) {
    sum += term;
    term *= z / (j + k);
  }
  return sum;
}

double valueOf(const Exponential::Weight &weight, double z) {
  double sum = 0;
  for (const Exponential::Term &term : weight)
    sum += term.weight * phi(term.k, term.at * z);
  return sum;
}

std::vector<Exponential> declared() {
  std::vector<Exponential> all;
  for (const std::string &name : methodNames())
    if (methodOf(name).family == Family::Exponential && !exponentialOf(name).ofJacobian)
      all.push_back(exponentialOf(name));
  return all;
}

/// y' = -2 y + N, N = y^2 + cos t, from 1 in n steps to 1.
double solved(const Exponential &m, int n) {
  double y = 1, h = 1.0 / n, z = -2 * h;
  for (int step = 0; step < n; ++step) {
    std::vector<double> rests;
    for (size_t i = 0; i <= m.stages(); ++i) {
      bool isEnd = i == m.stages();
      double c = isEnd ? 1 : m.c[i], at = std::exp(c * z) * y;
      for (size_t j = 0; j < i; ++j)
        at += h * valueOf(isEnd ? m.b[j] : m.a[i][j], z) * rests[j];
      if (isEnd)
        y = at;
      else
        rests.push_back(at * at + std::cos((step + c) * h));
    }
  }
  return y;
}

} // namespace

TEST(Exponential, Shapes) {
  for (const Exponential &m : declared()) {
    SCOPED_TRACE(m.name);
    ASSERT_EQ(m.a.size(), m.stages());
    ASSERT_EQ(m.b.size(), m.stages());
    for (double z : {-3.0, -1.0, 0.0, 0.5}) {
      // A constant N is integrated exactly in each stage.
      for (size_t i = 0; i < m.stages(); ++i) {
        ASSERT_EQ(m.a[i].size(), i);
        double sum = 0;
        for (const auto &weight : m.a[i])
          sum += valueOf(weight, z);
        EXPECT_NEAR(sum, m.c[i] * phi(1, m.c[i] * z), 1e-14);
      }
      double sum = 0, first = 0;
      for (size_t i = 0; i < m.stages(); ++i) {
        sum += valueOf(m.b[i], z);
        first += m.c[i] * valueOf(m.b[i], z);
      }
      EXPECT_NEAR(sum, phi(1, z), 1e-14);
      if (m.order > 1) // and a linear one
        EXPECT_NEAR(first, phi(2, z), 1e-14);
    }
    for (const auto &weight : m.b)
      for (const Exponential::Term &term : weight)
        EXPECT_EQ(term.at, 1); // the interpolant needs it
  }
}

TEST(Exponential, ConvergenceSlopes) {
  ASSERT_EQ(declared().size(), 3u);
  double exact = solved(etdrk4(), 2000);
  for (const Exponential &m : declared()) {
    SCOPED_TRACE(m.name);
    double one = std::fabs(solved(m, 20) - exact), two = std::fabs(solved(m, 40) - exact);
    EXPECT_NEAR(std::log2(one / two), m.order, 0.15);
  }
}
