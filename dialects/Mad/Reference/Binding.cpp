//===- Binding.cpp - Dimension parameters of a call -------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Three steps: dimensions that are a parameter give its value; then, until
// nothing more is found, dimensions in which one unknown occurs linearly are
// solved for it; then every extent is compared with its polynomial.
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/Reference/Binding.h"
#include "dialects/Mad/IR/MadOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace mad;

namespace {

/// One extent of an input, and what its type says about it.
struct Extent {
  std::string place; ///< "`x` dimension 1"
  std::string name;  ///< of a static dimension
  DimExpr size;
  int64_t value;
};

class Binder {
public:
  Binder(func::FuncOp function, RefContext &context) : function(function), context(context) {}

  LogicalResult run(ArrayRef<RefTensor> inputs);

private:
  LogicalResult fail(std::string text) {
    context.message = std::move(text);
    return failure();
  }
  std::string inputName(unsigned i);
  LogicalResult collect(unsigned i, const RefTensor &input);
  LogicalResult solve(const Extent &extent, bool &progress);
  LogicalResult compare(const Extent &extent);
  LogicalResult check(CheckAttr check);
  DimExpr known(const DimExpr &size) const;

  func::FuncOp function;
  RefContext &context;
  std::vector<Extent> extents;
};

} // namespace

std::string Binder::inputName(unsigned i) {
  if (auto name = function.getArgAttrOfType<StringAttr>(i, "mad.name"))
    return "`" + name.str() + "`";
  return "input " + std::to_string(i);
}

LogicalResult Binder::collect(unsigned i, const RefTensor &input) {
  auto type = dyn_cast<RankedTensorType>(function.getArgumentTypes()[i]);
  if (!type)
    return fail(inputName(i) + " is not a tensor");
  RefElement element = refElement(type.getElementType());
  if (input.element != element)
    return fail(inputName(i) + " has elements of type " + elementName(input.element) +
                ", expected " + elementName(element));
  if (static_cast<int64_t>(input.shape.size()) != type.getRank())
    return fail(inputName(i) + " has " + std::to_string(input.shape.size()) +
                " dimensions, expected " + std::to_string(type.getRank()));
  auto dims = dyn_cast_or_null<DimsAttr>(type.getEncoding());
  for (auto [dim, value] : llvm::enumerate(input.shape)) {
    std::string place = inputName(i) + " dimension " + std::to_string(dim);
    DimExpr size = dimExpr(type, dim);
    if (value < 0)
      return fail(place + " is " + std::to_string(value) + ", expected at least 0");
    if (!size.valid())
      return fail(place + " has no text in its type");
    std::string name = dims && !type.isDynamicDim(dim) ? dims.getNames()[dim].str() : "";
    extents.push_back({place, name, size, value});
  }
  size_t held = input.isFloat() ? input.floats.size() : input.integers.size();
  if (held != static_cast<size_t>(input.elements()))
    return fail(inputName(i) + " holds " + std::to_string(held) + " elements, expected " +
                std::to_string(input.elements()));
  return success();
}

DimExpr Binder::known(const DimExpr &size) const {
  std::map<std::string, DimExpr> values;
  for (const std::string &symbol : size.symbols())
    if (auto found = context.dims.find(symbol); found != context.dims.end())
      values.emplace(symbol, DimExpr(found->second));
  return values.empty() ? size : size.substitute(values);
}

LogicalResult Binder::solve(const Extent &extent, bool &progress) {
  DimExpr size = known(extent.size);
  std::set<std::string> unknown = size.symbols();
  if (unknown.size() != 1)
    return success();
  const std::string &symbol = *unknown.begin();
  DimExpr rest = size.substitute({{symbol, DimExpr(0)}});
  DimExpr factor = size.substitute({{symbol, DimExpr(1)}}) - rest;
  // In a power or a division: another dimension may still give it.
  if (rest + factor * DimExpr::symbol(symbol) != size)
    return success();
  // Rounded down where the extent does not fit: the comparison then says so.
  DimExpr value = DimExpr::floorDiv(DimExpr(extent.value) - rest, factor);
  if (std::optional<int64_t> constant = value.valid() ? value.constant() : std::nullopt) {
    if (*constant < 0)
      return fail("`" + symbol + "`, computed from " + extent.place + " (`" + extent.size.str() +
                  "`): found " + std::to_string(*constant) + ", expected at least 0");
    context.dims[symbol] = *constant;
    progress = true;
  }
  return success();
}

LogicalResult Binder::compare(const Extent &extent) {
  for (const std::string &symbol : extent.size.symbols())
    if (!context.dims.count(symbol))
      return fail("dimension parameter `" + symbol +
                  "` cannot be found from the extents of the inputs");
  std::optional<int64_t> expected = context.dim(extent.size.str());
  if (!expected)
    return failure();
  if (*expected == extent.value)
    return success();
  // The words of compiled code.
  std::string text = extent.size.constant() ? extent.name : extent.size.str();
  return fail(extent.place + (text.empty() ? "" : " (`" + text + "`)") + ": found " +
              std::to_string(extent.value) + ", expected " + std::to_string(*expected));
}

LogicalResult Binder::check(CheckAttr check) {
  std::optional<int64_t> left = context.dim(check.getLeft().getValue());
  std::optional<int64_t> right = left ? context.dim(check.getRight().getValue()) : std::nullopt;
  std::string text = (check.getPlace().getValue() + ": " + check.getMessage().getValue()).str();
  if (!left || !right)
    return fail(text + ": " + context.message);
  bool equal = check.getRelation() == CheckRelation::eq;
  if (equal ? *left == *right : *left >= *right)
    return success();
  return fail(text + ": found " + std::to_string(*left) + ", expected " +
              (equal ? "" : "at least ") + std::to_string(*right));
}

LogicalResult Binder::run(ArrayRef<RefTensor> inputs) {
  if (inputs.size() != function.getNumArguments())
    return fail("`" + function.getName().str() + "` takes " +
                std::to_string(function.getNumArguments()) + " inputs, but got " +
                std::to_string(inputs.size()));
  for (auto [i, input] : llvm::enumerate(inputs))
    if (failed(collect(i, input)))
      return failure();
  context.dims.clear();
  for (const Extent &extent : extents)
    if (std::optional<std::string> symbol = extent.size.asSymbol())
      context.dims.emplace(*symbol, extent.value);
  for (bool progress = true; progress;) {
    progress = false;
    for (const Extent &extent : extents)
      if (failed(solve(extent, progress)))
        return failure();
  }
  for (const Extent &extent : extents)
    if (failed(compare(extent)))
      return failure();
  if (auto names = function->getAttrOfType<ArrayAttr>("mad.dims"))
    for (auto name : names.getAsRange<StringAttr>())
      if (!context.dims.count(name.str()))
        return fail("dimension parameter `" + name.str() +
                    "` cannot be found from the extents of the inputs");
  if (auto checks = function->getAttrOfType<ArrayAttr>("mad.checks"))
    for (auto attribute : checks.getAsRange<CheckAttr>())
      if (failed(check(attribute)))
        return failure();
  return success();
}

LogicalResult mad::bindDims(func::FuncOp function, ArrayRef<RefTensor> inputs,
                            RefContext &context) {
  return Binder(function, context).run(inputs);
}
