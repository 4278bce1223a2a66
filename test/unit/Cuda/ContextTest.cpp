//===- ContextTest.cpp - Calls on a GPU, without one ---------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A model written by hand, on a driver of the test (FakeGpu.h): what is called, in what order,
// and what becomes of each failure.
//
//===----------------------------------------------------------------------===//
#include "CudaModel.h"
#include "FakeGpu.h"
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

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

//===- Which device ---------------------------------------------------------------===//

TEST_F(Cuda, AutoTakesTheGpu) {
  ASSERT_EQ(mad_context_create(module, &context, &error), MAD_OK) << error.message;
  EXPECT_STREQ(mad_context_device(context), "cuda:0");
  EXPECT_STREQ(mad_context_variant(context), "cuda");
  ASSERT_EQ(scale(x, y), MAD_OK) << message();
  EXPECT_EQ(y, (Floats{12, 14, 16}));
  EXPECT_EQ(gpu->launches, 1);
}

TEST_F(Cuda, AutoTakesTheCpuWhereThereIsNoGpu) {
  for (int way = 0; way < 5; ++way) {
    reset();
    setenv("MAD_CUDA_DRIVER", way == 0 ? "/no/such/libcuda.so.1" : MAD_FAKE_GPU, 1);
    gpu->init = way == 1 ? 100 : 0;
    gpu->devices = way == 2 ? 0 : 1;
    gpu->version = way == 3 ? 11080 : 13000;
    gpu->chip = way == 4 ? 75 : 90;
    gpu->kernelOf = cuda_model_kernel;
    ASSERT_EQ(mad_context_create(module, &context, &error), MAD_OK) << way << error.message;
    EXPECT_STREQ(mad_context_device(context), "cpu");
    EXPECT_STREQ(mad_context_variant(context), "x86-64");
    ASSERT_EQ(scale(x, y), MAD_OK) << message();
    EXPECT_EQ(y, (Floats{12, 14, 16}));
    EXPECT_EQ(gpu->launches, 0);
    mad_context_destroy(context);
    context = nullptr;
  }
}

TEST_F(Cuda, OtherFailuresAreToldAlsoByAuto) {
  gpu->failAt = 8;
  EXPECT_EQ(mad_context_create(module, &context, &error), MAD_OUT_OF_MEMORY) << error.message;
  EXPECT_EQ(context, nullptr);
}

TEST_F(Cuda, TheHostMayForceOne) {
  ASSERT_EQ(create("cpu"), MAD_OK);
  EXPECT_STREQ(mad_context_device(context), "cpu");
  EXPECT_EQ(mad_context_cuda_stream(context), nullptr);
  EXPECT_EQ(gpu->calls, 0) << "the driver is not asked";
  mad_context_destroy(context);
  setenv("MAD_DEVICE", "cpu", 1);
  ASSERT_EQ(mad_context_create(module, &context, &error), MAD_OK);
  EXPECT_STREQ(mad_context_device(context), "cpu");
  mad_context_destroy(context);
  gpu->devices = 2;
  setenv("MAD_DEVICE", "cuda:1", 1);
  ASSERT_EQ(mad_context_create(module, &context, &error), MAD_OK) << error.message;
  EXPECT_STREQ(mad_context_device(context), "cuda:1");
  mad_context_destroy(context);
  // What the program says comes first.
  ASSERT_EQ(create("cuda"), MAD_OK);
  EXPECT_STREQ(mad_context_device(context), "cuda:0");
  EXPECT_NE(mad_context_cuda_stream(context), nullptr);
}

TEST_F(Cuda, NamesOfDevices) {
  for (const char *name : {"gpu", "cuda:", "cuda:x", "cuda0", "cuda:-1", "cuda:12345", "CPU"}) {
    EXPECT_EQ(create(name), MAD_INVALID_ARGUMENT) << name;
    EXPECT_EQ(std::string(error.message), "the device is `" + std::string(name) +
                                              "`, expected `cpu`, `cuda`, `cuda:1` or `auto`");
  }
  setenv("MAD_DEVICE", "tpu", 1);
  EXPECT_EQ(create(nullptr), MAD_INVALID_ARGUMENT);
  EXPECT_STREQ(error.message, "the environment variable MAD_DEVICE is `tpu`, expected `cpu`, "
                              "`cuda`, `cuda:1` or `auto`");
}

