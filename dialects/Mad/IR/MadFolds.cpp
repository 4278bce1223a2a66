//===- MadFolds.cpp - Folders and canonical forms ---------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Everything here is exact for all inputs, NaN and signed zeros included, in
// the sense of the reference evaluation. A failure that nobody can observe (a
// checked view whose result is not read) may vanish.
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadMathOps.h"
#include "dialects/Mad/IR/MadOps.h"
#include "dialects/Mad/IR/MadPrecision.h"
#include "dialects/Mad/IR/MadSubject.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>

using namespace mlir;
using namespace mad;

/// Constants above this are left to the fold stage: they would bloat the IR.
static constexpr int64_t maxElements = 4096;
/// Constants that may be repeated.
static constexpr int64_t maxBroadcast = 64;

static RankedTensorType tensorTypeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}
static bool isFloat(Value value) { return isa<FloatType>(tensorTypeOf(value).getElementType()); }

std::optional<RefScalar> mad::splatValue(Value value) {
  DenseElementsAttr elements;
  if (matchPattern(value, m_Constant(&elements))) {
    if (!elements.isSplat())
      return std::nullopt;
    auto scalar = RankedTensorType::get({}, elements.getElementType());
    return refTensor(elements.resizeSplat(scalar)).get(0);
  }
  if (auto view = value.getDefiningOp<ViewOp>(); view && view.getBoundary() != Boundary::zero)
    return splatValue(view.getSource());
  if (auto reshape = value.getDefiningOp<ReshapeOp>())
    return splatValue(reshape.getSource());
  return std::nullopt;
}

static bool isSplat(Value value, double number) {
  std::optional<RefScalar> splat = splatValue(value);
  if (!splat)
    return false;
  if (!isFloat(value))
    return static_cast<double>(splat->i) == number;
  return splat->f == number && std::signbit(splat->f) == std::signbit(number);
}

