//===- Movement.cpp - Gather, reshape and concat to linalg ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadSubject.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "passes/Conversion/MadToLinalg/Indices.h"
#include "passes/Conversion/MadToLinalg/Lowering.h"
#include "passes/Conversion/MadToLinalg/Memory.h"

using namespace mlir;

namespace mad {
namespace {

//===----------------------------------------------------------------------===//
// Gather
//===----------------------------------------------------------------------===//

struct GatherLowering : LoweringPattern<GatherOp> {
  using LoweringPattern::LoweringPattern;

  LogicalResult matchAndRewrite(GatherOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    auto type = cast<RankedTensorType>(op.getType());
    for (int64_t k : checkOrder(op, op.getIndices().size()))
      checkIndices(lowering, op, op.getSource(), k, op.getIndices()[k], type, b);
    SmallVector<AffineMap> maps(adaptor.getIndices().size(),
                                b.getMultiDimIdentityMap(type.getRank()));
    Value source = adaptor.getSource();
    auto body = [&](OpBuilder &b, ValueRange indices) -> Value {
      auto positions = llvm::map_to_vector(indices, [&](Value index) -> Value {
        return arith::IndexCastOp::create(b, loc, b.getIndexType(), index);
      });
      return tensor::ExtractOp::create(b, loc, source, positions);
    };
    b.replaceOp(op, lowering.map(b, op, type, adaptor.getIndices(), maps, body));
    return success();
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
    if (isLongList(op)) {
      b.replaceOp(op, list(adaptor.getParts(), lowering.plain(type), loc, b));
      return success();
    }
    const bool inMemory = isLong(op);
    Value result = inMemory ? memoryFor(lowering, b, op, type) : lowering.empty(b, op, type);
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
      auto sizes = lowering.sizes(b, op, partType);
      if (inMemory)
        writeMemory(b, loc, part,
                    memref::SubViewOp::create(b, loc, result, offsets, sizes, strides));
      else
        result = tensor::InsertSliceOp::create(b, loc, part, result, offsets, sizes, strides);
      at = at + dimExpr(partType, op.getAxis());
    }
    b.replaceOp(op, inMemory ? contentsOf(b, loc, result) : result);
    return success();
  }

  /// Bufferization looks through all slices that were inserted before for each one, so many are
  /// written to memory.
  static bool isLong(ConcatOp op) { return op.getParts().size() > 32; }
  /// `[a, b, ...]` of many scalars, which are elements instead. Kernels write slices.
  bool isLongList(ConcatOp op) const {
    return !lowering.device && isLong(op) && llvm::all_of(op.getParts(), [](Value v) {
      return cast<RankedTensorType>(v.getType()).getShape() == ArrayRef<int64_t>{1};
    });
  }

  static Value list(ValueRange parts, RankedTensorType type, Location loc, OpBuilder &b) {
    Value zero = arith::ConstantIndexOp::create(b, loc, 0);
    SmallVector<Value> elements;
    for (Value part : parts) {
      auto expand = part.getDefiningOp<tensor::ExpandShapeOp>();
      bool isScalar = expand && expand.getSrcType().getRank() == 0;
      elements.push_back(tensor::ExtractOp::create(b, loc, isScalar ? expand.getSrc() : part,
                                                   isScalar ? ValueRange() : ValueRange(zero)));
    }
    return tensor::FromElementsOp::create(b, loc, type, elements);
  }
};

} // namespace

void populateMovementPatterns(RewritePatternSet &patterns, Lowering &lowering) {
  patterns.add<ConcatLowering, GatherLowering, ReshapeLowering>(lowering, patterns.getContext());
}

} // namespace mad
