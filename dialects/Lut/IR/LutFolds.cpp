//===- LutFolds.cpp - Slices of weights, and equal activations ------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Lut/IR/LutOps.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mad;
using namespace mad::lut;

namespace {

/// A layer, or some, of a weight [B..., K, M]: only its codes are decoded. The parts have the
/// dimensions B... as the tensor has, so they are sliced in the same way.
///
///   view(dequant(codes, scales))[l, i, j] = dequant(view(codes)[l], view(scales)[l])[i, j]
struct SliceParts : OpRewritePattern<ViewOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ViewOp view, PatternRewriter &rewriter) const override {
    auto dequant = view.getSource().getDefiningOp<DequantOp>();
    if (!dequant)
      return failure();
    auto from = cast<RankedTensorType>(dequant.getType());
    auto to = cast<RankedTensorType>(view.getType());
    AffineMap map = view.getMap();
    ArrayRef<AffineExpr> batch = map.getResults().drop_back(2),
                         inner = map.getResults().take_back(2);
    if (batch.empty())
      return rewriter.notifyMatchFailure(view, "a matrix has no slices that are stored apart");
    bool fixed = llvm::none_of(batch, [&](AffineExpr e) { return usesDims(e, map.getNumDims()); });
    unsigned lead = fixed ? 0 : to.getRank() - 2;
    if (!fixed && !keepsMatrix(map, from, to))
      return rewriter.notifyMatchFailure(view, "its matrices are not those of the weight");
    if (!mayMove(view, inner, from, to))
      return rewriter.notifyMatchFailure(view, "what it reads outside is no code");
    SmallVector<int64_t> shape(to.getShape().take_front(lead));
    if (ShapedType::isDynamicShape(shape))
      return rewriter.notifyMatchFailure(view, "the number of its matrices is not known");
    shape.append(from.getShape().take_back(2).begin(), from.getShape().take_back(2).end());
    Value slice = slicedDequant(rewriter, view, dequant, batch, lead, shape);
    if (fixed) {
      ValueRange scalars =
          usesSymbols(inner, map.getNumSymbols()) ? view.getScalars() : ValueRange();
      auto rest = AffineMap::get(map.getNumDims(), scalars.size(), inner, view.getContext());
      rewriter.replaceOpWithNewOp<ViewOp>(view, to, slice, scalars, rest, Boundary::inside);
    } else {
      rewriter.replaceOpWithNewOp<ReshapeOp>(view, to, slice);
    }
    return success();
  }

private:
  static bool usesDims(AffineExpr expression, unsigned dims) {
    for (unsigned d = 0; d < dims; ++d)
      if (expression.isFunctionOfDim(d))
        return true;
    return false;
  }

  static bool usesSymbols(ArrayRef<AffineExpr> expressions, unsigned symbols) {
    for (AffineExpr expression : expressions)
      for (unsigned i = 0; i < symbols; ++i)
        if (expression.isFunctionOfSymbol(i))
          return true;
    return false;
  }

  /// The last two dimensions are read as they are, and not by the others.
  static bool keepsMatrix(AffineMap map, RankedTensorType from, RankedTensorType to) {
    int64_t rank = to.getRank();
    if (rank < 2 || to.getShape().take_back(2) != from.getShape().take_back(2))
      return false;
    for (int64_t i : {1, 2}) {
      unsigned dim = unsigned(rank - i);
      if (map.getResult(from.getRank() - i) != getAffineDimExpr(dim, map.getContext()))
        return false;
      for (AffineExpr e : map.getResults().drop_back(2))
        if (e.isFunctionOfDim(dim))
          return false;
    }
    return true;
  }

  /// Reading inside of the weight stays so; a check is of the dimensions that are sliced alone.
  static bool mayMove(ViewOp view, ArrayRef<AffineExpr> inner, RankedTensorType from,
                      RankedTensorType to) {
    if (view.getBoundary() == Boundary::inside)
      return true;
    if (view.getBoundary() != Boundary::checked)
      return false;
    for (auto [expression, size] : llvm::zip_equal(inner, from.getShape().take_back(2))) {
      auto dim = dyn_cast<AffineDimExpr>(expression);
      if (!dim || to.isDynamicDim(dim.getPosition()) || to.getDimSize(dim.getPosition()) > size)
        return false;
    }
    return true;
  }

  static Value slicedDequant(PatternRewriter &rewriter, ViewOp view, DequantOp dequant,
                             ArrayRef<AffineExpr> batch, unsigned lead, ArrayRef<int64_t> shape) {
    SmallVector<AffineExpr> coordinates(batch);
    coordinates.push_back(rewriter.getAffineDimExpr(lead));
    coordinates.push_back(rewriter.getAffineDimExpr(lead + 1));
    auto map =
        AffineMap::get(lead + 2, view.getMap().getNumSymbols(), coordinates, rewriter.getContext());
    SmallVector<Value> parts;
    std::vector<Part> described = dequant.getFormat().getValue().parts(
        cast<RankedTensorType>(dequant.getType()).getShape().vec());
    for (auto [part, own] : llvm::zip_equal(dequant.getParts(), described)) {
      if (own.shared) {
        parts.push_back(part);
        continue;
      }
      auto type = cast<RankedTensorType>(part.getType());
      SmallVector<int64_t> sizes(shape.take_front(lead));
      sizes.append(type.getShape().take_back(2).begin(), type.getShape().take_back(2).end());
      auto slice = ViewOp::create(rewriter, view.getLoc(),
                                  RankedTensorType::get(sizes, type.getElementType()), part,
                                  view.getScalars(), map, view.getBoundary());
      slice->setDiscardableAttrs(view->getDiscardableAttrDictionary());
      parts.push_back(slice);
    }
    auto type =
        RankedTensorType::get(shape, cast<RankedTensorType>(dequant.getType()).getElementType());
    return DequantOp::create(rewriter, dequant.getLoc(), type, parts, dequant.getFormat());
  }
};

