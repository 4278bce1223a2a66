//===- Control.cpp - `if` ---------------------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Checker.h"

#include <algorithm>

namespace mad::elab {

using namespace ast;

static std::string quoted(std::string_view text) { return "`" + std::string(text) + "`"; }

//===----------------------------------------------------------------------===//
// Trees of values
//===----------------------------------------------------------------------===//

void Checker::flatten(const Value &value, std::vector<Value> &leaves) const {
  if (value.kind != Value::Tuple) {
    leaves.push_back(value);
    return;
  }
  for (const Value &part : value.parts)
    flatten(part, leaves);
}

/// The leaves in the tuples of `like`.
Value Checker::rebuilt(const Value &like, const std::vector<Value> &leaves, size_t &next) const {
  if (like.kind != Value::Tuple)
    return leaves[next++];
  Value result = like;
  for (Value &part : result.parts)
    part = rebuilt(part, leaves, next);
  return result;
}

Want Checker::elementsOf(const Value &value) {
  Want want;
  if (value.isTensor())
    want.element = value.ref.type().element;
  else
    want.element = value.element;
  for (const Value &part : value.parts)
    want.parts.push_back(elementsOf(part));
  return want;
}

//===----------------------------------------------------------------------===//
// if
//===----------------------------------------------------------------------===//

/// Whether a number that is known when compiling is among them.
static bool hasLiterals(const Value &value) {
  if (value.kind == Value::Tuple)
    return std::any_of(value.parts.begin(), value.parts.end(), hasLiterals);
  return !value.isTensor();
}

static bool allLiterals(const Value &value) {
  if (value.kind == Value::Tuple)
    return std::all_of(value.parts.begin(), value.parts.end(), allLiterals);
  return value.untyped();
}

/// Gives the literals of both branches the types of the other; reports when the
/// branches differ. The shapes are compared too, the spaces are not.
bool Checker::sameTypes(Value &x, Value &y, const Node *n, const Node *first, const Node *second,
                        const Want &want) {
  if (x.poison() || y.poison())
    return false;
  auto differ = [&](const std::string &reason, const std::string &help) {
    Report(*this, code::E0306, n->nameSpan,
           "the branches of an `if` have one type, found " + quoted(show(x)) + " and " +
               quoted(show(y)) + (reason.empty() ? "" : ": " + reason))
        .help(help);
    return false;
  };
  if (x.kind == Value::Tuple || y.kind == Value::Tuple) {
    if (x.kind != y.kind || x.parts.size() != y.parts.size() || x.record != y.record ||
        x.lead != y.lead)
      return differ("", "");
    for (size_t i = 0; i < x.parts.size(); ++i)
      if (!sameTypes(x.parts[i], y.parts[i], n, first, second, want.part(i)))
        return false;
    return true;
  }
  auto elementOf = [](const Value &v) {
    return v.isTensor() ? std::optional(v.ref.type().element) : v.element;
  };
  auto ex = elementOf(x), ey = elementOf(y);
  if (ex && ey && ex != ey)
    return differ("", "");
  bool mixed = !ex && !ey && x.kind != y.kind && !want.element;
  if (mixed)
    return differ("", "");
  Element element = ex ? *ex : ey ? *ey : want.element ? *want.element : treeOf(x).type.element;
  auto last = [](const Node *block) {
    return block->kind == Kind::Block && !block->kids.empty() && block->kids.back()
               ? block->kids.back()
               : block;
  };
  x = literal(x, element, last(first));
  y = literal(y, element, last(second));
  if (x.poison() || y.poison())
    return false;
  Dims dx = x.shape(), dy = y.shape();
  if (dx.size() != dy.size())
    return differ(ranks(dx.size(), dy.size()), "");
  for (size_t d = 0; d < dx.size(); ++d)
    if (!requireEqual(dx[d], dy[d], n->nameSpan, "the branches of an `if` have one type", differ))
      return false;
  y = withSizes(y, dx);
  return true;
}

Value Checker::ifExpr(const Node *n, const Want &want) {
  Value condition = expr(n->kids[0], Element::Bool);
  const Node *first = n->kids[1], *second = n->kids[2];
  if (condition.kind == Value::Truth) {
    // Both sides are checked, one is kept. Literals stay known when compiling.
    Value yes, no;
    std::vector<hir::Node *> dropped;
    {
      Into into(*this, condition.truth ? *b.block : dropped);
      yes = block(first, want);
    }
    {
      Into into(*this, condition.truth ? dropped : *b.block);
      no = block(second, want);
    }
    Value kept = condition.truth ? yes : no, a = yes, c = no;
    if (!sameTypes(a, c, n, first, second, want))
      return {};
    bool literals = allLiterals(yes) && allLiterals(no);
    return literals || !hasLiterals(kept) ? kept : condition.truth ? a : c;
  }
  bool good = condition.isTensor() && condition.ref.type().element == Element::Bool &&
              condition.rank() == 0;
  if (!good && !condition.poison()) {
    Report report(*this, code::E0305, n->kids[0]->span,
                  "the condition of an `if` is one `bool`, found " + quoted(show(condition)));
    if (condition.isTensor() && condition.ref.type().element == Element::Bool)
      report.help("write `select(condition, a, b)` to choose for each element");
  }
  if (good && condition.space.empty())
    return runtimeIf(n, condition, want);
  // The condition depends on indices: both sides are computed everywhere.
  Value yes = block(first, want);
  Value no = block(second, hasLiterals(yes) ? want : elementsOf(yes));
  if (!good || !sameTypes(yes, no, n, first, second, want))
    return {};
  return selected(n, condition, yes, no);
}

Value Checker::selected(const Node *n, const Value &condition, Value yes, Value no) {
  if (yes.kind != Value::Tuple)
    return elementwise("select", {condition, yes, no}, yes.ref.type().element, n, "select",
                       {n->kids[0], n->kids[1], n->kids[2]});
  Value result = yes;
  for (size_t i = 0; i < yes.parts.size(); ++i)
    result.parts[i] = selected(n, condition, yes.parts[i], no.parts[i]);
  return result;
}

Value Checker::runtimeIf(const Node *n, const Value &condition, const Want &want) {
  hir::Region regions[2];
  Value sides[2];
  for (int i = 0; i < 2; ++i) {
    Into into(*this, regions[i].nodes);
    sides[i] = block(n->kids[1 + i], i && !hasLiterals(sides[0]) ? elementsOf(sides[0]) : want);
  }
  // The literals of each side belong to its region, so each takes its own.
  std::vector<Value> leaves[2];
  for (int side = 0; side < 2; ++side) {
    Into into(*this, regions[side].nodes);
    Value yes = sides[0], no = sides[1];
    if (!sameTypes(yes, no, n, n->kids[1], n->kids[2], want))
      return {};
    flatten(side ? no : yes, leaves[side]);
  }
  hir::Node *node = b.append(hir::Op::If, {});
  std::vector<Value> results;
  for (size_t i = 0; i < leaves[0].size(); ++i) {
    std::vector<IndexId> space = unite(leaves[0][i].space, leaves[1][i].space);
    for (int side = 0; side < 2; ++side) {
      Into into(*this, regions[side].nodes);
      Value &leaf = leaves[side][i];
      leaf = broadcastTo(leaf, space, leaf.shape());
      regions[side].results.push_back(leaf.ref);
    }
    node->types.push_back(leaves[0][i].ref.type());
    results.push_back(Value::tensor({node, uint32_t(i)}, space));
  }
  node->operands = {condition.ref};
  node->regions.assign(regions, regions + 2);
  size_t next = 0;
  return rebuilt(sides[0], results, next);
}

} // namespace mad::elab
