//===- Ops.h - What generated code calls -----------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One function an operation, named as in PTX. Pointers are plain; `place` is the text of
// its location. The list in Ops.def gives their addresses to a JIT.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_RUNTIME_SIMT_OPS_H
#define MAD_RUNTIME_SIMT_OPS_H

#include "runtime/simt/Cluster.h"
#include "runtime/simt/Report.h"
#include <new>

namespace mad::simt {

/// Flags of an access.
enum : uint32_t { Write = 1, Atomic = 2, Near = 4, Stray = 8 };
inline Atomicity levelOf(uint32_t flags) {
  return !(flags & Atomic) ? Atomicity::None : flags & Near ? Atomicity::OfBlock : Atomicity::OfAll;
}

/// Runs the body of an operation. If it cannot go on, or there is no memory for it, the
/// block is given up. No exception leaves the operation: generated code lies below.
template <typename F> auto guarded(Thread *t, F body) {
  try {
    return body(*t->block);
  } catch (const std::bad_alloc &) {
    t->block->cluster.outOfMemory = true;
  } catch (const Abandoned &) {
  }
  t->block->leave(*t);
}

// Checks (Check.cpp).
// `b` is the block that the memory belongs to, the thread may be of another one of its cluster.
/// An access of the generic proxy to shared memory; `sharedAccess`: of an instruction.
void sharedAccess(Block &b, Thread &t, uint32_t offset, uint32_t bytes, uint32_t flags,
                  const char *place);
void touch(Block &b, Thread &t, uint32_t offset, uint32_t bytes, uint32_t flags, const char *place);
/// Finds the offset, or reports and gives the block up.
uint32_t sharedOffset(Block &b, Thread &t, const void *at, uint64_t bytes, const char *place);
/// An access to a buffer; gives the block up when it is in none.
void touchGlobal(Block &b, Thread &t, const void *at, uint64_t bytes, uint32_t flags,
                 const char *place);
/// An access with how atomic it is.
struct Touch : Access {
  Atomicity level = Atomicity::None;
};
/// Looks for races with what is before in a cell, and notes the access there (Races.cpp).
void raceOfRead(Block &b, Thread &t, Cell &cell, const Touch &me, uint64_t address);
void raceOfWrite(Block &b, Thread &t, Cell &cell, const Touch &me, uint64_t address);
/// An atomic at a buffer sees releases, and publishes its thread's (Fences.cpp).
void noteAtomic(Block &b, Thread &t, uintptr_t address, uint32_t flags);
/// The cell of an offset, cleared when it is of an earlier block.
Cell &cellAt(Block &b, uint32_t offset);
void checkTileFree(Block &b, Thread &t, uint32_t offset, uint32_t bytes, const char *place);
/// Asynchronous copy into shared memory begins: the bytes are in flight from now on.
void beginFlight(Block &b, Thread &t, uint32_t offset, uint32_t bytes, bool asyncProxy,
                 const char *place);
/// It has ended; `by` counts as the write.
void endFlight(Block &b, uint32_t offset, uint32_t bytes, const Access &by, uint32_t fences,
               bool asyncProxy);
/// The tensor unit reads for this thread.
void readAsync(Block &b, Thread &t, uint32_t offset, uint32_t bytes, const char *place);

/// A warp comes together; the last lane does the work for all.
void warpMeeting(Block &b, Thread &t, uint32_t mask, int kind, const char *place);
/// All 32 lanes must be there.
void fullWarpMeeting(Block &b, Thread &t, int kind, const char *place);

/// An arrival (or bytes that came) may end a phase.
void settle(Block &b, Mbarrier &m);
/// A load by the tensor unit arrives.
void land(Cluster &cluster, size_t number);
/// `cp.async` groups beyond the last `left` arrive.
void landCopies(Block &b, Thread &t, size_t left);
void finishStores(Block &b, Thread &t, size_t left);

// What the last lane of a meeting does, by kind.
enum MeetingKind {
  MeetSync,
  MeetShuffle,
  MeetVote,
  MeetRedux,
  MeetMatch,
  MeetElect,
  MeetLdMatrix,
  MeetStMatrix,
  MeetMma
};
void doShuffle(Block &b, unsigned warp, uint32_t mask);
void doVote(Block &b, unsigned warp, uint32_t mask);
void doRedux(Block &b, unsigned warp, uint32_t mask);
void doMatch(Block &b, unsigned warp, uint32_t mask);
void doElect(Block &b, unsigned warp, uint32_t mask);
void doLdMatrix(Block &b, unsigned warp);
void doStMatrix(Block &b, unsigned warp);
void doMma(Block &b, unsigned warp);

} // namespace mad::simt

extern "C" {
#define SIMT_OP(result, name, ...) result mad_simt_##name(__VA_ARGS__);
#include "runtime/simt/Ops.def"
#undef SIMT_OP
}

#endif // MAD_RUNTIME_SIMT_OPS_H
