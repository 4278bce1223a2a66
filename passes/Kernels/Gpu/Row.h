//===- Row.h - One row in the hands of a warp or a block --------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_KERNELS_GPU_ROW_H
#define MAD_PASSES_KERNELS_GPU_ROW_H

#include "passes/Kernels/Gpu/Rows.h"

namespace mad::device {

/// The elements of a row that this thread has, as f32, and what all threads of the row make
/// of theirs together.
class Row {
public:
  using Combine = llvm::function_ref<mlir::Value(mlir::Value, mlir::Value)>;
  using Change = std::function<mlir::Value(mlir::Value x)>;

  Row(GpuBuilder &g, const RowTile &tile, mlir::Type element, mlir::Value start,
      mlir::Value columns);

  /// Of the whole row, for all of its threads. `identity` changes no combination.
  mlir::Value reduce(double identity, Combine combine);
  /// The same of map(element), which changes no element.
  mlir::Value reduce(double identity, Combine combine,
                     llvm::function_ref<mlir::Value(mlir::Value)> map);
  /// From here on each element is change(element).
  void change(Change change);
  /// Calls `write` for each group: first column, elements.
  void forGroups(llvm::function_ref<void(mlir::Value column, mlir::ValueRange elements)> write);

  /// A group of `tile.vector` elements from a place, as f32, and back.
  Values loadGroup(mlir::Value start, mlir::Value column);
  void storeGroup(mlir::Value start, mlir::Value column, mlir::ValueRange elements);

private:
  Values readHeld(mlir::Value column);
  Values changed(mlir::ValueRange elements);
  mlir::Value acrossWarps(mlir::Value x, Combine combine);
  mlir::Value columnOf(int group);

  GpuBuilder &g;
  const RowTile &tile;
  mlir::Type element;
  mlir::Value start, columns, lane;
  llvm::SmallVector<Values> held;
  llvm::SmallVector<Change> changes; ///< of rows that are read again
  int reductions = 0;
};

} // namespace mad::device

#endif // MAD_PASSES_KERNELS_GPU_ROW_H
