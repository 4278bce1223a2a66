//===- Tableau.h - Coefficients of Runge-Kutta methods ----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The one place where methods are defined. No MLIR here: the checker asks which
// methods there are, the reference and the expansion of `ode.solve` read the numbers.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_ODE_TABLEAUS_TABLEAU_H
#define MAD_DIALECTS_ODE_TABLEAUS_TABLEAU_H

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mad::ode {

/// An explicit method: k_i = f(t + c_i h, y + h sum_j a_ij k_j), y' = y + h sum_i b_i k_i.
struct Tableau {
  std::string name;
  int order = 0;
  bool fsal = false; ///< the last stage is f(t + h, y'), and the first one of the next step
  std::vector<double> c;
  std::vector<std::vector<double>> a; ///< row i has i entries
  std::vector<double> b;
  /// b less the weights of the method of lower order; empty: there is no estimate of the error.
  std::vector<double> error;
  /// Of a second estimate, of lower order; see `errorNorm`. Mostly empty.
  std::vector<double> errorLow;
  /// More stages, behind f(t + h, y'), for the interpolant alone.
  std::vector<double> denseC;
  std::vector<std::vector<double>> denseA;
  /// y(t + x h) = y + h sum_i k_i (d_i0 x + d_i1 x^2 + ...). Without it cubic Hermite.
  std::vector<std::vector<double>> dense;

  size_t stages() const { return c.size(); }
  /// The number of f(t + h, y') among the stages of the interpolant.
  size_t next() const { return fsal ? stages() - 1 : stages(); }
  bool adaptive() const { return !error.empty(); }
  /// `dense`, or what Hermite's interpolant is in this form.
  std::vector<std::vector<double>> interpolant() const;
};

// Explicit.cpp, Vern7.cpp, Dop853.cpp
Tableau euler();
Tableau heun();
Tableau rk4();
Tableau bs3();
Tableau dopri5();
Tableau tsit5();
Tableau vern7();
Tableau dop853();

/// All methods by their names in programs.
std::vector<std::string> methodNames();
bool isMethod(std::string_view name);
/// Of a name that `methodNames` has.
Tableau tableauOf(std::string_view name);

} // namespace mad::ode

#endif // MAD_DIALECTS_ODE_TABLEAUS_TABLEAU_H
