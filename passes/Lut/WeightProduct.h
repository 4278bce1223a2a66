//===- WeightProduct.h - Products with a weight of few bits ----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_LUT_WEIGHTPRODUCT_H
#define MAD_PASSES_LUT_WEIGHTPRODUCT_H

#include "dialects/Lut/IR/LutOps.h"
#include <optional>

namespace mad {

/// A sum of products of something and a weight of few bits.
struct WeightProduct {
  ContractOp op;
  lut::DequantOp weight;
  mlir::Value source;
  mlir::AffineMap sourceMap, weightMap;

  /// Nothing if neither factor is such a weight.
  static std::optional<WeightProduct> of(ContractOp op);
  mlir::RankedTensorType weightType() const;
  /// Whether it is `x[e, ...] @ w[e]` or `x @ w[e]`, of several matrices.
  bool isBatch() const { return weightType().getRank() == 3; }
  /// x[b, t..., k] w[b, k, m] or x[t..., k] w[b, k, m], or both without b, with the dimensions of x
  /// and of the result in any order.
  bool isRowsTimesMatrix() const;
  /// Such a product with its dimensions in this order. What it is now is erased.
  WeightProduct inOrder() const;
};

/// Whether a factor is made of a weight with a format, but is none itself.
bool isMadeOfCodes(mlir::Value value);
/// Why no product reads the codes of such a factor.
inline constexpr llvm::StringLiteral partOfCodes =
    "the weight is chosen by `if`, a part of a matrix, or cast to another type";

} // namespace mad

#endif // MAD_PASSES_LUT_WEIGHTPRODUCT_H
