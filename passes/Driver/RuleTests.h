//===- RuleTests.h - Whether rewrite rules hold -----------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_DRIVER_RULETESTS_H
#define MAD_PASSES_DRIVER_RULETESTS_H

#include "dialects/Mad/IR/RefTensor.h"
#include "frontend/Check/Program.h"
#include "mlir/IR/Value.h"
#include "llvm/ADT/DenseMap.h"

namespace mlir {
class MLIRContext;
} // namespace mlir

namespace mad {

/// Runs both sides of a rule on the reference interpreter, with many values. Empty when they
/// agree, else the values that show a difference. What is compared, and how, is said in
/// docs/language.md.
std::string testRule(const hir::Rule &rule, const Sources &sources, mlir::MLIRContext &context);

/// How far values that are computed in f64 may be from what real numbers would give: an error
/// for each element, which follows the operations (Wilkinson's running error analysis). Inputs are
/// exact. An operation adds its own rounding, and the errors of its operands times its slope there.
/// It is a bound to first order; where the slope is not known, the error is infinite.
class RunningErrors {
public:
  void observe(mlir::Operation *op, llvm::ArrayRef<const RefTensor *> operands,
               llvm::ArrayRef<const RefTensor *> results);
  /// Of a value that was observed; 0 of others.
  double at(mlir::Value value, int64_t position) const;

private:
  RefTensor of(mlir::Value value, const RefTensor &like) const;
  RefTensor elementwise(mlir::Operation *op, llvm::ArrayRef<const RefTensor *> operands,
                        const RefTensor &result) const;
  RefTensor reduce(mlir::Operation *op, llvm::ArrayRef<const RefTensor *> operands,
                   const RefTensor &result) const;
  RefTensor contract(mlir::Operation *op, llvm::ArrayRef<const RefTensor *> operands,
                     const RefTensor &result) const;
  RefTensor moved(mlir::Operation *op, llvm::ArrayRef<const RefTensor *> operands,
                  const RefTensor &result) const;

  llvm::DenseMap<mlir::Value, RefTensor> errors;
};

} // namespace mad

#endif // MAD_PASSES_DRIVER_RULETESTS_H
