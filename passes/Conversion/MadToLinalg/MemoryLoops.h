//===- MemoryLoops.h - Loops on lines of memory -----------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What lowerings of linear systems are written with: numbers of one element type in lines of
// memory, positions that are indices, loops. Sums of products may be fused.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_CONVERSION_MADTOLINALG_MEMORYLOOPS_H
#define MAD_PASSES_CONVERSION_MADTOLINALG_MEMORYLOOPS_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/Conversion/MadToLinalg/Memory.h"
#include <limits>

namespace mad {

class MemoryLoops {
public:
  using Value = mlir::Value;
  /// Numbers in a vector.
  static constexpr int64_t lanes = 8;

  MemoryLoops(mlir::OpBuilder &b, mlir::Location loc, mlir::Type element)
      : b(b), loc(loc), element(element), vector(mlir::VectorType::get({lanes}, element)) {}

  Value index(int64_t i) { return indexConstant(b, loc, i); }
  Value next(Value i, int64_t by = 1) { return mlir::arith::AddIOp::create(b, loc, i, index(by)); }
  Value plus(Value i, Value j) { return mlir::arith::AddIOp::create(b, loc, i, j); }
  Value minus(Value i, Value j) { return mlir::arith::SubIOp::create(b, loc, i, j); }

  /// The memory of a table.
  Value table(llvm::ArrayRef<int32_t> numbers) {
    auto type = mlir::RankedTensorType::get({int64_t(numbers.size())}, b.getI32Type());
    Value constant =
        mlir::arith::ConstantOp::create(b, loc, mlir::DenseElementsAttr::get(type, numbers));
    return memoryOf(b, loc, constant);
  }
  Value load(Value memory, Value i) { return mlir::memref::LoadOp::create(b, loc, memory, i); }
  Value loadIndex(Value memory, Value i) {
    return mlir::arith::IndexCastOp::create(b, loc, b.getIndexType(), load(memory, i));
  }
  void store(Value x, Value memory, Value i) {
    mlir::memref::StoreOp::create(b, loc, x, memory, i);
  }
  Value loadVector(Value memory, Value i) {
    return mlir::vector::LoadOp::create(b, loc, vector, memory, i);
  }
  void storeVector(Value x, Value memory, Value i) {
    mlir::vector::StoreOp::create(b, loc, x, memory, i);
  }
  Value spread(Value x) { return mlir::vector::BroadcastOp::create(b, loc, vector, x); }

  Value number(double x) {
    return mlir::arith::ConstantOp::create(b, loc, b.getFloatAttr(element, x));
  }
  /// Less itself a number is 0, unless it is infinite or NaN; neither compares as equal.
  Value isFinite(Value x) {
    Value difference = mlir::arith::SubFOp::create(b, loc, x, x);
    return mlir::arith::CmpFOp::create(b, loc, mlir::arith::CmpFPredicate::OEQ, difference,
                                       number(0));
  }
  /// 1 / x; NaN of an infinite one.
  Value inverse(Value x) {
    return mlir::arith::SelectOp::create(b, loc, isFinite(x),
                                         mlir::arith::DivFOp::create(b, loc, number(1), x),
                                         number(std::numeric_limits<double>::quiet_NaN()));
  }
  Value product(Value x, Value y) { return mlir::arith::MulFOp::create(b, loc, x, y, contract); }
  Value sum(Value x, Value y) { return mlir::arith::AddFOp::create(b, loc, x, y, contract); }
  Value difference(Value x, Value y) { return mlir::arith::SubFOp::create(b, loc, x, y, contract); }
  /// x less the product of y and z.
  Value less(Value x, Value y, Value z) { return difference(x, product(y, z)); }

  using Values = llvm::SmallVector<Value>;
  /// A loop that carries values.
  Values carried(Value low, Value high, int64_t step, mlir::ValueRange from,
                 llvm::function_ref<Values(Value, mlir::ValueRange)> body) {
    auto made = mlir::scf::ForOp::create(
        b, loc, low, high, index(step), from,
        [&](mlir::OpBuilder &, mlir::Location, Value i, mlir::ValueRange v) {
          mlir::scf::YieldOp::create(b, loc, body(i, v));
        });
    return Values(made.getResults());
  }
  void loop(Value low, Value high, llvm::function_ref<void(Value)> body, int64_t step = 1) {
    carried(low, high, step, {}, [&](Value i, mlir::ValueRange) {
      body(i);
      return Values();
    });
  }
  Value folded(Value low, Value high, Value from, llvm::function_ref<Value(Value, Value)> body) {
    return carried(low, high, 1, from,
                   [&](Value i, mlir::ValueRange v) { return Values{body(i, v[0])}; })[0];
  }

  mlir::OpBuilder &b;
  const mlir::Location loc;
  const mlir::Type element;
  const mlir::VectorType vector;
  mlir::arith::FastMathFlags contract = mlir::arith::FastMathFlags::contract;
};

} // namespace mad

#endif // MAD_PASSES_CONVERSION_MADTOLINALG_MEMORYLOOPS_H
