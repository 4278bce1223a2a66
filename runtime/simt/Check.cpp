//===- Check.cpp - Checks of accesses to memory ----------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "runtime/simt/Ops.h"
#include <algorithm>
#include <bit>
#include <cstring>

using namespace mad::simt;

Cell &mad::simt::cellAt(Block &b, uint32_t offset) {
  Cell &cell = b.cells[offset / b.cellBytes];
  if (cell.block != b.serial) {
    cell = Cell();
    cell.block = b.serial;
  }
  return cell;
}

/// Calls `part(cell, bits)` with each cell of a range, and the bits of its bytes.
template <typename F> static void forCells(Block &b, uint32_t offset, uint32_t bytes, F part) {
  for (uint32_t o = offset / b.cellBytes * b.cellBytes; o < offset + bytes; o += b.cellBytes) {
    uint8_t bits = 0;
    for (uint32_t i = 0; i < b.cellBytes; ++i)
      bits |= uint8_t(o + i >= offset && o + i < offset + bytes) << i;
    part(cellAt(b, o), bits, o);
  }
}

void mad::simt::checkTileFree(Block &b, Thread &t, uint32_t offset, uint32_t bytes,
                              const char *place) {
  auto check = [&](const Range &r) {
    if (!r.overlaps(offset, bytes))
      return false;
    b.report.findAt(SIMT_TILE_IN_USE, t, place, offset, r.place);
    return true;
  };
  for (const Range &r : b.reading)
    if (check(r))
      return;
  for (const Warpgroup &group : b.warpgroups) {
    for (const Range &r : group.open)
      if (check(r))
        return;
    for (const auto &ranges : group.groups)
      for (const Range &r : ranges)
        if (check(r))
          return;
  }
}

void mad::simt::touch(Block &b, Thread &t, uint32_t offset, uint32_t bytes, uint32_t flags,
                      const char *place) {
  const bool write = flags & Write, atomic = flags & Atomic, read = !write || atomic;
  const Touch me{t.block->now(t, place), levelOf(flags)};
  if (write)
    checkTileFree(b, t, offset, bytes, place);
  forCells(b, offset, bytes, [&](Cell &cell, uint8_t bits, uint32_t at) {
    if (cell.inFlight)
      return b.report.find(SIMT_IN_FLIGHT, t, place, at, &cell.write);
    if (read && (cell.initialised & bits) != bits) {
      b.report.find(SIMT_UNINITIALISED_SHARED, t, place, at);
      cell.initialised |= bits;
    }
    if (!write)
      return raceOfRead(b, t, cell, me, at);
    raceOfWrite(b, t, cell, me, at);
    cell.writerFences = t.fences;
    cell.initialised |= bits;
    cell.plain = true;
  });
}

uint32_t mad::simt::sharedOffset(Block &b, Thread &t, const void *at, uint64_t bytes,
                                 const char *place) {
  uint32_t offset;
  if (b.inShared(at, bytes, offset))
    return offset;
  int64_t distance = static_cast<const uint8_t *>(at) - b.shared;
  b.report.find(SIMT_BOUNDS_SHARED, t, place, uint64_t(distance), nullptr,
                std::to_string(bytes) + " bytes at " + std::to_string(distance) + " of " +
                    std::to_string(b.sharedBytes));
  b.abandon(t);
}

//===----------------------------------------------------------------------===//
// Buffers
//===----------------------------------------------------------------------===//

/// Cells of a buffer, made when a launch first touches it.
static Cell *cellsOf(const Block &b, Buffer &buffer) {
  if (!buffer.cells && !(buffer.cells = zeroed<Cell>(buffer.bytes / b.bufferCellBytes + 1)))
    throw std::bad_alloc();
  return buffer.cells.get();
}

static void touchCells(Block &b, Thread &t, Buffer &buffer, uint64_t offset, uint64_t bytes,
                       uint32_t flags, const char *place) {
  const uint64_t size = b.bufferCellBytes, last = (offset + bytes - 1) / size;
  const Touch me{b.now(t, place), levelOf(flags)};
  Cell *cells = cellsOf(b, buffer);
  for (uint64_t c = offset / size; c <= last; ++c) {
    uint64_t address = reinterpret_cast<uintptr_t>(buffer.data) + c * size;
    if (flags & Write)
      raceOfWrite(b, t, cells[c], me, address);
    else
      raceOfRead(b, t, cells[c], me, address);
  }
}

void mad::simt::touchGlobal(Block &b, Thread &t, const void *at, uint64_t bytes, uint32_t flags,
                            const char *place) {
  auto address = reinterpret_cast<uintptr_t>(at);
  Buffer *buffer = b.device.find(at, bytes);
  if (!buffer) {
    std::string detail = std::to_string(bytes) + " bytes";
    if (Buffer *near = b.device.find(at, 0))
      detail += " at " + std::to_string(static_cast<const uint8_t *>(at) - near->data) +
                " of a buffer of " + std::to_string(near->bytes);
    b.report.find(SIMT_BOUNDS_GLOBAL, t, place, address, nullptr, detail);
    b.abandon(t);
  }
  uint64_t offset = static_cast<const uint8_t *>(at) - buffer->data;
  if (buffer->constant()) {
    if (!(flags & Write))
      return;
    b.report.find(SIMT_WRITE_CONSTANT, t, place, address);
    b.abandon(t);
  }
  uint8_t *written = &buffer->written[offset];
  if ((!(flags & Write) || (flags & Atomic)) && memchr(written, 0, bytes))
    b.report.find(SIMT_UNINITIALISED_GLOBAL, t, place, address, nullptr,
                  "byte " + std::to_string(offset) + " of a buffer of " +
                      std::to_string(buffer->bytes));
  if (flags & Write)
    memset(written, 1, bytes);
  if (!b.launch.global_races || bytes == 0 || flags & Stray)
    return;
  const bool orders = flags & Atomic && b.useFences();
  t.clock += orders; // an atomic has a time of its own
  touchCells(b, t, *buffer, offset, bytes, flags, place);
  if (orders)
    noteAtomic(b, t, address, flags);
}

