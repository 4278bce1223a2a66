//===- Report.h - Findings of a launch -------------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_RUNTIME_SIMT_REPORT_H
#define MAD_RUNTIME_SIMT_REPORT_H

#include "runtime/simt/Block.h"
#include <set>
#include <string>
#include <tuple>

namespace mad::simt {

/// Tells the caller of what is found, once for a kind at a pair of places.
class Report {
public:
  Report(const simt_kernel &kernel, const simt_launch &launch, simt_result &result)
      : kernel(kernel), launch(launch), result(result) {}

  /// `other` may be null.
  void find(simt_kind kind, const Thread &t, const char *place, uint64_t address = 0,
            const Access *other = nullptr, const std::string &detail = "");
  /// Of a block as a whole.
  void find(simt_kind kind, const uint32_t *ctaid, const std::string &detail);
  /// The other party is known only as a place.
  void findAt(simt_kind kind, const Thread &t, const char *place, uint64_t address,
              const char *otherPlace, const std::string &detail = "");

  /// Coordinates of a block by its serial number.
  void remember(uint32_t serial, const uint32_t *ctaid);

private:
  void tell(simt_finding &finding);

  const simt_kernel &kernel;
  const simt_launch &launch;
  simt_result &result;
  std::set<std::tuple<int, const char *, const char *>> told;
  std::vector<std::array<uint32_t, 3>> blocks;
};

} // namespace mad::simt

#endif // MAD_RUNTIME_SIMT_REPORT_H
