//===- TileWeights.cpp - Weights of few bits as weights of tiles ----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Lut/TileWeights.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "passes/Lut/BlockScales.h"

using namespace mlir;

namespace mad {

lut::Format tileFormat(const lut::Format &format) {
  const lut::BlockType *block = format.blockType();
  return block ? integersOf(*block) : format;
}

TileWeights::TileWeights(ArrayRef<WeightOp> parts, lut::FormatAttr format, int64_t k)
    : parts(parts), stored(format) {
  tileLayout.format = mad::tileFormat(format.getValue());
  tileLayout.k = k;
  tileLayout.m = cast<RankedTensorType>(this->parts.front().getType()).getShape().back();
  tileFormat = lut::FormatAttr::get(format.getContext(), tileLayout.format);
  StringRef first = this->parts.front().getSource();
  first.consume_back(".codes");
  name = first.str();
}

/// [batch..., matrix...].
RankedTensorType TileWeights::tensor(ArrayRef<int64_t> matrix, Type element) {
  auto codes = cast<RankedTensorType>(parts.front().getType());
  SmallVector<int64_t> shape(codes.getShape().drop_back(2));
  llvm::append_range(shape, matrix);
  return RankedTensorType::get(shape, element);
}

RankedTensorType TileWeights::groupsType() {
  return tensor({tileLayout.k / tileLayout.format.group, tileLayout.m},
                Float32Type::get(stored.getContext()));
}

/// Reads the weight of a function of the parts.
WeightOp TileWeights::computed(OpBuilder &b, StringRef suffix, RankedTensorType type,
                               Compute compute) {
  auto module = parts.front()->getParentOfType<ModuleOp>();
  const std::string symbol = name + "." + suffix.str();
  Location loc = parts.front().getLoc();
  if (!module.lookupSymbol<WeightSourceOp>(symbol)) {
    // The source first of all: weights are computed in their order.
    auto function =
        func::FuncOp::create(loc, "weight." + symbol, b.getFunctionType({}, TypeRange(type)));
    function.setPrivate();
    OpBuilder body = OpBuilder::atBlockEnd(function.addEntryBlock());
    OpBuilder end = OpBuilder::atBlockEnd(module.getBody());
    end.insert(function);
    SmallVector<Value> read;
    for (WeightOp part : parts)
      read.push_back(body.clone(*part)->getResult(0));
    func::ReturnOp::create(body, loc, compute(body, read));
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(function.front())))
      if (isOpTriviallyDead(&op))
        op.erase();
    auto source = WeightSourceOp::create(end, loc, symbol, type, "", "", false);
    source->setAttr("computed", FlatSymbolRefAttr::get(function));
    source->setAttr("folded", b.getUnitAttr());
  }
  return WeightOp::create(b, loc, type, symbol);
}

/// Of blocks.
lut::DequantOp TileWeights::whole(OpBuilder &b, ValueRange read) {
  return lut::DequantOp::create(b, parts.front().getLoc(),
                                tensor({tileLayout.k, tileLayout.m}, b.getF32Type()), read, stored);
}

WeightOp TileWeights::scales(OpBuilder &b) {
  return computed(b, "tile_scales", groupsType(), [&](OpBuilder &body, ValueRange read) {
    return centredScales(body, whole(body, read)).scale;
  });
}

WeightOp TileWeights::minima(OpBuilder &b) {
  const lut::BlockType *block = stored.getValue().blockType();
  if (!block || block->minima == 0)
    return {};
  return computed(b, "tile_minima", groupsType(), [&](OpBuilder &body, ValueRange read) {
    return centredScales(body, whole(body, read)).minimum;
  });
}

WeightOp TileWeights::tiles(OpBuilder &b) {
  auto bytes = IntegerType::get(b.getContext(), 8, IntegerType::Unsigned);
  auto type = tensor({tileLayout.bytes()}, bytes);
  return computed(b, "tiles", type, [&](OpBuilder &body, ValueRange read) -> Value {
    SmallVector<Value> own(read);
    if (stored.getValue().blockType())
      own = {read.front(), scales(body)};
    return lut::PackOp::create(body, parts.front().getLoc(), type, own, tileFormat,
                               body.getI64IntegerAttr(tileLayout.k));
  });
}

} // namespace mad
