//===- ResultTest.cpp - Results in memory of the host, and states -------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Model.h"
#include <cstdlib>
#include <gtest/gtest.h>
#include <vector>

namespace {
class Results : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_EQ(mad_module_create(&artifact, &module, nullptr), MAD_OK);
    ASSERT_EQ(mad_context_create(module, &context, nullptr), MAD_OK);
  }
  void TearDown() override {
    for (mad_tensor &output : outputs)
      free(output.data);
    mad_context_destroy(context);
    mad_module_destroy(module);
  }
  mad_status call(const mad_allocator *allocator, int32_t count = 2) {
    for (mad_tensor &output : outputs)
      free(output.data);
    const mad_tensor inputs[] = {{x.data(), shape, 2, MAD_F32}, {&k, nullptr, 0, MAD_F64}};
    return mad_entry_call_alloc(context, 0, inputs, 2, allocator, outputs, count);
  }
  std::string message() { return mad_context_message(context); }

  mad_artifact artifact = test_artifact();
  mad_module *module = nullptr;
  mad_context *context = nullptr;
  int64_t shape[2] = {3, 2};
  std::vector<float> x = std::vector<float>(6, 1.0f);
  double k = 2;
  mad_tensor outputs[2] = {};
};

size_t bytesOf(const mad_tensor *tensor) {
  size_t bytes = mad_dtype_size(tensor->dtype);
  for (int32_t i = 0; i < tensor->rank; ++i)
    bytes *= size_t(tensor->shape[i]);
  return bytes;
}

/// `user`: numbers of the results that get no memory, as bits.
void *give(void *user, int32_t output, const mad_tensor *result) {
  const unsigned refused = user ? *static_cast<unsigned *>(user) : 0;
  return refused >> output & 1 ? nullptr : malloc(bytesOf(result));
}
} // namespace

TEST_F(Results, AreAllocatedByTheHost) {
  const mad_allocator allocator = {give, nullptr};
  ASSERT_EQ(call(&allocator), MAD_OK) << message();
  EXPECT_EQ(outputs[0].dtype, MAD_F32);
  ASSERT_EQ(outputs[0].rank, 2);
  EXPECT_EQ(outputs[0].shape[0], 3);
  EXPECT_EQ(outputs[0].shape[1], 2);
  EXPECT_EQ(static_cast<float *>(outputs[0].data)[5], 6.0f);
  EXPECT_EQ(*static_cast<double *>(outputs[1].data), 36.0);
}

TEST_F(Results, HostWithoutMemory) {
  unsigned refused = 2;
  const mad_allocator allocator = {give, &refused};
  EXPECT_EQ(call(&allocator), MAD_OUT_OF_MEMORY);
  EXPECT_EQ(message(), "the host's allocator gives no memory for output `sum` of `scale`: 8 bytes");
  EXPECT_NE(outputs[0].data, nullptr); // freed by the fixture
  EXPECT_EQ(outputs[1].data, nullptr);
  refused = 1;
  EXPECT_EQ(call(&allocator), MAD_OUT_OF_MEMORY);
  EXPECT_EQ(outputs[0].data, nullptr);
  EXPECT_EQ(outputs[1].data, nullptr);
}

TEST_F(Results, BadArgumentsAllocateNothing) {
  const mad_allocator allocator = {give, nullptr}, none = {nullptr, nullptr};
  EXPECT_EQ(call(nullptr), MAD_INVALID_ARGUMENT);
  EXPECT_EQ(message(), "the allocator is a null pointer");
  EXPECT_EQ(call(&none), MAD_INVALID_ARGUMENT);
  EXPECT_EQ(call(&allocator, 1), MAD_INVALID_ARGUMENT);
  EXPECT_EQ(message(), "`scale` was called with 1 output, expected 2");
  shape[0] = 0;
  EXPECT_EQ(call(&allocator), MAD_SHAPE_MISMATCH);
  EXPECT_EQ(outputs[0].data, nullptr);
  EXPECT_EQ(mad_entry_call_alloc(nullptr, 0, nullptr, 0, &allocator, nullptr, 0),
            MAD_INVALID_ARGUMENT);
  EXPECT_EQ(mad_entry_call_alloc(context, 1, nullptr, 0, &allocator, nullptr, 1),
            MAD_INVALID_ARGUMENT);
  EXPECT_EQ(message(), "the list of outputs is a null pointer");
}

TEST_F(Results, MisalignedMemoryIsRefused) {
  static char bytes[64];
  const mad_allocator odd = {
      [](void *, int32_t, const mad_tensor *) -> void * { return bytes + 1; }, nullptr};
  EXPECT_EQ(call(&odd), MAD_INVALID_ARGUMENT);
  EXPECT_EQ(message(),
            "the data of output `y` of `scale` is not aligned to its elements of 4 bytes");
  outputs[0].data = outputs[1].data = nullptr;
}

namespace {
class State : public Results {
protected:
  mad_status update(void *data) {
    const mad_tensor inputs[] = {{s.data(), &n, 1, MAD_F32}, {step, &n, 1, MAD_F32}};
    const mad_tensor output = {data, &n, 1, MAD_F32};
    return mad_entry_call(context, 3, inputs, 2, &output, 1);
  }
  int64_t n = 3;
  std::vector<float> s = {1, 2, 3}, change = {10, 20, 30};
  float *step = change.data();
};
} // namespace

TEST_F(State, IsUpdatedInPlace) {
  EXPECT_EQ(update(nullptr), MAD_OK) << message();
  EXPECT_EQ(s, (std::vector<float>{11, 22, 33}));
  EXPECT_EQ(update(s.data()), MAD_OK) << message();
  EXPECT_EQ(s, (std::vector<float>{21, 42, 63}));
  const mad_tensor inputs[] = {{s.data(), &n, 1, MAD_F32}, {step, &n, 1, MAD_F32}};
  const mad_allocator never = {[](void *, int32_t, const mad_tensor *) -> void * { abort(); },
                               nullptr};
  EXPECT_EQ(mad_entry_call_alloc(context, 3, inputs, 2, &never, outputs, 1), MAD_OK) << message();
  EXPECT_EQ(outputs[0].data, s.data());
  outputs[0].data = nullptr;
  EXPECT_EQ(s, (std::vector<float>{31, 62, 93}));
}

TEST_F(State, IsOneTensor) {
  std::vector<float> other(3);
  EXPECT_EQ(update(other.data()), MAD_INVALID_ARGUMENT);
  EXPECT_EQ(message(), "output `s` of `add` is the new value of the state `s`; its data must be "
                       "that of the input, or a null pointer");
  step = s.data();
  EXPECT_EQ(update(nullptr), MAD_INVALID_ARGUMENT);
  EXPECT_EQ(message(), "output `s` of `add` overlaps input `x`, an output needs memory of its own");
}
