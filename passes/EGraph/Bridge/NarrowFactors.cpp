//===- NarrowFactors.cpp - Factors of 16 bits that products widen -----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/EGraph/Bridge/NarrowFactors.h"
#include "dialects/Mad/IR/MadOps.h"
#include "mlir/IR/IRMapping.h"
#include "passes/Transforms/Remarks.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;

namespace mad {

/// The type of 16-bit floats that a value is made of by widening and moving alone; else null.
static Type widenedFrom(Value value) {
  while (auto view = value.getDefiningOp<ViewOp>())
    value = view.getSource();
  auto cast = value.getDefiningOp<CastOp>();
  if (!cast || !getElementTypeOrSelf(cast.getType()).isF32())
    return {};
  Type from = getElementTypeOrSelf(cast.getOperand().getType());
  return isa<Float16Type, BFloat16Type>(from) ? from : Type();
}

/// A product of two factors that are widened from the same type; else null.
static ContractOp narrowProduct(Operation *op) {
  auto product = dyn_cast<ContractOp>(op);
  Type from = product ? widenedFrom(product.getLhs()) : Type();
  return from && widenedFrom(product.getRhs()) == from ? product : ContractOp();
}

bool isForNarrowProducts(Value value) {
  return widenedFrom(value) && llvm::all_of(value.getUsers(), [](Operation *user) {
           return isa<ViewOp>(user) ? isForNarrowProducts(user->getResult(0))
                                    : bool(narrowProduct(user));
         });
}

namespace {

/// Smaller matrices have no panels (`mad-pack-weights`).
constexpr int64_t leastSize = 16;

/// A matrix that is a factor of a product.
struct Factor {
  WeightOp weight;
  CastOp cast;
  OpOperand *operand;
};

/// What reads a weight of two dimensions.
struct Reads {
  SmallVector<Factor> alongRows,
      alongColumns; ///< that is, sums over its first dimension, or its last
  bool others = false;

