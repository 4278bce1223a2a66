//===- Tracing.h - When the kernels of a call ran -------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_DRIVER_TRACING_H
#define MAD_PASSES_DRIVER_TRACING_H

#include <cstdint>
#include <string>
#include <vector>

namespace mad {

class Timeline;

/// A kernel of the compiled code, or a loop around some.
struct TraceSite {
  std::string kind;  ///< `contract`, `elementwise`, `reduce`, `copy`, `for`
  std::string name;  ///< of the `let`, if any
  std::string place; ///< `model.mad:3:4`
};

/// What compiled code with hooks writes to: passes/Transforms/TraceKernels.cpp.
/// One call at a time.
class TraceSink {
public:
  explicit TraceSink(const Timeline &timeline) : timeline(timeline) {}

  struct Event {
    uint32_t site = 0;
    double begin = 0, length = 0; ///< microseconds on the timeline
  };
  /// Each run of a site, in the order of their ends. Further ones than `limit`
  /// are only counted.
  static constexpr size_t limit = 500'000;
  std::vector<Event> events;
  size_t dropped = 0;

  /// The hook: 2 * site before it, 2 * site + 1 behind it.
  static void hook(void *sink, int64_t code);

private:
  const Timeline &timeline;
  std::vector<double> begins;
};

} // namespace mad

#endif // MAD_PASSES_DRIVER_TRACING_H
