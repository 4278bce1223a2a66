//===- MadToLinalg.cpp - Tensor expressions to linalg on plain tensors ------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Lut/IR/LutOps.h"
#include "dialects/Mad/IR/MadMemoryOps.h"
#include "dialects/Mad/IR/MadStateOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/Transforms/FuncConversions.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/Conversion/DimToArith/DimToArith.h"
#include "passes/Conversion/MadToLinalg/LutProducts.h"
#include "passes/Conversion/MadToLinalg/PackOps.h"
#include "passes/Conversion/Passes.h"
#include "runtime/artifact.h"
#include "llvm/ADT/MapVector.h"
#include <set>

using namespace mlir;

namespace mad {
#define GEN_PASS_DEF_MADTOLINALG
#include "passes/Conversion/Passes.h.inc"

namespace {

bool isEntry(func::FuncOp function) {
  return function->hasAttr("mad.entry") || function->hasAttr("mad.test");
}

/// What is known of the entry in one attribute, under names without `mad.`: the
/// dialect describes functions on tensors, which this is no more.
void gatherAttributes(func::FuncOp function, ArrayAttr indexChecks) {
  NamedAttrList entry;
  for (NamedAttribute attr : llvm::to_vector(function->getDiscardableAttrs())) {
    StringRef name = attr.getName();
    if (!name.consume_front("mad."))
      continue;
    if (name != "entry" && name != "test" && name != "asserts")
      entry.append(name, attr.getValue());
    function->removeDiscardableAttr(attr.getName());
  }
  entry.append("index_checks", indexChecks);
  function->setAttr("entry", entry.getDictionary(function.getContext()));
}

/// What an op computes of dimensions, besides the shapes of its results.
SmallVector<StringRef> dimensionsOf(Operation &op) {
  if (auto dim = dyn_cast<DimOp>(op))
    return {dim.getExpression()};
  if (auto scan = dyn_cast<ScanOp>(op))
    return {scan.getLow(), scan.getHigh()};
  if (auto iterate = dyn_cast<IterateOp>(op))
    return {iterate.getLimit()};
  return {};
}

/// Sizes that the body always computes and that may overflow or divide by zero, each with its
/// place: `prepare` refuses them.
ArrayAttr sizesOf(func::FuncOp function) {
  Builder b(function.getContext());
  SmallVector<Attribute> sizes;
  std::set<std::string> seen;
  auto add = [&](const DimExpr &size, Operation &op) {
    if (!dimMayFail(size) || !seen.insert(size.str()).second)
      return;
    // What is a result itself may have moved, and lost its place.
    bool isResult = llvm::all_of(op.getUsers(), llvm::IsaPred<func::ReturnOp>);
    Location loc = isa<DimOp>(op) && isResult ? function.getLoc() : op.getLoc();
    sizes.push_back(b.getStrArrayAttr({size.str(), placeOf(loc)}));
  };
  for (Operation &op : function.getBody().front()) {
    for (StringRef text : dimensionsOf(op))
      if (auto size = DimExpr::parse(text))
        add(*size, op);
    for (Type t : op.getResultTypes())
      if (auto type = dyn_cast<RankedTensorType>(t))
        for (int64_t d = 0; d < type.getRank(); ++d)
          add(dimExpr(type, d), op);
  }
  return b.getArrayAttr(sizes);
}

/// Weights become arguments, after the inputs.
void addWeights(func::FuncOp function) {
  llvm::MapVector<StringAttr, SmallVector<WeightOp>> weights;
  function.walk([&](WeightOp op) { weights[op.getSourceAttr().getAttr()].push_back(op); });
  Builder b(function.getContext());
  SmallVector<Attribute> names;
  for (auto &[name, ops] : weights) {
    unsigned at = function.getNumArguments();
    auto attrs = b.getDictionaryAttr(b.getNamedAttr("mad.name", name));
    Type type = ops.front().getType();
    (void)function.insertArgument(at, type, attrs, NameLoc::get(name, ops.front().getLoc()));
    // The static dimensions of the others may have other names: that ends here.
    for (WeightOp op : ops) {
      op.replaceAllUsesWith(function.getArgument(at));
      op.erase();
    }
    names.push_back(name);
  }
  function->setAttr("mad.weights", b.getArrayAttr(names));
}

/// Adds the arguments that the pass promises.
void addArguments(func::FuncOp function) {
  Builder b(function.getContext());
  if (ArrayAttr sizes = sizesOf(function); !sizes.empty())
    function->setAttr("mad.sizes", sizes);
  function->setAttr("mad.type", TypeAttr::get(function.getFunctionType()));
  // Of each result the input that it replaces, or -1: for later, when there are no results.
  SmallVector<int64_t> states;
  for (unsigned i = 0; i < function.getNumResults(); ++i) {
    auto state = function.getResultAttrOfType<IntegerAttr>(i, "mad.state");
    states.push_back(state ? state.getInt() : -1);
    function.removeResultAttr(i, b.getStringAttr("mad.state"));
  }
  if (llvm::any_of(states, [](int64_t state) { return state >= 0; }))
    function->setAttr("mad.states", b.getI64ArrayAttr(states));
  addWeights(function);
  auto dims = function->getAttrOfType<ArrayAttr>("mad.dims");
  if (!dims)
    function->setAttr("mad.dims", dims = b.getArrayAttr({}));
  unsigned at = 0;
  for (StringAttr name : dims.getAsRange<StringAttr>()) {
    auto attrs = b.getDictionaryAttr(b.getNamedAttr("mad.name", name));
    (void)function.insertArgument(at++, b.getIndexType(), attrs,
                                  NameLoc::get(name, function.getLoc()));
  }
  auto status = MemRefType::get({1 + MAD_INFO_WORDS}, b.getI64Type());
  (void)function.insertArgument(at, status, {}, function.getLoc());
}

struct MadToLinalgPass : impl::MadToLinalgBase<MadToLinalgPass> {
  using MadToLinalgBase::MadToLinalgBase;