  void add(WeightOp weight);
};

AffineMapAttr mapOf(OpOperand &operand) {
  auto product = cast<ContractOp>(operand.getOwner());
  return operand.getOperandNumber() == 0 ? product.getLhsMapAttr() : product.getRhsMapAttr();
}

void Reads::add(WeightOp weight) {
  for (Operation *user : weight->getUsers()) {
    auto cast = dyn_cast<CastOp>(user);
    if (!cast || !widenedFrom(cast)) {
      others = true;
      continue;
    }
    for (OpOperand &operand : cast->getUses()) {
      ContractOp product = narrowProduct(operand.getOwner());
      if (!product || product.getLhs() == product.getRhs()) {
        others = true;
        continue;
      }
      auto result = mlir::cast<RankedTensorType>(product.getType());
      const bool rows = int64_t(mapOf(operand).getValue().getDimPosition(0)) >= result.getRank();
      const bool columns = int64_t(mapOf(operand).getValue().getDimPosition(1)) >= result.getRank();
      others |= rows == columns;
      if (rows != columns)
        (rows ? alongRows : alongColumns).push_back({weight, cast, &operand});
    }
  }
}

/// Lets a product read another weight; `turned`: that has the first dimension last.
void read(Factor factor, WeightSourceOp source, RankedTensorType type, bool turned) {
  OpBuilder b(factor.cast);
  Value narrow = WeightOp::create(b, factor.weight.getLoc(), type, source.getSymName());
  auto wide = RankedTensorType::get(type.getShape(), b.getF32Type(), type.getEncoding());
  factor.operand->set(CastOp::create(b, factor.cast.getLoc(), wide, narrow));
  if (!turned)
    return;
  AffineMap map = mapOf(*factor.operand).getValue();
  auto swapped = AffineMapAttr::get(
      AffineMap::get(map.getNumDims(), 0, {map.getResult(1), map.getResult(0)}, map.getContext()));
  auto product = cast<ContractOp>(factor.operand->getOwner());
  if (factor.operand->getOperandNumber() == 0)
    product.setLhsMapAttr(swapped);
  else
    product.setRhsMapAttr(swapped);
}

/// Gives factors a weight of their own.
void moveTo(ArrayRef<Factor> factors, bool turned,
            llvm::function_ref<WeightSourceOp(Value)> sourceOf) {
  WeightOp weight = factors.front().weight;
  OpBuilder b(weight->getBlock(), std::next(weight->getIterator()));
  auto type = cast<RankedTensorType>(weight.getType());
  Value value = weight;
  if (turned) {
    type = RankedTensorType::get({type.getDimSize(1), type.getDimSize(0)}, type.getElementType());
    value = ViewOp::create(b, weight.getLoc(), type, weight, ValueRange(),
                           AffineMap::getPermutationMap(ArrayRef<unsigned>{1, 0}, b.getContext()),
                           Boundary::inside);
  }
  WeightSourceOp source = sourceOf(value);
  for (const Factor &factor : factors)
    read(factor, source, type, turned);
  if (turned)
    value.getDefiningOp()->erase();
  if (wantsRemarks(b.getContext()))
    remarkTaken(factors.front().operand->getOwner()->getLoc(),
                Twine("weight `") + weight.getSource() +
                    "` is stored once more, for products that sum over its " +
                    (turned ? "last" : "first") + " dimension");
}

/// Whether a product needs it, as it is or moved.
bool isFactor(Value value) {
  return llvm::any_of(value.getUsers(), [](Operation *user) {
    return isa<ViewOp>(user) ? isFactor(user->getResult(0)) : isa<ContractOp>(user);
  });
}

/// What is widened and then moved, moved as it is. Its elements are there, not those of a boundary.
Value narrowOf(Value value, OpBuilder &b) {
  auto view = value.getDefiningOp<ViewOp>();
  if (!view)
    return value.getDefiningOp<CastOp>().getOperand();
  Value source = narrowOf(view.getSource(), b);
  IRMapping map;
  map.map(view.getSource(), source);
  Operation *moved = b.clone(*view, map);
  Value result = moved->getResult(0);
  auto type = cast<RankedTensorType>(result.getType());
  result.setType(type.clone(getElementTypeOrSelf(source.getType())));
  return result;
}

bool isMovedInside(Value value) {
  auto view = value.getDefiningOp<ViewOp>();
  return !view || (view.getBoundary() == Boundary::inside && isMovedInside(view.getSource()));
}

} // namespace

void widenJoined(func::FuncOp function) {
  SmallVector<ConcatOp> joins;
  function.walk([&](ConcatOp join) { joins.push_back(join); });
  for (ConcatOp join : joins) {
    Type from = widenedFrom(join.getParts().front());
    auto isAlike = [&](Value part) { return widenedFrom(part) == from && isMovedInside(part); };
    if (!from || !isFactor(join) || !llvm::all_of(join.getParts(), isAlike))
      continue;
    OpBuilder b(join);
    SmallVector<Value> parts;
    for (Value part : join.getParts())
      parts.push_back(narrowOf(part, b));
    auto type = cast<RankedTensorType>(join.getType());
    Value narrow = ConcatOp::create(b, join.getLoc(), type.clone(from), parts, join.getAxisAttr());
    join.replaceAllUsesWith(CastOp::create(b, join.getLoc(), type, narrow).getResult());
    join.erase();
  }
}

unsigned splitOrders(ArrayRef<func::FuncOp> functions,
                     llvm::function_ref<WeightSourceOp(Value)> sourceOf) {
  llvm::MapVector<StringRef, Reads> reads;
  for (func::FuncOp function : functions)
    function->walk([&](WeightOp weight) {
      auto type = cast<RankedTensorType>(weight.getType());
      if (type.getRank() == 2 &&
          llvm::all_of(type.getShape(), [](auto n) { return n >= leastSize; }) &&
          isa<Float16Type, BFloat16Type>(type.getElementType()))
        reads[weight.getSource()].add(weight);
    });
  unsigned made = 0;
  for (auto &[name, read] : reads) {
    const bool both = !read.alongRows.empty() && !read.alongColumns.empty();
    // Who comes first has the weight itself, where nothing else needs it.
    if (!read.alongRows.empty() && read.others)
      moveTo(read.alongRows, /*turned=*/false, sourceOf), ++made;
    if (!read.alongColumns.empty() && (read.others || both))
      moveTo(read.alongColumns, /*turned=*/true, sourceOf), ++made;
  }
  return made;
}

} // namespace mad
