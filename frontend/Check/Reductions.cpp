//===- Reductions.cpp - Reductions over axes --------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Checker.h"

#include <algorithm>

namespace mad::elab {

using namespace ast;

//===----------------------------------------------------------------------===//
// Axes
//===----------------------------------------------------------------------===//

/// The dimension that has the name, or else the only one of its size.
std::optional<uint32_t> Checker::namedAxis(const Node *n, const Value &name, const Value &value) {
  Dims shape = value.shape();
  std::vector<uint32_t> named, sized;
  for (uint32_t d = 0; d < shape.size(); ++d) {
    if (shape[d].name == name.dimension)
      named.push_back(d);
    if (shape[d].size == name.number)
      sized.push_back(d);
  }
  const auto &found = named.empty() ? sized : named;
  if (found.size() == 1)
    return found[0];
  if (found.empty())
    Report(*this, code::E0210, n->span,
           quoted(show(value)) + " has no dimension " + quoted(name.dimension));
  else
    Report(*this, code::E0210, n->span,
           quoted(show(value)) + " has " + std::to_string(found.size()) + " dimensions " +
               quoted(name.dimension) + ": the name does not say which")
        .help("write the position: " + quoted("axis = " + std::to_string(found.back())));
  return std::nullopt;
}

/// The position that an argument `axis = ...` stands for.
std::optional<uint32_t> Checker::axisOf(const Node *n, const Value &value) {
  Value axis = expr(n);
  if (axis.poison())
    return std::nullopt;
  if (axis.kind == Value::Integer && !axis.dimension.empty())
    return namedAxis(n, axis, value);
  int64_t rank = int64_t(value.rank());
  auto position = axis.kind == Value::Integer || axis.kind == Value::Axis ? axis.number.constant()
                                                                          : std::nullopt;
  if (!position) {
    Report(*this, code::E0210, n->span,
           "an axis is the name of a dimension or a number known when compiling, found " +
               quoted(show(axis)));
    return std::nullopt;
  }
  if (*position < -rank || *position >= rank) {
    Report(*this, code::E0210, n->span,
           quoted(show(value)) + " has no axis " + std::to_string(*position) + ": " +
               (rank ? "the last one is " + std::to_string(rank - 1) : "it has no dimensions"));
    return std::nullopt;
  }
  return uint32_t(*position < 0 ? *position + rank : *position);
}

/// One axis, or a tuple of them, ascending.
std::optional<std::vector<uint32_t>> Checker::axesOf(const Node *n, const Value &value) {
  std::vector<uint32_t> axes;
  for (const Node *kid : n->kind == Kind::Tuple ? n->kids : Nodes{const_cast<Node *>(n)}) {
    auto axis = axisOf(kid, value);
    if (!axis)
      return std::nullopt;
    if (std::find(axes.begin(), axes.end(), *axis) != axes.end()) {
      Report(*this, code::E0210, kid->span, "axis " + std::to_string(*axis) + " stands here twice");
      return std::nullopt;
    }
    axes.push_back(*axis);
  }
  std::sort(axes.begin(), axes.end());
  return axes;
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

/// The sum divided by the number of elements that it adds.
Value Checker::meanOf(const Value &sum, const Dims &dims) {
  DimExpr count(1);
  for (const hir::Dim &dim : dims)
    count = count * dim.size;
  Element element = sum.ref.type().element;
  auto constant = count.constant();
  hir::Ref divisor =
      constant ? b.constant(element, double(*constant)) : b.cast(b.dimValue(count), element);
  Value spread = broadcastTo(Value::tensor(divisor), sum.space, sum.shape());
  return Value::tensor(b.elementwise("div", {sum.ref, spread.ref}, element), sum.space);
}

Value Checker::reductionBuiltin(const std::string &name, const Node *n, const Want &want) {
  Arguments args;
  if (!arguments(n, name, 1, 1, {"axis", "keep"}, args))
    return {};
  bool logic = name == "all" || name == "any";
  Want inner = logic ? Want(Element::Bool) : name == "argmax" ? Want() : want;
  Value value = tensorArgument(args.list[0], inner, name);
  if (value.poison())
    return {};
  Element element = value.ref.type().element;
  if (name == "mean" && !isFloat(element)) {
    Report(*this, code::E0303, n->span, "`mean` takes floats, found " + quoted(show(value)))
        .label(args.list[0]->span)
        .help(element == Element::Bool ? ""
                                       : "write " + quoted("f32(" + textAt(args.list[0]) + ")"));
    return {};
  }
  if (!reducible(name, element, n, show(value)))
    return {};
  bool keep = false;
  if (auto it = args.named.find("keep"); it != args.named.end()) {
    auto known = flag(it->second, "keep");
    if (!known)
      return {};
    keep = *known;
  }
  Dims shape = value.shape();
  std::vector<uint32_t> axes;
  if (auto it = args.named.find("axis"); it != args.named.end()) {
    auto known = axesOf(it->second, value);
    if (!known)
      return {};
    axes = *known;
  } else {
    for (uint32_t d = 0; d < shape.size(); ++d)
      axes.push_back(d);
  }
  if (name == "argmax" && axes.size() != 1) {
    if (auto it = args.named.find("axis"); it != args.named.end()) {
      Report(*this, code::E0210, it->second->span, "`argmax` takes one axis");
      return {};
    }
    // The position among all elements in row-major order.
    Value line = flatOf(value);
    uint32_t last = uint32_t(value.space.size());
    Value result = Value::tensor(b.reduce(name, line.ref, {last}), value.space);
    return keep ? kept(result, shape, axes) : result;
  }
  std::vector<uint32_t> dims;
  Dims reduced;
  for (uint32_t axis : axes) {
    dims.push_back(uint32_t(value.space.size()) + axis);
    reduced.push_back(shape[axis]);
  }
  // A mean of f16 or bf16 is one operation: in f32, rounded once.
  bool narrow = name == "mean" && isNarrowFloat(element);
  hir::Ref terms = narrow ? b.cast(value.ref, Element::F32) : value.ref;
  Value result = Value::tensor(b.reduce(name == "mean" ? "sum" : name, terms, dims), value.space);
  if (name == "mean")
    result = meanOf(result, reduced);
  if (narrow)
    result = Value::tensor(b.cast(result.ref, element), result.space);
  return keep ? kept(result, shape, axes) : result;
}

/// All elements in one dimension.
Value Checker::flatOf(const Value &value) {
  DimExpr count(1);
  for (const hir::Dim &dim : value.shape())
    count = count * dim.size;
  Dims line = spaceDims(value.space);
  line.push_back({count, ""});
  return Value::tensor(b.reshape(value.ref, line), value.space);
}

/// What was reduced, with 1 in the place of each axis.
Value Checker::kept(const Value &reduced, const Dims &shape, const std::vector<uint32_t> &axes) {
  Dims full = spaceDims(reduced.space);
  std::vector<int64_t> from;
  for (size_t d = 0; d < full.size(); ++d)
    from.push_back(int64_t(d));
  for (uint32_t d = 0; d < shape.size(); ++d) {
    bool gone = std::find(axes.begin(), axes.end(), d) != axes.end();
    if (!gone)
      from.push_back(int64_t(full.size()));
    full.push_back(gone ? hir::Dim{DimExpr(1), ""} : shape[d]);
  }
  return Value::tensor(b.spread(reduced.ref, std::move(full), from), reduced.space);
}

} // namespace mad::elab
