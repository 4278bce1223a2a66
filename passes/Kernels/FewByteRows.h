//===- FewByteRows.h - Tiles of few rows of bytes and a weight of few bits --===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A tile is a row and the columns of four registers. The sums of a group are integers; where it
// ends they are scaled and added to those of the groups before. How they are made is up to the
// kernel, and how many tiles it goes over with a group.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_KERNELS_FEWBYTEROWS_H
#define MAD_PASSES_KERNELS_FEWBYTEROWS_H

#include "passes/Kernels/ByteKernels.h"

namespace mad::kernels {

class FewByteRows {
public:
  /// `a`: what the kernel reads of the rows, sums of groups, scales of rows, parts of the weight,
  /// Y, the shape, then the rows and the columns from and to which it goes.
  FewByteRows(mlir::ImplicitLocOpBuilder &b, const LutKernel &kernel, ByteUnit unit,
              mlir::ValueRange a);
  virtual ~FewByteRows() = default;

  void emit();

protected:
  /// The columns of `tiles` tiles of a row.
  virtual void tile(mlir::Value t, mlir::Value column, mlir::Value left) = 0;
  /// One tile of a row, of which `group` makes the sums of a group, as i32, for each register.
  using Group =
      llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value g, ByteCodes::Columns columns)>;
  void scaled(mlir::Value t, mlir::Value column, mlir::Value left, Group group);
  /// `factor` times what there is for a group in `sums`, in all lanes.
  mlir::Value bias(mlir::Value t, mlir::Value g, int64_t factor);

  mlir::ImplicitLocOpBuilder &b;
  Index i;
  const LutKernel &kernel;
  ByteUnit unit;
  mlir::Value rows, sums; ///< as the kernel reads them
  ByteShape shape;
  ByteCodes codes;
  ByteSums dot;

  /// Stores results, `totals` of registers, as columns from `column` on. With `straight` each
  /// register has columns that follow each other.
  void store(mlir::Value t, mlir::Value column, mlir::Value left, mlir::ValueRange totals,
             bool straight = false);

  int64_t tiles = 1; ///< that are computed together

private:
  void storeStraight(mlir::Value total, mlir::Value t, mlir::Value column, mlir::Value left);

  mlir::Value scales, Y, from, to, first, last;
  TileOrder order;
};

} // namespace mad::kernels

#endif // MAD_PASSES_KERNELS_FEWBYTEROWS_H
