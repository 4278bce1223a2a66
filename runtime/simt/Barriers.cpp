//===- Barriers.cpp - Barriers of a block ----------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "runtime/simt/Ops.h"

using namespace mad::simt;

void Block::releaseBarrier(Barrier &barrier) {
  // All threads of the block have met: what was before is before all that comes.
  if (!barrier.arriveOnly && (barrier.count == 0 || barrier.count == threads.size()))
    ++epoch;
  for (Thread *t : barrier.waiting) {
    acquire(*t, barrier.clock);
    t->in[0] = barrier.sum;
    t->in[1] = barrier.all;
    wake(*t);
  }
  barrier = Barrier();
  barrier.clock = freshClock();
}

static Barrier &enter(Block &b, Thread &t, uint32_t number, uint32_t count, const char *place) {
  auto wrong = [&](const std::string &detail) {
    b.report.find(SIMT_BAD_BARRIER, t, place, 0, nullptr, detail);
    b.abandon(t);
  };
  if (number >= b.barriers.size())
    wrong("barrier " + std::to_string(number) + ", there are 16");
  if (count % warpSize != 0 || count > (b.threads.size() + warpSize - 1) / warpSize * warpSize)
    wrong("a count of " + std::to_string(count) + " in a block of " +
          std::to_string(b.threads.size()) + " threads");
  Barrier &barrier = b.barriers[number];
  if (barrier.arrived && barrier.count != count)
    wrong("a count of " + std::to_string(count) + ", another thread gave " +
          std::to_string(barrier.count));
  const char *&before = barrier.warpPlace[t.warp];
  if (before && before != place)
    b.report.findAt(SIMT_DIVERGENT_BARRIER, t, place, 0, before);
  before = place;
  barrier.count = count;
  ++barrier.arrived;
  b.release(t, barrier.clock);
  return barrier;
}

static bool complete(const Block &b, const Barrier &barrier) {
  return barrier.arrived >= (barrier.count ? barrier.count : b.live);
}

uint32_t mad_simt_barrier(simt_thread *t, uint32_t number, uint32_t count, uint32_t reduce,
                          uint32_t predicate, const char *place) {
  return guarded(t, [&](Block &b) -> uint32_t {
    Barrier &barrier = enter(b, *t, number, count, place);
    barrier.sum += predicate != 0;
    barrier.all &= predicate != 0;
    barrier.waiting.push_back(t);
    t->state = State::AtBarrier;
    t->place = place;
    t->waitsFor = number;
    if (complete(b, barrier))
      b.releaseBarrier(barrier); // this thread stands in line with the others then
    b.yield(*t);
    return reduce == 1 ? t->in[0] : reduce == 2 ? t->in[1] : uint32_t(t->in[0] != 0);
  });
}

void mad_simt_barrier_arrive(simt_thread *t, uint32_t number, uint32_t count, const char *place) {
  guarded(t, [&](Block &b) {
    if (count == 0) {
      b.report.find(SIMT_BAD_BARRIER, *t, place, 0, nullptr, "an arrival without a count");
      b.abandon(*t);
    }
    Barrier &barrier = enter(b, *t, number, count, place);
    barrier.arriveOnly = true;
    if (complete(b, barrier))
      b.releaseBarrier(barrier);
  });
}
