//===- MadDerivativesReduction.cpp - Derivatives of sums and products ------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Products are differentiated by the products of all other factors, never by a division, so that
// zeros are no exception. Of equal largest (or smallest) elements of a reduction each counts the
// same; of those that `cumulate` meets, the first.
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadDataOps.h"
#include "dialects/Mad/IR/MadDerivatives.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mad;

static RankedTensorType without(RankedTensorType type, int64_t axis) {
  SmallVector<DimExpr> sizes;
  SmallVector<std::string> names;
  auto texts = dyn_cast_or_null<DimsAttr>(type.getEncoding());
  for (int64_t d = 0; d < type.getRank(); ++d)
    if (d != axis) {
      sizes.push_back(dimExpr(type, d));
      names.push_back(texts ? texts.getNames()[d].str() : "");
    }
  return tensorType(sizes, names, type.getElementType());
}

static Value reduced(Tangents &t, ReduceKind kind, Value x, ArrayRef<int64_t> dims, Type type) {
  return ReduceOp::create(t.b, t.loc, type, kind, x, t.b.getDenseI64ArrayAttr(dims));
}

/// Of the dimensions of a value those that its tangent has there.
static SmallVector<int64_t> shifted(Tangents &t, ArrayRef<int64_t> dims) {
  return llvm::map_to_vector(dims, [&](int64_t d) { return d + t.lead(); });
}

//===----------------------------------------------------------------------===//
// Along one dimension
//===----------------------------------------------------------------------===//

namespace {
/// A tensor whose elements along a dimension are counted from either end.
struct Line {
  Tangents &t;
  int64_t axis;

