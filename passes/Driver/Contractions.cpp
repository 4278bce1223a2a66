//===- Contractions.cpp - What weights are multiplied with ----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Driver/Contractions.h"

#include "dialects/Lut/IR/LutOps.h"
#include "dialects/Mad/IR/MadOps.h"
#include "dialects/Mad/IR/RefTensor.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/Driver/CompilationImpl.h"
#include "passes/Transforms/Places.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>

using namespace mlir;

namespace mad {

std::optional<WeightOperand> WeightOperand::find(Value operand) {
  WeightOperand made;
  lut::DequantOp dequant;
  while (Operation *op = operand.getDefiningOp()) {
    if (auto weight = dyn_cast<WeightOp>(op)) {
      made.symbol = weight.getSource().str();
      auto type = cast<RankedTensorType>(weight.getType());
      if (dequant) {
        // The first part has its name, and the dimensions before K and M.
        made.symbol = StringRef(made.symbol).rsplit('.').first.str();
        if (type.getRank() == 2)
          type = cast<RankedTensorType>(dequant.getType());
      }
      made.leading = type.getRank() > 0 && !type.isDynamicDim(0) ? type.getDimSize(0) : 0;
      std::reverse(made.views.begin(), made.views.end());
      return made;
    }
    if (isa<ViewOp>(op))
      made.views.push_back(op);
    else if (isa<ReshapeOp>(op)) // of one shape: only names of dimensions differ
      made.direct &= cast<RankedTensorType>(op->getResult(0).getType()).getShape() ==
                     cast<RankedTensorType>(op->getOperand(0).getType()).getShape();
    else if (auto decoded = dyn_cast<lut::DequantOp>(op))
      dequant = decoded;
    else if (!isa<CastOp>(op))
      return std::nullopt;
    operand = op->getOperand(0);
  }
  return std::nullopt;
}

std::string WeightOperand::axes(llvm::ArrayRef<unsigned> dims) const {
  std::string text;
  llvm::raw_string_ostream out(text);
  if (!direct)
    out << "reshaped ";
  if (views.empty()) {
    llvm::interleaveComma(dims, out);
    return text;
  }
  AffineMap map = cast<ViewOp>(views.front()).getMap();
  for (Operation *view : llvm::drop_begin(views)) {
    AffineMap next = cast<ViewOp>(view).getMap();
    if (next.getNumResults() != map.getNumDims())
      break; // there is a reshape in between
    map = map.compose(next);
  }
  // The operand's dimensions are called by their order among those that are asked for.
  SmallVector<AffineExpr> names;
  for (unsigned d = 0; d < map.getNumDims(); ++d)
    names.push_back(getAffineDimExpr(llvm::find(dims, d) - dims.begin(), map.getContext()));
  for (auto [axis, e] : llvm::enumerate(map.getResults())) {
    bool runs = llvm::any_of(dims, [&](unsigned d) { return e.isFunctionOfDim(d); });
    if (runs)
      out << axis << ": " << e.replaceDims(names) << "; ";
  }
  return text;
}

std::optional<int64_t>
WeightOperand::coordinate(size_t view, unsigned number,
                          llvm::function_ref<std::optional<int64_t>(Value)> scalar) const {
  if (view == views.size())
    return std::nullopt; // a dimension of the operand
  auto op = cast<ViewOp>(views[view]);
  AffineMap map = op.getMap();
  AffineExpr expr = map.getResult(number);
  MLIRContext *context = op.getContext();
  // Dimensions are subscripts of the next view, or run over the operand.
  SmallVector<AffineExpr> dims, symbols;
  for (unsigned d = 0; d < map.getNumDims(); ++d) {
    auto value = expr.isFunctionOfDim(d) ? coordinate(view + 1, d, scalar) : std::nullopt;
    if (expr.isFunctionOfDim(d) && !value)
      return std::nullopt;
    dims.push_back(getAffineConstantExpr(value.value_or(0), context));
  }
  for (unsigned s = 0; s < map.getNumSymbols(); ++s) {
    auto value = expr.isFunctionOfSymbol(s) ? scalar(op.getScalars()[s]) : std::nullopt;
    if (expr.isFunctionOfSymbol(s) && !value)
      return std::nullopt;
    symbols.push_back(getAffineConstantExpr(value.value_or(0), context));
  }
  auto constant = dyn_cast<AffineConstantExpr>(expr.replaceDimsAndSymbols(dims, symbols));
  return constant ? std::optional(constant.getValue()) : std::nullopt;
}

std::optional<int64_t>
WeightOperand::layer(llvm::function_ref<std::optional<int64_t>(Value)> scalar) const {
  if (!direct || views.empty() || cast<ViewOp>(views[0]).getMap().getNumResults() == 0)
    return std::nullopt;
  auto found = coordinate(0, 0, scalar);
  return found && *found >= 0 && *found < leading ? found : std::nullopt;
}

void forWeights(
    ContractOp op, const std::string &file,
    llvm::function_ref<void(const WeightOperand &, unsigned, ExposedContraction)> found) {
  unsigned kept = cast<RankedTensorType>(op.getType()).getRank();
  for (bool left : {false, true}) {
    auto weight = WeightOperand::find(left ? op.getLhs() : op.getRhs());
    if (!weight)
      continue;
    AffineMap map = left ? op.getRhsMap() : op.getLhsMap();
    AffineMap own = left ? op.getLhsMap() : op.getRhsMap();
    SmallVector<unsigned> dims;
    ExposedContraction made;
    made.weight = weight->weight();
    made.place = placeIn(op.getLoc(), file);
    for (unsigned i = 0; i < map.getNumResults(); ++i)
      if (map.getDimPosition(i) >= kept) {
        made.channels.push_back(i);
        if (auto at = own.getResultPosition(map.getResult(i)))
          dims.push_back(*at);
      }
    made.axes = weight->axes(dims);
    found(*weight, left ? 1 : 0, std::move(made));
  }
}

bool contractionsByReference(
    Compilation &compilation, const std::string &entry, const std::vector<io::Tensor> &inputs,
    bool f64, llvm::function_ref<bool(const ExposedContraction &, const RefTensor &)> see,
    std::string &error) {
  std::string file;
  if (auto f = compilation.module().lookupSymbol<func::FuncOp>(entry))
    file = fileOf(f.getLoc());
  // The subscripts of views, as they were when each view ran last.
  llvm::DenseMap<Value, int64_t> scalars;
  auto scalar = [&](Value value) -> std::optional<int64_t> {
    auto found = scalars.find(value);
    return found == scalars.end() ? std::nullopt : std::optional(found->second);
  };
  bool good = true;
  auto observe = [&](Operation *op, llvm::ArrayRef<const RefTensor *> operands,
                     llvm::ArrayRef<const RefTensor *> results) {
    if (isa<ViewOp>(op))
      for (unsigned i = 1; i < operands.size(); ++i)
        scalars[op->getOperand(i)] = operands[i]->get(0).i;
    if (auto contraction = dyn_cast<ContractOp>(op))
      forWeights(contraction, file,
                 [&](const WeightOperand &weight, unsigned activations, ExposedContraction made) {
                   made.layer = weight.layer(scalar);
                   made.layers = weight.layers();
                   good = good && see(made, *operands[activations]);
                 });
    return good;
  };
  auto executable = makeReferenceExecutable(compilation, f64, observe);
  std::vector<io::Tensor> outputs;
  std::string failure;
  if (executable->call(entry, inputs, outputs, failure))
    return true;
  if (good)
    error = failure;
  return false;
}

} // namespace mad