/// Some columns of a matrix, which lie beside each other in all parts: `w[:, 16..48]`, also where a
/// view transposes them.
///
///   view(dequant(codes, scales))[i, j + c] = dequant(view(codes)[i, j + c], view(scales)[i, j +
///   c])
struct SliceColumns : OpRewritePattern<ViewOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ViewOp view, PatternRewriter &rewriter) const override {
    auto dequant = view.getSource().getDefiningOp<DequantOp>();
    if (!dequant || dequant.getFormat().getValue().dictionary)
      return rewriter.notifyMatchFailure(view, "it is no matrix of codes at known places");
    auto from = cast<RankedTensorType>(dequant.getType());
    auto to = cast<RankedTensorType>(view.getType());
    std::optional<Columns> columns = columnsOf(view, from, to);
    if (!columns)
      return rewriter.notifyMatchFailure(view, "it is no range of columns");
    const int64_t K = from.getDimSize(0), M = from.getDimSize(1);
    SmallVector<Value> parts;
    for (Value part : dequant.getParts()) {
      auto type = cast<RankedTensorType>(part.getType());
      if (type.getDimSize(1) != M) {
        parts.push_back(part); // one for all columns
        continue;
      }
      AffineExpr row = rewriter.getAffineDimExpr(0), column = rewriter.getAffineDimExpr(1);
      parts.push_back(ViewOp::create(
          rewriter, view.getLoc(),
          RankedTensorType::get({type.getDimSize(0), columns->count}, type.getElementType()), part,
          ValueRange(), AffineMap::get(2, 0, {row, column + columns->first}, view.getContext()),
          Boundary::inside));
    }
    auto sliced = RankedTensorType::get({K, columns->count}, from.getElementType());
    Value made = DequantOp::create(rewriter, dequant.getLoc(), columns->turned ? sliced : to, parts,
                                   dequant.getFormat());
    if (columns->turned)
      made =
          ViewOp::create(rewriter, view.getLoc(), to, made, ValueRange(),
                         AffineMap::getPermutationMap(ArrayRef<unsigned>{1, 0}, view.getContext()),
                         Boundary::inside);
    rewriter.replaceOp(view, made);
    return success();
  }

private:
  struct Columns {
    int64_t first, count;
    bool turned; ///< the view transposes
  };

  static std::optional<Columns> columnsOf(ViewOp view, RankedTensorType from, RankedTensorType to) {
    AffineMap map = view.getMap();
    if (from.getRank() != 2 || to.getRank() != 2 || !to.hasStaticShape() ||
        !view.getScalars().empty() || from.getDimSize(1) < 2)
      return {};
    auto row = dyn_cast<AffineDimExpr>(map.getResult(0));
    if (!row || to.getDimSize(row.getPosition()) != from.getDimSize(0))
      return {};
    const unsigned other = 1 - row.getPosition();
    AffineExpr offset = map.getResult(1) - getAffineDimExpr(other, view.getContext());
    auto first = dyn_cast<AffineConstantExpr>(
        simplifyAffineExpr(offset, map.getNumDims(), map.getNumSymbols()));
    const int64_t count = to.getDimSize(other);
    // What reads outside is no column; all of them are the matrix itself.
    if (!first || count == from.getDimSize(1) || first.getValue() < 0 ||
        first.getValue() + count > from.getDimSize(1))
      return {};
    return Columns{first.getValue(), count, other == 0};
  }
};