TEST_F(Cuda, WhatIsMissingIsSaid) {
  EXPECT_EQ(create("cuda:3"), MAD_UNSUPPORTED);
  EXPECT_STREQ(error.message, "there is no GPU `cuda:3`, expected `cuda:0` to `cuda:0`");
  gpu->devices = 0;
  EXPECT_EQ(create("cuda"), MAD_UNSUPPORTED);
  EXPECT_STREQ(error.message, "there is no GPU on this machine that its CUDA driver can use; use "
                              "the code for CPUs");
  gpu->devices = 1;
  gpu->version = 11080;
  EXPECT_EQ(create("cuda"), MAD_UNSUPPORTED);
  EXPECT_STREQ(error.message, "the CUDA driver is one of CUDA 11.8, expected 12.0 or later; "
                              "install a newer driver of NVIDIA, or use the code for CPUs");
  gpu->version = 13000;
  gpu->init = 100;
  EXPECT_EQ(create("cuda"), MAD_UNSUPPORTED);
  EXPECT_STREQ(error.message, "cannot start the CUDA driver: CUDA_ERROR_NO_DEVICE (100), no "
                              "CUDA-capable device is detected");
  gpu->init = 0;
  gpu->chip = 75;
  EXPECT_EQ(create("cuda"), MAD_UNSUPPORTED);
  EXPECT_STREQ(error.message, "the kernel `scale` has no code for this GPU (sm_75), expected "
                              "sm_80 or later");
  setenv("MAD_CUDA_DRIVER", "/no/such/libcuda.so.1", 1);
  EXPECT_EQ(create("cuda"), MAD_UNSUPPORTED);
  EXPECT_TRUE(strstr(error.message, "there is no CUDA driver on this machine")) << error.message;
  EXPECT_EQ(context, nullptr);
}

TEST_F(Cuda, CodeThatIsNotThereIsSaid) {
  mad_module_destroy(module);
  mad_variant both[] = {model.variants[0], model.variants[1]};
  model.num_variants = 1;
  model.variants = both;
  ASSERT_EQ(mad_module_create(&model, &module, &error), MAD_OK);
  EXPECT_EQ(create("cuda"), MAD_UNSUPPORTED);
  EXPECT_STREQ(error.message, "`model` has no code for CUDA; build it with `--target=cuda` or "
                              "`--target=cpu,cuda`");
  EXPECT_EQ(create("auto"), MAD_OK);
  mad_context_destroy(context);
  mad_module_destroy(module);
  // Code for GPUs alone: the same entries, of which the first variant does not count.
  both[0].features = 1ull << 63;
  model.num_variants = 2;
  ASSERT_EQ(mad_module_create(&model, &module, &error), MAD_OK) << error.message;
  EXPECT_STREQ(mad_module_variant(module), "cuda");
  EXPECT_EQ(create("cpu"), MAD_UNSUPPORTED);
  EXPECT_STREQ(error.message, "`model` has code for GPUs alone; build it with `--target=cpu,cuda`");
  gpu->devices = 0;
  EXPECT_EQ(create("auto"), MAD_UNSUPPORTED);
  EXPECT_STREQ(error.message, "there is no GPU on this machine that its CUDA driver can use; use "
                              "the code for CPUs");
  context = nullptr;
}

TEST_F(Cuda, OptionsOfAnotherVersion) {
  struct {
    mad_context_options known;
    int64_t more;
  } larger = {{sizeof larger, "cpu", nullptr, nullptr}, 0};
  EXPECT_EQ(mad_context_create_with(module, &larger.known, &context, &error), MAD_OK);
  mad_context_destroy(context);
  larger.more = 1;
  EXPECT_EQ(mad_context_create_with(module, &larger.known, &context, &error), MAD_INVALID_ARGUMENT);
  mad_context_options none = {};
  EXPECT_EQ(mad_context_create_with(module, &none, &context, &error), MAD_INVALID_ARGUMENT);
  EXPECT_EQ(context, nullptr);
}

TEST_F(Cuda, DamagedTablesAreRefused) {
  const mad_variant good = model.variants[1];
  mad_image image = good.images[0];
  mad_kernel kernel = {nullptr, "", 0, 0};
  const int32_t numbers[] = {0, 3};
  for (int way = 0; way < 7; ++way) {
    mad_variant both[] = {model.variants[0], good};
    image = good.images[0];
    both[1].images = &image;
    both[1].num_images = 1;
    const char *text = "an image of kernels is not complete";
    if (way == 0) {
      image.data = nullptr;
    } else if (way == 1) {
      image.kind = 7;
    } else if (way == 2) {
      image.kernels = numbers;
    } else if (way == 3) {
      --image.bytes; // without the end of the text
    } else if (way == 4) {
      both[1].kernels = &kernel;
      text = "a kernel has no name";
    } else if (way == 5) {
      both[1].images = nullptr;
      text = "a code variant has no kernels or images";
    } else {
      both[1].device = 3;
      text = "a code variant has no name, or a kind that is not known";
    }
    mad_artifact damaged = model;
    damaged.variants = both;
    mad_module *none = nullptr;
    EXPECT_EQ(mad_module_create(&damaged, &none, &error), MAD_BAD_FORMAT) << way;
    EXPECT_TRUE(strstr(error.message, text)) << error.message;
  }
}

