//===- Tableau.cpp - Methods by name ----------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Ode/Tableaus/Tableau.h"
#include <algorithm>
#include <cmath>

namespace mad::ode {

template <typename Kind> struct Named {
  std::string_view name;
  Kind (*make)();
};

static constexpr Named<Tableau> explicitMethods[] = {
    {"euler", euler},   {"heun", heun},   {"rk4", rk4},     {"bs3", bs3},
    {"dopri5", dopri5}, {"tsit5", tsit5}, {"vern7", vern7}, {"dop853", dop853}};
static constexpr Named<Rosenbrock> rosenbrockMethods[] = {
    {"rosenbrock23", rosenbrock23}, {"rodas4", rodas4}, {"rodas5p", rodas5p}};
static constexpr Named<Esdirk> esdirkMethods[] = {
    {"trbdf2", trbdf2}, {"kvaerno3", kvaerno3}, {"kencarp4", kencarp4}, {"kvaerno5", kvaerno5}};
static constexpr Named<Exponential> exponentialMethods[] = {
    {"etd1", etd1}, {"etd2rk", etd2rk}, {"etdrk4", etdrk4}, {"exprb2", exprb2}};
static constexpr Named<Composition> compositions[] = {{"verlet", verlet},
                                                      {"yoshida4", yoshida4},
                                                      {"yoshida6", yoshida6},
                                                      {"kahanli6", kahanli6},
                                                      {"kahanli8", kahanli8}};

static constexpr std::string_view ndfName = "bdf";

static std::vector<Method> allMethods() {
  std::vector<Method> all;
  for (const auto &one : explicitMethods)
    all.push_back({one.name, Family::Explicit, one.make().adaptive()});
  for (const auto &one : rosenbrockMethods)
    all.push_back({one.name, Family::Rosenbrock});
  for (const auto &one : esdirkMethods)
    all.push_back({one.name, Family::Esdirk, true, false});
  for (const auto &one : exponentialMethods)
    all.push_back({one.name, Family::Exponential, false, true, false, !one.make().ofJacobian});
  for (const auto &one : compositions)
    all.push_back({one.name, Family::Symplectic, false});
  for (std::string_view name : {eulerMaruyama, milstein})
    all.push_back({name, Family::Stochastic, false});
  all.push_back({ndfName, Family::Ndf, true, false, true});
  return all;
}

std::vector<std::string> methodNames() {
  std::vector<std::string> names;
  for (const Method &method : allMethods())
    names.emplace_back(method.name);
  return names;
}

bool isMethod(std::string_view name) { return !methodOf(name).name.empty(); }

Method methodOf(std::string_view name) {
  for (const Method &method : allMethods())
    if (method.name == name)
      return method;
  return {};
}

template <typename Kind, size_t N>
static Kind made(const Named<Kind> (&methods)[N], std::string_view name) {
  for (const Named<Kind> &method : methods)
    if (method.name == name)
      return method.make();
  return {};
}

Tableau tableauOf(std::string_view name) { return made(explicitMethods, name); }
Rosenbrock rosenbrockOf(std::string_view name) { return made(rosenbrockMethods, name); }
Esdirk esdirkOf(std::string_view name) { return made(esdirkMethods, name); }
Exponential exponentialOf(std::string_view name) { return made(exponentialMethods, name); }
Composition compositionOf(std::string_view name) { return made(compositions, name); }

int interpolantDegree(std::string_view name) {
  std::vector<std::vector<double>> rows;
  switch (methodOf(name).family) {
  case Family::Explicit:
    rows = tableauOf(name).interpolant();
    break;
  case Family::Rosenbrock:
    rows = rosenbrockOf(name).dense;
    break;
  case Family::Ndf:
    return Ndf::maxOrder;
  case Family::Exponential:
    return 0;
  case Family::Stochastic:
    return 1;
  default:
    return 3; // Hermite's cubic
  }
  size_t degree = 1;
  for (const std::vector<double> &row : rows)
    degree = std::max(degree, row.size());
  return int(degree);
}

std::vector<double> interpolantNodes(int degree) {
  std::vector<double> nodes;
  for (int i = 0; i <= degree; ++i)
    nodes.push_back(i == degree ? 1.0 : std::pow(std::sin(M_PI_2 * i / degree), 2));
  return nodes;
}

Ndf::Ndf() {
  gamma[0] = 0;
  for (int k = 1; k <= maxOrder; ++k)
    gamma[k] = gamma[k - 1] + 1.0 / k;
  for (int k = 0; k <= maxOrder; ++k) {
    alpha[k] = (1 - kappa[k]) * gamma[k];
    error[k] = kappa[k] * gamma[k] + 1.0 / (k + 1);
  }
  error[maxOrder + 1] = 1.0 / (maxOrder + 2);
}

/// With D = y' - y: y + x^2 (3 - 2x) D + x (1 - x)^2 h f(y) - x^2 (1 - x) h f(y').
std::vector<std::vector<double>> Tableau::interpolant() const {
  if (!dense.empty())
    return dense;
  std::vector<std::vector<double>> rows(next() + 1, std::vector<double>(3, 0.0));
  for (size_t i = 0; i < stages(); ++i)
    rows[i] = {0.0, 3.0 * b[i], -2.0 * b[i]};
  auto add = [&](size_t i, double x, double x2, double x3) {
    rows[i] = {rows[i][0] + x, rows[i][1] + x2, rows[i][2] + x3};
  };
  add(0, 1.0, -2.0, 1.0);
  add(next(), 0.0, -1.0, 1.0);
  return rows;
}

} // namespace mad::ode
