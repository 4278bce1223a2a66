/*===- ode_cvode.c - The systems of ode_work.mad with SUNDIALS CVODE ------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * A library for ode_work.py. Right-hand sides and Jacobians are what one writes by hand;
 * matrices are dense, or banded for the equation in space, or sparse with KLU (-DKLU). The solver
 * is made once and begins anew each time.
 *
 *===------------------------------------------------------------------------===*/
#include <cvode/cvode.h>
#include <math.h>
#include <nvector/nvector_serial.h>
#include <stdint.h>
#include <string.h>
#include <sunlinsol/sunlinsol_band.h>
#include <sunlinsol/sunlinsol_dense.h>
#include <sunmatrix/sunmatrix_band.h>
#include <sunmatrix/sunmatrix_dense.h>
#include <sunnonlinsol/sunnonlinsol_fixedpoint.h>
#ifdef KLU
#include <sunlinsol/sunlinsol_klu.h>
#include <sunmatrix/sunmatrix_sparse.h>
#endif

#define RHS(name)                                                                                  \
  static int name(double t, N_Vector state, N_Vector rate, void *data) {                           \
    const double *y = N_VGetArrayPointer(state);                                                   \
    double *f = N_VGetArrayPointer(rate);                                                          \
    (void)t, (void)data;
#define JACOBIAN(name)                                                                             \
  static int name(double t, N_Vector state, N_Vector rate, SUNMatrix J, void *data, N_Vector a,    \
                  N_Vector b, N_Vector c) {                                                        \
    const double *y = N_VGetArrayPointer(state);                                                   \
    (void)t, (void)rate, (void)data, (void)a, (void)b, (void)c, (void)y;
#define AT(i, j) SM_ELEMENT_D(J, (i) - 1, (j) - 1)

RHS(lorenz)
f[0] = 10 * (y[1] - y[0]);
f[1] = y[0] * (28 - y[2]) - y[1];
f[2] = y[0] * y[1] - 8.0 / 3 * y[2];
return 0;
}

RHS(pleiades)
memcpy(f, y + 14, 14 * sizeof *f);
for (int i = 0; i < 7; ++i) {
  double x = 0, z = 0;
  for (int j = 0; j < 7; ++j) {
    if (i == j)
      continue;
    double dx = y[2 * j] - y[2 * i], dz = y[2 * j + 1] - y[2 * i + 1], r = dx * dx + dz * dz;
    double w = (j + 1) * (1 / (r * sqrt(r)));
    x += w * dx;
    z += w * dz;
  }
  f[14 + 2 * i] = x;
  f[15 + 2 * i] = z;
}
return 0;
}

RHS(robertson)
double slow = 0.04 * y[0], fast = 1e4 * y[1] * y[2], square = 3e7 * y[1] * y[1];
f[0] = fast - slow;
f[1] = slow - fast - square;
f[2] = square;
return 0;
}
JACOBIAN(robertsonJ)
AT(1, 1) = -0.04, AT(1, 2) = 1e4 * y[2], AT(1, 3) = 1e4 * y[1];
AT(3, 1) = 0, AT(3, 2) = 6e7 * y[1], AT(3, 3) = 0;
AT(2, 1) = 0.04, AT(2, 2) = -1e4 * y[2] - 6e7 * y[1], AT(2, 3) = -1e4 * y[1];
return 0;
}

