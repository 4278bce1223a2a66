//===- ExpandMath.cpp - Math functions as polynomials -----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadPrecision.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "passes/Conversion/Approximate.h"
#include "passes/Transforms/ExpandMathF32.h"
#include "passes/Transforms/ExpandMathF64.h"
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
  Value root =
      math::SqrtOp::create(b, arith::AddFOp::create(b, x, number(b, x.getType(), 0)).getResult());
  Value isLowest = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, x, lowest);
  return arith::SelectOp::create(b, isLowest, inf, root);
}

/// Instructions, on vectors too.
bool isNative(Operation *op, int level) {
  if (op->hasAttr(approximateAttr) && op->getParentOfType<gpu::GPUModuleOp>())
    return true;
  if (isa<math::FmaOp>(op))
    return level >= 3;
  return isa<math::AbsFOp, math::AbsIOp, math::CeilOp, math::CopySignOp, math::FloorOp,
             math::RoundEvenOp, math::SqrtOp, math::TruncOp>(op);
}

/// What libm calls the function on f64, or "".
StringRef libmName(Operation *op) {
  StringRef name = op->getName().stripDialect();
  static constexpr StringRef same[] = {"acos",  "acosh", "asin", "asinh", "atan",  "atan2", "atanh",
                                       "cbrt",  "cos",   "cosh", "erf",   "erfc",  "exp",   "exp2",
                                       "expm1", "fma",   "log",  "log10", "log1p", "log2",  "round",
                                       "sin",   "sinh",  "tan",  "tanh"};
  if (name == "powf")
    return "pow";
  return llvm::is_contained(same, name) ? name : StringRef();
}

struct ExpandMathPass : impl::ExpandMathBase<ExpandMathPass> {
  using ExpandMathBase::ExpandMathBase;

  void runOnOperation() override {
    auto mathOps = [&] {
      SmallVector<Operation *> ops;
      getOperation().walk([&](Operation *op) {
        if (isa<math::MathDialect>(op->getDialect()) && op->getNumResults() == 1 &&
            !isNative(op, level))
          ops.push_back(op);
      });
      return ops;
    };
    relaxMaxima(getOperation());
    for (Operation *op : mathOps())
      replace(op, [&](ImplicitLocOpBuilder &b) { return expand(b, op); });
    // Expansions may ask for the function itself on some arguments.
    for (Operation *op : mathOps())
      replace(op, [&](ImplicitLocOpBuilder &b) { return callLanes(b, op); });
  }

  void replace(Operation *op, llvm::function_ref<Value(ImplicitLocOpBuilder &)> make) {
    ImplicitLocOpBuilder b(op->getLoc(), op);
    if (Value result = make(b)) {
      op->getResult(0).replaceAllUsesWith(result);
      op->erase();
    }
  }

  Value expand(ImplicitLocOpBuilder &b, Operation *op) {
    if (precisionOf(op) == Precision::Strict)
      return {}; // libm's own
    Type type = op->getResult(0).getType();
    if (auto root = dyn_cast<math::RsqrtOp>(op)) {
      Value sqrt = math::SqrtOp::create(b, root.getOperand());
      return arith::DivFOp::create(b, number(b, type, 1), sqrt);
    }
    if (auto power = dyn_cast<math::PowFOp>(op))
      if (Value result = expandPower(b, power))
        return result;
    if (getElementTypeOrSelf(type).isF64() && op->getNumOperands() == 1) {
      F64Builder m(b, type, level >= 3);
      return expandF64(m, op->getName().stripDialect(), op->getOperand(0));
    }
    if (!getElementTypeOrSelf(type).isF32())
      return {};
    F32Builder m(b, type, level);
    if (Value result = expandFastF32(m, op))
      return result;
    if (isa<math::PowFOp>(op))
      return expandPowerF32(m, op->getOperand(0), op->getOperand(1));
    if (isa<math::Atan2Op>(op))
      return expandAtan2F32(m, op->getOperand(0), op->getOperand(1));
    if (op->getNumOperands() != 1)
      return {};
    return expandF32(m, op->getName().stripDialect(), op->getOperand(0));
  }

  /// One call a lane.
  Value callLanes(ImplicitLocOpBuilder &b, Operation *op) {
    Type type = op->getResult(0).getType(), element = getElementTypeOrSelf(type);
    StringRef name = libmName(op);
    if (name.empty() || (!element.isF32() && !element.isF64()))
      return {};
    func::FuncOp callee = declare(name, cast<FloatType>(element), op->getNumOperands());
    if (!callee)
      return {};
    auto call = [&](ValueRange arguments) {
      return func::CallOp::create(b, callee, arguments).getResult(0);
    };
    auto vector = dyn_cast<VectorType>(type);
    if (!vector)
      return call(op->getOperands());
    if (vector.getRank() != 1)
      return {};
    SmallVector<Value> lanes;
    for (int64_t i = 0; i < vector.getNumElements(); ++i) {
      SmallVector<Value> arguments;
      for (Value v : op->getOperands())
        arguments.push_back(vector::ExtractOp::create(b, v, i));
      lanes.push_back(call(arguments));
    }
    return vector::FromElementsOp::create(b, vector, lanes);
  }

  /// Null where the module has another function of that name.
  func::FuncOp declare(StringRef name, FloatType type, unsigned operands) {
    std::string symbol = (name + (type.isF32() ? "f" : "")).str();
    OpBuilder b = OpBuilder::atBlockBegin(getOperation().getBody());
    auto signature = b.getFunctionType(SmallVector<Type>(operands, type), Type(type));
    if (Operation *known = getOperation().lookupSymbol(symbol)) {
      auto function = dyn_cast<func::FuncOp>(known);
      bool same = function && function.isDeclaration() && function.getFunctionType() == signature;
      return same ? function : func::FuncOp();
    }
    auto function = func::FuncOp::create(b, getOperation().getLoc(), symbol, signature);
    function.setPrivate();
    // It only computes: the call may move and be left out. But LLVM must not put
    // something else in its place, `x * x` for `pow(x, 2)`: strict code has the bits
    // that the reference has, and the JIT those of the ahead-of-time build.
    function->setAttr("llvm.readnone", b.getUnitAttr());
    function->setAttr("passthrough", b.getStrArrayAttr({"nobuiltin", "nounwind", "willreturn"}));
    return function;
  }
};

} // namespace
} // namespace mad
