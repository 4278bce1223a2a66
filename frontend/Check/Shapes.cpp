//===- Shapes.cpp - Builtins that make and move tensors ---------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Checker.h"

#include <algorithm>

namespace mad::elab {

using namespace ast;

static DimExpr elements(const std::vector<hir::Dim> &shape) {
  DimExpr count(1);
  for (const hir::Dim &dim : shape)
    count = count * dim.size;
  return count;
}

static std::vector<hir::Dim> joined(std::vector<hir::Dim> a, const std::vector<hir::Dim> &b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Value Checker::fillBuiltin(const std::string &name, const Node *n, const Want &want) {
  Arguments args;
  size_t count = name == "full" ? 2 : 1;
  if (!arguments(n, name, count, count, {"type"}, args))
    return {};
  Want inner(want.element);
  if (auto it = args.named.find("type"); it != args.named.end()) {
    std::string_view text = it->second->kind == Kind::Name ? it->second->text : "";
    inner.element = elementName(text);
    if (!inner.element) {
      Report(*this, code::E0310, it->second->span,
             "`type` is an element type such as `f32`, found " + quoted(textAt(it->second)));
      return {};
    }
  }
  auto shape = shapeArgument(args.list[0]);
  Value value;
  if (name == "full") {
    value = expr(args.list[1], inner);
    if (value.isTensor() && inner.element && args.named.count("type") &&
        value.ref.type().element != *inner.element)
      value = coerce(value, TypeTree{false, {*inner.element, {}}, {}}, args.list[1],
                     "the value of `full`");
    value = settled(value, inner, args.list[1]);
    if (!value.poison() && (!value.isTensor() || value.rank() != 0)) {
      Report(*this, code::E0205, args.list[1]->span,
             "`full` takes one number, found " + quoted(show(value)));
      return {};
    }
  } else {
    Element element = inner.element.value_or(Element::F32);
    int64_t number = name == "ones";
    value = Value::tensor(isFloat(element) ? b.constant(element, double(number))
                                           : b.constant(element, number));
  }
  if (!shape || value.poison())
    return {};
  return broadcastTo(value, value.space, *shape);
}

Value Checker::iotaBuiltin(const Node *n) {
  Arguments args;
  if (!arguments(n, "iota", 1, 1, {}, args))
    return {};
  auto dim = dimOf(args.list[0]);
  if (!dim)
    return {};
  auto complain = [&](const std::string &reason, const std::string &help) {
    Report(*this, code::E0212, args.list[0]->span, "a dimension is at least 0: " + reason)
        .help(help);
  };
  if (!requireAtLeast(dim->size, DimExpr(0), args.list[0]->span,
                      "`iota` needs a size that is not negative", complain))
    return {};
  return Value::tensor(b.iota({*dim}, 0));
}

/// `n` numbers at equal distances, the first and the last as given.
Value Checker::linspaceBuiltin(const Node *n, const Want &want) {
  Arguments args;
  if (!arguments(n, "linspace", 3, 3, {}, args))
    return {};
  std::vector<Value> ends(2);
  operands(args.list[0], args.list[1], Want(want.element.value_or(Element::F32)), ends[0], ends[1]);
  auto dim = dimOf(args.list[2]);
  auto element = commonElement(n, "space", ends, {args.list[0], args.list[1]},
                               Want(want.element.value_or(Element::F32)));
  if (!dim || !element)
    return {};
  for (size_t i = 0; i < 2; ++i)
    if (!isFloat(*element) || ends[i].rank() != 0 || !ends[i].space.empty()) {
      Report(*this, code::E0303, args.list[i]->span,
             "`linspace` goes from one float to another, found " + quoted(show(ends[i])));
      return {};
    }
  auto complain = [&](const std::string &reason, const std::string &help) {
    Report(*this, code::E0212, args.list[2]->span, "`linspace` gives at least 2 numbers: " + reason)
        .help(help);
  };
  if (!requireAtLeast(dim->size, DimExpr(2), args.list[2]->span,
                      "`linspace` gives at least 2 numbers", complain))
    return {};
  auto all = [&](hir::Ref scalar) { return broadcastTo(Value::tensor(scalar), {}, {*dim}).ref; };
  hir::Ref last = b.dimValue(dim->size - DimExpr(1)), place = b.iota({*dim}, 0);
  hir::Ref way = b.elementwise("sub", {ends[1].ref, ends[0].ref}, *element);
  hir::Ref step = b.elementwise("div", {way, b.cast(last, *element)}, *element);
  hir::Ref moved = b.elementwise("mul", {b.cast(place, *element), all(step)}, *element);
  hir::Ref inner = b.elementwise("add", {all(ends[0].ref), moved}, *element);
  hir::Ref isLast = b.elementwise("eq", {place, all(last)}, Element::Bool);
  return Value::tensor(b.elementwise("select", {isLast, all(ends[1].ref), inner}, *element));
}

/// How long an axis is: a number known when compiling, as a dimension is.
Value Checker::sizeBuiltin(const Node *n) {
  Arguments args;
  if (!arguments(n, "size", 1, 2, {"axis"}, args))
    return {};
  Value value = tensorArgument(args.list[0], {}, "size");
  auto it = args.named.find("axis");
  if (args.list.size() + args.named.size() != 2) {
    Report(*this, code::E0309, n->span, "`size` takes a tensor and an axis")
        .help("write " + quoted("size(" + textAt(args.list[0]) + ", axis = 0)"));
    return {};
  }
  if (value.poison())
    return {};
  auto axis = axisOf(it == args.named.end() ? args.list[1] : it->second, value);
  if (!axis)
    return {};
  return Value::integer(value.shape()[*axis].size);
}

Value Checker::reshapeBuiltin(const Node *n, const Want &want) {
  Arguments args;
  if (!arguments(n, "reshape", 2, 2, {}, args))
    return {};
  Value value = tensorArgument(args.list[0], want, "reshape");
  std::optional<size_t> rest;
  auto shape = shapeArgument(args.list[1], &rest);
  if (value.poison() || !shape)
    return {};
  if (rest) {
    DimExpr others = elements(*shape);
    if (others == DimExpr(0)) {
      Report(*this, code::E0213, args.list[1]->span,
             "the other dimensions have no elements, so any size fits in the place of -1");
      return {};
    }
    (*shape)[*rest].size = DimExpr::floorDiv(elements(value.shape()), others);
  }
  auto complain = [&](const std::string &reason, const std::string &help) {
    Report(*this, code::E0213, n->span,
           quoted(show(value)) + " cannot become " +
               quoted(show(hir::Type{value.ref.type().element, *shape})) +
               ": the number of elements differs, " + reason)
        .label(args.list[0]->span)
        .label(args.list[1]->span)
        .help(help);
  };
  hir::Dim from{elements(value.shape()), ""}, to{elements(*shape), ""};
  if (!requireEqual(from, to, n->span, "`reshape` keeps the number of elements", complain))
    return {};
  return Value::tensor(b.reshape(value.ref, joined(spaceDims(value.space), *shape)), value.space);
}

Value Checker::transposeBuiltin(const Node *n, const Want &want) {
  Arguments args;
  if (!arguments(n, "transpose", 1, SIZE_MAX, {}, args))
    return {};
  Value value = tensorArgument(args.list[0], want, "transpose");
  if (value.poison())
    return {};
  Dims shape = value.shape();
  std::vector<uint32_t> order;
  if (args.list.size() == 1) {
    if (shape.size() != 2) {
      Report(*this, code::E0205, n->span,
             "`transpose` without an order takes a matrix, found " + quoted(show(value)))
          .help("give the order of the dimensions: `transpose(x, 1, 0, 2)`");
      return {};
    }
    order = {1, 0};
  }
  for (size_t i = 1; i < args.list.size(); ++i) {
    auto axis = axisOf(args.list[i], value);
    if (!axis)
      return {};
    if (std::find(order.begin(), order.end(), *axis) != order.end()) {
      Report(*this, code::E0210, args.list[i]->span,
             "`transpose` names dimension " + std::to_string(*axis) + " twice");
      return {};
    }
    order.push_back(*axis);
  }
  if (order.size() != shape.size()) {
    Report(*this, code::E0210, n->span,
           quoted(show(value)) + " has " + std::to_string(shape.size()) +
               " dimensions, the order of `transpose` has " + std::to_string(order.size()));
    return {};
  }
  size_t space = value.space.size();
  Dims result = spaceDims(value.space);
  std::vector<int64_t> from(space + order.size());
  for (size_t d = 0; d < space; ++d)
    from[d] = int64_t(d);
  for (size_t d = 0; d < order.size(); ++d) {
    result.push_back(shape[order[d]]);
    from[space + order[d]] = int64_t(space + d);
  }
  return Value::tensor(b.spread(value.ref, std::move(result), from), value.space);
}

Value Checker::concatBuiltin(const Node *n, const Want &want) {
  Arguments args;
  if (!arguments(n, "concat", 1, SIZE_MAX, {"axis"}, args))
    return {};
  std::vector<Value> values(args.list.size());
  Want inner(want.element);
  for (bool literals : {false, true})
    for (size_t i = 0; i < values.size(); ++i) {
      if (contextual(args.list[i]) != literals)
        continue;
      values[i] = expr(args.list[i], inner);
      if (!literals && values[i].isTensor())
        inner = Want(values[i].ref.type().element);
    }
  // An axis without its name.
  if (values.size() > 1 && values.back().kind == Value::Integer && values[0].isTensor() &&
      values[0].rank() > 0) {
    Report(*this, code::E0309, args.list.back()->span, "`concat` joins tensors, found a number")
        .help("write " + quoted("axis = " + textAt(args.list.back())));
    return {};
  }
  auto element = commonElement(n, "join", values, args.list, inner);
  if (!element)
    return {};
  if (values[0].rank() == 0) {
    Report(*this, code::E0205, args.list[0]->span, "`concat` joins tensors, found a number")
        .help("write a list: `[a, b]`");
    return {};
  }
  std::optional<uint32_t> axis = 0;
  if (auto it = args.named.find("axis"); it != args.named.end())
    axis = axisOf(it->second, values[0]);
  if (!axis)
    return {};
  Dims shape = values[0].shape();
  DimExpr extent;
  std::vector<IndexId> space;
  for (size_t i = 0; i < values.size(); ++i) {
    Dims own = values[i].shape();
    auto complain = [&](const std::string &reason, const std::string &help) {
      Report(*this, code::E0217, n->span,
             "cannot join " + quoted(show(values[0])) + " and " + quoted(show(values[i])) +
                 " along dimension " + std::to_string(*axis) + ": " + reason)
          .label(args.list[0]->span)
          .label(args.list[i]->span)
          .help(help);
    };
    if (own.size() != shape.size()) {
      complain(ranks(own.size(), shape.size()), "");
      return {};
    }
    for (size_t d = 0; d < own.size(); ++d)
      if (d != *axis &&
          !requireEqual(shape[d], own[d], n->span, "`concat` joins tensors of one shape", complain))
        return {};
    extent = extent + own[*axis].size;
    space = unite(space, values[i].space);
  }
  if (values.size() == 1)
    return values[0];
  std::vector<hir::Ref> parts;
  for (const Value &value : values)
    parts.push_back(broadcastTo(value, space, value.shape()).ref);
  return Value::tensor(b.concat(std::move(parts), uint32_t(space.size()) + *axis, {extent, ""}),
                       space);
}

Value Checker::broadcastBuiltin(const Node *n, const Want &want) {
  Arguments args;
  if (!arguments(n, "broadcast", 2, 2, {}, args))
    return {};
  Value value = tensorArgument(args.list[0], want, "broadcast");
  auto shape = shapeArgument(args.list[1]);
  if (value.poison() || !shape)
    return {};
  Dims own = value.shape();
  auto complain = [&](const std::string &reason, const std::string &help) {
    Report(*this, code::E0204, n->span,
           quoted(show(value)) + " does not stretch to " +
               quoted(show(hir::Type{value.ref.type().element, *shape})) + ": " + reason)
        .label(args.list[0]->span)
        .label(args.list[1]->span)
        .help(help);
  };
  if (own.size() > shape->size()) {
    complain(std::to_string(own.size()) + " dimensions are more than " +
                 std::to_string(shape->size()),
             "");
    return {};
  }
  for (size_t d = 0; d < own.size(); ++d) {
    const hir::Dim &to = (*shape)[shape->size() - own.size() + d];
    if (own[d].name.empty() && own[d].size == DimExpr(1))
      continue;
    if (!requireEqual(own[d], to, n->span, "`broadcast` stretches dimensions of 1 alone", complain))
      return {};
  }
  return broadcastTo(value, value.space, *shape);
}

} // namespace mad::elab
