//===- FewRowsTiles.cpp - Tiles of products with few rows --------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What was measured to be fastest (docs/performance/gpu-few-rows.md), and what FewRowsMatmul.cpp
// can do.
//
//===----------------------------------------------------------------------===//
#include "passes/Kernels/Gpu/MatmulParts.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mad::device;

ArrayRef<int> mad::device::fewRows() {
  static constexpr int all[] = {8, 16, 32, mostFewRows};
  return all;
}

ArrayRef<int> mad::device::fewRowsF32() { return fewRows().take_front(2); }

static FewRowsTile withStagesFor(FewRowsTile tile, int64_t k) {
  const int64_t needed = llvm::divideCeil(k, int64_t(tile.stepK)) + 1;
  tile.stages = std::min<int64_t>(tile.stages, std::max<int64_t>(needed, 2));
  return tile;
}

/// Terms of one sum on tensor cores.
static constexpr int longestSumOfWarp = 8192;

FewRowsTile mad::device::fewRowsTile(int rows, Order order, int64_t n, int64_t k) {
  const bool many = n > 8192;
  FewRowsTile tile;
  auto take = [&](int columns, int stepK, int stages, int warpsAcross, int warpsOfK) {
    tile = {rows, columns, stepK, stages, warpsAcross, warpsOfK};
  };
  if (order == Order::ColumnMajor) {
    if (rows == 8)
      take(16, 256, 8, 1, 8);
    else if (rows == 16)
      take(16, 128, 10, 1, 4);
    else if (many)
      take(96, 128, 4, 3, 4);
    else if (rows == 32)
      take(32, 256, 5, 1, 8);
    else
      take(32, 128, 6, 1, 8);
  } else {
    if (rows == 8)
      take(64, 128, 8, 2, 4);
    else if (rows == 16)
      take(64, 128, 8, 1, 8);
    else if (many && k <= 16384)
      take(128, 64, 6, 4, 2);
    else if (rows == 32)
      take(32, 128, 8, 1, 8); // one block a multiprocessor, also while launches overlap
    else
      take(32, 128, 6, 1, 8);
  }
  return withStagesFor(tile, k);
}

static constexpr int64_t multiprocessors = 132;

/// Tiles by tensor map from the widest on, with as many stages as there is memory for.
static SmallVector<FewRowsTile> mapTiles(int rows, Order order, int64_t n, int64_t k) {
  constexpr int64_t manyTerms = 4096; // less are 5 % slower with two rings
  SmallVector<FewRowsTile> tiles;
  auto add = [&](int columns, int stepK, int warpsAcross, int warpsOfK, int cluster = 1,
                 bool byGroups = false, int boxColumns = 64) {
    FewRowsTile tile{rows, columns, stepK, 2, warpsAcross, warpsOfK, cluster};
    tile.maps = true, tile.byGroups = byGroups, tile.boxColumns = boxColumns;
    constexpr int bytes = 2, barriers = 16, most = 32;
    if (byGroups && cluster > 1 && rows == 64 && k >= manyTerms)
      tile.stagesOfA = 9, tile.onTheWay = 6;
    const int ofA = tile.stagesOfA * (tile.stageBytesOfA(bytes) + barriers) + barriers;
    const int room =
        sharedOfSm90 - (cluster > 1 ? tile.sumBytes() : 0) - (tile.stagesOfA ? ofA : 0);
    tile.stages = std::min(most, room / (tile.stageBytes(bytes) + barriers));
    tiles.push_back(tile);
  };
  // 64 columns for two blocks: each reads half of A, and shared memory once.
  auto addGroup = [&] { add(64, rows == 64 ? 64 : 128, 4, 1, /*cluster=*/2, /*byGroups=*/true); };
  if (order == Order::ColumnMajor) {
    // One wave of blocks, all with the same columns.
    const int64_t fitted = llvm::divideCeil(n, multiprocessors * 8) * 8;
    if (rows == 64 && fitted >= 40 && fitted <= 248)
      add(fitted, fitted <= 128 ? 128 : 64, 4, 1, /*cluster=*/1, /*byGroups=*/true);
    add(128, 64, 4, 2);
    add(96, rows == 8 ? 128 : 64, 3, 4);
    rows == 64 ? add(64, 64, 2, 4) : add(64, 128, 4, 2);
    if (rows >= 32)
      addGroup();
    add(32, 128, 2, 4);
    add(16, 128, 1, 4);
  } else {
    // One wave of blocks. Boxes with rows of 80 or 112 bytes are slower for memory.
    constexpr int mostColumns = 256;
    const int64_t fitted = llvm::divideCeil(n, multiprocessors * 8) * 8;
    for (int box : {64, 48}) {
      const int64_t columns = llvm::divideCeil(fitted, box) * box;
      if (rows == 64 && n > multiprocessors * 32 && columns <= mostColumns)
        add(columns, 64, 4, 1, /*cluster=*/1, /*byGroups=*/true, box);
    }
    add(256, 64, 8, 1, /*cluster=*/2);
    add(192, 64, 6, 1, /*cluster=*/2);
    if (rows == 64)
      add(64, 64, 4, 1, /*cluster=*/1, /*byGroups=*/true);
    add(64, 128, 4, 2);
    if (rows >= 32)
      addGroup();
    add(64, 128, 2, 2, /*cluster=*/2);
  }
  return tiles;
}

