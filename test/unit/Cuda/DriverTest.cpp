//===- DriverTest.cpp - Loading the CUDA driver, and its errors ---------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A library of the test stands for the driver, so that no device is needed.
//
//===----------------------------------------------------------------------===//
#include "runtime/cuda/driver.h"
#include "gtest/gtest.h"
#include <dlfcn.h>

namespace {

class Driver : public testing::Test {
protected:
  void SetUp() override {
    mad_error error{};
    ASSERT_EQ(mad_cu_driver_load(MAD_FAKE_DRIVER, &driver, &error), MAD_OK) << error.message;
    result = static_cast<int *>(dlsym(driver.library, "fake_result"));
    shared = static_cast<int *>(dlsym(driver.library, "fake_shared_bytes"));
    ASSERT_TRUE(result && shared);
    *result = *shared = 0;
  }
  void TearDown() override {
    *result = 0;
    mad_cu_driver_unload(&driver);
  }
  mad_cu_driver driver{};
  mad_error error{};
  int *result = nullptr, *shared = nullptr;
};

TEST(NoDriver, MessageSaysWhatToDo) {
  mad_cu_driver driver;
  mad_error error{};
  EXPECT_EQ(mad_cu_driver_load("/no/such/libcuda.so.1", &driver, &error), MAD_UNSUPPORTED);
  EXPECT_STREQ(error.message,
               "there is no CUDA driver on this machine (/no/such/libcuda.so.1: cannot open "
               "shared object file: No such file or directory); install NVIDIA's driver, or use "
               "the code for CPUs");
  EXPECT_EQ(driver.library, nullptr);
  EXPECT_EQ(mad_cu_driver_load("/no/such/libcuda.so.1", &driver, nullptr), MAD_UNSUPPORTED);
}

TEST(NoDriver, AnotherLibraryIsNone) {
  mad_cu_driver driver;
  mad_error error{};
  EXPECT_EQ(mad_cu_driver_load("libm.so.6", &driver, &error), MAD_UNSUPPORTED);
  EXPECT_STREQ(error.message, "the CUDA driver `libm.so.6` has no function `cuInit`, expected a "
                              "driver of CUDA 12.0 or later");
  EXPECT_EQ(driver.library, nullptr);
}

TEST_F(Driver, StartThatFailsUnloads) {
  *result = 100;
  mad_cu_driver second;
  EXPECT_EQ(mad_cu_driver_load(MAD_FAKE_DRIVER, &second, &error), MAD_UNSUPPORTED);
  EXPECT_STREQ(error.message, "cannot start the CUDA driver: CUDA_ERROR_NO_DEVICE (100), no "
                              "CUDA-capable device is detected");
  EXPECT_EQ(second.library, nullptr);
}

TEST_F(Driver, ErrorsHaveNamesAndStatus) {
  EXPECT_EQ(mad_cu_check(&driver, 0, "do it", &error), MAD_OK);
  EXPECT_EQ(mad_cu_check(&driver, 2, "allocate 5 bytes", &error), MAD_OUT_OF_MEMORY);
  EXPECT_STREQ(error.message,
               "cannot allocate 5 bytes: CUDA_ERROR_OUT_OF_MEMORY (2), out of memory");
  // One that the driver itself does not know.
  EXPECT_EQ(mad_cu_check(&driver, 12345, "do it", &error), MAD_INTERNAL);
  EXPECT_STREQ(error.message, "cannot do it: an error without a name (12345), no description");
  EXPECT_EQ(mad_cu_check(&driver, 2, "do it", nullptr), MAD_OUT_OF_MEMORY);
}

TEST_F(Driver, CodeThatDoesNotLoadShowsTheLog) {
  mad_cu_module module;
  EXPECT_EQ(mad_cu_load_code(&driver, "", "attention", &module, &error), MAD_OK);
  *result = 222;
  EXPECT_EQ(mad_cu_load_code(&driver, "", "attention", &module, &error), MAD_UNSUPPORTED);
  EXPECT_STREQ(error.message, "cannot load the GPU code of `attention`: an error without a name "
                              "(222), no description: line 7: unknown instruction");
}

TEST_F(Driver, SharedMemoryIsAskedForWhenItIsMuch) {
  mad_cu_function kernel;
  EXPECT_EQ(mad_cu_find_kernel(&driver, nullptr, "f", 49152, &kernel, &error), MAD_OK);
  EXPECT_EQ(*shared, 0);
  EXPECT_EQ(mad_cu_find_kernel(&driver, nullptr, "f", 65536, &kernel, &error), MAD_OK);
  EXPECT_EQ(*shared, 65536);
  *result = 2;
  EXPECT_EQ(mad_cu_find_kernel(&driver, nullptr, "f", 65536, &kernel, &error), MAD_OUT_OF_MEMORY);
  EXPECT_STREQ(error.message,
               "cannot find the kernel `f`: CUDA_ERROR_OUT_OF_MEMORY (2), out of memory");
}

TEST(Layout, IsTheOneOfTheDriver) {
  // Also checked against cuda.h where it is (Abi.cpp).
  EXPECT_EQ(sizeof(mad_cu_launch), 56u);
  EXPECT_EQ(sizeof(mad_cu_attribute), 72u);
  EXPECT_EQ(sizeof(mad_cu_tensor_map), 128u);
}

} // namespace
