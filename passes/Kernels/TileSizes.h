//===- TileSizes.h - Tile parameters of dense products ----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_KERNELS_TILESIZES_H
#define MAD_PASSES_KERNELS_TILESIZES_H

#include "mlir/IR/Types.h"

namespace mad::kernels {

/// How a product of matrices is cut, for one type of the sums and one CPU level. The
/// names are those of Goto and van de Geijn, "Anatomy of high-performance matrix
/// multiplication" (2008), and of BLIS.
///
/// The layouts of packed operands (`MR`, `NR`) are equal on all levels: packed weights
/// and the memory that a call asks for are the same for every variant of the code.
struct TileSizes {
  int64_t MR = 6;     ///< rows of a block of packed rows, most rows of a register tile
  int64_t NR = 16;    ///< columns of a packed panel: 64 bytes of sums
  int64_t lanes = 8;  ///< elements of a register
  int64_t panels = 1; ///< panels that a full register tile is wide
  /// Steps of the reduction on one pass. Long passes: beginning and ending tiles costs
  /// more than a panel loses that is larger than the first cache.
  int64_t KC = 1024;
  /// Rows on one pass, a multiple of MR: with KC steps 768 KiB, most of a second-level
  /// cache of 1 MiB.
  int64_t MC = 192;
  /// Columns on one pass: sums that wait for the next steps stay in that cache.
  int64_t NC = 512;
  int64_t unroll = 4; ///< steps of the reduction written out
};

/// For sums of f32 or f64 and x86-64 level 0, 3 or 4.
TileSizes tileSizes(mlir::Type sum, int level);

} // namespace mad::kernels

#endif // MAD_PASSES_KERNELS_TILESIZES_H
