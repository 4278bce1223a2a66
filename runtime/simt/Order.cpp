//===- Order.cpp - Which access is before which ----------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "runtime/simt/Cluster.h"

using namespace mad::simt;

void mad::simt::join(Clock &into, const Clock &from) {
  for (size_t i = 0; i < from.size(); ++i)
    if (into[i] < from[i])
      into[i] = from[i];
}

Access Block::now(const Thread &t, const char *place) const {
  return {place, serial, epoch, warps[t.warp].epoch, t.clock, t.arrivals, uint16_t(t.linear)};
}

bool Block::ordered(const Thread &t, const Access &before) const {
  if (before.block != serial)
    return cluster.ordered(t, before);
  if (before.arrivals < t.waits)
    return true;
  if (before.thread == Access::severalBlocks)
    return false;
  if (before.thread == t.linear || before.epoch < epoch)
    return true;
  if (before.thread == Access::severalWarps)
    return false;
  if (before.thread >= Access::severalLanes)
    return before.thread - Access::severalLanes == int(t.warp) &&
           before.warpEpoch < warps[t.warp].epoch;
  if (before.thread >= Access::agents)
    return useClocks() && t.knows[agentEntry(before.thread - Access::agents)] >= before.clock;
  if (before.thread / warpSize == t.warp && before.warpEpoch < warps[t.warp].epoch)
    return true;
  return useClocks() && t.knows[rank * clocks() + before.thread] >= before.clock;
}

Clock Block::freshClock() const {
  return Clock(useClocks() ? cluster.blocks.size() * clocks() : 0);
}

void Block::release(Thread &t, Clock &object) {
  if (!useClocks())
    return;
  t.knows[rank * clocks() + t.linear] = t.clock++;
  join(object, t.knows);
}

void Block::acquire(Thread &t, const Clock &object) {
  if (useClocks())
    join(t.knows, object);
}

bool Block::inShared(const void *at, uint64_t bytes, uint32_t &offset) const {
  uint64_t distance = uint64_t(static_cast<const uint8_t *>(at) - shared);
  offset = uint32_t(distance);
  return distance < sharedBytes && bytes <= sharedBytes - distance;
}
