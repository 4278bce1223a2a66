//===- Equations.cpp - Solves that failed end the call ----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Ode/IR/OdeOps.h"
#include "dialects/Ode/Tableaus/Control.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "passes/Conversion/MadToLinalg/Lowering.h"

using namespace mlir;

namespace mad {
namespace {

/// One check a status, as each has a text of its own.
struct CheckLowering : LoweringPattern<ode::CheckOp> {
  using LoweringPattern::LoweringPattern;

  LogicalResult matchAndRewrite(ode::CheckOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    // Kernels do nothing behind a check that fails, so a loop there would not come to its end.
    if (lowering.device)
      b.setInsertionPoint(op->getBlock()->getTerminator());
    auto scalar = [&](Value tensor) { return scalarOf(b, loc, tensor, false); };
    auto word = [&](int64_t value) -> Value {
      return arith::ConstantIntOp::create(b, loc, value, 64);
    };
    Value status = scalar(adaptor.getStatus());
    Value time = arith::BitcastOp::create(b, loc, b.getI64Type(), scalar(adaptor.getTime()));
    Value high = arith::ShLIOp::create(b, loc, scalar(adaptor.getSteps()), word(32));
    Value low = arith::AndIOp::create(b, loc, scalar(adaptor.getComponent()), word(0xffffffff));
    Value where = arith::OrIOp::create(b, loc, high, low);
    for (int32_t code = 1; code < ode::statusCount; ++code) {
      Value failed = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, status, word(code));
      std::string text = "`" + op.getName().str() + "` cannot be solved: " +
                         std::string(ode::statusText(static_cast<ode::Status>(code)));
      lowering.check(b, op, failed, time, where, text, Lowering::Shown::Step);
    }
    b.eraseOp(op);
    return success();
  }
};

} // namespace

void populateEquationPatterns(RewritePatternSet &patterns, Lowering &lowering) {
  patterns.add<CheckLowering>(lowering, patterns.getContext());
}

} // namespace mad
