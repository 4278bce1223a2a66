//===- Differentiate.cpp - A function beside another one --------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/Derivatives/Differentiate.h"
#include "dialects/Mad/IR/MadOps.h"
#include "passes/Derivatives/Passes.h"

using namespace mlir;

namespace mad {
#define GEN_PASS_DEF_DIFFERENTIATE
#include "passes/Derivatives/Passes.h.inc"

namespace {

struct DifferentiatePass : impl::DifferentiateBase<DifferentiatePass> {
  using DifferentiateBase::DifferentiateBase;

  void runOnOperation() override {
    if (failed(run()))
      signalPassFailure();
  }

  LogicalResult run() {
    auto f = getOperation().lookupSymbol<func::FuncOp>(function);
    if (!f || f.isExternal())
      return getOperation().emitError() << "the module has no function `" << function << "`";
    SmallVector<bool> active;
    for (Type type : f.getArgumentTypes())
      active.push_back(arguments.empty() && isFloat(type));
    for (unsigned argument : arguments) {
      if (argument >= active.size() || !isFloat(f.getArgumentTypes()[argument]))
        return f.emitError() << "argument " << argument << " of `" << function
                             << "` is no tensor of floats";
      active[argument] = true;
    }
    if (llvm::none_of(active, [](bool one) { return one; }))
      return f.emitError() << "`" << function << "` has no argument of floats";
    std::optional<DimExpr> size;
    if (!directions.empty()) {
      size = DimExpr::parse(directions.getValue());
      if (!size || !size->valid())
        return f.emitError() << "`" << directions << "` is not a dimension";
    }
    return success(succeeded(Differentiator(getOperation()).jvp(f, active, size)));
  }

  static bool isFloat(Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor && isa<FloatType>(tensor.getElementType());
  }
};

} // namespace
} // namespace mad