//===- Code ---------------------------------------------------------------------===//

TEST_F(Cuda, TheBestImageIsLoaded) {
  const std::pair<int, const char *> chips[] = {
      {80, "cubin of sm_80"}, {86, "ptx of sm_80"}, {90, "cubin of sm_90a"}, {100, "ptx of sm_80"}};
  for (auto [chip, image] : chips) {
    gpu->chip = chip;
    ASSERT_EQ(create("cuda"), MAD_OK) << error.message;
    EXPECT_STREQ(gpu->loaded, image) << chip;
    EXPECT_EQ(gpu->modules, 1);
    mad_context_destroy(context);
    context = nullptr;
  }
}

TEST_F(Cuda, WhatTheCompilerOfTheDriverSaysIsTold) {
  gpu->chip = 86;
  gpu->refuseImage = 218;
  gpu->log = "ptxas application ptx input, line 9; fatal";
  EXPECT_EQ(create("cuda"), MAD_INTERNAL);
  EXPECT_STREQ(error.message,
               "cannot load the GPU code of `model`: CUDA_ERROR_INVALID_PTX (218), a PTX JIT "
               "compilation failed: ptxas application ptx input, line 9; fatal");
}

TEST_F(Cuda, ContextsShareCodeAndWeights) {
  mad_context *second = nullptr;
  ASSERT_EQ(create("cuda"), MAD_OK);
  ASSERT_EQ(create("cuda", &second), MAD_OK);
  EXPECT_EQ(gpu->modules, 1);
  EXPECT_EQ(gpu->streams, 2);
  EXPECT_EQ(scale(x, y), MAD_OK);
  int copies = gpu->copies;
  EXPECT_EQ(copies, 4) << "the weight, the input, the status, the result";
  EXPECT_EQ(scale(x.data(), y.data(), 3, second), MAD_OK);
  EXPECT_EQ(gpu->copies, copies + 3);
  mad_context_destroy(context);
  context = nullptr;
  EXPECT_EQ(scale(x.data(), y.data(), 3, second), MAD_OK) << "the code stays";
  mad_context_destroy(second);
  EXPECT_EQ(gpu->modules, 0);
}

TEST_F(Cuda, ThreadsHaveContexts) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      mad_context *own = nullptr;
      ASSERT_EQ(create("cuda", &own), MAD_OK);
      for (int round = 0; round < 20; ++round) {
        Floats from(5 + t, float(t)), to(5 + t);
        ASSERT_EQ(scale(from.data(), to.data(), int64_t(from.size()), own), MAD_OK);
        EXPECT_EQ(to, Floats(5 + t, 2.0f * t + 10));
      }
      mad_context_destroy(own);
    });
  for (std::thread &thread : threads)
    thread.join();
}

