//===- View.cpp - Views to linalg -------------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A view becomes, in this order of preference:
// - nothing but a slice of its source, when it moves or thins out dimensions,
// - a generic with an indexing map (after a slice), when it permutes, repeats or
//   adds dimensions: consumers fuse with it, and a window never exists in memory,
// - a generic whose body computes the position and reads the element: reversals,
//   and whatever may lie outside of the source.
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadSubject.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "passes/Conversion/MadToLinalg/Bounded.h"
#include "passes/Conversion/MadToLinalg/CoordinateRange.h"

using namespace mlir;

namespace mad {
namespace {

/// One coordinate in the source: sum of coefficient * dim and factor * scalar.
struct Coordinate {
  SmallVector<int64_t> coefficients, factors;
  int64_t constant = 0;
  bool proved = false; ///< never outside
  Value offset;        ///< all but the dims, as an index
  /// Of a periodic coordinate with large factors: less than a period each.
  SmallVector<Value> slopes;

  bool add(AffineExpr e, int64_t times);
  bool hasScalars() const {
    return llvm::any_of(factors, [](int64_t f) { return f != 0; });
  }
  /// As `CoordinateRange` takes it.
  SmallVector<int64_t> form() const {
    SmallVector<int64_t> result(coefficients);
    llvm::append_range(result, factors);
    result.push_back(constant);
    return result;
  }
  /// Whether the dims may add more than 2^62, in a loop that ends.
  bool isSteep() const {
    return llvm::any_of(coefficients, [](int64_t c) { return c > 65536 || c < -65536; });
  }
  /// Whether all but the dims may be further from 0 than 2^62.
  bool isFar() const {
    constexpr int64_t limit = int64_t(1) << 62;
    return hasScalars() || constant > limit || constant < -limit;
  }
  bool hasReversal() const {
    return llvm::any_of(coefficients, [](int64_t c) { return c < 0; });
  }
  /// At the first element, and nothing else, when the dims are 0.
  bool startsAtZero() const { return constant == 0 && !hasScalars(); }
  unsigned numDims() const {
    return llvm::count_if(coefficients, [](int64_t c) { return c != 0; });
  }
};

bool Coordinate::add(AffineExpr e, int64_t times) {
  if (auto c = dyn_cast<AffineConstantExpr>(e)) {
    constant += times * c.getValue();
    return true;
  }
  if (auto d = dyn_cast<AffineDimExpr>(e)) {
    coefficients[d.getPosition()] += times;
    return true;
  }
  if (auto s = dyn_cast<AffineSymbolExpr>(e)) {
    factors[s.getPosition()] += times;
    return true;
  }
  auto binary = dyn_cast<AffineBinaryOpExpr>(e);
  if (!binary)
    return false;
  if (e.getKind() == AffineExprKind::Add)
    return add(binary.getLHS(), times) && add(binary.getRHS(), times);
  auto factor = dyn_cast<AffineConstantExpr>(binary.getRHS());
  return e.getKind() == AffineExprKind::Mul && factor &&
         add(binary.getLHS(), times * factor.getValue());
}

class ViewBuilder {
public:
  ViewBuilder(Lowering &lowering, OpBuilder &b, ViewOp op, Value source, ValueRange scalars)
      : lowering(lowering), b(b), op(op), loc(op.getLoc()), source(source), scalars(scalars),
        sourceType(cast<RankedTensorType>(op.getSource().getType())),
        type(cast<RankedTensorType>(op.getType())), boundary(op.getBoundary()) {}

  /// Null when the map is not linear.
  Value build();

private:
  bool readCoordinates();
  /// Lowest and highest value but for the scalars.
  std::pair<DimExpr, DimExpr> range(const Coordinate &c) const;
  /// Positions from the lowest to the highest, for coefficients >= 0.
  DimExpr span(const Coordinate &c) const;
  Value value(const DimExpr &e) { return lowering.size(b, op, e); }
  CoordinateRange exact(const Coordinate &c) {
    return CoordinateRange(lowering, b, op, type, c.form(), indices);
  }

