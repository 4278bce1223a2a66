//===- ParallelizeLoopsRecord.h - What a piece reads ------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_TRANSFORMS_PARALLELIZELOOPSRECORD_H
#define MAD_PASSES_TRANSFORMS_PARALLELIZELOOPSRECORD_H

#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/SymbolTable.h"

namespace mad {

/// A structure on the caller's stack: some words, then values that the piece uses.
class Record {
public:
  Record(mlir::MLIRContext *context, unsigned words, mlir::ArrayRef<mlir::Value> values);

  unsigned value(unsigned number) const { return words + number; }

  /// Makes a record for `op`, with the values in it; the builder stands before `op`.
  mlir::Value create(mlir::ImplicitLocOpBuilder &b, mlir::Operation *op,
                     mlir::ArrayRef<mlir::Value> values);
  void store(mlir::ImplicitLocOpBuilder &b, mlir::Value record, unsigned field, mlir::Value value);
  /// The field as a value of type `as`.
  mlir::Value load(mlir::ImplicitLocOpBuilder &b, mlir::Value record, unsigned field,
                   mlir::Type as);

  mlir::LLVMTypeConverter converter;
  mlir::LLVM::LLVMStructType type;

private:
  mlir::Value address(mlir::ImplicitLocOpBuilder &b, mlir::Value record, unsigned field);

  unsigned words;
};

/// A function `f.piece(task, number)` without a body; the builder stands in it.
mlir::func::FuncOp createPiece(mlir::ImplicitLocOpBuilder &b, mlir::func::FuncOp parent,
                               mlir::SymbolTable &symbols);

/// Has the executor run the pieces from 0 to `count`.
void callPieces(mlir::ImplicitLocOpBuilder &b, mlir::func::FuncOp piece, mlir::Value task,
                mlir::Value executor, mlir::Value count);

/// Makes pieces of the iterations, in place of the loop.
mlir::func::FuncOp runIterations(mlir::scf::ParallelOp loop, mlir::SymbolTable &symbols,
                                 mlir::Value executor);

/// Makes loops in order of a parallel one without results.
void runInOrder(mlir::scf::ParallelOp loop);

} // namespace mad

#endif // MAD_PASSES_TRANSFORMS_PARALLELIZELOOPSRECORD_H
