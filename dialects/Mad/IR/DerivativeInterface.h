//===- DerivativeInterface.h - Tangents of results -------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_MAD_IR_DERIVATIVEINTERFACE_H
#define MAD_DIALECTS_MAD_IR_DERIVATIVEINTERFACE_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectInterface.h"
#include "mlir/IR/ValueRange.h"

namespace mad {

class MadDialect;

/// Forward-mode derivatives of the ops of a dialect. A tangent has the type of its value, or one
/// more leading dimension, the same for all tangents of an op: then it is several tangents, one a
/// direction. A null tangent is zero, so that nothing is built for what does not vary.
class DerivativeInterface : public mlir::DialectInterface::Base<DerivativeInterface> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(DerivativeInterface)
  explicit DerivativeInterface(mlir::Dialect *dialect) : Base(dialect) {}

  /// Builds the tangents of the results, after the op, from those of its operands, of which one is
  /// not null. Integers and bools have null tangents. Fails, without a message, where the op has no
  /// derivative. Ops with regions are not asked (dialects/Mad/Derivatives).
  virtual llvm::FailureOr<llvm::SmallVector<mlir::Value>>
  jvp(mlir::Operation *op, mlir::OpBuilder &builder, mlir::ValueRange tangents) const = 0;
};

/// For the initialisation of the dialect.
void addDerivativeInterface(MadDialect &dialect);

} // namespace mad

#endif // MAD_DIALECTS_MAD_IR_DERIVATIVEINTERFACE_H
