//===- Launch.cpp - Runs the blocks of a launch ----------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The next fiber is drawn at random from those that are ready, so that another seed is another
// order. A cluster is given up after a finding with which a block of it could not go on sensibly;
// the others still run.
//
//===----------------------------------------------------------------------===//
#include "runtime/simt/Ops.h"
#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <utility>

using namespace mad::simt;

/// Blocks of a cluster in each dimension.
static uint32_t blocksOf(const simt_kernel &kernel, int dimension) {
  return kernel.cluster[0] ? kernel.cluster[dimension] : 1;
}

Cluster::Cluster(simt_device &device, const simt_kernel &kernel, void **params,
                 const simt_launch &launch, Report &report, simt_result &result)
    : kernel(kernel), launch(launch), report(report), result(result),
      state(launch.seed * 0x9E3779B97F4A7C15ull + 0x2545F4914F6CDD1Dull) {
  unsigned count = blocksOf(kernel, 0) * blocksOf(kernel, 1) * blocksOf(kernel, 2);
  for (unsigned rank = 0; rank < count; ++rank)
    blocks.emplace_back(*this, rank, device, kernel, params, launch, report, result);
}

uint32_t Block::random() { return cluster.random(); }

/// Marsaglia's xorshift, 64 bits.
uint32_t Cluster::random() {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return uint32_t(state >> 32);
}

//===----------------------------------------------------------------------===//
// Fibers
//===----------------------------------------------------------------------===//

void Block::yield(Thread &t) {
  ++result.switches;
  Fiber::swap(t.fiber, cluster.scheduler);
}

void Block::pause(Thread &t, State state, const char *place, uint64_t waitsFor) {
  t.state = state;
  t.place = place;
  t.waitsFor = waitsFor;
  yield(t);
}

void Block::wake(Thread &t) {
  t.state = State::Ready;
  cluster.ready.push_back(&t);
}

void Block::abandon(Thread &t) { throw Abandoned(); }

void Block::leave(Thread &t) {
  cluster.abandoned = true;
  for (;;)
    yield(t);
}

static void unfinished(Block &b, Thread &t) {
  const char *place = nullptr;
  for (const auto &group : t.copyGroups)
    if (!group.empty())
      place = group.front().place;
  if (!t.openCopies.empty())
    place = t.openCopies.front().place;
  for (const auto &group : t.storeGroups)
    if (!group.empty())
      place = group.front().place;
  if (!t.openStores.empty())
    place = t.openStores.front().place;
  if (place)
    b.report.find(SIMT_UNFINISHED, t, place);
}

void Block::end(Thread &t) {
  t.state = State::Done;
  --live;
  warps[t.warp].live &= ~(1u << t.lane);
  unfinished(*this, t);
  for (Barrier &barrier : barriers) {
    for (Thread *other : barrier.waiting) {
      if (other->warp != t.warp)
        continue;
      Access at = now(*other, other->place);
      report.find(SIMT_DIVERGENT_BARRIER, t, "", 0, &at,
                  "the thread ended while a lane of its warp waits at a barrier");
      break;
    }
    // Threads that have ended count as arrived.
    if (barrier.arrived && barrier.count == 0 && barrier.arrived == live)
      releaseBarrier(barrier);
  }
  recheck(warps[t.warp], t.warp);
  cluster.endBarrier(t);
  cluster.endVisits(*this, t);
}

static void runThread(void *argument) {
  auto *t = static_cast<Thread *>(argument);
  t->block->kernel.entry(t, t->block->params);
  guarded(t, [&](Block &b) { b.end(*t); });
  for (;;)
    t->block->yield(*t);
}

