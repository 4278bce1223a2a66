//===- ThreadTest.cpp - One module, many threads ------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Model.h"
#include <atomic>
#include <cstring>
#include <gtest/gtest.h>
#include <thread>
#include <vector>

TEST(Threads, ShareAModule) {
  mad_artifact artifact = test_artifact();
  mad_module *module = nullptr;
  ASSERT_EQ(mad_module_create(&artifact, &module, nullptr), MAD_OK);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      for (int round = 0; round < 50; ++round) {
        mad_context *context = nullptr;
        if (mad_context_create(module, &context, nullptr) != MAD_OK) {
          ++wrong;
          continue;
        }
        for (int64_t n = 1; n < 12; ++n) {
          int64_t shape[2] = {n, 2};
          std::vector<float> x(size_t(2 * n), float(t)), y(size_t(2 * n));
          double k = 2, sum = 0;
          mad_tensor inputs[] = {{x.data(), shape, 2, MAD_F32}, {&k, nullptr, 0, MAD_F64}};
          mad_tensor outputs[] = {{y.data(), shape, 2, MAD_F32}, {&sum, nullptr, 0, MAD_F64}};
          mad_status status = mad_entry_call(context, 0, inputs, 2, outputs, 2);
          wrong += status != MAD_OK || sum != 12.0 * double(t * n);
        }
        mad_context_destroy(context);
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(wrong, 0);
  mad_module_destroy(module);
}

/// With threads of their own, or sharing a pool: all have the bits of one alone.
TEST(Threads, SixtyFourCallersOnOneModule) {
  mad_artifact artifact = test_artifact();
  mad_module *module = nullptr;
  mad_pool *pool = nullptr;
  ASSERT_EQ(mad_module_create(&artifact, &module, nullptr), MAD_OK);
  ASSERT_EQ(mad_pool_create(3, &pool, nullptr), MAD_OK);
  const mad_executor shared = mad_pool_executor(pool);
  const int64_t n = 777;
  std::vector<float> x(n);
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = 0.37f * float(i);
  const auto call = [&](mad_context *context) {
    std::vector<float> y(n, -1.0f);
    mad_tensor input = {x.data(), &n, 1, MAD_F32}, output = {y.data(), &n, 1, MAD_F32};
    if (mad_entry_call(context, 2, &input, 1, &output, 1) != MAD_OK)
      y.clear();
    return y;
  };
  mad_context *alone = nullptr;
  ASSERT_EQ(mad_context_create(module, &alone, nullptr), MAD_OK);
  ASSERT_EQ(mad_context_set_threads(alone, 1), MAD_OK);
  const std::vector<float> expected = call(alone);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 64; ++t)
    threads.emplace_back([&, t] {
      mad_context *context = nullptr;
      wrong += mad_context_create(module, &context, nullptr) != MAD_OK;
      if (t % 2)
        wrong += mad_context_set_executor(context, &shared) != MAD_OK;
      else
        wrong += mad_context_set_threads(context, 1 + t % 3) != MAD_OK;
      for (int round = 0; round < 20; ++round) {
        const std::vector<float> y = call(context);
        wrong += y.size() != expected.size() ||
                 memcmp(y.data(), expected.data(), y.size() * sizeof(float)) != 0;
      }
      mad_context_destroy(context);
    });
  mad_module_destroy(module); // the contexts hold it
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(wrong, 0);
  mad_context_destroy(alone);
  mad_pool_destroy(pool);
}
