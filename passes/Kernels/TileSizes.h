//===- TileSizes.h - Tile parameters of dense products ----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_KERNELS_TILESIZES_H
#define MAD_PASSES_KERNELS_TILESIZES_H

#include <cstdint>

namespace mad::kernels {

/// What is equal for all variants of the code, because they share the memory that a call
/// asks for, and its pieces: the most rows of a block; rows that are cut together, a
/// multiple of every MR; the memory of KC x NC packed elements.
constexpr int64_t mostRows = 16, pieceRows = 192, panelBytes = 524288;
/// Longer sums of products are sums of sums, each of so many bytes of products: 1024 in f32.
/// A rounded sum of n numbers is off by up to n units, one of blocks by the length of a block
/// and their number. Equal for all CPUs, so that no result depends on the table.
constexpr int64_t sumDepthBytes = 4096;
/// Rows of a block of packed rows, in memory and in packed weights.
constexpr int64_t blockRows = 6;

/// How a product of matrices is cut, for one type of the sums and one CPU. No sum depends
/// on it (`sumDepthBytes`). The names are those of Goto and van de Geijn, "Anatomy
/// of high-performance matrix multiplication" (2008), and of BLIS.
struct TileSizes {
  int64_t MR = 6;     ///< rows of a register tile
  int64_t NR = 16;    ///< columns of a packed panel: 64 bytes of sums, as in packed weights
  int64_t lanes = 8;  ///< elements of a register
  int64_t panels = 1; ///< panels that a full register tile is wide
  /// Steps of the reduction on one pass. Long passes: beginning and ending tiles costs
  /// more than a panel loses that is larger than the first cache.
  int64_t KC = 1024;
  int64_t MC = 192; ///< rows on one pass, a multiple of MR
  /// Columns on one pass: KC x NC of them stay in a second-level cache of 1 MiB.
  int64_t NC = 128;
  int64_t unroll = 1; ///< steps of the reduction written out
  bool masks = true;  ///< loads under a mask are instructions
  /// Columns are not packed up to so many elements, and not for so few rows.
  int64_t plainColumns = 262144, plainRows = 384;
};

} // namespace mad::kernels

#endif // MAD_PASSES_KERNELS_TILESIZES_H