  /// Position `at` along the dimension.
  AffineMap map(int64_t rank, unsigned symbols, AffineExpr at) const {
    SmallVector<AffineExpr> results;
    for (int64_t d = 0; d < rank; ++d)
      results.push_back(d == axis ? at : t.b.getAffineDimExpr(d));
    return AffineMap::get(rank, symbols, results, t.b.getContext());
  }
  Value reversed(Value x) const {
    RankedTensorType type = tensorTypeOf(x);
    Value last = DimOp::create(t.b, t.loc, RankedTensorType::get({}, t.b.getI64Type()),
                               (dimExpr(type, axis) - DimExpr(1)).str());
    AffineExpr at = t.b.getAffineSymbolExpr(0) - t.b.getAffineDimExpr(axis);
    return t.view(type, x, map(type.getRank(), 1, at), last);
  }
  /// The element before each one; 0 before the first.
  Value before(Value x) const {
    RankedTensorType type = tensorTypeOf(x);
    AffineExpr at = t.b.getAffineDimExpr(axis) - 1;
    return t.view(type, x, map(type.getRank(), 0, at), {}, Boundary::zero);
  }
  Value isFirst(RankedTensorType type) const {
    auto index = withElement(type, t.b.getI64Type());
    return t.compare(Predicate::eq, IotaOp::create(t.b, t.loc, index, axis), t.number(0, index));
  }
  /// The product of the elements before each one.
  Value productBefore(Value products) const {
    RankedTensorType type = tensorTypeOf(products);
    return SelectOp::create(t.b, t.loc, type, isFirst(type), t.number(1, type), before(products));
  }
  Value productsOf(Value x) const {
    return CumulateOp::create(t.b, t.loc, x.getType(), ReduceKind::prod, x, axis);
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

/// The product along one dimension, and its tangent: the sum of dx times all other factors.
static std::pair<Value, Value> productAlong(Tangents &t, Value x, Value tangent, int64_t axis) {
  Line line{t, axis};
  RankedTensorType type = without(tensorTypeOf(x), axis);
  Value left = line.productBefore(line.productsOf(x));
  Value right = line.reversed(line.productBefore(line.productsOf(line.reversed(x))));
  Value terms = t.scaled(tangent, t.make<MulOp>(left, right));
  return {reduced(t, ReduceKind::prod, x, {axis}, type),
          reduced(t, ReduceKind::sum, terms, shifted(t, {axis}), t.type(type))};
}

static Value productTangent(Tangents &t, ReduceOp op) {
  std::pair<Value, Value> product{op.getSource(), t[0]};
  for (int64_t axis : llvm::reverse(op.getDims()))
    product = productAlong(t, product.first, product.second, axis);
  return product.second;
}

/// The mean of the tangents of the elements that are the largest.
static Value extremeTangent(Tangents &t, ReduceOp op) {
  RankedTensorType source = tensorTypeOf(op.getSource());
  SmallVector<AffineExpr> kept;
  for (int64_t d = 0; d < source.getRank(); ++d)
    if (!llvm::is_contained(op.getDims(), d))
      kept.push_back(t.b.getAffineDimExpr(d));
  Value extreme =
      t.view(source, op.getResult(), AffineMap::get(source.getRank(), 0, kept, t.b.getContext()));
  Value is = t.compare(Predicate::eq, op.getSource(), extreme);
  Value count = CastOp::create(t.b, t.loc, source, is);
  count = reduced(t, ReduceKind::sum, count, op.getDims(), op.getType());
  Value sum = reduced(t, ReduceKind::sum, t.chosen(is, t[0], {}), shifted(t, op.getDims()),
                      t.type(op.getType()));
  return t.make<DivOp>(sum, t.spread(count));
}

static Value reduceTangent(Tangents &t, ReduceOp op) {
  switch (op.getKind()) {
  case ReduceKind::sum:
    return reduced(t, ReduceKind::sum, t[0], shifted(t, op.getDims()), t.type(op.getType()));
  case ReduceKind::prod:
    return op.getDims().empty() ? t[0] : productTangent(t, op);
  case ReduceKind::max:
  case ReduceKind::min:
    return extremeTangent(t, op);
  default:
    return {};
  }
}

//===----------------------------------------------------------------------===//
// Cumulated reductions
//===----------------------------------------------------------------------===//

/// The tangent of the element that is the largest so far.
static Value cumulatedExtreme(Tangents &t, CumulateOp op) {
  int64_t axis = op.getAxis();
  RankedTensorType type = tensorTypeOf(op.getSource());
  Line line{t, axis};
  Predicate better = op.getKind() == ReduceKind::max ? Predicate::gt : Predicate::lt;
  Value isNew = t.compare(better, op.getSource(), line.before(op.getResult()));
  isNew = t.make<OrOp>(isNew, line.isFirst(type));
  auto index = withElement(type, t.b.getI64Type());
  Value place = SelectOp::create(t.b, t.loc, index, isNew, IotaOp::create(t.b, t.loc, index, axis),
                                 t.number(0, index));
  place = CumulateOp::create(t.b, t.loc, index, ReduceKind::max, place, axis);
  SmallVector<Value> indices;
  for (int64_t d = 0; d < type.getRank(); ++d)
    indices.push_back(d == axis ? place : Value(IotaOp::create(t.b, t.loc, index, d)));
  return GatherOp::create(t.b, t.loc, t.type(op.getType()), t[0],
                          t.coordinates(indices, op.getType()));
}

/// Along a dimension `step` of a tensor, one element a step of the loop.
static Value elementAt(Tangents &t, Value x, int64_t axis, Value step) {
  RankedTensorType type = without(tensorTypeOf(x), axis);
  SmallVector<AffineExpr> at;
  for (int64_t d = 0, next = 0; d <= type.getRank(); ++d)
    at.push_back(d == axis ? t.b.getAffineSymbolExpr(0) : t.b.getAffineDimExpr(next++));
  return t.view(type, x, AffineMap::get(type.getRank(), 1, at, t.b.getContext()), step);
}

/// dy[i] = y[i - 1] dx[i] + x[i] dy[i - 1]
static Value cumulatedProduct(Tangents &t, CumulateOp op) {
  int64_t axis = op.getAxis(), lead = t.lead();
  RankedTensorType full = t.type(op.getType()), part = without(full, axis + lead);
  Value factors = Line{t, axis}.productBefore(op.getResult());
  SmallVector<DimExpr> sizes{dimExpr(full, axis + lead)};
  for (int64_t d = 0; d < part.getRank(); ++d)
    sizes.push_back(dimExpr(part, d));
  RankedTensorType all = tensorType(sizes, {}, full.getElementType());
  Value zero = t.number(0, part);
  auto loop = ScanOp::create(t.b, t.loc, {part, all}, zero, t.b.getStringAttr("0"),
                             t.b.getStringAttr(sizes[0].str()));
  {
    OpBuilder::InsertionGuard guard(t.b);
    Block *block = t.b.createBlock(&loop.getBody());
    Value step = block->addArgument(RankedTensorType::get({}, t.b.getI64Type()), t.loc);
    Value now = block->addArgument(part, t.loc);
    Value fresh = t.make<MulOp>(elementAt(t, t[0], axis + lead, step),
                                t.spread(elementAt(t, factors, axis, step)));
    Value carried = t.scaled(now, elementAt(t, op.getSource(), axis, step));
    Value next = t.sum(fresh, carried);
    YieldOp::create(t.b, t.loc, ValueRange{next, next});
  }
  SmallVector<AffineExpr> at{t.b.getAffineDimExpr(axis + lead)};
  for (int64_t d = 0; d < full.getRank(); ++d)
    if (d != axis + lead)
      at.push_back(t.b.getAffineDimExpr(d));
  return t.view(full, loop.getResult(1), AffineMap::get(full.getRank(), 0, at, t.b.getContext()));
}

static Value cumulateTangent(Tangents &t, CumulateOp op) {
  switch (op.getKind()) {
  case ReduceKind::sum:
    return CumulateOp::create(t.b, t.loc, t.type(op.getType()), ReduceKind::sum, t[0],
                              op.getAxis() + t.lead());
  case ReduceKind::prod:
    return cumulatedProduct(t, op);
  default:
    return cumulatedExtreme(t, op);
  }
}

//===----------------------------------------------------------------------===//
// Contractions
//===----------------------------------------------------------------------===//

static Value contractTangent(Tangents &t, ContractOp op) {
  auto product = [&](bool left) -> Value {
    if (!t[left ? 0 : 1])
      return {};
    // Directions are the first dimension of the result, and no factor but the tangent has them.
    auto map = [&](AffineMap map, bool varies) {
      return varies || !t.lead() ? t.lifted(map) : map.shiftDims(1);
    };
    return ContractOp::create(t.b, t.loc, t.type(op.getType()), left ? t[0] : op.getLhs(),
                              left ? op.getRhs() : t[1], map(op.getLhsMap(), left),
                              map(op.getRhsMap(), !left));
  };
  Value left = product(true);
  return t.sum(left, product(false));
}

Value mad::reductionTangent(Tangents &t) {
  return llvm::TypeSwitch<Operation *, Value>(t.op)
      .Case([&](ReduceOp op) { return reduceTangent(t, op); })
      .Case([&](CumulateOp op) { return cumulateTangent(t, op); })
      .Case([&](ContractOp op) { return contractTangent(t, op); })
      .Default([](Operation *) { return Value(); });
}