/// What the special registers of clusters hold.
static void setCluster(Thread &t, const Block &b) {
  t.clusterRank = b.rank;
  t.clusterSize = uint32_t(b.cluster.blocks.size());
  for (int i = 0; i < 3; ++i) {
    t.clusterNctaid[i] = blocksOf(b.kernel, i);
    t.clusterCtaid[i] = t.ctaid[i] % t.clusterNctaid[i];
    t.clusterid[i] = t.ctaid[i] / t.clusterNctaid[i];
    t.nclusterid[i] = t.nctaid[i] / t.clusterNctaid[i];
  }
}

void Block::start(const uint32_t *ctaid, uint32_t number) {
  const uint32_t *size = launch.block;
  serial = number;
  epoch = 1;
  live = unsigned(threads.size());
  report.remember(serial, ctaid);
  memset(shared, 0xCB, sharedBytes);
  warps.assign((threads.size() + warpSize - 1) / warpSize, Warp());
  warpgroups.assign((threads.size() + warpgroupSize - 1) / warpgroupSize, Warpgroup());
  for (Barrier &barrier : barriers) {
    barrier = Barrier();
    barrier.clock = freshClock();
  }
  mbarriers.clear();
  reading.clear();
  visits.clear();
  known.clear();
  std::fill(std::begin(agentClock), std::end(agentClock), 1u);
  for (unsigned i = 0; i < threads.size(); ++i) {
    Thread &t = threads[i] = Thread();
    uint32_t tid[3] = {i % size[0], i / size[0] % size[1], i / size[0] / size[1]};
    memcpy(t.tid, tid, sizeof tid);
    memcpy(t.ntid, size, sizeof t.ntid);
    memcpy(t.ctaid, ctaid, sizeof t.ctaid);
    memcpy(t.nctaid, launch.grid, sizeof t.nctaid);
    t.lane = i % warpSize;
    t.warp = i / warpSize;
    t.linear = i;
    t.dynamicShared = launch.dynamic_shared;
    t.shared = shared;
    setCluster(t, *this);
    t.block = this;
    t.clock = 1;
    t.knows = t.fenceKnows = freshClock();
    warps[t.warp].live |= 1u << t.lane;
    t.fiber.prepare(stacks.bottom(i), Stacks::bytes, runThread, &t);
    cluster.ready.push_back(&t);
  }
}

void Cluster::start(const uint32_t *id) {
  first = blocks.back().serial + 1;
  abandoned = false;
  loads.clear();
  if (!blocks.front().useFences())
    several.clear();
  ready.clear();
  barrier = ClusterBarrier();
  barrier.clock = barrier.done = blocks.front().freshClock();
  uint32_t size[3] = {blocksOf(kernel, 0), blocksOf(kernel, 1), blocksOf(kernel, 2)};
  for (Block &b : blocks) {
    uint32_t at[3] = {b.rank % size[0], b.rank / size[0] % size[1], b.rank / size[0] / size[1]};
    for (int i = 0; i < 3; ++i)
      at[i] += id[i] * size[i];
    b.start(at, first + b.rank);
  }
  barrier.warpPlace.resize(blocks.size() * blocks.front().warps.size());
}

static const char *waitName(State state) {
  switch (state) {
  case State::AtBarrier:
    return "barrier";
  case State::AtWarp:
    return "an operation of the warp, mask";
  case State::AtWarpgroup:
    return "an operation of the warpgroup";
  case State::AtMbarrier:
    return "mbarrier at offset";
  case State::AtCluster:
    return "the barrier of the cluster, phase";
  default:
    return "nothing";
  }
}

/// Who waits where: one line for the threads of a block that wait for the same thing.
static std::string whoWaits(const Block &b) {
  struct Line {
    const Thread *first;
    unsigned count;
  };
  std::vector<Line> lines;
  for (const Thread &t : b.threads) {
    if (t.state == State::Ready || t.state == State::Done)
      continue;
    auto same = std::find_if(lines.begin(), lines.end(), [&](const Line &l) {
      return l.first->state == t.state && l.first->waitsFor == t.waitsFor &&
             l.first->place == t.place;
    });
    if (same == lines.end())
      lines.push_back({&t, 1});
    else
      ++same->count;
  }
  std::string text;
  for (size_t i = 0; i < lines.size() && i < 8; ++i) {
    const Thread &t = *lines[i].first;
    char number[40];
    snprintf(number, sizeof number, t.state == State::AtWarp ? "%#llx" : "%llu",
             static_cast<unsigned long long>(t.waitsFor));
    text += (text.empty() ? "" : "; ") + std::to_string(lines[i].count) +
            (lines[i].count == 1 ? " thread (" : " threads (first ") + std::to_string(t.linear) +
            ") at " + waitName(t.state) + " " + number + ", " + (t.place ? t.place : "");
  }
  return text;
}

