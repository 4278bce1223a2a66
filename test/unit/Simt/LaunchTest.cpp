//===- LaunchTest.cpp - Launches, findings in detail, kernels without emulation --===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "test/unit/Simt/Scenarios.h"
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>

using namespace mad::test;

namespace {
class Launch : public testing::Test {
protected:
  void SetUp() override {
    kernel = Kernel::load("reduce.mlir", "reduce");
    ASSERT_TRUE(kernel);
  }
  simt_result launch(const simt_launch &how) {
    Device device;
    float *x = device.make<float>(256), *y = device.make<float>(1);
    return device.run(kernel->get(), {&x, &y}, how).result;
  }
  std::unique_ptr<Kernel> kernel;
};

TEST_F(Launch, SaysWhatTheKernelIs) {
  EXPECT_STREQ(kernel->get().name, "reduce");
  EXPECT_EQ(kernel->get().static_shared, 1024u);
  EXPECT_EQ(kernel->get().max_threads, 256u);
  EXPECT_EQ(kernel->get().flags, 0u);
}

TEST_F(Launch, WithoutThreads) {
  simt_result result = launch(launchOf(1, 1, 0, 0, 1));
  EXPECT_EQ(result.status, SIMT_BAD_LAUNCH);
  EXPECT_STREQ(result.message, "reduce: dimension 0 of the block is 0, not 1 to 1024");
}

TEST_F(Launch, WithoutBlocks) {
  EXPECT_STREQ(launch(launchOf(0, 1, 256, 0, 1)).message,
               "reduce: dimension 0 of the grid is 0, not 1 to 2147483647");
}

TEST_F(Launch, TooManyThreads) {
  simt_launch how = launchOf(1, 1, 512, 0, 1);
  how.block[1] = 4;
  EXPECT_STREQ(launch(how).message, "reduce: a block of 2048 threads, the most are 1024");
}

TEST_F(Launch, MoreThreadsThanTheKernelIsMadeFor) {
  EXPECT_STREQ(launch(launchOf(1, 1, 512, 0, 1)).message,
               "reduce: a block of 512 threads, it is made for 256");
}

TEST_F(Launch, TooMuchSharedMemory) {
  EXPECT_STREQ(launch(launchOf(1, 1, 256, 227 << 10, 1)).message,
               "reduce: 233472 bytes of shared memory, the most are 232448");
}

TEST_F(Launch, MoreMemoryThanThereIs) {
  Device device;
  EXPECT_EQ(simt_alloc(device.device, SIZE_MAX), nullptr);
  EXPECT_EQ(simt_alloc(device.device, SIZE_MAX / 4), nullptr);
}

TEST(Findings, NameBothParties) {
  auto kernel = Kernel::load("reduce.mlir", "reduce", {{"%tile[%t] :", "%tile[%c0] :"}});
  ASSERT_TRUE(kernel);
  struct Seen {
    simt_finding finding{};
    std::string place, other, kernel;
  } seen;
  Device device;
  float *x = device.copy(std::vector<float>(256)), *y = device.make<float>(1);
  void *params[] = {&x, &y};
  simt_launch launch = launchOf(1, 1, 256, 0, 1);
  launch.found = [](void *user, const simt_finding *f) {
    auto &to = *static_cast<Seen *>(user);
    if (f->kind != SIMT_RACE_WRITE_WRITE || !to.place.empty())
      return;
    to.finding = *f;
    to.place = f->at.place;
    to.other = f->other.place;
    to.kernel = f->kernel;
  };
  launch.user = &seen;
  simt_result result;
  EXPECT_EQ(simt_run(device.device, &kernel->get(), params, &launch, &result), SIMT_OK);
  EXPECT_GT(result.findings, 0u);
  EXPECT_EQ(seen.place, "reduce.mlir:18:5"); // the store into the tile
  EXPECT_EQ(seen.other, seen.place);
  EXPECT_EQ(seen.kernel, "reduce");
  EXPECT_EQ(seen.finding.address, 0u);
  EXPECT_GE(seen.finding.at.thread, 0);
  EXPECT_GE(seen.finding.other.thread, 0);
  EXPECT_NE(seen.finding.at.thread, seen.finding.other.thread);
}

TEST(Findings, SaysWhoWaitsWhere) {
  auto kernel =
      Kernel::load("named.mlir", "named",
                   {{"arith.constant 64 : i32\n    %tile", "arith.constant 96 : i32\n    %tile"}});
  ASSERT_TRUE(kernel);
  Outcome outcome = scenario("named.mlir").run(kernel->get(), 1, SIMT_ARRIVAL_LATE);
  EXPECT_EQ(outcome.kinds, std::set<simt_kind>{SIMT_DEADLOCK});
  EXPECT_NE(outcome.text().find("64 threads (first 0) at barrier 1, named.mlir:22:7; "
                                "64 threads (first 64) at barrier 2, named.mlir:22:7"),
            std::string::npos)
      << outcome.text();
}

TEST(Clusters, DivideTheGrid) {
  auto kernel = Kernel::load("cluster-sum.mlir", "sum");
  ASSERT_TRUE(kernel);
  Device device;
  float *x = device.make<float>(6 * 64), *y = device.make<float>(6 * 64);
  EXPECT_STREQ(device.run(kernel->get(), {&x, &y}, launchOf(6, 1, 64, 0, 1)).result.message,
               "sum: dimension 0 of the grid is 6, no multiple of 4 blocks of a cluster");
  kernel =
      Kernel::load("cluster-sum.mlir", "sum", {{"array<i32: 4, 1, 1>", "array<i32: 4, 4, 1>"}});
  ASSERT_TRUE(kernel);
  EXPECT_STREQ(device.run(kernel->get(), {&x, &y}, launchOf(4, 4, 64, 0, 1)).result.message,
               "sum: a cluster of 16 blocks, the most are 8");
}

TEST(Clusters, SayWhichBlocksWaitWhere) {
  auto kernel = Kernel::load("cluster-multicast.mlir", "share",
                             {{"arith.constant 3 : i16", "arith.constant 1 : i16"}});
  ASSERT_TRUE(kernel);
  Outcome outcome = scenario("cluster-multicast.mlir").run(kernel->get(), 1, SIMT_ARRIVAL_LATE);
  EXPECT_EQ(outcome.kinds, std::set<simt_kind>{SIMT_DEADLOCK});
  EXPECT_NE(
      outcome.text().find("block 1 of the cluster: 64 threads (first 0) at mbarrier at offset "
                          "512, cluster-multicast.mlir:70:9"),
      std::string::npos)
      << outcome.text();
}

TEST(Findings, WritesOfConstantMemory) {
  auto kernel = Kernel::load("blocks.mlir", "blocks");
  ASSERT_TRUE(kernel);
  static const int32_t table[4] = {};
  Device device;
  ASSERT_TRUE(simt_constant(device.device, table, sizeof table));
  const int32_t *at = table;
  Outcome outcome = device.run(kernel->get(), {&at}, launchOf(1, 1, 32, 0, 1));
  EXPECT_EQ(outcome.kinds, std::set<simt_kind>{SIMT_WRITE_CONSTANT}) << outcome.text();
}

TEST(Findings, KindsHaveNames) {
  std::set<std::string> names;
  for (int kind = 0; kind < SIMT_KINDS; ++kind) {
    names.insert(simt_kind_name(simt_kind(kind)));
    EXPECT_GT(strlen(simt_kind_text(simt_kind(kind))), 10u);
  }
  EXPECT_EQ(names.size(), size_t(SIMT_KINDS));
}

TEST(Kernels, CallLibm) {
  auto kernel = Kernel::parse(R"(gpu.module @k {
    gpu.func @f(%x: !llvm.ptr<1>) kernel {
      %a = llvm.load %x : !llvm.ptr<1> -> f32
      %e = math.exp %a : f32
      %r = math.rsqrt %e : f32
      %p = math.tanh %r : f32
      llvm.store %p, %x : f32, !llvm.ptr<1>
      gpu.return
    } })",
                              "f");
  ASSERT_TRUE(kernel);
  Device device;
  float *x = device.copy(std::vector<float>{0.75f});
  Outcome outcome = device.run(kernel->get(), {&x}, launchOf(1, 1, 1, 0, 1));
  EXPECT_EQ(outcome.result.findings, 0u) << outcome.text();
  // The compiler of this test may evaluate functions itself, rounded otherwise.
  EXPECT_FLOAT_EQ(*x, tanhf(1 / sqrtf(expf(0.75f))));
}

