//===- Matmul.cpp - The operator `@` ----------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// [B..., M, K] @ [C..., K, N] with equal B and C, of which either may be missing
// or 1; a vector on either side has no M or N. No operand is stretched: what it
// lacks is left out of its map.
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Checker.h"

#include <algorithm>

namespace mad::elab {

using namespace ast;

/// One side of a product.
struct Side {
  Value value;
  std::vector<hir::Dim> shape;
  bool vector;
  size_t batch;           ///< leading dimensions that are neither rows nor summed
  size_t summed;          ///< position of K in `shape`
  std::vector<bool> drop; ///< batch dimensions of 1 that the other side stretches

  Side(const Value &value, bool left) : value(value), shape(value.shape()) {
    vector = shape.size() == 1;
    batch = vector ? 0 : shape.size() - 2;
    summed = left || vector ? shape.size() - 1 : shape.size() - 2;
    drop.assign(batch, false);
  }
};

/// The operand without its dropped dimensions.
static hir::Ref withoutDropped(Builder &b, const Side &side) {
  if (std::find(side.drop.begin(), side.drop.end(), true) == side.drop.end())
    return side.value.ref;
  size_t space = side.value.space.size();
  std::vector<hir::Dim> shape;
  std::vector<int64_t> from;
  const auto &all = side.value.ref.type().shape;
  for (size_t d = 0; d < all.size(); ++d) {
    bool dropped = d >= space && d - space < side.batch && side.drop[d - space];
    from.push_back(dropped ? -1 : int64_t(shape.size()));
    if (!dropped)
      shape.push_back(all[d]);
  }
  return b.spread(side.value.ref, std::move(shape), from);
}

/// Appends the batch dimensions, aligned at the last one. Those of 1 that the
/// other side stretches are marked.
bool Checker::batchDims(Side &a, Side &c, Dims &shape,
                        const std::function<bool(const hir::Dim &, const hir::Dim &)> &require) {
  auto isOne = [](const hir::Dim &d) { return d.name.empty() && d.size == DimExpr(1); };
  Dims sizes = c.value.shape();
  size_t batch = std::max(a.batch, c.batch);
  for (size_t d = 0; d < batch; ++d) {
    bool inA = d + a.batch >= batch, inC = d + c.batch >= batch;
    size_t ia = d + a.batch - batch, ic = d + c.batch - batch;
    if (!inA || !inC) {
      shape.push_back(inA ? a.shape[ia] : c.shape[ic]);
      continue;
    }
    const hir::Dim &p = a.shape[ia], &q = c.shape[ic];
    if (isOne(p) != isOne(q)) {
      a.drop[ia] = isOne(p);
      c.drop[ic] = isOne(q);
    } else if (!require(p, q)) {
      return false;
    }
    shape.push_back(isOne(p) ? q : p);
    if (!isOne(q))
      sizes[ic] = shape.back();
  }
  c.value = withSizes(c.value, sizes);
  return true;
}

Value Checker::matmul(const Node *n, const Want &want, Value x, bool leftKnown) {
  const Node *left = n->kids[0], *right = n->kids[1];
  Value y;
  operands(left, right, want, x, y, leftKnown);
  if (x.poison() || y.poison())
    return {};
  std::vector<Value> values = {x, y};
  auto element = commonElement(n, "multiply", values, {left, right}, want);
  if (!element)
    return {};
  auto fail = [&](uint16_t kind, const std::string &reason) -> Report {
    return Report(*this, kind, n->nameSpan,
                  "cannot multiply " + quoted(show(values[0])) + " by " + quoted(show(values[1])) +
                      ": " + reason);
  };
  if (*element == Element::Bool || !values[0].rank() || !values[1].rank()) {
    fail(code::E0303, "`@` takes vectors and matrices of numbers")
        .label(left->span)
        .label(right->span)
        .help(*element == Element::Bool ? "" : "write `*` for a product of elements");
    return {};
  }
  Side a(values[0], true), c(values[1], false);
  auto require = [&](const hir::Dim &p, const hir::Dim &q) {
    std::string message = "cannot multiply " + quoted(show(values[0])) + " by " +
                          quoted(show(values[1])) + ": " + described(p) + " is not " + described(q);
    return requireEqual(
        p, q, n->nameSpan, message, [&](const std::string &reason, const std::string &help) {
          Report report = fail(code::E0203, reason);
          // The other dimension of a matrix may be the one that was meant.
          Dims other = values[1].shape();
          bool turned = other.size() == 2 && other[1].size == p.size;
          report.label(left->span).label(right->span);
          report.help(turned ? "write " + quoted("transpose(" + textAt(right) + ")") : help);
          noteDeclaration(report, left);
          noteDeclaration(report, right);
        });
  };
  if (!require(a.shape[a.summed], c.shape[c.summed]))
    return {};
  Dims sizes = c.shape;
  sizes[c.summed] = a.shape[a.summed];

  c.value = withSizes(c.value, sizes);
  std::vector<IndexId> space = unite(a.value.space, c.value.space);
  Dims shape = spaceDims(space);
  if (!batchDims(a, c, shape, require))
    return {};
  size_t batch = std::max(a.batch, c.batch);
  uint32_t row = uint32_t(shape.size());
  if (!a.vector)
    shape.push_back(a.shape[a.summed - 1]);
  uint32_t column = uint32_t(shape.size());
  if (!c.vector)
    shape.push_back(c.shape.back());
  uint32_t summed = uint32_t(shape.size());

  auto map = [&](const Side &side) {
    std::vector<uint32_t> dims;
    for (IndexId id : side.value.space)
      dims.push_back(uint32_t(std::lower_bound(space.begin(), space.end(), id) - space.begin()));
    for (size_t d = 0; d < side.batch; ++d)
      if (!side.drop[d])
        dims.push_back(uint32_t(space.size() + batch - side.batch + d));
    return dims;
  };
  std::vector<uint32_t> lhs = map(a), rhs = map(c);
  if (!a.vector)
    lhs.push_back(row);
  lhs.push_back(summed);
  rhs.push_back(summed);
  if (!c.vector)
    rhs.push_back(column);
  hir::Ref result = contraction(n, withoutDropped(b, a), withoutDropped(b, c), std::move(shape),
                                lhs, rhs, summed + 1);
  return result.node ? Value::tensor(result, space) : Value();
}

} // namespace mad::elab
