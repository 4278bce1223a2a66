//===- Sort.h - Kernels that sort -------------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An element is sorted as an item: a code that is ordered as a number without sign, and its place
// in the line. No two items of a line are equal, so the order is stable however it is made. Codes
// of up to 32 bits are one number with the place; those of 64 bits have the place beside them.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_KERNELS_GPU_SORT_H
#define MAD_PASSES_KERNELS_GPU_SORT_H

#include "passes/Kernels/Gpu/GpuBuilder.h"
#include "llvm/Support/Error.h"

namespace mad::device {

struct SortSpec {
  mlir::Type element;
  bool isUnsigned = false;
  bool descending = false;
  bool fromItems = false; ///< the input is items, not elements
  bool toItems = false;   ///< so is the output: not values and positions
  bool values = true, positions = true;

  bool isWide() const { return bytesOf(element) == 8; }
};

struct SortTile {
  int threads = 256; ///< a power of two
  int items = 8;     ///< of a thread
  int slots() const { return threads * items; }
  int sharedBytes(const SortSpec &spec) const;
};
llvm::Error check(const SortTile &tile, const SortSpec &spec);

/// Items of i64, and i32 for the places of wide ones.
struct ItemMemory {
  mlir::Value codes, places;
};

struct SortArguments {
  mlir::Value source;            ///< the elements of all lines
  ItemMemory from, to;           ///< where the spec says so
  mlir::Value values, positions; ///< else; null where nobody asks
  mlir::Value lines;             ///< i64
  mlir::Value length;            ///< of a line of the input, i32, up to 2^30
  mlir::Value whole;             ///< of a line of `source`, i32
  mlir::Value wanted;            ///< elements of a line of the output, i32
  mlir::Value rounds;            ///< runs of items << rounds slots, at most a tile, i32
  mlir::Value runs;              ///< of a line, i32; more than one: runs as long as the tile
  mlir::Value kept;              ///< the first ones of a run that are wanted, i32
  mlir::Value width;             ///< of runs that are merged, a power of two from the tile on, i32
};

/// Sorts runs of lines, several a block where they are short. Run r of a line writes its first
/// `kept` items from r * kept on.
void writeSortRuns(GpuBuilder &g, const SortSpec &spec, const SortTile &tile,
                   const SortArguments &arguments);
/// Merges each two neighbouring runs of items of a line. A block a tile of the output, line by line
/// along x.
void writeMergeRuns(GpuBuilder &g, const SortSpec &spec, const SortTile &tile,
                    const SortArguments &arguments);

/// Arguments: source; codes and, of wide items, places, of the input, and of the output, where they
/// are items; values, positions, where they are asked for; lines, length, whole, wanted, rounds,
/// runs, kept.
llvm::Expected<Kernel> makeSortRuns(mlir::gpu::GPUModuleOp module, llvm::StringRef name,
                                    const SortSpec &spec, const SortTile &tile);
/// The same, with width instead of the last three.
llvm::Expected<Kernel> makeMergeRuns(mlir::gpu::GPUModuleOp module, llvm::StringRef name,
                                     const SortSpec &spec, const SortTile &tile);

} // namespace mad::device

#endif // MAD_PASSES_KERNELS_GPU_SORT_H
