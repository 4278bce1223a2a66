//===- TensorSizes.cpp - Sizes in rules -------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A name of a size stands for all the dimensions that its label stands for: of a mean over two of
// them it is their product. What cannot be shown for all sizes of a program is not taken for
// granted.
//
//===----------------------------------------------------------------------===//
#include "passes/EGraph/Bridge/TensorRules.h"

using namespace mlir;
using namespace mad::egraph;

namespace mad::rewrite {

/// The product of the indices of results that stand in these variables alone.
static DimExpr ofResult(const TensorMatch &match, const llvm::SmallBitVector &variables) {
  DimExpr product = 1;
  for (unsigned label = 0; label < match.leader.size(); ++label) {
    if (match.find(label) != label || !match.isOfResult(label))
      continue;
    llvm::SmallBitVector occurs(variables.size());
    for (auto [variable, bound] : llvm::enumerate(match.variables))
      if (llvm::any_of(bound.labels, [&](unsigned other) { return match.find(other) == label; }))
        occurs.set(variable);
    if (occurs == variables && match.declared[label] == TensorPattern::Node::none)
      product = product * match.sizes[label];
  }
  return product;
}

/// Whether another name stands for the same dimensions of a match.
static bool isAmbiguous(const TensorRule &rule, StringRef name,
                        const llvm::SmallBitVector &variables) {
  return llvm::any_of(rule.sizes, [&](const auto &other) {
    return other.first != name && llvm::is_contained(other.second.ofResult, variables);
  });
}

static std::optional<DimExpr> sizeOf(const TensorRule &rule, const TensorMatch &match,
                                     const std::string &name) {
  auto places = rule.sizes.find(name);
  if (places == rule.sizes.end())
    return {};
  SmallVector<DimExpr, 2> sizes;
  for (unsigned label : places->second.labels) {
    DimExpr product = 1;
    for (unsigned here = 0; here < match.leader.size(); ++here)
      if (match.find(here) == here && match.declared[here] == label)
        product = product * match.sizes[here];
    sizes.push_back(product);
  }
  for (const llvm::SmallBitVector &variables : places->second.ofResult) {
    if (isAmbiguous(rule, name, variables))
      return {};
    sizes.push_back(ofResult(match, variables));
  }
  // One name, one size.
  if (sizes.empty() || !llvm::all_of(sizes, [&](const DimExpr &e) { return e == sizes.front(); }))
    return {};
  return sizes.front();
}

std::optional<DimExpr> sizeAt(const TensorRule &rule, const TensorMatch &match,
                              const DimExpr &size) {
  std::map<std::string, DimExpr> by;
  for (const std::string &name : size.symbols()) {
    std::optional<DimExpr> here = sizeOf(rule, match, name);
    if (!here)
      return {};
    by[name] = *here;
  }
  DimExpr here = size.substitute(by);
  return here.valid() ? std::optional(here) : std::nullopt;
}

static bool isNumber(Attribute known, int64_t size) {
  if (auto value = dyn_cast_or_null<IntegerAttr>(known))
    return value.getType().isSignlessInteger(1) ? false : value.getValue().getSExtValue() == size;
  auto value = dyn_cast_or_null<FloatAttr>(known);
  if (!value)
    return false;
  // As a cast of the size is rounded.
  return value == FloatAttr::get(value.getType(), double(size));
}

/// Whether a class is read from a size that is only known when running. With `isCast` a cast is
/// behind it: another one may have lost digits before.
static bool readsSize(const EGraph &graph, Id id, const DimExpr &size, Terms &terms, unsigned depth,
                      bool isCast = false) {
  if (depth == 0)
    return false;
  for (Id node : graph.nodesOf(graph.find(id))) {
    OpId op = graph.op(node);
    if (terms.isLeaf(op) || terms.isRelaxed(op))
      continue;
    const Term &term = terms.get(op);
    StringRef name = term.name.getStringRef();
    if (name == DimOp::getOperationName()) {
      auto text = term.attributes.getAs<StringAttr>("expression");
      std::optional<DimExpr> found = DimExpr::parse(text.getValue().str());
      if (found && *found == size)
        return true;
      continue;
    }
    bool isView = name == ViewOp::getOperationName() && graph.operands(node).size() == 1 &&
                  term.attributes.getAs<BoundaryAttr>("boundary").getValue() != Boundary::zero;
    const bool casts = name == CastOp::getOperationName();
    if ((isView || (casts && !isCast)) &&
        readsSize(graph, graph.operands(node)[0], size, terms, depth - 1, isCast || casts))
      return true;
  }
  return false;
}

bool isSize(const EGraph &graph, Id id, const DimExpr &size, RuleContext &context) {
  if (std::optional<int64_t> number = size.constant())
    return isNumber(context.facts->constants.of(graph, id), *number);
  constexpr unsigned mostSteps = 4; // casts and views of it
  return readsSize(graph, id, size, context.terms, mostSteps);
}

bool meetsChecks(RuleOp op, const TensorRule &rule, const TensorMatch &match) {
  if (!op.getChecks())
    return true;
  return llvm::all_of(op.getChecksAttr().getAsRange<CheckAttr>(), [&](CheckAttr check) {
    auto at = [&](StringAttr text) -> std::optional<DimExpr> {
      std::optional<DimExpr> size = DimExpr::parse(text.getValue().str());
      return size ? sizeAt(rule, match, *size) : std::nullopt;
    };
    std::optional<DimExpr> left = at(check.getLeft()), right = at(check.getRight());
    if (!left || !right)
      return false;
    if (check.getRelation() == CheckRelation::eq)
      return *left == *right;
    std::optional<int64_t> least = (*left - *right).lowerBound();
    return least && *least >= 0;
  });
}

} // namespace mad::rewrite
