//===- HoistWeights.cpp - What weights alone decide becomes a weight ------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/IRMapping.h"
#include "passes/EGraph/Bridge/NarrowFactors.h"
#include "passes/EGraph/Bridge/Passes.h"
#include "passes/EGraph/Bridge/ProductTables.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;

namespace mad {
#define GEN_PASS_DEF_HOISTWEIGHTS
#include "passes/EGraph/Bridge/Passes.h.inc"

namespace {

/// Elements that a weight may have beyond those of what it is made of.
constexpr int64_t spareElements = 4096;

class Hoister {
public:
  explicit Hoister(ModuleOp module) : module(module), symbols(module) {}
  unsigned hoistFrom(func::FuncOp function);
  WeightSourceOp sourceOf(Value value);

private:
  bool isKnown(Value value);
  bool isWorth(Value value);
  func::FuncOp functionOf(Value value);
  void hoist(Value value);
  void collect(Value value, llvm::SetVector<Operation *> &ops);

  ModuleOp module;
  SymbolTable symbols;
  llvm::DenseMap<Value, bool> known;
};

/// Whether weights and constants alone decide it.
bool Hoister::isKnown(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return false;
  if (auto at = known.find(value); at != known.end())
    return at->second;
  auto type = dyn_cast<RankedTensorType>(value.getType());
  bool result = type && type.hasStaticShape() && op->getNumResults() == 1 &&
                op->getNumRegions() == 0 && isa<MadDialect>(op->getDialect()) && isPure(op) &&
                !isa<DimOp>(op);
  for (Value operand : op->getOperands())
    result = result && isKnown(operand);
  return known[value] = result;
}

/// All ops that a value is made of, operands first.
void Hoister::collect(Value value, llvm::SetVector<Operation *> &ops) {
  Operation *op = value.getDefiningOp();
  if (ops.contains(op))
    return;
  for (Value operand : op->getOperands())
    collect(operand, ops);
  ops.insert(op);
}

/// It computes something, of a weight, and is not much larger than what it is made of.
bool Hoister::isWorth(Value value) {
  llvm::SetVector<Operation *> ops;
  collect(value, ops);
  int64_t elements = spareElements;
  bool computes = false, reads = false;
  for (Operation *op : ops) {
    if (auto weight = dyn_cast<WeightOp>(op)) {
      elements += cast<RankedTensorType>(weight.getType()).getNumElements();
      reads = true;
    }
    computes |= isa<ContractOp, ReduceOp, ConcatOp>(op) || isa<ElementwiseOpInterface>(op);
  }
  return computes && reads && cast<RankedTensorType>(value.getType()).getNumElements() <= elements;
}

/// A function that computes the value, private and without a symbol of its own yet.
func::FuncOp Hoister::functionOf(Value value) {
  OpBuilder b(module.getContext());
  b.setInsertionPointToStart(module.getBody());
  auto function = func::FuncOp::create(b, value.getLoc(), "weight.folded",
                                       b.getFunctionType({}, value.getType()));
  function.setPrivate();
  b.setInsertionPointToStart(function.addEntryBlock());
  llvm::SetVector<Operation *> ops;
  collect(value, ops);
  IRMapping map;
  for (Operation *op : ops)
    b.clone(*op, map);
  func::ReturnOp::create(b, value.getLoc(), map.lookup(value));
  return function;
}

/// Its name says what it is made of: a file of weights of another model has the same only where
/// that computes the same.
std::string nameOf(func::FuncOp function) {
  std::string text;
  llvm::raw_string_ostream os(text);
  function.print(os);
  return "folded." + llvm::utohexstr(llvm::xxh3_64bits(text), /*LowerCase=*/true);
}

WeightSourceOp Hoister::sourceOf(Value value) {
  func::FuncOp function = functionOf(value);
  const std::string name = nameOf(function);
  if (auto same = symbols.lookup<WeightSourceOp>(name)) {
    function.erase();
    return same;
  }
  function.setSymName("weight." + name);
  symbols.insert(function);
  // Weights are computed in their order: this one may need those that are there.
  OpBuilder b(function);
  auto source = WeightSourceOp::create(b, value.getLoc(), name, value.getType(), "", "", false);
  source->setAttr("computed", FlatSymbolRefAttr::get(function));
  source->setAttr("folded", b.getUnitAttr());
  symbols.insert(source);
  for (auto other : module.getOps<WeightSourceOp>())
    if (other != source && source->isBeforeInBlock(other))
      source->moveAfter(other);
  return source;
}

void Hoister::hoist(Value value) {
  WeightSourceOp source = sourceOf(value);
  OpBuilder b(module.getContext());
  b.setInsertionPointAfterValue(value);
  value.replaceAllUsesWith(
      WeightOp::create(b, value.getLoc(), value.getType(), source.getSymName()));
}

unsigned Hoister::hoistFrom(func::FuncOp function) {
  SmallVector<Value> candidates, values;
  function.walk([&](Operation *op) {
    if (op->getNumResults() != 1 || !isKnown(op->getResult(0)))
      return;
    if (isWorth(op->getResult(0)) && !isForNarrowProducts(op->getResult(0)))
      candidates.push_back(op->getResult(0));
  });
  // The largest ones: what others need on the way is no weight of its own.
  llvm::SmallDenseSet<Operation *> inner;
  for (Value value : llvm::reverse(candidates)) {
    if (llvm::all_of(value.getUsers(), [&](Operation *user) { return inner.contains(user); }))
      continue;
    values.push_back(value);
    llvm::SetVector<Operation *> ops;
    collect(value, ops);
    inner.insert(ops.begin(), ops.end());
  }
  for (Value value : values)
    hoist(value);
  return unsigned(values.size());
}

struct HoistWeightsPass : impl::HoistWeightsBase<HoistWeightsPass> {
  using HoistWeightsBase::HoistWeightsBase;

  void runOnOperation() override {
    Hoister hoister(getOperation());
    SmallVector<func::FuncOp> functions;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (function->hasAttr("mad.entry") || function->hasAttr("mad.test"))
        functions.push_back(function);
    for (func::FuncOp function : functions) {
      widenJoined(function);
      numHoisted += hoister.hoistFrom(function);
    }
    auto sourceOf = [&](Value value) { return hoister.sourceOf(value); };
    if (orders)
      numHoisted += splitOrders(functions, sourceOf) + splitTables(functions, sourceOf);
  }
};

} // namespace
} // namespace mad
