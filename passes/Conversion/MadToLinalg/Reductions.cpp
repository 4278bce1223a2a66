//===- Reductions.cpp - Reductions and contractions to linalg ---------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The order inside a sum or product is free (`reassoc`), and a product may be
// fused with the sum (`contract`). f16 and bf16 accumulate in f32; another loop
// rounds the result. Strict ones accumulate in f64, in the order of the reference.
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadPrecision.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"
#include "passes/Conversion/MadToLinalg/Lowering.h"
#include <limits>

using namespace mlir;

namespace mad {
namespace {

/// What a sum or product may do. Of a strict contraction of f32 or less all products
/// are numbers of f64: fused with the sum or not, the bits are the same.
arith::FastMathFlagsAttr flagsOf(Operation *op, bool exactProducts = false) {
  using F = arith::FastMathFlags;
  Precision precision = precisionOf(op);
  F flags = precision == Precision::Fast     ? F::fast
            : precision != Precision::Strict ? F::reassoc | F::contract
            : exactProducts                  ? F::contract
                                             : F::none;
  return arith::FastMathFlagsAttr::get(op->getContext(), flags);
}

/// What the reduction of no elements gives.
TypedAttr neutral(OpBuilder &b, ReduceKind kind, Type type, bool isUnsigned) {
  bool least = kind == ReduceKind::max || kind == ReduceKind::argmax;
  bool one = kind == ReduceKind::prod || kind == ReduceKind::all;
  if (auto f = dyn_cast<FloatType>(type)) {
    if (least || kind == ReduceKind::min)
      return b.getFloatAttr(f, llvm::APFloat::getInf(f.getFloatSemantics(), least));
    return b.getFloatAttr(f, one ? 1.0 : 0.0);
  }
  unsigned width = type.getIntOrFloatBitWidth();
  if (least && !isUnsigned)
    return b.getIntegerAttr(type, llvm::APInt::getSignedMinValue(width));
  if (kind == ReduceKind::min)
    return b.getIntegerAttr(type, isUnsigned ? llvm::APInt::getMaxValue(width)
                                             : llvm::APInt::getSignedMaxValue(width));
  return b.getIntegerAttr(type, one);
}

Value combine(OpBuilder &b, Location loc, ReduceOp op, bool isUnsigned, Value x, Value sum) {
  ReduceKind kind = op.getKind();
  auto flags = flagsOf(op);
  bool isFloat = isa<FloatType>(x.getType());
  switch (kind) {
  case ReduceKind::sum:
    if (isFloat)
      return arith::AddFOp::create(b, loc, sum, x, flags);
    return arith::AddIOp::create(b, loc, sum, x);
  case ReduceKind::prod:
    if (isFloat)
      return arith::MulFOp::create(b, loc, sum, x, flags);
    return arith::MulIOp::create(b, loc, sum, x);
  case ReduceKind::max:
    if (isFloat)
      return arith::MaximumFOp::create(b, loc, sum, x, flags);
    if (isUnsigned)
      return arith::MaxUIOp::create(b, loc, sum, x);
    return arith::MaxSIOp::create(b, loc, sum, x);
  case ReduceKind::min:
    if (isFloat)
      return arith::MinimumFOp::create(b, loc, sum, x, flags);
    if (isUnsigned)
      return arith::MinUIOp::create(b, loc, sum, x);
    return arith::MinSIOp::create(b, loc, sum, x);
  case ReduceKind::all:
    return arith::AndIOp::create(b, loc, sum, x);
  case ReduceKind::any:
    return arith::OrIOp::create(b, loc, sum, x);
  case ReduceKind::argmax:
    break; // has a pattern of its own
  }
  return sum;
}

Type accumulatorType(Type element, bool isStrictSum = false) {
  if (isStrictSum && isa<FloatType>(element))
    return Float64Type::get(element.getContext());
  return isNarrowFloat(element) ? Float32Type::get(element.getContext()) : element;
}

bool isStrict(Operation *op) { return precisionOf(op) == Precision::Strict; }

/// An element as it is accumulated.
Value accumulated(OpBuilder &b, Location loc, Value x, Type accumulator) {
  return accumulator.isF64() ? inF64(b, loc, x) : widened(b, loc, x);
}

/// Outputs of a reduction that start with a number; `shape` gives the sizes.
Value filled(OpBuilder &b, Operation *op, Lowering &lowering, RankedTensorType shape,
             TypedAttr value) {
  Location loc = op->getLoc();
  Value number = arith::ConstantOp::create(b, loc, value);
  Value init = tensor::EmptyOp::create(b, loc, lowering.sizes(b, op, shape), value.getType());
  return linalg::FillOp::create(b, loc, number, init).getResult(0);
}

/// The accumulators as elements of the result.
Value finished(OpBuilder &b, Operation *op, Lowering &lowering, Value sums) {
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  if (lowering.plain(type).getElementType() == getElementTypeOrSelf(sums.getType()))
    return sums;
  AffineMap identity = b.getMultiDimIdentityMap(type.getRank());
  return lowering.map(b, op, type, sums, identity, [&](OpBuilder &b, ValueRange v) {
    return narrowed(b, op->getLoc(), v[0], type.getElementType());
  });
}

struct ReduceLowering : LoweringPattern<ReduceOp> {
  using LoweringPattern::LoweringPattern;

