//===- StreamTest.cpp - Calls that do not wait, and other streams ----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "CudaFixture.h"

namespace {

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

} // namespace
