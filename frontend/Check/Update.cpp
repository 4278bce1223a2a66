//===- Update.cpp - `x with [i] = value` -------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A place is a chain of subscripts and members; each link makes a new value of the
// old one with one part replaced.
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Checker.h"

#include <algorithm>
#include <utility>

namespace mad::elab {

using namespace ast;

Value Checker::updated(const Node *update, const Value &object) {
  const Node *value = update->kids[1];
  if (object.poison()) { // its errors are errors all the same
    expr(value);
    return {};
  }
  Span saved = b.span;
  b.span = update->span;
  Value result = assign(update->kids[0], settled(object, {}, update),
                        [&](const Value &part) { return newPart(value, part); });
  b.span = saved;
  return result;
}

/// The value for a part of a known type: of its shape, or one number for all of it.
Value Checker::newPart(const Node *n, const Value &part) {
  Value value = expr(n, elementsOf(part));
  value = settled(value, elementsOf(part), n);
  if (value.poison() || part.poison())
    return {};
  bool spread = part.isTensor() && part.rank() > 0 && value.isTensor() && value.rank() == 0 &&
                value.ref.type().element == part.ref.type().element;
  if (spread)
    return broadcastTo(value, value.space, part.shape());
  return coerce(value, treeOf(part), n, "the new value");
}

/// `fresh` makes the new part of the old one.
Value Checker::assign(const Node *place, const Value &object, const Fresh &fresh) {
  if (place->kind == Kind::Hole)
    return fresh(object);
  return assign(place->kids[0], object, [&](const Value &part) {
    return place->kind == Kind::Index ? assignSubscripts(place, part, fresh)
                                      : assignMember(place, part, fresh);
  });
}

Value Checker::assignMember(const Node *place, const Value &object, const Fresh &fresh) {
  auto number = memberNumber(place, object);
  if (!number)
    return {};
  Value result = object;
  Value part = fresh(object.parts[*number]);
  if (part.poison())
    return {};
  result.parts[*number] = part;
  return result;
}

/// `x.bias` for the place `.bias` of `x with .bias[i] = value`.
std::string Checker::placeText(const Node *place) const {
  const Node *root = place;
  while (root->kind != Kind::Hole)
    root = root->kids[0];
  return textAt(root) + (place == root ? "" : textAt(place));
}

Value Checker::assignSubscripts(const Node *place, const Value &object, const Fresh &fresh) {
  if (object.poison())
    return {};
  if (!object.isTensor() || object.rank() == 0) {
    Report(*this, code::E0206, place->nameSpan,
           quoted(textAt(place->kids[0])) + " is " + quoted(show(object)) +
               " and has no dimensions: it cannot be subscripted");
    return {};
  }
  std::vector<Subscript> subs;
  if (!subscripts(place, object, subs))
    return {};
  auto boundary = std::exchange(frame->boundary, std::nullopt); // is for what is read
  auto indexed = std::find_if(subs.begin(), subs.end(), [](const Subscript &sub) {
    return sub.kind == Subscript::Computed || !sub.form.indices.empty();
  });
  if (indexed != subs.end()) {
    Report(*this, code::E0314, indexed->node->span,
           "a subscript of an update must not depend on an index")
        .help("define every element: `let y[i] = if ... { new } else { x[i] }`");
    frame->boundary = boundary;
    return {};
  }
  std::string subject = placeText(place->kids[0]);
  Value old = viewOf(place, object, subs, subject);
  frame->boundary = boundary;
  Value part = old.poison() ? old : fresh(old);
  if (part.poison())
    return {};
  std::vector<IndexId> space = unite(object.space, part.space);
  Value dest = broadcastTo(object, space, object.shape());
  part = broadcastTo(part, space, part.shape());
  size_t rank = part.ref.type().shape.size(), next = 0;
  std::vector<hir::Affine> map;
  std::vector<hir::Ref> scalars;
  auto along = [&](hir::Affine a, int64_t step) {
    a.coefficients[next++] = step;
    map.push_back(std::move(a));
  };
  bool inside = true;
  for (size_t s = 0; s < space.size(); ++s)
    along({std::vector<int64_t>(rank, 0), {}, 0}, 1);
  Dims own = object.shape();
  for (size_t d = 0; d < subs.size(); ++d) {
    inside &= checkInside(place, subs[d], own[d]).value_or(false);
    hir::Affine a = affineMap(subs[d].form, {}, rank, scalars);
    if (subs[d].kind == Subscript::Point)
      map.push_back(std::move(a));
    else
      along(std::move(a), subs[d].step);
  }
  auto boundaryKind = inside ? hir::Boundary::Inside : hir::Boundary::Checked;
  hir::Subject written{subject, uint32_t(space.size())};
  return Value::tensor(b.update(dest.ref, part.ref, std::move(map), scalars, boundaryKind, written),
                       space);
}

} // namespace mad::elab
