//===- MatchTileProducts.cpp - Products that tensor cores read from tiles -===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The packing is a computed weight (TileWeights.h). So it happens once, when the model is compiled,
// and nothing but tiles is on the device.
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadMathOps.h"
#include "dialects/Mad/IR/MadPrecision.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "passes/Lut/BlockScales.h"
#include "passes/Lut/Passes.h"
#include "passes/Lut/SplitBatches.h"
#include "passes/Lut/TileWeights.h"
#include "passes/Lut/WeightProduct.h"
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

/// One that kernels may compute from tiles.
struct Match : WeightProduct {
  Match(const WeightProduct &product) : WeightProduct(product) {}
  /// Why no kernel reads tiles, else empty.
  std::string obstacle();
  lut::TileLayout layout() {
    ArrayRef<int64_t> matrix = cast<RankedTensorType>(weight.getType()).getShape().take_back(2);
    return {tileFormat(weight.getFormat().getValue()), matrix[0], matrix[1]};
  }

private:
  bool isWeight();
};

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
  return layout().check();
}

struct MatchTileProductsPass : impl::MatchTileProductsBase<MatchTileProductsPass> {
  void runOnOperation() override {
    SmallVector<ContractOp> found;
    getOperation().walk([&](ContractOp op) {
      std::optional<WeightProduct> product = WeightProduct::of(op);
      if (!product)
        return;
      if (std::string obstacle = Match(*product).obstacle(); !obstacle.empty())
        remarkMissed(op.getLoc(),
                     describe(op) + ": the weight is decoded whole, because " + obstacle);
      else
        found.push_back(op);
    });
    // What one of them multiplies may be the result of another.
    for (ContractOp op : found) {
      Match match = WeightProduct::of(op)->inOrder();
      if (match.isBatch())
        match = *WeightProduct::of(splitBatch(match.op, match.weight));
      replace(match);
    }
  }

  void replace(Match &match) {
    OpBuilder b(match.op);
    SmallVector<WeightOp> parts;
    for (Value part : match.weight.getParts())
      parts.push_back(Chosen::of(part)->weight);
    TileWeights weights(parts, match.weight.getFormat(), match.layout().k);
    Chosen chosen = *Chosen::of(match.weight.getParts().front());
    const lut::TileLayout &layout = weights.layout();
    Location loc = match.weight.getLoc();
    Value tiles = one(b, chosen, weights.tiles(b), 1);
    Type element = cast<RankedTensorType>(match.weight.getType()).getElementType();
    Value matrix = lut::UnpackOp::create(
        b, loc, RankedTensorType::get({layout.m, layout.k}, element), tiles, weights.format());
    WeightOp minima = weights.minima(b);
    Value made = minima ? withMinima(b, match, matrix, one(b, chosen, minima, 2))
                        : product(b, match, matrix, cast<RankedTensorType>(match.op.getType()));
    match.op.replaceAllUsesWith(made);
    match.op.erase();
    // Else the parts would stay, too.
    if (match.weight.use_empty()) {
      SmallVector<Value> parts(match.weight.getParts());
      match.weight.erase();
      llvm::for_each(parts, eraseUnread);
    }
    ++numMatched;
  }

  /// x matrix^T of a type. A vector becomes a row.
  Value product(OpBuilder &b, Match &match, Value matrix, RankedTensorType type) {
    Location loc = match.op.getLoc();
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
    return made == type ? Value(product) : ReshapeOp::create(b, loc, type, product).getResult();
  }

  /// Minima go with the sums of groups of x, in f32. Codes are around their middle, so both are
  /// about as large as what they add up to, and a product that is rounded before costs no digits.
  Value withMinima(OpBuilder &b, Match &match, Value matrix, Value minima) {
    Location loc = match.op.getLoc();
    auto inF32 = [&](Value value) -> Value {
      auto type = cast<RankedTensorType>(value.getType());
      if (type.getElementType().isF32())
        return value;
      return CastOp::create(b, loc, type.clone(b.getF32Type()), value);
    };
    auto type = cast<RankedTensorType>(match.op.getType());
    auto wide = type.clone(b.getF32Type());
    Value sums = groupSums(b, loc, inF32(match.source), match.layout().format.group);
    auto least = ContractOp::create(b, loc, wide, sums, minima, match.sourceMap, match.weightMap);
    least->setDiscardableAttrs(match.op->getDiscardableAttrDictionary());
    Value made = AddOp::create(b, loc, wide, inF32(product(b, match, matrix, type)), least);
    return wide == type ? made : CastOp::create(b, loc, type, made).getResult();
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

  /// What belongs to the matrix, of `rank` dimensions, of a computed weight.
  static Value one(OpBuilder &b, Chosen chosen, WeightOp all, unsigned rank) {
    if (!chosen.view)
      return all;
    auto type = cast<RankedTensorType>(all.getType());
    SmallVector<AffineExpr> place(chosen.place());
    for (unsigned d = 0; d < rank; ++d)
      place.push_back(b.getAffineDimExpr(d));
    auto view = ViewOp::create(
        b, chosen.view.getLoc(),
        RankedTensorType::get(type.getShape().take_back(rank), type.getElementType()), all,
        chosen.scalars(), AffineMap::get(rank, chosen.scalars().size(), place, b.getContext()),
        chosen.view.getBoundary());
    view->setDiscardableAttrs(chosen.view->getDiscardableAttrDictionary());
    return view;
  }
};

} // namespace
} // namespace mad
