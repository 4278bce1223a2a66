//===- Warps.cpp - Operations of a warp ------------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The lanes of a mask meet; the last one to come computes for all of them. Only
// `bar.warp.sync` orders memory: the other operations bring values, no more.
//
//===----------------------------------------------------------------------===//
#include "runtime/simt/Ops.h"
#include <algorithm>
#include <bit>
#include <cstring>

using namespace mad::simt;

template <typename F> static void forLanes(Block &b, unsigned warp, uint32_t mask, F part) {
  for (unsigned lane = 0; lane < warpSize; ++lane)
    if (mask >> lane & 1)
      part(b.threads[warp * warpSize + lane]);
}

static void synchronise(Block &b, unsigned warp, uint32_t mask) {
  if (mask == b.warps[warp].live)
    ++b.warps[warp].epoch;
  if (!b.useClocks())
    return;
  Clock all = b.freshClock();
  forLanes(b, warp, mask, [&](Thread &t) { b.release(t, all); });
  forLanes(b, warp, mask, [&](Thread &t) { b.acquire(t, all); });
}

void Block::meet(Warp &warp, unsigned number, Meeting meeting) {
  uint32_t mask = meeting.mask & warp.live;
  switch (meeting.kind) {
  case MeetSync:
    synchronise(*this, number, mask);
    break;
  case MeetShuffle:
    doShuffle(*this, number, mask);
    break;
  case MeetVote:
    doVote(*this, number, mask);
    break;
  case MeetRedux:
    doRedux(*this, number, mask);
    break;
  case MeetMatch:
    doMatch(*this, number, mask);
    break;
  case MeetElect:
    doElect(*this, number, mask);
    break;
  case MeetLdMatrix:
    doLdMatrix(*this, number);
    break;
  case MeetStMatrix:
    doStMatrix(*this, number);
    break;
  case MeetMma:
    doMma(*this, number);
    break;
  }
}

void Block::recheck(Warp &warp, unsigned number) {
  for (size_t i = 0; i < warp.meetings.size(); ++i) {
    Meeting m = warp.meetings[i];
    uint32_t mask = m.mask & warp.live;
    if (mask == 0 || (m.arrived & mask) != mask)
      continue;
    warp.meetings.erase(warp.meetings.begin() + i--);
    meet(warp, number, m);
    forLanes(*this, number, m.arrived & mask, [&](Thread &t) { wake(t); });
  }
}

/// The meeting that the lane joins; a new one if nobody waits in it.
static Meeting &join(Block &b, Thread &t, uint32_t mask, int kind, const char *place) {
  Warp &warp = b.warps[t.warp];
  if (!(mask >> t.lane & 1)) {
    b.report.find(SIMT_BAD_MASK, t, place, mask);
    b.abandon(t);
  }
  for (Meeting &m : warp.meetings) {
    if (m.mask == mask && m.kind == kind && m.place == place)
      return m;
    if (!(m.mask & mask))
      continue;
    // A lane of this mask waits elsewhere, or with another idea of who comes.
    b.report.findAt(SIMT_DIVERGENT_WARP, t, place, 0, m.place);
    b.abandon(t);
  }
  warp.meetings.push_back({mask, 0, kind, place});
  return warp.meetings.back();
}

void mad::simt::warpMeeting(Block &b, Thread &t, uint32_t mask, int kind, const char *place) {
  Warp &warp = b.warps[t.warp];
  Meeting &meeting = join(b, t, mask, kind, place);
  meeting.arrived |= 1u << t.lane;
  uint32_t expected = mask & warp.live;
  if ((meeting.arrived & expected) != expected)
    return b.pause(t, State::AtWarp, place, mask);
  Meeting complete = meeting;
  warp.meetings.erase(warp.meetings.begin() + (&meeting - warp.meetings.data()));
  b.meet(warp, t.warp, complete);
  forLanes(b, t.warp, expected & ~(1u << t.lane), [&](Thread &other) { b.wake(other); });
}

void mad::simt::fullWarpMeeting(Block &b, Thread &t, int kind, const char *place) {
  if (b.warps[t.warp].live != ~0u) {
    b.report.find(SIMT_DIVERGENT_WARP, t, place, 0, nullptr,
                  "the operation needs all 32 lanes, some have ended or were never there");
    b.abandon(t);
  }
  warpMeeting(b, t, ~0u, kind, place);
}

//===----------------------------------------------------------------------===//
// What they compute
//===----------------------------------------------------------------------===//

