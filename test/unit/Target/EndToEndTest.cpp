//===- EndToEndTest.cpp - From the LLVM dialect to results --------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Models.h"
#include "runtime/jit/Jit.h"
#include "llvm/Support/MemoryBuffer.h"
#include <gtest/gtest.h>

using namespace mad;
using namespace mad::test;

TEST(EndToEnd, JitRuns) {
  auto context = makeContext();
  auto module = parse(*context, affineModule());
  ASSERT_TRUE(module);
  ArtifactOptions options{"affine", {0}};
  auto object = compileObject(*module, affineEntries(), 0, ".v0", /*quick=*/true);
  ASSERT_TRUE(bool(object)) << llvm::toString(object.takeError());
  std::vector<std::unique_ptr<llvm::MemoryBuffer>> objects;
  objects.push_back(std::move(*object));
  auto jit = makeJit(options, affineEntries(), affineWeights({2, 3}), std::move(objects));
  ASSERT_TRUE(bool(jit)) << llvm::toString(jit.takeError());
  mad_module *loaded = nullptr;
  mad_error error = {};
  ASSERT_EQ(mad_module_create((*jit)->artifact(), &loaded, &error), MAD_OK) << error.message;
  mad_context *calls = nullptr;
  ASSERT_EQ(mad_context_create(loaded, &calls, &error), MAD_OK);
  float x[3] = {1, 2, 3}, k[4] = {10}, y[3];
  int64_t n = 3, four = 4;
  mad_tensor inputs[] = {{x, &n, 1, MAD_F32}, {k, &four, 1, MAD_F32}}, output = {y, &n, 1, MAD_F32};
  EXPECT_EQ(mad_entry_call(calls, 0, inputs, 2, &output, 1), MAD_OK) << mad_context_message(calls);
  EXPECT_EQ(y[0], 12);
  EXPECT_EQ(y[2], 16);
  mad_context_destroy(calls);
  mad_module_destroy(loaded);
}
