//===- BlockScales.cpp - Scales and minima of blocks -----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Lut/BlockScales.h"
#include "dialects/Lut/IR/LutOps.h"
#include "dialects/Mad/IR/MadMathOps.h"
#include "mlir/IR/Builders.h"

using namespace mlir;

namespace mad {

namespace {
class Maker {
public:
  Maker(OpBuilder &b, lut::DequantOp op)
      : b(b), loc(op.getLoc()), type(*op.getFormat().getValue().blockType()), parts(op.getParts()),
        groups(cast<RankedTensorType>(parts[1].getType()).getShape()) {}

  BlockScales make();

private:
  RankedTensorType tensor(ArrayRef<int64_t> shape, Type element) const {
    return RankedTensorType::get(shape, element);
  }
  Value number(Value like, int64_t value) {
    auto made = cast<RankedTensorType>(like.getType());
    Type element = made.getElementType();
    Attribute one = isa<FloatType>(element) ? Attribute(b.getFloatAttr(element, double(value)))
                                            : Attribute(b.getIntegerAttr(element, value));
    return ConstantOp::create(b, loc, made, DenseElementsAttr::get(made, one));
  }
  Value inF32(Value value) {
    return CastOp::create(
        b, loc, tensor(cast<RankedTensorType>(value.getType()).getShape(), b.getF32Type()), value);
  }
  Value product(Value a, Value c) { return MulOp::create(b, loc, a.getType(), a, c); }
  Value alongGroups(Value supers);

  OpBuilder &b;
  Location loc;
  const lut::BlockType &type;
  ValueRange parts;
  ArrayRef<int64_t> groups; ///< [B..., groups, M]
};
} // namespace

/// f16 [B..., blocks, M] as f32 [B..., groups, M].
Value Maker::alongGroups(Value supers) {
  auto from = cast<RankedTensorType>(supers.getType());
  int64_t rank = from.getRank(), each = type.block / type.group;
  SmallVector<int64_t> wide(from.getShape().drop_back());
  wide.push_back(each);
  wide.push_back(from.getShape().back());
  SmallVector<AffineExpr> map;
  for (int64_t d = 0; d < rank; ++d)
    map.push_back(b.getAffineDimExpr(unsigned(d + 1 == rank ? rank : d)));
  Value spread =
      ViewOp::create(b, loc, tensor(wide, from.getElementType()), supers, ValueRange(),
                     AffineMap::get(unsigned(rank + 1), 0, map, b.getContext()), Boundary::inside);
  return inF32(ReshapeOp::create(b, loc, tensor(groups, from.getElementType()), spread));
}

BlockScales Maker::make() {
  if (type.block == type.group)
    return {inF32(parts[1]), inF32(parts[2])};
  bool minCodes = type.minima == 2;
  Value codes = parts[1], minima;
  if (type.minima == 3) {
    minima = ShiftRightOp::create(b, loc, codes.getType(), codes, number(codes, 4));
    codes = BitAndOp::create(b, loc, codes.getType(), codes, number(codes, 15));
  } else if (minCodes) {
    minima = parts[2];
  }
  Value steps = inF32(codes);
  if (type.bias)
    steps = SubOp::create(b, loc, steps.getType(), steps, number(steps, type.bias));
  BlockScales made;
  made.scale = product(alongGroups(parts[minCodes ? 3 : 2]), steps);
  if (type.minima) {
    Value size = product(alongGroups(parts[minCodes ? 4 : 3]), inF32(minima));
    made.minimum = NegOp::create(b, loc, size.getType(), size);
  }
  return made;
}

BlockScales blockScales(OpBuilder &b, lut::DequantOp op) { return Maker(b, op).make(); }

BlockScales centredScales(OpBuilder &b, lut::DequantOp op) {
  BlockScales scales = blockScales(b, op);
  if (!scales.minimum)
    return scales;
  const lut::BlockType &block = *op.getFormat().getValue().blockType();
  auto type = cast<RankedTensorType>(scales.scale.getType());
  auto middle = DenseElementsAttr::get(
      type, b.getF32FloatAttr(float((1 << (block.bits - 1)) - block.middle)));
  Location loc = op.getLoc();
  Value shift = MulOp::create(b, loc, type, scales.scale,
                              ConstantOp::create(b, loc, type, middle).getResult());
  scales.minimum = AddOp::create(b, loc, type, scales.minimum, shift);
  return scales;
}

lut::Format integersOf(const lut::BlockType &block) {
  lut::Format format;
  format.bits = block.bits;
  format.group = block.group;
  return format;
}

Value groupSums(OpBuilder &b, Location loc, Value x, int64_t group) {
  auto from = cast<RankedTensorType>(x.getType());
  const unsigned rank = from.getRank();
  SmallVector<DimExpr> sizes;
  for (unsigned d = 0; d < rank; ++d)
    sizes.push_back(dimExpr(from, d));
  sizes.back() = DimExpr(from.getShape().back() / group);
  RankedTensorType sumsType = tensorType(sizes, {}, from.getElementType());
  sizes.push_back(DimExpr(group));
  // Not a view: of a tensor that is there rows are known to be neighbours.
  Value groups = ReshapeOp::create(b, loc, tensorType(sizes, {}, from.getElementType()), x);
  return ReduceOp::create(b, loc, sumsType, ReduceKind::sum, groups,
                          ArrayRef<int64_t>(int64_t(rank)));
}

} // namespace mad