  LogicalResult matchAndRewrite(ReduceOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    auto type = cast<RankedTensorType>(op.getType());
    Value source = adaptor.getSource();
    int64_t rank = cast<RankedTensorType>(source.getType()).getRank();
    SmallVector<utils::IteratorType> loops(rank, utils::IteratorType::parallel);
    for (int64_t d : op.getDims())
      loops[d] = utils::IteratorType::reduction;
    SmallVector<AffineExpr> kept;
    for (int64_t d = 0; d < rank; ++d)
      if (loops[d] == utils::IteratorType::parallel)
        kept.push_back(b.getAffineDimExpr(d));
    AffineMap in = b.getMultiDimIdentityMap(rank);
    AffineMap out = AffineMap::get(rank, 0, kept, b.getContext());
    if (op.getKind() == ReduceKind::argmax) {
      b.replaceOp(op, argmax(op, source, {in, out, out}, loops, b));
      return success();
    }
    bool noSign = isUnsigned(op.getSource());
    bool isSum = op.getKind() == ReduceKind::sum || op.getKind() == ReduceKind::prod;
    Type element = accumulatorType(lowering.plain(type).getElementType(), isSum && isStrict(op));
    Value init = filled(b, op, lowering, type, neutral(b, op.getKind(), element, noSign));
    auto body = [&](OpBuilder &b, Location loc, ValueRange v) {
      Value x = accumulated(b, loc, v[0], element);
      linalg::YieldOp::create(b, loc, combine(b, loc, op, noSign, x, v[1]));
    };
    auto sums = linalg::GenericOp::create(b, loc, init.getType(), source, init,
                                          ArrayRef<AffineMap>{in, out}, loops, body);
    b.replaceOp(op, finished(b, op, lowering, sums.getResult(0)));
    return success();
  }

  /// On a device, where the order of a reduction is to be free: the largest of numbers of 64 bits,
  /// each of which has the element above and the place below. Of elements of up to 32 bits and axes
  /// of up to 2^32.
  Value largestKey(ReduceOp op, Value source, ArrayRef<AffineMap> maps,
                   ArrayRef<utils::IteratorType> loops, Type element, OpBuilder &b) const {
    auto type = cast<RankedTensorType>(op.getType());
    bool noSign = isUnsigned(op.getSource()), isFloat = isa<FloatType>(element);
    // No elements, or none above the least one: the first place.
    Value init = filled(b, op, lowering, type,
                        b.getI64IntegerAttr(isFloat ? 0x007FFFFFFFFFFFFF : 0xFFFFFFFF));
    int64_t axis = op.getDims().front();
    auto body = [&](OpBuilder &b, Location loc, ValueRange v) {
      Value place = linalg::IndexOp::create(b, loc, axis);
      place = arith::IndexCastOp::create(b, loc, b.getI64Type(), place);
      Value above = arith::ExtUIOp::create(b, loc, b.getI64Type(),
                                           inOrder(b, loc, widened(b, loc, v[0]), noSign));
      auto number = [&](int64_t x) {
        return arith::ConstantIntOp::create(b, loc, x, 64).getResult();
      };
      above = arith::ShLIOp::create(b, loc, above, number(32));
      Value key = arith::OrIOp::create(b, loc, above,
                                       arith::SubIOp::create(b, loc, number(0xFFFFFFFF), place));
      linalg::YieldOp::create(b, loc, arith::MaxUIOp::create(b, loc, v[1], key).getResult());
    };
    auto keys =
        linalg::GenericOp::create(b, op.getLoc(), init.getType(), source, init, maps, loops, body);
    AffineMap identity = b.getMultiDimIdentityMap(type.getRank());
    return lowering.map(b, op, type, keys.getResult(0), identity, [&](OpBuilder &b, ValueRange v) {
      Value last = arith::ConstantIntOp::create(b, op.getLoc(), 0xFFFFFFFF, 64);
      Value below = arith::AndIOp::create(b, op.getLoc(), v[0], last);
      return arith::SubIOp::create(b, op.getLoc(), last, below).getResult();
    });
  }

  /// 32 bits without a sign, in the order of the elements: NaN is above all, 0 and -0 are the same.
  static Value inOrder(OpBuilder &b, Location loc, Value x, bool noSign) {
    Type word = b.getI32Type();
    auto number = [&](int64_t bits) {
      return arith::ConstantIntOp::create(b, loc, int32_t(bits), 32).getResult();
    };
    Value top = number(0x80000000);
    if (!isa<FloatType>(x.getType())) {
      bool isWord = x.getType() == word;
      if (noSign || x.getType().isInteger(1))
        return isWord ? x : arith::ExtUIOp::create(b, loc, word, x);
      x = isWord ? x : arith::ExtSIOp::create(b, loc, word, x).getResult();
      return arith::XOrIOp::create(b, loc, x, top);
    }
    Value zero = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(0));
    Value isNan = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNO, x, x);
    Value bits = arith::BitcastOp::create(b, loc, word, arith::AddFOp::create(b, loc, x, zero));
    Value sign = arith::ShRSIOp::create(b, loc, bits, number(31));
    bits = arith::XOrIOp::create(b, loc, bits, arith::OrIOp::create(b, loc, sign, top));
    return arith::SelectOp::create(b, loc, isNan, number(0xFFFFFFFF), bits);
  }

