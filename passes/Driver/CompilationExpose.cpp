//===- CompilationExpose.cpp - Values inside of an entry, made visible ----===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "passes/Driver/CompilationImpl.h"
#include "passes/Driver/Contractions.h"
#include "passes/Driver/Exposed.h"
#include "passes/Transforms/Places.h"
#include "llvm/ADT/StringExtras.h"
#include <map>

using namespace mlir;

namespace mad {

/// `let y = f(x)` names the call, which the inliner removes: a reshape to the same
/// shape keeps the name.
static void nameCallResults(ModuleOp module) {
  module.walk([](func::CallOp call) {
    if (call.getNumResults() != 1 || !isa<NameLoc>(call.getLoc()))
      return;
    OpBuilder b(call.getContext());
    b.setInsertionPointAfter(call);
    Value result = call.getResult(0);
    Value named = ReshapeOp::create(b, call.getLoc(), result.getType(), result);
    result.replaceAllUsesExcept(named, named.getDefiningOp());
  });
}

/// The entry with all calls inlined; null after a message.
static func::FuncOp inlined(Compilation::Impl &impl, const std::string &entry) {
  nameCallResults(*impl.module);
  // Without the clean-up in between, which would drop those names.
  PassManager manager(impl.context.get());
  manager.addPass(createInlinerPass({}, [](OpPassManager &) {}));
  CollectDiagnostics collected(*impl.context);
  if (failed(manager.run(*impl.module))) {
    impl.bug("inlining failed\n" + collected.text);
    return {};
  }
  auto f = impl.module->lookupSymbol<func::FuncOp>(entry);
  if (!f)
    impl.fail("error: no entry named `" + entry + "`");
  return f;
}

/// Appends results to a function.
static void addResults(func::FuncOp f, ArrayRef<Value> values, ArrayRef<std::string> names) {
  auto ret = cast<func::ReturnOp>(f.front().getTerminator());
  SmallVector<Attribute> attrs;
  for (unsigned i = 0; i < f.getNumResults(); ++i)
    attrs.push_back(f.getResultAttrDict(i));
  SmallVector<Value> operands(ret.getOperands());
  operands.append(values.begin(), values.end());
  ret->setOperands(operands);
  f.setFunctionType(
      FunctionType::get(f.getContext(), f.getArgumentTypes(), ValueRange(operands).getTypes()));
  Builder b(f.getContext());
  for (const std::string &name : names)
    attrs.push_back(b.getDictionaryAttr(b.getNamedAttr("mad.name", b.getStringAttr(name))));
  f.setAllResultAttrs(ArrayRef<Attribute>(attrs));
}

bool Compilation::exposeValue(const std::string &entry, const std::string &name) {
  func::FuncOp f = inlined(*impl, entry);
  if (!f)
    return false;
  Operation *found = nullptr;
  std::string names;
  for (Operation &op : f.front()) {
    StringRef let = valueName(op.getLoc());
    if (let.empty() || op.getNumResults() == 0)
      continue;
    // The last op of a `let` is the one that makes its value.
    if (let == name)
      found = &op;
    else if (names.find("`" + let.str() + "`") == std::string::npos)
      names += (names.empty() ? "`" : ", `") + let.str() + "`";
  }
  if (!found)
    return impl->fail("error: `" + entry + "` has no value named `" + name + "`" +
                      (names.empty() ? "" : "; it has " + names));
  addResults(f, found->getResult(0), name);
  return true;
}

bool Compilation::exposeNamed(const std::string &entry, std::vector<std::string> &names) {
  func::FuncOp f = inlined(*impl, entry);
  if (!f)
    return false;
  // The last op of a `let` is the one that makes its value.
  llvm::DenseMap<Location, Operation *> last;
  for (Operation &op : f.front())
    last[op.getLoc()] = &op;
  std::map<std::string, unsigned> seen;
  SmallVector<Value> values;
  for (Operation &op : f.front()) {
    StringRef let = valueName(op.getLoc());
    if (let.empty() || isa<WeightOp>(op) || last.lookup(op.getLoc()) != &op)
      continue;
    for (Value result : op.getResults()) {
      // A name of a function that is called twice, or of a loop with several values.
      unsigned number = ++seen[let.str()];
      names.push_back(number == 1 ? let.str() : let.str() + "." + std::to_string(number));
      values.push_back(result);
    }
  }
  addResults(f, values, names);
  return true;
}

bool movesOnly(Operation *op) {
  return isa<ViewOp, ReshapeOp, ConcatOp, GatherOp, WeightOp, ConstantOp, DimOp, IotaOp>(op);
}

static ExposedOperand origin(Value value, const llvm::DenseMap<Value, size_t> &numbers) {
  ExposedOperand operand;
  operand.name = valueName(value);
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<ViewOp, ReshapeOp>(op))
      break;
    value = op->getOperand(0);
    if (operand.name.empty())
      operand.name = valueName(value);
  }
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    operand.kind = ExposedOperand::Input;
    operand.number = argument.getArgNumber();
  } else if (auto weight = value.getDefiningOp<WeightOp>()) {
    operand.kind = ExposedOperand::Weight;
    operand.name = weight.getSource().str();
  } else if (auto found = numbers.find(value); found != numbers.end()) {
    operand.kind = ExposedOperand::Result;
    operand.number = found->second;
  } else if (auto constant = value.getDefiningOp<ConstantOp>()) {
    auto numbers = dyn_cast<DenseFPElementsAttr>(constant.getValue());
    if (!numbers || numbers.empty())
      return operand;
    operand.kind = ExposedOperand::Constant;
    operand.low = INFINITY;
    operand.high = -INFINITY;
    for (const APFloat &number : numbers) {
      double d = number.convertToDouble();
      operand.low = std::min(operand.low, d);
      operand.high = std::max(operand.high, d);
    }
  }
  return operand;
}

