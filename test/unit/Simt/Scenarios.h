//===- Scenarios.h - The kernels of these tests, each with its data --------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_TEST_UNIT_SIMT_SCENARIOS_H
#define MAD_TEST_UNIT_SIMT_SCENARIOS_H

#include "test/unit/Simt/Harness.h"
#include <ostream>

namespace mad::test {

struct Scenario {
  std::string file, kernel;
  /// Makes data, launches, compares with an independent sum.
  Outcome (*run)(const simt_kernel &kernel, uint64_t seed, simt_arrival arrival);
};

/// The file names the test.
inline void PrintTo(const Scenario &s, std::ostream *out) { *out << s.file; }

const std::vector<Scenario> &scenarios();
const Scenario &scenario(const std::string &file);

} // namespace mad::test

#endif // MAD_TEST_UNIT_SIMT_SCENARIOS_H
