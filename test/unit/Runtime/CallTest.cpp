//===- CallTest.cpp - Calls: what is accepted, what is refused, and with which words ===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Model.h"
#include <gtest/gtest.h>
#include <random>
#include <vector>

namespace {
class Call : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_EQ(mad_module_create(&artifact, &module, nullptr), MAD_OK);
    ASSERT_EQ(mad_context_create(module, &context, nullptr), MAD_OK);
    resize(3);
  }
  void TearDown() override {
    mad_context_destroy(context);
    mad_module_destroy(module);
  }
  void resize(int64_t n) {
    shape[0] = n, shape[1] = 2;
    x.assign(size_t(2 * n), 1.0f);
    y.assign(size_t(2 * n), 0.0f);
    inputs[0] = {x.data(), shape, 2, MAD_F32};
    inputs[1] = {&k, nullptr, 0, MAD_F64};
    outputs[0] = {y.data(), shape, 2, MAD_F32};
    outputs[1] = {&sum, nullptr, 0, MAD_F64};
  }
  mad_status call() { return mad_entry_call(context, 0, inputs, 2, outputs, 2); }
  void expect(mad_status status, const std::string &message) {
    EXPECT_EQ(call(), status);
    EXPECT_EQ(mad_context_message(context), message);
    resize(3);
  }

  mad_artifact artifact = test_artifact();
  mad_module *module = nullptr;
  mad_context *context = nullptr;
  int64_t shape[2] = {};
  std::vector<float> x, y;
  double k = 2, sum = 0;
  mad_tensor inputs[2] = {}, outputs[2] = {};
};

/// The model, which counts what is prepared.
int prepared = 0;
mad_prepare_fn prepareScale = nullptr, prepareSquare = nullptr;
int32_t countScale(const int64_t *extents, int64_t *dims, int64_t *results, int64_t *arena,
                   int64_t *info) {
  ++prepared;
  return prepareScale(extents, dims, results, arena, info);
}
int32_t countSquare(const int64_t *extents, int64_t *dims, int64_t *results, int64_t *arena,
                    int64_t *info) {
  ++prepared;
  return prepareSquare(extents, dims, results, arena, info);
}
const mad_prepare_fn countedScale[] = {countScale, countScale};
const mad_prepare_fn countedSquare[] = {countSquare, countSquare};

class CountedCall : public Call {
protected:
  void SetUp() override {
    entries.assign(artifact.entries, artifact.entries + artifact.num_entries);
    prepareScale = entries[0].prepare[0], prepareSquare = entries[2].prepare[0];
    entries[0].prepare = countedScale, entries[2].prepare = countedSquare;
    artifact.entries = entries.data();
    prepared = 0;
    Call::SetUp();
  }
  mad_status square(int64_t n) {
    std::vector<float> from(size_t(n), 2.0f), to(size_t(n), 0.0f);
    const mad_tensor input = {from.data(), &n, 1, MAD_F32}, output = {to.data(), &n, 1, MAD_F32};
    return mad_entry_call(context, 2, &input, 1, &output, 1);
  }

  std::vector<mad_entry> entries;
};
} // namespace

TEST_F(CountedCall, ExtentsOfTheLastCallArePreparedOnce) {
  for (int64_t n : {3, 3, 500, 500, 3}) {
    resize(n);
    EXPECT_EQ(call(), MAD_OK) << mad_context_message(context);
    EXPECT_EQ(sum, 12 * double(n));
  }
  EXPECT_EQ(prepared, 3);
  // Each entry has its own.
  EXPECT_EQ(square(7), MAD_OK);
  resize(3);
  EXPECT_EQ(call(), MAD_OK);
  EXPECT_EQ(square(7), MAD_OK);
  EXPECT_EQ(prepared, 4);
  // Asking for shapes is preparing, too.
  int64_t extents[2] = {};
  resize(8);
  EXPECT_EQ(mad_entry_shapes(context, 0, inputs, 2, extents), MAD_OK);
  EXPECT_EQ(extents[0], 8);
  EXPECT_EQ(call(), MAD_OK);
  EXPECT_EQ(sum, 12 * 8.0);
  EXPECT_EQ(prepared, 5);
}

TEST_F(CountedCall, WhatFailsIsPreparedAgain) {
  resize(0);
  for (int n = 0; n < 2; ++n)
    EXPECT_EQ(call(), MAD_SHAPE_MISMATCH);
  EXPECT_EQ(prepared, 2);
  resize(3);
  EXPECT_EQ(call(), MAD_OK);
  resize(0);
  EXPECT_EQ(call(), MAD_SHAPE_MISMATCH);
  resize(3);
  EXPECT_EQ(call(), MAD_OK);
  EXPECT_EQ(prepared, 5);
}

TEST_F(Call, Computes) {
  EXPECT_EQ(call(), MAD_OK) << mad_context_message(context);
  EXPECT_EQ(y, std::vector<float>(6, 6.0f));
  EXPECT_EQ(sum, 36);
}

