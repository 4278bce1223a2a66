//===- Mbarriers.cpp - Barriers in shared memory ----------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The state lies beside shared memory, by address; the eight bytes themselves only
// count as written.
//
//===----------------------------------------------------------------------===//
#include "runtime/simt/Mbarriers.h"
#include "runtime/simt/Ops.h"

using namespace mad::simt;

Mbarrier &mad::simt::mbarrierIn(Block &b, Thread &t, uint32_t offset, const char *place) {
  auto found = b.mbarriers.find(offset);
  if (found == b.mbarriers.end()) {
    b.report.find(SIMT_BAD_MBARRIER, t, place, offset, nullptr, "it was never initialised");
    b.abandon(t);
  }
  if (!t.block->ordered(t, found->second.made))
    b.report.find(SIMT_RACE_READ, t, place, offset, &found->second.made,
                  "the initialisation of an mbarrier");
  return found->second;
}

Mbarrier &mad::simt::mbarrierAt(Block &b, Thread &t, const void *at, const char *place,
                                uint32_t *where) {
  uint32_t offset = sharedOffset(b, t, at, 8, place);
  if (where)
    *where = offset;
  return mbarrierIn(b, t, offset, place);
}

void mad::simt::settle(Block &b, Mbarrier &m) {
  if (m.pending != 0 || m.bytes != 0)
    return;
  ++m.phase;
  m.pending = m.count;
  m.done = m.clock;
  for (Thread *t : m.waiting)
    b.wake(*t);
  m.waiting.clear();
}

void mad_simt_mbarrier_init(simt_thread *t, void *at, uint32_t count, const char *place) {
  guarded(t, [&](Block &b) {
    uint32_t offset = sharedOffset(b, *t, at, 8, place);
    auto wrong = [&](const char *detail) {
      b.report.find(SIMT_BAD_MBARRIER, *t, place, offset, nullptr, detail);
      b.abandon(*t);
    };
    if (offset % 8 != 0)
      wrong("it must be aligned to 8 bytes");
    if (count == 0 || count >= 1u << 20)
      wrong("its count must be 1 to 2^20 - 1");
    if (b.mbarriers.count(offset))
      wrong("it is initialised already");
    touch(b, *t, offset, 8, Write, place);
    Mbarrier &m = b.mbarriers[offset];
    m.count = m.pending = count;
    m.agent = unsigned(b.mbarriers.size() - 1) % agentCount;
    m.made = b.now(*t, place);
    m.clock = m.done = b.freshClock();
  });
}

void mad_simt_mbarrier_inval(simt_thread *t, void *at, const char *place) {
  guarded(t, [&](Block &b) {
    uint32_t offset;
    mbarrierAt(b, *t, at, place, &offset);
    b.mbarriers.erase(offset);
  });
}

uint64_t mad_simt_mbarrier_arrive(simt_thread *t, void *at, uint32_t count, uint32_t bytes,
                                  const char *place) {
  return guarded(t, [&](Block &b) -> uint64_t {
    uint32_t offset;
    Block &other = b.cluster.owner(*t, at, 8, place, offset);
    Mbarrier &m = mbarrierIn(other, *t, offset, place);
    uint64_t phase = m.phase;
    if (m.pending < count) {
      b.report.find(SIMT_EXTRA_ARRIVAL, *t, place, 0, nullptr,
                    std::to_string(m.pending) + " of " + std::to_string(m.count) +
                        " arrivals are pending");
      b.abandon(*t);
    }
    m.bytes += bytes;
    m.pending -= count;
    b.release(*t, m.clock);
    settle(b, m);
    return phase;
  });
}

void mad_simt_mbarrier_expect(simt_thread *t, void *at, uint32_t bytes, const char *place) {
  guarded(t, [&](Block &b) { mbarrierAt(b, *t, at, place).bytes += bytes; });
}

void mad_simt_mbarrier_wait(simt_thread *t, void *at, uint32_t parity, const char *place) {
  guarded(t, [&](Block &b) {
    uint32_t offset;
    Mbarrier &m = mbarrierAt(b, *t, at, place, &offset);
    while ((m.phase & 1) == (parity & 1)) {
      m.waiting.push_back(t);
      b.pause(*t, State::AtMbarrier, place, offset);
    }
    b.acquire(*t, m.done);
  });
}
