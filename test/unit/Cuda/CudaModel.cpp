//===- CudaModel.cpp - An artifact for CPUs and GPUs, written by hand ---------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "CudaModel.h"
#include <string_view>

namespace {

int32_t prepare(const int64_t *extents, int64_t *dims, int64_t *results, int64_t *arena,
                int64_t *) {
  dims[0] = results[0] = extents[0];
  *arena = 100;
  return 0;
}

int32_t scaleOnCpu(void *const *data, const int64_t *dims, void *, int64_t *,
                   const mad_executor *) {
  const float *x = static_cast<float *>(data[0]), *w = static_cast<float *>(data[2]);
  for (int64_t i = 0; i < dims[0]; ++i)
    static_cast<float *>(data[1])[i] = 2 * x[i] + *w;
  return 0;
}

int32_t addOnCpu(void *const *data, const int64_t *dims, void *, int64_t *, const mad_executor *) {
  for (int64_t i = 0; i < dims[0]; ++i)
    static_cast<float *>(data[0])[i] += static_cast<float *>(data[1])[i];
  return 0;
}

template <typename T> T &parameter(void **params, int number) {
  return *static_cast<T *>(params[number]);
}

const float *lastWeight = nullptr;

void scaleKernel(const mad_cu_launch *, void **params) {
  const float *x = parameter<float *>(params, 0), *w = parameter<float *>(params, 2);
  float *y = parameter<float *>(params, 1);
  const int64_t n = parameter<int64_t>(params, 3);
  int64_t *status = parameter<int64_t *>(params, 4);
  lastWeight = w;
  if (n == 13) {
    status[0] = 1;
    status[1] = 13;
    status[2] = 7;
    return;
  }
  for (int64_t i = 0; i < n; ++i)
    y[i] = 2 * x[i] + *w;
}

void addKernel(const mad_cu_launch *, void **params) {
  float *s = parameter<float *>(params, 0);
  const float *x = parameter<float *>(params, 1);
  for (int64_t i = 0; i < parameter<int64_t>(params, 2); ++i)
    s[i] += x[i];
}

const mad_kernel kernels[] = {{"scale", "model.mad:1:2", 0, MAD_KERNEL_EARLY_IF_FEW},
                              {"add", "model.mad:2:2", 0, 0},
                              {"boxes", "model.mad:3:2", 90, MAD_KERNEL_EARLY},
                              {"plain", "model.mad:3:2", -90, 0}};

int32_t scaleOnGpu(void *const *data, const int64_t *dims, void *, int64_t *,
                   const mad_executor *executor) {
  auto *device = reinterpret_cast<const mad_device *>(executor);
  void *x = data[0], *y = data[1], *w = data[2], *status = device->status;
  int64_t n = dims[0];
  // A program that decides by what lies on the device.
  float seen = 0;
  if (n == 17 && device->read(device->self, &seen, x, 4) == 0 && seen < 0)
    n = 0;
  void *params[] = {&x, &y, &w, &n, &status};
  const int64_t shape[] = {(n + 255) / 256, 1, 1, 256, 1, 1};
  device->launch(device->self, &kernels[0], shape, int32_t(4 * n), params);
  return 0;
}

int32_t addOnGpu(void *const *data, const int64_t *dims, void *, int64_t *,
                 const mad_executor *executor) {
  auto *device = reinterpret_cast<const mad_device *>(executor);
  void *s = data[0], *x = data[1];
  int64_t n = dims[0];
  void *params[] = {&s, &x, &n, nullptr, nullptr};
  const int64_t shape[] = {1, 1, 1, 1, 1, 1};
  device->launch(device->self, &kernels[1], shape, 0, params);
  return 0;
}

/// 64 columns of 16-bit numbers a row: what a tensor map says.
void boxesKernel(const mad_cu_launch *how, void **params) {
  const auto &map = *static_cast<const mad_cu_tensor_map *>(params[0]);
  float *y = parameter<float *>(params, 1);
  const auto *x = reinterpret_cast<const float *>(map.opaque[0]);
  const uint64_t rows = map.opaque[4];
  for (uint64_t i = 0; i < rows * 32; ++i)
    y[i] = x[i] + float(how->grid_x);
  for (int i = 0; i < 10 && rows > 0; ++i)
    y[i] = float(map.opaque[1 + i]); // type, rank, sizes
  y[10] = float(map.opaque[8]);
  y[11] = float(map.opaque[11]), y[12] = float(map.opaque[12]);
}

/// On a GPU of another chip it launches the kernel all the same, which code must not do.
int32_t boxesOnGpu(void *const *data, const int64_t *dims, void *, int64_t *,
                   const mad_executor *executor) {
  auto *device = reinterpret_cast<const mad_device *>(executor);
  void *y = data[1];
  const int64_t rows = dims[0] / 32;
  alignas(128) char map[128];
  const mad_boxes boxes = {MAD_F16, 2, data[0], {64, rows}, {0, 128}, {64, 128}};
  device->tensor_map(device->self, map, &boxes);
  void *params[] = {map, &y, nullptr, nullptr, nullptr};
  const int64_t shape[] = {rows > 0 ? device->multiprocessors : 0, 1, 1, 1, 1, 1};
  device->launch(device->self, &kernels[2], shape, 0, params);
  return 0;
}

const char *const dims[] = {"N"};
const mad_value_info vectorIn[] = {{"x", MAD_F32, 1, dims, 0}},
                     vectorOut[] = {{"y", MAD_F32, 1, dims, 0}},
                     stateIn[] = {{"s", MAD_F32, 1, dims, 1}, {"x", MAD_F32, 1, dims, 0}},
                     stateOut[] = {{"s", MAD_F32, 1, dims, 1}};
const mad_prepare_fn prepares[] = {prepare, prepare};
const mad_run_fn scaleRun[] = {scaleOnCpu, scaleOnGpu}, addRun[] = {addOnCpu, addOnGpu},
                 boxesRun[] = {scaleOnCpu, boxesOnGpu};
const int32_t used[] = {0};
const mad_check checks[] = {{2, "an index is out of range", "model.mad:3:4"}};
const mad_entry entries[] = {{{"scale", "", 1, dims, 1, vectorIn, 1, vectorOut},
                              prepares,
                              scaleRun,
                              1,
                              used,
                              1,
                              checks,
                              0,
                              1,
                              used},
                             {{"add", "", 1, dims, 2, stateIn, 1, stateOut},
                              prepares,
                              addRun,
                              0,
                              nullptr,
                              0,
                              nullptr,
                              0,
                              0,
                              nullptr},
                             {{"boxes", "", 1, dims, 1, vectorIn, 1, vectorOut},
                              prepares,
                              boxesRun,
                              0,
                              nullptr,
                              0,
                              nullptr,
                              0,
                              0,
                              nullptr}};

const float weight[] = {10};
const int64_t shape[] = {1};
const mad_weight weights[] = {
    {"w", nullptr, MAD_F32, 1, shape, 0, 0, 0, 0, 0, 0, 0, weight, sizeof weight, 0}};

const int32_t all[] = {0, 1, 2}, older[] = {0, 1, 3};
const char ptx[] = "ptx of sm_80", cubin80[] = "cubin of sm_80", cubin90[] = "cubin of sm_90a";
const mad_image images[] = {{MAD_IMAGE_PTX, 80, 0, 3, older, ptx, sizeof ptx},
                            {MAD_IMAGE_CUBIN, 80, 1, 3, older, cubin80, sizeof cubin80},
                            {MAD_IMAGE_CUBIN, 90, 1, 3, all, cubin90, sizeof cubin90}};
const mad_variant variants[] = {{"x86-64", 0, MAD_DEVICE_NONE, 0, 0, 0, nullptr, nullptr},
                                {"cuda", 0, MAD_DEVICE_CUDA, 0, 4, 3, kernels, images}};

} // namespace

mad_artifact cuda_model() {
  return {MAD_ARTIFACT_MAGIC,
          MAD_ABI_VERSION,
          sizeof(mad_artifact),
          "model",
          "by hand",
          "{}",
          nullptr,
          2,
          variants,
          3,
          entries,
          1,
          weights};
}

FakeKernel cuda_model_kernel(const char *name) {
  return std::string_view(name) == "scale"   ? scaleKernel
         : std::string_view(name) == "add"   ? addKernel
         : std::string_view(name) == "boxes" ? boxesKernel
         : std::string_view(name) == "plain" ? scaleKernel
                                             : nullptr;
}

const float *cuda_model_weight() { return lastWeight; }
