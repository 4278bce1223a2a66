//===- MadDerivatives.cpp - Tangents of the results of an op ---------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadDerivatives.h"
#include "dialects/Mad/IR/DerivativeInterface.h"
#include "dialects/Mad/IR/MadDataOps.h"
#include "dialects/Mad/IR/MadStateOps.h"

using namespace mlir;

namespace mad {

Tangents::Tangents(OpBuilder &b, Operation *op, ValueRange tangents)
    : b(b), op(op), loc(unnamed(op->getLoc())), tangents(tangents.begin(), tangents.end()) {
  for (auto [tangent, operand] : llvm::zip(this->tangents, op->getOperands()))
    if (tangent && tensorTypeOf(tangent).getRank() > tensorTypeOf(operand).getRank())
      directions = dimExpr(tensorTypeOf(tangent), 0);
}

Location unnamed(Location location) {
  auto named = dyn_cast<NameLoc>(location);
  return named ? named.getChildLoc() : location;
}

RankedTensorType tangentType(Type value, const std::optional<DimExpr> &directions) {
  auto type = cast<RankedTensorType>(value);
  if (!directions)
    return type;
  SmallVector<DimExpr> sizes{*directions};
  SmallVector<std::string> names{""};
  auto texts = dyn_cast_or_null<DimsAttr>(type.getEncoding());
  for (int64_t d = 0; d < type.getRank(); ++d) {
    sizes.push_back(dimExpr(type, d));
    names.push_back(texts ? texts.getNames()[d].str() : "");
  }
  return tensorType(sizes, names, type.getElementType());
}

RankedTensorType withElement(RankedTensorType type, Type element) {
  return RankedTensorType::get(type.getShape(), element, type.getEncoding());
}

RankedTensorType Tangents::type(Type value) const { return tangentType(value, directions); }

Value Tangents::view(Type type, Value source, AffineMap map, ValueRange scalars,
                     Boundary boundary) const {
  return ViewOp::create(b, loc, type, source, scalars, map, boundary);
}

Value Tangents::spread(Value value) const {
  if (!directions)
    return value;
  int64_t rank = tensorTypeOf(value).getRank();
  AffineMap map = AffineMap::getMultiDimIdentityMap(rank, b.getContext()).shiftDims(1);
  return view(type(value.getType()), value, map);
}

Value Tangents::dense(Value tangent, Value value) const {
  return tangent ? tangent : number(0, type(value.getType()));
}

AffineMap Tangents::lifted(AffineMap map) const {
  if (!directions)
    return map;
  SmallVector<AffineExpr> results{b.getAffineDimExpr(0)};
  llvm::append_range(results, map.shiftDims(1).getResults());
  return AffineMap::get(map.getNumDims() + 1, map.getNumSymbols(), results, b.getContext());
}

SmallVector<Value> Tangents::coordinates(ValueRange indices, RankedTensorType shape) const {
  SmallVector<Value> result;
  if (directions)
    result.push_back(IotaOp::create(b, loc, type(withElement(shape, b.getI64Type())), 0));
  for (Value index : indices)
    result.push_back(spread(index));
  return result;
}

Value filled(OpBuilder &b, Location loc, double number, Type type) {
  auto full = cast<RankedTensorType>(type);
  Type element = full.getElementType();
  Attribute attribute = isa<FloatType>(element)
                            ? Attribute(b.getFloatAttr(element, number))
                            : Attribute(b.getIntegerAttr(element, int64_t(number)));
  // A number under a dynamic shape is a scalar that is broadcast.
  auto held = full.hasStaticShape() ? full : RankedTensorType::get({}, element);
  Value constant = ConstantOp::create(b, loc, held, DenseElementsAttr::get(held, attribute));
  if (held == full)
    return constant;
  return ViewOp::create(b, loc, full, constant, ValueRange(),
                        AffineMap::get(full.getRank(), 0, b.getContext()), Boundary::inside);
}

Value Tangents::sum(Value x, Value y) const { return !x ? y : !y ? x : make<AddOp>(x, y); }

Value Tangents::difference(Value x, Value y) const {
  return !y ? x : !x ? make<NegOp>(y) : make<SubOp>(x, y);
}

Value Tangents::scaled(Value tangent, Value factor) const {
  return tangent ? make<MulOp>(tangent, spread(factor)) : Value();
}

Value Tangents::chosen(Value condition, Value x, Value y) const {
  if (!x && !y)
    return {};
  Type of = x ? x.getType() : y.getType();
  return SelectOp::create(b, loc, of, spread(condition), x ? x : number(0, of),
                          y ? y : number(0, of));
}

Value Tangents::compare(Predicate predicate, Value x, Value y) const {
  return CompareOp::create(b, loc, withElement(tensorTypeOf(x), b.getI1Type()), predicate, x, y);
}

namespace {

struct MadDerivative final : DerivativeInterface {
  using DerivativeInterface::DerivativeInterface;

  FailureOr<SmallVector<Value>> jvp(Operation *op, OpBuilder &builder,
                                    ValueRange tangents) const override {
    SmallVector<Value> results(op->getNumResults());
    if (op->getNumRegions() > 0)
      return failure();
    if (results.empty() || !isa<FloatType>(tensorTypeOf(op->getResult(0)).getElementType()))
      return results;
    Tangents t(builder, op, tangents);
    if (isa<ElementwiseOpInterface>(op)) {
      FailureOr<Value> tangent = elementwiseTangent(t);
      if (failed(tangent))
        return failure();
      results[0] = *tangent;
    } else if (isa<ReduceOp, ContractOp, CumulateOp>(op)) {
      results[0] = reductionTangent(t);
    } else if (isa<SortOp, ScatterOp>(op)) {
      results[0] = dataTangent(t);
    } else if (isa<ViewOp, GatherOp, ReshapeOp, ConcatOp, UpdateOp>(op)) {
      results[0] = movementTangent(t);
    } else {
      return failure();
    }
    return results;
  }
};

} // namespace

void addDerivativeInterface(MadDialect &dialect) { dialect.addInterfaces<MadDerivative>(); }

} // namespace mad
