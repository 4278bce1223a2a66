//===- VectorizeLoopsFast.cpp - Quotients of fast code ----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/IR/PatternMatch.h"
#include "passes/Transforms/VectorizeLoopsAnalysis.h"

using namespace mlir;

namespace mad::vectorize {

static bool allowsReciprocal(arith::DivFOp op) {
  return bitEnumContainsAll(op.getFastmath(), arith::FastMathFlags::arcp);
}

/// Whether the innermost loop in which the quotient changes leaves the divisor as it is:
/// the reciprocal is then computed outside of that loop.
static bool servesAgain(const BodyAnalysis &analysis, arith::DivFOp op) {
  llvm::SmallBitVector all = analysis.of(op.getResult()).deps();
  llvm::SmallBitVector divisor = analysis.of(op.getRhs()).deps();
  for (unsigned d = analysis.nest.numDims(); d-- > 0;)
    if (all.test(d) && !analysis.nest.isOne(d))
      return !divisor.test(d);
  return false;
}

void shareReciprocals(RewriterBase &rewriter, linalg::GenericOp op, int level) {
  SmallVector<arith::DivFOp> quotients;
  for (auto quotient : op.getBody()->getOps<arith::DivFOp>())
    if (allowsReciprocal(quotient))
      quotients.push_back(quotient);
  std::optional<Nest> nest;
  if (!quotients.empty())
    nest = Nest::get(op, level);
  if (!nest)
    return;
  BodyAnalysis analysis(*nest);
  llvm::erase_if(quotients, [&](arith::DivFOp q) { return !servesAgain(analysis, q); });
  for (arith::DivFOp q : quotients) {
    Location loc = q.getLoc();
    rewriter.setInsertionPoint(q);
    Value one = arith::ConstantOp::create(rewriter, loc, rewriter.getFloatAttr(q.getType(), 1.0));
    auto flags = q.getFastmathAttr();
    Value reciprocal = arith::DivFOp::create(rewriter, loc, one, q.getRhs(), flags);
    rewriter.replaceOpWithNewOp<arith::MulFOp>(q, q.getLhs(), reciprocal, flags);
  }
}

} // namespace mad::vectorize
