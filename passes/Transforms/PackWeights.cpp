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
#include "passes/Transforms/WindowProduct.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using linalg::GenericOp;

namespace mad {
#define GEN_PASS_DEF_PACKWEIGHTS
#include "passes/Transforms/Passes.h.inc"

namespace {

/// Steps from which on packing pays, if there is a whole panel.
constexpr int64_t least = 16;

/// How a weight is stored (`mad_weight`); panel 0: as it is.
struct Layout {
  int64_t axis = 0, panel = 0;
  bool operator!=(const Layout &o) const { return axis != o.axis || panel != o.panel; }
};

/// An op that reads a weight, or a layer of it, and how it reads the packed one.
struct Reader {
  GenericOp op;
  unsigned operand;
  AffineMap map;
};

/// A weight as an argument of one entry, and who reads it.
struct Use {
  func::FuncOp function;
  unsigned argument;
  SmallVector<tensor::ExtractSliceOp> slices; ///< of layers
  SmallVector<Reader> readers;
};

/// As the right factor of a product of matrices.
bool addProduct(OpOperand &operand, Use &use, Layout &layout) {
  auto op = dyn_cast<GenericOp>(operand.getOwner());
  if (!op || !op.hasPureTensorSemantics())
    return false;
  auto product = Contraction::match(op);
  if (!product || product->panel || operand.getOperandNumber() != product->b)
    return false;
  AffineMap map = product->map(product->b);
  if (map.getNumResults() != 2)
    return false;
  int64_t rank = cast<RankedTensorType>(use.function.getArgument(use.argument).getType()).getRank();
  bool rows = map.getDimPosition(1) == product->n;
  layout = {rank - (rows ? 1 : 2), panelOf(product->sum)};
  use.readers.push_back(
      {op, product->b,
       panelMap(map.getNumDims(), product->n, product->k, layout.panel, op.getContext())});
  return true;
}

/// The op that reads a weight where only dimensions of size 1 were added to it.
OpOperand *readerOf(OpOperand &operand) {
  auto expand = dyn_cast<tensor::ExpandShapeOp>(operand.getOwner());
  if (!expand)
    return &operand;
  auto isOne = [](int64_t size) { return size == 1; };
  int64_t added = expand.getResultType().getRank() - expand.getSrcType().getRank();
  bool onlyOnes = llvm::count_if(expand.getResultType().getShape(), isOne) -
                      llvm::count_if(expand.getSrcType().getShape(), isOne) ==
                  added;
  return onlyOnes && expand->hasOneUse() ? &*expand->use_begin() : nullptr;
}

/// As the rows of a product with windows.
bool addWindows(OpOperand &operand, Use &use, Layout &layout) {
  OpOperand *read = readerOf(operand);
  auto op = read ? dyn_cast<GenericOp>(read->getOwner()) : GenericOp();
  if (!op || !op.hasPureTensorSemantics())
    return false;
  auto product = WindowProduct::match(op);
  if (!product || product->packed || read->getOperandNumber() != product->w ||
      !product->groups.empty() || product->element(product->w) != product->sum)
    return false;
  // The weight's dimensions are those of the map but for ones that were added.
  auto type = cast<RankedTensorType>(use.function.getArgument(use.argument).getType());
  AffineMap map = product->map(product->w);
  ArrayRef<int64_t> sizes = cast<RankedTensorType>(read->get().getType()).getShape();
  SmallVector<AffineExpr> results;
  int64_t at = 0;
  for (auto [size, e] : llvm::zip(sizes, map.getResults())) {
    bool own = at < type.getRank() && type.getDimSize(at) == size;
    if (!own && size != 1)
      return false;
    if (own)
      results.push_back(e), ++at;
  }
  AffineExpr m = getAffineDimExpr(product->m, op.getContext());
  if (at != type.getRank() || results.empty() || results.front() != m)
    return false;
  layout = {0, blockHeight()};
  results.front() = m.floorDiv(layout.panel);
  results.push_back(m % layout.panel);
  use.readers.push_back(
      {op, product->w, AffineMap::get(map.getNumDims(), 0, results, op.getContext())});
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
  Layout layout;

  bool isPackable();
  void pack();

private:
  bool accept(OpOperand &operand, Use &use, bool whole);
  bool isLarge();
  void packLayers(Use &use, RankedTensorType whole);
  void describe(Use &use);
  RankedTensorType type() {
    return cast<RankedTensorType>(uses[0].function.getArgument(uses[0].argument).getType());
  }
  RankedTensorType packed();
};

bool Weight::accept(OpOperand &operand, Use &use, bool whole) {
  Layout wanted;
  if (!addProduct(operand, use, wanted) && !(whole && addWindows(operand, use, wanted)))
    return false;
  if (layout.panel && layout != wanted)
    return false;
  layout = wanted;
  return true;
}

bool Weight::isLarge() {
  ArrayRef<int64_t> shape = type().getShape();
  int64_t columns = shape[layout.axis], steps = 1;
  bool last = layout.axis + 1 == int64_t(shape.size());
  for (int64_t size : last ? shape.slice(shape.size() - 2, 1) : shape.drop_front(layout.axis + 1))
    steps *= size;
  return columns >= layout.panel && steps >= least;
}

bool Weight::isPackable() {
  int64_t rank = type().getRank();
  if (rank < 2)
    return false;
  for (Use &use : uses)
    for (OpOperand &operand : use.function.getArgument(use.argument).getUses()) {
      auto slice = dyn_cast<tensor::ExtractSliceOp>(operand.getOwner());
      if (!slice) {
        if (!accept(operand, use, /*whole=*/true))
          return false;
        continue;
      }
      if (!isLayer(slice))
        return false;
      use.slices.push_back(slice);
      for (OpOperand &inner : slice->getUses())
        if (!accept(inner, use, /*whole=*/false))
          return false;
    }
  return layout.panel != 0 && isLarge();
}

RankedTensorType Weight::packed() {
  SmallVector<int64_t> shape(type().getShape());
  int64_t rank = shape.size(), panels = llvm::divideCeil(shape[layout.axis], layout.panel);
  shape.erase(shape.begin() + layout.axis);
  shape.insert(shape.begin() + std::min(layout.axis, rank - 2), panels);
  shape.push_back(layout.panel);
  return RankedTensorType::get(shape, type().getElementType());
}

void Weight::packLayers(Use &use, RankedTensorType whole) {
  for (tensor::ExtractSliceOp slice : use.slices) {
    OpBuilder b(slice);
    SmallVector<OpFoldResult> offsets(4, b.getIndexAttr(0)), sizes{b.getIndexAttr(1)},
        strides(4, b.getIndexAttr(1));
    offsets[0] = slice.getMixedOffsets()[0];
    for (int64_t size : whole.getShape().drop_front())
      sizes.push_back(b.getIndexAttr(size));
    auto type = RankedTensorType::get(whole.getShape().drop_front(), whole.getElementType());
    Value made = tensor::ExtractSliceOp::create(
        b, slice.getLoc(), type, use.function.getArgument(use.argument), offsets, sizes, strides);
    slice.replaceAllUsesWith(made);
    slice.erase();
  }
}

/// Tells the driver and the loader.
void Weight::describe(Use &use) {
  EntryArguments arguments(use.function);
  unsigned number = use.argument - arguments.weights;
  Builder b(use.function.getContext());
  for (auto [member, value] : {std::pair("panels", layout.panel), {"axes", layout.axis}}) {
    SmallVector<int64_t> values(arguments.outputs - arguments.weights, 0);
    if (auto known = dyn_cast_or_null<DenseI64ArrayAttr>(entryMember(use.function, member)))
      values.assign(known.asArrayRef().begin(), known.asArrayRef().end());
    values[number] = value;
    setEntryMember(use.function, member, b.getDenseI64ArrayAttr(values));
  }
}

void Weight::pack() {
  RankedTensorType whole = packed();
  for (Use &use : uses) {
    BlockArgument argument = use.function.getArgument(use.argument);
    argument.setType(whole);
    SmallVector<Type> inputs(use.function.front().getArgumentTypes());
    use.function.setType(
        FunctionType::get(argument.getContext(), inputs, use.function.getResultTypes()));
    packLayers(use, whole);
    for (Reader &reader : use.readers) {
      Operation *expand = reader.op->getOperand(reader.operand).getDefiningOp();
      if (isa_and_present<tensor::ExpandShapeOp>(expand)) {
        reader.op->setOperand(reader.operand, argument);
        expand->erase();
      }
      SmallVector<AffineMap> maps = reader.op.getIndexingMapsArray();
      maps[reader.operand] = reader.map;
      reader.op.setIndexingMapsAttr(Builder(argument.getContext()).getAffineMapArrayAttr(maps));
    }
    describe(use);
  }
}

struct PackWeightsPass : impl::PackWeightsBase<PackWeightsPass> {
  using PackWeightsBase::PackWeightsBase;

  void runOnOperation() override {
    // A weight has one order, in all entries.
    llvm::MapVector<StringAttr, Weight> weights;
    forEachBoundWeight(getOperation(),
                       [&](StringAttr name, func::FuncOp function, unsigned argument) {
                         weights[name].uses.push_back({function, argument, {}, {}});
                       });
    for (auto &[name, weight] : weights)
      if (weight.isPackable()) {
        weight.pack();
        ++numPacked;
      }
  }
};

} // namespace
} // namespace mad
