//===- ExpandStrictMaxima.cpp - Maxima and minima that order zeros -----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// IEEE 754-2019, 9.6: maximum and minimum take -0 for less than +0, and NaN where there is one.
// MLIR's own expansion gives either zero, which is good enough for all but strict code.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "passes/Transforms/Passes.h"

using namespace mlir;

namespace mad {

#define GEN_PASS_DEF_EXPANDSTRICTMAXIMA
#include "passes/Transforms/Passes.h.inc"

namespace {

Type bitsLike(Type type) {
  Type bits =
      IntegerType::get(type.getContext(), getElementTypeOrSelf(type).getIntOrFloatBitWidth());
  auto vector = dyn_cast<VectorType>(type);
  return vector ? vector.clone(bits) : bits;
}

/// Equal numbers have the same bits, but for zeros, of which one bit differs: the larger has it
/// only where both do.
template <typename Op, typename Bits> void expand(Op op, arith::CmpFPredicate further) {
  if (op.getFastmath() != arith::FastMathFlags::none)
    return;
  ImplicitLocOpBuilder b(op.getLoc(), op);
  Value x = op.getLhs(), y = op.getRhs();
  auto bits = [&](Value v) {
    return arith::BitcastOp::create(b, bitsLike(v.getType()), v).getResult();
  };
  Value zero = arith::BitcastOp::create(b, x.getType(), Bits::create(b, bits(x), bits(y)));
  Value equal = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, x, y);
  // Also where x is NaN.
  Value isX = arith::CmpFOp::create(b, further, x, y);
  Value isNan = arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, y, y);
  Value either = arith::SelectOp::create(b, isX, x, y);
  either = arith::SelectOp::create(b, isNan, y, either);
  op.replaceAllUsesWith(arith::SelectOp::create(b, equal, zero, either).getResult());
  op.erase();
}

struct ExpandStrictMaximaPass : impl::ExpandStrictMaximaBase<ExpandStrictMaximaPass> {
  using ExpandStrictMaximaBase::ExpandStrictMaximaBase;

  void runOnOperation() override {
    getOperation()->walk([](Operation *op) {
      if (auto most = dyn_cast<arith::MaximumFOp>(op))
        expand<arith::MaximumFOp, arith::AndIOp>(most, arith::CmpFPredicate::UGT);
      else if (auto least = dyn_cast<arith::MinimumFOp>(op))
        expand<arith::MinimumFOp, arith::OrIOp>(least, arith::CmpFPredicate::ULT);
    });
  }
};

} // namespace
} // namespace mad
