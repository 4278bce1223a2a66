//===- GpuMath.cpp - Scalar functions that NVVM has no form for --------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "passes/Conversion/Approximate.h"
#include "passes/Conversion/Passes.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace mad {
#define GEN_PASS_DEF_GPUMATH
#include "passes/Conversion/Passes.h.inc"

namespace {

/// max(x, -x): the least number stays, as it does in C.
Value expand(ImplicitLocOpBuilder &b, math::AbsIOp op) {
  Value x = op.getOperand();
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(x.getType()));
  return arith::MaxSIOp::create(b, x, arith::SubIOp::create(b, zero, x));
}

Value intrinsic(ImplicitLocOpBuilder &b, StringRef name, Type type, ValueRange operands) {
  return LLVM::CallIntrinsicOp::create(b, type, b.getStringAttr(name), operands).getResult(0);
}

/// IEEE: `sqrt.rn`. Other widths are exact already.
Value expand(ImplicitLocOpBuilder &b, math::SqrtOp op) {
  if (!op.getType().isF32())
    return {};
  return intrinsic(b, "llvm.sqrt.f32", op.getType(), op.getOperand());
}

Value expand(ImplicitLocOpBuilder &b, math::TruncOp op) {
  std::string name = op.getType().isF64() ? "llvm.trunc.f64" : "llvm.trunc.f32";
  if (!op.getType().isF32() && !op.getType().isF64())
    return {};
  return intrinsic(b, name, op.getType(), op.getOperand());
}

Value expand(ImplicitLocOpBuilder &b, math::CtPopOp op) {
  return LLVM::CtPopOp::create(b, op.getType(), op.getOperand());
}
Value expand(ImplicitLocOpBuilder &b, math::CountLeadingZerosOp op) {
  return LLVM::CountLeadingZerosOp::create(b, op.getType(), op.getOperand(), false);
}
Value expand(ImplicitLocOpBuilder &b, math::CountTrailingZerosOp op) {
  return LLVM::CountTrailingZerosOp::create(b, op.getType(), op.getOperand(), false);
}

/// One instruction of chips from 8.0 on, of which -0 is less than 0, also of two floats of 16 bits.
/// Expanded it would be four.
template <typename To> Value limit(ImplicitLocOpBuilder &b, Operation *op) {
  Type type = op->getResult(0).getType(), element = getElementTypeOrSelf(type);
  auto vector = dyn_cast<VectorType>(type);
  const bool isPair = vector && vector.getNumElements() == 2 && !element.isF32();
  if ((vector && !isPair) || (!element.isF32() && !element.isF16() && !element.isBF16()))
    return {};
  return To::create(b, op->getOperand(0), op->getOperand(1));
}
Value expand(ImplicitLocOpBuilder &b, arith::MaximumFOp op) {
  return limit<LLVM::MaximumOp>(b, op);
}
Value expand(ImplicitLocOpBuilder &b, arith::MinimumFOp op) {
  return limit<LLVM::MinimumOp>(b, op);
}

/// An instruction, or a few of them, on every type of floats. Called by name: of the ops of
/// the LLVM dialect, the conversion would make calls of the toolkit.
Value instruction(ImplicitLocOpBuilder &b, Operation *op) {
  StringRef name = llvm::TypeSwitch<Operation *, StringRef>(op)
                       .Case([](math::AbsFOp) { return "llvm.fabs"; })
                       .Case([](math::CeilOp) { return "llvm.ceil"; })
                       .Case([](math::FloorOp) { return "llvm.floor"; })
                       .Case([](math::RoundEvenOp) { return "llvm.roundeven"; })
                       .Case([](math::CopySignOp) { return "llvm.copysign"; })
                       .Case([](math::FmaOp) { return "llvm.fma"; })
                       .Default([](Operation *) { return ""; });
  if (name.empty())
    return {};
  Type type = op->getResult(0).getType();
  std::string suffix;
  llvm::raw_string_ostream(suffix) << "." << type; // `.f32`
  return intrinsic(b, (name + suffix).str(), type, op->getOperands());
}

/// In f32, off by some roundings; what is less than the least normal number is 0.
Value approximate(ImplicitLocOpBuilder &b, Operation *op) {
  if (!op->hasAttr(approximateAttr) || !op->getResult(0).getType().isF32())
    return {};
  Type type = op->getResult(0).getType();
  auto made = [&](StringRef name, Value x) { return intrinsic(b, name, type, x); };
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case([&](math::Log2Op) { return made("llvm.nvvm.lg2.approx.ftz.f", op->getOperand(0)); })
      .Case([&](math::Exp2Op) { return made("llvm.nvvm.ex2.approx.ftz.f", op->getOperand(0)); })
      .Case([&](arith::DivFOp) { return made("llvm.nvvm.rcp.approx.ftz.f", op->getOperand(1)); })
      .Default([](Operation *) { return Value(); });
}

struct GpuMathPass : impl::GpuMathBase<GpuMathPass> {
  using GpuMathBase::GpuMathBase;

  void runOnOperation() override {
    getOperation().walk([&](Operation *op) {
      ImplicitLocOpBuilder b(op->getLoc(), op);
      Value value =
          llvm::TypeSwitch<Operation *, Value>(op)
              .Case<arith::MaximumFOp, arith::MinimumFOp, math::AbsIOp, math::SqrtOp, math::TruncOp,
                    math::CtPopOp, math::CountLeadingZerosOp, math::CountTrailingZerosOp>(
                  [&](auto known) { return expand(b, known); })
              .Default([&](Operation *op) { return approximate(b, op); });
      if (!value && all)
        value = instruction(b, op);
      if (!value)
        return;
      op->getResult(0).replaceAllUsesWith(value);
      op->erase();
    });
  }
};

} // namespace
} // namespace mad
