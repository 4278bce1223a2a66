/*===- Model.c - An artifact written by hand ------------------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===*/
#include "Model.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
/* Tests ask for more memory than there is. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "allocator_may_return_null=1"; }
#endif
#endif

static int32_t prepareScale(const int64_t *extents, int64_t *dims, int64_t *results, int64_t *arena,
                            int64_t *info) {
  const int64_t n = extents[0];
  if (n < 1) {
    info[0] = n, info[1] = 1;
    return 1;
  }
  dims[0] = n;
  results[0] = n, results[1] = 2;
  *arena = n == 1000 ? INT64_MAX - 100 : n == 1001 ? -1 : n == 1002 ? (int64_t)1 << 60 : 16 * n;
  return 0;
}

static int32_t runScale(void *const *data, const int64_t *dims, void *arena, int64_t *info,
                        const mad_executor *executor) {
  (void)executor;
  const float *x = data[0], *w = data[4];
  const double k = *(const double *)data[1];
  float *y = data[2];
  double *sum = data[3], *scratch = arena;
  if (dims[0] == 13) {
    info[0] = 13, info[1] = 5;
    return 2;
  }
  if (dims[0] == 14)
    return 99;
  for (int64_t i = 0; i < 2 * dims[0]; ++i)
    scratch[i] = x[i] * k * w[0];
  *sum = 0;
  for (int64_t i = 0; i < 2 * dims[0]; ++i) {
    y[i] = (float)scratch[i];
    *sum += scratch[i];
  }
  return (uintptr_t)arena % 64 == 0 ? 0 : 98;
}

static int32_t prepareNone(const int64_t *extents, int64_t *dims, int64_t *results, int64_t *arena,
                           int64_t *info) {
  (void)extents, (void)dims, (void)results, (void)info;
  *arena = 0;
  return 0;
}

static int32_t runNone(void *const *data, const int64_t *dims, void *arena, int64_t *info,
                       const mad_executor *executor) {
  (void)dims, (void)arena, (void)info, (void)executor;
  *(uint8_t *)data[0] = 1;
  return 0;
}

static int32_t prepareVector(const int64_t *extents, int64_t *dims, int64_t *results,
                             int64_t *arena, int64_t *info) {
  (void)info;
  dims[0] = results[0] = extents[0];
  *arena = 64;
  return 0;
}

typedef struct piece {
  const float *x;
  float *y;
  int64_t size, step;
} piece;

static void squarePiece(void *data, int64_t number) {
  const piece *p = data;
  const int64_t end = (number + 1) * p->step < p->size ? (number + 1) * p->step : p->size;
  for (int64_t i = number * p->step; i < end; ++i)
    p->y[i] = p->x[i] * p->x[i] * 1e-38f; /* denormal for some: follows the modes of the caller */
}

static int32_t runSquare(void *const *data, const int64_t *dims, void *arena, int64_t *info,
                         const mad_executor *executor) {
  (void)arena, (void)info;
  piece all = {data[0], data[1], dims[0], (dims[0] + 15) / 16};
  executor->parallel_for(executor->user, all.step > 0 ? (all.size + all.step - 1) / all.step : 0,
                         squarePiece, &all);
  return 0;
}

static int32_t runAdd(void *const *data, const int64_t *dims, void *arena, int64_t *info,
                      const mad_executor *executor) {
  (void)arena, (void)info, (void)executor;
  const float *state = data[0], *x = data[1];
  float *result = data[2];
  for (int64_t i = 0; i < dims[0]; ++i)
    result[i] = state[i] + x[i];
  return 0;
}

static const char *const matrix[] = {"N", "2"};
static const char *const dims[] = {"N"};
static const mad_value_info inputs[] = {{"x", MAD_F32, 2, matrix, 0}, {"k", MAD_F64, 0, 0, 0}};
static const mad_value_info outputs[] = {{"y", MAD_F32, 2, matrix, 0}, {"sum", MAD_F64, 0, 0, 0}};
static const mad_value_info flag[] = {{"flag", MAD_BOOL, 0, 0, 0}};
static const mad_check checks[] = {{1, "size of `N`", "model.mad:1:2"},
                                   {2, "index into `x`", "model.mad:3:4"}};
static const mad_run_fn scaleRun[] = {runScale, runScale}, noneRun[] = {runNone, runNone};
static const mad_value_info vector[] = {{"x", MAD_F32, 1, dims, 0}};
static const mad_value_info stateIn[] = {{"s", MAD_F32, 1, dims, 1}, {"x", MAD_F32, 1, dims, 0}};
static const mad_value_info stateOut[] = {{"s", MAD_F32, 1, dims, 1}};
static const mad_run_fn squareRun[] = {runSquare, runSquare}, addRun[] = {runAdd, runAdd};
static const mad_prepare_fn scalePrepare[] = {prepareScale, prepareScale},
                            nonePrepare[] = {prepareNone, prepareNone},
                            vectorPrepare[] = {prepareVector, prepareVector};
static const int32_t used[] = {0};
static const mad_entry entries[] = {
    {{"scale", "Doc.", 1, dims, 2, inputs, 2, outputs},
     scalePrepare,
     scaleRun,
     1,
     used,
     2,
     checks,
     1,
     1,
     used},
    {{"none", "", 0, 0, 0, 0, 1, flag}, nonePrepare, noneRun, 0, 0, 0, 0, 0, 0, 0},
    {{"square", "", 1, dims, 1, vector, 1, vector}, vectorPrepare, squareRun, 0, 0, 0, 0, 0, 0, 0},
    {{"add", "", 1, dims, 2, stateIn, 1, stateOut}, vectorPrepare, addRun, 0, 0, 0, 0, 0, 0, 0},
};
static const float weight[] = {3};
static const int64_t shape[] = {1};
static const mad_weight weights[] = {
    {"w", "stored.w", MAD_F32, 1, shape, 0, 0, 0, 0, 0, 0, 0, weight, sizeof weight, 0}};
/* No CPU reaches the second one. */
static const mad_variant variants[] = {{"x86-64", 0, 0, 0, 0, 0, 0, 0},
                                       {"x86-64-v99", 99, 0, 1ull << 63, 0, 0, 0, 0}};

mad_artifact test_artifact(void) {
  const mad_artifact made = {MAD_ARTIFACT_MAGIC,
                             MAD_ABI_VERSION,
                             sizeof made,
                             "model",
                             "by hand",
                             "{}",
                             0,
                             2,
                             variants,
                             4,
                             entries,
                             1,
                             weights};
  return made;
}

mad_entry test_entry(int number) { return entries[number]; }
