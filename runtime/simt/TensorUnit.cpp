//===- TensorUnit.cpp - Copies by the tensor unit ---------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A load is in flight from its issue; it lands at a random later moment, or when nobody
// else can run, and then counts as a write that those know of who waited for its
// mbarrier. A store reads until the thread waits for its group.
//
//===----------------------------------------------------------------------===//
#include "runtime/simt/Mbarriers.h"
#include "runtime/simt/Ops.h"
#include <algorithm>
#include <cstring>

using namespace mad::simt;

/// The map, if it is one and fits the instruction; else the block is given up.
static TensorMap readMap(Block &b, Thread &t, const void *map, uint32_t rank, const char *place) {
  TensorMap m;
  memcpy(&m, map, sizeof m);
  if (m.magic == TensorMap::mark && m.rank == rank)
    return m;
  b.report.find(SIMT_BAD_OPERAND, t, place, 0, nullptr,
                m.magic != TensorMap::mark ? "the parameter is no tensor map"
                                           : "a box of rank " + std::to_string(rank) +
                                                 " of a tensor of rank " + std::to_string(m.rank));
  b.abandon(t);
}

static void checkAlignment(Block &b, Thread &t, uint32_t offset, uint32_t alignment,
                           const char *place) {
  if (offset % alignment == 0)
    return;
  b.report.find(SIMT_MISALIGNED, t, place, offset, nullptr,
                "this needs " + std::to_string(alignment) + " bytes");
  b.abandon(t);
}

/// Copies piece by piece between a row without swizzle and shared memory.
template <typename F>
static void forChunks(const TensorMap &map, uint32_t offset, uint32_t bytes, F part) {
  for (uint32_t done = 0; done < bytes;) {
    uint32_t at = offset + done, size = std::min(16 - at % 16, bytes - done);
    part(swizzled(at, map.swizzle), done, size);
    done += size;
  }
}

//===----------------------------------------------------------------------===//
// Loads
//===----------------------------------------------------------------------===//

static void issueIn(Block &b, Thread &t, Load load, bool asyncProxy = true) {
  Mbarrier &m = mbarrierIn(b, t, load.mbarrier, load.place);
  if (!m.fenced)
    b.report.find(SIMT_MISSING_FENCE, t, load.place, load.mbarrier, &m.made,
                  "the initialisation of the mbarrier");
  beginFlight(b, t, load.to, load.extent(), asyncProxy, load.place);
  memset(b.shared + load.to, 0xEE, load.extent());
  load.block = &b;
  b.cluster.loads.push_back(load);
}

/// Into the thread's own block, or into those of a mask: each has the tile and the mbarrier at the
/// same offsets.
static void issue(Block &b, Thread &t, Load &load, uint32_t mask) {
  if (mask == 0)
    return issueIn(b, t, load);
  auto &blocks = b.cluster.blocks;
  if (mask >> blocks.size() != 0) {
    b.report.find(SIMT_BAD_OPERAND, t, load.place, mask, nullptr,
                  "a mask of blocks that are not in the cluster of " +
                      std::to_string(blocks.size()));
    b.abandon(t);
  }
  load.multicast = true;
  for (Block &other : blocks)
    if (mask >> other.rank & 1) {
      b.cluster.checkThere(other, t, load.place);
      issueIn(other, t, load);
    }
}

void mad::simt::land(Cluster &cluster, size_t number) {
  Load load = cluster.loads[number];
  cluster.loads[number] = cluster.loads.back();
  cluster.loads.pop_back();
  Block &b = *load.block;
  const bool isCopy = load.from || load.map.rank > 0;
  if (load.map.rank == 0)
    memcpy(b.shared + load.to, load.from ? static_cast<const void *>(load.from) : &load.value,
           load.bytes);
  else
    load.map.forPieces(load.at.data(), [&](uint32_t offset, const uint8_t *from, uint32_t bytes) {
      forChunks(load.map, load.to + offset, bytes, [&](uint32_t at, uint32_t done, uint32_t size) {
        if (from)
          memcpy(b.shared + at, from + done, size);
        else
          memset(b.shared + at, 0, size);
      });
    });
  auto found = b.mbarriers.find(load.mbarrier);
  if (found == b.mbarriers.end())
    return; // invalidated meanwhile: nobody can wait for it
  Mbarrier &m = found->second;
  uint32_t clock = b.agentClock[m.agent]++;
  if (b.useClocks())
    m.clock[b.agentEntry(m.agent)] = clock;
  Access by{
      load.place, b.serial, UINT32_MAX, 0, clock, UINT32_MAX, uint16_t(Access::agents + m.agent)};
  if (load.multicast && b.live > 0)
    b.visits[b.agentEntry(m.agent)] = by; // it must be waited for
  endFlight(b, load.to, load.extent(), by, 0, isCopy);
  m.bytes -= load.bytes;
  settle(b, m);
}

void mad_simt_tma_load(simt_thread *t, void *to, const void *map, void *mbarrier, uint32_t rank,
                       const int32_t *at, uint32_t mask, const char *place) {
  guarded(t, [&](Block &b) {
    Load load{};
    load.map = readMap(b, *t, map, rank, place);
    load.bytes = load.map.boxBytes();
    load.to = sharedOffset(b, *t, to, load.extent(), place);
    load.place = place;
    std::copy(at, at + rank, load.at.begin());
    checkAlignment(b, *t, load.to, load.map.alignment(), place);
    load.mbarrier = sharedOffset(b, *t, mbarrier, 8, place);
    load.map.forPieces(at, [&](uint32_t, uint8_t *from, uint32_t bytes) {
      if (from)
        touchGlobal(b, *t, from, bytes, 0, place);
    });
    issue(b, *t, load, mask);
  });
}

