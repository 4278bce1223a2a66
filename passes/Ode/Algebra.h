//===- Algebra.h - Arithmetic on values of the mad dialect ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Scalars are tensors of rank 0; what takes a scalar and a tensor spreads the scalar.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_ODE_ALGEBRA_H
#define MAD_PASSES_ODE_ALGEBRA_H

#include "dialects/Mad/IR/MadOps.h"
#include "mlir/IR/Builders.h"

namespace mad {

class Algebra {
public:
  Algebra(mlir::OpBuilder &b, mlir::Location loc) : b(b), loc(loc) {}

  mlir::Value real(double value) { return constant(b.getF64FloatAttr(value)); }
  mlir::Value integer(int64_t value) { return constant(b.getI64IntegerAttr(value)); }
  mlir::Value truth(bool value) { return constant(b.getBoolAttr(value)); }
  /// A number as a scalar of a float type.
  mlir::Value number(mlir::Type element, double value) {
    return constant(b.getFloatAttr(element, value));
  }

  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::Value sub(mlir::Value x, mlir::Value y);
  mlir::Value mul(mlir::Value x, mlir::Value y);
  mlir::Value div(mlir::Value x, mlir::Value y);
  mlir::Value min(mlir::Value x, mlir::Value y);
  mlir::Value max(mlir::Value x, mlir::Value y);
  /// As `min` and `max`, but y where one is NaN: one instruction.
  mlir::Value lesser(mlir::Value x, mlir::Value y);
  mlir::Value greater(mlir::Value x, mlir::Value y);
  mlir::Value abs(mlir::Value x);
  mlir::Value negate(mlir::Value x);
  mlir::Value exp(mlir::Value x);
  mlir::Value log(mlir::Value x);
  mlir::Value ceil(mlir::Value x);
  mlir::Value both(mlir::Value x, mlir::Value y);
  mlir::Value either(mlir::Value x, mlir::Value y);
  mlir::Value no(mlir::Value x);
  mlir::Value compare(Predicate predicate, mlir::Value x, mlir::Value y);
  mlir::Value select(mlir::Value condition, mlir::Value x, mlir::Value y);
  mlir::Value cast(mlir::Value x, mlir::Type element);
  /// Whether a float is neither infinite nor NaN.
  mlir::Value isFinite(mlir::Value x);
  /// Over all dimensions.
  mlir::Value reduce(ReduceKind kind, mlir::Value x);
  /// A tensor of the shape of `like` whose elements are the scalar.
  mlir::Value spread(mlir::Value scalar, mlir::RankedTensorType like);
  /// One element of a tensor.
  mlir::Value element(mlir::Value tensor, llvm::ArrayRef<int64_t> position);
  /// `all` with a number at a position, one index a dimension.
  mlir::Value put(mlir::Value all, mlir::Value number, mlir::ValueRange position);
  /// `source[position]` along the only dimension; the nearest one where there is none.
  mlir::Value at(mlir::Value source, mlir::Value position, int64_t offset = 0);

  static mlir::RankedTensorType typeOf(mlir::Value value) {
    return mlir::cast<mlir::RankedTensorType>(value.getType());
  }
  static mlir::RankedTensorType withElement(mlir::RankedTensorType type, mlir::Type element) {
    return mlir::RankedTensorType::get(type.getShape(), element, type.getEncoding());
  }

  mlir::OpBuilder &b;
  mlir::Location loc;

private:
  mlir::Value constant(mlir::TypedAttr value);
  void agree(mlir::Value &x, mlir::Value &y);
  /// `Op` of both, the smaller one spread over the other.
  template <typename Op> mlir::Value binary(mlir::Value x, mlir::Value y);
};

} // namespace mad

#endif // MAD_PASSES_ODE_ALGEBRA_H
