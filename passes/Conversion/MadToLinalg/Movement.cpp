//===- Movement.cpp - Gather, reshape and concat to linalg ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "passes/Conversion/MadToLinalg/Lowering.h"

using namespace mlir;

namespace mad {
namespace {

//===----------------------------------------------------------------------===//
// Gather
//===----------------------------------------------------------------------===//

/// The lowest and the highest of some indices, as i64.
struct IndexRange {
  Value lowest, highest;
};

struct GatherLowering : LoweringPattern<GatherOp> {
  using LoweringPattern::LoweringPattern;

  LogicalResult matchAndRewrite(GatherOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    auto type = cast<RankedTensorType>(op.getType());
    std::string name = nameOf(op.getSource());
    if (name.empty())
      name = nameOf(adaptor.getSource());
    for (unsigned k = 0; k < op.getIndices().size(); ++k)
      emitCheck(op, k, name, b);
    SmallVector<AffineMap> maps(adaptor.getIndices().size(),
                                b.getMultiDimIdentityMap(type.getRank()));
    Value source = adaptor.getSource();
    auto body = [&](OpBuilder &b, ValueRange indices) -> Value {
      auto positions = llvm::map_to_vector(indices, [&](Value index) -> Value {
        return arith::IndexCastOp::create(b, loc, b.getIndexType(), index);
      });
      return tensor::ExtractOp::create(b, loc, source, positions);
    };
    b.replaceOp(op, lowering.move(b, op, type, adaptor.getIndices(), maps, body));
    return success();
  }

  void emitCheck(GatherOp op, int64_t k, const std::string &name,
                 ConversionPatternRewriter &b) const {
    Location loc = op.getLoc();
    auto sourceType = cast<RankedTensorType>(op.getSource().getType());
    auto type = cast<RankedTensorType>(op.getType());
    Value indices = plainest(op.getIndices()[k]);
    if (auto iota = indices.getDefiningOp<IotaOp>()) {
      DimExpr extent = dimExpr(cast<RankedTensorType>(iota.getType()), iota.getAxis());
      auto rest = (dimExpr(sourceType, k) - extent).lowerBound();
      if (rest && *rest >= 0)
        return;
    }
    auto [lowest, highest] = rangeOf(op, indices, b);
    Value extent = lowering.extent(b, op, sourceType, k);
    Value bound = arith::IndexCastOp::create(b, loc, b.getI64Type(), extent);
    Value zero = arith::ConstantIntOp::create(b, loc, 0, 64);
    // No index at all: lowest is above highest, and neither compares as outside.
    Value below = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, lowest, zero);
    Value above = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, highest, bound);
    Value failed = arith::OrIOp::create(b, loc, below, above);
    // The indices may be there without the dims that they are repeated along.
    if (indices != op.getIndices()[k])
      for (int64_t d = 0; d < type.getRank(); ++d) {
        Value extent = lowering.extent(b, op, type, d), none = indexConstant(b, loc, 0);
        Value some = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sgt, extent, none);
        failed = arith::AndIOp::create(b, loc, failed, some);
      }
    Value found = arith::SelectOp::create(b, loc, below, lowest, highest);
    lowering.check(b, op, failed, found, bound, indexMessage(k, name));
  }

  /// The same indices, without views that only repeat or permute them.
  static Value plainest(Value indices) {
    auto view = indices.getDefiningOp<ViewOp>();
    if (!view || view.getBoundary() != Boundary::inside || !view.getScalars().empty())
      return indices;
    auto from = cast<RankedTensorType>(view.getSource().getType());
    auto to = cast<RankedTensorType>(view.getType());
    for (auto [k, e] : llvm::enumerate(view.getMap().getResults())) {
      auto constant = dyn_cast<AffineConstantExpr>(e);
      if (constant && constant.getValue() == 0 && dimExpr(from, k) == DimExpr(1))
        continue;
      auto dim = dyn_cast<AffineDimExpr>(e);
      if (!dim || dimExpr(from, k) != dimExpr(to, dim.getPosition()))
        return indices;
    }
    return plainest(view.getSource());
  }

  /// Finds the range in a pass of its own: it vectorises, and the loop that reads
  /// needs no way out.
  IndexRange rangeOf(GatherOp op, Value indices, ConversionPatternRewriter &b) const {
    Location loc = op.getLoc();
    auto type = cast<RankedTensorType>(indices.getType());
    if (auto iota = indices.getDefiningOp<IotaOp>()) {
      Value extent = lowering.extent(b, op, type, iota.getAxis());
      extent = arith::IndexCastOp::create(b, loc, b.getI64Type(), extent);
      Value one = arith::ConstantIntOp::create(b, loc, 1, 64);
      return {arith::ConstantIntOp::create(b, loc, 0, 64),
              arith::SubIOp::create(b, loc, extent, one)};
    }
    Value tensor = b.getRemappedValue(indices);
    int64_t rank = type.getRank();
    if (rank == 0) {
      Value index = scalarOf(b, loc, tensor, false);
      return {index, index};
    }
    auto filled = [&](int64_t value) -> Value {
      Value number = arith::ConstantIntOp::create(b, loc, value, 64);
      Value empty = tensor::EmptyOp::create(b, loc, ArrayRef<int64_t>(), b.getI64Type());
      return linalg::FillOp::create(b, loc, number, empty).getResult(0);
    };
    SmallVector<Value> inits{filled(INT64_MAX), filled(INT64_MIN)};
    AffineMap in = b.getMultiDimIdentityMap(rank), out = AffineMap::get(rank, 0, b.getContext());
    SmallVector<utils::IteratorType> loops(rank, utils::IteratorType::reduction);
    auto body = [](OpBuilder &b, Location loc, ValueRange v) {
      Value low = arith::MinSIOp::create(b, loc, v[1], v[0]);
      Value high = arith::MaxSIOp::create(b, loc, v[2], v[0]);
      linalg::YieldOp::create(b, loc, ValueRange{low, high});
    };
    auto range =
        linalg::GenericOp::create(b, loc, TypeRange{inits[0].getType(), inits[1].getType()}, tensor,
                                  inits, ArrayRef<AffineMap>{in, out, out}, loops, body);
    return {scalarOf(b, loc, range.getResult(0), false),
            scalarOf(b, loc, range.getResult(1), false)};
  }
};

