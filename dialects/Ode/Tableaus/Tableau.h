//===- Tableau.h - Methods and their coefficients ---------------------------===//
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

/// A Rosenbrock method, in the form without products with the Jacobian (Hairer and Wanner, Solving
/// Ordinary Differential Equations II, IV.7): with W = 1 / (h gamma) - J and T = df/dt
///   W u_i = f(t + c_i h, y + sum_j a_ij u_j) + sum_j C_ij u_j / h + h d_i T,
///   y' = y + sum_i b_i u_i.
struct Rosenbrock {
  std::string name;
  int order = 0;
  int errorOrder = 0; ///< the estimate is of the size h^errorOrder
  double gamma = 0;
  std::vector<double> c, d;
  std::vector<std::vector<double>> a, C; ///< row i has i entries
  std::vector<double> b, error;
  /// y(t + x h) = y + sum_i u_i (d_i0 x + d_i1 x^2 + ...)
  std::vector<std::vector<double>> dense;

  size_t stages() const { return c.size(); }
};

/// A singly diagonally implicit method whose first stage is f(t, y) and whose last one is that of
/// y': Y_i = y + h sum_j a_ij k_j, j <= i, k_i = f(t + c_i h, Y_i), y' = Y_s.
struct Esdirk {
  std::string name;
  int order = 0;
  int errorOrder = 0; ///< the estimate is of the size h^errorOrder
  std::vector<double> c;
  std::vector<std::vector<double>> a; ///< row i has i + 1 entries
  std::vector<double> error;          ///< of the k_i
  /// The estimate is multiplied by (1 - h gamma J)^-1: else it is large where the equation is
  /// stiff, though the solution is good (Hosea and Shampine, Analysis and implementation of
  /// TR-BDF2, 1996).
  bool filtered = false;

  size_t stages() const { return c.size(); }
  double gamma() const { return a.back().back(); }
};

/// Backward differences of orders 1 to 5 with quasi-constant steps (Shampine and Reichelt, The
/// MATLAB ODE suite, 1997): the numerical differentiation formulas NDF.
struct Ndf {
  static constexpr int maxOrder = 5;
  static constexpr double kappa[maxOrder + 1] = {0, -0.1850, -1.0 / 9, -0.0823, -0.0415, 0};
  double gamma[maxOrder + 1]; ///< sum of 1 / j, j = 1 ... order
  double alpha[maxOrder + 1];
  double error[maxOrder + 2]; ///< of an order: error = error[order] times the last difference
  Ndf();
};

/// An exponential method for y' = L y + N(t, y), L constant (Hochbruck and Ostermann, Exponential
/// integrators, 2010): Y_i = exp(c_i h L) y + h sum_j a_ij N_j, N_i = N(t + c_i h, Y_i),
/// y' = exp(h L) y + h sum_i b_i N_i.
/// y(t + x h) = exp(x h L) y + h sum_i b_i(x) N_i, where b_i(x) has x^k phi[k](x h L) for phi[k](h
/// L).
struct Exponential {
  /// weight * phi[k](at h L), phi[k](z) = sum_j z^j / (j + k)!
  struct Term {
    double weight = 0;
    int k = 0;
    double at = 1;
    bool operator==(const Term &) const = default;
  };
  using Weight = std::vector<Term>; ///< their sum
  std::string name;
  int order = 0;
  std::vector<double> c;              ///< 0, 1/2 or 1
  std::vector<std::vector<Weight>> a; ///< row i has i entries
  std::vector<Weight> b;              ///< of phi[k](h L)
  /// L is the Jacobian at the beginning of the step: one stage, and df/dt is not in N but has
  /// h^2 phi[2](h L).
  bool ofJacobian = false;

  size_t stages() const { return c.size(); }
};

/// A symplectic method for positions q and velocities v, with dq / dt = f(t, v) and dv / dt =
/// g(t, q): steps of gamma_i h of the velocity Verlet method, one behind the other. A kick adds
/// rates to v, a drift adds them to q; between two drifts there is one kick.
struct Composition {
  std::string name;
  int order = 0;
  std::vector<double> gamma; ///< of all drifts; they sum to 1, and are the same backwards

  size_t stages() const { return gamma.size(); }
  /// Of the kick in front of drift i, or behind the last one, in parts of h.
  double kick(size_t i) const;
  /// When that is, in parts of h.
  double time(size_t i) const;
};

enum class Family { Explicit, Rosenbrock, Esdirk, Ndf, Exponential, Symplectic, Stochastic };

/// Methods for equations with noise.
inline constexpr std::string_view eulerMaruyama = "euler_maruyama", milstein = "milstein";

/// What a program may ask of a method.
struct Method {
  std::string_view name;
  Family family;
  bool adaptive = true;    ///< has an estimate of its error
  bool givenSteps = true;  ///< may have `step` and `steps`
  bool controlled = false; ///< has a controller of its own
  bool linear = false;     ///< needs the linear part of the equations

  /// Whether its steps have the Jacobian of the equations.
  bool hasJacobian() const {
    return family == Family::Rosenbrock || family == Family::Esdirk || family == Family::Ndf ||
           (family == Family::Exponential && !linear);
  }
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

// Rosenbrock.cpp
Rosenbrock rosenbrock23();
Rosenbrock rodas4();
Rosenbrock rodas5p();

// Esdirk.cpp
Esdirk trbdf2();
Esdirk kvaerno3();
Esdirk kencarp4();
Esdirk kvaerno5();

// Exponential.cpp
Exponential etd1();
Exponential etd2rk();
Exponential etdrk4();
Exponential exprb2();

// Symplectic.cpp
Composition verlet();
Composition yoshida4();
Composition yoshida6();
Composition kahanli6();
Composition kahanli8();

/// All methods by their names in programs.
std::vector<std::string> methodNames();
bool isMethod(std::string_view name);
/// Of a name that `methodNames` has.
Method methodOf(std::string_view name);
/// Of its interpolant in a step, a polynomial of the time; 0: it is none.
int interpolantDegree(std::string_view name);
/// Where in a step, in parts of it, a polynomial of this degree is kept by its values: Chebyshev's
/// points of the second kind, from 0 to 1.
std::vector<double> interpolantNodes(int degree);
/// Of the name of a method of that family.
Tableau tableauOf(std::string_view name);
Rosenbrock rosenbrockOf(std::string_view name);
Esdirk esdirkOf(std::string_view name);
Exponential exponentialOf(std::string_view name);
Composition compositionOf(std::string_view name);

} // namespace mad::ode

#endif // MAD_DIALECTS_ODE_TABLEAUS_TABLEAU_H