void mad_simt_bulk_load(simt_thread *t, void *to, const void *from, void *mbarrier, uint32_t bytes,
                        uint32_t mask, const char *place) {
  guarded(t, [&](Block &b) {
    Load load{};
    load.bytes = bytes;
    load.to = sharedOffset(b, *t, to, bytes, place);
    load.from = static_cast<const uint8_t *>(from);
    load.place = place;
    checkAlignment(b, *t, load.to | bytes | uint32_t(reinterpret_cast<uintptr_t>(from)), 16, place);
    load.mbarrier = sharedOffset(b, *t, mbarrier, 8, place);
    touchGlobal(b, *t, from, bytes, 0, place);
    issue(b, *t, load, mask);
  });
}

/// Who waits for the mbarrier knows what this thread did before: the value goes with it.
void mad_simt_async_store(simt_thread *t, void *to, uint64_t value, void *mbarrier,
                          const char *place) {
  guarded(t, [&](Block &b) {
    Load load{};
    load.bytes = sizeof value;
    load.value = value;
    load.place = place;
    Block &other = b.cluster.owner(*t, to, load.bytes, place, load.to);
    checkAlignment(b, *t, load.to, load.bytes, place);
    if (&b.cluster.owner(*t, mbarrier, 8, place, load.mbarrier) != &other) {
      b.report.find(SIMT_BAD_OPERAND, *t, place, load.mbarrier, nullptr,
                    "the mbarrier is in another block than the memory");
      b.abandon(*t);
    }
    load.multicast = &other != &b;
    b.release(*t, mbarrierIn(other, *t, load.mbarrier, place).clock);
    issueIn(other, *t, load, /*asyncProxy=*/false);
  });
}

//===----------------------------------------------------------------------===//
// Stores
//===----------------------------------------------------------------------===//

static void begin(Block &b, Thread &t, const Store &store) {
  readAsync(b, t, store.from, store.bytes, store.place);
  b.reading.push_back(store.range());
  t.openStores.push_back(store);
}

static void finish(Block &b, Thread &t, const Store &store) {
  if (store.map.rank == 0) {
    touchGlobal(b, t, store.to, store.bytes, Write, store.place);
    memcpy(store.to, b.shared + store.from, store.bytes);
  } else {
    store.map.forPieces(store.at.data(), [&](uint32_t offset, uint8_t *to, uint32_t bytes) {
      if (!to)
        return;
      touchGlobal(b, t, to, bytes, Write, store.place);
      forChunks(store.map, store.from + offset, bytes,
                [&](uint32_t at, uint32_t done, uint32_t size) {
                  memcpy(to + done, b.shared + at, size);
                });
    });
  }
  auto same = std::find_if(b.reading.begin(), b.reading.end(), [&](const Range &r) {
    return r.low == store.from && r.place == store.place;
  });
  if (same != b.reading.end())
    b.reading.erase(same);
}

void mad::simt::finishStores(Block &b, Thread &t, size_t left) {
  while (t.storeGroups.size() > left) {
    for (const Store &store : t.storeGroups.front())
      finish(b, t, store);
    t.storeGroups.erase(t.storeGroups.begin());
  }
}

void mad_simt_tma_store(simt_thread *t, const void *map, void *from, uint32_t rank,
                        const int32_t *at, const char *place) {
  guarded(t, [&](Block &b) {
    Store store{};
    store.map = readMap(b, *t, map, rank, place);
    store.bytes = store.map.boxBytes();
    if (store.bytes != store.map.extent()) {
      b.report.find(SIMT_BAD_OPERAND, *t, place, 0, nullptr, "rows narrower than the swizzle");
      b.abandon(*t);
    }
    store.from = sharedOffset(b, *t, from, store.bytes, place);
    store.place = place;
    std::copy(at, at + rank, store.at.begin());
    checkAlignment(b, *t, store.from, store.map.alignment(), place);
    begin(b, *t, store);
  });
}

void mad_simt_bulk_store(simt_thread *t, void *to, void *from, uint32_t bytes, const char *place) {
  guarded(t, [&](Block &b) {
    Store store{};
    store.bytes = bytes;
    store.from = sharedOffset(b, *t, from, bytes, place);
    store.to = static_cast<uint8_t *>(to);
    store.place = place;
    checkAlignment(b, *t, store.from | bytes | uint32_t(reinterpret_cast<uintptr_t>(to)), 16,
                   place);
    begin(b, *t, store);
  });
}

void mad_simt_bulk_commit(simt_thread *t) {
  guarded(t, [&](Block &) {
    t->storeGroups.push_back(std::move(t->openStores));
    t->openStores.clear();
  });
}

void mad_simt_bulk_wait(simt_thread *t, uint32_t left) {
  guarded(t, [&](Block &b) { finishStores(b, *t, left); });
}

//===----------------------------------------------------------------------===//
// Fences
//===----------------------------------------------------------------------===//

static void showMbarriers(Block &b, const Thread &t) {
  for (auto &[offset, m] : b.mbarriers)
    if (b.ordered(t, m.made))
      m.fenced = true;
}

void mad_simt_fence_mbarrier(simt_thread *t) {
  guarded(t, [&](Block &b) { showMbarriers(b, *t); });
}

void mad_simt_fence_proxy(simt_thread *t) {
  guarded(t, [&](Block &b) {
    ++t->fences;
    t->fenceEpoch = b.epoch;
    t->fenceWarpEpoch = b.warps[t->warp].epoch;
    t->fenceWaits = t->waits;
    t->fenceKnows = t->knows;
    showMbarriers(b, *t);
  });
}
