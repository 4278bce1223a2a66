/*===- ode_network.c - A network of reactions with SUNDIALS CVODE and KLU -------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * A library for ode_network.py, which makes the tables. The Jacobian is sparse and analytic: each
 * entry is a sum of terms, a number times one amount or none.
 *
 *===------------------------------------------------------------------------===*/
#include <cvode/cvode.h>
#include <nvector/nvector_serial.h>
#include <stdint.h>
#include <string.h>
#include <sunlinsol/sunlinsol_klu.h>
#include <sunmatrix/sunmatrix_sparse.h>
#include <sunnonlinsol/sunnonlinsol_fixedpoint.h>

struct network {
  int64_t species, reactions, entries;
  /* A reaction goes as fast as rate u[first] u[second]; u[species] is 1. */
  const double *rate;
  const int32_t *first, *second;
  /* Species i changes by change[p] flows[of[p]], p from starts[i] to starts[i + 1]. */
  const int64_t *starts;
  const int32_t *of;
  const double *change;
  /* The Jacobian column by column; entry e is the sum of factor[p] u[other[p]], p from terms[e]. */
  const int64_t *columns, *rows, *terms;
  const int32_t *other;
  const double *factor;
  double *u, *flows; /* scratch: species + 1, reactions */
};

static const double *amounts(const struct network *net, N_Vector state) {
  memcpy(net->u, N_VGetArrayPointer(state), (size_t)net->species * sizeof *net->u);
  net->u[net->species] = 1;
  return net->u;
}

static int rates(double t, N_Vector state, N_Vector rate, void *data) {
  const struct network *net = data;
  const double *restrict u = amounts(net, state);
  double *restrict flows = net->flows, *restrict f = N_VGetArrayPointer(rate);
  (void)t;
  for (int64_t r = 0; r < net->reactions; ++r)
    flows[r] = net->rate[r] * u[net->first[r]] * u[net->second[r]];
  for (int64_t i = 0; i < net->species; ++i) {
    double sum = 0;
    for (int64_t p = net->starts[i]; p < net->starts[i + 1]; ++p)
      sum += net->change[p] * flows[net->of[p]];
    f[i] = sum;
  }
  return 0;
}

static int jacobian(double t, N_Vector state, N_Vector rate, SUNMatrix J, void *data, N_Vector a,
                    N_Vector b, N_Vector c) {
  const struct network *net = data;
  const double *restrict u = amounts(net, state);
  double *restrict J0 = SUNSparseMatrix_Data(J);
  (void)t, (void)rate, (void)a, (void)b, (void)c;
  memcpy(SUNSparseMatrix_IndexPointers(J), net->columns,
         (size_t)(net->species + 1) * sizeof(int64_t));
  memcpy(SUNSparseMatrix_IndexValues(J), net->rows, (size_t)net->entries * sizeof(int64_t));
  for (int64_t e = 0; e < net->entries; ++e) {
    double sum = 0;
    for (int64_t p = net->terms[e]; p < net->terms[e + 1]; ++p)
      sum += net->factor[p] * u[net->other[p]];
    J0[e] = sum;
  }
  return 0;
}

/* Solves it so many times from u and leaves the end there: BDF with KLU and an ordering (0: AMD,
 * 1: COLAMD), or Adams (-1). `counts` become steps, evaluations, Jacobians, factorisations.
 * Returns 0, or -1 where it failed. */
int network_cvode(const struct network *net, int ordering, double *u, double to, double rtol,
                  double atol, int64_t times, int64_t *counts) {
  SUNContext context;
  SUNContext_Create(NULL, &context);
  N_Vector y = N_VNew_Serial(net->species, context);
  N_Vector start = N_VMake_Serial(net->species, u, context);
  N_VScale(1, start, y);
  void *solver = CVodeCreate(ordering < 0 ? CV_ADAMS : CV_BDF, context);
  int bad = CVodeInit(solver, rates, 0, y) || CVodeSStolerances(solver, rtol, atol) ||
            CVodeSetMaxNumSteps(solver, 1000000) || CVodeSetErrFile(solver, NULL) ||
            CVodeSetUserData(solver, (void *)net);
  SUNMatrix matrix = NULL;
  SUNLinearSolver linear = NULL;
  SUNNonlinearSolver fixed = NULL;
  if (ordering < 0) {
    fixed = SUNNonlinSol_FixedPoint(y, 0, context);
    bad = bad || CVodeSetNonlinearSolver(solver, fixed);
  } else {
    matrix = SUNSparseMatrix(net->species, net->species, net->entries, CSC_MAT, context);
    linear = SUNLinSol_KLU(y, matrix, context);
    bad = bad || SUNLinSol_KLUSetOrdering(linear, ordering) ||
          CVodeSetLinearSolver(solver, linear, matrix) || CVodeSetJacFn(solver, jacobian);
  }
  for (int64_t i = 0; i < times && !bad; ++i) {
    double reached;
    N_VScale(1, start, y);
    bad = CVodeReInit(solver, 0, y) || CVodeSetStopTime(solver, to) ||
          CVode(solver, to, y, &reached, CV_NORMAL) < 0;
  }
  long steps = 0, evaluations = 0, jacobians = 0, setups = 0;
  CVodeGetNumSteps(solver, &steps);
  CVodeGetNumRhsEvals(solver, &evaluations);
  if (linear)
    CVodeGetNumJacEvals(solver, &jacobians), CVodeGetNumLinSolvSetups(solver, &setups);
  counts[0] = steps, counts[1] = evaluations, counts[2] = jacobians, counts[3] = setups;
  N_VScale(1, y, start);
  CVodeFree(&solver);
  if (linear)
    SUNLinSolFree(linear), SUNMatDestroy(matrix);
  if (fixed)
    SUNNonlinSolFree(fixed);
  N_VDestroy(y);
  N_VDestroy(start);
  SUNContext_Free(&context);
  return bad ? -1 : 0;
}

/* The right-hand side so many times, for its time. */
void network_rates(const struct network *net, double *u, double *f, int64_t times) {
  SUNContext context;
  SUNContext_Create(NULL, &context);
  N_Vector state = N_VMake_Serial(net->species, u, context);
  N_Vector rate = N_VMake_Serial(net->species, f, context);
  for (int64_t i = 0; i < times; ++i)
    rates(0, state, rate, (void *)net);
  N_VDestroy(state);
  N_VDestroy(rate);
  SUNContext_Free(&context);
}
