/*===- Model.c - An artifact written by hand ------------------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===*/
#include "Model.h"

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

static int32_t runScale(void *const *data, const int64_t *dims, void *arena, int64_t *info) {
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

static int32_t runNone(void *const *data, const int64_t *dims, void *arena, int64_t *info) {
  (void)dims, (void)arena, (void)info;
  *(uint8_t *)data[0] = 1;
  return 0;
}

static const char *const matrix[] = {"N", "2"};
static const char *const dims[] = {"N"};
static const mad_value_info inputs[] = {{"x", MAD_F32, 2, matrix}, {"k", MAD_F64, 0, 0}};
static const mad_value_info outputs[] = {{"y", MAD_F32, 2, matrix}, {"sum", MAD_F64, 0, 0}};
static const mad_value_info flag[] = {{"flag", MAD_BOOL, 0, 0}};
static const mad_check checks[] = {{1, "size of `N`", "model.mad:1:2"},
                                   {2, "index into `x`", "model.mad:3:4"}};
static const mad_run_fn scaleRun[] = {runScale, runScale}, noneRun[] = {runNone, runNone};
static const int32_t used[] = {0};
static const mad_entry entries[] = {
    {{"scale", "Doc.", 1, dims, 2, inputs, 2, outputs}, prepareScale, scaleRun, 1, used, 2, checks},
    {{"none", "", 0, 0, 0, 0, 1, flag}, prepareNone, noneRun, 0, 0, 0, 0},
};
static const float weight[] = {3};
static const int64_t shape[] = {1};
static const mad_weight weights[] = {{"w", MAD_F32, 1, shape, weight, sizeof weight}};
/* No CPU reaches the second one. */
static const mad_variant variants[] = {{"x86-64", 0}, {"x86-64-v99", 99}};

mad_artifact test_artifact(void) {
  const mad_artifact made = {MAD_ARTIFACT_MAGIC,
                             MAD_ABI_VERSION,
                             sizeof made,
                             "model",
                             "by hand",
                             "{}",
                             2,
                             variants,
                             2,
                             entries,
                             1,
                             weights};
  return made;
}

mad_entry test_entry(int number) { return entries[number]; }