  Value argmax(ReduceOp op, Value source, ArrayRef<AffineMap> maps,
               ArrayRef<utils::IteratorType> loops, OpBuilder &b) const {
    auto type = cast<RankedTensorType>(op.getType());
    bool noSign = isUnsigned(op.getSource());
    auto sourceType = cast<RankedTensorType>(source.getType());
    Type element = accumulatorType(sourceType.getElementType());
    int64_t length = sourceType.getDimSize(op.getDims().front());
    if (lowering.device && element.getIntOrFloatBitWidth() <= 32 && length < (int64_t(1) << 32))
      return largestKey(op, source, {maps[0], maps[1]}, loops, element, b);
    Value best = filled(b, op, lowering, type, neutral(b, ReduceKind::argmax, element, noSign));
    Value at = filled(b, op, lowering, type, b.getI64IntegerAttr(0));
    int64_t axis = op.getDims().front();
    auto body = [&](OpBuilder &b, Location loc, ValueRange v) {
      Value x = widened(b, loc, v[0]), better;
      if (isa<FloatType>(element)) {
        // Unordered: NaN beats all numbers, and no NaN after the first does.
        Value isNew = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UGT, x, v[1]);
        Value ordered = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::ORD, v[1], v[1]);
        better = arith::AndIOp::create(b, loc, isNew, ordered);
      } else {
        auto above = noSign ? arith::CmpIPredicate::ugt : arith::CmpIPredicate::sgt;
        better = arith::CmpIOp::create(b, loc, above, x, v[1]);
      }
      Value index = linalg::IndexOp::create(b, loc, axis);
      index = arith::IndexCastOp::create(b, loc, b.getI64Type(), index);
      Value value = arith::SelectOp::create(b, loc, better, x, v[1]);
      Value position = arith::SelectOp::create(b, loc, better, index, v[2]);
      linalg::YieldOp::create(b, loc, ValueRange{value, position});
    };
    auto generic =
        linalg::GenericOp::create(b, op.getLoc(), TypeRange{best.getType(), at.getType()}, source,
                                  ValueRange{best, at}, maps, loops, body);
    return generic.getResult(1);
  }
};

struct ContractLowering : LoweringPattern<ContractOp> {
  using LoweringPattern::LoweringPattern;

  LogicalResult matchAndRewrite(ContractOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    auto type = cast<RankedTensorType>(op.getType());
    unsigned space = op.getLhsMap().getNumDims();
    SmallVector<utils::IteratorType> loops(space, utils::IteratorType::reduction);
    std::fill_n(loops.begin(), type.getRank(), utils::IteratorType::parallel);
    // Built from dims: the major submap of rank 0 is a null map.
    SmallVector<AffineExpr> kept;
    for (int64_t i = 0; i < type.getRank(); ++i)
      kept.push_back(b.getAffineDimExpr(i));
    AffineMap out = AffineMap::get(space, 0, kept, b.getContext());
    Type stored = lowering.plain(type).getElementType();
    Type element = accumulatorType(stored, isStrict(op));
    Value init = filled(b, op, lowering, type, b.getZeroAttr(element));
    auto body = [&](OpBuilder &b, Location loc, ValueRange v) {
      auto flags = flagsOf(op, /*exactProducts=*/!stored.isF64());
      Value sum;
      if (isa<FloatType>(element)) {
        Value x = accumulated(b, loc, v[0], element), y = accumulated(b, loc, v[1], element);
        Value product = arith::MulFOp::create(b, loc, x, y, flags);
        sum = arith::AddFOp::create(b, loc, v[2], product, flags);
      } else {
        Value product = arith::MulIOp::create(b, loc, v[0], v[1]);
        sum = arith::AddIOp::create(b, loc, v[2], product);
      }
      linalg::YieldOp::create(b, loc, sum);
    };
    auto sums = linalg::GenericOp::create(
        b, loc, init.getType(), ValueRange{adaptor.getLhs(), adaptor.getRhs()}, init,
        ArrayRef<AffineMap>{op.getLhsMap(), op.getRhsMap(), out}, loops, body);
    b.replaceOp(op, finished(b, op, lowering, sums.getResult(0)));
    return success();
  }
};

} // namespace

void populateReductionPatterns(RewritePatternSet &patterns, Lowering &lowering) {
  patterns.add<ContractLowering, ReduceLowering>(lowering, patterns.getContext());
}

} // namespace mad