static ExposedOp describeOp(Operation *op, const std::string &file) {
  ExposedOp made;
  made.name = valueName(op->getLoc()).str();
  made.op = op->getName().stripDialect().str();
  made.place = placeIn(op->getLoc(), file);
  made.holdsOps = op->getNumRegions() > 0;
  return made;
}

bool Compilation::exposeComputed(const std::string &entry, std::vector<ExposedOp> &ops) {
  func::FuncOp f = inlined(*impl, entry);
  if (!f)
    return false;
  std::string file = fileOf(f.getLoc());
  llvm::DenseMap<Value, size_t> numbers;
  SmallVector<Value> values;
  std::vector<std::string> names;
  for (Operation &op : f.front()) {
    if (movesOnly(&op))
      continue;
    for (Value result : op.getResults()) {
      if (!isa<FloatType>(getElementTypeOrSelf(result.getType())))
        continue;
      ExposedOp made = describeOp(&op, file);
      for (Value operand : op.getOperands())
        made.operands.push_back(origin(operand, numbers));
      numbers[result] = values.size();
      values.push_back(result);
      names.push_back("op" + std::to_string(values.size()));
      ops.push_back(std::move(made));
    }
  }
  addResults(f, values, names);
  return true;
}

/// The subscript of a view, if it is a constant.
static std::optional<int64_t> constantScalar(Value value) {
  auto constant = value.getDefiningOp<ConstantOp>();
  auto numbers = constant ? dyn_cast<DenseIntElementsAttr>(constant.getValue()) : nullptr;
  if (!numbers || numbers.getNumElements() != 1)
    return std::nullopt;
  return (*numbers.value_begin<APInt>()).getSExtValue();
}

static bool contractsWeight(Operation *op) {
  WalkResult result = op->walk([](ContractOp contract) {
    bool found = WeightOperand::find(contract.getLhs()) || WeightOperand::find(contract.getRhs());
    return found ? WalkResult::interrupt() : WalkResult::advance();
  });
  return result.wasInterrupted();
}

/// A loop over a few layers, as code without a loop: compiled code can show what happens inside.
static bool unroll(ScanOp scan) {
  constexpr int64_t most = 128;
  int64_t low, high;
  if (scan.getLow().getAsInteger(10, low) || scan.getHigh().getAsInteger(10, high) ||
      high - low > most || !contractsWeight(scan))
    return false;
  unsigned carried = scan.getInitial().size();
  if (llvm::any_of(scan.getResults().drop_front(carried), [](Value v) { return !v.use_empty(); }))
    return false;
  OpBuilder b(scan);
  SmallVector<Value> values(scan.getInitial());
  Block &body = scan.getBody().front();
  for (int64_t i = low; i < high; ++i) {
    IRMapping map;
    auto type = cast<RankedTensorType>(body.getArgument(0).getType());
    Attribute number = b.getIntegerAttr(type.getElementType(), i);
    map.map(body.getArgument(0),
            ConstantOp::create(b, scan.getLoc(), type, DenseElementsAttr::get(type, number)));
    map.map(body.getArguments().drop_front(), values);
    for (Operation &op : body.without_terminator())
      b.clone(op, map);
    values.clear();
    for (Value value : body.getTerminator()->getOperands().take_front(carried))
      values.push_back(map.lookupOrDefault(value));
  }
  for (auto [result, value] : llvm::zip(scan.getResults(), values))
    result.replaceAllUsesWith(value);
  scan.erase();
  return true;
}

static void unrollLayers(func::FuncOp f) {
  for (bool changed = true; changed;) {
    changed = false;
    for (auto scan : llvm::make_early_inc_range(f.front().getOps<ScanOp>()))
      changed |= unroll(scan);
  }
}

bool Compilation::exposeContractions(const std::string &entry,
                                     std::vector<ExposedContraction> &contractions, bool &nested) {
  func::FuncOp f = inlined(*impl, entry);
  if (!f)
    return false;
  unrollLayers(f);
  std::string file = fileOf(f.getLoc());
  SmallVector<Value> values;
  std::vector<std::string> names;
  nested = false;
  f.walk([&](ContractOp op) {
    forWeights(op, file,
               [&](const WeightOperand &weight, unsigned activations, ExposedContraction made) {
                 nested |= op->getBlock() != &f.front();
                 made.layer = weight.layer(constantScalar);
                 made.layers = weight.layers();
                 contractions.push_back(std::move(made));
                 values.push_back(op->getOperand(activations));
                 names.push_back("activations" + std::to_string(values.size()));
               });
  });
  if (!nested)
    addResults(f, values, names);
  return true;
}

} // namespace mad