TEST(Kernels, CallFunctionsOfTheDevice) {
  auto kernel = Kernel::parse(R"(gpu.module @k {
    gpu.func @twice(%x: !llvm.ptr<1>) {
      %t = nvvm.read.ptx.sreg.tid.x : i32
      %at = llvm.getelementptr %x[%t] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
      llvm.store %t, %at : i32, !llvm.ptr<1>
      gpu.return
    }
    llvm.func @low(%x: !llvm.ptr<1>) {
      %c = llvm.mlir.constant(5 : i32) : i32
      %t = nvvm.read.ptx.sreg.laneid : i32
      %s = llvm.add %c, %t : i32
      %at = llvm.getelementptr %x[%t] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
      llvm.store %s, %at : i32, !llvm.ptr<1>
      llvm.return
    }
    gpu.func @f(%x: !llvm.ptr<1>) kernel {
      llvm.call @low(%x) : (!llvm.ptr<1>) -> ()
      gpu.return
    } })",
                              "f");
  ASSERT_TRUE(kernel);
  Device device;
  int32_t *x = device.make<int32_t>(32);
  Outcome outcome = device.run(kernel->get(), {&x}, launchOf(1, 1, 32, 0, 1));
  EXPECT_EQ(outcome.result.findings, 0u) << outcome.text();
  for (int i = 0; i < 32; ++i)
    EXPECT_EQ(x[i], 5 + i);
}

