//===- Control.cpp - Branches and repetition to scf -------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Values of rank 0 cross the borders of regions as scalars: they stay in
// registers. Every other carried value of a loop has two buffers: a round reads the
// one and writes the other, then they change places. So nothing is copied, and no
// analysis has to find out what may be written where.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "passes/Conversion/MadToLinalg/Lowering.h"

using namespace mlir;

namespace mad {
namespace {

/// How a value of the mad dialect crosses: the storage type, or its element.
Type crossing(Lowering &lowering, Type type) {
  RankedTensorType plain = lowering.plain(type);
  return plain.getRank() == 0 ? plain.getElementType() : Type(plain);
}

Value leave(OpBuilder &b, Location loc, Value value) {
  if (cast<RankedTensorType>(value.getType()).getRank())
    return value;
  return tensor::ExtractOp::create(b, loc, value, ValueRange());
}

Value enter(OpBuilder &b, Location loc, Value value) {
  if (isa<RankedTensorType>(value.getType()))
    return value;
  return tensor::FromElementsOp::create(b, loc, RankedTensorType::get({}, value.getType()), value);
}

SmallVector<Value> each(ValueRange values, llvm::function_ref<Value(Value)> f) {
  return llvm::map_to_vector(values, f);
}

/// Moves the only block of `from` to the end of `to`; its yield is converted by itself.
LogicalResult moveRegion(ConversionPatternRewriter &b, const TypeConverter &types, Region &from,
                         Block *to, ValueRange arguments) {
  if (failed(b.convertRegionTypes(&from, types)))
    return failure();
  b.mergeBlocks(&from.front(), to, arguments);
  return success();
}

/// Writes a tensor to memory that nothing else refers to.
void write(OpBuilder &b, Location loc, Value tensor, Value memory) {
  auto op = bufferization::MaterializeInDestinationOp::create(b, loc, TypeRange(), tensor, memory);
  op.setRestrict(true);
  op.setWritable(true);
}

/// The contents of memory that is only read.
Value read(OpBuilder &b, Location loc, Value memory) {
  auto type = cast<MemRefType>(memory.getType());
  return bufferization::ToTensorOp::create(
      b, loc, RankedTensorType::get(type.getShape(), type.getElementType()), memory,
      /*restrict=*/true, /*writable=*/false);
}

struct YieldLowering : LoweringPattern<YieldOp> {
  using LoweringPattern::LoweringPattern;

  LogicalResult matchAndRewrite(YieldOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    auto loop = dyn_cast<scf::ForOp>(op->getParentOp()); // it has been converted already
    SmallVector<Value> results;
    for (Value v : adaptor.getValues()) {
      Value result = leave(b, loc, v);
      if (!loop || !isa<RankedTensorType>(result.getType())) {
        results.push_back(result);
        continue;
      }
      Value now = loop.getRegionIterArg(results.size());
      Value next = loop.getRegionIterArg(results.size() + 1);
      write(b, loc, result, next);
      results.append({next, now});
    }
    b.replaceOpWithNewOp<scf::YieldOp>(op, results);
    return success();
  }
};

struct IfLowering : LoweringPattern<IfOp> {
  using LoweringPattern::LoweringPattern;

  LogicalResult matchAndRewrite(IfOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    Value condition = scalarOf(b, loc, adaptor.getCondition(), true);
    SmallVector<Type> types;
    for (Type t : op.getResultTypes())
      types.push_back(crossing(lowering, t));
    auto result = scf::IfOp::create(b, loc, types, condition, true, true);
    for (Region *region : result.getRegions()) // the builder may end them
      while (!region->front().empty())
        b.eraseOp(&region->front().back());
    for (auto [from, to] : llvm::zip(op.getRegions(), result.getRegions())) {
      OpBuilder::InsertionGuard guard(b);
      if (failed(moveRegion(b, *typeConverter, *from, &to->front(), {})))
        return failure();
    }
    b.replaceOp(op, each(result.getResults(), [&](Value v) { return enter(b, loc, v); }));
    return success();
  }
};

struct ScanLowering : LoweringPattern<ScanOp> {
  using LoweringPattern::LoweringPattern;

  LogicalResult matchAndRewrite(ScanOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    auto low = DimExpr::parse(op.getLow()), high = DimExpr::parse(op.getHigh());
    if (!low || !high)
      return b.notifyMatchFailure(op, "not a dimension");
    SmallVector<Value> initial;
    for (auto [old, v] : llvm::zip(op.getInitial(), adaptor.getInitial())) {
      Value value = leave(b, loc, v);
      initial.push_back(value);
      if (!isa<RankedTensorType>(value.getType()))
        continue;
      auto type = cast<RankedTensorType>(old.getType());
      initial.back() = buffer(op, type, b);
      write(b, loc, value, initial.back());
      initial.push_back(buffer(op, type, b));
    }
    auto loop = scf::ForOp::create(b, loc, lowering.size(b, op, *low), lowering.size(b, op, *high),
                                   indexConstant(b, loc, 1), initial);
    if (initial.empty()) // the builder ends the body then
      b.eraseOp(loop.getBody()->getTerminator());
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      Value counter = arith::IndexCastOp::create(b, loc, b.getI64Type(), loop.getInductionVar());
      SmallVector<Value> arguments{tensorOf(b, loc, counter)};
      arguments.append(carried(loop.getRegionIterArgs(), b, loc));
      if (failed(moveRegion(b, *typeConverter, op.getBody(), loop.getBody(), arguments)))
        return failure();
    }
    b.replaceOp(op, carried(loop.getResults(), b, loc));
    return success();
  }

  Value buffer(ScanOp op, RankedTensorType type, OpBuilder &b) const {
    RankedTensorType plain = lowering.plain(type);
    SmallVector<Value> sizes;
    for (int64_t d = 0; d < type.getRank(); ++d)
      if (type.isDynamicDim(d))
        sizes.push_back(lowering.extent(b, op, type, d));
    return memref::AllocOp::create(
        b, op.getLoc(), MemRefType::get(plain.getShape(), plain.getElementType()), sizes);
  }

  /// The tensors of loop-carried scalars and pairs of buffers.
  static SmallVector<Value> carried(ValueRange values, OpBuilder &b, Location loc) {
    SmallVector<Value> result;
    for (unsigned i = 0; i < values.size(); ++i)
      if (isa<MemRefType>(values[i].getType()))
        result.push_back(read(b, loc, values[i++]));
      else
        result.push_back(enter(b, loc, values[i]));
    return result;
  }
};

} // namespace

void populateControlPatterns(RewritePatternSet &patterns, Lowering &lowering) {
  patterns.add<IfLowering, ScanLowering, YieldLowering>(lowering, patterns.getContext());
}

} // namespace mad