/// The value, if it can stand for the result as it is.
static OpFoldResult sameType(Operation *op, Value value) {
  return value.getType() == op->getResult(0).getType() ? OpFoldResult(value) : OpFoldResult();
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

/// The constant operands, unless one is unknown or there are too many elements.
static std::optional<SmallVector<DenseElementsAttr>> smallConstants(ArrayRef<Attribute> operands) {
  SmallVector<DenseElementsAttr> constants;
  int64_t total = 0;
  for (Attribute operand : operands) {
    auto elements = dyn_cast_or_null<DenseElementsAttr>(operand);
    if (!elements)
      return std::nullopt;
    total += elements.isSplat() ? 1 : elements.getNumElements();
    constants.push_back(elements);
  }
  if (total > maxElements * 4)
    return std::nullopt;
  return constants;
}

/// Runs the reference evaluation; null when that fails or the result is large.
static OpFoldResult foldConstants(Operation *op, ArrayRef<Attribute> operands) {
  RankedTensorType type = tensorTypeOf(op->getResult(0));
  std::optional<SmallVector<DenseElementsAttr>> constants = smallConstants(operands);
  if (!constants || !type.hasStaticShape() || type.getNumElements() > maxElements)
    return {};
  int64_t total = 0;
  for (DenseElementsAttr constant : *constants)
    total += constant.getNumElements();
  if (total > maxElements * 4)
    return {};
  SmallVector<RefTensor> values;
  for (DenseElementsAttr constant : *constants)
    values.push_back(refTensor(constant));
  SmallVector<const RefTensor *> pointers;
  for (const RefTensor &value : values)
    pointers.push_back(&value);
  RefContext context;
  RefTensor result = RefTensor::zeros(refElement(type.getElementType()), type.getShape());
  if (failed(cast<ReferenceOpInterface>(op).evaluate(pointers, result, context)))
    return {};
  context.finish(result);
  return denseElements(result, type);
}

static OpFoldResult evaluateSplats(Operation *op, ArrayRef<DenseElementsAttr> operands) {
  RankedTensorType type = tensorTypeOf(op->getResult(0));
  SmallVector<RefScalar> scalars;
  for (DenseElementsAttr operand : operands)
    scalars.push_back(
        refTensor(operand.resizeSplat(RankedTensorType::get({}, operand.getElementType()))).get(0));
  RefTensor result = RefTensor::zeros(refElement(type.getElementType()), {});
  result.set(0, cast<ElementwiseOpInterface>(op).evaluateScalar(scalars));
  RefContext().finish(result);
  return denseElements(result, RankedTensorType::get({}, type.getElementType())).resizeSplat(type);
}

//===----------------------------------------------------------------------===//
// Elementwise
//===----------------------------------------------------------------------===//

static OpFoldResult foldAdd(AddOp op) {
  // x + 0 is not x for x = -0; x + -0 always is.
  double zero = isFloat(op.getLhs()) ? -0.0 : 0.0;
  if (isSplat(op.getRhs(), zero))
    return sameType(op, op.getLhs());
  return isSplat(op.getLhs(), zero) ? sameType(op, op.getRhs()) : OpFoldResult();
}

static OpFoldResult foldMul(MulOp op) {
  for (auto [x, y] : {std::pair(op.getLhs(), op.getRhs()), std::pair(op.getRhs(), op.getLhs())}) {
    if (isSplat(y, 1))
      return sameType(op, x);
    if (!isFloat(y) && isSplat(y, 0))
      return sameType(op, y);
  }
  return {};
}

static OpFoldResult foldPow(PowOp op) {
  if (isSplat(op.getRhs(), 1))
    return sameType(op, op.getLhs());
  RankedTensorType type = tensorTypeOf(op.getResult());
  if (!type.hasStaticShape() || (!isSplat(op.getRhs(), 0) && !isSplat(op.getRhs(), -0.0)))
    return {};
  RefTensor one = RefTensor::zeros(refElement(type.getElementType()), {});
  one.set(0, {1, 1});
  return denseElements(one, RankedTensorType::get({}, type.getElementType())).resizeSplat(type);
}

/// `and` (identity true) and `or` (identity false).
static OpFoldResult foldLogic(Operation *op, bool identity) {
  Value lhs = op->getOperand(0), rhs = op->getOperand(1);
  for (auto [x, y] : {std::pair(lhs, rhs), std::pair(rhs, lhs)}) {
    if (isSplat(y, identity))
      return sameType(op, x);
    if (isSplat(y, !identity))
      return sameType(op, y);
  }
  return lhs == rhs ? sameType(op, lhs) : OpFoldResult();
}

static OpFoldResult foldSelect(SelectOp op) {
  if (op.getThen() == op.getOtherwise())
    return sameType(op, op.getThen());
  if (isSplat(op.getCondition(), 1))
    return sameType(op, op.getThen());
  return isSplat(op.getCondition(), 0) ? sameType(op, op.getOtherwise()) : OpFoldResult();
}

/// Whether each number of one type is one of the other.
static bool holdsAll(Type from, Type to) {
  if (from == to || from.isInteger(1))
    return true;
  auto toFloat = dyn_cast<FloatType>(to);
  if (auto fromFloat = dyn_cast<FloatType>(from))
    return toFloat && toFloat.getWidth() > fromFloat.getWidth();
  unsigned width = from.getIntOrFloatBitWidth();
  if (toFloat) // a sign bit of the integer is none of the fraction
    return toFloat.getFPMantissaWidth() + !from.isUnsignedInteger() >= width;
  return to.getIntOrFloatBitWidth() > width;
}

static OpFoldResult foldCast(CastOp op) {
  if (op.getOperand().getType() == op.getResult().getType())
    return op.getOperand();
  auto inner = op.getOperand().getDefiningOp<CastOp>();
  if (!inner)
    return {};
  Type from = tensorTypeOf(inner.getOperand()).getElementType();
  Type through = tensorTypeOf(inner.getResult()).getElementType();
  Type to = tensorTypeOf(op.getResult()).getElementType();
  if (!holdsAll(from, through))
    return {};
  // By way of a float an integer saturates, by itself it wraps.
  bool saturates = isa<FloatType>(through) && from.isInteger() && to.isInteger();
  if (saturates && !to.isInteger(1) && !holdsAll(from, to))
    return {};
  op.getOperandMutable().assign(inner.getOperand());
  return op.getResult();
}

/// f(f(x)) = x
template <typename Op> static OpFoldResult foldInvolution(Op op) {
  auto inner = op.getOperand().template getDefiningOp<Op>();
  return inner ? sameType(op, inner.getOperand()) : OpFoldResult();
}

/// f(f(x)) = f(x)
template <typename Op> static OpFoldResult foldIdempotent(Op op) {
  return op.getOperand().template getDefiningOp<Op>() ? sameType(op, op.getOperand())
                                                      : OpFoldResult();
}

static OpFoldResult foldAbs(AbsOp op) {
  if (tensorTypeOf(op.getResult()).getElementType().isUnsignedInteger())
    return sameType(op, op.getOperand()); // and -x wraps there
  if (auto negated = op.getOperand().getDefiningOp<NegOp>()) {
    op.getOperandMutable().assign(negated.getOperand());
    return op.getResult();
  }
  return foldIdempotent(op);
}

static OpFoldResult foldIdentity(Operation *op) {
  return llvm::TypeSwitch<Operation *, OpFoldResult>(op)
      .Case<AddOp>(foldAdd)
      .Case<MulOp>(foldMul)
      .Case<PowOp>(foldPow)
      .Case<SelectOp>(foldSelect)
      .Case<CastOp>(foldCast)
      .Case<AbsOp>(foldAbs)
      .Case<SubOp>([](SubOp op) {
        return isSplat(op.getRhs(), 0.0) ? sameType(op, op.getLhs()) : OpFoldResult();
      })
      .Case<DivOp>([](DivOp op) {
        return isSplat(op.getRhs(), 1) ? sameType(op, op.getLhs()) : OpFoldResult();
      })
      .Case<AndOp>([](AndOp op) { return foldLogic(op, true); })
      .Case<OrOp>([](OrOp op) { return foldLogic(op, false); })
      .Case<MinOp, MaxOp>([](auto op) {
        return op.getLhs() == op.getRhs() ? sameType(op, op.getLhs()) : OpFoldResult();
      })
      .Case<NegOp>([](NegOp op) { return foldInvolution(op); })
      .Case<NotOp>([](NotOp op) { return foldInvolution(op); })
      .Case<SignOp>([](SignOp op) { return foldIdempotent(op); })
      .Case<FloorOp>([](FloorOp op) { return foldIdempotent(op); })
      .Case<CeilOp>([](CeilOp op) { return foldIdempotent(op); })
      .Case<RoundOp>([](RoundOp op) { return foldIdempotent(op); })
      .Default([](Operation *op) { return foldMathIdentity(op); });
}

OpFoldResult mad::foldElementwise(Operation *op, ArrayRef<Attribute> operands) {
  if (std::optional<SmallVector<DenseElementsAttr>> constants = smallConstants(operands)) {
    bool splats = llvm::all_of(*constants, [](DenseElementsAttr e) { return e.isSplat(); });
    if (splats && tensorTypeOf(op->getResult(0)).hasStaticShape())
      return evaluateSplats(op, *constants);
    if (OpFoldResult folded = foldConstants(op, operands))
      return folded;
  }
  return foldIdentity(op);
}

namespace {
/// x^2 is one multiplication. The product of two f32 is a number of f64, which pow
/// gives exactly; of two f64 it may give a neighbour of the nearest one.
struct SquareOfPow : OpRewritePattern<PowOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(PowOp op, PatternRewriter &rewriter) const final {
    if (!isSplat(op.getRhs(), 2))
      return rewriter.notifyMatchFailure(op, "exponent is not 2");
    Precision precision = precisionOf(op);
    if (precision == Precision::Strict && tensorTypeOf(op.getResult()).getElementType().isF64())
      return rewriter.notifyMatchFailure(op, "pow rounds in its own way");
    auto product = rewriter.replaceOpWithNewOp<MulOp>(op, op.getType(), op.getLhs(), op.getLhs());
    setPrecision(product, precision);
    return success();
  }
};

/// A cast that renames static dimensions says nothing to our ops.
struct SkipRename : OpRewritePattern<CastOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(CastOp op, PatternRewriter &rewriter) const final {
    RankedTensorType from = tensorTypeOf(op.getOperand()), to = tensorTypeOf(op.getResult());
    if (from.getElementType() != to.getElementType() || !sameShape(from, to))
      return rewriter.notifyMatchFailure(op, "changes the type");
    bool changed = false;
    rewriter.replaceUsesWithIf(op.getResult(), op.getOperand(), [&](OpOperand &use) {
      bool indifferent = isa<ReferenceOpInterface>(use.getOwner());
      changed |= indifferent;
      return indifferent;
    });
    return success(changed);
  }
};
} // namespace

void PowOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<SquareOfPow>(context);
}

void CastOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<SkipRename>(context);
}

//===----------------------------------------------------------------------===//
// Sources and movement
//===----------------------------------------------------------------------===//

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValue(); }

OpFoldResult DimOp::fold(FoldAdaptor) {
  std::optional<DimExpr> parsed = DimExpr::parse(getExpression());
  std::optional<int64_t> constant = parsed ? parsed->constant() : std::nullopt;
  if (!constant)
    return {};
  return DenseElementsAttr::get(tensorTypeOf(getResult()), *constant);
}

/// Whether every coordinate lies inside of the source for sure.
static bool isInside(ViewOp view) {
  if (!view.getScalars().empty())
    return false;
  RankedTensorType source = tensorTypeOf(view.getSource()), result = tensorTypeOf(view.getResult());
  for (auto [dim, coordinate] : llvm::enumerate(view.getMap().getResults())) {
    SmallVector<int64_t> form = *linearForm(coordinate, result.getRank(), 0);
    DimExpr low(form.back()), high(form.back());
    for (int64_t d = 0; d < result.getRank(); ++d) {
      DimExpr reach = DimExpr(form[d]) * (dimExpr(result, d) - DimExpr(1));
      (form[d] < 0 ? low : high) = (form[d] < 0 ? low : high) + reach;
    }
    auto negative = [](const DimExpr &e) { return e.lowerBound().value_or(-1) < 0; };
    if (negative(low) || negative(dimExpr(source, dim) - DimExpr(1) - high))
      return false;
  }
  return true;
}