/// The same for all blocks of a cluster.
static std::string whoWaits(const Cluster &cluster) {
  if (cluster.blocks.size() == 1)
    return whoWaits(cluster.blocks.front());
  std::string text;
  for (const Block &b : cluster.blocks)
    if (b.live > 0)
      text += (text.empty() ? "block " : "; block ") + std::to_string(b.rank) +
              " of the cluster: " + whoWaits(b);
  return text;
}

void Cluster::run() {
  while (!abandoned && live() > 0) {
    bool arrive = !loads.empty() &&
                  (ready.empty() || (launch.arrival != SIMT_ARRIVAL_LATE && random() % 64 == 0) ||
                   launch.arrival == SIMT_ARRIVAL_EARLY);
    if (arrive) {
      land(*this, random() % loads.size());
      continue;
    }
    if (ready.empty()) {
      auto stuck =
          std::find_if(blocks.begin(), blocks.end(), [](const Block &b) { return b.live > 0; });
      report.find(SIMT_DEADLOCK, stuck->threads[0].ctaid, whoWaits(*this));
      return;
    }
    size_t i = random() % ready.size();
    Thread *t = ready[i];
    ready[i] = ready.back();
    ready.pop_back();
    Fiber::swap(scheduler, t->fiber);
  }
}

//===----------------------------------------------------------------------===//
// A launch
//===----------------------------------------------------------------------===//

static simt_status fail(simt_result *result, simt_status status, const char *format, ...) {
  va_list list;
  va_start(list, format);
  vsnprintf(result->message, sizeof result->message, format, list);
  va_end(list);
  return result->status = status;
}

static constexpr uint32_t mostThreads = 1024, mostShared = 227 << 10, mostBlocks = 8;

static simt_status check(const simt_kernel &kernel, const simt_launch &launch,
                         simt_result *result) {
  static const uint32_t gridMost[3] = {0x7fffffff, 65535, 65535}, blockMost[3] = {1024, 1024, 64};
  uint64_t threads = 1;
  for (int i = 0; i < 3; ++i) {
    if (launch.grid[i] == 0 || launch.grid[i] > gridMost[i])
      return fail(result, SIMT_BAD_LAUNCH, "%s: dimension %d of the grid is %u, not 1 to %u",
                  kernel.name, i, launch.grid[i], gridMost[i]);
    if (launch.block[i] == 0 || launch.block[i] > blockMost[i])
      return fail(result, SIMT_BAD_LAUNCH, "%s: dimension %d of the block is %u, not 1 to %u",
                  kernel.name, i, launch.block[i], blockMost[i]);
    threads *= launch.block[i];
  }
  if (threads > mostThreads)
    return fail(result, SIMT_BAD_LAUNCH, "%s: a block of %llu threads, the most are %u",
                kernel.name, static_cast<unsigned long long>(threads), mostThreads);
  if (kernel.max_threads && threads > kernel.max_threads)
    return fail(result, SIMT_BAD_LAUNCH, "%s: a block of %llu threads, it is made for %u",
                kernel.name, static_cast<unsigned long long>(threads), kernel.max_threads);
  uint64_t blocks = 1;
  for (int i = 0; i < 3; ++i) {
    uint32_t size = blocksOf(kernel, i);
    if (size == 0 || launch.grid[i] % size != 0)
      return fail(result, SIMT_BAD_LAUNCH,
                  "%s: dimension %d of the grid is %u, no multiple of %u blocks of a cluster",
                  kernel.name, i, launch.grid[i], size);
    blocks *= size;
  }
  if (blocks > mostBlocks)
    return fail(result, SIMT_BAD_LAUNCH, "%s: a cluster of %llu blocks, the most are %u",
                kernel.name, static_cast<unsigned long long>(blocks), mostBlocks);
  uint64_t shared = uint64_t(kernel.static_shared) + launch.dynamic_shared;
  if (shared > mostShared)
    return fail(result, SIMT_BAD_LAUNCH, "%s: %llu bytes of shared memory, the most are %u",
                kernel.name, static_cast<unsigned long long>(shared), mostShared);
  return SIMT_OK;
}

