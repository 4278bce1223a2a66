//===- Notation.cpp - Index notation ----------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `let y[i, j] = ...` and reductions over indices. A sum of products becomes
// contractions of two factors at a time.
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Checker.h"
#include "frontend/Check/Frames.h"

#include <algorithm>
#include <map>

namespace mad::elab {

using namespace ast;

static bool contains(const std::vector<IndexId> &ids, IndexId id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

static std::vector<IndexId> without(const std::vector<IndexId> &ids,
                                    const std::vector<IndexId> &removed) {
  std::vector<IndexId> rest;
  for (IndexId id : ids)
    if (!contains(removed, id))
      rest.push_back(id);
  return rest;
}

static std::vector<IndexId> common(const std::vector<IndexId> &a, const std::vector<IndexId> &b) {
  std::vector<IndexId> both;
  for (IndexId id : a)
    if (contains(b, id))
      both.push_back(id);
  return both;
}

//===----------------------------------------------------------------------===//
// Indices
//===----------------------------------------------------------------------===//

/// Declares the indices of a `let` or reduction whose ranges are known.
bool Checker::bindIndices(const Node *binders, std::vector<IndexId> &ids) {
  for (const Node *binder : binders->kids) {
    auto it = frame->binders.find(binder);
    if (binder->kind != Kind::Binder || it == frame->binders.end())
      return false;
    Local local;
    local.kind = Local::Index;
    local.index = it->second;
    size_t before = failures;
    declareLocal(binder, local);
    if (failures != before || !indices[it->second].known)
      return false;
    ids.push_back(it->second);
  }
  return true;
}

/// An index as a number.
Value Checker::indexValue(IndexId id) {
  const Index &index = indices[id];
  if (!index.known) {
    if (!index.failed)
      Report(*this, code::E0211, b.span,
             "the index " + quoted(index.name) +
                 " has no value here: this must be known when "
                 "compiling");
    return {};
  }
  hir::Ref ref = b.iota({index.extent}, 0);
  if (index.low != DimExpr(0)) {
    hir::Ref low = b.spread(b.dimValue(index.low), {index.extent}, {});
    ref = b.elementwise("add", {ref, low}, Element::I64);
  }
  return Value::tensor(ref, {id});
}

void Checker::letIndex(const Node *n) {
  const Node *binders = n->kids[0];
  Local local;
  std::optional<TypeTree> type;
  if (n->kids[1])
    type = typeOf(n->kids[1]);
  bool good = binders->kind == Kind::Binders && resolveRanges(n) && (type || !n->kids[1]);
  if (good) {
    Inner inner(*this);
    auto active = frame->active;
    std::vector<IndexId> ids;
    good = bindIndices(binders, ids);
    for (IndexId id : ids)
      if (indices[id].low != DimExpr(0)) {
        Report(*this, code::E0216, indices[id].span,
               "the index of a `let` begins at 0, that of the first element");
        good = false;
      }
    frame->active.insert(frame->active.end(), ids.begin(), ids.end());
    Span saved = b.span;
    b.span = n->span;
    Value value;
    if (good)
      value = settled(expr(n->kids[2], type ? Want(*type) : Want()), type ? Want(*type) : Want(),
                      n->kids[2]);
    if (value.isTensor() && value.rank() == 0) {
      value = broadcastTo(value, unite(value.space, ids), {});
      local.value = Value::tensor(value.ref, without(value.space, ids));
    } else if (!value.poison()) {
      Report(*this, code::E0205, n->kids[2]->span,
             "each element of " + quoted(n->text) + " is one number, found " + quoted(show(value)));
    }
    b.span = saved;
    frame->active = active;
  }
  if (type && !local.value.poison())
    local.value = coerce(local.value, *type, n->kids[2], quoted(n->text));
  if (local.value.isTensor() && local.value.ref.node->name.empty() &&
      local.value.ref.node->types.size() == 1)
    local.value.ref.node->name = n->text;
  declareLocal(n, local);
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

bool Checker::reducible(const std::string &op, Element element, const Node *n,
                        const std::string &type) {
  bool logic = op == "all" || op == "any";
  if (logic == (element == Element::Bool))
    return true;
  Report report(*this, code::E0303, n->kind == Kind::Reduce ? n->nameSpan : n->span,
                quoted(op) + " takes " + (logic ? "`bool`" : "numbers") + ", found " +
                    quoted(type));
  if (op == "sum")
    report.help("write `i64(...)` to count");
  return false;
}

Value Checker::sumOver(const std::string &op, const Value &value,
                       const std::vector<IndexId> &over) {
  Value full = broadcastTo(value, unite(value.space, over), value.shape());
  std::vector<uint32_t> dims;
  for (size_t d = 0; d < full.space.size(); ++d)
    if (contains(over, full.space[d]))
      dims.push_back(uint32_t(d));
  return Value::tensor(b.reduce(op, full.ref, dims), without(full.space, over));
}

Value Checker::reduce(const Node *n, const Want &want) {
  const Node *binders = n->kids[0], *body = n->kids[1];
  if (binders->kind != Kind::Binders || binders->kids.empty()) {
    ++failures;
    return {};
  }
  bool known = std::all_of(binders->kids.begin(), binders->kids.end(),
                           [&](const Node *binder) { return frame->binders.count(binder) > 0; });
  if (!known && !resolveRanges(n))
    return {};
  std::string op(n->text);
  Inner inner(*this);
  auto active = frame->active;
  std::vector<IndexId> ids;
  if (!bindIndices(binders, ids))
    return {};
  frame->active.insert(frame->active.end(), ids.begin(), ids.end());
  Value result;
  if (op == "argmax" && ids.size() != 1) {
    Report(*this, code::E0303, binders->span, "`argmax` takes one index");
  } else if (op == "sum" && body->kind == Kind::Binary && body->text == "*") {
    result = product(body, ids, want);
  } else {
    bool logic = op == "all" || op == "any";
    Want inside = op == "argmax" ? Want() : logic ? Want(Element::Bool) : want;
    Value value = settled(expr(body, inside), inside, body);
    if (value.isTensor() && reducible(op, value.ref.type().element, n, show(value)))
      result = sumOver(op, value, ids);
    else if (value.kind == Value::Tuple)
      Report(*this, code::E0303, body->span, quoted(op) + " takes one tensor, found a tuple");
  }
  frame->active = active;
  if (op == "argmax" && !result.poison() && indices[ids[0]].low != DimExpr(0)) {
    // The value of the index, not its position.
    Value low = Value::tensor(b.dimValue(indices[ids[0]].low));
    result = elementwise("add", {result, low}, Element::I64, n, "add", {n, n});
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Sums of products
//===----------------------------------------------------------------------===//

void Checker::factors(const Node *n, std::vector<const Node *> &out) const {
  std::vector<const Node *> later;
  for (; n->kind == Kind::Binary && n->text == "*"; n = n->kids[0])
    later.push_back(n->kids[1]);
  out.push_back(n);
  for (; !later.empty(); later.pop_back())
    factors(later.back(), out);
}

/// The factors as tensors of one element type.
bool Checker::factorElements(const Node *n, const std::vector<const Node *> &nodes,
                             std::vector<Value> &values, const Want &want) {
  values.assign(nodes.size(), Value());
  Want inner = want;
  for (bool literals : {false, true})
    for (size_t i = 0; i < nodes.size(); ++i) {
      if (contextual(nodes[i]) != literals)
        continue;
      values[i] = expr(nodes[i], inner);
      if (!literals && values[i].isTensor())
        inner = Want(values[i].ref.type().element);
    }
  auto element = commonElement(n, "multiply", values, nodes, inner);
  if (element == Element::Bool)
    Report(*this, code::E0303, n->nameSpan, "cannot multiply `bool`: `*` takes numbers");
  return element && element != Element::Bool;
}

Value Checker::product(const Node *n, const std::vector<IndexId> &summed, const Want &want) {
  std::vector<const Node *> nodes;
  std::vector<Value> values;
  factors(n, nodes);
  if (!factorElements(n, nodes, values, want))
    return {};
  std::vector<IndexId> space;
  bool scalars = true;
  for (const Value &value : values) {
    scalars &= value.rank() == 0;
    space = unite(space, value.space);
  }
  bool covered =
      std::all_of(summed.begin(), summed.end(), [&](IndexId id) { return contains(space, id); });
  if (scalars && covered)
    return contractValues(values, summed, n);
  // No product of matrices is made of it.
  if (frame->quantizes) {
    if (mayQuantize(n, values, summed))
      Report(*this, code::E0220, n->span,
             "quantised activations need factors with an index for each of their dimensions");
    return {};
  }
  Value all = values[0];
  for (size_t i = 1; i < values.size(); ++i) {
    all = elementwise("mul", {all, values[i]}, all.ref.type().element, n, "multiply",
                      {nodes[0], nodes[i]});
    if (all.poison())
      return {};
  }
  return sumOver("sum", all, summed);
}

/// Two factors, summed over `over`, which stand in both.
Value Checker::contractPair(const Node *at, const Value &x, const Value &y,
                            const std::vector<IndexId> &over) {
  std::vector<IndexId> kept;
  std::set_union(x.space.begin(), x.space.end(), y.space.begin(), y.space.end(),
                 std::back_inserter(kept));
  kept = without(kept, over);
  std::vector<IndexId> order = kept;
  order.insert(order.end(), over.begin(), over.end());
  auto map = [&](const Value &value) {
    std::vector<uint32_t> dims;
    for (IndexId id : value.space)
      dims.push_back(uint32_t(std::find(order.begin(), order.end(), id) - order.begin()));
    return dims;
  };
  hir::Ref result =
      contraction(at, x.ref, y.ref, spaceDims(kept), map(x), map(y), uint32_t(order.size()));
  return result.node ? Value::tensor(result, kept) : Value();
}

/// Of more than two factors, or with more than one index, it would depend on their order what is
/// quantised.
bool Checker::mayQuantize(const Node *at, const std::vector<Value> &values,
                          const std::vector<IndexId> &summed) {
  size_t factors = std::count_if(values.begin(), values.end(), [&](const Value &value) {
    return !common(summed, value.space).empty();
  });
  bool inBoth = factors == 2 && std::all_of(values.begin(), values.end(), [&](const Value &value) {
                  auto own = common(summed, value.space);
                  return own.empty() || own.size() == summed.size();
                });
  if (inBoth && summed.size() == 1)
    return true;
  Report(*this, code::E0220, at->span,
         !inBoth ? "quantised activations need two factors with the index of the sum, found " +
                       std::to_string(factors) + (factors == 2 ? " that share not all of it" : "")
                 : "quantised activations need a sum over one index, found " +
                       std::to_string(summed.size()))
      .help(inBoth ? "give the factors one dimension for all of them with `reshape`"
                   : "name the product of two factors by a `let` of its own, as in "
                     "`let h[t, m] = sum[k](x[t, k] * w[k, m])  with activations = i8`");
  return false;
}

/// The pair whose product grows least beyond its factors.
static std::pair<size_t, size_t> nextPair(const std::vector<Value> &values) {
  std::pair<size_t, size_t> best = {0, 1};
  size_t least = SIZE_MAX;
  for (size_t i = 0; i < values.size(); ++i)
    for (size_t k = i + 1; k < values.size(); ++k) {
      const auto &a = values[i].space, &c = values[k].space;
      size_t both = a.size() + c.size() - common(a, c).size();
      size_t growth = both - std::max(a.size(), c.size());
      if (growth < least) {
        least = growth;
        best = {i, k};
      }
    }
  return best;
}

Value Checker::contractValues(std::vector<Value> values, std::vector<IndexId> summed,
                              const Node *n) {
  Element element = values[0].ref.type().element;
  if (frame->quantizes && !mayQuantize(n, values, summed))
    return {};
  auto multiply = [&](const Value &x, const Value &y) {
    return elementwise("mul", {x, y}, element, n, "multiply", {n->kids[0], n->kids[1]});
  };
  // Pairs of very many factors are slow to choose; those over the same indices need no choice.
  constexpr size_t manyFactors = 16;
  if (values.size() > manyFactors) {
    std::map<std::vector<IndexId>, size_t> places;
    std::vector<Value> joined;
    for (const Value &value : values) {
      auto [place, fresh] = places.emplace(value.space, joined.size());
      if (fresh)
        joined.push_back(value);
      else
        joined[place->second] = multiply(joined[place->second], value);
    }
    values = std::move(joined);
  }
  std::vector<Value> outside;
  while (true) {
    // An index of one factor alone is summed there.
    for (size_t i = 0; i < values.size(); ++i) {
      std::vector<IndexId> own = common(summed, values[i].space);
      for (size_t k = 0; k < values.size(); ++k)
        if (k != i)
          own = without(own, values[k].space);
      if (!own.empty())
        values[i] = sumOver("sum", values[i], own);
      summed = without(summed, own);
    }
    std::vector<Value> inside;
    for (Value &value : values)
      (common(summed, value.space).empty() ? outside : inside).push_back(value);
    values = std::move(inside);
    if (values.empty())
      break;
    // Two factors at a time; indices that no third one has end here.
    auto [i, k] = nextPair(values);
    Value x = values[i], y = values[k];
    std::vector<IndexId> over = common(common(summed, x.space), y.space);
    for (size_t m = 0; m < values.size(); ++m)
      if (m != i && m != k)
        over = without(over, values[m].space);
    Value joined = over.empty() ? multiply(x, y) : contractPair(n, x, y, over);
    summed = without(summed, over);
    if (joined.poison())
      return {};
    values.erase(values.begin() + k);
    values[i] = joined;
  }
  Value result = outside[0];
  for (size_t i = 1; i < outside.size(); ++i)
    result = multiply(result, outside[i]);
  return result;
}

} // namespace mad::elab
