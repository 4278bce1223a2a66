//===- TileSizes.cpp - Tile parameters of dense products --------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The built-in table. A row is that of a level, or of a CPU that LLVM knows by name;
// `mad tune` prints rows.
//
//===----------------------------------------------------------------------===//
#include "passes/Kernels/TileTable.h"
#include "llvm/ADT/STLExtras.h"

namespace mad::kernels {
namespace {

struct Row {
  llvm::StringLiteral cpu;
  int level;
  unsigned bits;
  int64_t MR, panels, KC, MC, NC, unroll, plainColumns, plainRows;
};

// 6 x 2 sums: enough to hide the latency of the multiplier, and with two vectors of a
// panel and one broadcast they fit 16 registers; 6 x 4 of them fit 32 registers.
// With 512 bits, four lines of a cache are read at each step; a single one, at equal
// distances, takes few of the sets of a cache, so that more columns are packed.
constexpr Row rows[] = {
    {"x86-64", 0, 32, 6, 1, 1024, 192, 128, 1, 0, 0},
    {"x86-64", 0, 64, 6, 1, 512, 192, 128, 1, 0, 0},
    {"x86-64-v3", 3, 32, 6, 1, 1024, 192, 128, 1, 16384, 16},
    {"x86-64-v3", 3, 64, 6, 1, 512, 192, 128, 1, 8192, 16},
    {"x86-64-v4", 4, 32, 6, 4, 1024, 192, 128, 1, 262144, 384},
    {"x86-64-v4", 4, 64, 6, 4, 512, 192, 128, 1, 262144, 384},
};

TileSizes sizesOf(const Row &row) {
  TileSizes sizes;
  const int64_t bytes = row.bits / 8;
  sizes.NR = 64 / bytes;
  sizes.lanes = (row.level >= 4 ? 64 : row.level >= 3 ? 32 : 16) / bytes;
  sizes.masks = row.level >= 3;
  sizes.MR = row.MR, sizes.panels = row.panels;
  sizes.KC = row.KC, sizes.MC = row.MC, sizes.NC = row.NC;
  sizes.unroll = row.unroll;
  sizes.plainColumns = row.plainColumns, sizes.plainRows = row.plainRows;
  return sizes;
}

} // namespace

TileTable builtinTiles(int level, llvm::StringRef cpu) {
  TileTable table;
  table.level = level;
  table.cpu = level == 0 ? "x86-64" : "x86-64-v" + std::to_string(level);
  bool isKnown = llvm::any_of(rows, [&](const Row &r) { return r.cpu == cpu && r.level == level; });
  llvm::StringRef name = isKnown ? cpu : llvm::StringRef(table.cpu);
  for (const Row &row : rows)
    if (row.cpu == name && row.level == level)
      (row.bits == 64 ? table.f64 : table.f32) = sizesOf(row);
  table.cpu = name.str();
  return table;
}

} // namespace mad::kernels
