//===- Exponential.cpp - Methods with the exponential of a linear part ---===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Ode/Tableaus/Tableau.h"

namespace mad::ode {

/// Exponential time differencing by Euler's method: N stays as it is at the beginning of the step.
Exponential etd1() {
  Exponential m;
  m.name = "etd1";
  m.order = 1;
  m.c = {0};
  m.a = {{}};
  m.b = {{{1, 1, 1}}};
  return m;
}

/// Cox and Matthews, Exponential time differencing for stiff systems, 2002, (22).
Exponential etd2rk() {
  Exponential m;
  m.name = "etd2rk";
  m.order = 2;
  m.c = {0, 1};
  m.a = {{}, {{{1, 1, 1}}}};
  m.b = {{{1, 1, 1}, {-1, 2, 1}}, {{1, 2, 1}}};
  return m;
}

/// The same, (26) to (29). Their stage c begins at a: exp(z / 2) phi[1](z / 2) of it is written as
/// 2 phi[1](z) - phi[1](z / 2).
Exponential etdrk4() {
  Exponential m;
  m.name = "etdrk4";
  m.order = 4;
  m.c = {0, 0.5, 0.5, 1};
  m.a = {
      {}, {{{0.5, 1, 0.5}}}, {{}, {{0.5, 1, 0.5}}}, {{{1, 1, 1}, {-1, 1, 0.5}}, {}, {{1, 1, 0.5}}}};
  m.b = {{{1, 1, 1}, {-3, 2, 1}, {4, 3, 1}},
         {{2, 2, 1}, {-4, 3, 1}},
         {{2, 2, 1}, {-4, 3, 1}},
         {{-1, 2, 1}, {4, 3, 1}}};
  return m;
}

/// The exponential Rosenbrock-Euler method (Pope, An exponential method of numerical integration of
/// ordinary differential equations, 1963): y' = y + h phi[1](h J) f + h^2 phi[2](h J) df/dt.
Exponential exprb2() {
  Exponential m;
  m.name = "exprb2";
  m.order = 2;
  m.c = {0};
  m.a = {{}};
  m.b = {{{1, 1, 1}}};
  m.ofJacobian = true;
  return m;
}

} // namespace mad::ode
