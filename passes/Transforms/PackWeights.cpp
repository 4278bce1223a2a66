//===- PackWeights.cpp - Weights in the order in which products read them ---===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "passes/Transforms/Contraction.h"
#include "passes/Transforms/Entries.h"
#include "passes/Transforms/Passes.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using linalg::GenericOp;

namespace mad {
#define GEN_PASS_DEF_PACKWEIGHTS
#include "passes/Transforms/Passes.h.inc"

namespace {

/// Columns and steps from which on packing pays.
constexpr int64_t least = 16;

/// A weight as an argument of one entry, and who reads it.
struct Use {
  func::FuncOp function;
  unsigned argument;
  SmallVector<tensor::ExtractSliceOp> slices; ///< of layers
  SmallVector<Contraction> products;
};

/// Whether the op is a right factor that is read row by row.
bool addProduct(OpOperand &operand, Use &use, int64_t &panel) {
  auto op = dyn_cast<GenericOp>(operand.getOwner());
  if (!op || !op.hasPureTensorSemantics())
    return false;
  auto product = Contraction::match(op);
  if (!product || product->panel || operand.getOperandNumber() != product->b)
    return false;
  AffineMap map = product->map(product->b);
  if (map.getNumResults() != 2 || map.getDimPosition(1) != product->n)
    return false;
  panel = panelOf(product->sum);
  use.products.push_back(*product);
  return true;
}

/// One layer of a group.
bool isLayer(tensor::ExtractSliceOp slice) {
  RankedTensorType from = slice.getSourceType(), to = slice.getType();
  if (from.getRank() != 3 || to.getRank() != 2 || !slice.hasUnitStride() ||
      from.getShape().drop_front() != to.getShape() || slice.getStaticSizes()[0] != 1)
    return false;
  return slice.getStaticOffsets()[1] == 0 && slice.getStaticOffsets()[2] == 0;
}

class Weight {
public:
  SmallVector<Use> uses;
  int64_t panel = 0;

  bool isPackable();
  void pack();

private:
  bool accept(OpOperand &operand, Use &use);
  RankedTensorType type() {
    return cast<RankedTensorType>(uses[0].function.getArgument(uses[0].argument).getType());
  }
  static RankedTensorType packed(RankedTensorType type, int64_t panel);
};

bool Weight::accept(OpOperand &operand, Use &use) {
  int64_t wanted = 0;
  if (!addProduct(operand, use, wanted) || (panel && panel != wanted))
    return false;
  panel = wanted;
  return true;
}

bool Weight::isPackable() {
  RankedTensorType type = this->type();
  ArrayRef<int64_t> shape = type.getShape();
  if (shape.size() < 2 || shape.size() > 3 || shape.back() < least ||
      shape[shape.size() - 2] < least)
    return false;
  for (Use &use : uses)
    for (OpOperand &operand : use.function.getArgument(use.argument).getUses()) {
      if (shape.size() == 2) {
        if (!accept(operand, use))
          return false;
        continue;
      }
      auto slice = dyn_cast<tensor::ExtractSliceOp>(operand.getOwner());
      if (!slice || !isLayer(slice))
        return false;
      use.slices.push_back(slice);
      for (OpOperand &inner : slice->getUses())
        if (!accept(inner, use))
          return false;
    }
  return panel != 0;
}

RankedTensorType Weight::packed(RankedTensorType type, int64_t panel) {
  SmallVector<int64_t> shape(type.getShape());
  int64_t columns = shape.pop_back_val(), steps = shape.pop_back_val();
  shape.append({int64_t(llvm::divideCeil(columns, panel)), steps, panel});
  return RankedTensorType::get(shape, type.getElementType());
}

void Weight::pack() {
  RankedTensorType whole = packed(type(), panel);
  for (Use &use : uses) {
    OpBuilder b(use.function.getContext());
    BlockArgument argument = use.function.getArgument(use.argument);
    argument.setType(whole);
    SmallVector<Type> inputs(use.function.front().getArgumentTypes());
    use.function.setType(b.getFunctionType(inputs, use.function.getResultTypes()));
    for (tensor::ExtractSliceOp slice : use.slices) {
      b.setInsertionPoint(slice);
      SmallVector<OpFoldResult> offsets(4, b.getIndexAttr(0)), sizes{b.getIndexAttr(1)},
          strides(4, b.getIndexAttr(1));
      offsets[0] = slice.getMixedOffsets()[0];
      for (int64_t size : whole.getShape().drop_front())
        sizes.push_back(b.getIndexAttr(size));
      auto type = RankedTensorType::get(whole.getShape().drop_front(), whole.getElementType());
      Value made = tensor::ExtractSliceOp::create(b, slice.getLoc(), type, argument, offsets, sizes,
                                                  strides);
      slice.replaceAllUsesWith(made);
      slice.erase();
    }
    for (Contraction &product : use.products) {
      SmallVector<AffineMap> maps = product.op.getIndexingMapsArray();
      maps[product.b] = panelMap(maps[0].getNumDims(), product.n, product.k, panel, b.getContext());
      product.op.setIndexingMapsAttr(b.getAffineMapArrayAttr(maps));
    }
    EntryArguments arguments(use.function);
    SmallVector<int64_t> panels(arguments.outputs - arguments.weights, 0);
    if (auto known = dyn_cast_or_null<DenseI64ArrayAttr>(entryMember(use.function, "panels")))
      panels.assign(known.asArrayRef().begin(), known.asArrayRef().end());
    panels[use.argument - arguments.weights] = panel;
    setEntryMember(use.function, "panels", b.getDenseI64ArrayAttr(panels));
  }
}

struct PackWeightsPass : impl::PackWeightsBase<PackWeightsPass> {
  using PackWeightsBase::PackWeightsBase;

  void runOnOperation() override {
    // A weight has one order, in all entries.
    llvm::MapVector<StringAttr, Weight> weights;
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (!isEntry(function))
        continue;
      unsigned argument = EntryArguments(function).weights;
      for (auto name : entryList(function, "weights").getAsRange<StringAttr>())
        weights[name].uses.push_back({function, argument++, {}, {}});
    }
    for (auto &[name, weight] : weights)
      if (weight.isPackable()) {
        weight.pack();
        ++numPacked;
      }
  }
};

} // namespace
} // namespace mad
