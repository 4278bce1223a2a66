//===- Rows.h - Kernels over the rows of a matrix ---------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A row is computed by one warp, several of which make a block, or by a whole block. Its
// elements stay in registers between the steps where they fit (`held`), and are read again
// where they do not. All sums are in f32, in an order that depends on the tile alone.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_KERNELS_GPU_ROWS_H
#define MAD_PASSES_KERNELS_GPU_ROWS_H

#include "passes/Kernels/Gpu/GpuBuilder.h"
#include "llvm/Support/Error.h"
#include <functional>

namespace mad::device {

struct RowTile {
  int threads = 128;
  bool blockOfRow = false; ///< a block a row, else a warp
  int vector = 4;          ///< neighbours of one access; divides the number of columns
  int held = 2;            ///< such groups that a thread keeps, 0: reads them again
  int lanes() const { return blockOfRow ? threads : lanesOfWarp; } ///< that share a row
  int rowsOfBlock() const { return threads / lanes(); }
  /// The longest row that may be launched.
  int64_t mostColumns() const { return held ? int64_t(held) * lanes() * vector : INT32_MAX; }
  int sharedBytes(int reductions) const {
    return blockOfRow ? reductions * threads / lanesOfWarp * 4 : 0;
  }
};

/// For rows of this length: a warp up to 1024 columns, a block behind; registers hold up to 64
/// bytes of each thread's elements.
RowTile rowTile(int64_t columns, int bytesOfElement);
llvm::Error check(const RowTile &tile, int bytesOfElement);

/// result[row] = finish(combination of element(x[row, c]) for all c).
struct RowReductionSpec {
  mlir::Type input, output;
  double identity = 0;
  std::function<mlir::Value(GpuBuilder &, mlir::Value x)> element;
  std::function<mlir::Value(GpuBuilder &, mlir::Value, mlir::Value)> combine;
  std::function<mlir::Value(GpuBuilder &, mlir::Value x, mlir::Value columns)> finish;
};

// Arguments: x [rows, columns], y, rows, columns. A block for each `rowsOfBlock`, along x.
llvm::Expected<Kernel> makeRowReduction(mlir::gpu::GPUModuleOp module, llvm::StringRef name,
                                        const RowReductionSpec &spec, const RowTile &tile);
/// exp(x - max) / sum(exp(x - max)) along each row.
llvm::Expected<Kernel> makeSoftmax(mlir::gpu::GPUModuleOp module, llvm::StringRef name,
                                   mlir::Type element, const RowTile &tile);
/// (x - mean) / sqrt(variance + epsilon) * scale + shift. Arguments: x, scale [columns], shift
/// [columns], y, epsilon (f32), rows, columns; all of one element type.
llvm::Expected<Kernel> makeLayerNorm(mlir::gpu::GPUModuleOp module, llvm::StringRef name,
                                     mlir::Type element, const RowTile &tile);

} // namespace mad::device

#endif // MAD_PASSES_KERNELS_GPU_ROWS_H
