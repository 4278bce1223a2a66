//===- ExpandMathFast.cpp - Functions and maxima of fast code ---------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where the flags say that there is no NaN and no infinity and that the sign of a
// zero does not count. The flags end here: to LLVM a NaN that is there after all would
// be undefined behaviour; here it only gives some number.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/BuiltinOps.h"
#include "passes/Transforms/ExpandMathParts.h"

using namespace mlir;

namespace mad {

/// 2^(n - 1) (2 e^r): the power is 0 for n = -126 and finite for n = 128, so one
/// product scales the whole range. Below some 1.7e-38 the result is 0.
static Value expFast(F32Builder &m, Value x) {
  using namespace f32;
  Value inside = m.max(m.min(x, m.number(88.73f)), m.number(-87.3f));
  Rounded n = roundProduct(m, inside, log2e);
  Value r = reduceByLn2(m, inside, n.number);
  Value p = m.polynomial(r, {2.0f, 2.0f, 2 * 0.49999994f, 2 * 0.16666521f, 2 * 0.04166829f,
                             2 * 0.0083687157f, 2 * 0.0013818695f});
  return m.mul(p, m.asNumber(m.shiftLeft(m.addBits(n.bits, m.bits(126)), 23)));
}

Value expandFastF32(F32Builder &m, Operation *op) {
  using F = arith::FastMathFlags;
  auto math = dyn_cast<arith::ArithFastMathInterface>(op);
  arith::FastMathFlagsAttr flags = math ? math.getFastMathFlagsAttr() : nullptr;
  if (!flags || !bitEnumContainsAll(flags.getValue(), F::nnan | F::ninf | F::afn))
    return {};
  // With AVX-512 the exponential of all code is less work still.
  return isa<math::ExpOp>(op) && m.level() < 4 ? expFast(m, op->getOperand(0)) : Value();
}

/// The larger as one instruction: `select(x > y, x, y)`.
template <typename Op> static void relax(Op op, arith::CmpFPredicate predicate) {
  using F = arith::FastMathFlags;
  if (!bitEnumContainsAll(op.getFastmath(), F::nnan | F::nsz))
    return;
  ImplicitLocOpBuilder b(op.getLoc(), op);
  Value holds = arith::CmpFOp::create(b, predicate, op.getLhs(), op.getRhs());
  op.replaceAllUsesWith(arith::SelectOp::create(b, holds, op.getLhs(), op.getRhs()).getResult());
  op.erase();
}

void relaxMaxima(ModuleOp module) {
  module.walk([](Operation *op) {
    if (auto max = dyn_cast<arith::MaximumFOp>(op))
      relax(max, arith::CmpFPredicate::OGT);
    else if (auto min = dyn_cast<arith::MinimumFOp>(op))
      relax(min, arith::CmpFPredicate::OLT);
  });
}

} // namespace mad