std::optional<FewRowsTile> mad::device::fewRowsMapTile(int rows, Order order, int64_t n,
                                                       int64_t k) {
  // Starting takes longer than without, which what is small does not make up for.
  constexpr int64_t smallElements = 1 << 22, fewColumns = 1024;
  constexpr int64_t tinyElements = 1 << 18;
  const bool alongK = order == Order::ColumnMajor, thin = rows <= 16;
  const bool isSmall = n * k < smallElements + thin || (thin && n <= fewColumns);
  if (n < 1 || (isSmall && alongK == thin) || (!alongK && n * k < tinyElements))
    return std::nullopt;
  std::optional<FewRowsTile> best;
  int64_t least = 0;
  for (const FewRowsTile &tile : mapTiles(rows, order, n, k)) {
    if (tile.columns == 16 && rows <= 32 && n > fewColumns)
      continue;
    // What a sum of tensor cores may have (docs/language.md, "Precision").
    if (k > int64_t(longestSumOfWarp) * tile.warpsOfK * tile.cluster)
      continue;
    // Blocks come in waves, each of which reads its columns, all of A from the second cache, which
    // is some four times as fast, and starts.
    const int64_t blocks = llvm::divideCeil(n, int64_t(tile.columns)) * tile.cluster;
    const int64_t waves = llvm::divideCeil(blocks, multiprocessors);
    const int64_t cost = waves * (tile.columns / tile.cluster + rows / 4 + 8);
    if (!best || cost < least)
      best = tile, least = cost;
  }
  return best ? std::optional(withStagesFor(*best, k)) : std::nullopt;
}

FewRowsTile mad::device::fewRowsTileF32(int rows, int64_t k) {
  const int warpsOfK = k <= 8192 ? 8 : 16; // no sum is longer than 1024
  return withStagesFor({rows, 32, 128, rows == 8 ? 7 : 6, 1, warpsOfK}, k);
}

