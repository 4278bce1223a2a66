//===- Threads.h - Independent pieces of work ------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_LUT_FORMAT_THREADS_H
#define MAD_DIALECTS_LUT_FORMAT_THREADS_H

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace mad::lut {

/// Calls `work` with each number below `count`, on as many threads as the machine has. Each call
/// writes memory of its own, so that results do not depend on how many there are.
template <typename Work> void inThreads(int64_t count, const Work &work) {
  std::atomic<int64_t> next = 0;
  auto run = [&] {
    for (int64_t i; (i = next++) < count;)
      work(i);
  };
  int64_t threads = std::min<int64_t>(count, std::thread::hardware_concurrency());
  std::vector<std::thread> others;
  for (int64_t i = 1; i < threads; ++i)
    others.emplace_back(run);
  run();
  for (std::thread &other : others)
    other.join();
}

} // namespace mad::lut

#endif // MAD_DIALECTS_LUT_FORMAT_THREADS_H
