//===- Entries.cpp - What an entry checks, binds and is described by --------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Transforms/Entries.h"
#include "dialects/Mad/IR/MadLateWeights.h"
#include "dialects/Mad/IR/MadOps.h"
#include "passes/Conversion/DimToArith/DimToArith.h"
#include "llvm/ADT/DenseSet.h"

using namespace mlir;

namespace mad {

bool isEntry(func::FuncOp function) { return function->hasAttr("entry"); }

Attribute entryMember(func::FuncOp function, StringRef name) {
  return function->getAttrOfType<DictionaryAttr>("entry").get(name);
}

ArrayAttr entryList(func::FuncOp function, StringRef name) {
  auto list = dyn_cast_or_null<ArrayAttr>(entryMember(function, name));
  return list ? list : ArrayAttr::get(function.getContext(), {});
}

void setEntryMember(func::FuncOp function, StringRef name, Attribute value) {
  NamedAttrList members(function->getAttrOfType<DictionaryAttr>("entry"));
  members.set(name, value);
  function->setAttr("entry", members.getDictionary(function.getContext()));
}

void forEachBoundWeight(ModuleOp module,
                        function_ref<void(StringAttr, func::FuncOp, unsigned)> body) {
  auto late = module->getAttrOfType<ArrayAttr>(lateWeightsAttr);
  llvm::SmallDenseSet<Attribute> skipped;
  if (late)
    skipped.insert_range(late);
  for (auto function : module.getOps<func::FuncOp>()) {
    if (!isEntry(function))
      continue;
    unsigned argument = EntryArguments(function).weights;
    for (auto name : entryList(function, "weights").getAsRange<StringAttr>()) {
      if (!skipped.contains(name))
        body(name, function, argument);
      ++argument;
    }
  }
}

EntryArguments::EntryArguments(func::FuncOp function) {
  dims = 0;
  status = entryList(function, "dims").size();
  inputs = status + 1;
  // Without a type of its own, as in tests, the function still has that of its source.
  auto own = function.getFunctionType();
  if (auto member = dyn_cast_or_null<TypeAttr>(entryMember(function, "type")))
    type = cast<FunctionType>(member.getValue());
  else
    type = FunctionType::get(
        function.getContext(),
        own.getInputs().drop_front(std::min<size_t>(inputs, own.getNumInputs())), own.getResults());
  weights = inputs + type.getNumInputs();
  outputs = weights + entryList(function, "weights").size();
  states.assign(type.getNumResults(), -1);
  for (auto [i, state] : llvm::enumerate(entryList(function, "states").getAsRange<IntegerAttr>()))
    states[i] = state.getInt();
  for (unsigned i = 0; i < states.size(); ++i)
    if (states[i] < 0)
      results.push_back(i);
  arena = outputs + results.size();
  executor = arena + 1;
}

RankedTensorType EntryArguments::typeOf(func::FuncOp function, unsigned argument) const {
  if (argument >= inputs && argument < weights)
    return cast<RankedTensorType>(type.getInput(argument - inputs));
  if (argument >= outputs && argument < arena)
    return cast<RankedTensorType>(type.getResult(results[argument - outputs]));
  if (argument < weights || argument >= outputs)
    return {};
  auto shaped = cast<ShapedType>(function.getArgument(argument).getType());
  return RankedTensorType::get(shaped.getShape(), shaped.getElementType());
}

std::optional<unsigned> extentNumber(StringRef symbol) {
  unsigned number = 0;
  if (!symbol.consume_front("#") || symbol.getAsInteger(10, number))
    return {};
  return number;
}

//===----------------------------------------------------------------------===//
// Plan
//===----------------------------------------------------------------------===//

namespace {

/// A name of a static dimension, or its text.
std::string dimText(RankedTensorType type, int64_t dim) {
  if (auto dims = dyn_cast_or_null<DimsAttr>(type.getEncoding()))
    if (!dims.getNames()[dim].empty())
      return dims.getNames()[dim].str();
  return dimExpr(type, dim).str();
}

std::string nameOfArgument(func::FuncOp function, unsigned argument) {
  auto name = function.getArgAttrOfType<StringAttr>(argument, "mad.name");
  return name ? name.str() : "argument " + std::to_string(argument);
}

std::string placeOfFunction(func::FuncOp function) {
  Location loc = function.getLoc();
  while (auto named = dyn_cast<NameLoc>(loc))
    loc = named.getChildLoc();
  auto at = dyn_cast<FileLineColLoc>(loc);
  if (!at)
    return {};
  return (at.getFilename().getValue() + ":" + Twine(at.getLine()) + ":" + Twine(at.getColumn()))
      .str();
}

/// Orders the equations `polynomial == extent` such that each binds one parameter
/// or is a check.
class Planner {
public:
  Planner(func::FuncOp function) : function(function), place(placeOfFunction(function)) {}