//===----------------------------------------------------------------------===//
// Reshape
//===----------------------------------------------------------------------===//

struct ReshapeLowering : LoweringPattern<ReshapeOp> {
  using LoweringPattern::LoweringPattern;

  LogicalResult matchAndRewrite(ReshapeOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    auto from = cast<RankedTensorType>(op.getSource().getType());
    auto to = cast<RankedTensorType>(op.getType());
    auto isZero = [](int64_t size) { return size == 0; };
    if (llvm::any_of(from.getShape(), isZero) || llvm::any_of(to.getShape(), isZero)) {
      b.replaceOp(op, lowering.empty(b, op, to));
      return success();
    }
    SmallVector<ReassociationIndices> collapse, expand;
    group(from, to, collapse, expand);
    Value value = adaptor.getSource();
    bool collapses = static_cast<int64_t>(collapse.size()) != from.getRank();
    if (collapses)
      value = tensor::CollapseShapeOp::create(b, loc, collapsed(value, collapse), value, collapse);
    if (static_cast<int64_t>(expand.size()) != to.getRank())
      value = tensor::ExpandShapeOp::create(b, loc, lowering.plain(to), value, expand,
                                            lowering.sizes(b, op, to));
    b.replaceOp(op, value);
    return success();
  }

  static RankedTensorType collapsed(Value value, ArrayRef<ReassociationIndices> groups) {
    auto type = cast<RankedTensorType>(value.getType());
    SmallVector<int64_t> shape;
    for (const ReassociationIndices &g : groups) {
      int64_t size = 1;
      for (int64_t d : g)
        size = type.isDynamicDim(d) || ShapedType::isDynamic(size) ? ShapedType::kDynamic
                                                                   : size * type.getDimSize(d);
      shape.push_back(size);
    }
    return RankedTensorType::get(shape, type.getElementType());
  }

  /// Cuts both shapes into the same number of groups, of equal sizes as
  /// polynomials, as many as there are: the more, the more can fuse across. None
  /// when one shape is that of a scalar.
  static void group(RankedTensorType from, RankedTensorType to,
                    SmallVectorImpl<ReassociationIndices> &collapse,
                    SmallVectorImpl<ReassociationIndices> &expand) {
    auto prefixes = [](RankedTensorType type) {
      SmallVector<DimExpr> result{DimExpr(1)};
      for (int64_t d = 0; d < type.getRank(); ++d)
        result.push_back(result.back() * dimExpr(type, d));
      return result;
    };
    if (from.getRank() == 0 || to.getRank() == 0)
      return;
    SmallVector<DimExpr> a = prefixes(from), z = prefixes(to);
    int64_t i = 0, j = 0; // start of the current group
    auto cut = [&](int64_t iEnd, int64_t jEnd) {
      collapse.push_back(llvm::to_vector(llvm::seq(i, iEnd)));
      expand.push_back(llvm::to_vector(llvm::seq(j, jEnd)));
      i = iEnd, j = jEnd;
    };
    for (int64_t iEnd = 1; iEnd < from.getRank(); ++iEnd) {
      int64_t jEnd = j + 1;
      while (jEnd < to.getRank() && a[iEnd] != z[jEnd])
        ++jEnd;
      if (jEnd < to.getRank())
        cut(iEnd, jEnd);
    }
    cut(from.getRank(), to.getRank());
  }
};

//===----------------------------------------------------------------------===//
// Concat
//===----------------------------------------------------------------------===//

struct ConcatLowering : LoweringPattern<ConcatOp> {
  using LoweringPattern::LoweringPattern;

  LogicalResult matchAndRewrite(ConcatOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    auto type = cast<RankedTensorType>(op.getType());
    Value result = lowering.empty(b, op, type);
    SmallVector<OpFoldResult> offsets(type.getRank(), b.getIndexAttr(0));
    SmallVector<OpFoldResult> strides(type.getRank(), b.getIndexAttr(1));
    DimExpr at(0);
    for (auto [old, part] : llvm::zip(op.getParts(), adaptor.getParts())) {
      auto partType = cast<RankedTensorType>(old.getType());
      if (dimExpr(partType, op.getAxis()) == DimExpr(0))
        continue;
      auto constant = at.constant();
      offsets[op.getAxis()] = constant ? OpFoldResult(b.getIndexAttr(*constant))
                                       : OpFoldResult(lowering.size(b, op, at));
      result = tensor::InsertSliceOp::create(b, loc, part, result, offsets,
                                             lowering.sizes(b, op, partType), strides);
      at = at + dimExpr(partType, op.getAxis());
    }
    b.replaceOp(op, result);
    return success();
  }
};

} // namespace

void populateMovementPatterns(RewritePatternSet &patterns, Lowering &lowering) {
  patterns.add<ConcatLowering, GatherLowering, ReshapeLowering>(lowering, patterns.getContext());
}

} // namespace mad