/// Other names of the dimensions, as those of a function's parameter, hide no weight from those who
/// look for products with codes.
template <typename Op> struct NameDequant : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    auto dequant = op.getSource().template getDefiningOp<DequantOp>();
    auto named = cast<RankedTensorType>(op.getType());
    if (!dequant || !sameShape(cast<RankedTensorType>(dequant.getType()), named) || moves(op))
      return rewriter.notifyMatchFailure(op, "it is no other name of a weight");
    rewriter.replaceOpWithNewOp<DequantOp>(op, named, dequant.getParts(), dequant.getFormat());
    return success();
  }

private:
  static bool moves(ReshapeOp) { return false; }
  static bool moves(ViewOp view) { return !view.getMap().isIdentity(); }
};

/// A product reads a transposed weight where it lies, `along = last` for one.
struct MultiplyTurned : OpRewritePattern<ContractOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ContractOp op, PatternRewriter &rewriter) const override {
    ViewOp left = turned(op.getLhs()), right = turned(op.getRhs());
    if (!left && !right)
      return rewriter.notifyMatchFailure(op, "no factor is a transposed weight");
    rewriter.modifyOpInPlace(op, [&] {
      if (left) {
        op.setLhsMap(left.getMap().compose(op.getLhsMap()));
        op.getLhsMutable().set(left.getSource());
      }
      if (right) {
        op.setRhsMap(right.getMap().compose(op.getRhsMap()));
        op.getRhsMutable().set(right.getSource());
      }
    });
    return success();
  }

private:
  /// The view that is all of a weight in another order; null: it is something else.
  static ViewOp turned(Value factor) {
    auto view = factor.getDefiningOp<ViewOp>();
    if (!view || view.getBoundary() != Boundary::inside || !view.getMap().isPermutation() ||
        !view.getSource().getDefiningOp<DequantOp>())
      return {};
    ArrayRef<int64_t> to = cast<RankedTensorType>(view.getType()).getShape(),
                      from = cast<RankedTensorType>(view.getSource().getType()).getShape();
    for (auto [i, size] : llvm::enumerate(from))
      if (to[view.getMap().getDimPosition(i)] != size)
        return {}; // a part
    return view;
  }
};

/// What a function calls the dimensions of its parameter is no difference between activations: then
/// those that several functions quantise are equal ops.
struct QuantizeUnnamed : OpRewritePattern<QuantizeActOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(QuantizeActOp op, PatternRewriter &rewriter) const override {
    auto names = op.getSource().getDefiningOp<ReshapeOp>();
    if (!names || !sameShape(names.getSource().getType(), op.getSource().getType()))
      return rewriter.notifyMatchFailure(op, "its source has the names of an op");
    RankedTensorType rows = names.getSource().getType();
    SmallVector<DimExpr> sizes;
    SmallVector<std::string> labels;
    auto dims = dyn_cast_or_null<DimsAttr>(rows.getEncoding());
    for (int64_t d = 0; d < rows.getRank(); ++d) {
      sizes.push_back(dimExpr(rows, d));
      labels.push_back(dims ? dims.getNames()[d].str() : "");
    }
    RankedTensorType codes = tensorType(sizes, labels, rewriter.getI8Type());
    sizes.pop_back(), labels.pop_back();
    RankedTensorType scales = tensorType(sizes, labels, rewriter.getF32Type());
    auto made = QuantizeActOp::create(rewriter, op.getLoc(), codes, scales, names.getSource());
    SmallVector<Value> renamed;
    for (auto [value, result] : llvm::zip_equal(made.getResults(), op.getResults()))
      renamed.push_back(
          value.getType() == result.getType()
              ? value
              : Value(ReshapeOp::create(rewriter, op.getLoc(), result.getType(), value)));
    rewriter.replaceOp(op, renamed);
    return success();
  }
};

} // namespace

void LutDialect::getCanonicalizationPatterns(RewritePatternSet &patterns) const {
  patterns.add<SliceParts, SliceColumns, NameDequant<ReshapeOp>, NameDequant<ViewOp>,
               MultiplyTurned, QuantizeUnnamed>(patterns.getContext());
}
