//===- PackCodes.cpp - Weights of few bits in panels ----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Lut/Format/Arrangement.h"
#include "dialects/Lut/IR/LutOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
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

/// A weight as an argument of an entry, and the layers of it that are read.
struct Use {
  func::FuncOp function;
  unsigned argument;
  BlockArgument value() const { return func::FuncOp(function).getArgument(argument); }
  RankedTensorType type() const { return dyn_cast<RankedTensorType>(value().getType()); }
  SmallVector<tensor::ExtractSliceOp> layers() const;
  SmallVector<Value> matrices() const;
};

using Weights = llvm::MapVector<StringAttr, SmallVector<Use>>;

/// One of [layers, K, M].
bool isLayer(tensor::ExtractSliceOp slice) {
  RankedTensorType from = slice.getSourceType(), to = slice.getType();
  return from.getRank() == 3 && to.getRank() == 2 && slice.hasUnitStride() &&
         from.getShape().drop_front() == to.getShape() && slice.getStaticSizes()[0] == 1 &&
         slice.getStaticOffsets()[1] == 0 && slice.getStaticOffsets()[2] == 0;
}

SmallVector<tensor::ExtractSliceOp> Use::layers() const {
  SmallVector<tensor::ExtractSliceOp> found;
  for (Operation *user : value().getUsers())
    if (auto slice = dyn_cast<tensor::ExtractSliceOp>(user); slice && isLayer(slice))
      found.push_back(slice);
  return found;
}

/// What a product can read: the weight, or its layers.
SmallVector<Value> Use::matrices() const {
  if (type().getRank() == 2)
    return {value()};
  return llvm::map_to_vector(layers(), [](tensor::ExtractSliceOp slice) -> Value { return slice; });
}

/// Parts with a column for each of the weight's, of an op that reads codes; else none.
SmallVector<Value> partsOf(Operation *user) {
  auto perColumn = [](auto product) {
    const lut::Format &format = product.getFormat().getValue();
    if (format.dictionary) // decoded columns lie as they come
      return SmallVector<Value>();
    // A scale, or a table.
    bool one = format.group == lut::Format::wholeTensor;
    return llvm::to_vector(one ? product.getParts().take_front() : product.getParts());
  };
  if (auto product = dyn_cast<lut::ProductIntoOp>(user))
    return perColumn(product);
  if (auto gemm = dyn_cast<lut::GemmIntoOp>(user))
    return perColumn(gemm);
  return {};
}

/// Whether nothing but products reads it or its layers, as such a part.
bool isPackable(const Use &use) {
  RankedTensorType type = use.type();
  if (!type || (type.getRank() != 2 && type.getRank() != 3))
    return false;
  // Narrower ones would grow by more than they gain.
  if (type.getShape().back() < lut::columnPanel)
    return false;
  if (type.getRank() == 3 && size_t(llvm::range_size(use.value().getUses())) != use.layers().size())
    return false;
  return llvm::all_of(use.matrices(), [](Value matrix) {
    return llvm::all_of(matrix.getUsers(), [&](Operation *user) {
      return llvm::count(user->getOperands(), matrix) == 1 &&
             llvm::is_contained(partsOf(user), matrix);
    });
  });
}

/// Tables of columns may lie in panels beside codes that do not.
bool isOwnTable(Operation *user, Value part) {
  auto product = dyn_cast<lut::ProductIntoOp>(user);
  return product && product.getFormat().getValue().family == lut::Family::Codebook &&
         product.getParts().front() != part;
}

/// Leaves out weights whose other parts stay as they are: a product reads all in one order.
void keepTogether(Weights &weights) {
  for (bool changed = true; changed;) {
    changed = false;
    llvm::SmallDenseSet<Value> taken;
    for (auto &[name, uses] : weights)
      for (const Use &use : uses)
        taken.insert_range(use.matrices());
    auto isSplit = [&](Operation *user) {
      return !llvm::all_of(partsOf(user), [&](Value part) { return taken.contains(part); });
    };
    auto hasSplit = [&](Value matrix) {
      return llvm::any_of(matrix.getUsers(), [&](Operation *user) {
        return !isOwnTable(user, matrix) && isSplit(user);
      });
    };
    weights.remove_if([&](auto &weight) {
      bool split = llvm::any_of(
          weight.second, [&](const Use &use) { return llvm::any_of(use.matrices(), hasSplit); });
      changed |= split;
      return split;
    });
  }
}

