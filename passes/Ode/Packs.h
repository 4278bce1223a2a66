//===- Packs.h - A right-hand side with one dimension in lanes --------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Bodies that pull at each other, cells of a ring: their states have a dimension that all do the
// same along. It goes into the lanes of a vector; other dimensions are written out.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_ODE_PACKS_H
#define MAD_PASSES_ODE_PACKS_H

#include "passes/Ode/Algebra.h"
#include <optional>

namespace mad {

/// Values of static tensors, computed where somebody asks for them: along an axis as packs
/// (`ode.pack`), one a position of the other dimensions, or element by element as scalars. Lanes
/// behind the last one are copies of it.
class Packs {
public:
  using Value = mlir::Value;
  using Leaves = llvm::SmallVector<Value>;
  static constexpr int none = -1; ///< no axis: scalars

  Packs(mlir::OpBuilder &b, mlir::Location loc, int64_t extent);

  void set(Value tensor, int axis, Leaves leaves) { known[{tensor, axis}] = std::move(leaves); }
  /// Empty where an op has no such form. As deep as ops depend on each other.
  std::optional<Leaves> get(Value tensor, int axis);
  /// The leaves along an axis of a tensor whose elements are given.
  Leaves packed(llvm::ArrayRef<Value> elements, mlir::RankedTensorType type, int axis);
  /// The elements of a tensor whose leaves are given.
  Leaves elements(llvm::ArrayRef<Value> leaves, mlir::RankedTensorType type, int axis);
  /// What all lanes have together, as a scalar; null for kinds that have no op.
  Value across(mlir::Operation *like, ReduceKind kind, Value pack);
  /// The first dimension that fits into the lanes, or `none`.
  int axisOf(mlir::RankedTensorType type) const;

  int64_t made = 0; ///< ops

private:
  using Form = std::optional<Leaves>;
  Form find(Value tensor, int axis);
  Form compute(Value tensor, int axis);
  Form constant(ConstantOp op, int axis);
  Form iota(IotaOp op, int axis);
  Form elementwise(mlir::Operation &op, int axis);
  Form view(ViewOp op, int axis);
  Form concat(ConcatOp op, int axis);
  Form reshape(ReshapeOp op, int axis);
  Form reduce(ReduceOp op, int axis);
  Form contract(ContractOp op, int axis);
  Value number(mlir::Attribute value);
  Value pack(llvm::ArrayRef<Value> lanes);
  Value shuffled(Value source, llvm::ArrayRef<int64_t> lanes);
  Value only(Value pack, llvm::ArrayRef<bool> inside);

  mlir::OpBuilder &b;
  mlir::Location loc;
  int64_t extent, width; ///< lanes that count, and all
  llvm::DenseMap<std::pair<Value, int>, Leaves> known;
  llvm::DenseSet<std::pair<Value, int>> unknown; ///< has no such form
};

} // namespace mad

#endif // MAD_PASSES_ODE_PACKS_H