void mad::simt::doShuffle(Block &b, unsigned warp, uint32_t mask) {
  forLanes(b, warp, mask, [&](Thread &t) {
    int lane = int(t.lane), offset = int(t.in[2] & 31);
    int segment = t.in[3] >> 8 & 31, clamp = t.in[3] & 31;
    int low = lane & segment, most = low | (clamp & ~segment), from;
    bool valid;
    switch (t.in[0]) {
    case 0: // bfly
      from = lane ^ offset;
      valid = from <= most;
      break;
    case 1: // up
      from = lane - offset;
      valid = from >= most;
      break;
    case 2: // down
      from = lane + offset;
      valid = from <= most;
      break;
    default: // idx
      from = low | (offset & ~segment);
      valid = from <= most;
    }
    if (!valid)
      from = lane;
    if (!(mask >> from & 1)) {
      b.report.find(SIMT_SHUFFLE_SOURCE, t, t.place, 0, nullptr, "lane " + std::to_string(from));
      from = lane;
    }
    t.out = b.threads[warp * warpSize + from].in[1] | uint64_t(valid) << 32;
  });
}

void mad::simt::doVote(Block &b, unsigned warp, uint32_t mask) {
  uint32_t ballot = 0;
  forLanes(b, warp, mask, [&](Thread &t) { ballot |= uint32_t(t.in[1] != 0) << t.lane; });
  forLanes(b, warp, mask, [&](Thread &t) {
    const uint32_t results[] = {ballot != 0, ballot == mask, ballot, ballot == 0 || ballot == mask};
    t.out = results[t.in[0] & 3];
  });
}

void mad::simt::doRedux(Block &b, unsigned warp, uint32_t mask) {
  Thread &first = b.threads[warp * warpSize + std::countr_zero(mask)];
  uint32_t total = first.in[1];
  forLanes(b, warp, mask & (mask - 1), [&](Thread &t) {
    uint32_t x = t.in[1];
    switch (first.in[0]) { // NVVM::ReduxKind
    case 1:
      total += x;
      break;
    case 2:
      total &= x;
      break;
    case 3:
      total = uint32_t(std::max(int32_t(total), int32_t(x)));
      break;
    case 4:
      total = uint32_t(std::min(int32_t(total), int32_t(x)));
      break;
    case 5:
      total |= x;
      break;
    case 6:
      total = std::max(total, x);
      break;
    case 7:
      total = std::min(total, x);
      break;
    case 8:
      total ^= x;
      break;
    }
  });
  forLanes(b, warp, mask, [&](Thread &t) { t.out = total; });
}

void mad::simt::doMatch(Block &b, unsigned warp, uint32_t mask) {
  auto value = [](const Thread &t) { return uint64_t(t.in[2]) << 32 | t.in[1]; };
  forLanes(b, warp, mask, [&](Thread &t) {
    uint32_t same = 0;
    forLanes(b, warp, mask, [&](Thread &o) { same |= uint32_t(value(o) == value(t)) << o.lane; });
    bool all = t.in[0];
    t.out = !all ? same : same == mask ? mask | uint64_t(1) << 32 : 0;
  });
}

void mad::simt::doElect(Block &b, unsigned warp, uint32_t mask) {
  forLanes(b, warp, mask, [&](Thread &t) { t.out = (mask & ((1u << t.lane) - 1)) == 0; });
}

//===----------------------------------------------------------------------===//
// What generated code calls
//===----------------------------------------------------------------------===//

static uint64_t meeting(Thread *t, int kind, uint32_t mask, const char *place,
                        std::initializer_list<uint32_t> operands) {
  std::copy(operands.begin(), operands.end(), t->in);
  t->place = place;
  guarded(t, [&](Block &b) { warpMeeting(b, *t, mask, kind, place); });
  return t->out;
}

void mad_simt_syncwarp(simt_thread *t, uint32_t mask, const char *place) {
  meeting(t, MeetSync, mask, place, {});
}

uint64_t mad_simt_shfl(simt_thread *t, uint32_t kind, uint32_t mask, uint32_t value,
                       uint32_t offset, uint32_t clamp, const char *place) {
  return meeting(t, MeetShuffle, mask, place, {kind, value, offset, clamp});
}

uint32_t mad_simt_vote(simt_thread *t, uint32_t kind, uint32_t mask, uint32_t predicate,
                       const char *place) {
  return uint32_t(meeting(t, MeetVote, mask, place, {kind, predicate}));
}

uint32_t mad_simt_redux(simt_thread *t, uint32_t kind, uint32_t mask, uint32_t value,
                        const char *place) {
  return uint32_t(meeting(t, MeetRedux, mask, place, {kind, value}));
}

uint64_t mad_simt_match(simt_thread *t, uint32_t all, uint32_t mask, uint64_t value,
                        const char *place) {
  return meeting(t, MeetMatch, mask, place, {all, uint32_t(value), uint32_t(value >> 32)});
}

uint32_t mad_simt_elect(simt_thread *t, uint32_t mask, const char *place) {
  return uint32_t(meeting(t, MeetElect, mask, place, {}));
}
