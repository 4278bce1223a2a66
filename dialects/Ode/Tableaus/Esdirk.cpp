//===- Esdirk.cpp - Diagonally implicit methods -----------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// M. E. Hosea, L. F. Shampine: Analysis and implementation of TR-BDF2 (1996); A. Kvaerno: Singly
// diagonally implicit Runge-Kutta methods with an explicit first stage (2004); C. A. Kennedy,
// M. H. Carpenter: Additive Runge-Kutta schemes for convection-diffusion-reaction equations (2003),
// the implicit part of ARK4(3)6L.
//
//===----------------------------------------------------------------------===//
#include "dialects/Ode/Tableaus/Tableau.h"
#include <cmath>

namespace mad::ode {

/// The last row less other weights of the stages.
static std::vector<double> difference(const Esdirk &t, const std::vector<double> &other) {
  std::vector<double> error = t.a.back();
  for (size_t i = 0; i < other.size(); ++i)
    error[i] -= other[i];
  return error;
}

Esdirk trbdf2() {
  double g = 1 - std::sqrt(0.5), w = std::sqrt(2.0) / 4;
  Esdirk t;
  t.name = "trbdf2";
  t.order = 2;
  t.errorOrder = 3;
  t.filtered = true;
  t.c = {0, 2 * g, 1};
  t.a = {{0}, {g, g}, {w, w, g}};
  t.error = difference(t, {(1 - w) / 3, (3 * w + 1) / 3, g / 3});
  return t;
}

Esdirk kvaerno3() {
  double g = 0.43586652150845900;
  Esdirk t;
  t.name = "kvaerno3";
  t.order = t.errorOrder = 3;
  t.c = {0, 2 * g, 1, 1};
  t.a = {{0},
         {g, g},
         {(-4 * g * g + 6 * g - 1) / (4 * g), (1 - 2 * g) / (4 * g), g},
         {(6 * g - 1) / (12 * g), -1 / ((24 * g - 12) * g), (-6 * g * g + 6 * g - 1) / (6 * g - 3),
          g}};
  t.error = difference(t, t.a[2]);
  return t;
}

Esdirk kencarp4() {
  Esdirk t;
  t.name = "kencarp4";
  t.order = t.errorOrder = 4;
  t.filtered = true;
  t.c = {0, 0.5, 83.0 / 250, 31.0 / 50, 17.0 / 20, 1};
  t.a = {{0},
         {0.25, 0.25},
         {8611.0 / 62500, -1743.0 / 31250, 0.25},
         {5012029.0 / 34652500, -654441.0 / 2922500, 174375.0 / 388108, 0.25},
         {15267082809.0 / 155376265600, -71443401.0 / 120774400, 730878875.0 / 902184768,
          2285395.0 / 8070912, 0.25},
         {82889.0 / 524892, 0, 15625.0 / 83664, 69875.0 / 102672, -2260.0 / 8211, 0.25}};
  t.error = difference(t, {4586570599.0 / 29645900160, 0, 178811875.0 / 945068544,
                           814220225.0 / 1159782912, -3700637.0 / 11593932, 61727.0 / 225920});
  return t;
}

Esdirk kvaerno5() {
  Esdirk t;
  t.name = "kvaerno5";
  t.order = t.errorOrder = 5;
  t.c = {0, 0.52, 1.230333209967908, 0.8957659843500759, 0.43639360985864756, 1, 1};
  t.a = {
      {0},
      {0.26, 0.26},
      {0.13, 0.84033320996790809, 0.26},
      {0.22371961478320505, 0.47675532319799699, -0.06470895363112615, 0.26},
      {0.16648564323248321, 0.10450018841591720, 0.03631482272098715, -0.13090704451073998, 0.26},
      {0.13855640231268224, 0, -0.04245337201752043, 0.02446657898003141, 0.61943039072480676,
       0.26},
      {0.13659751177640291, 0, -0.05496908796538376, -0.04118626728321046, 0.62993304899016403,
       0.06962479448202728, 0.26}};
  t.error = difference(t, t.a[5]);
  return t;
}

} // namespace mad::ode
