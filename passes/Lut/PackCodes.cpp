//===- PackCodes.cpp - Weights of few bits in panels ----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Lut/IR/LutOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "passes/Lut/Passes.h"
#include "passes/Transforms/Entries.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace mad {
#define GEN_PASS_DEF_PACKCODES
#include "passes/Lut/Passes.h.inc"

namespace {

/// A weight as an argument of an entry.
struct Use {
  func::FuncOp function;
  unsigned argument;
  BlockArgument value() { return function.getArgument(argument); }
};

using Weights = llvm::MapVector<StringAttr, SmallVector<Use>>;

/// Parts with a column for each of the weight's, of an op that reads codes; else none.
SmallVector<Value> partsOf(Operation *user) {
  auto perColumn = [](auto product) {
    const lut::Format &format = product.getFormat().getValue();
    bool one = format.family == lut::Family::Codebook || format.group == lut::Format::wholeTensor;
    return llvm::to_vector(one ? product.getParts().take_front() : product.getParts());
  };
  if (auto product = dyn_cast<lut::ProductIntoOp>(user))
    return perColumn(product);
  if (auto gemm = dyn_cast<lut::GemmIntoOp>(user))
    return perColumn(gemm);
  return {};
}

/// Whether nothing but products reads it, as such a part.
bool isPackable(Use use) {
  auto type = dyn_cast<RankedTensorType>(use.value().getType());
  // Narrower ones would grow by more than they gain.
  if (!type || type.getRank() != 2 || type.getDimSize(1) < lut::columnPanel)
    return false;
  return llvm::all_of(use.value().getUsers(), [&](Operation *user) {
    return llvm::count(user->getOperands(), use.value()) == 1 &&
           llvm::is_contained(partsOf(user), use.value());
  });
}

/// Leaves out weights whose other parts stay as they are: a product reads all in one order.
void keepTogether(Weights &weights) {
  for (bool changed = true; changed;) {
    changed = false;
    llvm::SmallDenseSet<Value> taken;
    for (auto &[name, uses] : weights)
      for (Use use : uses)
        taken.insert(use.value());
    auto isSplit = [&](Operation *user) {
      return !llvm::all_of(partsOf(user), [&](Value part) { return taken.contains(part); });
    };
    weights.remove_if([&](auto &weight) {
      bool split = llvm::any_of(
          weight.second, [&](Use use) { return llvm::any_of(use.value().getUsers(), isSplit); });
      changed |= split;
      return split;
    });
  }
}

/// Changes its type, and tells the driver and the loader (`mad_weight`).
void pack(Use use) {
  BlockArgument argument = use.value();
  auto type = cast<RankedTensorType>(argument.getType());
  argument.setType(
      RankedTensorType::get(lut::inPanels(type.getShape().vec()), type.getElementType()));
  SmallVector<Type> inputs(use.function.front().getArgumentTypes());
  use.function.setType(
      FunctionType::get(argument.getContext(), inputs, use.function.getResultTypes()));
  EntryArguments arguments(use.function);
  unsigned number = use.argument - arguments.weights;
  Builder b(argument.getContext());
  for (auto [member, value] : {std::pair("panels", lut::columnPanel), {"axes", int64_t(1)}}) {
    SmallVector<int64_t> values(arguments.outputs - arguments.weights, 0);
    if (auto known = dyn_cast_or_null<DenseI64ArrayAttr>(entryMember(use.function, member)))
      values.assign(known.asArrayRef().begin(), known.asArrayRef().end());
    values[number] = value;
    setEntryMember(use.function, member, b.getDenseI64ArrayAttr(values));
  }
}

struct PackCodesPass : impl::PackCodesBase<PackCodesPass> {
  void runOnOperation() override {
    // What the code itself computes is there in no other order.
    llvm::SmallDenseSet<Attribute> late;
    if (auto names = getOperation()->getAttrOfType<ArrayAttr>(lateWeightsAttr))
      late.insert_range(names);
    Weights weights;
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (!isEntry(function))
        continue;
      unsigned argument = EntryArguments(function).weights;
      for (auto name : entryList(function, "weights").getAsRange<StringAttr>())
        weights[name].push_back({function, argument++});
    }
    weights.remove_if([&](auto &weight) {
      return late.contains(weight.first) || !llvm::all_of(weight.second, isPackable);
    });
    keepTogether(weights);
    for (auto &[name, uses] : weights) {
      llvm::for_each(uses, pack);
      ++numPacked;
    }
  }
};

} // namespace
} // namespace mad
