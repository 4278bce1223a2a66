//===- BindDestinations.cpp - Results are written where the caller says -----===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Still on tensors: empty-tensor elimination then makes the producer of a result
// write to the caller's memory, and no copy is left.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "passes/Transforms/Entries.h"
#include "passes/Transforms/Passes.h"

using namespace mlir;

namespace mad {
#define GEN_PASS_DEF_BINDDESTINATIONS
#include "passes/Transforms/Passes.h.inc"

namespace {

MemRefType memoryOf(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  return MemRefType::get(tensor.getShape(), tensor.getElementType());
}

void bindArguments(func::FuncOp function, OpBuilder &b) {
  b.setInsertionPointToStart(&function.front());
  for (BlockArgument a : function.getArguments()) {
    Type type = a.getType();
    if (!isa<RankedTensorType>(type))
      continue;
    a.setType(memoryOf(type));
    auto tensor = bufferization::ToTensorOp::create(b, a.getLoc(), type, a, /*restrict=*/true,
                                                    /*writable=*/false);
    a.replaceAllUsesExcept(tensor, tensor);
  }
}

void bindResults(func::FuncOp function, OpBuilder &b) {
  auto end = cast<func::ReturnOp>(function.front().getTerminator());
  b.setInsertionPoint(end);
  for (auto [i, value] : llvm::enumerate(end.getOperands())) {
    BlockArgument out = function.front().addArgument(memoryOf(value.getType()), value.getLoc());
    auto scalar = value.getDefiningOp<tensor::FromElementsOp>();
    if (scalar && scalar.getType().getRank() == 0) {
      memref::StoreOp::create(b, value.getLoc(), scalar.getOperand(0), out);
      continue;
    }
    auto bound = bufferization::MaterializeInDestinationOp::create(b, value.getLoc(), TypeRange(),
                                                                   value, out);
    bound.setRestrict(true);
    bound.setWritable(true);
  }
  end->eraseOperands(0, end->getNumOperands());
}

/// Common subexpressions have merged empty tensors: each is to become one place.
/// Branches that write to one place keep it.
void splitEmptyTensors(func::FuncOp function, OpBuilder &b) {
  function.walk([&](tensor::EmptyOp op) {
    b.setInsertionPoint(op);
    llvm::SmallDenseMap<Operation *, Value> places;
    bool first = true;
    for (OpOperand &use : llvm::make_early_inc_range(op->getUses())) {
      Operation *user = use.getOwner();
      bool shared = isa<bufferization::MaterializeInDestinationOp>(user);
      Value &place = places[shared ? user->getParentOp() : user];
      if (!place)
        place = first ? Value(op.getResult()) : Value(b.clone(*op)->getResult(0));
      first = false;
      use.set(place);
    }
  });
}

struct BindDestinationsPass : impl::BindDestinationsBase<BindDestinationsPass> {
  using BindDestinationsBase::BindDestinationsBase;

  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (!isEntry(function))
        continue;
      OpBuilder b(&getContext());
      unsigned inputs = function.getNumArguments(), results = function.getNumResults();
      SmallVector<DictionaryAttr> attrs;
      function.getAllArgAttrs(attrs);
      for (unsigned i = 0; i < results; ++i)
        attrs.push_back(function.getResultAttrDict(i));
      splitEmptyTensors(function, b);
      bindArguments(function, b);
      bindResults(function, b);
      function.setType(b.getFunctionType(function.front().getArgumentTypes(), {}));
      function.setAllResultAttrs(ArrayRef<DictionaryAttr>());
      for (unsigned i = 0; i < inputs + results; ++i)
        function.setArgAttrs(i, attrs[i] ? attrs[i] : b.getDictionaryAttr({}));
    }
  }
};

} // namespace
} // namespace mad