OpFoldResult ViewOp::fold(FoldAdaptor adaptor) {
  if (getMap().isIdentity() && getSource().getType() == getType())
    return getSource();
  if (getBoundary() != Boundary::inside && isInside(*this)) {
    setBoundary(Boundary::inside);
    dropSubject(*this);
    return getResult();
  }
  RankedTensorType type = tensorTypeOf(getResult());
  auto source = dyn_cast_or_null<DenseElementsAttr>(adaptor.getSource());
  if (!source || !type.hasStaticShape())
    return {};
  bool moves = getBoundary() != Boundary::zero && getBoundary() != Boundary::checked;
  if (moves && source.isSplat())
    return source.resizeSplat(type);
  // A broadcast table costs memory; computed from the small one it costs nothing.
  if (type.getNumElements() > std::max<int64_t>(source.getNumElements(), maxBroadcast))
    return {};
  return foldConstants(*this, adaptor.getOperands());
}

namespace {
/// A view of a view is one view, where what lies outside stays the same.
struct MergeViews : OpRewritePattern<ViewOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ViewOp outer, PatternRewriter &rewriter) const final {
    auto inner = outer.getSource().getDefiningOp<ViewOp>();
    if (!inner)
      return rewriter.notifyMatchFailure(outer, "source is not a view");
    bool outerInside = outer.getBoundary() == Boundary::inside;
    // Wherever an element of one number comes from, it is that number.
    bool moves = outer.getBoundary() != Boundary::zero && outer.getBoundary() != Boundary::checked;
    if (moves && inner.getMap().getNumResults() == 0) {
      auto map = AffineMap::get(tensorTypeOf(outer.getResult()).getRank(), 0, outer.getContext());
      rewriter.replaceOpWithNewOp<ViewOp>(outer, outer.getType(), inner.getSource(), ValueRange(),
                                          map, Boundary::inside);
      return success();
    }
    bool innerPermutes =
        inner.getMap().isPermutation() && inner.getBoundary() == Boundary::inside && isWhole(inner);
    if (!outerInside && !innerPermutes)
      return rewriter.notifyMatchFailure(outer, "its boundary is that of the inner view");
    bool outerPermutes = outer.getMap().isPermutation() && isWhole(outer);
    if (inner.getBoundary() == Boundary::checked && !outerPermutes)
      return rewriter.notifyMatchFailure(outer, "the check is of more than the view reads");
    // Symbols of the inner map come first in the composition.
    AffineMap map = inner.getMap().compose(outer.getMap());
    for (AffineExpr coordinate : map.getResults())
      if (!linearForm(coordinate, map.getNumDims(), map.getNumSymbols()))
        return rewriter.notifyMatchFailure(outer, "composed map is not linear");
    SmallVector<Value> scalars(inner.getScalars());
    llvm::append_range(scalars, outer.getScalars());
    auto merged =
        ViewOp::create(rewriter, outer.getLoc(), outer.getType(), inner.getSource(), scalars, map,
                       outerInside ? inner.getBoundary() : outer.getBoundary());
    if (outerInside)
      copySubject(inner, merged);
    else
      copySubject(outer, merged, inner.getMap());
    rewriter.replaceOp(outer, merged);
    return success();
  }

