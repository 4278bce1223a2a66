//===- Tableau.cpp - Methods by name ----------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Ode/Tableaus/Tableau.h"

namespace mad::ode {

static constexpr struct {
  std::string_view name;
  Tableau (*make)();
} methods[] = {{"euler", euler},   {"heun", heun},   {"rk4", rk4},     {"bs3", bs3},
               {"dopri5", dopri5}, {"tsit5", tsit5}, {"vern7", vern7}, {"dop853", dop853}};

std::vector<std::string> methodNames() {
  std::vector<std::string> names;
  for (const auto &method : methods)
    names.emplace_back(method.name);
  return names;
}

bool isMethod(std::string_view name) {
  for (const auto &method : methods)
    if (method.name == name)
      return true;
  return false;
}

Tableau tableauOf(std::string_view name) {
  for (const auto &method : methods)
    if (method.name == name)
      return method.make();
  return {};
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
