//===- Data.cpp - Scatter and cumulate to loops -----------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Both have an order that counts, so they are plain loops in that order. On a device what is
// cumulated is left to kernels of many threads, but for strict sums and products of floats: a line
// is a thread's.
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadDataOps.h"
#include "dialects/Mad/IR/MadMemoryOps.h"
#include "dialects/Mad/IR/MadPrecision.h"
#include "dialects/Mad/IR/MadSubject.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "passes/Conversion/MadToLinalg/Indices.h"
#include "passes/Conversion/MadToLinalg/Memory.h"

using namespace mlir;

namespace mad {
namespace {

//===----------------------------------------------------------------------===//
// Steps: no flags, so that nothing is reordered or fused
//===----------------------------------------------------------------------===//

/// A step on f16 or bf16 computes in f32, as all ops do.
template <typename FloatOp, typename IntOp>
Value stepOf(OpBuilder &b, Location loc, Value x, Value y) {
  if (!isa<FloatType>(x.getType()))
    return IntOp::create(b, loc, x, y);
  Value result = FloatOp::create(b, loc, widened(b, loc, x), widened(b, loc, y));
  return narrowed(b, loc, result, x.getType());
}

Value sumOf(OpBuilder &b, Location loc, Value x, Value y) {
  return stepOf<arith::AddFOp, arith::AddIOp>(b, loc, x, y);
}

Value productOf(OpBuilder &b, Location loc, Value x, Value y) {
  return stepOf<arith::MulFOp, arith::MulIOp>(b, loc, x, y);
}

Value largerOf(OpBuilder &b, Location loc, Value x, Value y, bool noSign) {
  return noSign ? stepOf<arith::MaximumFOp, arith::MaxUIOp>(b, loc, x, y)
                : stepOf<arith::MaximumFOp, arith::MaxSIOp>(b, loc, x, y);
}

Value smallerOf(OpBuilder &b, Location loc, Value x, Value y, bool noSign) {
  return noSign ? stepOf<arith::MinimumFOp, arith::MinUIOp>(b, loc, x, y)
                : stepOf<arith::MinimumFOp, arith::MinSIOp>(b, loc, x, y);
}

//===----------------------------------------------------------------------===//
// Scatter
//===----------------------------------------------------------------------===//

struct ScatterLowering : LoweringPattern<ScatterOp> {
  using LoweringPattern::LoweringPattern;

  LogicalResult matchAndRewrite(ScatterOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    auto updates = cast<RankedTensorType>(op.getUpdates().getType());
    for (int64_t k : checkOrder(op, op.getIndices().size()))
      checkIndices(lowering, op, op.getBase(), k, op.getIndices()[k], updates, b);
    Value memory = memoryFor(lowering, b, op, cast<RankedTensorType>(op.getType()));
    writeMemory(b, loc, adaptor.getBase(), memory);
    loopOver(lowering, b, op, updates, {}, [&](ValueRange at) {
      SmallVector<Value> to;
      for (Value index : op.getIndices())
        to.push_back(indexAt(loc, index, at, b));
      Value update = tensor::ExtractOp::create(b, loc, adaptor.getUpdates(), at);
      if (op.getKind() != ScatterKind::set)
        update = combine(op, memref::LoadOp::create(b, loc, memory, to), update, loc, b);
      memref::StoreOp::create(b, loc, update, memory, to);
    });
    b.replaceOp(op, contentsOf(b, loc, memory));
    return success();
  }

  static Value combine(ScatterOp op, Value old, Value update, Location loc, OpBuilder &b) {
    switch (op.getKind()) {
    case ScatterKind::set:
      return update;
    case ScatterKind::add:
      return sumOf(b, loc, old, update);
    case ScatterKind::max:
      return largerOf(b, loc, old, update, isUnsigned(op.getBase()));
    case ScatterKind::min:
      return smallerOf(b, loc, old, update, isUnsigned(op.getBase()));
    }
    return update;
  }
};

//===----------------------------------------------------------------------===//
// Cumulate
//===----------------------------------------------------------------------===//

struct CumulateLowering : LoweringPattern<CumulateOp> {
  using LoweringPattern::LoweringPattern;

  LogicalResult matchAndRewrite(CumulateOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    auto type = cast<RankedTensorType>(op.getType());
    int64_t axis = static_cast<int64_t>(op.getAxis());
    Value memory = memoryFor(lowering, b, op, type);
    if (lowering.device) {
      if (isInOrder(op)) {
        writeMemory(b, loc, adaptor.getSource(), memory);
        inOrder(op, memory, b);
      } else {
        CumulateMemoryOp::create(b, loc, op.getKind(), memoryOf(b, loc, adaptor.getSource()),
                                 memory, axis, isUnsigned(op.getSource()));
      }
      b.replaceOp(op, contentsOf(b, loc, memory));
      return success();
    }
    // Lines along the axis; where that is not the last dimension, rows across it, so
    // that memory is walked in its order.
    SmallVector<int64_t> inner = llvm::to_vector(llvm::seq(axis, type.getRank()));
    loopOver(lowering, b, op, type, inner, [&](ValueRange outer) {
      if (axis + 1 == type.getRank())
        line(op, adaptor.getSource(), memory, outer, b);
      else
        rows(op, adaptor.getSource(), memory, outer, b);
    });
    b.replaceOp(op, contentsOf(b, loc, memory));
    return success();
  }

