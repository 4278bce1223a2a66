//===- RuntimeTest.cpp - The emulator alone, with kernels in C++ -----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// They call the operations as generated code does. Linked with each kind of fibers.
//
//===----------------------------------------------------------------------===//
#include "runtime/simt/Ops.h"
#include <gtest/gtest.h>
#include <set>
#include <thread>

namespace {
struct Ran {
  simt_result result{};
  std::set<simt_kind> kinds;
};

simt_kernel describe(simt_entry entry, unsigned shared, unsigned flags = 0) {
  return {entry, "kernel", shared, flags, 0, 0};
}

Ran run(simt_device *device, const simt_kernel &kernel, std::vector<void *> params,
        unsigned threads, unsigned blocks = 1, uint64_t seed = 1,
        simt_races globalRaces = SIMT_RACES_NONE) {
  Ran ran;
  simt_launch launch{};
  launch.grid[0] = blocks;
  launch.grid[1] = launch.grid[2] = 1;
  launch.block[0] = threads;
  launch.block[1] = launch.block[2] = 1;
  launch.seed = seed;
  launch.global_races = globalRaces;
  launch.user = &ran;
  launch.found = [](void *user, const simt_finding *f) {
    static_cast<Ran *>(user)->kinds.insert(f->kind);
  };
  simt_run(device, &kernel, params.data(), &launch, &ran.result);
  return ran;
}

/// Reverses 1024 numbers through shared memory.
void reverse(simt_thread *t, void **params) {
  auto *x = *static_cast<uint32_t **>(params[0]);
  auto *tile = reinterpret_cast<uint32_t *>(t->shared);
  mad_simt_global(t, x + t->linear, 4, 0, "load");
  mad_simt_shared(t, tile + t->linear, 4, 1, "put");
  tile[t->linear] = x[t->linear];
  mad_simt_barrier(t, 0, 0, 0, 0, "barrier");
  uint32_t other = t->ntid[0] - 1 - t->linear;
  mad_simt_shared(t, tile + other, 4, 0, "get");
  mad_simt_global(t, x + t->linear, 4, 1, "store");
  x[t->linear] = tile[other];
}

TEST(Fibers, AThousandThreadsTakeTurns) {
  simt_device *device = simt_device_create();
  std::vector<uint32_t> numbers(1024);
  for (uint32_t i = 0; i < 1024; ++i)
    numbers[i] = i;
  auto *x = static_cast<uint32_t *>(simt_alloc(device, 4096));
  ASSERT_TRUE(simt_upload(device, x, numbers.data(), 4096));
  Ran ran = run(device, describe(reverse, 4096), {&x}, 1024);
  EXPECT_EQ(ran.result.status, SIMT_OK);
  EXPECT_EQ(ran.result.findings, 0u);
  EXPECT_GE(ran.result.switches, 1024u);
  for (uint32_t i = 0; i < 1024; ++i)
    EXPECT_EQ(x[i], 1023 - i);
  simt_device_destroy(device);
}

/// Floating point state and deep frames survive switches.
double deep(simt_thread *t, int depth, double x) {
  volatile double local = x * 1.5;
  mad_simt_syncwarp(t, ~0u, "sync");
  return depth == 0 ? local : deep(t, depth - 1, x + 1) + local;
}

void recurse(simt_thread *t, void **params) {
  auto *y = *static_cast<double **>(params[0]);
  double sum = deep(t, 50, t->linear);
  mad_simt_global(t, y + t->linear, 8, 1, "store");
  y[t->linear] = sum;
}

TEST(Fibers, KeepTheirStacks) {
  simt_device *device = simt_device_create();
  auto *y = static_cast<double *>(simt_alloc(device, 64 * 8));
  EXPECT_EQ(run(device, describe(recurse, 0), {&y}, 64).result.findings, 0u);
  for (int i = 0; i < 64; ++i)
    EXPECT_EQ(y[i], 51 * 1.5 * i + 1.5 * 50 * 51 / 2);
  EXPECT_EQ(simt_initialised(device, y, 64 * 8), 64u * 8);
  simt_device_destroy(device);
}

/// Who comes first at a counter; orders differ between seeds, and are the same for one.
void race(simt_thread *t, void **params) {
  auto *order = *static_cast<uint32_t **>(params[0]);
  mad_simt_global(t, order + 64, 4, 3, "next");
  uint32_t at = order[64]++;
  mad_simt_global(t, order + at, 4, 1, "store");
  order[at] = t->linear;
}

TEST(Scheduling, FollowsTheSeed) {
  auto orderOf = [](uint64_t seed) {
    simt_device *device = simt_device_create();
    auto *order = static_cast<uint32_t *>(simt_alloc(device, 65 * 4));
    simt_upload(device, order + 64, nullptr, 4);
    EXPECT_EQ(run(device, describe(race, 0), {&order}, 64, 1, seed).result.findings, 0u);
    std::vector<uint32_t> made(order, order + 64);
    simt_device_destroy(device);
    return made;
  };
  EXPECT_EQ(orderOf(1), orderOf(1));
  EXPECT_NE(orderOf(1), orderOf(2));
}

TEST(Launches, AtTheSameTime) {
  auto work = [] {
    simt_device *device = simt_device_create();
    std::vector<uint32_t> numbers(256, 7);
    auto *x = static_cast<uint32_t *>(simt_alloc(device, 1024));
    simt_upload(device, x, numbers.data(), 1024);
    uint64_t findings = 0;
    for (uint64_t seed = 1; seed <= 20; ++seed)
      findings += run(device, describe(reverse, 1024), {&x}, 256, 1, seed).result.findings;
    EXPECT_EQ(findings, 0u);
    simt_device_destroy(device);
  };
  std::thread first(work), second(work);
  first.join();
  second.join();
}

/// Several lanes read what one of them overwrites later: ordered by a barrier of the warp.
void readThenWrite(simt_thread *t, void **params) {
  bool ordered = **static_cast<int **>(params[0]);
  if (t->lane == 0) {
    mad_simt_shared(t, t->shared, 4, 1, "first");
  }
  mad_simt_syncwarp(t, ~0u, "sync");
  mad_simt_shared(t, t->shared, 4, 0, "read");
  if (ordered)
    mad_simt_syncwarp(t, ~0u, "sync2");
  if (t->lane == 5)
    mad_simt_shared(t, t->shared, 4, 1, "second");
}

TEST(Races, SeveralReaders) {
  simt_device *device = simt_device_create();
  int yes = 1, no = 0, *at = &yes;
  EXPECT_EQ(run(device, describe(readThenWrite, 16), {&at}, 32).result.findings, 0u);
  at = &no;
  EXPECT_TRUE(run(device, describe(readThenWrite, 16), {&at}, 32).kinds.count(SIMT_RACE_WRITE));
  simt_device_destroy(device);
}

/// Each thread hands a number to the next warp by an mbarrier of one arrival.
void handOver(simt_thread *t, void **params) {
  bool waits = **static_cast<int **>(params[0]);
  uint8_t *bar = t->shared, *data = t->shared + 8;
  if (t->linear == 0) {
    mad_simt_mbarrier_init(t, bar, 32, "init");
    mad_simt_fence_mbarrier(t);
  }
  mad_simt_barrier(t, 0, 0, 0, 0, "barrier");
  if (t->warp == 0) {
    mad_simt_shared(t, data + 4 * t->lane, 4, 1, "give");
    mad_simt_mbarrier_arrive(t, bar, 1, 0, "arrive");
  } else {
    if (waits)
      mad_simt_mbarrier_wait(t, bar, 0, "wait");
    mad_simt_shared(t, data + 4 * t->lane, 4, 0, "take");
  }
}

TEST(Races, Mbarriers) {
  simt_device *device = simt_device_create();
  int yes = 1, no = 0, *at = &yes;
  simt_kernel kernel = describe(handOver, 256, SIMT_NEEDS_CLOCKS);
  for (uint64_t seed = 1; seed <= 5; ++seed)
    EXPECT_EQ(run(device, kernel, {&at}, 64, 1, seed).result.findings, 0u);
  at = &no;
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    Ran ran = run(device, kernel, {&at}, 64, 1, seed);
    EXPECT_TRUE(ran.kinds.count(SIMT_RACE_READ) || ran.kinds.count(SIMT_UNINITIALISED_SHARED) ||
                ran.kinds.count(SIMT_RACE_WRITE));
  }
  simt_device_destroy(device);
}

