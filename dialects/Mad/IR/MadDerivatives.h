//===- MadDerivatives.h - What derivatives of ops are built with -----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One function a family of ops, one file a function; MadDerivatives.cpp calls them.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_MAD_IR_MADDERIVATIVES_H
#define MAD_DIALECTS_MAD_IR_MADDERIVATIVES_H

#include "dialects/Mad/IR/MadOps.h"
#include "mlir/IR/Builders.h"

namespace mad {

inline mlir::RankedTensorType tensorTypeOf(mlir::Value value) {
  return llvm::cast<mlir::RankedTensorType>(value.getType());
}
/// The type of the tangent of a value: with one more dimension in front for several directions.
mlir::RankedTensorType tangentType(mlir::Type value, const std::optional<DimExpr> &directions);
/// A number in each element.
mlir::Value filled(mlir::OpBuilder &b, mlir::Location loc, double number, mlir::Type type);
/// Without a name: tangents are no values of the program.
mlir::Location unnamed(mlir::Location location);
/// The same sizes with another element type.
mlir::RankedTensorType withElement(mlir::RankedTensorType type, mlir::Type element);

/// The tangents of the operands of an op, and what the tangents of its results are made of. Where a
/// method takes a tangent, null is zero.
class Tangents {
public:
  Tangents(mlir::OpBuilder &b, mlir::Operation *op, mlir::ValueRange tangents);

  mlir::OpBuilder &b;
  mlir::Operation *op;
  mlir::Location loc;

  mlir::Value operator[](unsigned operand) const { return tangents[operand]; }
  /// How many dimensions a tangent has before those of its value: 0 or 1.
  unsigned lead() const { return directions ? 1 : 0; }
  /// Of the tangent of a value.
  mlir::RankedTensorType type(mlir::Type value) const;
  /// The value, once for each direction.
  mlir::Value spread(mlir::Value value) const;
  /// The tangent of `value`, zeros where it is null.
  mlir::Value dense(mlir::Value tangent, mlir::Value value) const;
  /// `map`, and the first dimension, of directions, to itself.
  mlir::AffineMap lifted(mlir::AffineMap map) const;
  /// The coordinates of accesses to a tangent from those to its value, which have this shape.
  llvm::SmallVector<mlir::Value> coordinates(mlir::ValueRange indices,
                                             mlir::RankedTensorType shape) const;

  mlir::Value sum(mlir::Value a, mlir::Value b) const;
  mlir::Value difference(mlir::Value a, mlir::Value b) const;
  /// A tangent times a value.
  mlir::Value scaled(mlir::Value tangent, mlir::Value factor) const;
  /// `a` where the condition holds, which is a value, else `b`.
  mlir::Value chosen(mlir::Value condition, mlir::Value a, mlir::Value b) const;

  mlir::Value number(double number, mlir::Type type) const { return filled(b, loc, number, type); }
  /// An elementwise op on values, or on tangents: of the type of the first.
  template <typename Op, typename... Operands>
  mlir::Value make(mlir::Value first, Operands... more) const {
    return Op::create(b, loc, first.getType(), first, more...);
  }
  mlir::Value compare(Predicate predicate, mlir::Value a, mlir::Value b) const;
  mlir::Value view(mlir::Type type, mlir::Value source, mlir::AffineMap map,
                   mlir::ValueRange scalars = {}, Boundary boundary = Boundary::inside) const;

private:
  llvm::SmallVector<mlir::Value> tangents;
  std::optional<DimExpr> directions;
};

/// The tangent of the result of an elementwise op; null: it does not vary. Fails for an op that is
/// not known here.
llvm::FailureOr<mlir::Value> elementwiseTangent(Tangents &t);
/// As `elementwiseTangent`, of functions of one number.
llvm::FailureOr<mlir::Value> functionTangent(Tangents &t);
/// Of ops that move numbers: views, gathers, concatenation, updates.
mlir::Value movementTangent(Tangents &t);
/// Of sums, products, maxima: `reduce`, `contract`, `cumulate`.
mlir::Value reductionTangent(Tangents &t);
/// Of `sort` and `scatter`.
mlir::Value dataTangent(Tangents &t);

} // namespace mad

#endif // MAD_DIALECTS_MAD_IR_MADDERIVATIVES_H