/// Code for CPUs without F16C is given weights of 16 bits in f32 where it asks for that.
TEST_F(Call, ReadsWidenedWeights) {
  alignas(64) const uint16_t half[] = {0x4200}, brain[] = {0x4040};
  for (auto [dtype, bits] : {std::pair(MAD_F16, half), std::pair(MAD_BF16, brain)}) {
    TearDown();
    mad_weight weight = artifact.weights[0];
    weight.dtype = dtype, weight.data = bits, weight.bytes = 2, weight.widened = 1;
    artifact.weights = &weight;
    SetUp();
    EXPECT_EQ(call(), MAD_OK) << mad_context_message(context);
    EXPECT_EQ(sum, 36);
  }
}

TEST_F(Call, GrowsItsMemory) {
  for (int64_t n : {1, 500, 3, 900}) {
    resize(n);
    EXPECT_EQ(call(), MAD_OK) << mad_context_message(context);
    EXPECT_EQ(sum, 12 * double(n));
  }
}

TEST_F(Call, WrongCounts) {
  EXPECT_EQ(mad_entry_call(context, 0, inputs, 1, outputs, 2), MAD_INVALID_ARGUMENT);
  EXPECT_STREQ(mad_context_message(context), "`scale` was called with 1 input, expected 2");
  EXPECT_EQ(mad_entry_call(context, 0, inputs, 2, outputs, 3), MAD_INVALID_ARGUMENT);
  EXPECT_STREQ(mad_context_message(context), "`scale` was called with 3 outputs, expected 2");
  EXPECT_EQ(mad_entry_call(context, 0, inputs, -1, outputs, 2), MAD_INVALID_ARGUMENT);
  EXPECT_EQ(mad_entry_call(context, 4, inputs, 2, outputs, 2), MAD_INVALID_ARGUMENT);
  EXPECT_STREQ(mad_context_message(context), "there is no entry 4, the module has 4 "
                                             "(`mad_module_find` gives the number of a name)");
  EXPECT_EQ(mad_entry_call(context, -1, inputs, 2, outputs, 2), MAD_INVALID_ARGUMENT);
}

TEST_F(Call, NullLists) {
  EXPECT_EQ(mad_entry_call(context, 0, nullptr, 2, outputs, 2), MAD_INVALID_ARGUMENT);
  EXPECT_STREQ(mad_context_message(context), "the list of inputs is a null pointer");
  EXPECT_EQ(mad_entry_call(context, 0, inputs, 2, nullptr, 2), MAD_INVALID_ARGUMENT);
  EXPECT_STREQ(mad_context_message(context), "the list of outputs is a null pointer");
}

TEST_F(Call, WrongTensors) {
  inputs[0].rank = 1;
  expect(MAD_INVALID_ARGUMENT, "input `x` of `scale` has rank 1, expected 2");
  inputs[0].rank = -1;
  expect(MAD_INVALID_ARGUMENT, "input `x` of `scale` has rank -1, expected 2");
  inputs[1].rank = INT32_MAX;
  expect(MAD_INVALID_ARGUMENT, "input `k` of `scale` has rank 2147483647, expected 0");
  inputs[0].dtype = MAD_F64;
  expect(MAD_INVALID_ARGUMENT, "input `x` of `scale` has elements of type f64, expected f32");
  outputs[1].dtype = mad_dtype(77);
  expect(MAD_INVALID_ARGUMENT, "output `sum` of `scale` has elements of type ?, expected f64");
  inputs[0].shape = nullptr;
  expect(MAD_INVALID_ARGUMENT, "input `x` of `scale` has rank 2 but its shape is a null pointer");
  inputs[0].data = nullptr;
  expect(MAD_INVALID_ARGUMENT, "input `x` of `scale` has a null pointer for its data");
  outputs[1].data = nullptr;
  expect(MAD_INVALID_ARGUMENT, "output `sum` of `scale` has a null pointer for its data");
  inputs[0].data = reinterpret_cast<char *>(x.data()) + 1;
  expect(MAD_INVALID_ARGUMENT,
         "the data of input `x` of `scale` is not aligned to its elements of 4 bytes");
  const int64_t negative[] = {-1, 2};
  inputs[0].shape = negative;
  expect(MAD_INVALID_ARGUMENT,
         "input `x` of `scale` has extent -1 in dimension 0 (`N`), expected at least 0");
  const int64_t tooLong[] = {MAD_MAX_EXTENT + 1, 2};
  inputs[0].shape = tooLong;
  expect(MAD_INVALID_ARGUMENT,
         "input `x` of `scale` has extent 140737488355329 in dimension 0 (`N`), "
         "expected at most 140737488355328");
  const int64_t huge[] = {MAD_MAX_EXTENT, MAD_MAX_EXTENT};
  inputs[0].shape = huge;
  expect(MAD_INVALID_ARGUMENT,
         "input `x` of `scale` has a shape of more bytes than memory can hold");
  EXPECT_EQ(call(), MAD_OK);
  EXPECT_STREQ(mad_context_message(context), "");
}

