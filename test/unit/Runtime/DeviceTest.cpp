//===- DeviceTest.cpp - Calls whose work is done on a device -----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The device is memory of the host, and may fail at any of its functions.
//
//===----------------------------------------------------------------------===//
#include "Model.h"
#include <cstdlib>
#include <cstring>
#include <gtest/gtest.h>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace {
struct FakeDevice {
  mad_device functions = {};
  std::set<void *> held;
  int64_t status[MAD_STATUS_BYTES / 8] = {7};
  int untilFailure = -1; ///< of allocations and copies; -1: none
  int writes = 0;
  std::string reason, told;

  FakeDevice() {
    functions.self = this;
    functions.status = status;
    functions.allocate = [](void *self, int64_t bytes) -> void * {
      if (of(self)->fails("no memory"))
        return nullptr;
      void *made = aligned_alloc(256, (bytes + 255) / 256 * 256);
      of(self)->held.insert(made);
      return made;
    };
    functions.release = [](void *self, void *memory) {
      EXPECT_EQ(of(self)->held.erase(memory), 1u);
      free(memory);
    };
    functions.write = [](void *self, void *to, const void *from, int64_t bytes) -> int32_t {
      if (of(self)->fails("no copy"))
        return 1;
      ++of(self)->writes;
      from ? memcpy(to, from, bytes) : memset(to, 0, bytes);
      return 0;
    };
    functions.read = [](void *self, void *to, const void *from, int64_t bytes) -> int32_t {
      if (of(self)->fails("no copy"))
        return 1;
      memcpy(to, from, bytes);
      return 0;
    };
    functions.failure = [](void *self, mad_status *) -> const char * {
      of(self)->told = std::exchange(of(self)->reason, "");
      return of(self)->told.empty() ? nullptr : of(self)->told.c_str();
    };
  }
  static FakeDevice *of(void *self) { return static_cast<FakeDevice *>(self); }
  bool fails(const char *why) {
    if (untilFailure < 0 || untilFailure-- > 0)
      return false;
    reason = why;
    return true;
  }
};

class Device : public testing::Test {
protected:
  void SetUp() override {
    artifact = test_artifact();
    variants[0] = artifact.variants[0];
    variants[1] = artifact.variants[1];
    variants[0].device = 1;
    artifact.variants = variants;
    ASSERT_EQ(mad_module_create(&artifact, &module, nullptr), MAD_OK);
    ASSERT_EQ(mad_context_create(module, &context, nullptr), MAD_OK);
  }
  void TearDown() override {
    mad_context_destroy(context);
    mad_module_destroy(module);
    EXPECT_TRUE(device.held.empty());
  }
  mad_status scale() {
    mad_tensor inputs[] = {{x.data(), shape, 2, MAD_F32}, {&k, nullptr, 0, MAD_F64}};
    mad_tensor outputs[] = {{y.data(), shape, 2, MAD_F32}, {&sum, nullptr, 0, MAD_F64}};
    return mad_entry_call(context, 0, inputs, 2, outputs, 2);
  }

  FakeDevice device; ///< outlives the context
  mad_artifact artifact;
  mad_variant variants[2];
  mad_module *module = nullptr;
  mad_context *context = nullptr;
  int64_t shape[2] = {3, 2};
  std::vector<float> x = std::vector<float>(6, 1.0f), y = std::vector<float>(6, 0.0f);
  double k = 2, sum = 0;
};
} // namespace

TEST_F(Device, MustBeThere) {
  EXPECT_EQ(scale(), MAD_UNSUPPORTED);
  EXPECT_STREQ(mad_context_message(context),
               "the code is for a device, and the context has none (mad_context_set_device)");
}

TEST_F(Device, GetsCopiesAndGivesResults) {
  ASSERT_EQ(mad_context_set_device(context, &device.functions), MAD_OK);
  EXPECT_EQ(scale(), MAD_OK) << mad_context_message(context);
  EXPECT_EQ(y, std::vector<float>(6, 6.0f));
  EXPECT_EQ(sum, 36);
  EXPECT_EQ(device.status[0], 0);
  EXPECT_EQ(device.held.size(), 1u) << "the weight stays";
  int writes = device.writes;
  EXPECT_EQ(scale(), MAD_OK);
  EXPECT_EQ(device.writes - writes, 3) << "two inputs and the status, no weight";
  EXPECT_EQ(mad_context_set_device(context, nullptr), MAD_OK);
  EXPECT_TRUE(device.held.empty());
}

TEST_F(Device, UpdatesAStateInPlace) {
  ASSERT_EQ(mad_context_set_device(context, &device.functions), MAD_OK);
  const int64_t size[] = {3};
  float s[] = {1, 2, 3}, v[] = {10, 20, 30};
  mad_tensor inputs[] = {{s, size, 1, MAD_F32}, {v, size, 1, MAD_F32}}, output = inputs[0];
  EXPECT_EQ(mad_entry_call(context, 3, inputs, 2, &output, 1), MAD_OK)
      << mad_context_message(context);
  EXPECT_EQ(s[2], 33);
}

TEST_F(Device, ChecksOfTheRunAreTold) {
  ASSERT_EQ(mad_context_set_device(context, &device.functions), MAD_OK);
  shape[0] = 13;
  x.resize(26);
  y.resize(26);
  EXPECT_EQ(scale(), MAD_OUT_OF_RANGE);
}

TEST_F(Device, EachOfItsFunctionsMayFail) {
  ASSERT_EQ(mad_context_set_device(context, &device.functions), MAD_OK);
  int failures = 0;
  for (;; ++failures) {
    ASSERT_LT(failures, 100);
    device.untilFailure = failures;
    mad_status status = scale();
    if (device.untilFailure >= 0)
      break; // it was not reached
    EXPECT_EQ(status, MAD_UNSUPPORTED);
    std::string message = mad_context_message(context);
    EXPECT_TRUE(message.find("on the device: no ") != std::string::npos) << message;
    EXPECT_LE(device.held.size(), 1u);
  }
  // Places of two inputs, two outputs and the arena; copies of the inputs, the status and two
  // results: ten. Before the results come the place and the copy of the weight, which stay once
  // they were good: when the first result fails.
  EXPECT_EQ(failures, 11);
  EXPECT_EQ(y, std::vector<float>(6, 6.0f));
  device.untilFailure = -1;
  EXPECT_EQ(scale(), MAD_OK);
}
