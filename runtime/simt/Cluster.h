//===- Cluster.h - Blocks that reach each other's shared memory ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_RUNTIME_SIMT_CLUSTER_H
#define MAD_RUNTIME_SIMT_CLUSTER_H

#include "runtime/simt/Block.h"
#include <deque>

namespace mad::simt {

/// The barrier of a cluster, at which threads arrive and wait in two steps.
struct ClusterBarrier {
  uint32_t phase = 0;   ///< those that are over
  unsigned arrived = 0; ///< threads that live and have arrived in the present one
  std::vector<Thread *> waiting;
  std::vector<const char *> warpPlace; ///< of aligned arrivals, a warp of a block each
  Clock clock;                         ///< of the arrivals
  Clock done;                          ///< of those of the phases that are over
};

/// Blocks that run at the same time: one, in kernels without clusters. The threads of all of them
/// take turns.
struct Cluster {
  Cluster(simt_device &device, const simt_kernel &kernel, void **params, const simt_launch &launch,
          Report &report, simt_result &result);

  // Scheduling (Launch.cpp).
  /// False when there is no memory.
  bool allocate();
  void start(const uint32_t *id);
  void run();
  uint32_t random();

  /// Whether the serial number is that of one of its blocks.
  bool holds(uint32_t serial) const { return serial - first < blocks.size(); }
  const Block &block(uint32_t serial) const { return blocks[holds(serial) ? serial - first : 0]; }
  /// Whether an access of another block is before what the thread does now.
  bool ordered(const Thread &t, const Access &before) const;
  /// The same for a block of another cluster: by fences and atomics (Fences.cpp).
  bool released(const Thread &t, const Access &before) const;

  /// The block whose shared memory holds these bytes; gives the cluster up when none does.
  Block &owner(Thread &t, const void *at, uint64_t bytes, const char *place, uint32_t &offset);
  /// Another block must have begun, as far as a thread knows, and must not have ended.
  void checkThere(const Block &other, Thread &t, const char *place);
  /// A thread reaches into the memory of another block, which must stay until then.
  void visit(Block &other, Thread &t, const char *place);
  /// A thread has ended: what it knew of needs its block no longer. The last one: nothing else may.
  void endVisits(Block &b, Thread &t);
  /// A thread has ended: others may have waited for it alone.
  void endBarrier(Thread &t);
  void releaseBarrier();
  unsigned live() const;

  const simt_kernel &kernel;
  const simt_launch &launch;
  Report &report;
  simt_result &result;

  std::deque<Block> blocks;
  uint32_t first = 1; ///< serial number of the first one
  ClusterBarrier barrier;
  std::vector<Load> loads; ///< on their way
  /// What an entry of a cell stands for where these are several, with clocks or fences.
  std::unordered_map<const Access *, std::vector<Access>> several;
  /// What fences in front of atomics released there, by address.
  std::unordered_map<uintptr_t, std::vector<Released>> published;

  bool abandoned = false, outOfMemory = false;
  std::vector<Thread *> ready;
  Fiber scheduler;
  uint64_t state; ///< of the random numbers
};

} // namespace mad::simt

#endif // MAD_RUNTIME_SIMT_CLUSTER_H
