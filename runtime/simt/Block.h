//===- Block.h - The state of a block that runs ---------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_RUNTIME_SIMT_BLOCK_H
#define MAD_RUNTIME_SIMT_BLOCK_H

#include "runtime/simt/Device.h"
#include "runtime/simt/Fiber.h"
#include "runtime/simt/Shadow.h"
#include "runtime/simt/TensorMap.h"
#include "runtime/simt/simt.h"
#include <array>
#include <cstddef>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

namespace mad::simt {

struct Block;
struct Cluster;
struct Group;
class Report;
constexpr unsigned warpSize = 32, warpgroupSize = 128;
using Clock = std::vector<uint32_t>;
void join(Clock &into, const Clock &from);

/// Bytes of shared memory.
struct Range {
  uint32_t low, high;
  const char *place;
  bool overlaps(uint32_t at, uint32_t bytes) const { return low < at + bytes && at < high; }
};

/// `cp.async` of one thread.
struct Copy {
  uint32_t to;
  const uint8_t *from;
  uint32_t bytes, filled; ///< zeros from `filled` on
  const char *place;
};

/// Copy by the tensor unit out of shared memory.
struct Store {
  TensorMap map; ///< rank 0: `bytes` in a row
  uint32_t from, bytes;
  uint8_t *to;
  std::array<int32_t, 5> at;
  const char *place;
  Range range() const { return {from, from + bytes, place}; }
};

/// What a thread had done, and had known of, at a fence. Who reads an atomic that it wrote behind
/// the fence, and then has a fence itself, knows of it.
struct Release {
  Access by;
  uint32_t atomic; ///< clock of the thread at the atomic behind the fence, which goes with it
  uint32_t waits;  ///< at the barrier of the cluster
  Clock knows;
  std::vector<std::shared_ptr<const Release>> others;
};
using Released = std::shared_ptr<const Release>;

/// A release that a block knows of, for what is ordered behind an access of its own.
struct Known {
  Released what;
  Access since;
};

enum class State : uint8_t { Ready, AtBarrier, AtWarp, AtWarpgroup, AtMbarrier, AtCluster, Done };

} // namespace mad::simt

/// What generated code gets as the context of a thread. It reads the special registers
/// and `shared` by their offsets: see Words in passes/Conversion/NvvmToSimt.
struct simt_thread {
  uint32_t tid[3], ntid[3], ctaid[3], nctaid[3];
  uint32_t lane, warp, linear, dynamicShared;
  uint8_t *shared;
  uint32_t clusterRank, clusterSize;
  uint32_t clusterid[3], nclusterid[3];
  uint32_t clusterCtaid[3], clusterNctaid[3];

  mad::simt::Block *block;
  mad::simt::Fiber fiber;
  mad::simt::State state;
  const char *place; ///< where it waits
  uint64_t waitsFor; ///< number, mask or address of what it waits for

  // Operands and results of the operation of a warp or warpgroup that it waits in.
  uint32_t in[4];
  uint64_t out;
  const void *fragments;
  void *results;

  std::vector<mad::simt::Copy> openCopies;
  std::vector<std::vector<mad::simt::Copy>> copyGroups;
  std::vector<mad::simt::Store> openStores;
  std::vector<std::vector<mad::simt::Store>> storeGroups;
  uint64_t products; ///< groups of wgmma that it committed

  uint32_t arrivals, waits; ///< at the barrier of the cluster

  uint32_t clock;         ///< its own
  mad::simt::Clock knows; ///< the clocks of others that are before its present
  uint32_t fences;        ///< proxy fences that it executed
  uint32_t fenceEpoch, fenceWarpEpoch, fenceWaits;
  mad::simt::Clock fenceKnows; ///< `knows` at the last one

  mad::simt::Released released; ///< by its last fence for other blocks
  /// Atomics since then, by address: so many releases there are before them.
  std::vector<std::pair<uintptr_t, size_t>> seen;
};
static_assert(offsetof(simt_thread, dynamicShared) == 60 && offsetof(simt_thread, shared) == 64 &&
              offsetof(simt_thread, clusterRank) == 72 && offsetof(simt_thread, clusterid) == 80 &&
              offsetof(simt_thread, clusterNctaid) == 116);

