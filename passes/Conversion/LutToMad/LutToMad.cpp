//===- LutToMad.cpp - Weights of few bits as tensor expressions -----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What no kernel has taken is computed by ops that every target has. Rows of bytes get a dimension
// for the codes in a byte, and that is joined with the rows: [R, M] - [R, 8 / bits, M] - [K, M].
//
//===----------------------------------------------------------------------===//
#include "dialects/Lut/IR/LutOps.h"
#include "dialects/Mad/IR/MadMathOps.h"
#include "dialects/Mad/IR/MadPrecision.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "passes/Conversion/LutToMad/Activations.h"
#include "passes/Conversion/Passes.h"
#include "passes/Lut/BlockScales.h"

using namespace mlir;

namespace mad {
#define GEN_PASS_DEF_LUTTOMAD
#include "passes/Conversion/Passes.h.inc"

namespace {

/// Ops for one `lut.dequant` of a tensor [B..., K, M].
class Decoder {
public:
  Decoder(OpBuilder &b, Location loc, lut::FormatAttr format, ValueRange parts,
          RankedTensorType type)
      : b(b), loc(loc), format(format.getValue()), parts(parts), type(type), shape(type.getShape()),
        batch(shape.drop_back(2)), k(shape[batch.size()]), m(shape.back()) {
    if (this->format.dictionary)
      expand();
  }

  /// `op`: the one that is decoded.
  Value values(lut::DequantOp op);
  Value steps();

private:
  RankedTensorType tensor(ArrayRef<int64_t> sizes, Type element) const {
    return RankedTensorType::get(sizes, element);
  }
  /// [B..., rows, inner..., M].
  SmallVector<int64_t> sizes(ArrayRef<int64_t> rows) const {
    SmallVector<int64_t> all(batch);
    all.append(rows.begin(), rows.end());
    all.push_back(m);
    return all;
  }
  Type elementOf(Value value) const {
    return cast<RankedTensorType>(value.getType()).getElementType();
  }
  Value reshape(Value value, ArrayRef<int64_t> to);
  Value firstRows(Value value, int64_t rows);
  Value spread(Value part, int64_t firstRow, int64_t rows, int64_t each);
  Value number(Value like, double value);
  Value alongCodes(ArrayRef<int64_t> values, ArrayRef<int64_t> to, Type element);
  template <typename Op> Value binary(Value a, Value c) {
    return Op::create(b, loc, a.getType(), a, c);
  }
  void expand();
  Value codes();
  Value field(const lut::Field &field);
  Value digits();
  Value alongGroups(Value part);
  Value fromTable(Value codes);
  Value fromBlocks(lut::DequantOp op);

