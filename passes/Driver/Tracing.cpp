//===- Tracing.cpp - When the kernels of a call ran -----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Driver/Tracing.h"
#include "passes/Pipelines/Timeline.h"

namespace mad {

void TraceSink::hook(void *sink, int64_t code) {
  TraceSink &self = *static_cast<TraceSink *>(sink);
  double now = self.timeline.now();
  if (code % 2 == 0) {
    self.begins.push_back(now);
    return;
  }
  // A call that a failed check ends leaves begins behind.
  if (self.begins.empty())
    return;
  double begin = self.begins.back();
  self.begins.pop_back();
  if (self.events.size() < limit)
    self.events.push_back({uint32_t(code / 2), begin, now - begin});
  else
    ++self.dropped;
}

} // namespace mad