llvm::Error mad::device::check(const FewRowsTile &tile, const MatmulSpec &spec) {
  if (llvm::Error fault = checkVectors(spec))
    return fault;
  const bool single = spec.element.isF32();
  if (!single && !spec.element.isF16() && !spec.element.isBF16())
    return llvm::createStringError("products of few rows are of f16, bf16 and f32");
  if (spec.orderA != Order::RowMajor || spec.longestSum)
    return llvm::createStringError("products of few rows need A as [M, K], and one sum over all k");
  const int chunk = 16 / bytesOf(spec.element);
  if (spec.vectorA != chunk || spec.vectorB != chunk)
    return llvm::createStringError("products of few rows need rows of a multiple of 16 bytes");
  // Of a warp.
  const bool alongK = spec.order == Order::ColumnMajor;
  const bool rowsFirst = tile.byGroups && tile.cluster == 1;
  const int leastStep = single ? 4 : tile.rows == 8 ? 32 : 16;
  const int leastColumns = rowsFirst ? 8 : (single ? 32 : 16) * tile.warpsAcross;
  const std::tuple<StringRef, int, int, int, int> parameters[] = {
      {"rows", tile.rows, 8, 64, tile.rows == 8 ? 8 : 16},
      {"warpsAcross", tile.warpsAcross, 1, 8, 1},
      {"warpsOfK", tile.warpsOfK, 1, 16, 1},
      {"columns", tile.columns, leastColumns, single ? leastColumns : 256, leastColumns},
      {"stepK", tile.stepK, leastStep * tile.warpsOfK, 256, leastStep * tile.warpsOfK},
      {"stages", tile.stages, 2, 32, 1},
      {"stagesOfA", tile.stagesOfA ? tile.stagesOfA : 2, 2, 32, 1},
      {"onTheWay", tile.onTheWay, tile.stagesOfA > 0, tile.stagesOfA ? tile.stages - 1 : 0, 1},
      {"boxColumns", tile.boxColumns, rowsFirst && !alongK ? 8 : 64, 64, 8},
      {"cluster", tile.cluster, 1, tile.maps ? 8 : 1, 1}};
  for (auto [name, value, least, most, step] : parameters)
    if (llvm::Error fault = checkParameter(name, value, least, most, step))
      return fault;
  // The XOR permutes a power of two of chunks.
  for (auto [name, value] : {std::pair("stepK", tile.stepK),
                             std::pair("columns", alongK || tile.maps ? 16 : tile.columns)})
    if (!llvm::isPowerOf2_32(value))
      return llvm::createStringError(Twine(name) + " = " + Twine(value) +
                                     ", expected a power of two");
  if (tile.cluster > 1 && tile.columns % (16 * tile.cluster) != 0)
    return llvm::createStringError("blocks of a cluster need multiples of 16 columns each");
  if (tile.maps) {
    if (single)
      return llvm::createStringError("tensor maps are for f16 and bf16");
    if (llvm::Error fault = checkParameter("stepK", tile.stepK, 64, 256, 64))
      return fault;
    if (llvm::Error fault = checkParameter("columns", tile.columns, alongK ? 8 : tile.boxColumns,
                                           256, alongK ? 8 : tile.boxColumns))
      return fault;
  }
  if (tile.byGroups && (!tile.maps || tile.warpsAcross != 4 || tile.stepK % (64 * tile.warpsOfK)))
    return llvm::createStringError("groups of four warps multiply 64 k, copied by tensor map");
  if (rowsFirst && (tile.rows != 64 || (!alongK && tile.stepK != 64)))
    return llvm::createStringError(
        "groups of four warps without a cluster have 64 rows, and 64 k of B as [K, N]");
  if (tile.byGroups && !rowsFirst && tile.columns != 64)
    return llvm::createStringError("groups of four warps in clusters have 64 columns");
  if (tile.stagesOfA &&
      (!tile.byGroups || tile.warpsOfK > 1 || tile.cluster == 1 || tile.rows % (8 * tile.cluster)))
    return llvm::createStringError(
        "a ring of A alone is for one group of four warps in clusters, with 8 rows a block");
  if (llvm::Error fault = checkRegisters(tile.registers(), tile.threads(), 1))
    return fault;
  return checkShared(tile.sharedBytes(bytesOf(spec.element)),
                     tile.maps ? sharedOfSm90 : sharedOfSm80);
}
