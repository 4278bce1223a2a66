//===- GpuNarrowMath.cpp - Functions whose results are rounded to 16 bits ---===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Functions of f16 and bf16 are computed in f32 and rounded. Of the toolkit's functions, which are
// right to some 2^-23, most of the work is for digits that the rounding takes away: kernels that
// read and write 16 bits an element would wait for instructions, not for memory.
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadPrecision.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "passes/Conversion/Passes.h"

using namespace mlir;

namespace mad {
#define GEN_PASS_DEF_GPUNARROWMATH
#include "passes/Conversion/Passes.h.inc"

namespace {

/// The type that everybody who asks for the result rounds it to; null: there is none.
Type roundedTo(Operation *op) {
  Type type;
  for (Operation *user : op->getUsers()) {
    auto round = dyn_cast<arith::TruncFOp>(user);
    if (!round || (type && type != round.getType()))
      return {};
    type = round.getType();
  }
  return type && (type.isF16() || type.isBF16()) ? type : Type();
}

class NarrowBuilder {
public:
  NarrowBuilder(Operation *op, Type rounded)
      : b(op->getLoc(), op), rounded(rounded), x(op->getOperand(0)) {}
  Value exp();
  Value erf();

private:
  Value number(float value) { return arith::ConstantOp::create(b, b.getF32FloatAttr(value)); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, x, y); }
  Value fma(Value x, Value y, Value z) { return math::FmaOp::create(b, x, y, z); }

  ImplicitLocOpBuilder b;
  Type rounded;
  Value x;
};

/// 2^(x / ln 2), before the rounding off by less than 2^-19 of it where the result is neither 0 nor
/// infinite in f16 (|x| < 18: the product is off by 2^-20, the power by 2^-22), and by 2^-16 in
/// bf16 (|x| < 93). The instruction has no denormal results: those of bf16 are squares.
Value NarrowBuilder::exp() {
  constexpr float perPower = 1.44269504f; // 1 / ln 2
  const bool squares = rounded.isBF16();
  Value scaled = mul(x, number(squares ? perPower / 2 : perPower));
  Value power = LLVM::CallIntrinsicOp::create(b, x.getType(),
                                              b.getStringAttr("llvm.nvvm.ex2.approx.ftz.f"), scaled)
                    .getResult(0);
  return squares ? mul(power, power) : power;
}

/// x P(x^2) of least relative error up to 2.7, behind which 1 is next in f16. Before the rounding
/// off by less than 2^-16.9 of it, with all roundings: within 0.52 ulp of f16.
Value NarrowBuilder::erf() {
  constexpr float last = 2.7f;
  constexpr float terms[] = {8.3175756e-8f,  -3.2956507e-6f, 5.8753030e-5f,
                             -6.3383273e-4f, 4.7198990e-3f,  -2.6184454e-2f,
                             1.1235610e-1f,  -3.7598971e-1f, 1.1283724f};
  Value near =
      arith::MinimumFOp::create(b, arith::MaximumFOp::create(b, x, number(-last)), number(last));
  Value square = mul(near, near), sum = number(terms[0]);
  for (float term : llvm::drop_begin(terms))
    sum = fma(sum, square, number(term));
  return mul(sum, near);
}

struct GpuNarrowMathPass : impl::GpuNarrowMathBase<GpuNarrowMathPass> {
  void runOnOperation() override {
    getOperation().walk([](Operation *op) {
      if (!isa<math::ExpOp, math::ErfOp>(op) || !op->getResult(0).getType().isF32() ||
          precisionOf(op) == Precision::Strict)
        return;
      Type rounded = roundedTo(op);
      if (!rounded)
        return;
      NarrowBuilder narrow(op, rounded);
      op->getResult(0).replaceAllUsesWith(isa<math::ExpOp>(op) ? narrow.exp() : narrow.erf());
      op->erase();
    });
  }
};

} // namespace
} // namespace mad
