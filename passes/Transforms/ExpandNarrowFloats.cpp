//===- ExpandNarrowFloats.cpp - Conversions of f16 and bf16 ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/AttrTypeSubElements.h"
#include "mlir/IR/BuiltinOps.h"
#include "passes/Transforms/ExpandMathF32.h"
#include "passes/Transforms/Passes.h"

using namespace mlir;

namespace mad {

#define GEN_PASS_DEF_EXPANDNARROWFLOATS
#include "passes/Transforms/Passes.h.inc"

namespace {

/// `like`, with another element.
Type withElement(Type like, Type element) {
  auto vector = dyn_cast<VectorType>(like);
  return vector ? Type(VectorType::get(vector.getShape(), element, vector.getScalableDims()))
                : element;
}

bool isNarrow(Type type) {
  Type element = getElementTypeOrSelf(type);
  return element.isF16() || element.isBF16();
}

/// The 16 bits of a number, in 32.
Value bitsOf(F32Builder &m, Value narrow) {
  OpBuilder &b = m.b;
  Value bits = arith::BitcastOp::create(m.b, withElement(narrow.getType(), b.getI16Type()), narrow);
  return arith::ExtUIOp::create(m.b, withElement(narrow.getType(), b.getI32Type()), bits);
}

/// The number of type `narrow` whose bits are the lower 16.
Value numberOf(F32Builder &m, Value bits, Type narrow) {
  Value low = arith::TruncIOp::create(m.b, withElement(narrow, m.b.getI16Type()), bits);
  return arith::BitcastOp::create(m.b, narrow, low);
}

Value fromBF16(F32Builder &m, Value x) { return m.asNumber(m.shiftLeft(bitsOf(m, x), 16)); }

Value toBF16(F32Builder &m, Value x, Type narrow) {
  Value bits = m.asBits(x), high = m.shiftRight(bits, 16);
  // Half of the unit, less one where the number is even: a carry rounds up.
  Value half = m.addBits(m.bits(0x7FFF), m.andBits(high, m.bits(1)));
  Value nearest = m.shiftRight(m.addBits(bits, half), 16);
  Value quiet = arith::OrIOp::create(m.b, high, m.bits(0x40));
  return numberOf(m, m.select(m.isNan(x), quiet, nearest), narrow);
}

Value fromF16(F32Builder &m, Value x) {
  Value bits = bitsOf(m, x), sign = m.shiftLeft(m.andBits(bits, m.bits(0x8000)), 16);
  Value rest = m.shiftLeft(m.andBits(bits, m.bits(0x7FFF)), 13);
  // Scaling moves the exponent from the bias of f16 to that of f32, and makes the
  // denormal numbers normal. Infinity and NaN have the highest exponent in both.
  Value scaled = m.asBits(m.mul(m.asNumber(rest), m.number(0x1p112f)));
  Value special = m.addBits(rest, m.bits(0x70000000));
  Value number = m.select(m.lessBits(rest, m.bits(0x0F800000)), scaled, special);
  return m.asNumber(m.xorBits(number, sign));
}

Value toF16(F32Builder &m, Value x, Type narrow) {
  Value bits = m.asBits(x), rest = m.andBits(bits, m.bits(0x7FFFFFFF));
  Value sign = m.shiftRight(m.xorBits(bits, rest), 16);
  // As for bf16, with the exponent moved to the other bias. From 65520 on the
  // carry makes infinity.
  Value odd = m.andBits(m.shiftRight(rest, 13), m.bits(1));
  Value biased = m.addBits(rest, m.bits(0xFFF - (112 << 23)));
  Value normal = m.shiftRight(m.addBits(biased, odd), 13);
  // The unit of numbers near 1/2 is that of the denormal ones of f16.
  Value sum = m.add(m.asNumber(rest), m.number(0.5f));
  Value denormal = m.subBits(m.asBits(sum), m.bits(0x3F000000));
  Value y = m.select(m.lessBits(rest, m.bits(0x38800000)), denormal, normal);
  y = m.select(m.lessBits(rest, m.bits(0x47800000)), y, m.bits(0x7C00));
  y = m.select(m.isNan(x), m.bits(0x7E00), y);
  return numberOf(m, m.addBits(y, sign), narrow);
}

/// An f64 as an f32 whose last bit is set when bits were lost: rounding that again
/// rounds the f64 itself.
Value roundToOdd(F32Builder &m, Value x) {
  using P = arith::CmpFPredicate;
  Value nearest = arith::TruncFOp::create(m.b, m.valueType(), x), bits = m.asBits(nearest);
  Value back = arith::ExtFOp::create(m.b, x.getType(), nearest);
  Value found = math::AbsFOp::create(m.b, back), wanted = math::AbsFOp::create(m.b, x);
  Value below = arith::CmpFOp::create(m.b, P::OLT, found, wanted);
  Value above = arith::CmpFOp::create(m.b, P::OGT, found, wanted);
  // Of the two neighbours one is odd.
  Value step = m.select(below, m.bits(1), m.select(above, m.bits(-1), m.bits(0)));
  Value isOdd =
      arith::CmpIOp::create(m.b, arith::CmpIPredicate::ne, m.andBits(bits, m.bits(1)), m.bits(0));
  return m.asNumber(m.addBits(bits, m.select(isOdd, m.bits(0), step)));
}

/// An integer as a float that rounds to bf16 as the integer does. (All integers
/// that f16 can tell apart are numbers of f32.)
Value integerForBF16(F32Builder &m, Value x, bool isUnsigned) {
  Type type = x.getType(), wide = withElement(type, m.b.getF64Type());
  unsigned width = getElementTypeOrSelf(type).getIntOrFloatBitWidth();
  auto number = [&](int64_t value) -> Value {
    TypedAttr attr = m.b.getIntegerAttr(getElementTypeOrSelf(type), value);
    if (auto vector = dyn_cast<VectorType>(type))
      attr = DenseElementsAttr::get(vector, ArrayRef<Attribute>(attr));
    return arith::ConstantOp::create(m.b, attr);
  };
  if (isUnsigned) // bool or u8
    return arith::UIToFPOp::create(m.b, m.valueType(), x);
  if (width <= 24)
    return arith::SIToFPOp::create(m.b, m.valueType(), x);
  if (width > 53) {
    // The bits that f64 may lack become one.
    Value lost = arith::AndIOp::create(m.b, x, number(0xFFF));
    Value kept = arith::XOrIOp::create(m.b, x, lost);
    Value sticky = arith::OrIOp::create(m.b, kept, number(0x800));
    Value some = arith::CmpIOp::create(m.b, arith::CmpIPredicate::ne, lost, number(0));
    Value shifted = arith::AddIOp::create(m.b, x, number(int64_t(1) << 53));
    Value large =
        arith::CmpIOp::create(m.b, arith::CmpIPredicate::ugt, shifted, number(int64_t(1) << 54));
    x = m.select(arith::AndIOp::create(m.b, some, large), sticky, x);
  }
  return arith::SIToFPOp::create(m.b, wide, x);
}

/// What is left of a type whose numbers are only moved: its bits. LLVM would promote
/// it here and there, and call a function to round again.
void replaceByBits(ModuleOp module, llvm::function_ref<bool(Type)> isMoved) {
  Type bits = IntegerType::get(module.getContext(), 16);
  AttrTypeReplacer replacer;
  replacer.addReplacement([&](FloatType type) -> std::optional<Type> {
    return isMoved(type) ? std::optional<Type>(bits) : std::nullopt;
  });
  using Replaced = std::optional<std::pair<Attribute, WalkResult>>;
  replacer.addReplacement([&](FloatAttr number) -> Replaced {
    if (!isMoved(number.getType()))
      return std::nullopt;
    return std::pair(IntegerAttr::get(bits, number.getValue().bitcastToAPInt()),
                     WalkResult::skip());
  });
  replacer.addReplacement([&](DenseElementsAttr numbers) -> Replaced {
    if (!isMoved(numbers.getElementType()))
      return std::nullopt;
    return std::pair(numbers.bitcast(bits), WalkResult::skip());
  });
  replacer.recursivelyReplaceElementsIn(module, /*replaceAttrs=*/true, /*replaceLocs=*/false,
                                        /*replaceTypes=*/true);
  module.walk([](arith::BitcastOp op) {
    if (op.getType() != op.getIn().getType())
      return;
    op.replaceAllUsesWith(op.getIn());
    op.erase();
  });
}

struct ExpandNarrowFloatsPass : impl::ExpandNarrowFloatsBase<ExpandNarrowFloatsPass> {
  using ExpandNarrowFloatsBase::ExpandNarrowFloatsBase;

