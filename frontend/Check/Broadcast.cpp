//===- Broadcast.cpp - Shapes of elementwise operations ---------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Shapes are aligned at their last dimension. Only a missing dimension, or one
// that is written as 1, stretches; a name never does.
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Checker.h"

#include <algorithm>

namespace mad::elab {

static bool stretches(const hir::Dim &dim) { return dim.name.empty() && dim.size == DimExpr(1); }

std::vector<IndexId> Checker::unite(const std::vector<IndexId> &a, const std::vector<IndexId> &b) {
  std::vector<IndexId> both;
  std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  return both;
}

Checker::Dims Checker::spaceDims(const std::vector<IndexId> &space) const {
  Dims dims;
  for (IndexId id : space)
    dims.push_back(indices[id].extent);
  return dims;
}

/// The value over a larger space and in a shape that its own stretches to.
Value Checker::broadcastTo(const Value &value, const std::vector<IndexId> &space,
                           const Dims &shape) {
  Dims full = spaceDims(space), own = value.shape();
  full.insert(full.end(), shape.begin(), shape.end());
  std::vector<int64_t> from;
  for (IndexId id : value.space)
    from.push_back(std::lower_bound(space.begin(), space.end(), id) - space.begin());
  for (size_t d = 0; d < own.size(); ++d) {
    size_t to = shape.size() - own.size() + d;
    bool stretched = stretches(own[d]) && shape[to].size != own[d].size;
    from.push_back(stretched ? -1 : int64_t(space.size() + to));
  }
  return Value::tensor(b.spread(value.ref, std::move(full), from), space);
}

/// Gives all values one space and one shape.
bool Checker::align(std::vector<Value> &values, const Node *at, const std::string &verb,
                    const std::vector<const Node *> &nodes) {
  size_t rank = 0;
  std::vector<IndexId> space;
  std::vector<Dims> shapes;
  for (const Value &value : values) {
    shapes.push_back(value.shape());
    rank = std::max(rank, shapes.back().size());
    space = unite(space, value.space);
  }
  Dims shape(rank);
  for (size_t d = 0; d < rank; ++d) {
    size_t first = values.size();
    for (size_t i = 0; i < values.size(); ++i) {
      if (shapes[i].size() + d < rank)
        continue;
      const hir::Dim &dim = shapes[i][shapes[i].size() + d - rank];
      if (stretches(dim))
        continue;
      if (first == values.size()) {
        first = i;
        shape[d] = dim;
        continue;
      }
      bool operation = at->kind == Kind::Binary;
      auto complain = [&](const std::string &reason, const std::string &help) {
        Report report(*this, code::E0204, operation ? at->nameSpan : at->span,
                      "cannot " + verb + " " + quoted(show(values[first])) + " and " +
                          quoted(show(values[i])) + ": " + reason);
        if (operation || first < nodes.size())
          report.label(nodes[first]->span).label(nodes[i]->span);
        // The dimension stands elsewhere in the larger operand: it was meant for there.
        const Dims &large = shapes[first].size() > shapes[i].size() ? shapes[first] : shapes[i];
        const hir::Dim &lone = shapes[first].size() > shapes[i].size() ? dim : shape[d];
        bool elsewhere = shapes[first].size() != shapes[i].size() &&
                         std::any_of(large.begin(), large.end(),
                                     [&](const hir::Dim &o) { return o.size == lone.size; });
        report.help(elsewhere
                        ? "shapes are aligned at their last dimension: write `keep = true` in a "
                          "reduction, or insert a 1 with `reshape`"
                        : help);
        noteDeclaration(report, nodes[first]);
        noteDeclaration(report, nodes[i]);
      };
      std::string message = "cannot " + verb + " " + quoted(show(values[first])) + " and " +
                            quoted(show(values[i])) + ": " + described(shape[d]) + " is not " +
                            described(dim);
      if (!requireEqual(shape[d], dim, operation ? at->nameSpan : at->span, message, complain))
        return false;
      if (shape[d].name.empty())
        shape[d].name = dim.name;
    }
    if (first == values.size())
      shape[d].size = DimExpr(1);
  }
  for (Value &value : values)
    value = broadcastTo(value, space, shape);
  return true;
}

/// The values are tensors of the element types that the operation takes.
Value Checker::elementwise(const std::string &mnemonic, std::vector<Value> values, Element result,
                           const Node *at, const std::string &verb,
                           const std::vector<const Node *> &nodes) {
  for (const Value &value : values)
    if (!value.isTensor())
      return {};
  if (!align(values, at, verb, nodes))
    return {};
  std::vector<hir::Ref> operands;
  for (const Value &value : values)
    operands.push_back(value.ref);
  return Value::tensor(b.elementwise(mnemonic, std::move(operands), result), values[0].space);
}

/// The value with sizes that are known to equal its own, as written here.
Value Checker::withSizes(const Value &value, const Dims &shape) {
  Dims own = value.shape(), full = spaceDims(value.space);
  if (std::equal(own.begin(), own.end(), shape.begin(), shape.end(),
                 [](const hir::Dim &a, const hir::Dim &b) { return a.size == b.size; }))
    return value;
  full.insert(full.end(), shape.begin(), shape.end());
  std::vector<int64_t> from;
  for (size_t d = 0; d < full.size(); ++d)
    from.push_back(int64_t(d));
  return Value::tensor(b.spread(value.ref, std::move(full), from), value.space);
}

Value Checker::scalarCast(const Value &value, Element element) {
  return Value::tensor(b.cast(value.ref, element), value.space);
}

} // namespace mad::elab
