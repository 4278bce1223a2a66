//===- WeightParts.cpp - Weights that are stored in a format --------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Emit/WeightParts.h"
#include "dialects/Lut/IR/LutOps.h"
#include "mlir/IR/Builders.h"

using namespace mlir;

namespace mad {

/// The weight that holds a part of another one.
static std::string partName(const hir::Weight &weight, const lut::Part &part) {
  // Not a name that a program can give.
  if (part.shared)
    return "lut." + part.name;
  return weight.name + "." + part.name;
}

static std::vector<int64_t> shapeOf(const hir::Weight &weight) {
  std::vector<int64_t> shape;
  for (const hir::Dim &dim : weight.type.shape)
    shape.push_back(*dim.size.constant());
  return shape;
}

static std::vector<lut::Part> partsOf(const hir::Weight &weight) {
  return weight.format->parts(shapeOf(weight));
}

std::string sourceName(const hir::Weight &weight) {
  return weight.gptq && weight.value ? weight.name + ".unrounded" : weight.name;
}

/// The weight whose values are encoded.
static std::string roundedName(const hir::Weight &weight) {
  return weight.gptq && !weight.value ? weight.name + ".rounded" : weight.name;
}

/// A function that computes a weight, without its body.
static func::FuncOp computing(OpBuilder &b, WeightSourceOp source) {
  std::string name = source.getSymName().str();
  auto function = func::FuncOp::create(source.getLoc(), "weight.of." + name,
                                       b.getFunctionType({}, source.getType()));
  function.setPrivate();
  source->setAttr("computed", FlatSymbolRefAttr::get(function));
  function.addEntryBlock();
  return function;
}

void emitGptq(OpBuilder &b, const hir::Weight &weight, const std::string &path, Location loc,
              RankedTensorType type, SmallVectorImpl<func::FuncOp> &functions) {
  SmallVector<int64_t> square(type.getShape());
  // [K, K], where K is not the last dimension.
  if (weight.gptq->grid.last)
    square[square.size() - 2] = square.back();
  else
    square.back() = square[square.size() - 2];
  auto gramType = RankedTensorType::get(square, b.getF32Type());
  std::string gram = weight.name + ".gram";
  auto data = WeightSourceOp::create(b, loc, gram, gramType, path, gram, false);
  data->setAttr("calibration", b.getUnitAttr());
  auto source = WeightSourceOp::create(b, loc, roundedName(weight), type, "", "", false);
  func::FuncOp function = computing(b, source);
  OpBuilder body = OpBuilder::atBlockEnd(&function.front());
  Value values = WeightOp::create(body, loc, type, sourceName(weight));
  Value products = WeightOp::create(body, loc, gramType, gram);
  auto grid = lut::FormatAttr::get(b.getContext(), weight.gptq->grid);
  Value made = lut::GptqOp::create(body, loc, type, values, products, grid,
                                   b.getF64FloatAttr(weight.gptq->damp),
                                   weight.gptq->order ? b.getUnitAttr() : UnitAttr(),
                                   weight.gptq->search ? b.getUnitAttr() : UnitAttr());
  func::ReturnOp::create(body, loc, made);
  functions.push_back(function);
}

Value weightValue(OpBuilder &b, const hir::Weight &weight, Location loc, RankedTensorType type) {
  if (!weight.format)
    return WeightOp::create(b, loc, type, weight.name);
  SmallVector<Value> parts;
  for (const lut::Part &part : partsOf(weight))
    parts.push_back(
        WeightOp::create(b, loc, lut::partType(b.getContext(), part), partName(weight, part)));
  if (!weight.format->last)
    return lut::DequantOp::create(b, loc, type, parts,
                                  lut::FormatAttr::get(b.getContext(), *weight.format));
  // The matrices [K, M], which products read, and their transposes.
  SmallVector<int64_t> shape(type.getShape());
  std::swap(shape.end()[-1], shape.end()[-2]);
  auto turned = RankedTensorType::get(shape, type.getElementType());
  auto format = lut::FormatAttr::get(b.getContext(), weight.format->turned());
  Value matrices = lut::DequantOp::create(b, loc, turned, parts, format);
  SmallVector<AffineExpr> map;
  unsigned rank = shape.size();
  for (unsigned d = 0; d < rank; ++d)
    map.push_back(b.getAffineDimExpr(d + 2 < rank ? d : 2 * rank - 3 - d));
  return ViewOp::create(b, loc, type, matrices, ValueRange(),
                        AffineMap::get(rank, 0, map, b.getContext()), Boundary::inside);
}

bool isKept(const hir::Weight &weight) { return weight.format && weight.format->blockType(); }

void emitBlocks(OpBuilder &b, const hir::Weight &weight, const std::string &path, Location loc) {
  auto format = lut::FormatAttr::get(b.getContext(), *weight.format);
  std::vector<int64_t> shape = shapeOf(weight);
  for (auto [i, part] : llvm::enumerate(partsOf(weight))) {
    auto source =
        WeightSourceOp::create(b, loc, partName(weight, part), lut::partType(b.getContext(), part),
                               path, weight.entry, false);
    source->setAttr("blocks", format);
    source->setAttr("part", b.getI64IntegerAttr(int64_t(i)));
    source->setAttr("shape", b.getDenseI64ArrayAttr(shape));
    if (weight.layers >= 0)
      source->setAttr("layers", b.getI64IntegerAttr(weight.layers));
  }
}

void emitParts(OpBuilder &b, const hir::Weight &weight, Location loc, RankedTensorType type,
               SmallVectorImpl<func::FuncOp> &functions) {
  std::vector<lut::Part> parts = weight.format->ownParts(shapeOf(weight));
  SmallVector<Type> types;
  for (const lut::Part &part : parts)
    types.push_back(lut::partType(b.getContext(), part));
  for (auto [i, part] : llvm::enumerate(parts)) {
    std::string name = partName(weight, part);
    auto source = WeightSourceOp::create(b, loc, name, types[i], "", "", false);
    auto function = func::FuncOp::create(loc, "weight." + name, b.getFunctionType({}, types[i]));
    function.setPrivate();
    source->setAttr("computed", FlatSymbolRefAttr::get(function));
    OpBuilder body = OpBuilder::atBlockEnd(function.addEntryBlock());
    Value values = WeightOp::create(body, loc, type, roundedName(weight));
    auto encode = lut::EncodeOp::create(body, loc, types, values,
                                        lut::FormatAttr::get(b.getContext(), *weight.format),
                                        weight.exact || weight.gptq);
    func::ReturnOp::create(body, loc, encode.getParts()[i]);
    functions.push_back(function);
  }
}

void emitDictionary(OpBuilder &b, const hir::Weight &weight, Location loc,
                    SmallVectorImpl<func::FuncOp> &functions) {
  for (const lut::Part &part : partsOf(weight)) {
    if (!part.shared)
      continue;
    RankedTensorType type = lut::partType(b.getContext(), part);
    auto source = WeightSourceOp::create(b, loc, partName(weight, part), type, "", "", false);
    func::FuncOp function = computing(b, source);
    OpBuilder body = OpBuilder::atBlockEnd(&function.front());
    Value entries = lut::DictionaryOp::create(body, loc, type);
    func::ReturnOp::create(body, loc, entries);
    functions.push_back(function);
  }
}

} // namespace mad
