//===- TileTest.cpp - Tile parameters of GPU kernels ----------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Kernels/Gpu/Digits.h"
#include "passes/Kernels/Gpu/Elementwise.h"
#include "passes/Kernels/Gpu/LutMatmul.h"
#include "passes/Kernels/Gpu/Matmul.h"
#include "passes/Kernels/Gpu/Rows.h"
#include "passes/Kernels/Gpu/Scan.h"
#include "passes/Kernels/Gpu/Scatter.h"
#include "passes/Kernels/Gpu/Sort.h"
#include "gtest/gtest.h"

using namespace mad::device;

namespace {

class Tiles : public testing::Test {
protected:
  Tiles() : b(&context) {
    wide.element = wide.output = b.getF32Type();
    setVectors(wide, 4096, 4096);
    narrow.element = narrow.output = b.getF16Type();
    narrow.order = Order::ColumnMajor;
    setVectors(narrow, 4096, 4096);
  }
  template <typename Tile, typename Spec> std::string fault(const Tile &tile, const Spec &spec) {
    return llvm::toString(check(tile, spec));
  }
  mlir::MLIRContext context;
  mlir::Builder b;
  MatmulSpec wide, narrow;
};

TEST_F(Tiles, BuiltinOnesAreSound) {
  EXPECT_EQ(fault(PlainTile(), wide), "");
  for (const PlainChoice &choice : plainTiles())
    EXPECT_EQ(fault(choice.tile, wide), "") << choice.tile.blockM;
  EXPECT_EQ(fault(WarpTile(), narrow), "");
  EXPECT_EQ(fault(smallWarpTile(), narrow), "");
  EXPECT_EQ(fault(GroupTile(), narrow), "");
  for (Order order : {Order::RowMajor, Order::ColumnMajor})
    for (int rows : fewRows())
      for (int64_t n : {0, 1, 4096, 11008})
        for (int64_t k : {8, 4096, 32768}) {
          MatmulSpec spec = narrow;
          spec.order = order;
          FewRowsTile tile = fewRowsTile(rows, order, n, k);
          EXPECT_EQ(fault(tile, spec), "") << rows << " " << n << " " << k;
          EXPECT_LE((tile.stages - 2) * tile.stepK, k);
          EXPECT_LE(k / tile.warpsOfK, 8192);
          if (auto map = fewRowsMapTile(rows, order, n, k)) {
            EXPECT_EQ(fault(*map, spec), "") << rows << " " << n << " " << k;
            EXPECT_LE(k / map->warpsOfK / map->cluster, 8192);
          }
          MatmulSpec single = wide;
          single.order = order;
          if (rows <= fewRowsF32().back() && k <= 16384) {
            tile = fewRowsTileF32(rows, k);
            EXPECT_EQ(fault(tile, single), "") << rows << " " << k;
            EXPECT_LE(k / tile.warpsOfK, 1024);
          }
        }
  for (int64_t columns : {1, 7, 768, 1000, 1024, 1025, 8192, 100000})
    for (int bytes : {2, 4}) {
      RowTile tile = rowTile(columns, bytes);
      EXPECT_EQ(fault(tile, bytes), "") << columns;
      EXPECT_EQ(columns % tile.vector, 0);
      EXPECT_GE(tile.mostColumns(), columns);
    }
}

TEST_F(Tiles, OfScansAndSorts) {
  for (mlir::Type type : {mlir::Type(b.getI8Type()), mlir::Type(b.getF16Type()),
                          mlir::Type(b.getF32Type()), mlir::Type(b.getF64Type())})
    for (bool block : {false, true})
      for (bool aligned : {false, true})
        EXPECT_EQ(fault(scanTile(type, block, aligned), ScanSpec{type}), "");
  ScanSpec scan{b.getF32Type()};
  ScanTile tile;
  tile.warpsOfLine = 2;
  EXPECT_EQ(fault(tile, scan), "warpsOfLine = 2, expected 1 or all 8");
  tile = ScanTile();
  tile.vector = 8;
  EXPECT_EQ(fault(tile, scan),
            "vector = 8, expected a power of two of at most 16 bytes of elements");
  tile = ScanTile();
  tile.strips = 9;
  EXPECT_EQ(fault(tile, scan), "strips = 9, expected 1 to 32 elements of a thread");
  tile.threads = 100;
  EXPECT_EQ(fault(tile, scan), "threads = 100, expected a multiple of 32 from 32 to 1024");

  SortSpec sort;
  sort.element = b.getI64Type();
  EXPECT_EQ(fault(SortTile(), sort), "");
  EXPECT_LE(SortTile().sharedBytes(sort), 48 * 1024);
  EXPECT_EQ(fault(SortTile{96, 8}, sort), "threads = 96, expected a power of two from 64 to 1024");
  EXPECT_EQ(fault(SortTile{256, 7}, sort), "items = 7, expected a power of two from 2 to 16");
  sort.values = sort.positions = false;
  EXPECT_EQ(fault(SortTile(), sort), "a sort without results");
}

// What is chosen for a weight of few bits fits, whatever its sizes, or there is nothing.
TEST_F(Tiles, OfCodes) {
  LutSpec spec;
  spec.layout.format.bits = 4, spec.layout.format.group = 128;
  for (int64_t k : {64, 300, 4096, 11008, 200000})
    for (bool large : {false, true})
      for (int rows : {1, 3, 8, 16}) {
        spec.layout.k = k, spec.layout.m = 4096;
        spec.element = spec.output = rows == 3 ? b.getF32Type() : b.getF16Type();
        auto tile = lutRowsTile(rows, spec, large);
        EXPECT_EQ(bool(tile), k < 200000);
        if (tile)
          EXPECT_EQ(fault(*tile, spec), "") << k << " " << rows;
      }
  spec.layout.k = 4096, spec.element = b.getF16Type();
  LutRowsTile tile = *lutRowsTile(8, spec, false);
  tile.stages = 1;
  EXPECT_EQ(fault(tile, spec), "stages = 1, expected a multiple of 1 from 2 to 32");
  tile.stages = 32;
  EXPECT_NE(fault(tile, spec).find("bytes of shared memory, expected at most"), std::string::npos);
  spec.vectorX = 4;
  EXPECT_EQ(fault(*lutRowsTile(8, spec, true), spec), "vectorX = 4, expected 1 or 8");
  spec.layout.format.group = 48;
  EXPECT_EQ(fault(LutRowsTile(), spec),
            "groups of 48 are neither 16, 32 or 64 nor a multiple of 128");
  auto groups = [&](const GroupTile &tile) { return llvm::toString(checkLutGroup(tile, spec)); };
  for (int bits : {1, 3, 4, 8})
    for (int columns : {64, 128, 192})
      for (int rows : {64, 128}) {
        spec.layout.format.bits = bits, spec.layout.format.group = 32;
        EXPECT_EQ(groups(lutGroupTile(spec, columns, rows)), "") << bits << " " << columns;
      }
  for (int rows : {32, 64, 128})
    EXPECT_EQ(groups(lutGroupTile(spec, 192, rows, /*cluster=*/2)), "") << rows;
  EXPECT_EQ(groups(lutGroupTile(spec, 192, 64, /*cluster=*/3)), "cluster = 3, expected 1, 2 or 4");
  EXPECT_EQ(groups(lutGroupTile(spec, 320, 64)),
            "blockN = 320, expected a multiple of 64 from 64 to 256");
  spec.element = b.getF32Type();
  EXPECT_EQ(groups(lutGroupTile(spec, 128, 128)),
            "groups of warps multiply codes with f16 and bf16");
}

TEST_F(Tiles, OfScatters) {
  EXPECT_EQ(llvm::toString(check(DigitTile())), "");
  EXPECT_EQ(DigitTile().bytesForMoves(), 40 * 1024);
  DigitTile digits;
  digits.mostBits = 11;
  EXPECT_EQ(llvm::toString(check(digits)),
            "mostBits = 11, expected 1 up to what 48 KB of counts hold");
  digits = DigitTile();
  digits.items = 33;
  EXPECT_EQ(llvm::toString(check(digits)), "items = 33, expected a multiple of 4 up to 64");
  digits.threads = 100;
  EXPECT_EQ(llvm::toString(check(digits)),
            "threads = 100, expected a multiple of 32 from 32 to 1024");

  ScatterSpec scatter{{b.getF16Type()}};
  EXPECT_EQ(llvm::toString(check(scatter)), "");
  scatter.vector = 8;
  const char *expected = "vector = 8, expected a power of two of at most 16 bytes of a row";
  EXPECT_EQ(llvm::toString(check(scatter)), expected);
  scatter.elements = false;
  EXPECT_EQ(llvm::toString(check(scatter)), "");
  scatter.step.element = b.getF32Type();
  EXPECT_EQ(llvm::toString(check(scatter)), expected);
  scatter.vector = 4, scatter.values = true;
  EXPECT_EQ(llvm::toString(check(scatter)), "items hold single elements of up to 4 bytes");
}

// The widest of those with the fewest waves, where what is started is worth it.
TEST_F(Tiles, ByMap) {
  auto columns = [](int rows, Order order, int64_t n, int64_t k) {
    auto tile = fewRowsMapTile(rows, order, n, k);
    return tile ? tile->columns / tile->cluster : 0;
  };
  constexpr auto alongK = Order::ColumnMajor, across = Order::RowMajor;
  EXPECT_EQ(columns(64, alongK, 0, 4096), 0);
  EXPECT_EQ(columns(64, alongK, 1024, 1024), 16);
  EXPECT_EQ(columns(32, alongK, 2048, 2048), 32);
  EXPECT_EQ(columns(8, alongK, 2048, 2048), 0);
  EXPECT_EQ(columns(8, alongK, 4096, 4096), 32);
  EXPECT_EQ(columns(64, alongK, 8192, 4096), 64);
  EXPECT_EQ(columns(64, alongK, 5120, 5120), 40);
  EXPECT_EQ(columns(64, alongK, 11008, 4096), 88);
  EXPECT_EQ(columns(32, alongK, 11008, 4096), 96);
  EXPECT_EQ(columns(64, alongK, 32000, 4096), 248);
  EXPECT_EQ(columns(64, alongK, 33000, 4096), 128);
  EXPECT_EQ(columns(64, alongK, 32000, 32768), 64); // sums of 8192 terms
  EXPECT_EQ(columns(8, across, 1024, 1024), 32);
  EXPECT_EQ(columns(64, across, 1024, 1024), 0);
  EXPECT_EQ(columns(64, across, 4096, 4096), 32);
  EXPECT_EQ(columns(64, across, 8192, 4096), 64);
  EXPECT_EQ(columns(64, across, 11008, 4096), 96);
  EXPECT_EQ(columns(64, across, 14336, 4096), 128);
  EXPECT_EQ(columns(64, across, 32000, 4096), 256);
  EXPECT_EQ(fewRowsMapTile(64, across, 14336, 4096)->boxColumns, 64);
  EXPECT_EQ(columns(64, across, 5120, 5120), 48);
  EXPECT_EQ(fewRowsMapTile(64, across, 11008, 4096)->boxColumns, 48);
  FewRowsTile tile = *fewRowsMapTile(64, across, 4096, 4096);
  EXPECT_TRUE(tile.byGroups);
  // Rings of B and of A, sums of 32 rows from both blocks, barriers.
  EXPECT_EQ(tile.stageBytes(2), 64 * 64 * 2);
  EXPECT_EQ(tile.sharedBytes(2),
            (tile.stages + tile.stagesOfA) * (64 * 64 * 2 + 16) + 2 * 32 * 68 * 4 + 16);
  EXPECT_EQ(tile.threads(), 192);
  tile.onTheWay = tile.stages;
  EXPECT_EQ(fault(tile, narrow), "onTheWay = " + std::to_string(tile.stages) +
                                     ", expected a multiple of 1 from 1 to " +
                                     std::to_string(tile.stages - 1));
  tile.stagesOfA = 0;
  EXPECT_EQ(fault(tile, narrow),
            "onTheWay = " + std::to_string(tile.stages) + ", expected a multiple of 1 from 0 to 0");
  tile.onTheWay = 6, tile.stagesOfA = 10, tile.rows = 8;
  EXPECT_EQ(fault(tile, narrow),
            "a ring of A alone is for one group of four warps in clusters, with 8 rows a block");
  tile.rows = 64, tile.stagesOfA = 1;
  EXPECT_EQ(fault(tile, narrow), "stagesOfA = 1, expected a multiple of 1 from 2 to 32");
  // Fewer terms, or rows.
  EXPECT_EQ(fewRowsMapTile(64, across, 2048, 2048)->stagesOfA, 0);
  EXPECT_EQ(fewRowsMapTile(32, across, 4096, 4096)->stagesOfA, 0);
  EXPECT_EQ(fewRowsMapTile(64, alongK, 4096, 4096)->stagesOfA, 9);
  tile.stagesOfA = tile.onTheWay = 0, tile.stages = 13;
  // Groups multiply 64 k; 64 columns in clusters, else 64 rows.
  const char *ofGroups = "groups of four warps multiply 64 k, copied by tensor map";
  tile.warpsAcross = 2;
  EXPECT_EQ(fault(tile, narrow), ofGroups);
  tile.warpsAcross = 4, tile.warpsOfK = 2;
  EXPECT_EQ(fault(tile, narrow), ofGroups);
  tile.warpsOfK = 1, tile.columns = 128, tile.stages = 2;
  EXPECT_EQ(fault(tile, narrow), "groups of four warps in clusters have 64 columns");
  tile.cluster = 1, tile.columns = 40;
  EXPECT_EQ(fault(tile, narrow), "");
  tile.rows = 32;
  EXPECT_EQ(fault(tile, narrow),
            "groups of four warps without a cluster have 64 rows, and 64 k of B as [K, N]");
  tile.columns = 44;
  EXPECT_EQ(fault(tile, narrow), "columns = 44, expected a multiple of 8 from 8 to 256");
  tile.columns = 40, tile.maps = false;
  EXPECT_EQ(fault(tile, narrow), ofGroups);
  EXPECT_FALSE(fewRowsMapTile(16, across, 4096, 4096)->byGroups);
  EXPECT_FALSE(fewRowsMapTile(64, alongK, 4096, 32768)->byGroups); // sums of 8192 terms
  tile = *fewRowsMapTile(64, across, 4096, 32768);
  EXPECT_FALSE(tile.byGroups);
  tile.columns = 96, tile.warpsAcross = 3;
  MatmulSpec spec = narrow;
  spec.order = across;
  EXPECT_EQ(fault(tile, spec), "columns = 96, expected a multiple of 64 from 64 to 256");
  tile.columns = 64, tile.warpsAcross = 2, tile.cluster = 8;
  EXPECT_EQ(fault(tile, narrow), "blocks of a cluster need multiples of 16 columns each");
  tile.cluster = 9;
  EXPECT_EQ(fault(tile, narrow), "cluster = 9, expected a multiple of 1 from 1 to 8");
  tile.cluster = 2, tile.stages = 7;
  EXPECT_EQ(fault(tile, narrow), std::to_string(tile.sharedBytes(2)) +
                                     " bytes of shared memory, expected at most 232448");
  tile.stages = 2, tile.stepK = 32, tile.warpsOfK = 1;
  EXPECT_EQ(fault(tile, narrow), "stepK = 32, expected a multiple of 64 from 64 to 256");
  tile.stepK = 128, tile.maps = false;
  EXPECT_EQ(fault(tile, narrow), "cluster = 2, expected a multiple of 1 from 1 to 1");
  tile = fewRowsTileF32(8, 4096);
  tile.maps = true;
  EXPECT_EQ(fault(tile, wide), "tensor maps are for f16 and bf16");
}

TEST_F(Tiles, LongSumsAreWholeTiles) {
  MatmulSpec spec = wide;
  spec.longestSum = 1024;
  EXPECT_EQ(fault(PlainTile(), spec), "");
  spec.longestSum = 1020;
  EXPECT_EQ(fault(PlainTile(), spec),
            "longestSum = 1020, expected a power of two and multiple of blockK = 8");
  narrow.longestSum = 48;
  EXPECT_EQ(fault(WarpTile(), narrow), "longestSum = 48, expected a multiple of blockK = 32");
  EXPECT_EQ(fault(FewRowsTile(), narrow),
            "products of few rows need A as [M, K], and one sum over all k");
}

TEST_F(Tiles, OnlyPlainProductsTakeColumnsOfA) {
  wide.orderA = narrow.orderA = Order::ColumnMajor;
  EXPECT_EQ(fault(PlainTile(), wide), "");
  EXPECT_EQ(fault(WarpTile(), narrow), "tensor cores by warp need A as [M, K]");
}

TEST_F(Tiles, Vectors) {
  MatmulSpec spec = narrow;
  setVectors(spec, 12, 7);
  EXPECT_EQ(spec.vectorA, 1);
  EXPECT_EQ(spec.vectorB, 1);
  EXPECT_EQ(spec.vectorC, 4);
  spec.order = Order::RowMajor;
  setVectors(spec, 12, 7);
  EXPECT_EQ(spec.vectorB, 4);
  spec.vectorA = 16;
  EXPECT_EQ(fault(WarpTile(), spec),
            "vectorA = 16, expected a power of two of at most 16 bytes of elements");
}

TEST_F(Tiles, Plain) {
  PlainTile tile;
  EXPECT_EQ(tile.threads(), 256);
  EXPECT_EQ(tile.sharedBytes(), 16896);
  EXPECT_EQ(fault(tile, narrow), "plain products are of f32");
  tile.warpM = 24;
  EXPECT_EQ(fault(tile, wide), "warpM = 24, expected a multiple of 16 from 16 to 64");
  tile = PlainTile();
  tile.blockN = 96;
  EXPECT_EQ(fault(tile, wide), "blockN = 96, expected a multiple of 64 from 64 to 256");
  tile = PlainTile();
  tile.warpM = 64;
  tile.warpN = 128;
  EXPECT_EQ(fault(tile, wide), "about 352 registers a thread, with 64 threads and blocksAtOnce = "
                               "2 expected at most 255");
  tile = PlainTile();
  tile.blockM = tile.blockN = 256;
  tile.blockK = 16, tile.blocksAtOnce = 0;
  EXPECT_EQ(fault(tile, wide), "about 120 registers a thread, with 1024 threads and blocksAtOnce "
                               "= 0 expected at most 64");
  tile = PlainTile();
  tile.parts = 2;
  EXPECT_EQ(tile.threads(), 512);
  EXPECT_EQ(tile.sharedBytes(), 16896 + 128 * 128 * 4);
  tile.parts = 4;
  EXPECT_EQ(fault(tile, wide), "blockK = 8, expected a multiple of 16 from 16 to 128");
}

TEST_F(Tiles, Warp) {
  WarpTile tile;
  EXPECT_EQ(tile.threads(), 256);
  EXPECT_EQ(tile.sharedBytes(2), 65536);
  tile.blockK = 48;
  EXPECT_EQ(fault(tile, narrow), "blockK = 48, expected a multiple of 32 from 32 to 128");
  tile = WarpTile();
  tile.stages = 1;
  EXPECT_EQ(fault(tile, narrow), "stages = 1, expected a multiple of 1 from 2 to 8");
  tile = WarpTile();
  tile.blockN = 96;
  EXPECT_EQ(fault(tile, narrow), "blockN = 96, expected a power of two");
  tile = WarpTile();
  tile.blockK = 128, tile.stages = 6;
  EXPECT_EQ(fault(tile, narrow), "393216 bytes of shared memory, expected at most 166912");
  MatmulSpec integers = narrow;
  integers.element = b.getI8Type();
  integers.vectorA = integers.vectorB = 16;
  EXPECT_EQ(fault(WarpTile(), integers), "tensor cores multiply f16, bf16 and f32 as tf32");
}

TEST_F(Tiles, Group) {
  GroupTile tile;
  EXPECT_EQ(tile.sharedBytes(), 196672);
  tile.copierRegisters = 40;
  // A device would wait forever.
  EXPECT_EQ(fault(tile, narrow),
            "the groups ask for 66560 registers, expected at most the 64512 that the block starts "
            "with");
  tile.multiplierRegisters = 232;
  EXPECT_EQ(fault(tile, narrow), "");
  tile.stages = 5;
  EXPECT_EQ(fault(tile, narrow), "245840 bytes of shared memory, expected at most 232448");
  tile.blockN = 96;
  EXPECT_EQ(fault(tile, narrow), "blockN = 96, expected a multiple of 64 from 64 to 256");
  EXPECT_EQ(fault(smallGroupTile(), narrow), "");
  EXPECT_EQ(fault(mediumGroupTile(), narrow), "");
  EXPECT_EQ(fault(wideGroupTile(), narrow), "");
  EXPECT_EQ(wideGroupTile().boxOfB(Order::ColumnMajor), 64);
  EXPECT_EQ(GroupTile().boxOfA(Order::RowMajor), 128);
  EXPECT_EQ(GroupTile().boxOfA(Order::ColumnMajor), 64);
  MatmulSpec inParts = narrow;
  inParts.longestSum = 100;
  EXPECT_EQ(fault(mediumGroupTile(), inParts), "sums are cut at 100, expected a multiple of 64");
  EXPECT_EQ(GroupTile().boxOfB(Order::ColumnMajor), 128);
  EXPECT_EQ(smallGroupTile().boxOfB(Order::ColumnMajor), 64);
  EXPECT_EQ(GroupTile().boxOfB(Order::RowMajor), 64);
  setVectors(narrow, 4096, 4092);
  EXPECT_EQ(fault(GroupTile(), narrow), "tensor maps need rows of a multiple of 16 bytes");
  const char *other = "groups of warps multiply f16, bf16, and f32 as tf32 or in three parts";
  const char *across =
      "tf32 is multiplied where k has neighbours in both factors, and sums are not cut";
  EXPECT_EQ(fault(GroupTile(), wide), across);
  wide.order = Order::ColumnMajor;
  EXPECT_EQ(fault(GroupTile(), wide), "");
  wide.order = Order::RowMajor;
  EXPECT_EQ(fault(groupTileOfParts(64), wide), "");
  EXPECT_EQ(fault(groupTileOfParts(128), wide), "");
  EXPECT_EQ(groupTileOfParts(64).sharedBytes(), 221232);
  EXPECT_EQ(fault(groupTileOfParts(192), wide),
            "245792 bytes of shared memory, expected at most 232448");
  EXPECT_EQ(fault(groupTileOfParts(64), narrow), other);
  wide.longestSum = 1024;
  EXPECT_EQ(fault(groupTileOfParts(64), wide), "sums of parts are not cut");
}

TEST_F(Tiles, FewRows) {
  FewRowsTile tile;
  EXPECT_EQ(tile.sharedBytes(2), 98304);
  tile.rows = 24;
  EXPECT_EQ(fault(tile, narrow), "rows = 24, expected a multiple of 16 from 8 to 64");
  tile = FewRowsTile();
  tile.warpsOfK = 0;
  EXPECT_EQ(fault(tile, narrow), "warpsOfK = 0, expected a multiple of 1 from 1 to 16");
  tile = FewRowsTile();
  tile.stages = 14;
  EXPECT_EQ(fault(tile, narrow), "172032 bytes of shared memory, expected at most 166912");
  tile = {32, 48, 128, 4, 1, 8};
  MatmulSpec spec = narrow;
  spec.order = Order::ColumnMajor;
  EXPECT_EQ(fault(tile, spec), "");
  spec.order = Order::RowMajor;
  EXPECT_EQ(fault(tile, spec), "columns = 48, expected a power of two");
  EXPECT_EQ(fault(FewRowsTile(), wide), "columns = 16, expected a multiple of 32 from 32 to 32");
  spec.element = b.getF64Type(), spec.vectorA = spec.vectorB = spec.vectorC = 2;
  EXPECT_EQ(fault(FewRowsTile(), spec), "products of few rows are of f16, bf16 and f32");
}

TEST_F(Tiles, ElementwiseAndRows) {
  ElementwiseSpec spec;
  spec.inputs = {b.getF16Type()};
  EXPECT_EQ(fault(ElementwiseTile(), spec), "a map without outputs");
  spec.outputs = {b.getF32Type()};
  EXPECT_EQ(elementwiseTile(spec).vector, 4);
  ElementwiseTile tile;
  tile.vector = 8;
  EXPECT_EQ(fault(tile, spec),
            "vector = 8, expected a power of two of at most 16 bytes of elements");
  tile = ElementwiseTile();
  tile.threads = 100;
  EXPECT_EQ(fault(tile, spec), "threads = 100, expected a multiple of 32 from 32 to 1024");
  tile = ElementwiseTile();
  tile.unroll = 9;
  EXPECT_EQ(fault(tile, spec), "unroll = 9, expected 1 to 8");

  RowTile rows;
  rows.held = 17;
  EXPECT_EQ(fault(rows, 4), "held = 17 groups of 4, expected at most 64 elements a thread");
  rows = RowTile();
  rows.vector = 3;
  EXPECT_EQ(fault(rows, 4), "vector = 3, expected a power of two of at most 16 bytes of elements");
}

TEST_F(Tiles, WrongOnesMakeNoKernel) {
  context.loadDialect<mlir::gpu::GPUDialect>();
  mlir::OpBuilder builder(&context);
  mlir::OwningOpRef<mlir::gpu::GPUModuleOp> module =
      mlir::gpu::GPUModuleOp::create(builder, builder.getUnknownLoc(), "kernels");
  WarpTile tile;
  tile.stages = 0;
  auto kernel = makeWarpMatmul(*module, "f", narrow, tile);
  ASSERT_FALSE(bool(kernel));
  llvm::consumeError(kernel.takeError());
  EXPECT_EQ(module->lookupSymbol("f"), nullptr);
}

} // namespace
