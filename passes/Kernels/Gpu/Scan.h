//===- Scan.h - Kernels that cumulate ---------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which elements a step combines follows from sizes and the tile alone, so results do not depend on
// the order in which blocks run.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_KERNELS_GPU_SCAN_H
#define MAD_PASSES_KERNELS_GPU_SCAN_H

#include "passes/Kernels/Gpu/GpuBuilder.h"
#include "llvm/Support/Error.h"

namespace mad::device {

enum class Combination { Sum, Product, Largest, Smallest };

/// to[i] = from[0] + ... + from[i] along lines, for a combination `+` whose order is free.
struct ScanSpec {
  mlir::Type element;
  Combination combination = Combination::Sum;
  bool isUnsigned = false;

  /// What is combined: f32 for narrower floats, i32 for narrower integers.
  mlir::Type sum() const;
};

/// Along neighbours: a line, or a chunk of one, is a warp's or a block's, which goes from tile to
/// tile.
struct ScanTile {
  int threads = 256;
  int warpsOfLine = 8;                                          ///< 1, or all of a block
  int vector = 4;                                               ///< neighbours of one access
  int strips = 4;                                               ///< groups of a thread
  int segment() const { return lanesOfWarp * vector * strips; } ///< elements of a warp
  int elements() const { return warpsOfLine * segment(); }      ///< of a tile
  int linesOfBlock() const { return threads / lanesOfWarp / warpsOfLine; }
  int sharedBytes(const ScanSpec &spec) const;
};
/// Some 16 elements of a thread. `aligned`: lines begin at 16 bytes.
ScanTile scanTile(mlir::Type element, bool blockOfLine, bool aligned);
llvm::Error check(const ScanTile &tile, const ScanSpec &spec);

struct ScanArguments {
  mlir::Value from, to;
  mlir::Value totals; ///< of chunks, line by line, as `sum`; null: a line is one chunk
  mlir::Value lines;  ///< i64
  mlir::Value extent; ///< of a line, i64
  mlir::Value chunk;  ///< elements of a chunk, i64: a multiple of a tile
  mlir::Value chunks; ///< of a line, i32
  mlir::Value inner;  ///< lines side by side, i64, for `writeScanAcross`
};

/// The combination of each chunk. A block a chunk, along x.
void writeScanTotals(GpuBuilder &g, const ScanSpec &spec, const ScanTile &tile,
                     const ScanArguments &arguments);
/// A block a chunk, or `linesOfBlock` lines.
void writeScan(GpuBuilder &g, const ScanSpec &spec, const ScanTile &tile,
               const ScanArguments &arguments);
/// Lines whose elements lie `inner` apart: a thread for each chunk of each. First totals, then
/// results. Registers of a thread are for four blocks at once.
constexpr int acrossThreads = 256, acrossBlocks = 4;
void writeScanAcross(GpuBuilder &g, const ScanSpec &spec, bool totals,
                     const ScanArguments &arguments);

/// Arguments: from, to, totals (where a block has a line), lines, extent, chunk, chunks.
llvm::Expected<Kernel> makeScan(mlir::gpu::GPUModuleOp module, llvm::StringRef name,
                                const ScanSpec &spec, const ScanTile &tile);
/// Arguments: from, totals, lines, extent, chunk, chunks.
llvm::Expected<Kernel> makeScanTotals(mlir::gpu::GPUModuleOp module, llvm::StringRef name,
                                      const ScanSpec &spec, const ScanTile &tile);
/// Arguments: from, to, totals, lines, extent, chunk, chunks, inner.
llvm::Expected<Kernel> makeScanAcross(mlir::gpu::GPUModuleOp module, llvm::StringRef name,
                                      const ScanSpec &spec, bool totals);

} // namespace mad::device

#endif // MAD_PASSES_KERNELS_GPU_SCAN_H
