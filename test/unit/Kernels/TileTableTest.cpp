//===- TileTableTest.cpp - Tables of tile parameters --------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Kernels/TileTable.h"
#include "gtest/gtest.h"

using namespace mad::kernels;

namespace {

std::string errorOf(llvm::Expected<TileTable> table) {
  return table ? "" : llvm::toString(table.takeError());
}

/// The JSON of a table with one text in the place of another.
std::string changed(llvm::StringRef from, llvm::StringRef to) {
  std::string json = writeJson(builtinTiles(4));
  size_t at = json.find(from.str());
  EXPECT_NE(at, std::string::npos) << from.str();
  return json.replace(at, from.size(), to.str());
}

TEST(TileTable, BuiltinParametersAreSound) {
  for (int level : {0, 3, 4})
    for (unsigned bits : {32u, 64u}) {
      TileTable table = builtinTiles(level);
      EXPECT_EQ(faultOf(table.of(bits), bits, level), "");
      EXPECT_EQ(table.of(bits).NR * bits, 512);
      EXPECT_EQ(table.level, level);
    }
  // A CPU that is not known has the parameters of its level, and so its name.
  EXPECT_EQ(builtinTiles(3, "no such CPU").cpu, "x86-64-v3");
  EXPECT_EQ(text(builtinTiles(3, "no such CPU")), text(builtinTiles(3)));
}

TEST(TileTable, TextsComeBack) {
  TileTable table = builtinTiles(4);
  table.f32.MR = 12, table.f32.panels = 2, table.f32.KC = 24;
  table.f64.NC = 64;
  auto read = readText(text(table), 4);
  ASSERT_TRUE(bool(read));
  EXPECT_EQ(text(*read), text(table));
  // What is not named stays.
  auto part = readText("f64:KC=8", 3);
  ASSERT_TRUE(bool(part));
  EXPECT_EQ(part->f64.KC, 8);
  EXPECT_EQ(part->f64.MR, builtinTiles(3).f64.MR);
  EXPECT_EQ(part->f32.KC, builtinTiles(3).f32.KC);
  EXPECT_EQ(text(*readText("", 0)), text(builtinTiles(0)));
}

TEST(TileTable, TextsWithFaults) {
  EXPECT_EQ(errorOf(readText("f16:MR=4", 3)), "`f16` is neither f32 nor f64");
  EXPECT_EQ(errorOf(readText("f32:MR=four", 3)), "`MR=four` is no parameter and its number");
  EXPECT_EQ(errorOf(readText("f32:lanes=4", 3)), "`lanes=4` is no parameter and its number");
  EXPECT_EQ(errorOf(readText("f32:MR=5", 3)), "f32: MR is 5, which does not divide 192");
}

TEST(TileTable, Faults) {
  auto fault = [](int level, unsigned bits, int64_t TileSizes::*member, int64_t value) {
    TileTable table = builtinTiles(level);
    TileSizes sizes = table.of(bits);
    sizes.*member = value;
    return faultOf(sizes, bits, level);
  };
  EXPECT_EQ(fault(3, 32, &TileSizes::MR, 0), "MR is 0, not from 1 to 16");
  EXPECT_EQ(fault(3, 32, &TileSizes::MR, 8), "a tile of 8 x 2 registers does not fit 16");
  EXPECT_EQ(fault(4, 32, &TileSizes::panels, 5), "a tile of 6 x 5 registers does not fit 32");
  EXPECT_EQ(fault(0, 32, &TileSizes::panels, 2), "panels is 2, and registers hold no whole one");
  EXPECT_EQ(fault(4, 32, &TileSizes::MC, 100), "MC is 100, no multiple of MR, 6");
  EXPECT_EQ(fault(4, 32, &TileSizes::NC, 24), "NC is 24, no multiple of a panel, 16");
  EXPECT_EQ(fault(4, 64, &TileSizes::KC, 1024), "KC x NC takes 1048576 bytes, more than 524288");
  EXPECT_EQ(fault(4, 64, &TileSizes::unroll, 9), "unroll is 9, not from 1 to 8");
  EXPECT_EQ(fault(4, 64, &TileSizes::plainRows, -1),
            "plainRows is -1, not from 0 to 1099511627776");
}

TEST(TileTable, JsonComesBack) {
  TileTable table = builtinTiles(4);
  table.cpu = "znver4";
  table.f32.MR = 12, table.f32.panels = 2;
  auto read = readJson(writeJson(table));
  ASSERT_TRUE(bool(read));
  EXPECT_EQ(read->cpu, "znver4");
  EXPECT_EQ(read->level, 4);
  EXPECT_EQ(writeJson(*read), writeJson(table));
}

TEST(TileTable, JsonWithFaults) {
  EXPECT_EQ(errorOf(readJson("{")).substr(0, 14), "it is no JSON:");
  EXPECT_EQ(errorOf(readJson("[]")), "it is no table of tiles: its `format` is not `mad tiles 1`");
  EXPECT_EQ(errorOf(readJson(changed("tiles 1", "tiles 9"))),
            "it is no table of tiles: its `format` is not `mad tiles 1`");
  EXPECT_EQ(errorOf(readJson(changed("\"level\": 4", "\"level\": 2"))),
            "it needs `cpu`, a name, and `level`, which is 0, 3 or 4");
  EXPECT_EQ(errorOf(readJson(changed("\"f64\"", "\"f63\""))), "it has no object `f64`");
  EXPECT_EQ(errorOf(readJson(changed("\"KC\": 1024", "\"KC\": 0.5"))), "`f32` has no integer `KC`");
  EXPECT_EQ(errorOf(readJson(changed("\"KC\"", "\"kc\""))), "`f32` has no integer `KC`");
  EXPECT_EQ(errorOf(readJson(changed("\"KC\": 1024", "\"KC\": 1024, \"QC\": 1"))),
            "`f32` has a member `QC` that this compiler does not know");
  EXPECT_EQ(errorOf(readJson(changed("\"MR\": 6", "\"MR\": 7"))),
            "f32: MR is 7, which does not divide 192");
}

} // namespace
