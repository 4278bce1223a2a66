//===- ThreadTest.cpp - One module, many threads ------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Model.h"
#include <atomic>
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
