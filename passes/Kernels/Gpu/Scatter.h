//===- Scatter.h - Kernels that write to computed places ---------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rows of updates act on rows of the result, or elements on elements. Which acts where is given by
// sorted items (Sort.h, Digits.h): the number of a row of the result above that of an update. The
// thread that meets the first item of a row takes all of them, one after the other, so each step
// has the order of the updates.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_KERNELS_GPU_SCATTER_H
#define MAD_PASSES_KERNELS_GPU_SCATTER_H

#include "passes/Kernels/Gpu/Scan.h"

namespace mad::device {

struct ScatterSpec {
  ScanSpec step;    ///< its element, and how an update acts; each step is rounded to the element
  bool set = false; ///< an update replaces what is there
  bool elements = true; ///< rows have one element
  int vector = 1;       ///< neighbours of one access, for rows
  bool values = false;  ///< items hold updates of up to 32 bits, not their places
};
llvm::Error check(const ScatterSpec &spec);

struct ScatterArguments {
  mlir::Value items, updates, result; ///< updates: null where items hold them
  mlir::Value count;                  ///< of items, i32, 1 to 2^30
  mlir::Value columns;                ///< of a row, i32; a multiple of `vector`
  mlir::Value shift;                  ///< 1 << shift threads share a row, at most a block, i32
};

constexpr int scatterThreads = 256;
/// Elements of one place from which on a warp takes them together.
constexpr int manyOfPlace = 64;

/// Along x, a block `scatterThreads` items, or as many rows of items as it has room for.
void writeScatter(GpuBuilder &g, const ScatterSpec &spec, const ScatterArguments &arguments);

/// Arguments: items, updates (of places), result, count; for rows columns, shift.
llvm::Expected<Kernel> makeScatter(mlir::gpu::GPUModuleOp module, llvm::StringRef name,
                                   const ScatterSpec &spec);

} // namespace mad::device

#endif // MAD_PASSES_KERNELS_GPU_SCATTER_H
