//===- Derivatives.cpp - Calls of what computes tangents --------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Emit/Derivatives.h"
#include "dialects/Mad/Derivatives/Differentiate.h"
#include "dialects/Mad/IR/MadDerivatives.h"

using namespace mlir;

namespace mad {

SmallVector<Value> emitJvp(OpBuilder &b, Location loc, Differentiator &derivatives,
                           func::FuncOp function, ValueRange operands, ArrayRef<uint32_t> active,
                           const std::optional<DimExpr> &directions) {
  SmallVector<bool> varies(function.getNumArguments(), false);
  for (uint32_t argument : active)
    varies[argument] = true;
  FailureOr<JvpFunction> jvp = derivatives.jvp(function, varies, directions);
  if (failed(jvp))
    return {};
  // What the caller calls a constant size is no difference.
  SmallVector<Value> arguments;
  for (auto [operand, type] : llvm::zip_equal(operands, jvp->function.getArgumentTypes()))
    arguments.push_back(
        operand.getType() == type ? operand : Value(ReshapeOp::create(b, loc, type, operand)));
  auto call = func::CallOp::create(b, loc, jvp->function, arguments);
  size_t count = function.getNumResults(), next = count;
  SmallVector<Value> results(call.getResults().take_front(count));
  for (size_t i = 0; i < count; ++i) {
    Type type = function.getResultTypes()[i];
    if (!isa<FloatType>(cast<RankedTensorType>(type).getElementType()))
      continue;
    results.push_back(jvp->varies[i] ? Value(call.getResult(next++))
                                     : filled(b, loc, 0, tangentType(type, directions)));
  }
  return results;
}

} // namespace mad