/// Races in a buffer show with the option only, those within a block where they are asked for.
void scribble(simt_thread *t, void **params) {
  auto *x = *static_cast<uint32_t **>(params[0]);
  mad_simt_global(t, x, 4, 1, "store");
}

TEST(Races, InBuffers) {
  simt_device *device = simt_device_create();
  auto *x = static_cast<uint32_t *>(simt_alloc(device, 4));
  auto kinds = [&](unsigned threads, unsigned blocks, simt_races races, unsigned flags = 0) {
    return run(device, describe(scribble, 0, flags), {&x}, threads, blocks, 1, races).kinds;
  };
  const std::set<simt_kind> none, threads{SIMT_RACE_WRITE_WRITE}, blocks{SIMT_RACE_BLOCKS};
  EXPECT_EQ(kinds(64, 4, SIMT_RACES_NONE), none);
  EXPECT_EQ(kinds(64, 1, SIMT_RACES_OF_BLOCKS), none);
  EXPECT_EQ(kinds(64, 1, SIMT_RACES_OF_BLOCKS, SIMT_EXCHANGES), threads);
  EXPECT_EQ(kinds(64, 1, SIMT_RACES_ALL), threads);
  EXPECT_EQ(kinds(1, 4, SIMT_RACES_OF_BLOCKS), blocks);
  EXPECT_EQ(kinds(1, 4, SIMT_RACES_ALL), blocks);
  simt_kernel cluster = describe(scribble, 0);
  cluster.cluster[0] = 2, cluster.cluster[1] = cluster.cluster[2] = 1;
  EXPECT_EQ(run(device, cluster, {&x}, 1, 2, 1, SIMT_RACES_OF_BLOCKS).kinds, blocks);
  simt_device_destroy(device);
}

TEST(Symbols, AreAllThere) {
  std::set<std::string> names;
  void *address;
  for (size_t i = 0; const char *name = simt_symbol(i, &address); ++i) {
    EXPECT_NE(address, nullptr);
    EXPECT_TRUE(names.insert(name).second) << name;
  }
  EXPECT_TRUE(names.count("mad_simt_wgmma"));
}
} // namespace
