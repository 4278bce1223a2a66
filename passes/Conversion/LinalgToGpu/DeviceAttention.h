//===- DeviceAttention.h - Attention on a device ----------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Scores are a product of queries and keys; a softmax goes along its rows; a second product takes
// the weights and values. The ops of that, with what lies between them and elementwise behind them,
// become one kernel (passes/Kernels/Gpu/Attention.h), and scores are in no memory.
//
// Rows go by one number: all dimensions but the last, as one. Reshapes that leave the last
// dimension alone do not change it.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_CONVERSION_LINALGTOGPU_DEVICEATTENTION_H
#define MAD_PASSES_CONVERSION_LINALGTOGPU_DEVICEATTENTION_H

#include "passes/Conversion/LinalgToGpu/DeviceFunction.h"
#include "passes/Transforms/Contraction.h"

namespace mad {

/// An op between or behind the products, and what it does.
struct AttentionStep {
  enum Kind {
    Score,  ///< of scores, element by element
    Most,   ///< their maximum
    OfRow,  ///< of what is known of a row as a whole
    Power,  ///< exp(score - value of the row)
    Total,  ///< the sum of those
    Weight, ///< a power times a value of the row, or divided by it
    Result  ///< of the result, element by element
  } kind;
  mlir::linalg::GenericOp op;
  /// What operands are: memory that is read, a score (or a result) or a value of the row.
  enum Source { Memory, Element, Row };
  llvm::SmallVector<Source> sources;
  bool divides = false; ///< of a weight
  /// Loops from the slowest dimension of the result to that before its columns; none: in order.
  llvm::SmallVector<unsigned> order;
};

/// A factor of a product, where a copy with its dimensions in another order is not made.
struct AttentionFactor {
  mlir::Value memory;           ///< what is read
  mlir::linalg::GenericOp copy; ///< null: that of the product itself
};

/// A comparison by which a score counts: the column with a number that does not fall from row to
/// row.
struct AttentionLimit {
  mlir::Operation *compare = nullptr; ///< null: none
  mlir::Value number;                 ///< its operand
  bool including = false;             ///< the column of that number counts
};

struct Attention {
  std::optional<Contraction> scores, values;
  AttentionFactor q, k, v;
  /// Memory that only scores read, element by element, by base: computed where it is read.
  llvm::DenseMap<mlir::Value, mlir::linalg::GenericOp> computed;
  AttentionLimit limit;
  /// Where scores are sums times this, apart from the limit.
  std::optional<double> scale;
  llvm::SmallVector<AttentionStep> steps;   ///< in their order
  llvm::SmallVector<mlir::Operation *> ops; ///< all, with copies and products, in their order
  llvm::SmallVector<mlir::linalg::FillOp> fills;
  mlir::Value output; ///< memory of the result
  mlir::Operation *last() const { return ops.back(); }
};

/// The attention that begins with this product; null: none.
std::shared_ptr<Attention> findAttention(DeviceFunction &f, mlir::linalg::GenericOp product);

/// Launches it. False if it is to be computed op by op.
bool lowerAttention(DeviceFunction &f, Attention &attention);

} // namespace mad

#endif // MAD_PASSES_CONVERSION_LINALGTOGPU_DEVICEATTENTION_H
