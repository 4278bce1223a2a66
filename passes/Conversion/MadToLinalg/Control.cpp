//===- Control.cpp - Branches and repetition to scf -------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Values of rank 0 cross the borders of regions as scalars: they stay in
// registers. A carried value that the body only updates (`mad.update`) stays a
// tensor, which bufferization writes in place. Every other carried value of a loop has two buffers:
// a round reads the one and writes the other, then they change places. So nothing is copied, and no
// analysis has to find out what may be written where. Collected values are
// inserted into a tensor that the loop carries.
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadStateOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "passes/Conversion/MadToLinalg/Lowering.h"
#include "passes/Transforms/Lanes.h"

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

/// Carried values of a loop in the mad dialect as the loop of scf carries them.
class Carrier {
public:
  Carrier(Lowering &lowering, Operation *op, OpBuilder &b)
      : lowering(lowering), op(op), b(b), loc(op->getLoc()) {}

  /// What the loop begins with: a scalar, a tensor, or two buffers.
  SmallVector<Value> begin(ValueRange old, ValueRange initial, Region &body) const {
    Operation *yield = body.front().getTerminator();
    SmallVector<Value> result;
    for (auto [i, value] : llvm::enumerate(initial)) {
      Value first = leave(b, loc, value);
      result.push_back(first);
      bool inPlace = isUpdateOf(yield->getOperand(i), body.getArgument(1 + i));
      if (!isa<RankedTensorType>(first.getType()) || inPlace)
        continue;
      auto type = cast<RankedTensorType>(old[i].getType());
      result.back() = buffer(type);
      write(b, loc, first, result.back());
      result.push_back(buffer(type));
    }
    return result;
  }

  /// The tensors that the values of the loop of scf stand for.
  SmallVector<Value> tensors(ValueRange values) const {
    SmallVector<Value> result;
    for (unsigned i = 0; i < values.size(); ++i)
      if (isa<MemRefType>(values[i].getType()))
        result.push_back(read(b, loc, values[i++]));
      else
        result.push_back(enter(b, loc, values[i]));
    return result;
  }

private:
  Value buffer(RankedTensorType type) const {
    RankedTensorType plain = lowering.plain(type);
    SmallVector<Value> sizes;
    for (int64_t d = 0; d < type.getRank(); ++d)
      if (type.isDynamicDim(d))
        sizes.push_back(lowering.extent(b, op, type, d));
    return memref::AllocOp::create(
        b, loc, MemRefType::get(plain.getShape(), plain.getElementType()), sizes);
  }

  Lowering &lowering;
  Operation *op;
  OpBuilder &b;
  Location loc;
};

/// A tensor with one more part at a position along its first dimension.
Value collect(OpBuilder &b, Location loc, Value part, ArrayRef<OpFoldResult> extents, Value all,
              Value position) {
  part = withoutUnits(b, loc, part);
  SmallVector<Value> positions(extents.size() + 1, indexConstant(b, loc, 0));
  positions[0] = position;
  if (cast<RankedTensorType>(part.getType()).getRank() == 0)
    return tensor::InsertOp::create(b, loc, leave(b, loc, part), all, positions);
  SmallVector<OpFoldResult> offsets(extents.size() + 1, b.getIndexAttr(0)), sizes(extents),
      strides(extents.size() + 1, b.getIndexAttr(1));
  offsets[0] = position;
  sizes.insert(sizes.begin(), b.getIndexAttr(1));
  return tensor::InsertSliceOp::create(b, loc, part, all, offsets, sizes, strides);
}

struct YieldLowering : LoweringPattern<YieldOp> {
  using LoweringPattern::LoweringPattern;

  LogicalResult matchAndRewrite(YieldOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    // What holds it has been converted already.
    ValueRange arguments;
    SmallVector<Value> results;
    size_t carried = 0;
    Value position;
    if (auto loop = dyn_cast<scf::ForOp>(op->getParentOp())) {
      arguments = loop.getRegionIterArgs();
      std::tie(carried, position) = lowering.loops.lookup(loop);
    } else if (auto loop = dyn_cast<scf::WhileOp>(op->getParentOp())) {
      arguments = loop.getAfterArguments();
      carried = op.getValues().size();
      Value one = arith::ConstantIntOp::create(b, op.getLoc(), 1, 64);
      results.push_back(arith::AddIOp::create(b, op.getLoc(), arguments[0], one));
    }
    for (Value v : adaptor.getValues().take_front(carried))
      carry(op, v, arguments, results, b);
    for (auto [i, v] : llvm::enumerate(adaptor.getValues()))
      if (i >= carried && position) {
        auto type = cast<RankedTensorType>(op.getValues()[i].getType());
        results.push_back(collect(b, op.getLoc(), v, lowering.sizes(b, op, type),
                                  arguments[results.size()], position));
      } else if (i >= carried) {
        results.push_back(leave(b, op.getLoc(), v));
      }
    b.replaceOpWithNewOp<scf::YieldOp>(op, results);
    return success();
  }