TEST(Kernels, ReadTablesWithinBounds) {
  const char *text = R"(gpu.module @k {
    llvm.mlir.global internal constant @table(dense<[3, 5, 8, 13]> : tensor<4xi32>) {addr_space = 4 : i32} : !llvm.array<4 x i32>
    gpu.func @f(%x: !llvm.ptr<1>, %i: i32) kernel {
      %t = llvm.mlir.addressof @table : !llvm.ptr<4>
      %p = llvm.getelementptr %t[%i] : (!llvm.ptr<4>, i32) -> !llvm.ptr<4>, i32
      %v = llvm.load %p : !llvm.ptr<4> -> i32
      llvm.store %v, %x : i32, !llvm.ptr<1>
      gpu.return
    } })";
  auto kernel = Kernel::parse(text, "f");
  ASSERT_TRUE(kernel);
  Device device;
  int32_t *x = device.make<int32_t>(1), i = 3;
  Outcome outcome = device.run(kernel->get(), {&x, &i}, launchOf(1, 1, 1, 0, 1));
  EXPECT_EQ(outcome.result.findings, 0u) << outcome.text();
  EXPECT_EQ(*x, 13);
  i = 4;
  outcome = device.run(kernel->get(), {&x, &i}, launchOf(1, 1, 1, 0, 1));
  EXPECT_EQ(outcome.kinds, std::set<simt_kind>{SIMT_BOUNDS_GLOBAL}) << outcome.text();
}

TEST(TensorMaps, Rules) {
  alignas(64) char map[128], tensor[64];
  uint64_t dims[] = {64, 64}, strides[] = {128};
  uint32_t box[] = {64, 32};
  auto make = [&](unsigned rank, simt_swizzle swizzle) {
    return simt_tensor_map(map, 2, rank, tensor, dims, strides, box, swizzle);
  };
  EXPECT_EQ(make(2, SIMT_SWIZZLE_128B), nullptr);
  EXPECT_STREQ(make(0, SIMT_SWIZZLE_NONE), "the rank must be 1 to 5");
  EXPECT_STREQ(make(2, SIMT_SWIZZLE_64B), "a row of the box must not be wider than the swizzle");
  strides[0] = 120;
  EXPECT_STREQ(make(2, SIMT_SWIZZLE_128B), "strides must be multiples of 16 below 2^40");
  box[0] = 257;
  EXPECT_STREQ(make(1, SIMT_SWIZZLE_NONE), "an edge of the box must be 1 to 256");
}
} // namespace
