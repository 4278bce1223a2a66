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
#include "passes/Lut/SplitBatches.h"
#include "passes/Transforms/Remarks.h"

using namespace mlir;

namespace mad {
#define GEN_PASS_DEF_MATCHTILEPRODUCTS
#include "passes/Lut/Passes.h.inc"

namespace {

/// One matrix of a weight [batch..., K, M], or the only one of [K, M].
struct Chosen {
  WeightOp weight;
  ViewOp view; ///< null: all of it

  /// Nothing if a part is something else.
  static std::optional<Chosen> of(Value part);
  /// Coordinates in front of those of a matrix.
  ArrayRef<AffineExpr> place() const {
    return view ? ViewOp(view).getMap().getResults().drop_back(2) : ArrayRef<AffineExpr>();
  }
  ValueRange scalars() const { return view ? ViewOp(view).getScalars() : ValueRange(); }
  bool isAt(const Chosen &other) const {
    return place() == other.place() && llvm::equal(scalars(), other.scalars());
  }
};

std::optional<Chosen> Chosen::of(Value part) {
  if (auto weight = part.getDefiningOp<WeightOp>())
    return Chosen{weight, {}};
  auto view = part.getDefiningOp<ViewOp>();
  auto weight = view ? view.getSource().getDefiningOp<WeightOp>() : WeightOp();
  if (!weight)
    return std::nullopt;
  AffineMap map = view.getMap();
  auto type = cast<RankedTensorType>(view.getType()), from = view.getSource().getType();
  bool whole = type.getRank() == 2 && from.getRank() > 2 &&
               type.getShape() == from.getShape().take_back(2) &&
               map.getResults().take_back(2) == ArrayRef{getAffineDimExpr(0, map.getContext()),
                                                         getAffineDimExpr(1, map.getContext())};
  Chosen made{weight, view};
  auto isFixed = [](AffineExpr e) { return !e.isFunctionOfDim(0) && !e.isFunctionOfDim(1); };
  if (!whole || !llvm::all_of(made.place(), isFixed))
    return std::nullopt;
  return made;
}

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
  bool isBatch() { return cast<RankedTensorType>(weight.getType()).getRank() == 3; }
  lut::TileLayout layout() {
    ArrayRef<int64_t> matrix = cast<RankedTensorType>(weight.getType()).getShape().take_back(2);
    return {weight.getFormat().getValue(), matrix[0], matrix[1]};
  }

private:
  bool isRowsTimesMatrix();
  bool isWeight();
};

/// x[b, t..., k] w[b, k, m], or x[t..., k] w[b, k, m], or both without b.
bool Match::isRowsTimesMatrix() {
  const unsigned rank = cast<RankedTensorType>(op.getType()).getRank(), batch = isBatch();
  const unsigned space = op.getLhsMap().getNumDims();
  MLIRContext *context = op.getContext();
  SmallVector<AffineExpr> x, w;
  for (unsigned d = 0; d + 1 < rank; ++d)
    x.push_back(getAffineDimExpr(d, context));
  x.push_back(getAffineDimExpr(rank, context));
  if (batch)
    w.push_back(getAffineDimExpr(0, context));
  w.push_back(getAffineDimExpr(rank, context));
  w.push_back(getAffineDimExpr(rank - 1, context));
  auto isRows = [&](ArrayRef<AffineExpr> dims) {
    return sourceMap == AffineMap::get(space, 0, dims, context);
  };
  return rank > batch && space == rank + 1 &&
         (isRows(x) || isRows(ArrayRef(x).drop_front(batch))) &&
         weightMap == AffineMap::get(space, 0, w, context);
}

/// Whether its parts are weights, or the same matrix of each.
bool Match::isWeight() {
  std::optional<Chosen> first = Chosen::of(weight.getParts().front());
  return first && llvm::all_of(weight.getParts(), [&](Value part) {
           std::optional<Chosen> chosen = Chosen::of(part);
           return chosen && chosen->isAt(*first) && !(isBatch() && chosen->view);
         });
}

std::string Match::obstacle() {
  auto type = cast<RankedTensorType>(op.getType());
  auto matrix = cast<RankedTensorType>(weight.getType());
  Type element = cast<RankedTensorType>(source.getType()).getElementType();
  if (precisionOf(op) == Precision::Strict)
    return "its sums are strict";
  if (!isa<Float16Type, BFloat16Type, Float32Type>(element) || matrix.getElementType() != element)
    return "tensor cores multiply f16, bf16 and f32 of one type";
  if (!isa<Float16Type, BFloat16Type, Float32Type>(type.getElementType()))
    return "sums are in f32";
  if (matrix.getRank() > 3)
    return "the weight is no single matrix, nor one for each of a batch";
  if (!isRowsTimesMatrix())
    return "it is not of the form `x @ w`";
  if (matrix.getNumElements() == 0)
    return "there is nothing to sum";
  if (!isWeight())
    return "it is no weight as a whole, nor a matrix of one";
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
      if (match.isBatch())
        match = *Match::of(splitBatch(op, match.weight));
      replace(match);
    }
  }

  void replace(Match &match) {
    OpBuilder b(match.op);
    lut::TileLayout layout = match.layout();
    Location loc = match.weight.getLoc();
    Value tiles = tilesOf(b, match, layout);
    Type element = cast<RankedTensorType>(match.weight.getType()).getElementType();
    Value matrix =
        lut::FromTilesOp::create(b, loc, RankedTensorType::get({layout.m, layout.k}, element),
                                 tiles, match.weight.getFormat());
    multiply(b, match, matrix);
    // Else the parts would stay, too.
    if (match.weight.use_empty()) {
      SmallVector<Value> parts(match.weight.getParts());
      match.weight.erase();
      llvm::for_each(parts, eraseUnread);
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

  static void eraseUnread(Value part) {
    if (!part.use_empty())
      return;
    auto view = part.getDefiningOp<ViewOp>();
    Value from = view ? view.getSource() : Value();
    part.getDefiningOp()->erase();
    if (from && from.use_empty())
      from.getDefiningOp()->erase();
  }

  /// The tiles of the matrix.
  Value tilesOf(OpBuilder &b, Match &match, const lut::TileLayout &layout) {
    Location loc = match.weight.getLoc();
    std::vector<WeightOp> parts;
    for (Value part : match.weight.getParts())
      parts.push_back(Chosen::of(part)->weight);
    auto codes = cast<RankedTensorType>(parts.front().getType());
    SmallVector<int64_t> shape(codes.getShape().drop_back(2));
    shape.push_back(layout.bytes());
    auto type =
        RankedTensorType::get(shape, IntegerType::get(b.getContext(), 8, IntegerType::Unsigned));
    std::string name = sourceOfTiles(parts, match.weight.getFormat(), layout, type);
    Value tiles = WeightOp::create(b, loc, type, name);
    Chosen first = *Chosen::of(match.weight.getParts().front());
    if (!first.view)
      return tiles;
    SmallVector<AffineExpr> place(first.place());
    place.push_back(b.getAffineDimExpr(0));
    auto one = RankedTensorType::get({layout.bytes()}, type.getElementType());
    auto view = ViewOp::create(b, first.view.getLoc(), one, tiles, first.scalars(),
                               AffineMap::get(1, first.scalars().size(), place, b.getContext()),
                               first.view.getBoundary());
    view->setDiscardableAttrs(first.view->getDiscardableAttrDictionary());
    return view;
  }

  /// The name of the weight that holds them, which is made when it is first asked for.
  std::string sourceOfTiles(std::vector<WeightOp> &parts, lut::FormatAttr format,
                            const lut::TileLayout &layout, RankedTensorType type) {
    StringRef name = parts.front().getSource();
    name.consume_back(".codes");
    std::string tiles = (name + ".tiles").str();
    if (getOperation().lookupSymbol<WeightSourceOp>(tiles))
      return tiles;
    Location loc = parts.front().getLoc();
    OpBuilder b = OpBuilder::atBlockEnd(getOperation().getBody());
    auto source = WeightSourceOp::create(b, loc, tiles, type, "", "", false);
    auto function =
        func::FuncOp::create(b, loc, "weight." + tiles, b.getFunctionType({}, TypeRange(type)));
    function.setPrivate();
    source->setAttr("computed", FlatSymbolRefAttr::get(function));
    OpBuilder body = OpBuilder::atBlockEnd(function.addEntryBlock());
    SmallVector<Value> read;
    for (WeightOp part : parts)
      read.push_back(body.clone(*part)->getResult(0));
    Value packed =
        lut::TilesOp::create(body, loc, type, read, format, body.getI64IntegerAttr(layout.k));
    func::ReturnOp::create(body, loc, packed);
    return tiles;
  }
};

} // namespace
} // namespace mad