  OpBuilder &b;
  Location loc;
  lut::Format format;
  SmallVector<Value> parts;
  RankedTensorType type;
  ArrayRef<int64_t> shape, batch;
  int64_t k, m;
};

Value Decoder::reshape(Value value, ArrayRef<int64_t> to) {
  auto made = tensor(to, elementOf(value));
  return made == value.getType() ? value : Value(ReshapeOp::create(b, loc, made, value));
}

/// [B..., rows, M] of [B..., more, M].
Value Decoder::firstRows(Value value, int64_t rows) {
  auto made = tensor(sizes({rows}), elementOf(value));
  if (made == value.getType())
    return value;
  auto map = AffineMap::getMultiDimIdentityMap(made.getRank(), b.getContext());
  return ViewOp::create(b, loc, made, value, ValueRange(), map, Boundary::inside);
}

/// Some rows of a part, each `each` times: [B..., rows, each, M]. A part may have one column for
/// all.
Value Decoder::spread(Value part, int64_t firstRow, int64_t rows, int64_t each) {
  auto made = tensor(sizes({rows, each}), elementOf(part));
  SmallVector<AffineExpr> from;
  for (size_t d = 0; d < batch.size(); ++d)
    from.push_back(b.getAffineDimExpr(d));
  from.push_back(b.getAffineDimExpr(batch.size()) + firstRow);
  bool oneColumn = cast<RankedTensorType>(part.getType()).getShape().back() == 1 && m != 1;
  from.push_back(oneColumn ? b.getAffineConstantExpr(0) : b.getAffineDimExpr(batch.size() + 2));
  auto map = AffineMap::get(made.getRank(), 0, from, b.getContext());
  return ViewOp::create(b, loc, made, part, ValueRange(), map, Boundary::inside);
}

Value Decoder::number(Value like, double value) {
  auto made = cast<RankedTensorType>(like.getType());
  Type element = made.getElementType();
  Attribute one = isa<FloatType>(element) ? Attribute(b.getFloatAttr(element, value))
                                          : Attribute(b.getIntegerAttr(element, int64_t(value)));
  return ConstantOp::create(b, loc, made, DenseElementsAttr::get(made, one));
}

/// Numbers for the codes of a byte, [B..., rows, each, M].
Value Decoder::alongCodes(ArrayRef<int64_t> values, ArrayRef<int64_t> to, Type element) {
  auto line = tensor({int64_t(values.size())}, element);
  SmallVector<Attribute> numbers;
  for (int64_t value : values)
    numbers.push_back(b.getIntegerAttr(element, value));
  Value constant = ConstantOp::create(b, loc, line, DenseElementsAttr::get(line, numbers));
  auto map = AffineMap::get(to.size(), 0, {b.getAffineDimExpr(to.size() - 2)}, b.getContext());
  return ViewOp::create(b, loc, tensor(to, element), constant, ValueRange(), map, Boundary::inside);
}

/// The bits of a field, [B..., K, M] of ui8, where the code has them.
Value Decoder::field(const lut::Field &field) {
  int64_t each = field.perByte();
  SmallVector<int64_t> places;
  for (int64_t i = 0; i < each; ++i)
    places.push_back(i * field.width);
  Value bits = spread(parts[0], field.row, field.rows, each);
  if (each > 1) {
    bits =
        binary<ShiftRightOp>(bits, alongCodes(places, sizes({field.rows, each}), elementOf(bits)));
    bits = binary<BitAndOp>(bits, number(bits, (1 << field.width) - 1));
  }
  bits = firstRows(reshape(bits, sizes({field.rows * each})), k);
  return field.shift ? binary<ShiftLeftOp>(bits, number(bits, field.shift)) : bits;
}

/// Five codes in a byte, as dialects/Lut/Format/Format.h says.
Value Decoder::digits() {
  int64_t rows = lut::codeRows(format, k);
  SmallVector<int64_t> all = sizes({rows, 5});
  Value bytes = spread(parts[0], 0, rows, 5);
  Value wide = CastOp::create(b, loc, tensor(all, b.getI32Type()), bytes);
  wide = binary<MulOp>(wide, alongCodes({1, 3, 9, 27, 81}, all, b.getI32Type()));
  wide = binary<BitAndOp>(wide, number(wide, 255));
  wide = binary<MulOp>(wide, number(wide, 3));
  wide = binary<ShiftRightOp>(wide, number(wide, 8));
  return firstRows(reshape(wide, sizes({rows * 5})), k);
}

/// Words of a dictionary are decoded to codes of 2 bits.
void Decoder::expand() {
  parts = {lut::expandedCodes(b, loc, format, parts, shape), parts[1]};
  format = format.expanded();
}

/// All codes, [B..., K, M] of integers.
Value Decoder::codes() {
  if (format.isBase3())
    return digits();
  Value all;
  for (const lut::Field &one : lut::fields(format.bits, k)) {
    Value bits = field(one);
    all = all ? binary<BitOrOp>(all, bits) : bits;
  }
  return all;
}

/// A part with a row for each group, as [B..., K, M] of f32.
Value Decoder::alongGroups(Value part) {
  int64_t groups = format.groups(k), length = format.groupLength(k);
  Value all = spread(part, 0, groups, length);
  if (!elementOf(all).isF32())
    all = CastOp::create(b, loc, tensor(sizes({groups, length}), b.getF32Type()), all);
  return firstRows(reshape(all, sizes({groups * length})), k);
}

/// `table[code]`.
Value Decoder::fromTable(Value codes) {
  auto indexType = tensor(shape, b.getI64Type());
  SmallVector<Value> indices;
  for (size_t d = 0; d < batch.size(); ++d)
    indices.push_back(IotaOp::create(b, loc, indexType, d));
  // The mask changes nothing, but says that no index needs a check.
  Value code = CastOp::create(b, loc, indexType, codes);
  indices.push_back(binary<BitAndOp>(code, number(code, (1 << format.bits) - 1)));
  bool oneColumn = cast<RankedTensorType>(parts[1].getType()).getShape().back() == 1;
  Value column = IotaOp::create(b, loc, indexType, batch.size() + 1);
  indices.push_back(oneColumn ? number(column, 0) : column);
  return GatherOp::create(b, loc, tensor(shape, b.getF32Type()), parts[1], indices);
}

/// What a scale is multiplied with: f32, but integers.
Value Decoder::steps() {
  Value steps = CastOp::create(b, loc, tensor(shape, b.getF32Type()), codes());
  bool signs = format.family == lut::Family::Int && format.bits == 1 && !format.affine;
  if (signs)
    steps = binary<MulOp>(steps, number(steps, 2));
  double middle = format.family == lut::Family::Ternary || signs ? 1 : 1 << (format.bits - 1);
  return binary<SubOp>(steps, format.affine ? alongGroups(parts[2]) : number(steps, middle));
}

/// `scale * (code - middle) + minimum`: products are exact, so that the sum rounds once, as ggml
/// does.
Value Decoder::fromBlocks(lut::DequantOp op) {
  BlockScales scales = blockScales(b, op);
  Value steps = CastOp::create(b, loc, tensor(shape, b.getF32Type()), codes());
  if (int middle = format.blockType()->middle)
    steps = binary<SubOp>(steps, number(steps, middle));
  Value result = binary<MulOp>(alongGroups(scales.scale), steps);
  setPrecision(result.getDefiningOp(), Precision::Strict);
  if (!scales.minimum)
    return result;
  result = binary<AddOp>(result, alongGroups(scales.minimum));
  setPrecision(result.getDefiningOp(), Precision::Strict);
  return result;
}

Value Decoder::values(lut::DequantOp op) {
  Value result;
  if (format.blockType()) {
    result = fromBlocks(op);
  } else if (format.family == lut::Family::Codebook) {
    result = fromTable(codes());
  } else {
    Value integers = steps();
    result = binary<MulOp>(alongGroups(parts[1]), integers);
    // Rounded once, whatever it is added to.
    setPrecision(result.getDefiningOp(), Precision::Strict);
  }
  auto unnamed = tensor(shape, type.getElementType());
  if (result.getType() != unnamed)
    result = CastOp::create(b, loc, unnamed, result);
  return result.getType() == type ? result : Value(ReshapeOp::create(b, loc, type, result));
}

} // namespace

Value decodedIntegers(OpBuilder &b, Location loc, lut::FormatAttr format, ValueRange parts,
                      RankedTensorType weight) {
  return Decoder(b, loc, format, parts, weight).steps();
}

namespace {

struct LutToMadPass : impl::LutToMadBase<LutToMadPass> {
  using LutToMadBase::LutToMadBase;

  void runOnOperation() override {
    WalkResult result = getOperation().walk([&](Operation *op) {
      if (isa<lut::EncodeOp>(op)) {
        op->emitError("`lut.encode` is evaluated when a model is compiled, and has no lowering");
        return WalkResult::interrupt();
      }
      if (auto dequant = dyn_cast<lut::DequantOp>(op)) {
        OpBuilder b(dequant);
        auto type = cast<RankedTensorType>(dequant.getType());
        dequant.replaceAllUsesWith(
            Decoder(b, op->getLoc(), dequant.getFormat(), dequant.getParts(), type)
                .values(dequant));
        dequant.erase();
      } else {
        activationsToMad(op, device);
      }
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};

} // namespace
} // namespace mad
