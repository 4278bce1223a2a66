//===- Activations.cpp - Quantised activations as tensor expressions --------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The definitions of dialects/Lut/README.md. All that rounds is strict, so every target gives the
// same bits.
//
//===----------------------------------------------------------------------===//
#include "passes/Conversion/LutToMad/Activations.h"
#include "dialects/Lut/Format/Activations.h"
#include "dialects/Mad/IR/MadPrecision.h"
#include "mlir/IR/Builders.h"

using namespace mlir;

namespace mad {
namespace {

RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

RankedTensorType withElement(RankedTensorType type, Type element) {
  return RankedTensorType::get(type.getShape(), element, type.getEncoding());
}

/// Ops at one place.
class TensorMaker {
public:
  TensorMaker(Operation *op) : b(op), loc(op->getLoc()) {}

  template <typename Op> Value make(Value a, Value c) {
    auto made = Op::create(b, loc, a.getType(), a, c);
    if (isa<FloatType>(typeOf(a).getElementType()))
      setPrecision(made, Precision::Strict);
    return made;
  }
  template <typename Op> Value make(Value a) { return Op::create(b, loc, a.getType(), a); }

  Value cast(Value value, Type element) {
    auto type = typeOf(value);
    return type.getElementType() == element
               ? value
               : Value(CastOp::create(b, loc, withElement(type, element), value));
  }
  /// `source` at the coordinates for each element of `type`, of which only the element is its own.
  Value view(Value source, RankedTensorType type, ArrayRef<AffineExpr> coordinates,
             ValueRange scalars = {}, Boundary boundary = Boundary::inside) {
    auto made = withElement(type, typeOf(source).getElementType());
    auto map = AffineMap::get(made.getRank(), scalars.size(), coordinates, b.getContext());
    if (made == source.getType() && map.isIdentity())
      return source;
    return ViewOp::create(b, loc, made, source, scalars, map, boundary);
  }
  /// A number everywhere.
  Value number(RankedTensorType type, double value) {
    Type element = type.getElementType();
    auto scalar = RankedTensorType::get({}, element);
    Attribute one = isa<FloatType>(element) ? Attribute(b.getFloatAttr(element, value))
                                            : Attribute(b.getIntegerAttr(element, int64_t(value)));
    return view(ConstantOp::create(b, loc, scalar, DenseElementsAttr::get(scalar, one)), type, {});
  }
  AffineExpr dim(int64_t d) { return b.getAffineDimExpr(d); }
  SmallVector<AffineExpr> dims(int64_t count) {
    SmallVector<AffineExpr> all;
    for (int64_t d = 0; d < count; ++d)
      all.push_back(dim(d));
    return all;
  }

  OpBuilder b;
  Location loc;
};

/// A scale of each row, for all elements of the rows.
Value alongRows(TensorMaker &t, Value scales, RankedTensorType rows) {
  return t.view(scales, rows, t.dims(rows.getRank() - 1));
}

void quantize(lut::QuantizeActOp op) {
  TensorMaker t(op);
  Value x = t.cast(op.getSource(), t.b.getF32Type());
  RankedTensorType rows = typeOf(x), each = op.getScales().getType();
  Value most = ReduceOp::create(t.b, t.loc, each, ReduceKind::max, t.make<AbsOp>(x),
                                ArrayRef<int64_t>{rows.getRank() - 1});
  // Of no elements the largest is -inf.
  most = t.make<MaxOp>(most, t.number(each, 0));
  Value scales = t.make<DivOp>(most, t.number(each, 127));
  Value isZero = CompareOp::create(t.b, t.loc, withElement(each, t.b.getI1Type()), Predicate::eq,
                                   scales, t.number(each, 0));
  // Then all elements are too small for a code but 0.
  Value divisor = SelectOp::create(t.b, t.loc, each, isZero, t.number(each, 1), scales);
  Value steps = t.make<RoundOp>(t.make<DivOp>(x, alongRows(t, divisor, rows)));
  // What is too large becomes 127 or -128, NaN 0.
  RankedTensorType codesType = op.getCodes().getType();
  Value codes = CastOp::create(t.b, t.loc, codesType, steps);
  codes = t.make<MaxOp>(codes, t.number(codesType, -127));
  op.getCodes().replaceAllUsesWith(codes);
  op.getScales().replaceAllUsesWith(scales);
  op.erase();
}

void dequantize(lut::DequantActOp op) {
  TensorMaker t(op);
  Value codes = t.cast(op.getCodes(), t.b.getF32Type());
  Value x = t.make<MulOp>(codes, alongRows(t, op.getScales(), typeOf(codes)));
  op.replaceAllUsesWith(CastOp::create(t.b, t.loc, op.getResult().getType(), x).getResult());
  op.erase();
}

/// Sums of integers, and what they add to the result, group by group.
class Gemm {
public:
  Gemm(lut::GemmOp op, bool device);
  void replace();

private:
  bool isShort(int64_t steps) const;
  Value sumOf(Value number, int64_t from, int64_t to);
  Value afterGroup(Value acc, Value number);

