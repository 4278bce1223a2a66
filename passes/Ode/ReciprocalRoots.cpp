//===- ReciprocalRoots.cpp - Reciprocals of square roots ---------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Ode/ReciprocalRoots.h"
#include "dialects/Mad/IR/MadPrecision.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace mad {
namespace {

constexpr int64_t lanes = 8; ///< of f64 in the largest register

/// 1 / sqrt(x) of one register. The instruction gives y with an error of 2^-14 at most, in parts of
/// the result, so e = 1 - x y^2 is at most 2^-12.9, and (1 - e)^-1/2 up to e^4 leaves 2^-65. Of 0
/// and infinity x y is NaN, and y is the result.
Value rootOfRegister(ImplicitLocOpBuilder &b, Value x, bool isCubed) {
  auto type = cast<VectorType>(x.getType());
  auto number = [&](double value) -> Value {
    return arith::ConstantOp::create(
        b, DenseElementsAttr::get(type, ArrayRef<Attribute>(b.getF64FloatAttr(value))));
  };
  auto contract = arith::FastMathFlags::contract;
  auto mul = [&](Value u, Value v) -> Value { return arith::MulFOp::create(b, u, v, contract); };
  auto fused = [&](Value u, Value v, Value w) -> Value {
    return arith::AddFOp::create(b, mul(u, v), w, contract);
  };
  Value all = arith::ConstantIntOp::create(b, -1, 8);
  Value y =
      LLVM::CallIntrinsicOp::create(b, type, b.getStringAttr("llvm.x86.avx512.rsqrt14.pd.512"),
                                    ValueRange{x, number(0), all})
          .getResult(0);
  Value xy = mul(x, y);
  Value e = arith::SubFOp::create(b, number(1), mul(xy, y), contract);
  Value series = fused(e, number(35.0 / 128), number(5.0 / 16));
  series = fused(series, e, number(3.0 / 8));
  series = fused(series, e, number(1.0 / 2));
  Value root = fused(mul(y, e), series, y);
  Value isNumber = arith::CmpFOp::create(b, arith::CmpFPredicate::ORD, xy, xy);
  // -0 sqrt(-0) is 0.
  Value other = isCubed ? math::AbsFOp::create(b, y) : y;
  return arith::SelectOp::create(b, isNumber, root, other);
}

/// 1 / sqrt(x), to be cubed or not.
Value reciprocalRoot(ImplicitLocOpBuilder &b, Value x, bool isCubed) {
  auto type = cast<VectorType>(x.getType());
  int64_t count = type.getDimSize(0);
  if (count == lanes)
    return rootOfRegister(b, x, isCubed);
  Value result = arith::ConstantOp::create(b, cast<TypedAttr>(b.getZeroAttr(type)));
  for (int64_t from = 0; from < count; from += lanes) {
    Value part = vector::ExtractStridedSliceOp::create(b, x, from, lanes, 1);
    result =
        vector::InsertStridedSliceOp::create(b, rootOfRegister(b, part, isCubed), result, from, 1);
  }
  return result;
}

} // namespace

Value expandDivisionByRoot(ImplicitLocOpBuilder &b, arith::DivFOp op, int level) {
  auto type = dyn_cast<VectorType>(op.getType());
  if (level < 4 || op.getFastmath() == arith::FastMathFlags::none || !type ||
      !type.getElementType().isF64() || type.getRank() != 1 || type.getDimSize(0) % lanes != 0)
    return {};
  auto relaxedRoot = [](Value value) {
    auto root = value.getDefiningOp<math::SqrtOp>();
    return root && precisionOf(root) != Precision::Strict ? root : math::SqrtOp();
  };
  math::SqrtOp root = relaxedRoot(op.getRhs());
  bool isCube = false;
  if (auto product = op.getRhs().getDefiningOp<arith::MulFOp>();
      product && product.getFastmath() != arith::FastMathFlags::none)
    for (auto [x, y] : {std::pair(product.getLhs(), product.getRhs()),
                        std::pair(product.getRhs(), product.getLhs())})
      if (math::SqrtOp other = relaxedRoot(y); other && other.getOperand() == x)
        root = other, isCube = true;
  if (!root)
    return {};
  auto mul = [&](Value x, Value y) -> Value {
    return arith::MulFOp::create(b, x, y, op.getFastmath());
  };
  Value inverse = reciprocalRoot(b, root.getOperand(), isCube);
  bool isOne = matchPattern(op.getLhs(), m_OneFloat());
  Value result = isOne ? inverse : mul(op.getLhs(), inverse);
  // The cube of the inverse may be infinite where the quotient is not, as that of 0: the square is
  // not, for normal numbers.
  return isCube ? mul(result, mul(inverse, inverse)) : result;
}

} // namespace mad
