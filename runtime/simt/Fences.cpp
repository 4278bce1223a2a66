//===- Fences.cpp - Order of blocks by fences and atomics ------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Between clusters nothing else orders accesses: a thread has a fence and then writes an atomic;
// a thread of another block reads that by an atomic, and has a fence behind it. What was
// before the first fence, by barriers for the other threads of its block, is then before what
// follows the second one. Later atomics at an address keep what earlier ones published.
//
//===----------------------------------------------------------------------===//
#include "runtime/simt/Ops.h"
#include <algorithm>
#include <unordered_set>

using namespace mad::simt;

void mad::simt::noteAtomic(Block &b, Thread &t, uintptr_t address, uint32_t flags) {
  if (!(flags & Near)) {
    auto &list = b.cluster.published[address];
    t.seen.push_back({address, list.size()});
    if (flags & Write && t.released) {
      Release made = *t.released;
      made.atomic = t.clock;
      list.push_back(std::make_shared<const Release>(std::move(made)));
    }
  }
  ++t.clock;
}

/// Takes up a release and all that its thread knew of.
static void learn(Block &b, const Released &what, const Access &since,
                  std::unordered_set<const Release *> &met) {
  if (!met.insert(what.get()).second)
    return;
  if (!b.cluster.holds(what->by.block))
    b.known.push_back({what, since});
  for (const Released &other : what->others)
    learn(b, other, since, met);
}

void mad_simt_fence(simt_thread *t) {
  guarded(t, [&](Block &b) {
    const Access now = b.now(*t, "");
    std::unordered_set<const Release *> met;
    std::vector<Released> others;
    for (const Known &k : b.known)
      if (b.ordered(*t, k.since) && met.insert(k.what.get()).second)
        others.push_back(k.what);
    for (auto [address, count] : t->seen)
      for (size_t i = 0; i < count; ++i) {
        const Released &what = b.cluster.published[address][i];
        if (!met.count(what.get()))
          others.push_back(what);
        learn(b, what, now, met);
      }
    t->seen.clear();
    t->released = std::make_shared<const Release>(Release{now, 0, t->waits, t->knows, others});
    ++t->clock; // what comes is behind the fence
  });
}

/// Whether an access of another cluster is before a release there.
static bool covers(const Cluster &c, const Release &r, const Access &a) {
  const size_t size = c.blocks.size();
  if ((a.block - 1) / size != (r.by.block - 1) / size)
    return false;
  if (a.arrivals < r.waits)
    return true;
  if (a.block != r.by.block || a.thread == Access::severalBlocks)
    return false;
  const Block &b = c.blocks.front();
  if (a.epoch < r.by.epoch)
    return true;
  if (a.thread == r.by.thread)
    return a.clock <= r.by.clock || a.clock == r.atomic;
  const bool several = a.thread >= Access::severalLanes;
  const unsigned warp =
      (several ? a.thread - Access::severalLanes : a.thread) / (several ? 1 : warpSize);
  if (warp == r.by.thread / warpSize && a.warpEpoch < r.by.warpEpoch)
    return true;
  return b.useClocks() && !several &&
         r.knows[(a.block - 1) % size * b.clocks() + a.thread] >= a.clock;
}

bool Cluster::released(const Thread &t, const Access &before) const {
  for (const Block &b : blocks)
    for (const Known &k : b.known)
      if (covers(*this, *k.what, before) && t.block->ordered(t, k.since))
        return true;
  return false;
}
