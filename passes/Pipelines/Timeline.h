//===- Timeline.h - Where the time of a compilation goes ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_PIPELINES_TIMELINE_H
#define MAD_PASSES_PIPELINES_TIMELINE_H

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace mlir {
class PassManager;
} // namespace mlir

namespace mad {

/// Steps, stages and passes with their begin and length, in the order of their ends.
class Timeline {
public:
  struct Event {
    std::string name;
    std::string category; ///< `step`, `stage`, `pass`
    double begin = 0;     ///< microseconds since the timeline was made
    double length = 0;    ///< microseconds
  };
  /// Microseconds since the timeline was made.
  double now() const {
    return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start)
        .count();
  }
  void add(std::string name, std::string category, double begin) {
    all.push_back({std::move(name), std::move(category), begin, now() - begin});
  }
  const std::vector<Event> &events() const { return all; }

  /// Passes are recorded too, when asked for.
  bool passes = false;

private:
  std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
  std::vector<Event> all;
};

/// Makes the manager tell the timeline of its passes.
void recordPasses(mlir::PassManager &manager, Timeline &timeline);

} // namespace mad

#endif // MAD_PASSES_PIPELINES_TIMELINE_H
