//===- ExpandMath.cpp - Math functions as polynomials -----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "passes/Transforms/ExpandMathF32.h"
#include "passes/Transforms/Passes.h"

using namespace mlir;

namespace mad {

#define GEN_PASS_DEF_EXPANDMATH
#include "passes/Transforms/Passes.h.inc"

namespace {

Value number(ImplicitLocOpBuilder &b, Type type, double value) {
  TypedAttr scalar = b.getFloatAttr(getElementTypeOrSelf(type), value);
  if (auto vector = dyn_cast<VectorType>(type))
    scalar = DenseElementsAttr::get(vector, ArrayRef<Attribute>(scalar));
  return arith::ConstantOp::create(b, scalar);
}

/// x^y for the exponents that products, a quotient or a root give as well.
Value expandPower(ImplicitLocOpBuilder &b, math::PowFOp op) {
  llvm::APFloat exponent(0.0);
  if (!matchPattern(op.getRhs(), m_ConstantFloat(&exponent)))
    return {};
  Value x = op.getLhs();
  auto mul = [&](Value y, Value z) -> Value { return arith::MulFOp::create(b, y, z); };
  double power = exponent.convertToDouble();
  if (power == 0)
    return number(b, x.getType(), 1);
  if (power == 1)
    return x;
  if (power == 2)
    return mul(x, x);
  if (power == 3)
    return mul(mul(x, x), x);
  if (power == 4) {
    Value square = mul(x, x);
    return mul(square, square);
  }
  if (power == -1)
    return arith::DivFOp::create(b, number(b, x.getType(), 1), x);
  if (power != 0.5)
    return {};
  // pow takes -0 to +0 and -inf to +inf.
  Value inf = number(b, x.getType(), std::numeric_limits<double>::infinity());
  Value lowest = number(b, x.getType(), -std::numeric_limits<double>::infinity());
  Value root = math::SqrtOp::create(
      b, arith::AddFOp::create(b, x, number(b, x.getType(), 0)).getResult());
  Value isLowest = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, x, lowest);
  return arith::SelectOp::create(b, isLowest, inf, root);
}

/// Instructions, on vectors too.
bool isNative(Operation *op) {
  return isa<math::AbsFOp, math::AbsIOp, math::CeilOp, math::CopySignOp, math::FloorOp, math::FmaOp,
             math::RoundEvenOp, math::SqrtOp, math::TruncOp>(op);
}

/// One op a lane.
Value unroll(ImplicitLocOpBuilder &b, Operation *op, VectorType type) {
  SmallVector<Value> lanes;
  for (int64_t i = 0; i < type.getNumElements(); ++i) {
    Operation *copy = b.clone(*op);
    for (OpOperand &operand : copy->getOpOperands())
      operand.set(vector::ExtractOp::create(b, operand.get(), i));
    // The operands were taken out before the copy.
    copy->moveBefore(b.getBlock(), b.getInsertionPoint());
    copy->getResult(0).setType(type.getElementType());
    lanes.push_back(copy->getResult(0));
  }
  return vector::FromElementsOp::create(b, type, lanes);
}

struct ExpandMathPass : impl::ExpandMathBase<ExpandMathPass> {
  using ExpandMathBase::ExpandMathBase;

  void runOnOperation() override {
    SmallVector<Operation *> ops;
    getOperation().walk([&](Operation *op) {
      if (isa<math::MathDialect>(op->getDialect()) && op->getNumResults() == 1)
        ops.push_back(op);
    });
    for (Operation *op : ops) {
      ImplicitLocOpBuilder b(op->getLoc(), op);
      if (Value result = expand(b, op)) {
        op->getResult(0).replaceAllUsesWith(result);
        op->erase();
      }
    }
  }

  Value expand(ImplicitLocOpBuilder &b, Operation *op) {
    Type type = op->getResult(0).getType(), element = getElementTypeOrSelf(type);
    if (isNative(op))
      return {};
    if (auto root = dyn_cast<math::RsqrtOp>(op)) {
      Value sqrt = math::SqrtOp::create(b, root.getOperand());
      return arith::DivFOp::create(b, number(b, type, 1), sqrt);
    }
    if (auto power = dyn_cast<math::PowFOp>(op))
      if (Value result = expandPower(b, power))
        return result;
    if (element.isF32() && op->getNumOperands() == 1) {
      F32Builder m(b, type, level >= 3);
      if (Value result = expandF32(m, op->getName().stripDialect(), op->getOperand(0)))
        return result;
    }
    auto vector = dyn_cast<VectorType>(type);
    return vector && vector.getRank() == 1 ? unroll(b, op, vector) : Value();
  }
};

} // namespace
} // namespace mad