//===----------------------------------------------------------------------===//
// Asynchronous copies
//===----------------------------------------------------------------------===//

void mad::simt::beginFlight(Block &b, Thread &t, uint32_t offset, uint32_t bytes, bool asyncProxy,
                            const char *place) {
  const Touch me{t.block->now(t, place)};
  checkTileFree(b, t, offset, bytes, place);
  forCells(b, offset, bytes, [&](Cell &cell, uint8_t bits, uint32_t at) {
    if (cell.inFlight)
      b.report.find(SIMT_IN_FLIGHT, t, place, at, &cell.write);
    raceOfWrite(b, t, cell, me, at);
    cell.inFlight = true;
    cell.plain = !asyncProxy;
  });
}

void mad::simt::endFlight(Block &b, uint32_t offset, uint32_t bytes, const Access &by,
                          uint32_t fences, bool asyncProxy) {
  forCells(b, offset, bytes, [&](Cell &cell, uint8_t bits, uint32_t) {
    cell.inFlight = false;
    cell.initialised |= bits;
    cell.write = by;
    cell.writerFences = fences;
    cell.plain = !asyncProxy;
    cell.read = Access();
  });
}

/// Whether a proxy fence lies between a plain write and what the thread does now: one of the
/// writer after the write, or one of the thread after it knew of the write.
static bool fenced(const Block &b, const Thread &t, const Cell &cell) {
  const Access &w = cell.write;
  const Block &writer = b.cluster.block(w.block);
  const bool one = w.thread < writer.threads.size();
  if (one && writer.threads[w.thread].fences > cell.writerFences)
    return true;
  if (t.fences == 0)
    return false;
  if (w.arrivals < t.fenceWaits)
    return true;
  if (&writer == t.block &&
      (w.epoch < t.fenceEpoch || (w.thread / warpSize == t.warp && w.warpEpoch < t.fenceWarpEpoch)))
    return true;
  return b.useClocks() && one && t.fenceKnows[writer.rank * b.clocks() + w.thread] >= w.clock;
}

void mad::simt::readAsync(Block &b, Thread &t, uint32_t offset, uint32_t bytes, const char *place) {
  forCells(b, offset, bytes, [&](Cell &cell, uint8_t bits, uint32_t at) {
    if (cell.inFlight) {
      b.report.find(SIMT_IN_FLIGHT, t, place, at, &cell.write);
    } else if ((cell.initialised & bits) != bits) {
      b.report.find(SIMT_UNINITIALISED_SHARED, t, place, at);
      cell.initialised |= bits;
    } else if (!b.ordered(t, cell.write)) {
      b.report.find(SIMT_RACE_READ, t, place, at, &cell.write);
    } else if (cell.plain && !fenced(b, t, cell)) {
      b.report.find(SIMT_MISSING_FENCE, t, place, at, &cell.write);
    }
  });
}

//===----------------------------------------------------------------------===//
// What generated code calls
//===----------------------------------------------------------------------===//

void mad::simt::sharedAccess(Block &b, Thread &t, uint32_t offset, uint32_t bytes, uint32_t flags,
                             const char *place) {
  ++b.result.shared_accesses;
  if (bytes <= 16 && std::has_single_bit(bytes) && offset % bytes != 0)
    b.report.find(SIMT_MISALIGNED, t, place, offset);
  touch(b, t, offset, bytes, flags, place);
}

void mad_simt_shared(simt_thread *t, void *at, uint32_t bytes, uint32_t flags, const char *place) {
  guarded(t, [&](Block &b) {
    sharedAccess(b, *t, sharedOffset(b, *t, at, bytes, place), bytes, flags, place);
  });
}

void mad_simt_global(simt_thread *t, void *at, uint32_t bytes, uint32_t flags, const char *place) {
  guarded(t, [&](Block &b) {
    ++b.result.global_accesses;
    auto address = reinterpret_cast<uintptr_t>(at);
    touchGlobal(b, *t, at, bytes, flags, place);
    if (bytes <= 16 && std::has_single_bit(bytes) && address % bytes != 0)
      b.report.find(SIMT_MISALIGNED, *t, place, address);
  });
}

void mad_simt_generic(simt_thread *t, void *at, uint32_t bytes, uint32_t flags, const char *place) {
  Block &b = *t->block;
  uint32_t offset;
  if (b.stacks.holds(t->linear, at, bytes))
    return; // a variable of its own
  if (b.inShared(at, 0, offset))
    return mad_simt_shared(t, at, bytes, flags, place);
  mad_simt_global(t, at, bytes, flags, place);
}

void mad_simt_object(simt_thread *t, void *at, uint32_t bytes, void *object, uint64_t size,
                     const char *place) {
  guarded(t, [&](Block &b) {
    uint64_t distance = static_cast<uint8_t *>(at) - static_cast<uint8_t *>(object);
    if (distance < size && bytes <= size - distance)
      return;
    b.report.find(SIMT_BOUNDS_GLOBAL, *t, place, distance, nullptr,
                  std::to_string(bytes) + " bytes at " + std::to_string(int64_t(distance)) +
                      " of a variable of " + std::to_string(size));
    b.abandon(*t);
  });
}
