//===- StiffTest.cpp - How fast implicit methods converge -------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// y' = t y^2, y(0) = -1, whose solution is -1 / (1 + t^2 / 2): it is neither linear nor autonomous.
//
//===----------------------------------------------------------------------===//
#include "dialects/Ode/Tableaus/Tableau.h"
#include <cmath>
#include <gtest/gtest.h>

using namespace mad::ode;

namespace {

double f(double t, double y) { return t * y * y; }
double byState(double t, double y) { return 2 * t * y; }
double byTime(double, double y) { return y * y; }
double exact(double t) { return -1 / (1 + t * t / 2); }

/// The errors at t = 2, and the largest one within the steps.
struct Errors {
  double end = 0, between = 0, estimate = 0;
};

Errors solved(const Rosenbrock &method, int n) {
  double y = exact(0), h = 2.0 / n;
  Errors errors;
  for (int step = 0; step < n; ++step) {
    double t = step * h, w = 1 / (h * method.gamma) - byState(t, y);
    std::vector<double> u;
    for (size_t i = 0; i < method.stages(); ++i) {
      double at = y, more = h * method.d[i] * byTime(t, y);
      for (size_t j = 0; j < i; ++j) {
        at += method.a[i][j] * u[j];
        more += method.C[i][j] * u[j] / h;
      }
      u.push_back((f(t + method.c[i] * h, at) + more) / w);
    }
    double middle = y, estimate = 0;
    for (size_t i = 0; i < u.size(); ++i) {
      double weight = 0;
      for (size_t q = method.dense[i].size(); q > 0; --q)
        weight = (weight + method.dense[i][q - 1]) * 0.5;
      middle += weight * u[i];
      y += method.b[i] * u[i];
      estimate += method.error[i] * u[i];
    }
    errors.between = std::max(errors.between, std::fabs(middle - exact(t + h / 2)));
    errors.estimate = std::max(errors.estimate, std::fabs(estimate));
  }
  errors.end = std::fabs(y - exact(2));
  return errors;
}

Errors solved(const Esdirk &method, int n) {
  double y = exact(0), h = 2.0 / n;
  Errors errors;
  for (int step = 0; step < n; ++step) {
    double t = step * h, at = y, estimate = 0;
    std::vector<double> k = {f(t, y)};
    for (size_t i = 1; i < method.stages(); ++i) {
      double base = y, time = t + method.c[i] * h;
      for (size_t j = 0; j < i; ++j)
        base += h * method.a[i][j] * k[j];
      for (int round = 0; round < 20; ++round)
        at -= (at - base - h * method.gamma() * f(time, at)) /
              (1 - h * method.gamma() * byState(time, at));
      k.push_back((at - base) / (h * method.gamma()));
    }
    for (size_t i = 0; i < k.size(); ++i)
      estimate += h * method.error[i] * k[i];
    errors.estimate = std::max(errors.estimate, std::fabs(estimate));
    y = at;
  }
  errors.end = std::fabs(y - exact(2));
  return errors;
}

/// The order of the largest error of the formula of order q, whose first values are exact.
double slopeOfNdf(int q) {
  Ndf ndf;
  auto worstOf = [&](int n) {
    double h = 2.0 / n, worst = 0;
    std::vector<double> past;
    for (int i = 0; i <= q; ++i)
      past.push_back(exact((q - i) * h)); // the newest first
    for (int step = q + 1; step <= n; ++step) {
      // Backward differences of the past: D_j.
      std::vector<double> d = past, diff;
      for (int j = 0; j <= q; ++j) {
        diff.push_back(d[0]);
        for (size_t i = 0; i + 1 < d.size(); ++i)
          d[i] -= d[i + 1];
        d.pop_back();
      }
      double predicted = 0, psi = 0;
      for (int j = 0; j <= q; ++j) {
        predicted += diff[j];
        psi += j ? ndf.gamma[j] * diff[j] / ndf.alpha[q] : 0;
      }
      double c = h / ndf.alpha[q], t = step * h, y = predicted;
      for (int round = 0; round < 20; ++round)
        y -= (y - predicted + psi - c * f(t, y)) / (1 - c * byState(t, y));
      past.insert(past.begin(), y);
      past.pop_back();
      worst = std::max(worst, std::fabs(y - exact(t)));
    }
    return worst;
  };
  // Fine enough that the first term counts, coarse enough that errors are far from rounding.
  int n = 300;
  return std::log2(worstOf(n) / worstOf(2 * n));
}

} // namespace

TEST(Stiff, RosenbrockSlopes) {
  struct Expected {
    const char *name;
    double between;
    int steps;
  };
  for (Expected expected :
       {Expected{"rosenbrock23", 3, 80}, {"rodas4", 4, 40}, {"rodas5p", 5, 40}}) {
    SCOPED_TRACE(expected.name);
    Rosenbrock method = rosenbrockOf(expected.name);
    Errors one = solved(method, expected.steps), two = solved(method, 2 * expected.steps);
    EXPECT_NEAR(std::log2(one.end / two.end), method.order, 0.15);
    EXPECT_GT(std::log2(one.between / two.between), method.order - 0.15);
    EXPECT_NEAR(std::log2(one.estimate / two.estimate), method.errorOrder, 0.3);
  }
}

TEST(Stiff, EsdirkSlopes) {
  for (const char *name : {"trbdf2", "kvaerno3", "kencarp4", "kvaerno5"}) {
    SCOPED_TRACE(name);
    Esdirk method = esdirkOf(name);
    Errors one = solved(method, 40), two = solved(method, 80);
    EXPECT_NEAR(std::log2(one.end / two.end), method.order, 0.15);
    EXPECT_NEAR(std::log2(one.estimate / two.estimate), method.errorOrder, 0.3);
  }
}

TEST(Stiff, NdfSlopes) {
  for (int order = 1; order <= Ndf::maxOrder; ++order)
    EXPECT_NEAR(slopeOfNdf(order), order, 0.15) << "of order " << order;
}
