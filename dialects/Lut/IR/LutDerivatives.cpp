//===- LutDerivatives.cpp - Derivatives of products with codes -------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Weights are constants, so a product is linear in its rows. What rounds has no derivative that
// says anything: that is an error.
//
//===----------------------------------------------------------------------===//
#include "dialects/Lut/IR/LutOps.h"
#include "dialects/Mad/IR/DerivativeInterface.h"
#include "dialects/Mad/IR/MadDerivatives.h"

using namespace mlir;
using namespace mad;
using namespace mad::lut;

namespace {

struct LutDerivative final : DerivativeInterface {
  using DerivativeInterface::DerivativeInterface;

  FailureOr<SmallVector<Value>> jvp(Operation *op, OpBuilder &builder,
                                    ValueRange tangents) const override {
    auto product = dyn_cast<ProductOp>(op);
    Tangents t(builder, op, tangents);
    bool constant = llvm::none_of(tangents.drop_front(), [](Value v) { return bool(v); });
    if (!product || !constant)
      return failure();
    // Directions are further rows; where there are several weights, the first dimension counts
    // them.
    if (t.lead() && tensorTypeOf(product.getParts().front()).getRank() > 2)
      return failure();
    return SmallVector<Value>{ProductOp::create(builder, t.loc, t.type(product.getType()), t[0],
                                                product.getParts(), product.getFormatAttr())};
  }
};

} // namespace

namespace mad::lut {
void addDerivatives(LutDialect &dialect) { dialect.addInterfaces<LutDerivative>(); }
} // namespace mad::lut
