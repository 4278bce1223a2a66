//===- Shadow.h - Who touched which bytes, and when -----------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The race detector keeps, like FastTrack (Flanagan and Freund, PLDI 2009), the last write and the
// last reads of every cell, each with a time of its thread. Times are cheap for
// the usual orders, barriers of the whole block and of a whole warp: numbers that count
// these barriers. Kernels with other ones (named barriers, mbarriers) have vector
// clocks as well. Blocks of a cluster are ordered by the number of their arrivals at its barrier,
// and by clocks that have entries for all of its threads.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_RUNTIME_SIMT_SHADOW_H
#define MAD_RUNTIME_SIMT_SHADOW_H

#include <cstdint>

namespace mad::simt {

/// An access to a cell, with its time.
struct Access {
  const char *place = nullptr;
  uint32_t block = 0;     ///< serial number of its block, from 1; 0: there was no access
  uint32_t epoch = 0;     ///< barriers of the block before it
  uint32_t warpEpoch = 0; ///< barriers of its whole warp before it
  uint32_t clock = 0;     ///< of its thread
  uint32_t arrivals = 0;  ///< of its thread at the barrier of the cluster before it
  uint16_t thread = 0;    ///< linear number, or one of those below

  /// Several lanes of warp n: `severalLanes + n`.
  static constexpr uint16_t severalLanes = 0x8000;
  static constexpr uint16_t severalWarps = 0xffff;
  static constexpr uint16_t severalBlocks = 0xfffe;
  /// Asynchronous copies that complete on an mbarrier, by agent: `agents + n`.
  static constexpr uint16_t agents = 0x4000;
  explicit operator bool() const { return block != 0; }
};

/// Threads among which accesses are atomic to one another.
enum class Atomicity : uint8_t { None, OfBlock, OfAll };

/// The bytes of one cell: 1 or 2 of them, or 4 of a buffer.
struct Cell {
  Access write, read;
  uint32_t block = 0;                 ///< shared memory: whose content this is
  uint32_t writerFences = 0;          ///< proxy fences of the writer before the write
  uint8_t initialised = 0;            ///< a bit a byte
  Atomicity writes = Atomicity::None; ///< of the last write, or of all that it stands for
  Atomicity reads = Atomicity::None;  ///< the least of the reads since
  bool inFlight = false;              ///< an asynchronous copy writes here
  bool plain = false;                 ///< the last write went through the generic proxy
};

} // namespace mad::simt

#endif // MAD_RUNTIME_SIMT_SHADOW_H
