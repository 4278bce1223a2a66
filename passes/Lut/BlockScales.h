//===- BlockScales.h - Scales and minima of blocks -------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_LUT_BLOCKSCALES_H
#define MAD_PASSES_LUT_BLOCKSCALES_H

#include "dialects/Lut/Format/Format.h"
#include "mlir/IR/Value.h"

namespace mlir {
class OpBuilder;
} // namespace mlir

namespace mad {
namespace lut {
class DequantOp;
} // namespace lut

/// What a value of a group is made of: `scale * (code - middle) + minimum`, both [B..., groups, M]
/// of f32.
struct BlockScales {
  mlir::Value scale;
  mlir::Value minimum; ///< null: none
};

/// Of a weight in a block format, as ops where `b` is. All products are exact.
BlockScales blockScales(mlir::OpBuilder &b, lut::DequantOp op);
/// The same for codes around their own middle, 2^(bits - 1): of `integersOf`.
BlockScales centredScales(mlir::OpBuilder &b, lut::DequantOp op);
/// The format of its codes with one scale a group, `lut.int`.
lut::Format integersOf(const lut::BlockType &block);
/// Sums of groups along the last dimension, [..., K / group], which minima are multiplied with.
mlir::Value groupSums(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, int64_t group);

} // namespace mad

#endif // MAD_PASSES_LUT_BLOCKSCALES_H
