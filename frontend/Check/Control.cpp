//===- Control.cpp - `if` ---------------------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Checker.h"
#include "frontend/Check/Frames.h"

#include <algorithm>

namespace mad::elab {

using namespace ast;

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

/// Whether all of it is known when compiling.
static bool allKnown(const Value &value) {
  if (value.kind == Value::Tuple)
    return std::all_of(value.parts.begin(), value.parts.end(), allKnown);
  return value.isNumber() || value.kind == Value::Truth;
}

/// `value`, whose literals have the types of `other`.
static Value likeTypes(Value value, const Value &other) {
  for (size_t i = 0; i < value.parts.size(); ++i)
    value.parts[i] = likeTypes(value.parts[i], other.parts[i]);
  if (value.isNumber() && !value.element)
    value.element = other.element;
  return value;
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
    if (!sameDense(x, y, n))
      return false;
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
  if (mixed) {
    const Value &whole = x.kind == Value::Integer ? x : y;
    auto number = whole.kind == Value::Integer ? whole.number.constant() : std::nullopt;
    return differ("", number ? "write `" + std::to_string(*number) + ".0`" : "");
  }
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

struct Checker::Branch {
  const Node *node; ///< stands for it in messages
  std::function<Value(const Want &)> value;
};

Checker::Branch Checker::ofBlock(const Node *node) {
  return {node, [this, node](const Want &want) { return block(node, want); }};
}

/// Links that are written one inside of the other; a longer chain is made flat.
static constexpr size_t maxNestedLinks = 64;

Value Checker::ifExpr(const Node *n, const Want &want) {
  Links links{n};
  links.insert(links.end(), n->kids.begin() + 2, n->kids.end() - 1);
  for (const Node *link : links)
    if (link->kind == Kind::Error) {
      ++failures;
      return {};
    }
  const Node *otherwise = n->kids.back();
  if (links.size() > maxNestedLinks)
    return longIf(links, otherwise, want);
  auto side = [&](size_t i) { return ofBlock(links[i]->kids[1]); };
  return nestedIf(links, 0, links.size(), side, ofBlock(otherwise), want);
}

/// The links from `i` to `end`, and then `last`.
Value Checker::nestedIf(const Links &links, size_t i, size_t end,
                        const std::function<Branch(size_t)> &side, const Branch &last,
                        const Want &want) {
  if (depth >= maxNesting) {
    Report(*this, code::E0412, links[i]->span, "calls and expressions are nested too deeply");
    return {};
  }
  Span saved = b.span;
  b.span = links[i]->span;
  ++depth;
  Branch rest = last;
  if (i + 1 < end)
    rest = {links[i + 1],
            [&](const Want &w) { return nestedIf(links, i + 1, end, side, last, w); }};
  Value value = choose(links[i], expr(links[i]->kids[0], Element::Bool), side(i), rest, want);
  --depth;
  b.span = saved;
  return value;
}

/// First the number of the link whose condition holds, from one group of links after
/// the other; then its value, found by halves. So nothing nests as deep as the chain.
Value Checker::longIf(const Links &links, const Node *otherwise, const Want &want) {
  auto constant = [](const Node *node, size_t number) {
    return Branch{node, [=](const Want &) { return Value::integer(DimExpr(int64_t(number))); }};
  };
  auto number = [&](size_t i) { return constant(links[i], i); };
  Value which;
  auto below = [&](size_t i, const Node *at) {
    if (which.kind == Value::Integer)
      return Value::boolean(which.number.constant().value_or(0) < int64_t(i));
    Value limit = literal(Value::integer(DimExpr(int64_t(i))), Element::I64, at);
    return elementwise("lt", {which, limit}, Element::Bool, at, "compare", {at, at});
  };
  const Branch none = constant(otherwise, links.size());
  for (size_t from = 0; from < links.size(); from += maxNestedLinks) {
    size_t to = std::min(from + maxNestedLinks, links.size());
    auto group = [&](const Want &w) { return nestedIf(links, from, to, number, none, w); };
    Value before = which;
    if (from == 0)
      which = group(Element::I64);
    else
      which = choose(links[from], below(links.size(), links[from]),
                     {links[from], [&](const Want &) { return before; }}, {links[from], group},
                     Element::I64);
    if (which.poison())
      return {};
  }
  auto nodeOf = [&](size_t i) { return i < links.size() ? links[i]->kids[1] : otherwise; };
  std::function<Value(size_t, size_t, const Want &)> pick = [&](size_t low, size_t high,
                                                                const Want &w) {
    if (high - low == 1)
      return block(nodeOf(low), w);
    size_t middle = (low + high) / 2;
    Branch first{nodeOf(low), [&](const Want &v) { return pick(low, middle, v); }};
    Branch second{nodeOf(middle), [&](const Want &v) { return pick(middle, high, v); }};
    const Node *at = links[std::min(middle, links.size() - 1)];
    return choose(at, below(middle, at), first, second, w);
  };
  return pick(0, links.size() + 1, want);
}

/// `at` is the `if` or the link of one whose condition it is.
Value Checker::choose(const Node *at, const Value &condition, const Branch &first,
                      const Branch &second, const Want &want) {
  if (condition.kind == Value::Truth) {
    // Both sides are checked, one is kept. What is known when compiling stays so.
    Value yes, no;
    std::vector<hir::Node *> dropped;
    {
      Into into(*this, condition.truth ? *b.block : dropped);
      yes = first.value(want);
    }
    {
      Into into(*this, condition.truth ? dropped : *b.block);
      no = second.value(want);
    }
    Value kept = condition.truth ? yes : no, a = yes, c = no;
    if (!sameTypes(a, c, at, first.node, second.node, want))
      return {};
    if (allKnown(yes) && allKnown(no))
      return likeTypes(kept, condition.truth ? no : yes);
    return hasLiterals(kept) ? (condition.truth ? a : c) : kept;
  }
  bool good = condition.isTensor() && condition.ref.type().element == Element::Bool &&
              condition.rank() == 0;
  if (!good && !condition.poison()) {
    Report report(*this, code::E0305, at->kids[0]->span,
                  "the condition of an `if` is one `bool`, found " + quoted(show(condition)));
    if (condition.isTensor() && condition.ref.type().element == Element::Bool)
      report.help("write `select(condition, a, b)` to choose for each element");
  }
  if (good && condition.space.empty())
    return runtimeIf(at, condition, first, second, want);
  // The condition depends on indices: both sides are computed everywhere.
  Value yes = first.value(want);
  Value no = second.value(hasLiterals(yes) ? want : elementsOf(yes));
  if (!good || !sameTypes(yes, no, at, first.node, second.node, want))
    return {};
  return selected({at->kids[0], first.node, second.node}, at, condition, yes, no);
}

Value Checker::selected(const std::vector<const Node *> &nodes, const Node *at,
                        const Value &condition, Value yes, Value no) {
  if (yes.kind != Value::Tuple)
    return elementwise("select", {condition, yes, no}, yes.ref.type().element, at, "select", nodes);
  Value result = yes;
  for (size_t i = 0; i < yes.parts.size(); ++i)
    result.parts[i] = selected(nodes, at, condition, yes.parts[i], no.parts[i]);
  return result;
}

Value Checker::runtimeIf(const Node *at, const Value &condition, const Branch &first,
                         const Branch &second, const Want &want) {
  hir::Region regions[2];
  Value sides[2];
  for (int i = 0; i < 2; ++i) {
    Into into(*this, regions[i].nodes);
    sides[i] =
        (i ? second : first).value(i && !hasLiterals(sides[0]) ? elementsOf(sides[0]) : want);
  }
  // The literals of each side belong to its region, so each takes its own.
  std::vector<Value> leaves[2];
  for (int side = 0; side < 2; ++side) {
    Into into(*this, regions[side].nodes);
    Value yes = sides[0], no = sides[1];
    if (!sameTypes(yes, no, at, first.node, second.node, want))
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
