//===- ChecksumTest.cpp - The checksum of files and weights -------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "runtime/core/checksum.h"
#include <gtest/gtest.h>
#include <set>
#include <vector>

static uint64_t sum(const std::vector<uint8_t> &bytes, size_t piece = SIZE_MAX) {
  mad_checksum state;
  mad_checksum_start(&state);
  for (size_t at = 0; at < bytes.size(); at += std::min(piece, bytes.size() - at))
    mad_checksum_add(&state, bytes.data() + at, std::min(piece, bytes.size() - at));
  return mad_checksum_value(&state);
}

static std::vector<uint8_t> numbers(size_t count) {
  std::vector<uint8_t> made(count);
  for (size_t i = 0; i < count; ++i)
    made[i] = uint8_t(i * 37 + 11);
  return made;
}

TEST(Checksum, PiecesGiveTheSameValue) {
  for (size_t size : {0, 1, 31, 32, 33, 64, 1000, 4096})
    EXPECT_EQ(sum(numbers(size)), sum(numbers(size), 32)) << size;
}

TEST(Checksum, EveryBitCounts) {
  std::vector<uint8_t> bytes = numbers(333);
  const uint64_t whole = sum(bytes);
  std::set<uint64_t> values = {whole};
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] ^= uint8_t(1 << bit % 8);
    EXPECT_TRUE(values.insert(sum(bytes)).second) << bit;
    bytes[bit / 8] ^= uint8_t(1 << bit % 8);
  }
}

TEST(Checksum, ZerosAtTheEndCount) {
  std::set<uint64_t> values;
  for (size_t size = 0; size < 200; ++size)
    EXPECT_TRUE(values.insert(sum(std::vector<uint8_t>(size))).second) << size;
}
