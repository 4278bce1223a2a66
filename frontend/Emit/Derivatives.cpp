//===- Derivatives.cpp - Calls of what computes tangents --------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Emit/Derivatives.h"
#include "dialects/Mad/Derivatives/CompressedJacobian.h"
#include "dialects/Mad/IR/MadDerivatives.h"

using namespace mlir;

namespace mad {

/// What the caller calls a constant size is no difference.
static SmallVector<Value> relabelled(OpBuilder &b, Location loc, ValueRange operands,
                                     TypeRange types) {
  SmallVector<Value> arguments;
  for (auto [operand, type] : llvm::zip_equal(operands, types))
    arguments.push_back(
        operand.getType() == type ? operand : Value(ReshapeOp::create(b, loc, type, operand)));
  return arguments;
}

SmallVector<Value> emitJvp(OpBuilder &b, Location loc, Differentiator &derivatives,
                           func::FuncOp function, ValueRange operands, ArrayRef<uint32_t> active,
                           const std::optional<DimExpr> &directions) {
  SmallVector<bool> varies(function.getNumArguments(), false);
  for (uint32_t argument : active)
    varies[argument] = true;
  FailureOr<JvpFunction> jvp = derivatives.jvp(function, varies, directions);
  if (failed(jvp))
    return {};
  SmallVector<Value> arguments = relabelled(b, loc, operands, jvp->function.getArgumentTypes());
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

/// Whether all results of floats have one type of them.
static bool sameFloats(func::FuncOp function) {
  Type element;
  for (Type type : function.getResultTypes()) {
    Type own = cast<RankedTensorType>(type).getElementType();
    if (!isa<FloatType>(own))
      continue;
    if (element && element != own)
      return false;
    element = own;
  }
  return true;
}

/// Colours of a pattern that make a Jacobian cheaper: at most half as many as columns. None where a
/// row already has more entries, or where the search or its constants would be large.
static Colouring fewColours(const Sparsity &sparsity) {
  constexpr int64_t maxNumbers = int64_t(1) << 20, maxPairs = int64_t(1) << 26;
  int64_t entries = sparsity.entries(), pairs = 0, longest = 0;
  for (const std::vector<int32_t> &row : sparsity.rows) {
    longest = std::max(longest, int64_t(row.size()));
    pairs += int64_t(row.size() * row.size());
  }
  if (entries == 0 || entries > maxNumbers || 2 * longest > sparsity.columns || pairs > maxPairs)
    return {};
  Colouring colouring = colourColumns(sparsity);
  bool few =
      2 * colouring.count <= sparsity.columns && colouring.count * sparsity.columns <= maxNumbers;
  return few ? colouring : Colouring();
}

SmallVector<Value> emitJacobian(OpBuilder &b, Location loc, Differentiator &derivatives,
                                func::FuncOp function, ValueRange operands, uint32_t argument,
                                const DimExpr &directions) {
  std::optional<Sparsity> sparsity;
  // Of fewer columns nothing is gained.
  if (directions.constant().value_or(0) >= 8 && sameFloats(function))
    sparsity = jacobianSparsity(function, argument);
  Colouring colouring = sparsity ? fewColours(*sparsity) : Colouring();
  if (colouring.count == 0)
    return emitJvp(b, loc, derivatives, function, operands, argument, directions);
  FailureOr<CompressedJacobian> found =
      compressedJacobian(b, loc, derivatives, function,
                         relabelled(b, loc, operands.drop_back(), function.getArgumentTypes()),
                         argument, *sparsity, colouring);
  if (failed(found))
    return {};
  SmallVector<Value> results = found->results;
  int64_t row = 0;
  for (Type type : function.getResultTypes()) {
    auto tensor = cast<RankedTensorType>(type);
    if (!isa<FloatType>(tensor.getElementType()))
      continue;
    Value columns = denseColumns(b, loc, found->entries, *sparsity, row, tensor.getNumElements());
    row += tensor.getNumElements();
    results.push_back(ReshapeOp::create(b, loc, tangentType(tensor, directions), columns));
  }
  return results;
}

} // namespace mad