  void carry(YieldOp op, Value v, ValueRange arguments, SmallVectorImpl<Value> &results,
             OpBuilder &b) const {
    Location loc = op.getLoc();
    Value result = leave(b, loc, v), now = arguments[results.size()];
    if (!isa<RankedTensorType>(result.getType())) {
      results.push_back(result);
    } else if (isa<MemRefType>(now.getType())) {
      Value next = arguments[results.size() + 1];
      write(b, loc, result, next);
      results.append({next, now});
    } else {
      results.push_back(result);
    }
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
    lowering.checkNestedSize(b, op, *low);
    lowering.checkNestedSize(b, op, *high);
    Carrier carrier(lowering, op, b);
    size_t carried = op.getInitial().size();
    SmallVector<Value> initial = carrier.begin(op.getInitial(), adaptor.getInitial(), op.getBody());
    for (Type type : TypeRange(op.getResultTypes()).drop_front(carried))
      initial.push_back(lowering.empty(b, op, cast<RankedTensorType>(type)));
    auto loop = scf::ForOp::create(b, loc, lowering.size(b, op, *low), lowering.size(b, op, *high),
                                   indexConstant(b, loc, 1), initial);
    if (op->hasAttr(lanesAttribute))
      loop->setAttr(lanesAttribute, b.getUnitAttr());
    if (initial.empty()) // the builder ends the body then
      b.eraseOp(loop.getBody()->getTerminator());
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      // Here, so that a collected value can be computed where it ends up.
      Value position = arith::SubIOp::create(b, loc, loop.getInductionVar(), loop.getLowerBound());
      lowering.loops[loop] = {carried, position};
      Value counter = arith::IndexCastOp::create(b, loc, b.getI64Type(), loop.getInductionVar());
      SmallVector<Value> arguments{tensorOf(b, loc, counter)};
      size_t collected = op.getNumResults() - carried;
      arguments.append(carrier.tensors(loop.getRegionIterArgs().drop_back(collected)));
      if (failed(moveRegion(b, *typeConverter, op.getBody(), loop.getBody(), arguments)))
        return failure();
    }
    b.replaceOp(op, carrier.tensors(loop.getResults()));
    return success();
  }
};

struct IterateLowering : LoweringPattern<IterateOp> {
  using LoweringPattern::LoweringPattern;

  LogicalResult matchAndRewrite(IterateOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    auto limit = DimExpr::parse(op.getLimit());
    if (!limit)
      return b.notifyMatchFailure(op, "not a dimension");
    lowering.checkNestedSize(b, op, *limit);
    Value most = arith::IndexCastOp::create(b, loc, b.getI64Type(), lowering.size(b, op, *limit));
    Carrier carrier(lowering, op, b);
    SmallVector<Value> initial = carrier.begin(op.getInitial(), adaptor.getInitial(), op.getBody());
    initial.insert(initial.begin(), arith::ConstantIntOp::create(b, loc, 0, 64));
    SmallVector<Type> types = llvm::to_vector(ValueRange(initial).getTypes());
    SmallVector<Location> locations(types.size(), loc);
    auto loop = scf::WhileOp::create(b, loc, types, initial);
    OpBuilder::InsertionGuard guard(b);
    Block *before = b.createBlock(&loop.getBefore(), {}, types, locations);
    if (failed(makeCondition(op, before, most, carrier, b)))
      return failure();
    Block *after = b.createBlock(&loop.getAfter(), {}, types, locations);
    if (failed(moveRegion(b, *typeConverter, op.getBody(), after,
                          regionArguments(after, carrier, b, loc))))
      return failure();
    b.setInsertionPointAfter(loop);
    SmallVector<Value> results = carrier.tensors(loop.getResults().drop_front());
    results.push_back(tensorOf(b, loc, loop.getResult(0)));
    b.replaceOp(op, results);
    return success();
  }

  static SmallVector<Value> regionArguments(Block *block, const Carrier &carrier, OpBuilder &b,
                                            Location loc) {
    SmallVector<Value> result{tensorOf(b, loc, block->getArgument(0))};
    result.append(carrier.tensors(ValueRange(block->getArguments()).drop_front()));
    return result;
  }

  /// The condition is not even evaluated when no round is left: it may fail.
  LogicalResult makeCondition(IterateOp op, Block *before, Value most, const Carrier &carrier,
                              ConversionPatternRewriter &b) const {
    Location loc = op.getLoc();
    SmallVector<Value> arguments = regionArguments(before, carrier, b, loc);
    Value left =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, before->getArgument(0), most);
    auto holds = scf::IfOp::create(b, loc, TypeRange{b.getI8Type()}, left, true, true);
    for (Region *region : holds.getRegions()) // the builder may end them
      while (!region->front().empty())
        b.eraseOp(&region->front().back());
    b.setInsertionPointToStart(holds.elseBlock());
    Value no = arith::ConstantIntOp::create(b, loc, 0, 8);
    scf::YieldOp::create(b, loc, no);
    if (failed(moveRegion(b, *typeConverter, op.getCondition(), holds.thenBlock(), arguments)))
      return failure();
    b.setInsertionPointToEnd(before);
    Value truth = fromStorage(b, loc, holds.getResult(0), true);
    scf::ConditionOp::create(b, loc, truth, before->getArguments());
    return success();
  }
};

} // namespace

void populateControlPatterns(RewritePatternSet &patterns, Lowering &lowering) {
  patterns.add<IfLowering, IterateLowering, ScanLowering, YieldLowering>(lowering,
                                                                         patterns.getContext());
}

} // namespace mad
