//===- ode_odeint.cpp - The systems of ode.mad with Boost.odeint ------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A library for ode.py: states are std::array, steps are chosen by dopri5's own control or
// are those of Kutta's method, as a program would write them.
//
//===----------------------------------------------------------------------===//
#include <array>
#include <boost/numeric/odeint.hpp>
#include <cmath>
#include <cstdint>

namespace odeint = boost::numeric::odeint;

static int64_t evaluations;

template <size_t N> using State = std::array<double, N>;

static void lorenz(const State<3> &u, State<3> &f, double) {
  ++evaluations;
  f = {10.0 * (u[1] - u[0]), u[0] * (28.0 - u[2]) - u[1], u[0] * u[1] - 8.0 / 3.0 * u[2]};
}

static void brusselator(const State<2> &u, State<2> &f, double) {
  ++evaluations;
  double xxy = u[0] * u[0] * u[1];
  f = {1.0 + xxy - 4.0 * u[0], 3.0 * u[0] - xxy};
}

static void pleiades(const State<28> &u, State<28> &f, double) {
  ++evaluations;
  for (int i = 0; i < 14; ++i)
    f[i] = u[14 + i];
  for (int i = 0; i < 7; ++i) {
    double x = 0, y = 0;
    for (int j = 0; j < 7; ++j) {
      if (i == j)
        continue;
      double dx = u[2 * j] - u[2 * i], dy = u[2 * j + 1] - u[2 * i + 1], r = dx * dx + dy * dy;
      double w = (j + 1) * (1 / (r * std::sqrt(r)));
      x += w * dx;
      y += w * dy;
    }
    f[14 + 2 * i] = x;
    f[15 + 2 * i] = y;
  }
}

template <size_t N, template <typename...> class Stepper = odeint::runge_kutta_dopri5,
          typename System>
static int64_t adaptive(System system, double *u, double to, double tolerance, int64_t times) {
  State<N> begin, y;
  std::copy_n(u, N, begin.begin());
  for (int64_t i = 0; i < times; ++i) {
    y = begin;
    evaluations = 0;
    auto stepper = odeint::make_controlled(tolerance, tolerance, Stepper<State<N>>());
    odeint::integrate_adaptive(stepper, system, y, 0.0, to, 1e-3);
  }
  std::copy_n(y.begin(), N, u);
  return evaluations;
}

extern "C" int64_t lorenz_dopri5(double *u, double to, double tolerance, int64_t times) {
  return adaptive<3>(lorenz, u, to, tolerance, times);
}
extern "C" int64_t brusselator_dopri5(double *u, double to, double tolerance, int64_t times) {
  return adaptive<2>(brusselator, u, to, tolerance, times);
}
extern "C" int64_t pleiades_dopri5(double *u, double to, double tolerance, int64_t times) {
  return adaptive<28>(pleiades, u, to, tolerance, times);
}
extern "C" int64_t lorenz_fehlberg78(double *u, double to, double tolerance, int64_t times) {
  return adaptive<3, odeint::runge_kutta_fehlberg78>(lorenz, u, to, tolerance, times);
}
extern "C" int64_t pleiades_fehlberg78(double *u, double to, double tolerance, int64_t times) {
  return adaptive<28, odeint::runge_kutta_fehlberg78>(pleiades, u, to, tolerance, times);
}
extern "C" int64_t lorenz_rk4(double *u, double to, double, int64_t times) {
  State<3> begin, y;
  std::copy_n(u, 3, begin.begin());
  for (int64_t i = 0; i < times; ++i) {
    y = begin;
    evaluations = 0;
    odeint::integrate_n_steps(odeint::runge_kutta4<State<3>>(), lorenz, y, 0.0, to / 10000, 10000);
  }
  std::copy_n(y.begin(), 3, u);
  return evaluations;
}

/// All systems of an ensemble (ensemble.py), one after the other: states are n times N numbers,
/// each system has one parameter.
template <size_t N, typename System>
static void ensemble(System system, double *u, const double *p, int64_t n, double to,
                     double tolerance) {
  for (int64_t i = 0; i < n; ++i) {
    State<N> y;
    std::copy_n(u + i * N, N, y.begin());
    auto stepper =
        odeint::make_controlled(tolerance, tolerance, odeint::runge_kutta_dopri5<State<N>>());
    double own = p[i];
    odeint::integrate_adaptive(
        stepper, [&](const State<N> &x, State<N> &f, double) { system(x, f, own); }, y, 0.0, to,
        1e-3);
    std::copy_n(y.begin(), N, u + i * N);
  }
}

extern "C" void lorenz_ensemble(double *u, const double *p, int64_t n, double to,
                                double tolerance) {
  ensemble<3>(
      [](const State<3> &u, State<3> &f, double rho) {
        f = {10.0 * (u[1] - u[0]), u[0] * (rho - u[2]) - u[1], u[0] * u[1] - 8.0 / 3.0 * u[2]};
      },
      u, p, n, to, tolerance);
}
extern "C" void species_ensemble(double *u, const double *p, int64_t n, double to,
                                 double tolerance) {
  ensemble<2>([](const State<2> &u, State<2> &f,
                 double a) { f = {a * u[0] - u[0] * u[1], u[0] * u[1] - u[1]}; },
              u, p, n, to, tolerance);
}