RHS(hires)
double bound = 280 * y[5] * y[7];
f[0] = -1.71 * y[0] + 0.43 * y[1] + 8.32 * y[2] + 0.0007;
f[1] = 1.71 * y[0] - 8.75 * y[1];
f[2] = -10.03 * y[2] + 0.43 * y[3] + 0.035 * y[4];
f[3] = 8.32 * y[1] + 1.71 * y[2] - 1.12 * y[3];
f[4] = -1.745 * y[4] + 0.43 * (y[5] + y[6]);
f[5] = -bound + 0.69 * y[3] + 1.71 * y[4] - 0.43 * y[5] + 0.69 * y[6];
f[6] = bound - 1.81 * y[6];
f[7] = -f[6];
return 0;
}
JACOBIAN(hiresJ)
AT(1, 1) = -1.71, AT(1, 2) = 0.43, AT(1, 3) = 8.32;
AT(2, 1) = 1.71, AT(2, 2) = -8.75;
AT(3, 3) = -10.03, AT(3, 4) = 0.43, AT(3, 5) = 0.035;
AT(4, 2) = 8.32, AT(4, 3) = 1.71, AT(4, 4) = -1.12;
AT(5, 5) = -1.745, AT(5, 6) = 0.43, AT(5, 7) = 0.43;
AT(6, 4) = 0.69, AT(6, 5) = 1.71, AT(6, 6) = -280 * y[7] - 0.43, AT(6, 7) = 0.69;
AT(6, 8) = -280 * y[5];
AT(7, 6) = 280 * y[7], AT(7, 7) = -1.81, AT(7, 8) = 280 * y[5];
AT(8, 6) = -280 * y[7], AT(8, 7) = 1.81, AT(8, 8) = -280 * y[5];
return 0;
}

/* Reactions of air pollution: the rate constant, one or two species, and what comes of it. */
static const struct {
  double k;
  int8_t of[2], change[5][2]; /* species from 1, and by how much */
} reactions[] = {
    {.35, {1}, {{1, -1}, {2, 1}, {3, 1}}},
    {26.6, {2, 4}, {{1, 1}, {2, -1}, {4, -1}}},
    {1.23e4, {5, 2}, {{1, 1}, {2, -1}, {5, -1}, {6, 1}}},
    {8.6e-4, {7}, {{5, 2}, {7, -1}, {8, 1}}},
    {8.2e-4, {7}, {{7, -1}, {8, 1}}},
    {1.5e4, {7, 6}, {{5, 1}, {6, -1}, {7, -1}, {8, 1}}},
    {1.3e-4, {9}, {{5, 1}, {8, 1}, {9, -1}, {10, 1}}},
    {2.4e4, {9, 6}, {{6, -1}, {9, -1}, {11, 1}}},
    {1.65e4, {11, 2}, {{1, 1}, {2, -1}, {10, 1}, {11, -1}, {12, 1}}},
    {9e3, {11, 1}, {{1, -1}, {11, -1}, {13, 1}}},
    {.022, {13}, {{1, 1}, {11, 1}, {13, -1}}},
    {1.2e4, {10, 2}, {{1, 1}, {2, -1}, {10, -1}, {14, 1}}},
    {1.88, {14}, {{5, 1}, {7, 1}, {14, -1}}},
    {1.63e4, {1, 6}, {{1, -1}, {6, -1}, {15, 1}}},
    {4.8e6, {3}, {{3, -1}, {4, 1}}},
    {3.5e-4, {4}, {{4, -1}, {16, 1}}},
    {.0175, {4}, {{3, 1}, {4, -1}}},
    {1e8, {16}, {{6, 2}, {16, -1}}},
    {4.44e11, {16}, {{3, 1}, {16, -1}}},
    {1240, {17, 6}, {{5, 1}, {6, -1}, {17, -1}, {18, 1}}},
    {2.1, {19}, {{2, 1}, {19, -1}}},
    {5.78, {19}, {{1, 1}, {3, 1}, {19, -1}}},
    {.0474, {1, 4}, {{1, -1}, {4, -1}, {19, 1}}},
    {1780, {19, 1}, {{1, -1}, {19, -1}, {20, 1}}},
    {3.12, {20}, {{1, 1}, {19, 1}, {20, -1}}},
};
enum { reactionCount = sizeof reactions / sizeof *reactions };

RHS(pollu)
const double r1 = .35 * y[0], r2 = 26.6 * y[1] * y[3], r3 = 1.23e4 * y[4] * y[1],
             r4 = 8.6e-4 * y[6], r5 = 8.2e-4 * y[6], r6 = 1.5e4 * y[6] * y[5], r7 = 1.3e-4 * y[8],
             r8 = 2.4e4 * y[8] * y[5], r9 = 1.65e4 * y[10] * y[1], r10 = 9e3 * y[10] * y[0],
             r11 = .022 * y[12], r12 = 1.2e4 * y[9] * y[1], r13 = 1.88 * y[13],
             r14 = 1.63e4 * y[0] * y[5], r15 = 4.8e6 * y[2], r16 = 3.5e-4 * y[3],
             r17 = .0175 * y[3], r18 = 1e8 * y[15], r19 = 4.44e11 * y[15],
             r20 = 1240 * y[16] * y[5], r21 = 2.1 * y[18], r22 = 5.78 * y[18],
             r23 = .0474 * y[0] * y[3], r24 = 1780 * y[18] * y[0], r25 = 3.12 * y[19];