private:
  /// Whether a permutation keeps every element.
  static bool isWhole(ViewOp view) {
    for (auto [dim, coordinate] : llvm::enumerate(view.getMap().getResults()))
      if (dimExpr(tensorTypeOf(view.getSource()), dim) !=
          dimExpr(tensorTypeOf(view.getResult()), cast<AffineDimExpr>(coordinate).getPosition()))
        return false;
    return true;
  }
};
} // namespace

void ViewOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<MergeViews>(context);
}

OpFoldResult GatherOp::fold(FoldAdaptor adaptor) {
  return foldConstants(*this, adaptor.getOperands());
}

OpFoldResult ReshapeOp::fold(FoldAdaptor adaptor) {
  if (getSource().getType() == getType())
    return getSource();
  RankedTensorType type = tensorTypeOf(getResult());
  if (auto source = dyn_cast_or_null<DenseElementsAttr>(adaptor.getSource());
      source && type.hasStaticShape())
    return source.reshape(type);
  auto inner = getSource().getDefiningOp<ReshapeOp>();
  if (!inner)
    return {};
  getSourceMutable().assign(inner.getSource());
  return getResult();
}

OpFoldResult ConcatOp::fold(FoldAdaptor adaptor) {
  if (getParts().size() == 1)
    return sameType(*this, getParts().front());
  return foldConstants(*this, adaptor.getOperands());
}

//===----------------------------------------------------------------------===//
// Reductions and control
//===----------------------------------------------------------------------===//

OpFoldResult ReduceOp::fold(FoldAdaptor adaptor) {
  // The sum of -0 alone is +0.
  bool keeps =
      getKind() != ReduceKind::argmax && !(getKind() == ReduceKind::sum && isFloat(getSource()));
  if (getDims().empty() && keeps)
    return sameType(*this, getSource());
  return foldConstants(*this, adaptor.getOperands());
}

namespace {
/// An `if` whose condition is known is the region that it takes.
struct TakeKnownBranch : OpRewritePattern<IfOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(IfOp op, PatternRewriter &rewriter) const final {
    std::optional<RefScalar> condition = splatValue(op.getCondition());
    if (!condition)
      return rewriter.notifyMatchFailure(op, "condition is not known");
    Block &block = (condition->i ? op.getThenRegion() : op.getElseRegion()).front();
    auto yield = cast<YieldOp>(block.getTerminator());
    SmallVector<Value> values;
    rewriter.setInsertionPoint(yield);
    for (auto [value, result] : llvm::zip_equal(yield.getValues(), op.getResults()))
      values.push_back(value.getType() == result.getType()
                           ? value
                           : CastOp::create(rewriter, op.getLoc(), result.getType(), value));
    rewriter.eraseOp(yield);
    rewriter.inlineBlockBefore(&block, op);
    rewriter.replaceOp(op, values);
    return success();
  }
};
} // namespace

void IfOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<TakeKnownBranch>(context);
}

LogicalResult ScanOp::fold(FoldAdaptor, SmallVectorImpl<OpFoldResult> &results) {
  std::optional<DimExpr> low = DimExpr::parse(getLow()), high = DimExpr::parse(getHigh());
  if (!low || !high || getInitial().getTypes() != getResultTypes())
    return failure();
  // No step at all; where a bound is not known the difference is no constant.
  std::optional<int64_t> steps = (*high - *low).constant();
  if (!steps || *steps > 0 || getNumResults() == 0 || getNumResults() != getInitial().size())
    return failure();
  llvm::append_range(results, getInitial());
  return success();
}
