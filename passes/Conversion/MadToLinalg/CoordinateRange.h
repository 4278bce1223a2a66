//===- CoordinateRange.h - Where a coordinate leads to, exactly -------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_CONVERSION_MADTOLINALG_COORDINATERANGE_H
#define MAD_PASSES_CONVERSION_MADTOLINALG_COORDINATERANGE_H

#include "passes/Conversion/MadToLinalg/Lowering.h"

namespace mad {

/// The lowest and the highest value of a coordinate over all elements of a tensor. The sums are
/// exact: scalars and extents are any i64, and a check that wraps would let an access leave its
/// tensor. All of this runs once, before the loop over the elements.
class CoordinateRange {
public:
  /// `form` holds the factors of the dims of `over`, those of the scalars, and the constant;
  /// the scalars are of type `index`.
  CoordinateRange(Lowering &lowering, mlir::OpBuilder &b, mlir::Operation *op,
                  mlir::RankedTensorType over, llvm::ArrayRef<int64_t> form,
                  mlir::ValueRange scalars);

  /// Records the check that coordinate `k` stays inside of `source`, a value of the mad dialect.
  void checkInside(mlir::Value source, int64_t k);
  /// All but the dims, no further from 0 than 2^62: what is outside of a tensor stays there, and
  /// room is left for the dims.
  mlir::Value nearOffset();
  /// All but the dims, or where that is further from 0 than 2^62, its remainder by `period`.
  mlir::Value offsetModulo(mlir::Value period);

private:
  mlir::Value whereRun(mlir::Value failed);

  Lowering &lowering;
  mlir::OpBuilder &b;
  mlir::Operation *op;
  mlir::Location loc;
  mlir::RankedTensorType over;
  llvm::SmallVector<int64_t> form;
  mlir::Value offset;
};

/// The number of `index` that is nearest to a position in the loop: for factors of dims so large
/// that i64 does not do. `at` gives the dims.
mlir::Value nearestPosition(mlir::OpBuilder &b, mlir::Location loc, llvm::ArrayRef<int64_t> form,
                            mlir::ValueRange scalars, llvm::function_ref<mlir::Value(unsigned)> at);

} // namespace mad

#endif // MAD_PASSES_CONVERSION_MADTOLINALG_COORDINATERANGE_H