/// How codes are woven that kernels on bytes alone read, all of them four rows at once; else 0.
int64_t weaveOf(ArrayRef<Use> uses) {
  std::optional<int64_t> weave;
  for (const Use &use : uses)
    for (Value matrix : use.matrices())
      for (Operation *user : matrix.getUsers()) {
        auto gemm = dyn_cast<lut::GemmIntoOp>(user);
        if (!gemm || gemm.getParts().front() != matrix)
          return 0;
        int64_t k = cast<ShapedType>(gemm.getSource().getType()).getShape().back();
        int64_t own = lut::Arrangement::weave(gemm.getFormat().getValue(), k);
        if (weave.value_or(own) != own)
          return 0;
        weave = own;
      }
  return weave.value_or(0);
}

/// A layer of a weight in panels, [layers, panels, K, 64].
void takePanels(tensor::ExtractSliceOp slice) {
  OpBuilder b(slice);
  ArrayRef<int64_t> whole = cast<RankedTensorType>(slice.getSource().getType()).getShape();
  SmallVector<OpFoldResult> offsets(4, b.getIndexAttr(0)), sizes{b.getIndexAttr(1)},
      strides(4, b.getIndexAttr(1));
  offsets[0] = slice.getMixedOffsets()[0];
  for (int64_t size : whole.drop_front())
    sizes.push_back(b.getIndexAttr(size));
  auto type = RankedTensorType::get(whole.drop_front(), slice.getType().getElementType());
  Value made = tensor::ExtractSliceOp::create(b, slice.getLoc(), type, slice.getSource(), offsets,
                                              sizes, strides);
  slice.replaceAllUsesWith(made);
  slice.erase();
}

/// Changes its type, and tells the driver and the loader (`mad_weight`).
void pack(const Use &use, int64_t weave) {
  BlockArgument argument = use.value();
  SmallVector<tensor::ExtractSliceOp> layers = use.layers();
  RankedTensorType type = use.type();
  SmallVector<int64_t> shape(type.getShape().drop_back(2));
  auto matrix = type.getShape().take_back(2).vec();
  llvm::append_range(shape, weave ? lut::woven(lut::inPanels(matrix)) : lut::inPanels(matrix));
  argument.setType(RankedTensorType::get(shape, type.getElementType()));
  llvm::for_each(layers, takePanels);
  func::FuncOp function = use.function;
  SmallVector<Type> inputs(function.front().getArgumentTypes());
  function.setType(FunctionType::get(argument.getContext(), inputs, function.getResultTypes()));
  EntryArguments arguments(function);
  unsigned number = use.argument - arguments.weights;
  Builder b(argument.getContext());
  for (auto [member, value] :
       {std::pair("panels", lut::columnPanel), {"axes", type.getRank() - 1}, {"weaves", weave}}) {
    SmallVector<int64_t> values(arguments.outputs - arguments.weights, 0);
    if (auto known = dyn_cast_or_null<DenseI64ArrayAttr>(entryMember(function, member)))
      values.assign(known.asArrayRef().begin(), known.asArrayRef().end());
    values[number] = value;
    setEntryMember(function, member, b.getDenseI64ArrayAttr(values));
  }
}

struct PackCodesPass : impl::PackCodesBase<PackCodesPass> {
  void runOnOperation() override {
    Weights weights;
    forEachBoundWeight(getOperation(),
                       [&](StringAttr name, func::FuncOp function, unsigned argument) {
                         weights[name].push_back({function, argument});
                       });
    weights.remove_if([](auto &weight) { return !llvm::all_of(weight.second, isPackable); });
    keepTogether(weights);
    for (auto &[name, uses] : weights) {
      int64_t weave = weaveOf(uses);
      llvm::for_each(uses, [&](const Use &use) { pack(use, weave); });
      ++numPacked;
    }
  }
};

} // namespace
} // namespace mad
