//===- Digits.h - Kernels that bring equal keys together ---------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Items, a key above the place that it had (Sort.h) or above a value of up to 32 bits, are brought
// in the order of some bits of their keys, a digit, and stay in order where these are equal. Two
// kernels with a cumulated sum between them: the first one counts the digits of each tile, the
// second one moves items to where the sum says. Digit by digit, from the lowest, keys are sorted.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_KERNELS_GPU_DIGITS_H
#define MAD_PASSES_KERNELS_GPU_DIGITS_H

#include "passes/Kernels/Gpu/GpuBuilder.h"
#include "llvm/Support/Error.h"

namespace mad::device {

struct DigitSpec {
  bool fromKeys = false; ///< the input is keys of i32, not items
  mlir::Type value = {}; ///< of what keys come with; null: their places
};

struct DigitTile {
  int threads = 256;
  int items = 16;    ///< of a thread
  int together = 4;  ///< that are on their way at a time
  int mostBits = 10; ///< of a digit
  int slots() const { return threads * items; }
  int warps() const { return threads / lanesOfWarp; }
  int bytesForCounts() const { return 4 << mostBits; }
  int bytesForMoves() const { return warps() * bytesForCounts() + 2 * slots(); }
};
llvm::Error check(const DigitTile &tile);

struct DigitArguments {
  mlir::Value from;   ///< keys of i32, or items of i64
  mlir::Value values; ///< what keys come with; null: nothing
  mlir::Value to;     ///< items of i64
  mlir::Value counts; ///< i32: all tiles of digit 0, then of digit 1, ...; for moves, summed up
  mlir::Value count;  ///< of items, i32, 1 to 2^30
  mlir::Value tiles;  ///< i32
  mlir::Value shift, bits; ///< of the digit, i32
};

/// A block a tile, along x.
void writeCountDigits(GpuBuilder &g, const DigitSpec &spec, const DigitTile &tile,
                      const DigitArguments &arguments);
void writeMoveByDigit(GpuBuilder &g, const DigitSpec &spec, const DigitTile &tile,
                      const DigitArguments &arguments);

/// Arguments: from, counts, count, tiles, shift, bits.
llvm::Expected<Kernel> makeCountDigits(mlir::gpu::GPUModuleOp module, llvm::StringRef name,
                                       const DigitSpec &spec, const DigitTile &tile);
/// Arguments: from, values of keys, if there are any, to, counts, count, tiles, shift, bits.
llvm::Expected<Kernel> makeMoveByDigit(mlir::gpu::GPUModuleOp module, llvm::StringRef name,
                                       const DigitSpec &spec, const DigitTile &tile);

} // namespace mad::device

#endif // MAD_PASSES_KERNELS_GPU_DIGITS_H