  FailureOr<EntryPlan> run();

private:
  struct Equation {
    DimExpr dim, extent;
    std::string text;  ///< "`x` dimension 1 (`Pixels`)"
    bool used = false; ///< bound a parameter and always holds
  };

  void readEquations();
  bool bind(Equation &equation);
  bool solve(Equation &equation);
  void check(DimExpr found, DimExpr expected, int kind, std::string message, std::string place);
  void require(const DimExpr &size, const std::string &message, const std::string &place);
  void requireSizes();

  func::FuncOp function;
  std::string place;
  std::vector<Equation> equations;
  std::set<std::string> bound, required;
  EntryPlan plan;
};

void Planner::readEquations() {
  EntryArguments arguments(function);
  unsigned extent = 0;
  for (auto [i, t] : llvm::enumerate(arguments.type.getInputs())) {
    auto type = cast<RankedTensorType>(t);
    std::string name = nameOfArgument(function, arguments.inputs + i);
    for (int64_t d = 0; d < type.getRank(); ++d) {
      std::string text = "`" + name + "` dimension " + std::to_string(d);
      DimExpr dim = dimExpr(type, d);
      if (std::string known = dimText(type, d); !dim.constant() || known != dim.str())
        text += " (`" + known + "`)";
      equations.push_back({dim, DimExpr::symbol("#" + std::to_string(extent++)), text});
    }
  }
}

/// A bare parameter that has no value yet.
bool Planner::bind(Equation &equation) {
  auto symbol = equation.dim.asSymbol();
  if (!symbol || !bound.insert(*symbol).second)
    return false;
  plan.bindings.push_back({*symbol, equation.extent});
  equation.used = true;
  return true;
}

/// A polynomial with one unknown, which occurs linearly.
bool Planner::solve(Equation &equation) {
  std::string unknown;
  for (const std::string &s : equation.dim.symbols())
    if (!bound.count(s)) {
      if (!unknown.empty())
        return false;
      unknown = s;
    }
  if (unknown.empty())
    return false;
  DimExpr rest = equation.dim.substitute({{unknown, DimExpr(0)}});
  DimExpr factor = equation.dim.substitute({{unknown, DimExpr(1)}}) - rest;
  if (rest + factor * DimExpr::symbol(unknown) != equation.dim)
    return false;
  // Not exact when the extent does not fit: the equation stays a check.
  DimExpr value = DimExpr::floorDiv(equation.extent - rest, factor);
  if (!value.valid())
    return false;
  bound.insert(unknown);
  plan.bindings.push_back({unknown, value});
  if (dimMayFail(value) && !factor.constant()) // then nothing follows from a factor of 0
    check(value, DimExpr(0), 3,
          "dimension parameter `" + unknown + "` cannot be found from the extents of the inputs",
          place);
  check(DimExpr::symbol(unknown), DimExpr(0), 1,
        "`" + unknown + "`, computed from " + equation.text, place);
  return true;
}

void Planner::check(DimExpr found, DimExpr expected, int kind, std::string message,
                    std::string place) {
  plan.checks.push_back({found, expected, {kind, std::move(message), std::move(place)}});
}

/// A size that can be computed at all: what follows may use it.
void Planner::require(const DimExpr &size, const std::string &message, const std::string &place) {
  if (dimMayFail(size) && required.insert(size.str()).second)
    check(size, DimExpr(0), 3, message + dimFailure(size), place);
}

/// Those of results, and of what the body always computes.
void Planner::requireSizes() {
  EntryArguments arguments(function);
  for (Type t : arguments.type.getResults())
    for (int64_t d = 0; d < cast<RankedTensorType>(t).getRank(); ++d)
      require(dimExpr(cast<RankedTensorType>(t), d), "", place);
  for (auto pair : entryList(function, "sizes").getAsRange<ArrayAttr>())
    if (auto size = DimExpr::parse(cast<StringAttr>(pair[0]).getValue()))
      require(*size, "", cast<StringAttr>(pair[1]).str());
}

FailureOr<EntryPlan> Planner::run() {
  readEquations();
  for (Equation &e : equations)
    bind(e);
  while (llvm::any_of(equations, [&](Equation &e) { return solve(e); })) {
  }
  for (StringRef name : entryList(function, "dims").getAsValueRange<StringAttr>())
    if (!bound.count(name.str()))
      return function.emitError("dimension parameter `")
             << name << "` of `" << function.getName()
             << "` does not follow from the extents of the inputs";
  for (Equation &e : equations)
    if (!e.used) {
      require(e.dim, "", place);
      check(e.extent, e.dim, 0, e.text, place);
    }
  for (Attribute a : entryList(function, "checks")) {
    auto c = cast<CheckAttr>(a);
    auto left = DimExpr::parse(c.getLeft().getValue()),
         right = DimExpr::parse(c.getRight().getValue());
    auto known = [&](const DimExpr &e) {
      return llvm::all_of(e.symbols(), [&](const std::string &name) { return bound.count(name); });
    };
    if (!left || !right || !known(*left) || !known(*right))
      return function.emitError("a check is not made of the dimension parameters: ") << a;
    std::string message = c.getMessage().str() + ": ", at = c.getPlace().str();
    require(*left, message, at);
    require(*right, message, at);
    check(*left, *right, c.getRelation() == CheckRelation::eq ? 0 : 1, c.getMessage().str(),
          c.getPlace().str());
  }
  requireSizes();
  return std::move(plan);
}

//===----------------------------------------------------------------------===//
// Description
//===----------------------------------------------------------------------===//

ValueDescription describe(RankedTensorType type, std::string name) {
  ValueDescription result;
  result.name = std::move(name);
  result.dtype = dtypeOf(type.getElementType());
  for (int64_t d = 0; d < type.getRank(); ++d) {
    result.dims.push_back(dimText(type, d));
    result.sizes.push_back(type.isDynamicDim(d) ? -1 : type.getDimSize(d));
  }
  return result;
}

} // namespace

mad_dtype dtypeOf(Type element) {
  // Both enums list the types in one order.
  static_assert(int(RefElement::F32) == MAD_F32 && int(RefElement::Bool) == MAD_BOOL &&
                int(RefElement::F16) == MAD_F16 && int(RefElement::U8) == MAD_U8);
  return static_cast<mad_dtype>(refElement(element));
}

FailureOr<EntryPlan> planEntry(func::FuncOp function) { return Planner(function).run(); }

FailureOr<EntryDescription> describeEntry(func::FuncOp function) {
  FailureOr<EntryPlan> plan = planEntry(function);
  if (failed(plan))
    return failure();
  EntryArguments arguments(function);
  EntryDescription result;
  result.name = function.getName().str();
  if (auto doc = dyn_cast_or_null<StringAttr>(entryMember(function, "doc")))
    result.doc = doc.str();
  if (auto precision = dyn_cast_or_null<StringAttr>(entryMember(function, "fp")))
    result.precision = precision.str();
  for (StringRef name : entryList(function, "dims").getAsValueRange<StringAttr>())
    result.dims.push_back(name.str());
  for (StringRef name : entryList(function, "weights").getAsValueRange<StringAttr>())
    result.weights.push_back(name.str());
  auto ofWeights = [&](StringRef member) {
    std::vector<int64_t> values(result.weights.size());
    if (auto known = dyn_cast_or_null<DenseI64ArrayAttr>(entryMember(function, member)))
      llvm::copy(known.asArrayRef(), values.begin());
    return values;
  };
  result.panels = ofWeights("panels"), result.axes = ofWeights("axes");
  result.weaves = ofWeights("weaves"), result.widened = ofWeights("widened");
  for (auto [i, type] : llvm::enumerate(arguments.type.getInputs()))
    result.inputs.push_back(
        describe(cast<RankedTensorType>(type), nameOfArgument(function, arguments.inputs + i)));
  // Before bufferization results have their names as such, and after it as arguments.
  unsigned count = arguments.type.getNumResults();
  for (auto [i, type] : llvm::enumerate(arguments.type.getResults())) {
    StringAttr name;
    int64_t state = arguments.states[i];
    if (function.getNumResults() == count)
      name = function.getResultAttrOfType<StringAttr>(i, "mad.name");
    else if (state < 0)
      name = function.getArgAttrOfType<StringAttr>(
          arguments.outputs + (llvm::find(arguments.results, i) - arguments.results.begin()),
          "mad.name");
    std::string fallback = state >= 0   ? result.inputs[state].name
                           : count == 1 ? "result"
                                        : "result" + std::to_string(i);
    result.outputs.push_back(describe(cast<RankedTensorType>(type), name ? name.str() : fallback));
    if (state >= 0) {
      result.outputs.back().state = int32_t(state + 1);
      result.inputs[state].state = int32_t(i + 1);
    }
  }
  for (const EntryPlan::Check &check : plan->checks)
    result.checks.push_back(check.description);
  result.prepareChecks = int32_t(result.checks.size());
  for (auto check : entryList(function, "index_checks").getAsRange<ArrayAttr>()) {
    StringRef shown = check.size() > 2 ? cast<StringAttr>(check[2]).getValue() : "";
    int32_t kind = shown == "trajectory" ? 5 : shown == "step" ? 4 : shown == "plain" ? 3 : 2;
    result.checks.push_back(
        {kind, cast<StringAttr>(check[0]).str(), cast<StringAttr>(check[1]).str()});
  }
  return result;
}

} // namespace mad
