//===- PlantedTest.cpp - Mistakes that the emulator must find --------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each is a right kernel with a line changed. It must be found with every seed, by its
// kind, also where the numbers happen to be right.
//
//===----------------------------------------------------------------------===//
#include "test/unit/Simt/Scenarios.h"
#include <gtest/gtest.h>

using namespace mad::test;

namespace {
/// Findings of one of these kinds; none named: the results must be wrong.
struct Planted {
  std::string name, file;
  std::vector<Edit> edits;
  std::vector<simt_kind> kinds;
};
void PrintTo(const Planted &p, std::ostream *out) { *out << p.name; }

const std::string filled = "nvvm.barrier // filled", added = "nvvm.barrier // added";

const Planted planted[] = {
    // The tree in shared memory.
    {"MissingBarrier", "reduce.mlir", {{filled, ""}}, {SIMT_UNINITIALISED_SHARED, SIMT_RACE_READ}},
    {"MissingBarrierInLoop", "reduce.mlir", {{added, ""}}, {SIMT_RACE_READ, SIMT_RACE_WRITE}},
    {"DivergentBarrier",
     "reduce.mlir",
     {{added, ""},
      {"llvm.store %sum, %mine : f32, !llvm.ptr<3>",
       "llvm.store %sum, %mine : f32, !llvm.ptr<3>\nnvvm.barrier"}},
     {SIMT_DIVERGENT_BARRIER}},
    {"ShiftedIndex",
     "reduce.mlir",
     {{"arith.constant 128 : i32", "arith.constant 160 : i32"}},
     {SIMT_BOUNDS_SHARED}},
    {"ElementNotStored",
     "reduce.mlir",
     {{"llvm.store %value, %mine : f32, !llvm.ptr<3>",
       "%last = arith.cmpi ne, %t, %half : i32\nscf.if %last { llvm.store %value, %mine : f32, "
       "!llvm.ptr<3> }"}},
     {SIMT_UNINITIALISED_SHARED}},
    {"WriteWriteRace", "reduce.mlir", {{"%tile[%t] :", "%tile[%c0] :"}}, {SIMT_RACE_WRITE_WRITE}},
    {"GlobalOutOfBounds",
     "reduce.mlir",
     {{"%i = arith.addi %first, %t", "%i = arith.addi %first, %size"}},
     {SIMT_BOUNDS_GLOBAL}},
    {"GlobalNotWritten",
     "reduce.mlir",
     {{"%from = llvm.getelementptr %x", "%from = llvm.getelementptr %y"},
      {"%first = arith.muli %block, %size", "%first = arith.muli %block, %c0"},
      {"%i = arith.addi %first, %t", "%i = arith.minui %first, %t"}},
     {SIMT_UNINITIALISED_GLOBAL}},
    {"Misaligned",
     "reduce.mlir",
     {{"%other = llvm.getelementptr %tile[%o] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, f32",
       "%other = llvm.getelementptr %tile[%o] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i16"}},
     {SIMT_MISALIGNED}},
    // Shuffles.
    {"ShuffleOutsideMask",
     "shuffle.mlir",
     {{"%other = nvvm.shfl.sync bfly %mask,",
       "%low = arith.constant 65535 : i32\n%high = arith.constant -65536 : i32\n"
       "%isLow = arith.cmpi ult, %lane, %c16 : i32\n%part = arith.select %isLow, %low, %high : "
       "i32\n"
       "%other = nvvm.shfl.sync bfly %part,"}},
     {SIMT_SHUFFLE_SOURCE}},
    {"OutsideItsOwnMask",
     "shuffle.mlir",
     {{"%mask = arith.constant -1", "%mask = arith.constant 65535"}},
     {SIMT_BAD_MASK}},
    {"DivergentShuffle",
     "shuffle.mlir",
     {{"%other = nvvm.shfl.sync bfly %mask, %s,",
       "%even = arith.andi %lane, %c1 : i32\n%isEven = arith.cmpi eq, %even, %c0 : i32\n"
       "scf.if %isEven { nvvm.bar.warp.sync %mask : i32 }\n"
       "%other = nvvm.shfl.sync bfly %mask, %s,"}},
     {SIMT_DIVERGENT_WARP}},
    // Named barriers.
    {"NamedBarrierCount",
     "named.mlir",
     {{"arith.constant 64 : i32\n    %tile", "arith.constant 32 : i32\n    %tile"}},
     {SIMT_RACE_READ, SIMT_UNINITIALISED_SHARED}},
    {"NamedBarrierOddCount",
     "named.mlir",
     {{"arith.constant 64 : i32\n    %tile", "arith.constant 63 : i32\n    %tile"}},
     {SIMT_BAD_BARRIER}},
    {"NobodyComes",
     "named.mlir",
     {{"arith.constant 64 : i32\n    %tile", "arith.constant 96 : i32\n    %tile"}},
     {SIMT_DEADLOCK}},
    {"RaceBetweenWarps",
     "named.mlir",
     {{"nvvm.barrier id = %id number_of_threads = %count // read", "nvvm.bar.warp.sync %all : i32"},
      {"%c0 = arith.constant 0 : i32",
       "%c0 = arith.constant 0 : i32\n%all = arith.constant -1 : i32"}},
     {SIMT_RACE_WRITE}},
    // One warp, single bytes.
    {"MissingSyncwarp",
     "warp.mlir",
     {{"nvvm.bar.warp.sync %mask : i32", ""}},
     {SIMT_RACE_READ, SIMT_UNINITIALISED_SHARED, SIMT_RACE_WRITE}},
    {"ByteRace",
     "warp.mlir",
     {{"llvm.store %v, %mine : i8, !llvm.ptr<3>",
       "%next = llvm.getelementptr %mine[1] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8\n"
       "%in = arith.cmpi ne, %t, %last : i32\nscf.if %in { llvm.store %v, %next : i8, !llvm.ptr<3> "
       "}\n"
       "llvm.store %v, %mine : i8, !llvm.ptr<3>"},
      {"%c31 = arith.constant 31 : i32",
       "%c31 = arith.constant 31 : i32\n%last = arith.constant 63 : i32"}},
     {SIMT_RACE_WRITE_WRITE}},
    // The ring of tiles.
    {"MissingRingBarrier",
     "gemm-f16.mlir",
     {{"nvvm.barrier\n", ""}},
     {SIMT_RACE_READ, SIMT_RACE_WRITE, SIMT_IN_FLIGHT, SIMT_RACE_WRITE_WRITE}},
    {"WaitOffByOne",
     "gemm-f16.mlir",
     {{"cp.async.wait.group 1", "cp.async.wait.group 2"}},
     {SIMT_IN_FLIGHT}},
    {"MissingCommit",
     "gemm-f16.mlir",
     {{"nvvm.cp.async.commit.group\n    %v61", "%v61"}},
     {SIMT_IN_FLIGHT}},
    {"WrongStride",
     "gemm-f16.mlir",
     {{"arith.constant 24576 : i32", "arith.constant 32768 : i32"}},
     {SIMT_BOUNDS_SHARED}},
    {"SwappedFragment",
     "gemm-f16.mlir",
     {{"A[%v120, %v121, %v122, %v123]", "A[%v121, %v120, %v122, %v123]"}},
     {}},
    // Warpgroups and the tensor unit.
    {"WgmmaWaitOffByOne",
     "gemm-wgmma.mlir",
     {{"wgmma.wait.group.sync.aligned 1", "wgmma.wait.group.sync.aligned 2"}},
     {SIMT_TILE_IN_USE}},
    {"WrongParity",
     "gemm-wgmma.mlir",
     {{"(%it58_0 = %c0_i32, %it58_1 = %c0_i32,", "(%it58_0 = %c0_i32, %it58_1 = %c1_i32,"}},
     {SIMT_IN_FLIGHT, SIMT_UNINITIALISED_SHARED, SIMT_RACE_READ, SIMT_DEADLOCK}},
    {"MissingMbarrierFence",
     "gemm-wgmma.mlir",
     {{"nvvm.fence.mbarrier.init", ""}},
     {SIMT_MISSING_FENCE}},
    {"MissingWgmmaCommit",
     "gemm-wgmma.mlir",
     {{"nvvm.wgmma.commit.group.sync.aligned", ""}},
     {SIMT_TILE_IN_USE}},
    {"TooManyBytesExpected",
     "gemm-wgmma.mlir",
     {{"mbarrier.arrive.expect_tx %v37, %c20480_i32",
       "mbarrier.arrive.expect_tx %v37, %c61440_i32"}},
     {SIMT_DEADLOCK}},
    {"DoubleArrive",
     "gemm-wgmma.mlir",
     {{"%v99 = nvvm.mbarrier.arrive %v98 : !llvm.ptr<3> -> i64",
       "%v99 = nvvm.mbarrier.arrive %v98 : !llvm.ptr<3> -> i64\n"
       "%again = nvvm.mbarrier.arrive %v98 : !llvm.ptr<3> -> i64"}},
     {SIMT_TILE_IN_USE, SIMT_EXTRA_ARRIVAL, SIMT_IN_FLIGHT, SIMT_DEADLOCK}},
    {"OneArrivalMore",
     "gemm-wgmma.mlir",
     {{"nvvm.mbarrier.arrive.expect_tx %v37, %c20480_i32 : !llvm.ptr<3>, i32",
       "nvvm.mbarrier.arrive.expect_tx %v37, %c20480_i32 : !llvm.ptr<3>, i32\n"
       "%again = nvvm.mbarrier.arrive %v37 : !llvm.ptr<3> -> i64"}},
     {SIMT_EXTRA_ARRIVAL}},
    {"MbarrierNotMade",
     "gemm-wgmma.mlir",
     {{"nvvm.mbarrier.init %v28, %c2_i32 : !llvm.ptr<3>, i32", ""}},
     {SIMT_BAD_MBARRIER}},
    {"MbarrierNotPublished",
     "gemm-wgmma.mlir",
     {{"nvvm.barrier\n", ""}},
     {SIMT_RACE_READ, SIMT_BAD_MBARRIER}},
    {"TileMisplaced",
     "gemm-wgmma.mlir",
     {{"alignment = 1024 : i64} : !llvm.array<0 x i8>",
       "alignment = 16 : i64} : !llvm.array<0 x i8>\n  llvm.mlir.global internal @before() "
       "{addr_space = 3 : i32} : !llvm.array<64 x i8>"}},
     {SIMT_MISALIGNED}},
    {"BoxOfOtherRank", "store.mlir", {{"box [%c0, %first]", "box [%c0]"}}, {SIMT_BAD_OPERAND}},
    {"MissingProxyFence",
     "store.mlir",
     {{"nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>}",
       ""}},
     {SIMT_MISSING_FENCE}},
    {"StoreNotAwaited",
     "store.mlir",
     {{"nvvm.cp.async.bulk.wait_group 0 {read}", ""}},
     {SIMT_TILE_IN_USE}},
    {"StoreNotCommitted",
     "store.mlir",
     {{"nvvm.cp.async.bulk.commit.group", ""}},
     {SIMT_UNFINISHED}},
    {"TileNotFilled", "store.mlir", {{"to %c32 step", "to %c7 step"}}, {SIMT_UNINITIALISED_SHARED}},
    // Clusters.
    {"BarrierOfTheBlockAlone",
     "cluster-sum.mlir",
     {{"nvvm.cluster.arrive {aligned}\n    nvvm.cluster.wait {aligned} // filled", "nvvm.barrier"}},
     {SIMT_BLOCK_LIFETIME}},
    {"EndsWhileOthersRead",
     "cluster-sum.mlir",
     {{"nvvm.cluster.arrive {aligned} // read\n    nvvm.cluster.wait {aligned}", ""}},
     {SIMT_BLOCK_LIFETIME}},
    {"OverwritesWhatOthersRead",
     "cluster-sum.mlir",
     {{"llvm.store %sum, %to : f32, !llvm.ptr<1>",
       "llvm.store %sum, %to : f32, !llvm.ptr<1>\nllvm.store %sum, %mine : f32, !llvm.ptr<3>"}},
     {SIMT_RACE_WRITE, SIMT_RACE_READ}},
    {"BlockOutsideTheCluster",
     "cluster-sum.mlir",
     {{"nvvm.mapa %mine, %other", "nvvm.mapa %mine, %next"}},
     {SIMT_BAD_OPERAND}},
    {"ArrivesTwice",
     "cluster-sum.mlir",
     {{"nvvm.cluster.wait {aligned} // filled", "nvvm.cluster.arrive {aligned}"}},
     {SIMT_BAD_BARRIER}},
    {"WaitsWithoutArrival",
     "cluster-sum.mlir",
     {{"nvvm.cluster.arrive {aligned} // read", ""}},
     {SIMT_BAD_BARRIER}},
    {"BeyondTheOtherTile",
     "cluster-sum.mlir",
     {{"llvm.load %theirs : !llvm.ptr<7> -> f32", "llvm.load %beyond : !llvm.ptr<7> -> f32"},
      {"-> !llvm.ptr<7>\n", "-> !llvm.ptr<7>\n%beyond = llvm.getelementptr %theirs[16384] : "
                            "(!llvm.ptr<7>) -> !llvm.ptr<7>, f32\n"}},
     {SIMT_BOUNDS_SHARED}},
    {"MaskWithoutOneBlock",
     "cluster-multicast.mlir",
     {{"arith.constant 3 : i16", "arith.constant 1 : i16"}},
     {SIMT_DEADLOCK}},
    {"MaskOfAThirdBlock",
     "cluster-multicast.mlir",
     {{"arith.constant 3 : i16", "arith.constant 7 : i16"}},
     {SIMT_BAD_OPERAND}},
    {"EmptyMask",
     "cluster-multicast.mlir",
     {{"arith.constant 3 : i16", "arith.constant 0 : i16"}},
     {SIMT_BAD_OPERAND}},
    {"MulticastWaitOffByOne",
     "cluster-multicast.mlir",
     {{"try_wait.parity %f, %parity", "try_wait.parity %f, %phase"},
      {"%parity = arith.andi %round, %c1 : i32\n",
       "%parity = arith.andi %round, %c1 : i32\n%phase = arith.xori %parity, %c1 : i32\n"}},
     {SIMT_IN_FLIGHT, SIMT_RACE_READ, SIMT_UNINITIALISED_SHARED}},
    {"OnlyItsOwnBlockIsAsked",
     "cluster-multicast.mlir",
     {{"%arrivals = arith.constant 128 : i32", "%arrivals = arith.constant 64 : i32"},
      {"nvvm.mapa %e, %other", "nvvm.mapa %e, %rank"},
      {"scf.for %other = %c0 to %c2", "scf.for %other = %c0 to %c1"}},
     {SIMT_RACE_WRITE, SIMT_IN_FLIGHT}},
    {"MbarriersNotPublished",
     "cluster-multicast.mlir",
     {{"nvvm.cluster.arrive {aligned}\n    nvvm.cluster.wait {aligned} // made", "nvvm.barrier"}},
     {SIMT_BLOCK_LIFETIME, SIMT_BAD_MBARRIER}},
    {"EndsBeforeOthersArrive",
     "cluster-multicast.mlir",
     {{"nvvm.cluster.arrive // over\n    nvvm.cluster.wait", ""}},
     {SIMT_BLOCK_LIFETIME}},
    // Between blocks.
    {"NotAtomic",
     "blocks.mlir",
     {{"%old = llvm.atomicrmw add %y, %two syncscope(\"device\") monotonic : !llvm.ptr<1>, i32",
       "%old = llvm.load %y : !llvm.ptr<1> -> i32\n%new = arith.addi %old, %two : i32\n"
       "llvm.store %new, %y : i32, !llvm.ptr<1>"}},
     {SIMT_RACE_BLOCKS}},
    {"AtomicOfTheBlockAlone",
     "blocks.mlir",
     {{"syncscope(\"device\")", "syncscope(\"block\")"}},
     {SIMT_RACE_BLOCKS}},
    {"CounterNotAtomic",
     "last-block.mlir",
     {{"%before = llvm.atomicrmw add %counter, %c1 syncscope(\"device\") monotonic : !llvm.ptr<1>, "
       "i32",
       "%before = llvm.load %counter : !llvm.ptr<1> -> i32\n%more = arith.addi %before, %c1 : i32\n"
       "llvm.store %more, %counter : i32, !llvm.ptr<1>"}},
     {SIMT_RACE_BLOCKS}},
    {"NotReleased",
     "last-block.mlir",
     {{"nvvm.memory.barrier #nvvm.mem_scope<gpu> // release", ""}},
     {SIMT_RACE_BLOCKS}},
    {"NotAcquired",
     "last-block.mlir",
     {{"nvvm.memory.barrier #nvvm.mem_scope<gpu> // acquire", ""}},
     {SIMT_RACE_BLOCKS}},
    {"FenceOfTheBlockAlone",
     "last-block.mlir",
     {{"#nvvm.mem_scope<gpu> // release", "#nvvm.mem_scope<cta>"}},
     {SIMT_RACE_BLOCKS}},
    {"ReleasedWhileOthersWrite",
     "last-block.mlir",
     {{"nvvm.barrier // written", ""}},
     {SIMT_RACE_BLOCKS}},
    {"WrittenBehindTheFence",
     "last-block.mlir",
     {{"nvvm.memory.barrier #nvvm.mem_scope<gpu> // release",
       "nvvm.memory.barrier #nvvm.mem_scope<gpu>\nllvm.store %value, %part : i32, !llvm.ptr<1>"}},
     {SIMT_RACE_BLOCKS}},
    {"WrittenWhereEarlierBlocksRead",
     "named-readers.mlir",
     {{"%five = llvm.atomicrmw sub", "llvm.store %two, %x : i32, !llvm.ptr<1>\n"
                                     "%five = llvm.atomicrmw sub"}},
     {SIMT_RACE_BLOCKS}},
    {"ScratchOfAllBlocks",
     "systems.mlir",
     {{"%own = arith.muli %block, %c64", "%own = arith.subi %c64, %c64"}},
     {SIMT_RACE_BLOCKS}},
    {"ScratchOfTwoBlocksOverlaps",
     "systems.mlir",
     {{"%own = arith.muli %block, %c64", "%own = arith.muli %block, %c63"}},
     {SIMT_RACE_BLOCKS}},
    {"ScratchReadTooEarly",
     "systems.mlir",
     {{"nvvm.barrier // written", ""}},
     {SIMT_RACE_READ, SIMT_UNINITIALISED_GLOBAL}},
    {"ScratchTakenTooEarly", "systems.mlir", {{"nvvm.barrier // read", ""}}, {SIMT_RACE_WRITE}},
    {"RowsOfAnotherBlock",
     "systems.mlir",
     {{"step %blocks : i32", "step %c1 : i32"},
      {"%c63 = arith", "%c1 = arith.constant 1 : i32\n%c63 = arith"}},
     {SIMT_RACE_BLOCKS}},
    {"NoBarrierOfTheCluster",
     "cluster-exchange.mlir",
     {{"nvvm.cluster.arrive {aligned}\n    nvvm.cluster.wait {aligned} // written",
       "nvvm.barrier"}},
     {SIMT_RACE_BLOCKS}},
    {"FromAnotherCluster",
     "cluster-exchange.mlir",
     {{"arith.xori %block, %c1", "arith.xori %block, %c2"},
      {"%j = arith.addi %first, %neighbour",
       "%in = arith.minui %neighbour, %c5 : i32\n%j = arith.addi %first, %in"},
      {"%c8 = arith.constant 8", "%c5 = arith.constant 5"}},
     {SIMT_RACE_BLOCKS}},
};

class Plants : public testing::TestWithParam<Planted> {};

TEST_P(Plants, FoundWithThreeSeeds) {
  const Scenario &s = scenario(GetParam().file);
  auto kernel = Kernel::load(s.file, s.kernel, GetParam().edits);
  ASSERT_TRUE(kernel);
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    Outcome outcome = s.run(kernel->get(), seed, simt_arrival(seed % 3));
    ASSERT_EQ(outcome.result.status, SIMT_OK) << outcome.result.message;
    bool found = GetParam().kinds.empty() ? !outcome.right : false;
    for (simt_kind kind : GetParam().kinds)
      found |= outcome.kinds.count(kind);
    EXPECT_TRUE(found) << "seed " << seed << outcome.text();
  }
}

INSTANTIATE_TEST_SUITE_P(All, Plants, testing::ValuesIn(planted),
                         [](const auto &info) { return info.param.name; });
} // namespace
