//===- WidenWeights.cpp - 16-bit weights of code that cannot widen them -----===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "passes/Transforms/Contraction.h"
#include "passes/Transforms/Entries.h"
#include "passes/Transforms/Passes.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using linalg::GenericOp;

namespace mad {
#define GEN_PASS_DEF_WIDENWEIGHTS
#include "passes/Transforms/Passes.h.inc"

namespace {

/// A weight as an argument of one entry.
struct Use {
  func::FuncOp function;
  unsigned argument;
  BlockArgument value() { return function.getArgument(argument); }
};

RankedTensorType wideType(Type type) {
  auto narrow = cast<RankedTensorType>(type);
  return narrow.clone(Float32Type::get(type.getContext()));
}

/// Whether an op is a product that widens the elements of an operand to f32, and needs nothing
/// else of them.
bool onlyWidens(OpOperand &operand) {
  auto op = dyn_cast<GenericOp>(operand.getOwner());
  if (!op || !op.hasPureTensorSemantics() || !op.isDpsInput(&operand) || !Contraction::match(op))
    return false;
  return llvm::all_of(op.getMatchingBlockArgument(&operand).getUsers(), [](Operation *user) {
    return isa<arith::ExtFOp>(user) && user->getResult(0).getType().isF32();
  });
}

/// The same of a weight, whole or by its layers.
bool isWidened(Value value) {
  return llvm::all_of(value.getUses(), [](OpOperand &operand) {
    auto slice = dyn_cast<tensor::ExtractSliceOp>(operand.getOwner());
    return slice ? isWidened(slice.getResult()) : onlyWidens(operand);
  });
}

/// Lets those that read it read numbers of f32.
void widen(Value value) {
  value.setType(wideType(value.getType()));
  for (OpOperand &operand : value.getUses()) {
    if (auto slice = dyn_cast<tensor::ExtractSliceOp>(operand.getOwner())) {
      widen(slice.getResult());
      continue;
    }
    BlockArgument element = cast<GenericOp>(operand.getOwner()).getMatchingBlockArgument(&operand);
    SmallVector<Operation *> casts(element.getUsers());
    element.setType(Float32Type::get(value.getContext()));
    for (Operation *cast : casts) {
      cast->getResult(0).replaceAllUsesWith(element);
      cast->erase();
    }
  }
}

/// Tells the driver and the loader.
void describe(Use use) {
  EntryArguments arguments(use.function);
  SmallVector<int64_t> values(entryList(use.function, "weights").size(), 0);
  if (auto known = dyn_cast_or_null<DenseI64ArrayAttr>(entryMember(use.function, "widened")))
    values.assign(known.asArrayRef().begin(), known.asArrayRef().end());
  values[use.argument - arguments.weights] = 1;
  setEntryMember(use.function, "widened",
                 DenseI64ArrayAttr::get(use.function.getContext(), values));
}

struct WidenWeightsPass : impl::WidenWeightsBase<WidenWeightsPass> {
  using WidenWeightsBase::WidenWeightsBase;

  void runOnOperation() override {
    // A weight has one type, in all entries.
    llvm::MapVector<StringAttr, SmallVector<Use>> weights;
    forEachBoundWeight(getOperation(),
                       [&](StringAttr name, func::FuncOp function, unsigned argument) {
                         weights[name].push_back({function, argument});
                       });
    for (auto &[name, uses] : weights) {
      if (!llvm::all_of(uses, isWorth))
        continue;
      for (Use use : uses)
        widenArgument(use);
      ++numWidened;
    }
  }

  static bool isWorth(Use use) {
    Type element = getElementTypeOrSelf(use.value().getType());
    return isa<Float16Type, BFloat16Type>(element) && !use.value().use_empty() &&
           isWidened(use.value());
  }

  static void widenArgument(Use use) {
    widen(use.value());
    SmallVector<Type> inputs(use.function.front().getArgumentTypes());
    use.function.setType(
        FunctionType::get(use.function.getContext(), inputs, use.function.getResultTypes()));
    describe(use);
  }
};

} // namespace
} // namespace mad
