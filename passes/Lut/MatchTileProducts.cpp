//===- MatchTileProducts.cpp - Products that tensor cores read from tiles -===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The packing is a computed weight, whose function is `lut.tiles` of the parts. So it happens
// once, when the model is compiled, and nothing but tiles is on the device.
//
//===----------------------------------------------------------------------===//
#include "dialects/Lut/Format/Tiles.h"
#include "dialects/Lut/IR/LutOps.h"
#include "dialects/Mad/IR/MadPrecision.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "passes/Lut/Passes.h"
#include "passes/Transforms/Remarks.h"

using namespace mlir;

namespace mad {
#define GEN_PASS_DEF_MATCHTILEPRODUCTS
#include "passes/Lut/Passes.h.inc"

namespace {

/// A sum of products of something and a weight of few bits.
struct Match {
  ContractOp op;
  lut::DequantOp weight;
  Value source;
  AffineMap sourceMap, weightMap;

  /// Nothing if neither factor is such a weight.
  static std::optional<Match> of(ContractOp op) {
    if (auto right = op.getRhs().getDefiningOp<lut::DequantOp>())
      return Match{op, right, op.getLhs(), op.getLhsMap(), op.getRhsMap()};
    if (auto left = op.getLhs().getDefiningOp<lut::DequantOp>())
      return Match{op, left, op.getRhs(), op.getRhsMap(), op.getLhsMap()};
    return std::nullopt;
  }
  /// Why no kernel reads tiles, else empty.
  std::string obstacle();
  lut::TileLayout layout() {
    auto matrix = cast<RankedTensorType>(weight.getType());
    return {weight.getFormat().getValue(), matrix.getDimSize(0), matrix.getDimSize(1)};
  }
};

std::string Match::obstacle() {
  auto type = cast<RankedTensorType>(op.getType());
  auto from = cast<RankedTensorType>(source.getType());
  auto matrix = cast<RankedTensorType>(weight.getType());
  Type element = from.getElementType();
  if (precisionOf(op) == Precision::Strict)
    return "its sums are strict";
  if (!isa<Float16Type, BFloat16Type, Float32Type>(element) || matrix.getElementType() != element)
    return "tensor cores multiply f16, bf16 and f32 of one type";
  if (!isa<Float16Type, BFloat16Type, Float32Type>(type.getElementType()))
    return "sums are in f32";
  if (matrix.getRank() != 2)
    return "the weight is no single matrix";
  unsigned rank = type.getRank(), space = op.getLhsMap().getNumDims();
  MLIRContext *context = op.getContext();
  // x[t..., k] w[k, m].
  SmallVector<AffineExpr> x;
  for (unsigned d = 0; d + 1 < rank; ++d)
    x.push_back(getAffineDimExpr(d, context));
  x.push_back(getAffineDimExpr(rank, context));
  if (rank == 0 || space != rank + 1 || sourceMap != AffineMap::get(space, 0, x, context) ||
      weightMap !=
          AffineMap::get(space, 0, {x.back(), getAffineDimExpr(rank - 1, context)}, context))
    return "it is not of the form `x @ w`";
  if (matrix.getNumElements() == 0)
    return "there is nothing to sum";
  if (llvm::any_of(weight.getParts(), [](Value part) { return !part.getDefiningOp<WeightOp>(); }))
    return "it is no weight as a whole";
  if (element.isF32() && layout().isTable())
    return "tables of f32 have no kernel";
  return layout().check();
}

struct MatchTileProductsPass : impl::MatchTileProductsBase<MatchTileProductsPass> {
  void runOnOperation() override {
    SmallVector<ContractOp> found;
    getOperation().walk([&](ContractOp op) {
      std::optional<Match> match = Match::of(op);
      if (!match)
        return;
      if (std::string obstacle = match->obstacle(); !obstacle.empty())
        remarkMissed(op.getLoc(),
                     describe(op) + ": the weight is decoded whole, because " + obstacle);
      else
        found.push_back(op);
    });
    // What one of them multiplies may be the result of another.
    for (ContractOp op : found) {
      Match match = *Match::of(op);
      replace(match);
    }
  }

