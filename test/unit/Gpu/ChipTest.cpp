//===- ChipTest.cpp - Chips and occupancy --------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Target/Chip.h"
#include "gtest/gtest.h"

using namespace mad;

namespace {

const Chip &chip(llvm::StringRef name) { return *llvm::cantFail(chipOf(name)); }

TEST(Chip, UnknownNameListsThose) {
  auto found = chipOf("sm_75");
  ASSERT_FALSE(bool(found));
  EXPECT_EQ(llvm::toString(found.takeError()),
            "unknown chip `sm_75`, expected one of `sm_80`, `sm_90a`");
}

TEST(Occupancy, EachLimit) {
  struct {
    KernelResources kernel;
    llvm::StringRef chip;
    int blocks, warps;
    llvm::StringRef limit;
  } cases[] = {
      // 64 warps of 8 each.
      {{32, 0, 256}, "sm_80", 8, 64, "warps"},
      {{16, 0, 32}, "sm_80", 32, 32, "blocks"},
      // 128 registers: 4096 a warp, 4 warps a scheduler, 2 blocks of 8.
      {{128, 0, 256}, "sm_80", 2, 16, "registers"},
      // One more is rounded up to 4352: 3 warps a scheduler, one block.
      {{129, 0, 256}, "sm_80", 1, 8, "registers"},
      // 65 KiB with what the system keeps: two of them in 164 KiB, three in 228.
      {{32, 65536, 256}, "sm_80", 2, 16, "shared memory"},
      {{32, 65536, 256}, "sm_90a", 3, 24, "shared memory"},
      // More than a block may have.
      {{32, 200000, 256}, "sm_80", 0, 0, "shared memory"},
      {{168, 196672, 384}, "sm_90a", 1, 12, "registers"},
  };
  for (auto &test : cases) {
    Occupancy found = occupancyOf(test.kernel, chip(test.chip));
    EXPECT_EQ(found.blocks, test.blocks) << test.kernel.registers;
    EXPECT_EQ(found.warps, test.warps);
    EXPECT_EQ(found.limit, test.limit);
    EXPECT_DOUBLE_EQ(found.share, test.warps / 64.0);
  }
  EXPECT_EQ(occupancyOf({32, 0, 0}, chip("sm_80")).blocks, 0);
}

} // namespace
