//===- SimtDeviceTest.cpp - Which kernels a chip has code for ----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Driver/SimtDevice.h"
#include "gtest/gtest.h"

using namespace mad;

namespace {

/// What a launch of a kernel that does nothing is told, "" if it runs.
std::string launched(SimtDevice &device, uint32_t flags) {
  const simt_kernel kernel = {[](simt_thread *, void **) {}, "k", 0, flags, 0, {0, 0, 0}};
  const int64_t shape[] = {1, 1, 1, 32, 1, 1};
  const mad_device &functions = *device.device();
  if (functions.launch(functions.self, &kernel, shape, 0, nullptr) == 0)
    return "";
  const char *failure = functions.failure(functions.self, nullptr);
  return failure ? failure : "nothing";
}

TEST(SimtDevice, RunsWhatItsChipHasCodeFor) {
  auto later = SimtDevice::create(1, 90), older = SimtDevice::create(1, 80);
  ASSERT_TRUE(later && older);
  EXPECT_EQ(launched(*later, 0), "");
  EXPECT_FALSE(later->ranForNewChip());
  EXPECT_EQ(launched(*later, SIMT_ONLY_OLD), "k: a device of chip 90 has no code for this kernel");
  EXPECT_FALSE(later->ranForNewChip());
  EXPECT_EQ(launched(*later, SIMT_ONLY_NEW), "");
  EXPECT_TRUE(later->ranForNewChip());

  EXPECT_EQ(launched(*older, 0), "");
  EXPECT_EQ(launched(*older, SIMT_ONLY_OLD), "");
  EXPECT_EQ(launched(*older, SIMT_ONLY_NEW), "k: a device of chip 80 has no code for this kernel");
  EXPECT_FALSE(older->ranForNewChip());
}

} // namespace
