//===- MadMathOps.cpp - Further functions of numbers and bits ---------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// As in MadScalars.cpp, floats are computed in f64 and integers modulo 2^64.
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadMathOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>

using namespace mlir;
using namespace mad;

#define GET_OP_CLASSES
#include "dialects/Mad/IR/MadMathOps.cpp.inc"

using Scalars = ArrayRef<RefScalar>;

//===----------------------------------------------------------------------===//
// Scalar functions
//===----------------------------------------------------------------------===//

RefScalar AcosOp::evaluateScalar(Scalars x) { return {std::acos(x[0].f), 0}; }
RefScalar AcoshOp::evaluateScalar(Scalars x) { return {std::acosh(x[0].f), 0}; }
RefScalar AsinOp::evaluateScalar(Scalars x) { return {std::asin(x[0].f), 0}; }
RefScalar AsinhOp::evaluateScalar(Scalars x) { return {std::asinh(x[0].f), 0}; }
RefScalar AtanOp::evaluateScalar(Scalars x) { return {std::atan(x[0].f), 0}; }
RefScalar Atan2Op::evaluateScalar(Scalars x) { return {std::atan2(x[0].f, x[1].f), 0}; }
RefScalar AtanhOp::evaluateScalar(Scalars x) { return {std::atanh(x[0].f), 0}; }
RefScalar CbrtOp::evaluateScalar(Scalars x) { return {std::cbrt(x[0].f), 0}; }
RefScalar CoshOp::evaluateScalar(Scalars x) { return {std::cosh(x[0].f), 0}; }
RefScalar ErfcOp::evaluateScalar(Scalars x) { return {std::erfc(x[0].f), 0}; }
RefScalar Exp2Op::evaluateScalar(Scalars x) { return {std::exp2(x[0].f), 0}; }
RefScalar FmaOp::evaluateScalar(Scalars x) { return {std::fma(x[0].f, x[1].f, x[2].f), 0}; }
RefScalar Log10Op::evaluateScalar(Scalars x) { return {std::log10(x[0].f), 0}; }
RefScalar Log2Op::evaluateScalar(Scalars x) { return {std::log2(x[0].f), 0}; }
RefScalar SinhOp::evaluateScalar(Scalars x) { return {std::sinh(x[0].f), 0}; }
RefScalar TruncOp::evaluateScalar(Scalars x) { return {std::trunc(x[0].f), 0}; }

RefScalar IsFiniteOp::evaluateScalar(Scalars x) { return {0, std::isfinite(x[0].f)}; }
RefScalar IsInfOp::evaluateScalar(Scalars x) { return {0, std::isinf(x[0].f)}; }
RefScalar IsNanOp::evaluateScalar(Scalars x) { return {0, std::isnan(x[0].f)}; }

RefScalar BitAndOp::evaluateScalar(Scalars x) { return {0, x[0].i & x[1].i}; }
RefScalar BitNotOp::evaluateScalar(Scalars x) { return {0, ~x[0].i}; }
RefScalar BitOrOp::evaluateScalar(Scalars x) { return {0, x[0].i | x[1].i}; }
RefScalar BitXorOp::evaluateScalar(Scalars x) { return {0, x[0].i ^ x[1].i}; }

/// Whether a count leaves some of the bits.
static bool shiftsSome(Value shifted, int64_t count) {
  Type element = cast<RankedTensorType>(shifted.getType()).getElementType();
  return count >= 0 && count < static_cast<int64_t>(element.getIntOrFloatBitWidth());
}

RefScalar ShiftLeftOp::evaluateScalar(Scalars x) {
  if (!shiftsSome(getLhs(), x[1].i))
    return {0, 0};
  return {0, static_cast<int64_t>(static_cast<uint64_t>(x[0].i) << x[1].i)};
}

RefScalar ShiftRightOp::evaluateScalar(Scalars x) {
  // An i64 keeps its sign, a u8 has none.
  return {0, x[0].i >> (shiftsSome(getLhs(), x[1].i) ? x[1].i : 63)};
}

//===----------------------------------------------------------------------===//
// Identities
//===----------------------------------------------------------------------===//

static OpFoldResult sameType(Operation *op, Value value) {
  return value.getType() == op->getResult(0).getType() ? OpFoldResult(value) : OpFoldResult();
}

static bool isZero(Value value) {
  std::optional<RefScalar> splat = splatValue(value);
  return splat && splat->i == 0;
}

OpFoldResult mad::foldMathIdentity(Operation *op) {
  return llvm::TypeSwitch<Operation *, OpFoldResult>(op)
      .Case<TruncOp>([](TruncOp op) {
        return op.getOperand().getDefiningOp<TruncOp>() ? sameType(op, op.getOperand())
                                                        : OpFoldResult();
      })
      .Case<BitNotOp>([](BitNotOp op) {
        auto inner = op.getOperand().getDefiningOp<BitNotOp>();
        return inner ? sameType(op, inner.getOperand()) : OpFoldResult();
      })
      .Case<BitAndOp, BitOrOp>([](auto op) {
        return op.getLhs() == op.getRhs() ? sameType(op, op.getLhs()) : OpFoldResult();
      })
      .Case<BitXorOp, ShiftLeftOp, ShiftRightOp>(
          [](auto op) { return isZero(op.getRhs()) ? sameType(op, op.getLhs()) : OpFoldResult(); })
      .Default([](Operation *) { return OpFoldResult(); });
}
