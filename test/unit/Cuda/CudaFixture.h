//===- CudaFixture.h - A context on a GPU of the test ----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A model written by hand, on a driver of the test (FakeGpu.h): what is called, in what order,
// and what becomes of each failure.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_TEST_UNIT_CUDA_CUDAFIXTURE_H
#define MAD_TEST_UNIT_CUDA_CUDAFIXTURE_H

#include "CudaModel.h"
#include "FakeGpu.h"
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <vector>

class Cuda : public testing::Test {
protected:
  void SetUp() override {
    setenv("MAD_CUDA_DRIVER", MAD_FAKE_GPU, 1);
    unsetenv("MAD_DEVICE");
    library = dlopen(MAD_FAKE_GPU, RTLD_NOW | RTLD_LOCAL);
    ASSERT_TRUE(library) << dlerror();
    find("fake_gpu_reset", reset);
    FakeGpu *(*get)() = nullptr;
    find("fake_gpu", get);
    find("fake_gpu_memory", memory);
    find("fake_gpu_free", release);
    find("fake_gpu_context", hostContext);
    ASSERT_TRUE(reset && get && memory && release && hostContext);
    reset();
    gpu = get();
    gpu->kernelOf = cuda_model_kernel;
    gpu->params = 5;
    model = cuda_model();
    ASSERT_EQ(mad_module_create(&model, &module, &error), MAD_OK) << error.message;
  }
  void TearDown() override {
    gpu->failAt = -1;
    mad_context_destroy(context);
    mad_module_destroy(module);
    EXPECT_EQ(gpu->held, 0) << gpu->heldBytes << " bytes";
    EXPECT_EQ(gpu->streams, 0);
    EXPECT_EQ(gpu->graphs, 0);
    EXPECT_EQ(gpu->modules, 0);
    EXPECT_EQ(gpu->retained, 0);
    EXPECT_EQ(gpu->pushed, 0);
    EXPECT_EQ(gpu->wrongs, 0) << gpu->wrong;
    dlclose(library);
  }
  template <typename F> void find(const char *name, F &function) {
    void *found = dlsym(library, name);
    memcpy(&function, &found, sizeof found);
  }
  mad_status create(const char *device, mad_context **made = nullptr) {
    const mad_context_options options = {sizeof options, device, nullptr, nullptr};
    return mad_context_create_with(module, &options, made ? made : &context, &error);
  }
  /// y = 2 * x + w.
  mad_status scale(void *x, void *y, int64_t size, mad_context *on = nullptr) {
    const int64_t shape[] = {size};
    const mad_tensor input = {x, shape, 1, MAD_F32}, output = {y, shape, 1, MAD_F32};
    return mad_entry_call(on ? on : context, 0, &input, 1, &output, 1);
  }
  mad_status scale(std::vector<float> &x, std::vector<float> &y) {
    return scale(x.data(), y.data(), int64_t(x.size()));
  }
  const char *message() { return mad_context_message(context); }

  void *library = nullptr;
  void (*reset)() = nullptr;
  void *(*memory)(long) = nullptr;
  void (*release)(void *) = nullptr;
  void *(*hostContext)() = nullptr;
  FakeGpu *gpu = nullptr;
  mad_artifact model;
  mad_module *module = nullptr;
  mad_context *context = nullptr;
  mad_error error{};
  std::vector<float> x = {1, 2, 3}, y = {0, 0, 0};
  void *first = nullptr, *second = nullptr; ///< memory of the device that a test keeps
};

using Floats = std::vector<float>;

#endif // MAD_TEST_UNIT_CUDA_CUDAFIXTURE_H