  void emitChecks();
  bool canSlice() const;
  Value wrap(OpBuilder &b, unsigned k, Value position, const BoundedSource &bounded);
  bool isWhole(unsigned k) const;
  bool isShift(unsigned k) const;
  Value slice();
  void settleOffsets(const BoundedSource &bounded);
  Value positionOf(OpBuilder &b, const Coordinate &c);
  Value readElements();
  Value outsidePosition(OpBuilder &b, unsigned k, Value position, const BoundedSource &bounded);

  Lowering &lowering;
  OpBuilder &b;
  ViewOp op;
  Location loc;
  Value source;
  ValueRange scalars;
  RankedTensorType sourceType, type;
  Boundary boundary;
  SmallVector<Value> indices; ///< the scalars
  SmallVector<Coordinate> coordinates;
};

bool ViewBuilder::readCoordinates() {
  AffineMap map = op.getMap();
  for (Value s : scalars) {
    Value number = scalarOf(b, loc, s, false);
    indices.push_back(arith::IndexCastOp::create(b, loc, b.getIndexType(), number));
  }
  for (auto [k, e] : llvm::enumerate(map.getResults())) {
    Coordinate c;
    c.coefficients.resize(map.getNumDims());
    c.factors.resize(map.getNumSymbols());
    if (!c.add(e, 1))
      return false;
    c.offset = indexConstant(b, loc, c.constant);
    for (auto [s, f] : llvm::enumerate(c.factors)) {
      if (!f)
        continue;
      Value part = arith::MulIOp::create(b, loc, indices[s], indexConstant(b, loc, f));
      c.offset = arith::AddIOp::create(b, loc, c.offset, part);
    }
    auto [low, high] = range(c);
    auto below = low.lowerBound(), above = (dimExpr(sourceType, k) - high - 1).lowerBound();
    c.proved = boundary == Boundary::inside ||
               (!c.hasScalars() && below && *below >= 0 && above && *above >= 0);
    coordinates.push_back(std::move(c));
  }
  return true;
}

std::pair<DimExpr, DimExpr> ViewBuilder::range(const Coordinate &c) const {
  DimExpr low(c.constant), high(c.constant);
  for (auto [d, factor] : llvm::enumerate(c.coefficients)) {
    DimExpr reach = (dimExpr(type, d) - 1) * DimExpr(factor);
    if (factor > 0)
      high = high + reach;
    if (factor < 0)
      low = low + reach;
  }
  return {low, high};
}

DimExpr ViewBuilder::span(const Coordinate &c) const {
  auto [low, high] = range(c);
  return high - low + 1;
}

void ViewBuilder::emitChecks() {
  for (int64_t k : checkOrder(op, coordinates.size()))
    if (!coordinates[k].proved)
      exact(coordinates[k]).checkInside(op.getSource(), k);
}

/// Whether a slice holds exactly what is read.
bool ViewBuilder::canSlice() const {
  return boundary == Boundary::inside &&
         llvm::none_of(coordinates, [](const Coordinate &c) { return c.hasReversal(); });
}

/// Whether the coordinate walks over its whole dimension, or over all of a sum of
/// dims from the start: no slice is needed then.
bool ViewBuilder::isWhole(unsigned k) const {
  const Coordinate &c = coordinates[k];
  if (!c.startsAtZero())
    return false;
  if (c.numDims() == 0)
    return dimExpr(sourceType, k) == DimExpr(1);
  if (c.numDims() > 1)
    return true;
  unsigned d =
      llvm::find_if(c.coefficients, [](int64_t f) { return f != 0; }) - c.coefficients.begin();
  return c.coefficients[d] == 1 && dimExpr(sourceType, k) == dimExpr(type, d);
}

Value ViewBuilder::slice() {
  SmallVector<OpFoldResult> offsets, sizes, strides;
  SmallVector<AffineExpr> exprs;
  SmallVector<int64_t> shape;
  bool needed = false;
  for (auto [k, c] : llvm::enumerate(coordinates)) {
    bool whole = isWhole(k), single = c.numDims() == 1;
    needed |= !whole;
    AffineExpr e = b.getAffineConstantExpr(0);
    int64_t stride = 1;
    for (auto [d, factor] : llvm::enumerate(c.coefficients)) {
      if (!factor)
        continue;
      stride = single ? factor : 1;
      e = e + b.getAffineDimExpr(d) * (single ? 1 : factor);
    }
    DimExpr size = span(c);
    if (single) // as many as the dim has, `stride` apart
      for (auto [d, factor] : llvm::enumerate(c.coefficients))
        if (factor)
          size = dimExpr(type, d);
    if (whole)
      size = dimExpr(sourceType, k);
    offsets.push_back(getAsOpFoldResult(c.offset));
    strides.push_back(b.getIndexAttr(stride));
    auto constant = size.constant();
    sizes.push_back(constant ? OpFoldResult(b.getIndexAttr(*constant)) : value(size));
    if (!whole && c.numDims() == 0)
      continue; // one position: the dimension ends here
    exprs.push_back(e);
    shape.push_back(constant.value_or(ShapedType::kDynamic));
  }
  if (needed) {
    Type element = cast<RankedTensorType>(source.getType()).getElementType();
    source = tensor::ExtractSliceOp::create(b, loc, RankedTensorType::get(shape, element), source,
                                            offsets, sizes, strides);
  }
  auto map = AffineMap::get(type.getRank(), 0, exprs, b.getContext());
  if (map.isIdentity())
    return source;
  return lowering.map(b, op, type, source, map, [](OpBuilder &, ValueRange v) { return v[0]; });
}

/// Whether a coordinate is one dim, over no more than the source has, plus an offset.
bool ViewBuilder::isShift(unsigned k) const {
  const Coordinate &c = coordinates[k];
  auto one = llvm::find(c.coefficients, 1);
  if (c.numDims() != 1 || one == c.coefficients.end())
    return false;
  auto rest = (dimExpr(sourceType, k) - dimExpr(type, one - c.coefficients.begin())).lowerBound();
  return rest && *rest >= 0;
}

/// For a periodic coordinate with an offset that was reduced to less than a period.
Value ViewBuilder::wrap(OpBuilder &b, unsigned k, Value position, const BoundedSource &bounded) {
  using P = arith::CmpIPredicate;
  Value extent = bounded.extent(k), zero = indexConstant(b, loc, 0);
  if (!isShift(k)) {
    if (bounded.mayBeEmpty())
      extent = arith::MaxSIOp::create(b, loc, extent, indexConstant(b, loc, 1));
    position = arith::RemSIOp::create(b, loc, position, extent);
  } else if (Value up = arith::SubIOp::create(b, loc, position, extent);
             coordinates[k].constant > 0 || coordinates[k].hasScalars()) {
    Value above = arith::CmpIOp::create(b, loc, P::sge, position, extent);
    position = arith::SelectOp::create(b, loc, above, up, position);
    if (!coordinates[k].hasScalars())
      return position;
  }
  Value down = arith::AddIOp::create(b, loc, position, extent);
  Value below = arith::CmpIOp::create(b, loc, P::slt, position, zero);
  return arith::SelectOp::create(b, loc, below, down, position);
}

/// Where to read for a position that may lie outside.
Value ViewBuilder::outsidePosition(OpBuilder &b, unsigned k, Value position,
                                   const BoundedSource &bounded) {
  if (boundary == Boundary::inside)
    return position;
  bool mayLeave = boundary != Boundary::periodic && !coordinates[k].proved;
  if (boundary == Boundary::periodic && !coordinates[k].proved)
    position = wrap(b, k, position, bounded);
  return mayLeave || bounded.mayBeEmpty() ? bounded.clamp(b, k, position) : position;
}

/// Makes the offsets such that the positions of the loop are right in i64.
void ViewBuilder::settleOffsets(const BoundedSource &bounded) {
  for (auto [k, c] : llvm::enumerate(coordinates)) {
    if (c.proved)
      continue;
    if (boundary != Boundary::periodic) {
      if (c.isFar() && !c.isSteep())
        c.offset = exact(c).nearOffset();
      continue;
    }
    Value some = indexConstant(b, loc, 1);
    Value extent = arith::MaxSIOp::create(b, loc, bounded.extent(k), some);
    if (c.isFar())
      c.offset = exact(c).offsetModulo(extent);
    if (isShift(k) || c.isSteep()) // so that one period more or less is enough in the loop
      c.offset = arith::RemSIOp::create(b, loc, c.offset, extent);
    if (c.isSteep())
      for (int64_t factor : c.coefficients)
        c.slopes.push_back(arith::RemSIOp::create(b, loc, indexConstant(b, loc, factor), extent));
  }
}

/// The position of coordinate `c` in the loop.
Value ViewBuilder::positionOf(OpBuilder &b, const Coordinate &c) {
  auto at = [&](unsigned d) -> Value { return linalg::IndexOp::create(b, loc, d); };
  if (!c.proved && c.isSteep() && c.slopes.empty())
    return nearestPosition(b, loc, c.form(), indices, at);
  Value position = c.offset;
  for (auto [d, factor] : llvm::enumerate(c.coefficients)) {
    if (!factor)
      continue;
    Value part = at(d);
    if (factor != 1)
      part = arith::MulIOp::create(b, loc, part,
                                   c.slopes.empty() ? indexConstant(b, loc, factor) : c.slopes[d]);
    position = arith::AddIOp::create(b, loc, part, position);
  }
  return position;
}

Value ViewBuilder::readElements() {
  BoundedSource bounded(lowering, b, op, source, sourceType, type);
  settleOffsets(bounded);
  auto body = [&](OpBuilder &b, ValueRange) -> Value {
    SmallVector<Value> positions;
    Value inside;
    for (auto [k, c] : llvm::enumerate(coordinates)) {
      Value position = positionOf(b, c);
      if (boundary == Boundary::zero && !c.proved) {
        Value fits =
            arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, position, bounded.extent(k));
        inside = inside ? arith::AndIOp::create(b, loc, inside, fits).getResult() : fits;
      }
      positions.push_back(outsidePosition(b, k, position, bounded));
    }
    Value element = bounded.read(b, positions);
    if (!inside)
      return element;
    Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(element.getType()));
    return arith::SelectOp::create(b, loc, inside, element, zero);
  };
  return lowering.map(b, op, type, {}, {}, body);
}

Value ViewBuilder::build() {
  if (!readCoordinates())
    return {};
  if (boundary == Boundary::checked) {
    emitChecks();
    boundary = Boundary::inside; // or the run has ended
  }
  for (int64_t d = 0; d < type.getRank(); ++d)
    if (dimExpr(type, d) == DimExpr(0))
      return lowering.empty(b, op, type);
  bool element = type.getRank() == 0 && sourceType.getRank() != 0;
  return !element && canSlice() ? slice() : readElements();
}

struct ViewLowering : LoweringPattern<ViewOp> {
  using LoweringPattern::LoweringPattern;
  LogicalResult matchAndRewrite(ViewOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    ViewBuilder builder(lowering, b, op, adaptor.getSource(), adaptor.getScalars());
    Value result = builder.build();
    if (!result)
      return b.notifyMatchFailure(op, "the map is not linear");
    b.replaceOp(op, result);
    return success();
  }
};

} // namespace

void populateViewPatterns(RewritePatternSet &patterns, Lowering &lowering) {
  patterns.add<ViewLowering>(lowering, patterns.getContext());
}

} // namespace mad
