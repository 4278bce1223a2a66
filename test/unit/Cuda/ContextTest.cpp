//===- ContextTest.cpp - Calls on a GPU, without one ---------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A model written by hand, on a driver of the test (FakeGpu.h): what is called, in what order,
// and what becomes of each failure.
//
//===----------------------------------------------------------------------===//
#include "CudaFixture.h"
#include <string>
#include <string_view>
#include <thread>

namespace {

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

TEST_F(Cuda, KernelsOfCodeThatWaitsOverlap) {
  // Machine code of sm_90a waits; that of sm_80, and PTX for all chips, does not.
  const struct {
    int chip, version, overlaps;
  } cases[] = {{90, 13000, 1}, {90, 12030, 1}, {90, 12020, 0}, {80, 13000, 0}, {89, 13000, 0}};
  for (auto [chip, version, overlaps] : cases) {
    reset();
    gpu->chip = chip, gpu->version = version;
    gpu->kernelOf = cuda_model_kernel;
    ASSERT_EQ(mad_context_create(module, &context, &error), MAD_OK) << error.message;
    ASSERT_EQ(scale(x, y), MAD_OK) << message();
    EXPECT_EQ(gpu->launches, 1);
    EXPECT_EQ(gpu->overlaps, overlaps) << chip << " " << version;
    mad_context_destroy(context);
    context = nullptr;
  }
}

TEST_F(Cuda, KernelsInTurnsOverlapWithFewBlocks) {
  // A block takes 256 numbers, of 132 multiprocessors half have one. Another kernel has a block
  // each.
  gpu->chip = 90;
  gpu->kernelOf = cuda_model_kernel;
  ASSERT_EQ(mad_context_create(module, &context, &error), MAD_OK) << error.message;
  for (auto [size, overlaps] : {std::pair(1, 1), {66 * 256, 2}, {66 * 256 + 1, 2}, {2, 3}}) {
    Floats from(size, 1), to(size);
    ASSERT_EQ(scale(from, to), MAD_OK) << message();
    EXPECT_EQ(gpu->overlaps, overlaps) << size;
  }
  Floats from(96, 1), to(96);
  const int64_t shape[] = {96};
  const mad_tensor input = {from.data(), shape, 1, MAD_F32},
                   output = {to.data(), shape, 1, MAD_F32};
  ASSERT_EQ(mad_entry_call(context, 2, &input, 1, &output, 1), MAD_OK) << message();
  EXPECT_EQ(gpu->overlaps, 4);
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
  const int32_t numbers[] = {0, 1, 4};
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
  const mad_weight weight = {"w", nullptr, MAD_F32, 2,      shape,         0, 4, 1, 0,
                             0,   0,       0,       packed, sizeof packed, 0};
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