  lut::GemmOp op;
  TensorMaker t;
  lut::Format format;
  RankedTensorType type;
  int64_t rank, batch, k, m, length;
  Value q, v; ///< factors: integers as numbers of some type
  Value scales;
};

Gemm::Gemm(lut::GemmOp op, bool device)
    : op(op), t(op), format(op.getFormat().getValue()), type(op.getResult().getType()),
      rank(type.getRank()), batch(typeOf(op.getParts()[0]).getRank() - 2),
      k(op.getSource().getType().getShape().back()), m(type.getShape().back()),
      length(format.groupLength(k)), q(op.getSource()) {
  scales = t.cast(op.getParts()[1], t.b.getF32Type());
  SmallVector<int64_t> shape(type.getShape().take_front(batch));
  shape.append({k, m});
  v = decodedIntegers(t.b, t.loc, op.getFormat(), op.getParts(),
                      RankedTensorType::get(shape, t.b.getF32Type()));
  if (device && isShort(std::min(length, k))) {
    v = t.cast(v, t.b.getF16Type());
    q = t.cast(q, t.b.getF16Type());
    // Changes nothing, but keeps the conversion out of the product: that is of what lies in memory.
    q = t.make<MinOp>(q, t.number(typeOf(q), 127));
  }
}

/// f32 has all integers up to 2^24: sums that stay below are exact in any order, and every target
/// has kernels for such products. f16 has those that are multiplied.
bool Gemm::isShort(int64_t steps) const {
  // A zero point may be the number behind the last code.
  int64_t most = format.affine                           ? 1 << format.bits
                 : format.family == lut::Family::Ternary ? 1
                                                         : 1 << (format.bits - 1);
  return steps * 127 * most <= 1 << 24;
}

/// Elements `first...` along the dimension of K; there are none behind K, which count as 0.
Value Gemm::sumOf(Value number, int64_t from, int64_t to) {
  int64_t steps = to - from;
  bool leaves = length * format.groups(k) > k && to > k - length * (format.groups(k) - 1);
  Boundary boundary = leaves ? Boundary::zero : Boundary::inside;
  SmallVector<Value> scalars;
  AffineExpr first = t.b.getAffineConstantExpr(from);
  if (number) {
    scalars.push_back(number);
    first = t.b.getAffineSymbolExpr(0) * length + from;
  }
  SmallVector<DimExpr> sizes;
  SmallVector<std::string> names(rank);
  for (int64_t d = 0; d + 1 < rank; ++d)
    sizes.push_back(dimExpr(type, d));
  sizes.push_back(DimExpr(steps));
  SmallVector<AffineExpr> at = t.dims(rank - 1);
  at.push_back(t.dim(rank - 1) + first);
  Type element = isShort(steps) ? Type(t.b.getF32Type()) : Type(t.b.getI32Type());
  Value rows = t.cast(t.view(q, tensorType(sizes, names, element), at, scalars, boundary), element);

  SmallVector<int64_t> shape(type.getShape().take_front(batch));
  shape.append({steps, m});
  at = t.dims(batch);
  at.append({t.dim(batch) + first, t.dim(batch + 1)});
  auto matrix = RankedTensorType::get(shape, element);
  Value columns = t.cast(t.view(v, matrix, at, scalars, boundary), element);
  // y[b..., t..., m]; the space ends with k.
  SmallVector<AffineExpr> left = t.dims(rank - 1), right = t.dims(batch);
  left.push_back(t.dim(rank));
  right.append({t.dim(rank), t.dim(rank - 1)});
  return ContractOp::create(t.b, t.loc, withElement(type, element), rows, columns,
                            AffineMap::get(rank + 1, 0, left, t.b.getContext()),
                            AffineMap::get(rank + 1, 0, right, t.b.getContext()));
}

/// `acc` with what the group adds to it.
Value Gemm::afterGroup(Value acc, Value number) {
  SmallVector<AffineExpr> at = t.dims(batch);
  at.push_back(number ? t.b.getAffineSymbolExpr(0) : t.b.getAffineConstantExpr(0));
  bool oneColumn = typeOf(scales).getShape().back() == 1;
  at.push_back(oneColumn ? t.b.getAffineConstantExpr(0) : t.dim(rank - 1));
  SmallVector<Value> scalars;
  if (number)
    scalars.push_back(number);
  Value scale = t.view(scales, type, at, scalars);
  for (int64_t from = 0; from < length; from += lut::exactSteps) {
    Value sum = sumOf(number, from, std::min(from + lut::exactSteps, length));
    acc = t.make<AddOp>(acc, t.make<MulOp>(t.cast(sum, t.b.getF32Type()), scale));
  }
  return acc;
}

void Gemm::replace() {
  Value acc = t.number(type, 0);
  int64_t groups = format.groups(k);
  if (groups == 1) {
    length = std::min(length, k);
    acc = afterGroup(acc, {});
  } else {
    auto scan =
        ScanOp::create(t.b, t.loc, TypeRange{type}, ValueRange{acc}, "0", std::to_string(groups));
    OpBuilder::InsertionGuard guard(t.b);
    Type counter = RankedTensorType::get({}, t.b.getI64Type());
    Block *body = t.b.createBlock(&scan.getBody(), {}, {counter, type}, {t.loc, t.loc});
    YieldOp::create(t.b, t.loc, afterGroup(body->getArgument(1), body->getArgument(0)));
    acc = scan.getResult(0);
  }
  op.replaceAllUsesWith(t.make<MulOp>(acc, alongRows(t, op.getSourceScales(), type)));
  op.erase();
}

} // namespace

void activationsToMad(Operation *op, bool device) {
  if (auto quantized = dyn_cast<lut::QuantizeActOp>(op))
    quantize(quantized);
  else if (auto dequantized = dyn_cast<lut::DequantActOp>(op))
    dequantize(dequantized);
  else if (auto gemm = dyn_cast<lut::GemmOp>(op); gemm && !gemm.getKernel())
    Gemm(gemm, device).replace();
}

} // namespace mad