TEST_F(Cuda, PackedWeightsAreRowByRowThere) {
  mad_module_destroy(module);
  // [2, 5] in panels of 4 columns: the first weight is what lies at 0, 0.
  const float packed[] = {10, 1, 2, 3, 5, 6, 7, 8, 4, 0, 0, 0, 9, 0, 0, 0};
  const int64_t shape[] = {2, 5};
  const mad_weight weight = {"w", nullptr, MAD_F32, 2, shape, 0, 4, 1, 0, packed, sizeof packed, 0};
  model.weights = &weight;
  ASSERT_EQ(mad_module_create(&model, &module, &error), MAD_OK) << error.message;
  ASSERT_EQ(create("cuda"), MAD_OK);
  EXPECT_EQ(scale(x, y), MAD_OK);
  EXPECT_EQ(Floats(cuda_model_weight(), cuda_model_weight() + 10),
            (Floats{10, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

//===- Memory -------------------------------------------------------------------===//

TEST_F(Cuda, MemoryIsKeptAndGrows) {
  ASSERT_EQ(create("cuda"), MAD_OK);
  EXPECT_EQ(scale(x, y), MAD_OK);
  int allocations = gpu->allocations;
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(scale(x, y), MAD_OK);
  EXPECT_EQ(gpu->allocations, allocations);
  Floats large(1000, 1), result(1000);
  EXPECT_EQ(scale(large, result), MAD_OK);
  EXPECT_EQ(result, Floats(1000, 12));
  EXPECT_EQ(gpu->allocations, allocations + 1);
  long bytes = gpu->heldBytes;
  EXPECT_EQ(scale(x, y), MAD_OK);
  EXPECT_EQ(gpu->heldBytes, bytes);
  Floats none;
  EXPECT_EQ(scale(none, none), MAD_OK);
}

//===- Graphs ---------------------------------------------------------------------===//

TEST_F(Cuda, CallsThatAreRepeatedBecomeAGraph) {
  ASSERT_EQ(create("cuda"), MAD_OK);
  for (int i = 0; i < 5; ++i) {
    x = {float(i), 2, 3}, y = {0, 0, 0};
    ASSERT_EQ(scale(x, y), MAD_OK) << message();
    EXPECT_EQ(y, (Floats{float(2 * i + 10), 14, 16})) << i;
  }
  EXPECT_EQ(gpu->launches, 1) << "the first call alone runs as it is";
  EXPECT_EQ(gpu->graphLaunches, 4);
  EXPECT_EQ(gpu->graphs, 1);
  Floats other(2, 1), result(2);
  for (int i = 0; i < 3; ++i)
    ASSERT_EQ(scale(other, result), MAD_OK);
  EXPECT_EQ(result, Floats(2, 12));
  EXPECT_EQ(gpu->launches, 2);
  EXPECT_EQ(gpu->graphs, 2);
}

TEST_F(Cuda, GraphsOfManySizesGo) {
  ASSERT_EQ(create("cuda"), MAD_OK);
  Floats most(100, 1), result(100);
  ASSERT_EQ(scale(most, result), MAD_OK); // memory for all of them
  for (int64_t n = 1; n <= 50; ++n)
    for (int i = 0; i < 2; ++i)
      if (n != 13 && n != 17)
        ASSERT_EQ(scale(most.data(), result.data(), n), MAD_OK) << n << message();
  EXPECT_LE(gpu->graphs, 32);
  EXPECT_EQ(gpu->graphLaunches, 48);
}

TEST_F(Cuda, AFailedCheckIsToldByAGraph) {
  ASSERT_EQ(create("cuda"), MAD_OK);
  Floats bad(13, 1), result(13);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(scale(bad, result), MAD_OUT_OF_RANGE) << i;
    EXPECT_NE(std::string(message()).find("an index is out of range"), std::string::npos);
  }
  EXPECT_EQ(gpu->graphLaunches, 3);
}

/// Whatever fails of a graph, the call is done without it, or its failure is told.
TEST_F(Cuda, EachCallForAGraphMayFail) {
  ASSERT_EQ(create("cuda"), MAD_OK);
  ASSERT_EQ(scale(x, y), MAD_OK);
  const int start = gpu->calls;
  ASSERT_EQ(scale(x, y), MAD_OK);
  const int calls = gpu->calls - start;
  ASSERT_EQ(gpu->graphLaunches, 1);
  mad_context_destroy(context);
  for (int at = 0; at < calls; ++at) {
    context = nullptr;
    ASSERT_EQ(create("cuda"), MAD_OK);
    // Other numbers: what the first call left on the GPU is no result of the second.
    Floats before = {7, 8, 9};
    ASSERT_EQ(scale(before, y), MAD_OK);
    gpu->failAt = gpu->calls + at;
    gpu->failWith = 1;
    y = {0, 0, 0};
    mad_status status = scale(x, y);
    const std::string failed = gpu->failedCall;
    gpu->failAt = -1;
    if (failed.starts_with("cuGraph") || failed.ends_with("Capture") ||
        failed.ends_with("Capture_v2"))
      EXPECT_EQ(status, MAD_OK) << failed << message();
    if (status == MAD_OK)
      EXPECT_EQ(y, (Floats{12, 14, 16})) << failed;
    for (int i = 0; i < 2; ++i) {
      y = {0, 0, 0};
      EXPECT_EQ(scale(x, y), MAD_OK) << failed << message();
      EXPECT_EQ(y, (Floats{12, 14, 16})) << failed;
    }
    mad_context_destroy(context);
    EXPECT_EQ(gpu->graphs, 0) << failed;
    EXPECT_EQ(gpu->wrongs, 0) << failed << gpu->wrong;
  }
  context = nullptr;
}

TEST_F(Cuda, CallsThatReadAreNoGraphs) {
  ASSERT_EQ(create("cuda"), MAD_OK);
  Floats numbers(17, 1), result(17);
  for (int i = 0; i < 4; ++i) {
    numbers[0] = i == 3 ? -1 : 1;
    ASSERT_EQ(scale(numbers, result), MAD_OK) << message();
    EXPECT_EQ(result, Floats(17, 12)) << "the last call computes nothing";
  }
  EXPECT_EQ(gpu->launches, 3);
  EXPECT_EQ(gpu->graphLaunches, 0);
}

/// A graph is of the places where its operands lie.
TEST_F(Cuda, GraphsKnowWhereOperandsLie) {
  ASSERT_EQ(create("cuda"), MAD_OK);
  float *in[2], *out[2];
  for (int k = 0; k < 2; ++k) {
    in[k] = static_cast<float *>(memory(12));
    out[k] = static_cast<float *>(memory(12));
    for (int i = 0; i < 3; ++i)
      in[k][i] = float(10 * k + i);
  }
  for (int round = 0; round < 3; ++round)
    for (int k = 0; k < 2; ++k) {
      memset(out[k], 0, 12);
      ASSERT_EQ(scale(in[k], out[k], 3), MAD_OK) << message();
      for (int i = 0; i < 3; ++i)
        EXPECT_EQ(out[k][i], 2 * in[k][i] + 10) << round << k;
    }
  EXPECT_EQ(gpu->graphLaunches, 4);
  for (int k = 0; k < 2; ++k) {
    release(in[k]);
    release(out[k]);
  }
}

TEST_F(Cuda, AStateIsUpdatedInPlace) {
  ASSERT_EQ(create("cuda"), MAD_OK);
  const int64_t shape[] = {3};
  mad_tensor inputs[] = {{y.data(), shape, 1, MAD_F32}, {x.data(), shape, 1, MAD_F32}};
  for (int i = 0; i < 3; ++i)
    ASSERT_EQ(mad_entry_call(context, 1, inputs, 2, inputs, 1), MAD_OK) << message();
  EXPECT_EQ(y, (Floats{3, 6, 9}));
}

TEST_F(Cuda, TensorsOnTheGpuAreUsedThere) {
  ASSERT_EQ(create("cuda"), MAD_OK);
  EXPECT_EQ(scale(x, y), MAD_OK);
  auto *from = static_cast<float *>(memory(64)), *to = static_cast<float *>(memory(64));
  memcpy(from, x.data(), 12);
  int copies = gpu->copies;
  ASSERT_EQ(scale(from, to, 3), MAD_OK) << message();
  EXPECT_EQ(Floats(to, to + 3), (Floats{12, 14, 16}));
  EXPECT_EQ(gpu->copies, copies + 1) << "the status";
  // One that starts elsewhere is copied there: kernels read 16 bytes at once.
  ASSERT_EQ(scale(from + 1, y.data(), 2), MAD_OK);
  EXPECT_EQ(gpu->copies, copies + 4);
  EXPECT_EQ(y[1], 16);
  ASSERT_EQ(scale(from, to + 5, 2), MAD_OK);
  EXPECT_EQ(to[6], 14);
  release(from);
  release(to);
}

TEST_F(Cuda, AContextAndAStreamOfTheHost) {
  int stream = 0;
  const mad_context_options options = {sizeof options, "cuda", hostContext(), &stream};
  ASSERT_EQ(mad_context_create_with(module, &options, &context, &error), MAD_OK) << error.message;
  EXPECT_EQ(gpu->retained, 0);
  EXPECT_EQ(gpu->streams, 0);
  EXPECT_EQ(mad_context_cuda_stream(context), &stream);
  ASSERT_EQ(scale(x, y), MAD_OK);
  EXPECT_EQ(gpu->lastStream, &stream);
}

TEST_F(Cuda, AContextOnAGpuStaysThere) {
  ASSERT_EQ(create("cuda"), MAD_OK);
  const mad_device none = {};
  EXPECT_EQ(mad_context_set_device(context, &none), MAD_INVALID_ARGUMENT);
  EXPECT_STREQ(message(), "the context computes on a GPU, and cannot be given another device");
  EXPECT_EQ(scale(x, y), MAD_OK);
}

TEST_F(Cuda, MuchSharedMemoryIsAskedForOnce) {
  ASSERT_EQ(create("cuda"), MAD_OK);
  EXPECT_EQ(scale(x, y), MAD_OK);
  EXPECT_EQ(gpu->sharedBytes, 0);
  Floats large(20000), result(20000);
  EXPECT_EQ(scale(large, result), MAD_OK) << message();
  EXPECT_EQ(gpu->sharedBytes, 80000);
  gpu->sharedBytes = 0;
  EXPECT_EQ(scale(large, result), MAD_OK);
  EXPECT_EQ(gpu->sharedBytes, 0);
}

//===- Tensor maps --------------------------------------------------------------===//

/// What the kernel of the model makes of x: what the map says, then x + 132.
static Floats boxesOf(const Floats &x) {
  Floats expected;
  for (float value : x)
    expected.push_back(value + 132);
  const float told[] = {
      MAD_CU_TENSOR_F16, 2, 64, float(x.size() / 32), 0, 0, 0, 128, 0, 0, 128, 64, 128};
  std::copy(std::begin(told), std::end(told), expected.begin());
  return expected;
}

TEST_F(Cuda, ATensorMapIsAParameter) {
  ASSERT_EQ(create("cuda"), MAD_OK);
  const int64_t shape[] = {96};
  // From the third call on it is a graph, which has a copy of the map; tensors lie elsewhere each
  // time.
  for (int round = 0; round < 2; ++round) {
    auto *from = static_cast<float *>(memory(96 * 4)), *to = static_cast<float *>(memory(96 * 4));
    const mad_tensor input = {from, shape, 1, MAD_F32}, output = {to, shape, 1, MAD_F32};
    for (int call = 0; call < 4; ++call) {
      Floats values;
      for (int i = 0; i < 96; ++i)
        values.push_back(float(i * (call + 1) + round));
      std::copy(values.begin(), values.end(), from);
      ASSERT_EQ(mad_entry_call(context, 2, &input, 1, &output, 1), MAD_OK) << message();
      EXPECT_EQ(Floats(to, to + 96), boxesOf(values)) << round << call;
    }
    EXPECT_EQ(gpu->graphLaunches, 3 * (round + 1));
    if (round == 1) {
      release(from);
      release(to);
    } else {
      first = from, second = to; // stay, so that others have other addresses
    }
  }
  release(first);
  release(second);
}

TEST_F(Cuda, NothingIsDescribedOfNoRows) {
  ASSERT_EQ(create("cuda"), MAD_OK);
  const int64_t shape[] = {0};
  const mad_tensor input = {nullptr, shape, 1, MAD_F32}, output = {nullptr, shape, 1, MAD_F32};
  EXPECT_EQ(mad_entry_call(context, 2, &input, 1, &output, 1), MAD_OK) << message();
  EXPECT_EQ(gpu->launches, 0);
}

TEST_F(Cuda, ATensorMapThatTheDriverRefusesIsTold) {
  const int64_t shape[] = {64};
  Floats values(64), results(64);
  const mad_tensor input = {values.data(), shape, 1, MAD_F32},
                   output = {results.data(), shape, 1, MAD_F32};
  for (int capture : {0, 5}) {
    int refused = 0;
    gpu->params = capture;
    ASSERT_EQ(create("cuda"), MAD_OK);
    ASSERT_EQ(mad_entry_call(context, 2, &input, 1, &output, 1), MAD_OK) << message();
    // The second call asks for a capture; where there is none, it is not asked for again.
    if (!capture)
      ASSERT_EQ(mad_entry_call(context, 2, &input, 1, &output, 1), MAD_OK) << message();
    for (int at = capture ? 5 : 0; at < 20; ++at) {
      gpu->calls = 0;
      gpu->failAt = at;
      gpu->failWith = 1;
      gpu->failedCall[0] = 0;
      const mad_status status = mad_entry_call(context, 2, &input, 1, &output, 1);
      gpu->failAt = -1;
      if (std::string_view(gpu->failedCall) != "cuTensorMapEncodeTiled")
        continue;
      ++refused;
      // Where the call was to be captured, it runs once more.
      if (capture)
        EXPECT_EQ(status, MAD_OK) << message();
      else
        EXPECT_STREQ(message(), "`boxes` on the device: cannot describe a matrix to the GPU's copy "
                                "engine: CUDA_ERROR_INVALID_VALUE (1), invalid argument");
    }
    EXPECT_EQ(refused, 1);
    EXPECT_EQ(mad_entry_call(context, 2, &input, 1, &output, 1), MAD_OK) << message();
    mad_context_destroy(context);
    context = nullptr;
  }
}

TEST_F(Cuda, KernelsOfOneChipAreForItAlone) {
  gpu->chip = 80;
  ASSERT_EQ(create("cuda"), MAD_OK) << "it is not looked for in the code of another chip";
  const int64_t shape[] = {64};
  Floats values(64), results(64);
  const mad_tensor input = {values.data(), shape, 1, MAD_F32},
                   output = {results.data(), shape, 1, MAD_F32};
  EXPECT_EQ(mad_entry_call(context, 2, &input, 1, &output, 1), MAD_UNSUPPORTED);
  EXPECT_STREQ(message(),
               "`boxes` on the device: cannot run the kernel `boxes` (model.mad:3:2): it is for "
               "another chip");
}

//===- Calls that do not wait -------------------------------------------------===//

TEST_F(Cuda, CallsMayReturnBeforeTheirWorkIsDone) {
  ASSERT_EQ(create("cuda"), MAD_OK);
  EXPECT_EQ(mad_context_synchronize(context), MAD_OK) << "there is nothing to wait for";
  ASSERT_EQ(mad_context_set_async(context, 1), MAD_OK);
  const int64_t shape[] = {3};
  mad_tensor inputs[] = {{y.data(), shape, 1, MAD_F32}, {x.data(), shape, 1, MAD_F32}};
  for (int i = 0; i < 3; ++i)
    ASSERT_EQ(mad_entry_call(context, 1, inputs, 2, inputs, 1), MAD_OK) << message();
  EXPECT_EQ(gpu->waits, 0);
  EXPECT_EQ(mad_context_synchronize(context), MAD_OK);
  EXPECT_EQ(gpu->waits, 1);
  EXPECT_EQ(mad_context_synchronize(context), MAD_OK);
  EXPECT_EQ(gpu->waits, 1);
  EXPECT_EQ(y, (Floats{3, 6, 9}));
  EXPECT_EQ(mad_context_set_async(context, 0), MAD_OK);
  EXPECT_EQ(mad_entry_call(context, 1, inputs, 2, inputs, 1), MAD_OK);
  EXPECT_EQ(gpu->waits, 2);
}

TEST_F(Cuda, WhatFailsLaterIsToldWhenItIsWaitedFor) {
  ASSERT_EQ(create("cuda"), MAD_OK);
  EXPECT_EQ(scale(x, y), MAD_OK);
  ASSERT_EQ(mad_context_set_async(context, 1), MAD_OK);
  Floats thirteen(13), result(13);
  EXPECT_EQ(scale(thirteen, result), MAD_OK);
  EXPECT_EQ(mad_context_synchronize(context), MAD_OUT_OF_RANGE);
  EXPECT_STREQ(message(),
               "model.mad:3:4: an index is out of range: found 13, expected 0 <= index < 7");
  // By the next call, which does not take place.
  EXPECT_EQ(scale(thirteen, result), MAD_OK);
  int launches = gpu->launches;
  EXPECT_EQ(scale(x, y), MAD_OUT_OF_RANGE);
  EXPECT_EQ(gpu->launches, launches);
  EXPECT_EQ(scale(x, y), MAD_OK);
  gpu->atSynchronize = 700;
  EXPECT_EQ(mad_context_synchronize(context), MAD_INTERNAL);
  EXPECT_TRUE(strstr(message(), "CUDA_ERROR_ILLEGAL_ADDRESS (700)")) << message();
  mad_context_destroy(context);
  context = nullptr;
  reset();
}

TEST_F(Cuda, WorkOfOtherStreamsIsWaitedFor) {
  ASSERT_EQ(create("cuda"), MAD_OK);
  int stream = 0;
  for (int i = 0; i < 2; ++i)
    for (void *other : {static_cast<void *>(nullptr), static_cast<void *>(&stream)}) {
      gpu->waited = nullptr;
      EXPECT_EQ(mad_context_wait_for(context, other), MAD_OK) << message();
      EXPECT_EQ(gpu->recorded, other);
      EXPECT_EQ(gpu->waited, mad_context_cuda_stream(context));
      EXPECT_EQ(gpu->events, 1);
    }
  gpu->waited = nullptr;
  EXPECT_EQ(mad_context_wait_for(context, mad_context_cuda_stream(context)), MAD_OK);
  EXPECT_EQ(gpu->waited, nullptr) << "it is in order with itself";
  EXPECT_EQ(gpu->waits, 0) << "the host goes on";
  EXPECT_EQ(scale(x, y), MAD_OK);
  mad_context_destroy(context);
  context = nullptr;
  EXPECT_EQ(gpu->events, 0);
  EXPECT_EQ(mad_context_wait_for(nullptr, nullptr), MAD_INVALID_ARGUMENT);
}

TEST_F(Cuda, AStreamThatCannotBeWaitedForIsTold) {
  // The context, the event, its record, the wait.
  for (int at = 0; at < 4; ++at) {
    ASSERT_EQ(create("cuda"), MAD_OK);
    gpu->calls = 0;
    gpu->failAt = at;
    gpu->failWith = 400;
    EXPECT_EQ(mad_context_wait_for(context, nullptr), MAD_INTERNAL) << at;
    EXPECT_TRUE(strstr(message(), "cannot wait for a stream of the GPU: ")) << message();
    gpu->failAt = -1;
    EXPECT_EQ(mad_context_wait_for(context, nullptr), MAD_OK) << message();
    EXPECT_STREQ(message(), "");
    mad_context_destroy(context);
    context = nullptr;
    EXPECT_EQ(gpu->events, 0);
  }
}

TEST_F(Cuda, OnACpuAllIsDoneAtOnce) {
  ASSERT_EQ(create("cpu"), MAD_OK);
  EXPECT_EQ(mad_context_set_async(context, 1), MAD_OK);
  EXPECT_EQ(scale(x, y), MAD_OK);
  EXPECT_EQ(y, (Floats{12, 14, 16}));
  EXPECT_EQ(mad_context_synchronize(context), MAD_OK);
  EXPECT_EQ(mad_context_wait_for(context, nullptr), MAD_OK);
  EXPECT_EQ(mad_context_synchronize(nullptr), MAD_INVALID_ARGUMENT);
  EXPECT_EQ(mad_context_set_async(nullptr, 1), MAD_INVALID_ARGUMENT);
}

//===- Failures -----------------------------------------------------------------===//

TEST_F(Cuda, AFailedCheckIsTold) {
  ASSERT_EQ(create("cuda"), MAD_OK);
  Floats thirteen(13), result(13);
  EXPECT_EQ(scale(thirteen, result), MAD_OUT_OF_RANGE);
  EXPECT_STREQ(message(),
               "model.mad:3:4: an index is out of range: found 13, expected 0 <= index < 7");
  EXPECT_EQ(scale(x, y), MAD_OK) << "the status is cleared";
}

TEST_F(Cuda, EachCallOfTheDriverMayFail) {
  // Once all is there and nothing fails, so that the number of calls is known.
  auto all = [&] {
    mad_status status = create("cuda");
    if (status == MAD_OK)
      status = scale(x, y);
    return status;
  };
  ASSERT_EQ(all(), MAD_OK);
  mad_context_destroy(context);
  context = nullptr;
  const int calls = gpu->calls;
  ASSERT_GT(calls, 20);
  int failures = 0;
  for (int at = 0; at < calls; ++at) {
    gpu->calls = 0;
    gpu->failAt = at;
    gpu->failWith = 1;
    gpu->failedCall[0] = 0;
    y = {0, 0, 0};
    mad_status status = all();
    std::string text = context ? message() : error.message;
    // What only gives back fails silently.
    if (*gpu->failedCall && status != MAD_OK) {
      ++failures;
      EXPECT_TRUE(text.find("CUDA_ERROR_INVALID_VALUE (1)") != std::string::npos)
          << gpu->failedCall << ": " << text;
      EXPECT_TRUE(text.find("cannot ") != std::string::npos) << text;
    } else {
      EXPECT_EQ(status, MAD_OK) << at << gpu->failedCall << text;
      EXPECT_EQ(y, (Floats{12, 14, 16})) << at << gpu->failedCall;
    }
    gpu->failAt = -1;
    if (context) {
      EXPECT_EQ(scale(x, y), MAD_OK) << gpu->failedCall << ": " << message();
      EXPECT_EQ(y, (Floats{12, 14, 16}));
    }
    mad_context_destroy(context);
    context = nullptr;
    EXPECT_EQ(gpu->held, 0) << gpu->failedCall;
    EXPECT_EQ(gpu->pushed, 0) << gpu->failedCall;
    EXPECT_EQ(gpu->wrongs, 0) << gpu->failedCall << gpu->wrong;
  }
  EXPECT_GT(failures, 20);
}

TEST_F(Cuda, TooLittleMemory) {
  ASSERT_EQ(create("cuda"), MAD_OK);
  // The context becomes current, and where two tensors lie is asked; then comes memory.
  gpu->failAt = gpu->calls + 3;
  EXPECT_EQ(scale(x, y), MAD_OUT_OF_MEMORY);
  EXPECT_STREQ(message(), "`scale` on the device: cannot allocate 768 bytes on the GPU: "
                          "CUDA_ERROR_OUT_OF_MEMORY (2), out of memory");
  EXPECT_EQ(scale(x, y), MAD_OK);
}

TEST_F(Cuda, AKernelThatDoesNotStartIsNamed) {
  ASSERT_EQ(create("cuda"), MAD_OK);
  EXPECT_EQ(scale(x, y), MAD_OK);
  // Behind those come the input, the status, a capture, which this GPU does not know, and the
  // launch.
  gpu->params = 0;
  gpu->failAt = gpu->calls + 6;
  gpu->failWith = 701;
  EXPECT_EQ(scale(x, y), MAD_INTERNAL);
  EXPECT_STREQ(message(), "`scale` on the device: cannot run the kernel `scale` (model.mad:1:2): "
                          "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES (701), too many resources requested "
                          "for launch");
}

TEST_F(Cuda, AfterAnErrorOfAKernelAllCallsFail) {
  ASSERT_EQ(create("cuda"), MAD_OK);
  EXPECT_EQ(scale(x, y), MAD_OK);
  gpu->atSynchronize = 700;
  EXPECT_EQ(scale(x, y), MAD_INTERNAL);
  EXPECT_STREQ(message(), "`scale` on the device: cannot finish work on the GPU: "
                          "CUDA_ERROR_ILLEGAL_ADDRESS (700), an illegal memory access was "
                          "encountered; this process cannot use the GPU any more");
  gpu->atSynchronize = 0;
  EXPECT_EQ(scale(x, y), MAD_INTERNAL);
  EXPECT_TRUE(strstr(message(), "CUDA_ERROR_ILLEGAL_ADDRESS (700)")) << message();
  mad_context_destroy(context);
  context = nullptr;
  EXPECT_EQ(create("cuda"), MAD_INTERNAL);
  // The driver is gone for this process: what it had is not given back.
  reset();
}

} // namespace