  /// The sum stays in a register. Its start is the first element, and not a number
  /// that would be added to it.
  void line(CumulateOp op, Value source, Value memory, ValueRange outer, OpBuilder &b) const {
    Location loc = op.getLoc();
    auto type = cast<RankedTensorType>(op.getType());
    int64_t axis = static_cast<int64_t>(op.getAxis());
    Value zero = indexConstant(b, loc, 0), one = indexConstant(b, loc, 1);
    SmallVector<Value> at(outer.take_front(axis));
    at.push_back(zero);
    Value extent = lowering.extent(b, op, type, axis);
    Value some = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sgt, extent, zero);
    auto ifSome = scf::IfOp::create(b, loc, some, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(ifSome.thenBlock());
    Value first = tensor::ExtractOp::create(b, loc, source, at);
    memref::StoreOp::create(b, loc, first, memory, at);
    scf::ForOp::create(b, loc, one, extent, one, first,
                       [&](OpBuilder &b, Location loc, Value i, ValueRange sum) {
                         at.back() = i;
                         Value x = tensor::ExtractOp::create(b, loc, source, at);
                         Value next = step(op, sum.front(), x, loc, b);
                         memref::StoreOp::create(b, loc, next, memory, at);
                         scf::YieldOp::create(b, loc, next);
                       });
  }

  void rows(CumulateOp op, Value source, Value memory, ValueRange outer, OpBuilder &b) const {
    Location loc = op.getLoc();
    auto type = cast<RankedTensorType>(op.getType());
    int64_t axis = static_cast<int64_t>(op.getAxis());
    SmallVector<Value> extents;
    for (int64_t d = axis; d < type.getRank(); ++d)
      extents.push_back(lowering.extent(b, op, type, d));
    Value one = indexConstant(b, loc, 1), zero = indexConstant(b, loc, 0);
    auto across = [&](Value i, bool first) {
      loopOver(b, loc, ArrayRef(extents).drop_front(), [&](ValueRange rest) {
        SmallVector<Value> at(outer.take_front(axis));
        at.push_back(i);
        at.append(rest.begin(), rest.end());
        Value x = tensor::ExtractOp::create(b, loc, source, at);
        if (!first) {
          SmallVector<Value> before = at;
          before[axis] = arith::SubIOp::create(b, loc, i, one);
          x = step(op, memref::LoadOp::create(b, loc, memory, before), x, loc, b);
        }
        memref::StoreOp::create(b, loc, x, memory, at);
      });
    };
    // One row, or none where the axis is empty.
    Value rowsAtStart = arith::MinSIOp::create(b, loc, one, extents.front());
    auto start = scf::ForOp::create(b, loc, zero, rowsAtStart, one);
    auto rest = scf::ForOp::create(b, loc, one, extents.front(), one);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(start.getBody());
    across(start.getInductionVar(), true);
    b.setInsertionPointToStart(rest.getBody());
    across(rest.getInductionVar(), false);
  }

  /// Whether roundings have a stated order.
  static bool isInOrder(CumulateOp op) {
    bool rounds = op.getKind() == ReduceKind::sum || op.getKind() == ReduceKind::prod;
    return rounds && isa<FloatType>(cast<RankedTensorType>(op.getType()).getElementType()) &&
           precisionOf(op) == Precision::Strict;
  }

  /// A thread a line, in place.
  void inOrder(CumulateOp op, Value memory, OpBuilder &b) const {
    auto type = cast<RankedTensorType>(op.getType());
    Location loc = op.getLoc();
    int64_t axis = static_cast<int64_t>(op.getAxis());
    Value zero = indexConstant(b, loc, 0), one = indexConstant(b, loc, 1);
    SmallVector<Value> extents, low, step;
    for (int64_t d = 0; d < type.getRank(); ++d)
      if (d != axis || type.getRank() == 1) {
        extents.push_back(type.getRank() == 1 ? one : lowering.extent(b, op, type, d));
        low.push_back(zero);
        step.push_back(one);
      }
    Value extent = lowering.extent(b, op, type, axis);
    auto lines = scf::ParallelOp::create(b, loc, low, extents, step);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(lines.getBody());
    SmallVector<Value> at;
    for (int64_t d = 0, next = 0; d < type.getRank(); ++d)
      at.push_back(d == axis ? zero : lines.getInductionVars()[next++]);
    auto loop = scf::ForOp::create(b, loc, one, extent, one);
    b.setInsertionPointToStart(loop.getBody());
    at[axis] = arith::SubIOp::create(b, loc, loop.getInductionVar(), one);
    Value sum = memref::LoadOp::create(b, loc, memory, at);
    at[axis] = loop.getInductionVar();
    Value x = memref::LoadOp::create(b, loc, memory, at);
    memref::StoreOp::create(b, loc, this->step(op, sum, x, loc, b), memory, at);
  }

  static Value step(CumulateOp op, Value sum, Value x, Location loc, OpBuilder &b) {
    switch (op.getKind()) {
    case ReduceKind::sum:
      return sumOf(b, loc, sum, x);
    case ReduceKind::prod:
      return productOf(b, loc, sum, x);
    case ReduceKind::max:
      return largerOf(b, loc, sum, x, isUnsigned(op.getSource()));
    default:
      return smallerOf(b, loc, sum, x, isUnsigned(op.getSource()));
    }
  }
};

} // namespace

void populateDataPatterns(RewritePatternSet &patterns, Lowering &lowering) {
  patterns.add<CumulateLowering, ScatterLowering>(lowering, patterns.getContext());
  populateSortPatterns(patterns, lowering);
  populatePhiloxPatterns(patterns, lowering);
}

} // namespace mad
