//===- Copies.cpp - cp.async -------------------------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The target is in flight until the thread waits for the group; after that the bytes count as
// written by the thread. The data itself may come at once or only at the wait.
//
//===----------------------------------------------------------------------===//
#include "runtime/simt/Ops.h"
#include <cstring>

using namespace mad::simt;

static void land(Block &b, Thread &t, const Copy &copy) {
  memset(b.shared + copy.to, 0, copy.bytes);
  memcpy(b.shared + copy.to, copy.from, copy.filled);
  endFlight(b, copy.to, copy.bytes, b.now(t, copy.place), t.fences, /*asyncProxy=*/false);
}

void mad::simt::landCopies(Block &b, Thread &t, size_t left) {
  while (t.copyGroups.size() > left) {
    for (const Copy &copy : t.copyGroups.front())
      land(b, t, copy);
    t.copyGroups.erase(t.copyGroups.begin());
  }
}

void mad_simt_cp_async(simt_thread *t, void *to, void *from, uint32_t bytes, uint32_t filled,
                       const char *place) {
  guarded(t, [&](Block &b) {
    uint32_t offset = sharedOffset(b, *t, to, bytes, place);
    auto source = reinterpret_cast<uintptr_t>(from);
    if (offset % bytes != 0 || source % bytes != 0)
      b.report.find(SIMT_MISALIGNED, *t, place, offset % bytes != 0 ? offset : source);
    if (filled > bytes) {
      b.report.find(SIMT_BAD_OPERAND, *t, place, 0, nullptr,
                    std::to_string(filled) + " bytes of a copy of " + std::to_string(bytes));
      b.abandon(*t);
    }
    if (filled)
      touchGlobal(b, *t, from, filled, 0, place);
    beginFlight(b, *t, offset, bytes, /*asyncProxy=*/false, place);
    auto arrival = b.launch.arrival;
    bool early =
        arrival == SIMT_ARRIVAL_EARLY || (arrival == SIMT_ARRIVAL_RANDOM && (b.random() & 1));
    memset(b.shared + offset, early ? 0 : 0xEE, bytes);
    if (early)
      memcpy(b.shared + offset, from, filled);
    t->openCopies.push_back({offset, static_cast<const uint8_t *>(from), bytes, filled, place});
  });
}

void mad_simt_cp_commit(simt_thread *t) {
  guarded(t, [&](Block &) {
    t->copyGroups.push_back(std::move(t->openCopies));
    t->openCopies.clear();
  });
}

void mad_simt_cp_wait(simt_thread *t, uint32_t left) {
  guarded(t, [&](Block &b) { landCopies(b, *t, left); });
}
