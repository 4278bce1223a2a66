//===- DataBuiltins.cpp - Builtins whose course depends on the data ---------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sorting, cumulating, reading and writing at computed positions, random words.
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Builtins.h"
#include "frontend/Check/Checker.h"

#include <algorithm>

namespace mad::elab {

using namespace ast;

std::optional<Value> Checker::dataBuiltin(const std::string &name, const Node *n,
                                          const Want &want) {
  if (name == "sort" || name == "argsort" || name == "top_k")
    return sortBuiltin(name, n, want);
  if (name == "cumsum" || name == "cumprod" || name == "cummax" || name == "cummin")
    return cumulateBuiltin(name, n, want);
  if (name == "take")
    return takeBuiltin(n, want);
  if (name.starts_with("scatter_"))
    return scatterBuiltin(name, n, want);
  if (name == "philox")
    return philoxBuiltin(n);
  if (name == "known")
    return knownBuiltin(n);
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Along an axis
//===----------------------------------------------------------------------===//

/// The axis that an argument names, else the last one (or the first).
std::optional<uint32_t> Checker::axisArgument(const std::string &name, const Node *n,
                                              const Arguments &args, const Value &value,
                                              bool last) {
  if (auto it = args.named.find("axis"); it != args.named.end())
    return axisOf(it->second, value);
  if (value.rank())
    return last ? uint32_t(value.rank() - 1) : 0;
  Report(*this, code::E0210, n->span,
         quoted(name) + " goes along an axis, but " + quoted(show(value)) + " has no dimensions");
  return std::nullopt;
}

std::optional<bool> Checker::flagArgument(const Arguments &args, const char *name, bool otherwise) {
  auto it = args.named.find(name);
  return it == args.named.end() ? std::optional(otherwise) : flag(it->second, name);
}

Value Checker::sortBuiltin(const std::string &name, const Node *n, const Want &want) {
  bool top = name == "top_k";
  const char *direction = top ? "largest" : "descending";
  Arguments args;
  if (!arguments(n, name, top ? 2 : 1, top ? 2 : 1, {"axis", direction}, args))
    return {};
  Want inner = top ? want.part(0) : name == "sort" ? want : Want();
  Value value = tensorArgument(args.list[0], inner, name);
  if (value.poison())
    return {};
  auto axis = axisArgument(name, n, args, value, true);
  auto descending = flagArgument(args, direction, top);
  if (!axis || !descending)
    return {};
  hir::Dim count = value.shape()[*axis];
  if (top) {
    auto wanted = dimOf(args.list[1]);
    if (!wanted)
      return {};
    auto complain = [&](const std::string &reason, const std::string &help) {
      Report(*this, code::E0212, args.list[1]->span,
             quoted(name) + " takes at most " + show(count) + " elements along the axis: " + reason)
          .label(args.list[0]->span)
          .help(help);
    };
    if (!requireAtLeast(wanted->size, DimExpr(0), args.list[1]->span,
                        "the number of elements of `top_k` must not be negative", complain) ||
        !requireAtLeast(count.size, wanted->size, args.list[1]->span,
                        "`top_k` needs at least as many elements as it gives", complain))
      return {};
    count = *wanted;
  }
  auto [values, positions] =
      b.sort(value.ref, uint32_t(value.space.size()) + *axis, *descending, count);
  if (name == "sort")
    return Value::tensor(values, value.space);
  if (name == "argsort")
    return Value::tensor(positions, value.space);
  Value both = Value::of(Value::Tuple);
  both.parts = {Value::tensor(values, value.space), Value::tensor(positions, value.space)};
  return both;
}

Value Checker::cumulateBuiltin(const std::string &name, const Node *n, const Want &want) {
  Arguments args;
  if (!arguments(n, name, 1, 1, {"axis"}, args))
    return {};
  Value value = tensorArgument(args.list[0], want, name);
  if (value.poison())
    return {};
  if (value.ref.type().element == Element::Bool) {
    Report(*this, code::E0303, n->span,
           quoted(name) + " takes numbers, found " + quoted(show(value)))
        .label(args.list[0]->span)
        .help("write " + quoted("i64(" + textAt(args.list[0]) + ")"));
    return {};
  }
  auto axis = axisArgument(name, n, args, value, true);
  if (!axis)
    return {};
  return Value::tensor(b.cumulate(name.substr(3), value.ref, uint32_t(value.space.size()) + *axis),
                       value.space);
}

//===----------------------------------------------------------------------===//
// Computed positions
//===----------------------------------------------------------------------===//

/// Integers of any width and shape, as i64.
Value Checker::positionsArgument(const Node *n, const std::string &name) {
  Value value = tensorArgument(n, Want(Element::I64), name);
  if (value.poison())
    return {};
  if (!isInteger(value.ref.type().element)) {
    Report(*this, code::E0312, n->span,
           "the positions of " + quoted(name) + " are integers, found " + quoted(show(value)));
    return {};
  }
  return scalarCast(value, Element::I64);
}

/// `x` with the dimension along the axis replaced by those of the positions.
Value Checker::takeBuiltin(const Node *n, const Want &want) {
  Arguments args;
  if (!arguments(n, "take", 2, 2, {"axis"}, args))
    return {};
  Value value = tensorArgument(args.list[0], want, "take");
  Value positions = positionsArgument(args.list[1], "take");
  if (value.poison() || positions.poison())
    return {};
  auto axis = axisArgument("take", n, args, value, false);
  if (!axis)
    return {};
  std::vector<IndexId> space = unite(value.space, positions.space);
  Dims own = value.shape(), at = positions.shape(), shape(own.begin(), own.begin() + *axis);
  shape.insert(shape.end(), at.begin(), at.end());
  shape.insert(shape.end(), own.begin() + *axis + 1, own.end());
  Dims full = spaceDims(space);
  size_t outer = full.size();
  full.insert(full.end(), shape.begin(), shape.end());
  std::vector<hir::Ref> coordinates;
  for (IndexId id : value.space)
    coordinates.push_back(
        b.iota(full, uint32_t(std::lower_bound(space.begin(), space.end(), id) - space.begin())));
  for (size_t d = 0; d < own.size(); ++d) {
    if (d != *axis) {
      coordinates.push_back(b.iota(full, uint32_t(outer + (d < *axis ? d : d + at.size() - 1))));
      continue;
    }
    std::vector<int64_t> from;
    for (IndexId id : positions.space)
      from.push_back(std::lower_bound(space.begin(), space.end(), id) - space.begin());
    for (size_t p = 0; p < at.size(); ++p)
      from.push_back(int64_t(outer + *axis + p));
    coordinates.push_back(b.spread(positions.ref, full, from));
  }
  hir::Subject written{textAt(args.list[0]), uint32_t(value.space.size())};
  return Value::tensor(b.gather(value.ref, std::move(coordinates), written), space);
}

/// Positions along the first dimensions of the base: one tensor, or a tuple of
/// tensors of one shape. Updates have that shape, then the other dimensions.
Value Checker::scatterBuiltin(const std::string &name, const Node *n, const Want &want) {
  Arguments args;
  if (!arguments(n, name, 3, 3, {}, args))
    return {};
  Value base = tensorArgument(args.list[0], want, name);
  const Node *list = args.list[1];
  std::vector<const Node *> nodes{list};
  if (list->kind == Kind::Tuple)
    nodes.assign(list->kids.begin(), list->kids.end());
  std::vector<Value> positions;
  bool good = !base.poison();
  for (const Node *node : nodes) {
    positions.push_back(positionsArgument(node, name));
    good &= !positions.back().poison();
  }
  Value updates =
      tensorArgument(args.list[2], base.isTensor() ? Want(base.ref.type().element) : Want(), name);
  if (!good || updates.poison() || !align(positions, n, "use together", nodes))
    return {};
  Element element = base.ref.type().element;
  if (updates.ref.type().element != element) {
    Report(*this, code::E0301, n->span,
           "cannot update " + quoted(show(base)) + " by " + quoted(show(updates)))
        .label(args.list[0]->span)
        .label(args.list[2]->span)
        .help("write " +
              quoted(std::string(hir::name(element)) + "(" + textAt(args.list[2]) + ")"));
    return {};
  }
  if (element == Element::Bool && name != "scatter_set") {
    Report(*this, code::E0303, n->span,
           quoted(name) + " takes numbers, found " + quoted(show(base)));
    return {};
  }
  if (positions.size() > base.rank()) {
    Report(*this, code::E0206, list->span,
           quoted(show(base)) + " has " + std::to_string(base.rank()) +
               (base.rank() == 1 ? " dimension" : " dimensions") + ", found positions for " +
               std::to_string(positions.size()));
    return {};
  }
  return scattered(name.substr(8), n, base, positions, updates, args);
}

Value Checker::scattered(const std::string &kind, const Node *n, const Value &base,
                         const std::vector<Value> &positions, const Value &updates,
                         const Arguments &args) {
  const Node *at = args.list[2];
  Dims own = base.shape(), shape = positions[0].shape(), given = updates.shape();
  size_t indexed = shape.size();
  shape.insert(shape.end(), own.begin() + positions.size(), own.end());
  auto complain = [&](const std::string &reason, const std::string &help) {
    Report(*this, code::E0205, at->span,
           "the updates have the dimensions of the positions, then those of the base that no "
           "position is for: expected " +
               quoted(show(hir::Type{updates.ref.type().element, shape})) + ", found " +
               quoted(show(updates)) + (reason.empty() ? "" : ": " + reason))
        .help(help);
  };
  if (given.size() > shape.size()) {
    complain(ranks(given.size(), shape.size()), "");
    return {};
  }
  for (size_t d = 0; d < given.size(); ++d) {
    const hir::Dim &to = shape[shape.size() - given.size() + d];
    bool stretches = given[d].name.empty() && given[d].size == DimExpr(1);
    if (!stretches &&
        !requireEqual(given[d], to, at->span, "updates must fit their positions", complain))
      return {};
  }
  std::vector<IndexId> space = unite(base.space, unite(positions[0].space, updates.space));
  Dims full = spaceDims(space);
  size_t outer = full.size();
  full.insert(full.end(), shape.begin(), shape.end());
  std::vector<hir::Ref> coordinates;
  for (size_t d = 0; d < outer; ++d)
    coordinates.push_back(b.iota(full, uint32_t(d)));
  for (const Value &position : positions) {
    std::vector<int64_t> from;
    for (IndexId id : position.space)
      from.push_back(std::lower_bound(space.begin(), space.end(), id) - space.begin());
    for (size_t d = 0; d < indexed; ++d)
      from.push_back(int64_t(outer + d));
    coordinates.push_back(b.spread(position.ref, full, from));
  }
  for (size_t d = positions.size(); d < own.size(); ++d)
    coordinates.push_back(b.iota(full, uint32_t(outer + indexed + d - positions.size())));
  hir::Ref all = broadcastTo(base, space, own).ref;
  hir::Subject written{textAt(args.list[0]), uint32_t(outer)};
  hir::Ref result =
      b.scatter(kind, all, std::move(coordinates), broadcastTo(updates, space, shape).ref, written);
  return Value::tensor(result, space);
}

/// Whether a number is one when compiling, so that code can be written for it.
Value Checker::knownBuiltin(const Node *n) {
  Arguments args;
  if (!arguments(n, "known", 1, 1, {}, args))
    return {};
  Value value = expr(args.list[0]);
  if (value.poison())
    return {};
  return Value::boolean(value.kind == Value::Integer ? value.number.constant().has_value()
                                                     : !value.isTensor());
}

//===----------------------------------------------------------------------===//
// Random words
//===----------------------------------------------------------------------===//

Value Checker::philoxBuiltin(const Node *n) {
  Arguments args;
  if (!arguments(n, "philox", 3, 3, {}, args))
    return {};
  Value words[2];
  for (size_t i = 0; i < 2; ++i) {
    const Node *node = args.list[i];
    TypeTree type{false, {Element::I32, {{DimExpr(i ? 4 : 2), ""}}}, {}};
    words[i] = coerce(tensorArgument(node, Element::I32, "philox"), type, node,
                      i ? "the counter of `philox`" : "the key of `philox`");
    if (!words[i].poison() && !words[i].space.empty()) {
      Report(*this, code::E0303, node->span,
             "`philox` takes one key and one counter: they cannot depend on an index");
      return {};
    }
  }
  auto shape = shapeArgument(args.list[2]);
  if (!shape || words[0].poison() || words[1].poison())
    return {};
  DimExpr count(1);
  for (const hir::Dim &dim : *shape)
    count = count * dim.size;
  return Value::tensor(
      b.reshape(b.philox(words[0].ref, words[1].ref, {count, ""}), std::move(*shape)));
}

} // namespace mad::elab
