//===- Data.cpp - Scatter and cumulate to loops -----------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Both have an order that counts, so they are plain loops in that order. On a device both are left
// to kernels of many threads, which keep the order of updates of one place. What is cumulated need
// not keep its order, but for strict sums and products of floats: a line is a thread's.
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

/// Updates, rows of the result, and columns of a row that kernels can count.
constexpr int64_t mostUpdates = int64_t(1) << 30, mostRows = (int64_t(1) << 31) - 1,
                  mostColumns = int64_t(1) << 30;
/// Of fewer elements one thread writes them.
constexpr int64_t fewUpdates = 16;

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
    bool few = updates.hasStaticShape() && updates.getNumElements() < fewUpdates;
    if (lowering.device && !few && !op.getIndices().empty())
      onDevice(op, adaptor, memory, b);
    else
      inOrder(op, adaptor, memory, b);
    b.replaceOp(op, contentsOf(b, loc, memory));
    return success();
  }

  void inOrder(ScatterOp op, OpAdaptor adaptor, Value memory, ConversionPatternRewriter &b) const {
    Location loc = op.getLoc();
    auto updates = cast<RankedTensorType>(op.getUpdates().getType());
    loopOver(lowering, b, op, updates, {}, [&](ValueRange at) {
      SmallVector<Value> to;
      for (Value index : op.getIndices())
        to.push_back(indexAt(loc, index, at, b));
      Value update = tensor::ExtractOp::create(b, loc, adaptor.getUpdates(), at);
      if (op.getKind() != ScatterKind::set)
        update = combine(op, memref::LoadOp::create(b, loc, memory, to), update, loc, b);
      memref::StoreOp::create(b, loc, update, memory, to);
    });
  }

  /// How many of the last dimensions make a row that is updated as a whole.
  static int64_t dimsOfRow(ScatterOp op) {
    auto updates = cast<RankedTensorType>(op.getUpdates().getType());
    auto base = cast<RankedTensorType>(op.getType());
    int64_t dims = 0;
    for (int64_t k = base.getRank() - 1, d = updates.getRank() - 1; k > 0 && d >= 0; --k, --d) {
      bool isRow = countsAlong(op.getIndices()[k], d) && dimExpr(base, k) == dimExpr(updates, d);
      for (int64_t other = 0; other < base.getRank(); ++other)
        isRow &= other == k || repeatsAlong(op.getIndices()[other], d);
      if (!isRow)
        break;
      ++dims;
    }
    return dims;
  }

  /// Which row of the result each row of the updates acts on, as i32.
  Value rowsOf(ScatterOp op, int64_t dims, ConversionPatternRewriter &b) const {
    Location loc = op.getLoc();
    auto updates = cast<RankedTensorType>(op.getUpdates().getType());
    auto base = cast<RankedTensorType>(op.getType());
    const int64_t lead = updates.getRank() - dims;
    SmallVector<Value> extents;
    for (int64_t k = 0; k < base.getRank() - dims; ++k)
      extents.push_back(lowering.extent(b, op, base, k));
    auto sizes = lowering.sizes(b, op, updates);
    Value init = tensor::EmptyOp::create(b, loc, ArrayRef(sizes).take_front(lead), b.getI32Type());
    SmallVector<utils::IteratorType> parallel(lead, utils::IteratorType::parallel);
    auto body = [&](OpBuilder &inner, Location, ValueRange) {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPoint(inner.getInsertionBlock(), inner.getInsertionPoint());
      SmallVector<Value> at;
      for (int64_t d = 0; d < lead; ++d)
        at.push_back(linalg::IndexOp::create(b, loc, d));
      // Positions are the same all along a row.
      at.append(dims, indexConstant(b, loc, 0));
      Value row;
      for (auto [k, extent] : llvm::enumerate(extents)) {
        Value index = indexAt(loc, op.getIndices()[k], at, b);
        row = !row
                  ? index
                  : arith::AddIOp::create(b, loc, arith::MulIOp::create(b, loc, row, extent), index)
                        .getResult();
      }
      linalg::YieldOp::create(b, loc,
                              arith::IndexCastOp::create(b, loc, b.getI32Type(), row).getResult());
    };
    return linalg::GenericOp::create(b, loc, init.getType(), ValueRange(), init,
                                     ArrayRef<AffineMap>{b.getMultiDimIdentityMap(lead)}, parallel,
                                     body)
        .getResult(0);
  }

  void onDevice(ScatterOp op, OpAdaptor adaptor, Value memory, ConversionPatternRewriter &b) const {
    Location loc = op.getLoc();
    auto updates = cast<RankedTensorType>(op.getUpdates().getType());
    auto base = cast<RankedTensorType>(op.getType());
    const int64_t dims = dimsOfRow(op);
    const int64_t lead = updates.getRank() - dims, rows = base.getRank() - dims;
    auto product = [&](RankedTensorType type, int64_t from, int64_t to) {
      Value all = indexConstant(b, loc, 1);
      for (int64_t d = from; d < to; ++d)
        all = b.createOrFold<arith::MulIOp>(loc, all, lowering.extent(b, op, type, d));
      return all;
    };
    auto isUpTo = [&](Value x, int64_t most) {
      return b.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::sle, x,
                                           indexConstant(b, loc, most));
    };
    Value fits = b.createOrFold<arith::AndIOp>(loc, isUpTo(product(updates, 0, lead), mostUpdates),
                                               isUpTo(product(base, 0, rows), mostRows));
    fits = b.createOrFold<arith::AndIOp>(loc, fits,
                                         isUpTo(product(base, rows, base.getRank()), mostColumns));
    Value from = memoryOf(b, loc, adaptor.getUpdates());
    Value places = memoryOf(b, loc, rowsOf(op, dims, b));
    auto choice = scf::IfOp::create(b, loc, fits, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(choice.thenBlock());
    ScatterMemoryOp::create(b, loc, op.getKind(), from, places, memory, isUnsigned(op.getBase()));
    b.setInsertionPointToStart(choice.elseBlock());
    inOrder(op, adaptor, memory, b);
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