namespace mad::simt {
using Thread = simt_thread;

/// A meeting of the lanes in a mask at one operation.
struct Meeting {
  uint32_t mask = 0, arrived = 0;
  int kind = 0;
  const char *place = nullptr;
};

struct Warp {
  uint32_t live = 0; ///< lanes that have not ended
  uint32_t epoch = 1;
  std::vector<Meeting> meetings;
};

struct Barrier {
  unsigned arrived = 0;
  unsigned count = 0; ///< 0: all threads that live
  bool arriveOnly = false;
  unsigned sum = 0, all = 1; ///< of the predicates
  std::vector<Thread *> waiting;
  std::array<const char *, 32> warpPlace{};
  Clock clock;
};

struct Mbarrier {
  uint32_t count = 0, pending = 0;
  int64_t bytes = 0; ///< that copies have still to bring
  uint64_t phase = 0;
  bool fenced = false; ///< the initialisation is visible to the tensor unit
  unsigned agent = 0;
  Access made;
  std::vector<Thread *> waiting;
  Clock clock; ///< of the arrivals
  Clock done;  ///< of those of the phases that are over
};

/// Copy by the tensor unit into shared memory.
struct Load {
  Block *block;   ///< whose shared memory it goes to
  bool multicast; ///< asked for by a mask of blocks
  TensorMap map;  ///< rank 0: `bytes` in a row
  uint32_t to, bytes, mbarrier;
  uint32_t extent() const { return map.rank ? map.extent() : bytes; } ///< in shared memory
  const uint8_t *from;                                                ///< null: `value`
  std::array<int32_t, 5> at;
  const char *place;
  uint64_t value;
};

struct Warpgroup {
  unsigned arrived = 0;
  std::vector<Range> open;
  std::vector<std::vector<Range>> groups;
  uint64_t committed = 0; ///< groups so far; the last `groups.size()` are not finished
};

/// Number of clocks of asynchronous copies; mbarriers share them when they are more.
constexpr unsigned agentCount = 32;

struct Abandoned {};

/// One block at work, and the launch that it belongs to. One thread of the OS.
struct Block {
  Block(Cluster &cluster, unsigned rank, simt_device &device, const simt_kernel &kernel,
        void **params, const simt_launch &launch, Report &report, simt_result &result)
      : cluster(cluster), rank(rank), device(device), kernel(kernel), params(params),
        launch(launch), report(report), result(result) {}

  // Scheduling (Launch.cpp).
  void start(const uint32_t *ctaid, uint32_t serial);
  uint32_t random();
  void pause(Thread &t, State state, const char *place, uint64_t waitsFor);
  void yield(Thread &t);
  void wake(Thread &t);
  /// Gives the block up, since the thread cannot go on: throws `Abandoned`, which
  /// `guarded` (Ops.h) catches on the stack of the thread.
  [[noreturn]] void abandon(Thread &t);
  [[noreturn]] void leave(Thread &t);
  void end(Thread &t);

  // Order of accesses (Order.cpp).
  bool useClocks() const { return kernel.flags & SIMT_NEEDS_CLOCKS; }
  bool useFences() const { return kernel.flags & SIMT_HAS_FENCES; }
  Clock freshClock() const;
  /// The entries of the threads of a block in clocks, then those of its agents.
  size_t clocks() const { return threads.size() + agentCount; }
  /// The entry of an agent of this block.
  size_t agentEntry(unsigned agent) const { return rank * clocks() + threads.size() + agent; }
  bool ordered(const Thread &t, const Access &before) const;
  Access now(const Thread &t, const char *place) const;
  void release(Thread &t, Clock &object);
  void acquire(Thread &t, const Clock &object);

  /// Offset in shared memory; false when not all bytes lie there.
  bool inShared(const void *at, uint64_t bytes, uint32_t &offset) const;
  /// All lanes of a mask have met (WarpMeeting.cpp); does their operation.
  void meet(Warp &warp, unsigned number, Meeting meeting);
  /// After a lane has ended: who waits only for it goes on.
  void recheck(Warp &warp, unsigned number);
  void releaseBarrier(Barrier &barrier);

  Cluster &cluster;
  const unsigned rank; ///< in its cluster
  simt_device &device;
  const simt_kernel &kernel;
  void **params;
  const simt_launch &launch;
  Report &report;
  simt_result &result;

  std::vector<Thread> threads;
  Stacks stacks;
  std::vector<Warp> warps;
  std::vector<Warpgroup> warpgroups;
  std::array<Barrier, 16> barriers;
  std::map<uint32_t, Mbarrier> mbarriers; ///< by offset
  std::vector<Range> reading;             ///< of stores by the tensor unit that are not finished

  Zeroed<uint8_t> sharedMemory;
  uint8_t *shared = nullptr; ///< aligned to 1024
  uint32_t sharedBytes = 0;
  unsigned cellBytes = 2, bufferCellBytes = 2;
  Zeroed<Cell> cells;
  /// The last accesses of other blocks to this one's memory that no thread that has ended knew of,
  /// by their entries in clocks.
  std::unordered_map<size_t, Access> visits;

  std::vector<Known> known; ///< of other blocks, by fences

  uint32_t serial = 0; ///< number of this block in the launch, from 1
  uint32_t epoch = 1;
  unsigned live = 0;
  uint32_t agentClock[agentCount] = {};
  std::vector<double> scratch; ///< elements of a product
};

} // namespace mad::simt

#endif // MAD_RUNTIME_SIMT_BLOCK_H
