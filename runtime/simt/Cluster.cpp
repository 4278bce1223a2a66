//===- Cluster.cpp - Blocks that reach each other's shared memory -----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An access is ordered by the barrier of the cluster if its thread had arrived fewer times than
// the other one has waited. Mbarriers that other blocks arrive at order by clocks.
//
//===----------------------------------------------------------------------===//
#include "runtime/simt/Cluster.h"
#include "runtime/simt/Ops.h"
#include <algorithm>

using namespace mad::simt;

bool Cluster::ordered(const Thread &t, const Access &before) const {
  if (!holds(before.block))
    return released(t, before);
  if (before.arrivals < t.waits)
    return true;
  const Block &b = block(before.block);
  if (!b.useClocks() || before.thread >= Access::severalLanes)
    return false;
  size_t entry = before.thread >= Access::agents ? b.agentEntry(before.thread - Access::agents)
                                                 : b.rank * b.clocks() + before.thread;
  return t.knows[entry] >= before.clock;
}

unsigned Cluster::live() const {
  unsigned sum = 0;
  for (const Block &b : blocks)
    sum += b.live;
  return sum;
}

//===----------------------------------------------------------------------===//
// Memory of other blocks
//===----------------------------------------------------------------------===//

Block &Cluster::owner(Thread &t, const void *at, uint64_t bytes, const char *place,
                      uint32_t &offset) {
  for (Block &b : blocks)
    if (b.inShared(at, bytes, offset)) {
      visit(b, t, place);
      return b;
    }
  offset = sharedOffset(*t.block, t, at, bytes, place); // tells what is wrong
  return *t.block;
}

/// Whether the thread knows that the block has begun.
static bool knowsOf(const Thread &t, const Block &other) {
  if (t.waits > 0)
    return true;
  if (!other.useClocks())
    return false;
  auto from = t.knows.begin() + other.rank * other.clocks();
  return std::any_of(from, from + other.clocks(), [](uint32_t clock) { return clock > 0; });
}

static std::string numberOf(const Block &b) { return "block " + std::to_string(b.rank); }

void Cluster::checkThere(const Block &other, Thread &t, const char *place) {
  if (&other == t.block)
    return;
  auto wrong = [&](const char *what) {
    report.find(SIMT_BLOCK_LIFETIME, t, place, 0, nullptr,
                numberOf(other) + " of the cluster " + what);
  };
  if (!knowsOf(t, other))
    wrong("may not have begun");
  if (other.live == 0) {
    wrong("has ended");
    t.block->abandon(t);
  }
}

void Cluster::visit(Block &other, Thread &t, const char *place) {
  const Block &mine = *t.block;
  checkThere(other, t, place);
  if (&other != &mine)
    other.visits[mine.rank * mine.clocks() + t.linear] = mine.now(t, place);
}

void Cluster::endVisits(Block &b, Thread &t) {
  std::erase_if(b.visits, [&](const auto &v) { return b.ordered(t, v.second); });
  if (b.live > 0)
    return;
  for (const auto &[entry, access] : b.visits)
    report.findAt(SIMT_BLOCK_LIFETIME, t, access.place, 0, access.place,
                  numberOf(b) + " of the cluster may end before");
  for (const Load &load : loads)
    if (load.block == &b && load.multicast)
      report.findAt(SIMT_BLOCK_LIFETIME, t, load.place, 0, load.place,
                    numberOf(b) + " of the cluster ends while the copy is on its way");
}

void mad_simt_shared_cluster(simt_thread *t, void *at, uint32_t bytes, uint32_t flags,
                             const char *place) {
  guarded(t, [&](Block &b) {
    uint32_t offset;
    Block &other = b.cluster.owner(*t, at, bytes, place, offset);
    sharedAccess(other, *t, offset, bytes, flags, place);
  });
}

void *mad_simt_mapa(simt_thread *t, void *at, uint32_t rank, const char *place) {
  return guarded(t, [&](Block &b) -> void * {
    auto wrong = [&](const std::string &detail) {
      b.report.find(SIMT_BAD_OPERAND, *t, place, 0, nullptr, detail);
      b.abandon(*t);
    };
    if (rank >= b.cluster.blocks.size())
      wrong("block " + std::to_string(rank) + " of a cluster of " +
            std::to_string(b.cluster.blocks.size()));
    uint32_t offset;
    for (const Block &from : b.cluster.blocks)
      if (from.inShared(at, 0, offset))
        return b.cluster.blocks[rank].shared + offset;
    wrong("the address is not one of shared memory");
    return nullptr;
  });
}

//===----------------------------------------------------------------------===//
// The barrier
//===----------------------------------------------------------------------===//

void Cluster::releaseBarrier() {
  ++barrier.phase;
  barrier.arrived = 0;
  barrier.done = barrier.clock;
  std::fill(barrier.warpPlace.begin(), barrier.warpPlace.end(), nullptr);
  for (Thread *t : barrier.waiting)
    t->block->wake(*t);
  barrier.waiting.clear();
}

void Cluster::endBarrier(Thread &t) {
  if (t.arrivals > barrier.phase)
    --barrier.arrived;
  // Threads that have ended count as arrived.
  if (barrier.arrived > 0 && barrier.arrived == live())
    releaseBarrier();
}

/// Lanes of a warp must be at the same instruction.
static void checkAligned(Block &b, Thread &t, const char *place) {
  auto &places = b.cluster.barrier.warpPlace;
  const char *&before = places[b.rank * b.warps.size() + t.warp];
  if (before && before != place)
    b.report.findAt(SIMT_DIVERGENT_BARRIER, t, place, 0, before);
  before = place;
}

void mad_simt_cluster_arrive(simt_thread *t, uint32_t aligned, const char *place) {
  guarded(t, [&](Block &b) {
    ClusterBarrier &barrier = b.cluster.barrier;
    if (t->arrivals != t->waits) {
      b.report.find(SIMT_BAD_BARRIER, *t, place, 0, nullptr,
                    "a second arrival at the cluster's barrier without a wait before it");
      b.abandon(*t);
    }
    if (aligned)
      checkAligned(b, *t, place);
    ++t->arrivals;
    b.release(*t, barrier.clock);
    if (++barrier.arrived == b.cluster.live())
      b.cluster.releaseBarrier();
  });
}

void mad_simt_cluster_wait(simt_thread *t, const char *place) {
  guarded(t, [&](Block &b) {
    ClusterBarrier &barrier = b.cluster.barrier;
    if (t->arrivals == t->waits) {
      b.report.find(SIMT_BAD_BARRIER, *t, place, 0, nullptr,
                    "a wait at the cluster's barrier without an arrival before it");
      b.abandon(*t);
    }
    while (barrier.phase < t->arrivals) {
      barrier.waiting.push_back(t);
      b.pause(*t, State::AtCluster, place, barrier.phase);
    }
    t->waits = t->arrivals;
    b.acquire(*t, barrier.done);
  });
}
