//===- Dependences.h - What each element of a value depends on -------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_MAD_DERIVATIVES_DEPENDENCES_H
#define MAD_DIALECTS_MAD_DERIVATIVES_DEPENDENCES_H

#include "dialects/Mad/Derivatives/Sparsity.h"
#include "dialects/Mad/IR/RefTensor.h"
#include "mlir/IR/Operation.h"
#include "llvm/ADT/DenseMap.h"
#include <memory>

namespace mlir::func {
class CallOp;
} // namespace mlir::func

namespace mad {

class ContractOp;
class IfOp;
class IterateOp;
class ScanOp;
class ScatterOp;
class SortOp;

/// Columns, ascending; null: none. Elements share them.
using Columns = std::shared_ptr<const std::vector<int32_t>>;
using Sets = std::vector<Columns>; ///< of each element

/// The analysis of one block. Methods that answer a bool say whether it can go on.
class Dependences {
public:
  std::optional<Sparsity> pattern(mlir::Block &source, llvm::ArrayRef<unsigned> arguments);

protected:
  Columns united(llvm::ArrayRef<Columns> parts);
  Columns all(mlir::Value value);
  const Sets *setsOf(mlir::Value value) const;
  const RefTensor *knownValue(mlir::Value value) const;
  void give(mlir::Value value, Sets found);
  void copy(mlir::Value from, mlir::Value to);
  void forget(mlir::Value value);

  static bool hasStaticSizes(mlir::Operation *op);
  bool block(mlir::Block &block);
  void op(mlir::Operation *op);
  void evaluate(mlir::Operation *op);
  /// Where the elements of a result come from: the elements of all operands of its type, one
  /// operand after the other, count from 1; 0 is what is outside. Empty where a position is not
  /// known, or for an op that does more than to move them.
  std::optional<std::vector<int64_t>> origins(mlir::Operation *op);
  bool moved(mlir::Operation *op);
  void anything(mlir::Operation *op);
  void elementwise(mlir::Operation *op);
  void reduce(mlir::Operation *op, llvm::ArrayRef<int64_t> dims, bool running);
  void contract(ContractOp op);
  void sort(SortOp op);
  void scatter(ScatterOp op);
  void written(mlir::Operation *op, mlir::Value base, mlir::Value updates);
  // DependencesControl.cpp
  bool call(mlir::func::CallOp op);
  bool region(mlir::Operation *op);
  bool ifOp(IfOp op);
  bool scan(ScanOp op);
  bool iterate(IterateOp op);
  bool grow(mlir::Value value, mlir::Value by);

  llvm::DenseMap<mlir::Value, std::shared_ptr<const Sets>> sets; ///< of those that vary
  llvm::DenseMap<mlir::Value, RefTensor> known;
  int64_t work = 0;
};

} // namespace mad

#endif // MAD_DIALECTS_MAD_DERIVATIVES_DEPENDENCES_H
