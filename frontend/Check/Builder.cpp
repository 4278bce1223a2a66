//===- Builder.cpp - Creates the nodes of a checked program -----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Builder.h"

#include <algorithm>
#include <cmath>

namespace mad::elab {

using namespace hir;

Node *Builder::detached(Op op, std::vector<Type> types) {
  Node &node = program.nodes.emplace_back();
  node.op = op;
  node.types = std::move(types);
  node.span = span;
  node.precision = precision;
  return &node;
}

/// More than 2^53 elements: what no memory holds, and no loop runs through.
bool Builder::isHuge(const Type &type) {
  double elements = 1;
  for (const Dim &dim : type.shape)
    elements *= double(dim.size.constant().value_or(1));
  return elements > 0x1p53;
}

Node *Builder::append(Op op, std::vector<Type> types) {
  for (const Type &type : types)
    if (isHuge(type))
      huge = type;
  Node *node = detached(op, std::move(types));
  block->push_back(node);
  return node;
}

Ref Builder::constant(Element element, double value) {
  Node *node = append(Op::Constant, {Type{element, {}}});
  node->values = {hir::rounded(element, value)};
  inexact |= node->values[0] != value && !std::isnan(value);
  return {node};
}

Ref Builder::constant(Element element, int64_t value) {
  Node *node = append(Op::Constant, {Type{element, {}}});
  node->integers = {value};
  return {node};
}

Ref Builder::dimValue(const DimExpr &dim) {
  if (auto value = dim.constant())
    return constant(Element::I64, *value);
  Node *node = append(Op::DimValue, {Type{Element::I64, {}}});
  node->dim = dim;
  return {node};
}

Ref Builder::weight(uint32_t index) {
  Node *node = append(Op::Weight, {program.weights[index].type});
  node->index = index;
  return {node};
}

Ref Builder::iota(std::vector<Dim> shape, uint32_t dim) {
  Node *node = append(Op::Iota, {Type{Element::I64, std::move(shape)}});
  node->index = dim;
  return {node};
}

Ref Builder::elementwise(const std::string &mnemonic, std::vector<Ref> operands, Element element) {
  // Of several names for an equal size, the first one stays.
  std::vector<Dim> shape = operands[0].type().shape;
  for (Ref operand : operands)
    for (size_t d = 0; d < shape.size(); ++d)
      if (shape[d].name.empty())
        shape[d].name = operand.type().shape[d].name;
  Node *node = append(Op::Elementwise, {Type{element, std::move(shape)}});
  node->mnemonic = mnemonic;
  node->operands = std::move(operands);
  return {node};
}

Ref Builder::cast(Ref operand, Element element) {
  if (operand.type().element == element)
    return operand;
  Node *node = append(Op::Cast, {Type{element, operand.type().shape}});
  node->operands = {operand};
  return {node};
}

Ref Builder::reshape(Ref operand, std::vector<Dim> shape) {
  Node *node = append(Op::Reshape, {Type{operand.type().element, std::move(shape)}});
  node->operands = {operand};
  return {node};
}

Ref Builder::concat(std::vector<Ref> parts, uint32_t dim, Dim extent) {
  Type type = parts[0].type();
  type.shape[dim] = std::move(extent);
  Node *node = append(Op::Concat, {std::move(type)});
  node->operands = std::move(parts);
  node->index = dim;
  return {node};
}

Ref Builder::reduce(const std::string &mnemonic, Ref operand, std::vector<uint32_t> dims) {
  if (dims.empty() && mnemonic != "argmax")
    return operand;
  Type type{mnemonic == "argmax" ? Element::I64 : operand.type().element, {}};
  for (uint32_t d = 0; d < operand.type().shape.size(); ++d)
    if (!std::count(dims.begin(), dims.end(), d))
      type.shape.push_back(operand.type().shape[d]);
  Node *node = append(Op::Reduce, {std::move(type)});
  node->mnemonic = mnemonic;
  node->operands = {operand};
  node->dims = std::move(dims);
  return {node};
}

Ref Builder::gather(Ref source, std::vector<Ref> indices, Subject subject) {
  Node *node = append(Op::Gather, {Type{source.type().element, indices[0].type().shape}});
  node->operands = {source};
  node->operands.insert(node->operands.end(), indices.begin(), indices.end());
  node->subject = std::move(subject);
  return {node};
}

Ref Builder::scatter(const std::string &mnemonic, Ref base, std::vector<Ref> indices, Ref updates,
                     Subject subject) {
  Node *node = append(Op::Scatter, {base.type()});
  node->mnemonic = mnemonic;
  node->operands = {base};
  node->operands.insert(node->operands.end(), indices.begin(), indices.end());
  node->operands.push_back(updates);
  node->subject = std::move(subject);
  return {node};
}

std::pair<Ref, Ref> Builder::sort(Ref source, uint32_t dim, bool descending, Dim count) {
  Type values = source.type();
  values.shape[dim] = std::move(count);
  Node *node = append(Op::Sort, {values, Type{Element::I64, values.shape}});
  node->mnemonic = descending ? "descending" : "ascending";
  node->operands = {source};
  node->index = dim;
  return {{node, 0}, {node, 1}};
}

Ref Builder::cumulate(const std::string &mnemonic, Ref source, uint32_t dim) {
  Node *node = append(Op::Cumulate, {source.type()});
  node->mnemonic = mnemonic;
  node->operands = {source};
  node->index = dim;
  return {node};
}

Ref Builder::philox(Ref key, Ref counter, Dim count) {
  Node *node = append(Op::Philox, {Type{Element::I32, {std::move(count)}}});
  node->operands = {key, counter};
  return {node};
}

Ref Builder::update(Ref dest, Ref value, std::vector<Affine> map, std::vector<Ref> scalars,
                    Boundary boundary, Subject subject) {
  for (Affine &a : map)
    a.scalars.resize(scalars.size(), 0);
  Node *node = append(Op::Update, {dest.type()});
  node->operands = {dest, value};
  node->operands.insert(node->operands.end(), scalars.begin(), scalars.end());
  node->map = std::move(map);
  node->boundary = boundary;
  if (boundary == Boundary::Checked)
    node->subject = std::move(subject);
  return {node};
}

//===----------------------------------------------------------------------===//
// Views
//===----------------------------------------------------------------------===//

/// Whether position d of the result is position d of the source, for all d.
static bool isIdentity(const Type &source, const std::vector<Dim> &shape,
                       const std::vector<Affine> &map) {
  if (source.shape.size() != shape.size())
    return false;
  for (size_t d = 0; d < shape.size(); ++d) {
    if (source.shape[d].size != shape[d].size || map[d].offset != 0)
      return false;
    for (size_t k = 0; k < shape.size(); ++k)
      if (map[d].coefficients[k] != int64_t(k == d))
        return false;
    for (int64_t c : map[d].scalars)
      if (c != 0)
        return false;
  }
  return true;
}

/// inner(outer(d)) as one map; empty on overflow.
static std::optional<std::vector<Affine>> compose(const std::vector<Affine> &inner,
                                                  const std::vector<Affine> &outer, size_t rank,
                                                  size_t innerScalars, size_t outerScalars) {
  std::vector<Affine> result;
  for (const Affine &in : inner) {
    Affine out;
    out.coefficients.assign(rank, 0);
    out.scalars = in.scalars;
    out.scalars.resize(innerScalars + outerScalars, 0);
    out.offset = in.offset;
    bool overflow = false;
    auto add = [&](int64_t &slot, int64_t factor, int64_t value) {
      int64_t part = 0;
      overflow |= __builtin_mul_overflow(factor, value, &part);
      overflow |= __builtin_add_overflow(slot, part, &slot);
    };
    for (size_t e = 0; e < outer.size(); ++e) {
      int64_t c = in.coefficients[e];
      for (size_t d = 0; d < rank; ++d)
        add(out.coefficients[d], c, outer[e].coefficients[d]);
      for (size_t s = 0; s < outerScalars; ++s)
        add(out.scalars[innerScalars + s], c, outer[e].scalars[s]);
      add(out.offset, c, outer[e].offset);
    }
    if (overflow)
      return std::nullopt;
    result.push_back(std::move(out));
  }
  return result;
}

/// The dimension of the result that a coordinate of a view runs along, alone.
static std::optional<uint32_t> alongOne(const Affine &a) {
  std::optional<uint32_t> found;
  for (uint32_t d = 0; d < a.coefficients.size(); ++d) {
    if (a.coefficients[d] == 0)
      continue;
    if (a.coefficients[d] != 1 || found)
      return std::nullopt;
    found = d;
  }
  bool plain = a.offset == 0 &&
               std::all_of(a.scalars.begin(), a.scalars.end(), [](int64_t c) { return c == 0; });
  return plain ? found : std::nullopt;
}

/// Whether the map reads all elements, each dimension along one of its own.
static bool readsAll(const Type &source, const std::vector<Dim> &shape,
                     const std::vector<Affine> &map) {
  std::vector<bool> taken(shape.size());
  for (size_t k = 0; k < map.size(); ++k) {
    auto along = alongOne(map[k]);
    if (!along || taken[*along] || shape[*along].size != source.shape[k].size)
      return false;
    taken[*along] = true;
  }
  return true;
}

Ref Builder::view(Ref source, std::vector<Dim> shape, std::vector<Affine> map,
                  std::vector<Ref> scalars, Boundary boundary, Subject subject) {
  for (Affine &a : map) {
    a.coefficients.resize(shape.size(), 0);
    a.scalars.resize(scalars.size(), 0);
  }
  if (isIdentity(source.type(), shape, map))
    return source;
  if (source.node->op == Op::Iota && boundary == Boundary::Inside)
    if (auto along = alongOne(map[source.node->index]))
      return iota(std::move(shape), *along);
  // What the inner view reads outside of its source does not depend on how its
  // result is read, as long as that stays inside. A check is of all that was written.
  if (boundary == Boundary::Inside && source.node->op == Op::View &&
      (source.node->boundary != Boundary::Checked || readsAll(source.type(), shape, map))) {
    const Node *inner = source.node;
    size_t count = inner->operands.size() - 1;
    if (auto both = compose(inner->map, map, shape.size(), count, scalars.size())) {
      std::vector<Ref> all(inner->operands.begin() + 1, inner->operands.end());
      all.insert(all.end(), scalars.begin(), scalars.end());
      Ref from = inner->operands[0];
      // The same scalar twice: one operand.
      std::vector<Ref> unique;
      for (size_t s = 0; s < all.size(); ++s) {
        size_t at = 0;
        while (at < unique.size() && unique[at].node != all[s].node)
          ++at;
        if (at == unique.size())
          unique.push_back(all[s]);
        for (Affine &a : *both) {
          int64_t c = a.scalars[s];
          a.scalars[s] = 0;
          a.scalars[at] += c;
        }
      }
      for (Affine &a : *both)
        a.scalars.resize(unique.size());
      if (inner->boundary == Boundary::Inside && isIdentity(from.type(), shape, *both))
        return from;
      Boundary kept = inner->boundary;
      Node *node = append(Op::View, {Type{from.type().element, std::move(shape)}});
      node->operands = {from};
      node->operands.insert(node->operands.end(), unique.begin(), unique.end());
      node->map = std::move(*both);
      node->boundary = kept;
      node->subject = inner->subject;
      return {node};
    }
  }
  Node *node = append(Op::View, {Type{source.type().element, std::move(shape)}});
  node->operands = {source};
  node->operands.insert(node->operands.end(), scalars.begin(), scalars.end());
  node->map = std::move(map);
  node->boundary = boundary;
  if (boundary == Boundary::Checked)
    node->subject = std::move(subject);
  return {node};
}

Ref Builder::spread(Ref source, std::vector<Dim> shape, const std::vector<int64_t> &from) {
  std::vector<Affine> map;
  for (int64_t d : from) {
    Affine a;
    a.coefficients.assign(shape.size(), 0);
    if (d >= 0)
      a.coefficients[d] = 1;
    map.push_back(std::move(a));
  }
  return view(source, std::move(shape), std::move(map));
}

/// An operand of a contraction that only reorders another tensor is read
/// without that: the map of the contraction does the same.
static void skipReordering(Ref &operand, std::vector<uint32_t> &dims) {
  const Node *node = operand.node;
  size_t rank = dims.size();
  if (node->op != Op::View || node->map.size() != rank || node->boundary != Boundary::Inside)
    return;
  std::vector<uint32_t> order;
  for (size_t d = 0; d < rank; ++d) {
    auto at = alongOne(node->map[d]);
    if (!at || std::count(order.begin(), order.end(), *at) ||
        node->operands[0].type().shape[d].size != operand.type().shape[*at].size)
      return;
    order.push_back(*at);
  }
  std::vector<uint32_t> result;
  for (uint32_t at : order)
    result.push_back(dims[at]);
  dims = std::move(result);
  operand = node->operands[0];
}

Ref Builder::contract(Ref lhs, Ref rhs, std::vector<Dim> shape, std::vector<uint32_t> lhsDims,
                      std::vector<uint32_t> rhsDims, uint32_t space) {
  skipReordering(lhs, lhsDims);
  skipReordering(rhs, rhsDims);
  Node *node = append(Op::Contract, {Type{lhs.type().element, std::move(shape)}});
  node->operands = {lhs, rhs};
  node->lhs = std::move(lhsDims);
  node->rhs = std::move(rhsDims);
  node->space = space;
  return {node};
}

Ref Builder::quantize(Ref rows) {
  Node *node = append(Op::Quantize, {rows.type()});
  node->operands = {rows};
  return {node};
}

//===----------------------------------------------------------------------===//
// Sweeping
//===----------------------------------------------------------------------===//

// A mark in each node and not a set of nodes: those of a long program do not fit into
// a cache, and a set would double what is read. A region is swept once.
void Builder::sweep(Region &region) {
  for (Ref result : region.results)
    result.node->needed = true;
  std::vector<Node *> kept;
  for (auto it = region.nodes.rbegin(); it != region.nodes.rend(); ++it) {
    Node *node = *it;
    if (!node->needed)
      continue;
    kept.push_back(node);
    for (Ref operand : node->operands)
      operand.node->needed = true;
    for (Region &inner : node->regions)
      sweep(inner);
  }
  region.nodes.assign(kept.rbegin(), kept.rend());
}

} // namespace mad::elab