f[0] = -r1 - r10 - r14 - r23 - r24 + r2 + r3 + r9 + r11 + r12 + r22 + r25;
f[1] = -r2 - r3 - r9 - r12 + r1 + r21;
f[2] = -r15 + r1 + r17 + r19 + r22;
f[3] = -r2 - r16 - r17 - r23 + r15;
f[4] = -r3 + 2 * r4 + r6 + r7 + r13 + r20;
f[5] = -r6 - r8 - r14 - r20 + r3 + 2 * r18;
f[6] = -r4 - r5 - r6 + r13;
f[7] = r4 + r5 + r6 + r7;
f[8] = -r7 - r8;
f[9] = -r12 + r7 + r9;
f[10] = -r9 - r10 + r8 + r11;
f[11] = r9;
f[12] = -r11 + r10;
f[13] = -r13 + r12;
f[14] = r14;
f[15] = -r18 - r19 + r16;
f[16] = -r20;
f[17] = r20;
f[18] = -r21 - r22 - r24 + r23 + r25;
f[19] = -r25 + r24;
return 0;
}
JACOBIAN(polluJ)
for (int i = 0; i < reactionCount; ++i) {
  const int8_t *of = reactions[i].of;
  for (int by = 0; by < 2 && of[by]; ++by) {
    const double d = reactions[i].k * (of[!by] ? y[of[!by] - 1] : 1);
    for (int n = 0; n < 5 && reactions[i].change[n][0]; ++n)
      AT(reactions[i].change[n][0], of[by]) += reactions[i].change[n][1] * d;
  }
}
return 0;
}

/* The Brusselator in one dimension, u and v of a point side by side. */
enum { points = 128 };
static const double spread = 1.0 / 50 * (points + 1) * (points + 1);
RHS(brusselator)
for (int i = 0; i < points; ++i) {
  const double *p = y + 2 * i, left[] = {i ? p[-2] : 1, i ? p[-1] : 3},
               right[] = {i + 1 < points ? p[2] : 1, i + 1 < points ? p[3] : 3},
               uuv = p[0] * p[0] * p[1];
  f[2 * i] = 1 + uuv - 4 * p[0] + spread * (left[0] - 2 * p[0] + right[0]);
  f[2 * i + 1] = 3 * p[0] - uuv + spread * (left[1] - 2 * p[1] + right[1]);
}
return 0;
}
JACOBIAN(brusselatorJ)
for (int i = 0; i < 2 * points; i += 2) {
  const double uv = 2 * y[i] * y[i + 1], uu = y[i] * y[i];
  SM_ELEMENT_B(J, i, i) = uv - 4 - 2 * spread;
  SM_ELEMENT_B(J, i, i + 1) = uu;
  SM_ELEMENT_B(J, i + 1, i) = 3 - uv;
  SM_ELEMENT_B(J, i + 1, i + 1) = -uu - 2 * spread;
  for (int d = 0; d < 2 && i + 2 < 2 * points; ++d)
    SM_ELEMENT_B(J, i + d, i + d + 2) = SM_ELEMENT_B(J, i + d + 2, i + d) = spread;
}
return 0;
}

#ifdef KLU
enum { pointEntries = 8 }; /* of a point in J: two of each neighbour, four of its own */
/* Column by column: u or v of the point on the left, both of this one, u or v on the right. */
JACOBIAN(brusselatorSparseJ)
sunindextype *starts = SUNSparseMatrix_IndexPointers(J), *rows = SUNSparseMatrix_IndexValues(J),
             e = 0;
