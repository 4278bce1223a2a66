//===- Races.cpp - Accesses to a cell that nothing orders ------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An entry of a cell stands for one access, or for several that nothing orders: reads, and writes
// that are atomic. With clocks or fences these are listed; else barriers order all or none of them.
//
//===----------------------------------------------------------------------===//
#include "runtime/simt/Ops.h"
#include <algorithm>

using namespace mad::simt;

/// In buffers, blocks that race are told apart from threads that do.
static simt_kind raceKind(const Cell &cell, const Access &me, const Access &before,
                          simt_kind within) {
  bool blocks = before.block != me.block || before.thread == Access::severalBlocks;
  return cell.block == 0 && blocks ? SIMT_RACE_BLOCKS : within;
}

/// Two accesses of which nothing orders the first before the second, as one.
static Access merged(const Block &b, const Access &before, const Access &me) {
  Access both = me;
  both.arrivals =
      b.cluster.holds(before.block) ? std::max(before.arrivals, me.arrivals) : UINT32_MAX;
  if (before.block != me.block || before.thread == Access::severalBlocks) {
    both.thread = Access::severalBlocks;
    return both;
  }
  const unsigned warp = me.thread / warpSize;
  bool lanes = before.thread < Access::agents && before.thread / warpSize == warp;
  lanes |= before.thread == Access::severalLanes + warp;
  both.thread = lanes ? uint16_t(Access::severalLanes + warp) : Access::severalWarps;
  return both;
}

/// Adds an access to an entry.
static void add(Block &b, const Thread &t, Access &entry, const Access &me) {
  if (!entry || t.block->ordered(t, entry)) {
    entry = me;
    return;
  }
  // With clocks alone the accesses of earlier clusters are in no list: what is merged with them
  // cannot have one of its own.
  const bool isOne = entry.thread < Access::severalLanes;
  const bool isListed = isOne || b.cluster.several.count(&entry);
  if (b.useFences() || (b.useClocks() && b.cluster.holds(entry.block) && isListed)) {
    auto &list = b.cluster.several[&entry];
    if (isOne)
      list.assign(1, entry);
    std::erase_if(list,
                  [&](const Access &a) { return a.thread == me.thread && a.block == me.block; });
    list.push_back(me);
  }
  entry = merged(b, entry, me);
}

/// An access of an entry that is not before what the thread does now; null: all of them are.
static const Access *unordered(const Block &b, const Thread &t, const Access &entry) {
  if (!entry || t.block->ordered(t, entry))
    return nullptr;
  const auto &several = b.cluster.several;
  auto list = several.find(&entry);
  if (entry.thread < Access::severalLanes || list == several.end())
    return &entry;
  for (const Access &a : list->second)
    if (!t.block->ordered(t, a))
      return &a;
  return nullptr;
}

/// Whether both are atomic to one another.
static bool meet(const Access &entry, Atomicity level, const Touch &me) {
  Atomicity least = std::min(level, me.level);
  return least == Atomicity::OfAll || (least == Atomicity::OfBlock && entry.block == me.block &&
                                       entry.thread != Access::severalBlocks);
}

static void check(Block &b, Thread &t, const Cell &cell, const Access &entry, Atomicity level,
                  const Touch &me, uint64_t address, simt_kind within) {
  if (meet(entry, level, me))
    return;
  const Access *other = unordered(b, t, entry);
  if (!other)
    return;
  simt_kind kind = raceKind(cell, me, *other, within);
  const bool tell = cell.block != 0 || kind == SIMT_RACE_BLOCKS ||
                    b.launch.global_races == SIMT_RACES_ALL || b.kernel.flags & SIMT_EXCHANGES;
  if (tell)
    b.report.find(kind, t, me.place, address, other);
}

void mad::simt::raceOfRead(Block &b, Thread &t, Cell &cell, const Touch &me, uint64_t address) {
  check(b, t, cell, cell.write, cell.writes, me, address, SIMT_RACE_READ);
  bool alone = !cell.read || t.block->ordered(t, cell.read);
  cell.reads = alone ? me.level : std::min(cell.reads, me.level);
  add(b, t, cell.read, me);
}

void mad::simt::raceOfWrite(Block &b, Thread &t, Cell &cell, const Touch &me, uint64_t address) {
  check(b, t, cell, cell.write, cell.writes, me, address, SIMT_RACE_WRITE_WRITE);
  check(b, t, cell, cell.read, cell.reads, me, address, SIMT_RACE_WRITE);
  if (me.level != Atomicity::None && meet(cell.write, cell.writes, me)) {
    cell.writes = std::min(cell.writes, me.level);
    add(b, t, cell.write, me);
  } else {
    cell.writes = me.level;
    cell.write = me;
  }
  cell.read = Access();
}