  void runOnOperation() override {
    SmallVector<func::FuncOp> entries;
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (function.isExternal() || !isEntry(function)) {
        function.emitError("is neither an entry nor inlined into one");
        return signalPassFailure();
      }
      entries.push_back(function);
    }
    for (func::FuncOp function : entries)
      addArguments(function);
    Lowering lowering(device);
    if (failed(convert(lowering)))
      return signalPassFailure();
    for (func::FuncOp function : entries)
      gatherAttributes(function, lowering.checksOf(function));
    for (auto source : llvm::make_early_inc_range(getOperation().getOps<WeightSourceOp>()))
      source.erase();
  }

  LogicalResult convert(Lowering &lowering) {
    MLIRContext *context = &getContext();
    ConversionTarget target(*context);
    target.addLegalDialect<arith::ArithDialect, bufferization::BufferizationDialect,
                           cf::ControlFlowDialect, linalg::LinalgDialect, math::MathDialect,
                           memref::MemRefDialect, scf::SCFDialect, tensor::TensorDialect,
                           vector::VectorDialect>();
    target.addLegalOp<ModuleOp, WeightSourceOp, CumulateMemoryOp, ScatterMemoryOp, SortMemoryOp,
                      lut::ExpandIntoOp, lut::UnpackIntoOp, lut::GemmIntoOp, lut::PrecomputeIntoOp,
                      lut::ProductIntoOp>();
    target.addDynamicallyLegalOp<func::FuncOp>([&](func::FuncOp f) {
      return lowering.types.isSignatureLegal(f.getFunctionType()) &&
             lowering.types.isLegal(&f.getBody());
    });
    target.addDynamicallyLegalOp<func::ReturnOp>(
        [&](func::ReturnOp op) { return lowering.types.isLegal(op.getOperandTypes()); });
    allowPacks(target);
    RewritePatternSet patterns(context);
    populatePackPatterns(patterns, lowering);
    populateControlPatterns(patterns, lowering);
    populateDataPatterns(patterns, lowering);
    populateElementwisePatterns(patterns, lowering);
    populateEquationPatterns(patterns, lowering);
    populateLutPatterns(patterns, lowering);
    populateMovementPatterns(patterns, lowering);
    populateReductionPatterns(patterns, lowering);
    populateSourcePatterns(patterns, lowering);
    populateUpdatePatterns(patterns, lowering);
    populateViewPatterns(patterns, lowering);
    populateFunctionOpInterfaceTypeConversionPattern<func::FuncOp>(patterns, lowering.types);
    populateReturnOpTypeConversionPattern(patterns, lowering.types);
    return applyFullConversion(getOperation(), target, std::move(patterns));
  }
};

} // namespace
} // namespace mad