TEST_F(Call, OutputExtentsMustBeThoseOfThePreparation) {
  const int64_t other[] = {4, 2}, narrow[] = {3, 1};
  outputs[0].shape = other;
  expect(MAD_SHAPE_MISMATCH, "output `y` of `scale` has extent 4 in dimension 0 (`N`), expected 3");
  outputs[0].shape = narrow;
  expect(MAD_SHAPE_MISMATCH, "output `y` of `scale` has extent 1 in dimension 1 (`2`), expected 2");
}

TEST_F(Call, OutputsOverlapNothing) {
  outputs[0].data = x.data();
  expect(MAD_INVALID_ARGUMENT,
         "output `y` of `scale` overlaps input `x`, an output needs memory of its own");
  outputs[1].data = &k;
  expect(MAD_INVALID_ARGUMENT,
         "output `sum` of `scale` overlaps input `k`, an output needs memory of its own");
  alignas(8) float both[8] = {};
  outputs[0].data = both;
  outputs[1].data = both + 4;
  expect(MAD_INVALID_ARGUMENT,
         "output `sum` of `scale` overlaps output `y`, an output needs memory of its own");
  outputs[0].data = both;
  outputs[1].data = both + 6;
  expect(MAD_OK, "");
}

TEST_F(Call, ChecksOfTheModel) {
  resize(0);
  expect(MAD_SHAPE_MISMATCH, "model.mad:1:2: size of `N`: found 0, expected at least 1");
  resize(13);
  expect(MAD_OUT_OF_RANGE, "model.mad:3:4: index into `x`: found 13, expected 0 <= index < 5");
  resize(14);
  expect(MAD_INTERNAL,
         "the code of `scale` reports check 99 of 2; this is a fault of the compiler");
}

TEST_F(Call, MemoryThatIsNotThere) {
  resize(900);
  EXPECT_EQ(call(), MAD_OK);
  resize(1000);
  expect(MAD_OUT_OF_MEMORY,
         "`scale` needs 9223372036854775707 bytes of scratch memory for these shapes, the system "
         "does not give them (the context held 14400 bytes)");
  resize(1001);
  expect(
      MAD_INTERNAL,
      "the code of `scale` asks for -1 bytes of scratch memory; this is a fault of the compiler");
  resize(1002);
  EXPECT_EQ(call(), MAD_OUT_OF_MEMORY);
  resize(5);
  EXPECT_EQ(call(), MAD_OK) << mad_context_message(context);
}

TEST_F(Call, ShapesAlone) {
  int64_t extents[2] = {};
  inputs[0].data = nullptr;
  inputs[1].data = nullptr;
  EXPECT_EQ(mad_entry_shapes(context, 0, inputs, 2, extents), MAD_OK);
  EXPECT_EQ(extents[0], 3);
  EXPECT_EQ(extents[1], 2);
  EXPECT_EQ(mad_entry_shapes(context, 0, inputs, 2, nullptr), MAD_INVALID_ARGUMENT);
  EXPECT_STREQ(mad_context_message(context), "the place for the extents is a null pointer");
  EXPECT_EQ(mad_entry_shapes(context, 1, nullptr, 0, nullptr), MAD_OK);
  shape[0] = 0;
  EXPECT_EQ(mad_entry_shapes(context, 0, inputs, 2, extents), MAD_SHAPE_MISMATCH);
  EXPECT_EQ(mad_entry_shapes(context, 5, inputs, 2, extents), MAD_INVALID_ARGUMENT);
}

/// Whatever one field holds, the answer is a status, and a good call still works.
TEST_F(Call, RandomDamageIsAnswered) {
  std::mt19937 random(7);
  const int64_t numbers[] = {INT64_MIN, -1, 0, 1, 2, 3, 4, 1 << 20, INT64_MAX};
  const auto pick = [&](size_t count) { return random() % count; };
  int failures = 0;
  for (int round = 0; round < 20000; ++round) {
    resize(3);
    int64_t damaged[2] = {3, 2};
    mad_tensor *tensor = pick(2) ? &inputs[pick(2)] : &outputs[pick(2)];
    damaged[pick(2)] = numbers[pick(9)];
    switch (pick(4)) {
    case 0:
      tensor->rank = int32_t(numbers[pick(9)]);
      break;
    case 1:
      tensor->dtype = mad_dtype(int32_t(pick(12)) - 1);
      break;
    case 2:
      tensor->shape = pick(2) ? damaged : nullptr;
      break;
    default:
      tensor->data = pick(2) ? nullptr : inputs[pick(2)].data;
      break;
    }
    mad_status status = call();
    EXPECT_GE(status, MAD_OK);
    EXPECT_LE(status, MAD_OUT_OF_MEMORY);
    EXPECT_EQ(status == MAD_OK, *mad_context_message(context) == 0);
    failures += status != MAD_OK;
  }
  EXPECT_GT(failures, 5000);
  resize(3);
  EXPECT_EQ(call(), MAD_OK);
}