  void replace(Match &match) {
    OpBuilder b(match.op);
    lut::TileLayout layout = match.layout();
    auto type = RankedTensorType::get({layout.bytes()},
                                      IntegerType::get(b.getContext(), 8, IntegerType::Unsigned));
    Location loc = match.weight.getLoc();
    Value tiles = WeightOp::create(b, loc, type, tilesOf(match, layout, type));
    Type element = cast<RankedTensorType>(match.weight.getType()).getElementType();
    Value matrix =
        lut::FromTilesOp::create(b, loc, RankedTensorType::get({layout.m, layout.k}, element),
                                 tiles, match.weight.getFormat());
    multiply(b, match, matrix);
    // Else the parts would stay, too.
    if (match.weight.use_empty()) {
      SmallVector<Value> parts(match.weight.getParts());
      match.weight.erase();
      for (Value part : parts)
        if (part.use_empty())
          part.getDefiningOp()->erase();
    }
    ++numMatched;
  }

  /// x matrix^T. A vector becomes a row.
  void multiply(OpBuilder &b, Match &match, Value matrix) {
    Location loc = match.op.getLoc();
    auto type = cast<RankedTensorType>(match.op.getType());
    auto from = cast<RankedTensorType>(match.source.getType());
    Value x = match.source;
    auto made = type;
    if (type.getRank() == 1) {
      x = ReshapeOp::create(
          b, loc, RankedTensorType::get({1, from.getDimSize(0)}, from.getElementType()), x);
      made = RankedTensorType::get({1, type.getDimSize(0)}, type.getElementType());
    }
    const unsigned rank = made.getRank();
    SmallVector<AffineExpr> rows;
    for (unsigned d = 0; d + 1 < rank; ++d)
      rows.push_back(b.getAffineDimExpr(d));
    rows.push_back(b.getAffineDimExpr(rank));
    auto left = AffineMap::get(rank + 1, 0, rows, b.getContext());
    auto right =
        AffineMap::get(rank + 1, 0, {b.getAffineDimExpr(rank - 1), rows.back()}, b.getContext());
    auto product = ContractOp::create(b, loc, made, x, matrix, left, right);
    product->setDiscardableAttrs(match.op->getDiscardableAttrDictionary());
    Value result = product;
    if (made != type)
      result = ReshapeOp::create(b, loc, type, result);
    match.op.replaceAllUsesWith(result);
    match.op.erase();
  }

  /// The name of the weight that holds the tiles, which is made when it is first asked for.
  std::string tilesOf(Match &match, const lut::TileLayout &layout, RankedTensorType type) {
    auto codes = match.weight.getParts().front().getDefiningOp<WeightOp>();
    StringRef name = codes.getSource();
    name.consume_back(".codes");
    std::string tiles = (name + ".tiles").str();
    if (getOperation().lookupSymbol<WeightSourceOp>(tiles))
      return tiles;
    Location loc = match.weight.getLoc();
    OpBuilder b = OpBuilder::atBlockEnd(getOperation().getBody());
    auto source = WeightSourceOp::create(b, loc, tiles, type, "", "", false);
    auto function =
        func::FuncOp::create(b, loc, "weight." + tiles, b.getFunctionType({}, TypeRange(type)));
    function.setPrivate();
    source->setAttr("computed", FlatSymbolRefAttr::get(function));
    OpBuilder body = OpBuilder::atBlockEnd(function.addEntryBlock());
    SmallVector<Value> parts;
    for (Value part : match.weight.getParts())
      parts.push_back(body.clone(*part.getDefiningOp())->getResult(0));
    Value packed = lut::TilesOp::create(body, loc, type, parts, match.weight.getFormat(),
                                        body.getI64IntegerAttr(layout.k));
    func::ReturnOp::create(body, loc, packed);
    return tiles;
  }
};

} // namespace
} // namespace mad
