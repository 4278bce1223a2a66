//===- PagesTest.cpp - Memory for tensors -----------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "runtime/core/pages.h"
#include <algorithm>
#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <string>

namespace {

constexpr uint64_t mebi = uint64_t(1) << 20;

bool allZero(const void *memory, uint64_t bytes) {
  const char *first = static_cast<const char *>(memory);
  return std::all_of(first, first + bytes, [](char byte) { return byte == 0; });
}

TEST(Pages, AreZeroAndAligned) {
  for (uint64_t bytes : {uint64_t(0), uint64_t(1), uint64_t(64), uint64_t(100), 4 * mebi - 1,
                         4 * mebi, 4 * mebi + 1, 7 * mebi + 5}) {
    // The second time memory comes back that was written to.
    for (int time = 0; time < 2; ++time) {
      void *memory = mad_pages_take(bytes);
      ASSERT_TRUE(memory) << bytes;
      EXPECT_EQ(reinterpret_cast<uintptr_t>(memory) % 64, 0u) << bytes;
      EXPECT_TRUE(allZero(memory, bytes)) << bytes;
      std::memset(memory, 255, bytes);
      mad_pages_give(memory, bytes);
    }
  }
  mad_pages_give(nullptr, 0);
  mad_pages_give(nullptr, 8 * mebi);
}

TEST(Pages, ThereIsNoMemory) {
  EXPECT_FALSE(mad_pages_take(UINT64_MAX));
  EXPECT_FALSE(mad_pages_take(uint64_t(1) << 60));
}

/// The flags that the system has for the mapping of an address.
std::string flagsOf(const void *memory) {
  std::ifstream maps("/proc/self/smaps");
  std::string line;
  bool here = false;
  while (std::getline(maps, line)) {
    unsigned long from = 0, to = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx ", &from, &to) == 2)
      here =
          from <= reinterpret_cast<uintptr_t>(memory) && reinterpret_cast<uintptr_t>(memory) < to;
    if (here && line.rfind("VmFlags:", 0) == 0)
      return line;
  }
  return "";
}

TEST(Pages, LargeOnesAreHuge) {
  void *memory = mad_pages_take(9 * mebi);
  ASSERT_TRUE(memory);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(memory) % (2 * mebi), 0u);
  // Systems without huge pages refuse the advice, and some do not tell.
  const std::string flags = flagsOf(memory);
  if (!flags.empty() && std::ifstream("/sys/kernel/mm/transparent_hugepage/enabled"))
    EXPECT_NE(flags.find(" hg"), std::string::npos);
  mad_pages_give(memory, 9 * mebi);
  EXPECT_EQ(flagsOf(static_cast<char *>(memory) + 8 * mebi).find(" hg"), std::string::npos);
}

} // namespace
