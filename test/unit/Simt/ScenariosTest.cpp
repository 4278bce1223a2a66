//===- ScenariosTest.cpp - Right kernels give right results and no findings ------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "test/unit/Simt/Scenarios.h"
#include <gtest/gtest.h>

using namespace mad::test;

namespace {
class Scenarios : public testing::TestWithParam<Scenario> {};

TEST_P(Scenarios, TenSeedsWithoutFindings) {
  auto kernel = Kernel::load(GetParam().file, GetParam().kernel);
  ASSERT_TRUE(kernel);
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    Outcome outcome = GetParam().run(kernel->get(), seed, simt_arrival(seed % 3));
    EXPECT_EQ(outcome.result.status, SIMT_OK) << outcome.text();
    EXPECT_EQ(outcome.result.findings, 0u) << "seed " << seed << outcome.text();
    EXPECT_TRUE(outcome.right) << "seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(All, Scenarios, testing::ValuesIn(scenarios()), [](const auto &info) {
  std::string name = info.param.file.substr(0, info.param.file.find('.'));
  std::erase(name, '-');
  return name;
});
} // namespace
