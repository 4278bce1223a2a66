//===- LaneEmitter.h - Several rounds of a loop at once ---------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Whole-region vectorization, as of kernels written for one thread: each scalar that differs
// between rounds becomes a vector, loops run while any lane is in them, branches are taken where
// any lane takes them. A mask says which lanes are there; what the others compute is not used.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_ODE_LANEEMITTER_H
#define MAD_PASSES_ODE_LANEEMITTER_H

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"

namespace mad {

class LaneEmitter {
public:
  LaneEmitter(mlir::OpBuilder &b, int64_t lanes) : b(b), lanes(lanes) {}

  /// The first op of a region that has no form on vectors; null: it can be emitted.
  static mlir::Operation *unknownIn(mlir::Region &region);

  /// Says what a value is in each lane.
  void set(mlir::Value scalar, mlir::Value vector) { vectors[scalar] = vector; }
  /// All ops of a block but the last one.
  void emit(mlir::Block &block);

private:
  using Value = mlir::Value;
  using Location = mlir::Location;
  void emit(mlir::Operation &op);
  void elementwise(mlir::Operation &op);
  void load(mlir::memref::LoadOp op);
  void store(mlir::memref::StoreOp op);
  void branch(mlir::scf::IfOp op);
  void loop(mlir::scf::WhileOp op);

  bool varies(Value value) const { return vectors.contains(value); }
  Value vector(Value value, Location loc);
  llvm::SmallVector<Value> vectorsOf(mlir::ValueRange values, Location loc);
  Value scalar(Value value) { return scalars.lookupOrDefault(value); }
  mlir::VectorType typeOf(mlir::Type element) const {
    return mlir::VectorType::get({lanes}, element);
  }
  llvm::SmallVector<mlir::Type> typesOf(mlir::TypeRange elements) const;
  Value splat(mlir::TypedAttr value, Location loc);
  Value allLanes(Location loc);
  Value zeroOf(mlir::Type element, Location loc);
  Value both(Value x, Value y, Location loc);
  Value any(Value mask, Location loc);
  Value place(Value memory, mlir::ValueRange indices, Location loc);
  llvm::SmallVector<Value> side(mlir::Region &region, Value condition, Location loc);

  mlir::OpBuilder &b;
  int64_t lanes;
  mlir::IRMapping scalars;              ///< what is the same in all lanes
  llvm::DenseMap<Value, Value> vectors; ///< what is not
  Value mask;                           ///< the lanes that are here; null: all
};

} // namespace mad

#endif // MAD_PASSES_ODE_LANEEMITTER_H
