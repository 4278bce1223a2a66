//===- GraphTest.cpp - Calls that are repeated, and tensor maps ------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "CudaFixture.h"
#include <algorithm>
#include <string_view>

namespace {

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

} // namespace