static bool allocate(Block &b, const simt_kernel &kernel, const simt_launch &launch) {
  unsigned count = launch.block[0] * launch.block[1] * launch.block[2];
  b.threads.resize(count);
  b.cellBytes = kernel.flags & SIMT_BYTE_CELLS ? 1 : 2;
  b.bufferCellBytes = b.cellBytes == 1 ? 1 : kernel.flags & SIMT_HALF_WORDS ? 2 : 4;
  b.sharedBytes = kernel.static_shared + launch.dynamic_shared;
  b.sharedMemory = zeroed<uint8_t>(b.sharedBytes + 2048);
  b.cells = zeroed<Cell>(b.sharedBytes / b.cellBytes + 1);
  if (!b.sharedMemory || !b.cells || !b.stacks.allocate(count))
    return false;
  b.shared = reinterpret_cast<uint8_t *>(
      (reinterpret_cast<uintptr_t>(b.sharedMemory.get()) + 1023) & ~uintptr_t(1023));
  return true;
}

bool Cluster::allocate() {
  for (Block &b : blocks)
    if (!::allocate(b, kernel, launch))
      return false;
  return true;
}

/// Every cluster once, in an order that the seed decides: a step that has no factor in
/// common with their number.
static void runClusters(Cluster &c, const simt_launch &launch) {
  uint64_t x = launch.grid[0] / blocksOf(c.kernel, 0), y = launch.grid[1] / blocksOf(c.kernel, 1);
  uint64_t count = x * y * (launch.grid[2] / blocksOf(c.kernel, 2));
  uint64_t step = 1 + c.random() % count, at = c.random() % count;
  auto divisor = [](uint64_t p, uint64_t q) {
    while (q)
      p = std::exchange(q, p % q);
    return p;
  };
  while (divisor(step, count) != 1)
    ++step;
  for (uint64_t i = 0; i < count && !c.outOfMemory; ++i, at = (at + step) % count) {
    uint32_t id[3] = {uint32_t(at % x), uint32_t(at / x % y), uint32_t(at / x / y)};
    c.start(id);
    c.run();
  }
}

simt_status simt_run(simt_device *device, const simt_kernel *kernel, void **params,
                     const simt_launch *launch, simt_result *result) {
  *result = simt_result();
  if (check(*kernel, *launch, result) != SIMT_OK)
    return result->status;
  const Opened opened(device);
  if (!opened.good)
    return fail(result, SIMT_NO_MEMORY, "%s: its memory cannot be made accessible", kernel->name);
  bool enough = false;
  try {
    Report report(*kernel, *launch, *result);
    Cluster cluster(*device, *kernel, params, *launch, report, *result);
    enough = cluster.allocate();
    if (enough)
      runClusters(cluster, *launch);
    enough &= !cluster.outOfMemory;
  } catch (const std::bad_alloc &) {
    enough = false;
  }
  for (auto &[address, buffer] : device->buffers)
    buffer.cells.reset();
  if (!enough)
    return fail(result, SIMT_NO_MEMORY, "%s: no memory to emulate its threads", kernel->name);
  return SIMT_OK;
}
