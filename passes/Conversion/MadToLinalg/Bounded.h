//===- Bounded.h - Reads at computed positions ------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_CONVERSION_MADTOLINALG_BOUNDED_H
#define MAD_PASSES_CONVERSION_MADTOLINALG_BOUNDED_H

#include "passes/Conversion/MadToLinalg/Lowering.h"

namespace mad {

/// A tensor that is read element by element, never outside of its memory. Where
/// the source is empty and the result is not, position 0 is read: the entry point
/// guarantees that every buffer has one readable element.
class BoundedSource {
public:
  /// `type` and `result` are types of the mad dialect; elements are read in a
  /// loop over `result`.
  BoundedSource(Lowering &lowering, mlir::OpBuilder &b, mlir::Operation *op, mlir::Value source,
                mlir::RankedTensorType type, mlir::RankedTensorType result);

  mlir::Value extent(int64_t k) const { return extents[k]; }
  /// The source may have no element although the result has: even positions that
  /// fit need `clamp`.
  bool mayBeEmpty() const { return guarded; }
  /// The nearest position that exists.
  mlir::Value clamp(mlir::OpBuilder &b, int64_t k, mlir::Value position) const;
  mlir::Value read(mlir::OpBuilder &b, mlir::ValueRange positions) const;

private:
  mlir::Location loc;
  mlir::Value source;
  llvm::SmallVector<mlir::Value> extents, last;
  bool guarded = false;
};

} // namespace mad

#endif // MAD_PASSES_CONVERSION_MADTOLINALG_BOUNDED_H