  void runOnOperation() override {
    SmallVector<Operation *> ops;
    getOperation().walk([&](Operation *op) {
      if (isa<arith::ExtFOp>(op) && isNarrow(op->getOperand(0).getType()))
        ops.push_back(op);
      if (isa<arith::SIToFPOp, arith::TruncFOp, arith::UIToFPOp>(op) &&
          isNarrow(op->getResult(0).getType()))
        ops.push_back(op);
    });
    for (Operation *op : ops) {
      ImplicitLocOpBuilder b(op->getLoc(), op);
      Type to = op->getResult(0).getType();
      F32Builder m(b, withElement(to, b.getF32Type()), /*level=*/0);
      Value x = op->getOperand(0);
      if (!isa<FloatType>(getElementTypeOrSelf(x.getType())))
        x = fromInteger(m, x, to, isa<arith::UIToFPOp>(op));
      Value result = isa<arith::ExtFOp>(op) ? widen(m, x, to) : narrow(m, x, to);
      op->getResult(0).replaceAllUsesWith(result);
      op->erase();
    }
    replaceByBits(getOperation(),
                  [&](Type type) { return type.isBF16() || (type.isF16() && level < 3); });
  }

  Value widen(F32Builder &m, Value x, Type to) {
    bool isHalf = getElementTypeOrSelf(x.getType()).isF16();
    Value wide;
    if (isHalf && level >= 3)
      wide = arith::ExtFOp::create(m.b, m.valueType(), x);
    else
      wide = isHalf ? fromF16(m, x) : fromBF16(m, x);
    return to == m.valueType() ? wide : Value(arith::ExtFOp::create(m.b, to, wide));
  }

  Value fromInteger(F32Builder &m, Value x, Type to, bool isUnsigned) {
    if (getElementTypeOrSelf(to).isBF16())
      return integerForBF16(m, x, isUnsigned);
    return isUnsigned ? arith::UIToFPOp::create(m.b, m.valueType(), x).getResult()
                      : arith::SIToFPOp::create(m.b, m.valueType(), x).getResult();
  }

  Value narrow(F32Builder &m, Value x, Type to) {
    if (getElementTypeOrSelf(x.getType()).isF64())
      x = roundToOdd(m, x);
    if (getElementTypeOrSelf(to).isBF16())
      return toBF16(m, x, to);
    return level >= 3 ? Value(arith::TruncFOp::create(m.b, to, x)) : toF16(m, x, to);
  }
};

} // namespace
} // namespace mad