double *values = SUNSparseMatrix_Data(J);
for (int j = 0; j < 2 * points; ++j) {
  const int i = j & ~1, isV = j & 1;
  const double uv = 2 * y[i] * y[i + 1], uu = y[i] * y[i];
  starts[j] = e;
  if (j > 1)
    rows[e] = j - 2, values[e++] = spread;
  rows[e] = i, values[e++] = isV ? uu : uv - 4 - 2 * spread;
  rows[e] = i + 1, values[e++] = isV ? -uu - 2 * spread : 3 - uv;
  if (j + 2 < 2 * points)
    rows[e] = j + 2, values[e++] = spread;
}
starts[2 * points] = e;
return 0;
}
#endif

static const struct {
  const char *name;
  int n, band;
  CVRhsFn f;
  CVLsJacFn jacobian;
} problems[] = {
    {"lorenz", 3, 0, lorenz, NULL},
    {"pleiades", 28, 0, pleiades, NULL},
    {"robertson", 3, 0, robertson, robertsonJ},
    {"hires", 8, 0, hires, hiresJ},
    {"pollu", 20, 0, pollu, polluJ},
    {"pde", 2 * points, 2, brusselator, brusselatorJ},
#ifdef KLU
    {"pde_klu", 2 * points, -1, brusselator, brusselatorSparseJ},
#endif
};

enum { problemCount = sizeof problems / sizeof *problems };

static size_t find(const char *name) {
  size_t which = 0;
  while (which < problemCount && strcmp(problems[which].name, name))
    ++which;
  return which;
}

int cvode_has(const char *name) { return find(name) < problemCount; }

/* Solves a problem so many times from u, and leaves the end there. Adams' methods where there is
 * no Jacobian, else BDF. Returns how often the right-hand side was evaluated in the last one, or
 * -1. */
int64_t cvode(const char *name, double *u, double to, double rtol, double atol, int64_t times) {
  const size_t which = find(name);
  if (which == problemCount)
    return -1;
  const int n = problems[which].n, band = problems[which].band;
  SUNContext context;
  SUNContext_Create(NULL, &context);
  N_Vector y = N_VNew_Serial(n, context), start = N_VMake_Serial(n, u, context);
  N_VScale(1, start, y);
  void *solver = CVodeCreate(problems[which].jacobian ? CV_BDF : CV_ADAMS, context);
  int bad = CVodeInit(solver, problems[which].f, 0, y) || CVodeSStolerances(solver, rtol, atol) ||
            CVodeSetMaxNumSteps(solver, 1000000) || CVodeSetErrFile(solver, NULL);
  SUNMatrix matrix = NULL;
  SUNLinearSolver linear = NULL;
  SUNNonlinearSolver fixed = NULL;
  if (problems[which].jacobian) {
#ifdef KLU
    if (band < 0) {
      matrix = SUNSparseMatrix(n, n, points * pointEntries, CSC_MAT, context);
      linear = SUNLinSol_KLU(y, matrix, context);
      SUNLinSol_KLUSetOrdering(linear, 0);
    }
#endif
    if (band > 0) {
      matrix = SUNBandMatrix(n, band, band, context);
      linear = SUNLinSol_Band(y, matrix, context);
    } else if (!band) {
      matrix = SUNDenseMatrix(n, n, context);
      linear = SUNLinSol_Dense(y, matrix, context);
    }
    bad = bad || CVodeSetLinearSolver(solver, linear, matrix) ||
          CVodeSetJacFn(solver, problems[which].jacobian);
  } else {
    fixed = SUNNonlinSol_FixedPoint(y, 0, context);
    bad = bad || CVodeSetNonlinearSolver(solver, fixed);
  }
  for (int64_t i = 0; i < times && !bad; ++i) {
    double reached;
    N_VScale(1, start, y);
    bad = CVodeReInit(solver, 0, y) || CVodeSetStopTime(solver, to) ||
          CVode(solver, to, y, &reached, CV_NORMAL) < 0;
  }
  long evaluations = -1;
  if (!bad)
    CVodeGetNumRhsEvals(solver, &evaluations);
  N_VScale(1, y, start);
  CVodeFree(&solver);
  if (linear)
    SUNLinSolFree(linear);
  if (matrix)
    SUNMatDestroy(matrix);
  if (fixed)
    SUNNonlinSolFree(fixed);
  N_VDestroy(y);
  N_VDestroy(start);
  SUNContext_Free(&context);
  return evaluations;
}
