//===- Loops.cpp - `scan`, `iterate` and `for` --------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Checker.h"
#include "frontend/Check/Frames.h"

#include <algorithm>
#include <utility>

namespace mad::elab {

using namespace ast;

/// More rounds of a `for` come from programs that mean `scan`.
static constexpr int64_t maxRounds = 4096;
/// Of a `for` with all that are inside it.
static constexpr int64_t maxUnrolled = 65536;

static const Node *lastOf(const Node *body) {
  return body->kind == Kind::Block && !body->kids.empty() && body->kids.back() ? body->kids.back()
                                                                               : body;
}

//===----------------------------------------------------------------------===//
// What a loop runs over
//===----------------------------------------------------------------------===//

/// The numbers of a range, or the parts of a value.
struct Checker::Over {
  const Node *node = nullptr;
  DimExpr low; ///< of a range; 0 of a value
  hir::Dim steps;
  Value value; ///< Nothing: a range
  bool isRange() const { return value.kind == Value::Nothing; }
};

bool Checker::overRange(const Node *binder, const char *word, Over &over) {
  std::string what = "a bound of " + quoted(word);
  std::optional<DimExpr> low = DimExpr(0), high;
  if (binder->kids[0])
    low = sizeOf(binder->kids[0], what.c_str());
  if (binder->kids[1])
    high = sizeOf(binder->kids[1], what.c_str());
  else
    Report(*this, code::E0208, binder->span, "a " + quoted(word) + " needs the end of its range")
        .help("write " + quoted(std::string(binder->text) + " in 0..n"));
  if (!low || !high)
    return false;
  auto complain = [&](const std::string &, const std::string &) {
    Report(*this, code::E0216, binder->span,
           "the range ends before it begins: " + low->str() + " to " + high->str());
  };
  if (!requireAtLeast(*high - *low, DimExpr(0), binder->span,
                      "the range of " + quoted(binder->text) + " ends before it begins", complain))
    return false;
  over.low = *low;
  over.steps = {*high - *low, ""};
  if (*low == DimExpr(0) && binder->kids[1]->kind == Kind::Name)
    over.steps.name = binder->kids[1]->text;
  over.value = Value::of(Value::Nothing);
  return true;
}

/// The leading dimension that all tensors of a value have in common.
std::optional<hir::Dim> Checker::leadingDim(const Value &value, const Node *at) {
  if (value.isTensor() && value.rank() > 0)
    return value.shape().front();
  if (value.kind != Value::Tuple || (value.record && !value.lead)) {
    Report(*this, code::E0315, at->span,
           "a loop runs over a range or the leading dimension of tensors, found " +
               quoted(show(value)));
    return std::nullopt;
  }
  std::optional<hir::Dim> first;
  for (const Value &part : value.parts) {
    auto dim = leadingDim(part, at);
    if (!dim)
      return std::nullopt;
    auto complain = [&](const std::string &reason, const std::string &help) {
      Report(*this, code::E0315, at->span,
             "the tensors that a loop runs over have one leading dimension: " + reason)
          .help(help);
    };
    if (first &&
        !requireEqual(*first, *dim, at->span,
                      "the tensors that a loop runs over have one leading dimension", complain))
      return std::nullopt;
    if (!first)
      first = dim;
  }
  return first;
}

bool Checker::overValue(const Node *n, const char *word, Over &over) {
  over.value = expr(n->kids[1]);
  if (over.value.poison())
    return false;
  // A tuple that is known part by part.
  if (std::string_view(word) == "for" && over.value.kind == Value::Tuple && !over.value.lead) {
    over.steps = {DimExpr(int64_t(over.value.parts.size())), ""};
    return true;
  }
  over.value = settled(over.value, {}, n->kids[1]);
  auto dim = over.value.poison() ? std::nullopt : leadingDim(over.value, n->kids[1]);
  if (dim)
    over.steps = *dim;
  return dim.has_value();
}

bool Checker::overs(const Node *n, const char *word, std::vector<Over> &out) {
  bool good = n->kind == Kind::Overs;
  if (!good)
    ++failures;
  for (const Node *kid : n->kids) {
    Over over;
    over.node = kid;
    bool known = kid->kind == Kind::Binder ? overRange(kid, word, over)
                 : kid->kind == Kind::Over ? overValue(kid, word, over)
                                           : (++failures, false);
    good &= known;
    out.push_back(std::move(over));
  }
  return good && stepLength(n, out);
}

/// Everything that a loop runs over has one length.
bool Checker::stepLength(const Node *n, const std::vector<Over> &overs) {
  for (size_t i = 1; i < overs.size(); ++i) {
    std::string message = "a loop runs over its ranges and values in step";
    auto complain = [&](const std::string &reason, const std::string &help) {
      Report(*this, code::E0315, overs[i].node->span, message + ": " + reason)
          .label(overs[0].node->span)
          .help(help);
    };
    if (!requireEqual(overs[0].steps, overs[i].steps, n->span, message, complain))
      return false;
  }
  return true;
}

/// One part of each tensor of a value.
Value Checker::elementAt(const Value &object, const AffineForm &position, const Node *at) {
  if (object.kind == Value::Tuple) {
    Value result = object;
    result.lead = object.lead ? object.lead - 1 : 0;
    for (Value &part : result.parts)
      part = elementAt(part, position, at);
    return result;
  }
  std::vector<Subscript> subs(object.rank());
  for (size_t d = 0; d < subs.size(); ++d)
    subs[d].length = object.shape()[d].size;
  subs[0].kind = Subscript::Point;
  subs[0].form = position;
  subs[0].node = at;
  auto boundary = std::exchange(frame->boundary, std::nullopt);
  Value result = viewOf(at, object, subs, "");
  frame->boundary = boundary;
  return result;
}

/// Names what stands for one step. The counter begins at the low end of the first.
void Checker::bindOver(const Over &over, const std::vector<Over> &all, hir::Node *counter) {
  DimExpr shift = over.low - all[0].low;
  if (over.isRange()) {
    Local local;
    local.value = Value::tensor({counter});
    if (shift != DimExpr(0)) {
      local.value =
          Value::tensor(b.elementwise("add", {{counter}, b.dimValue(shift)}, Element::I64));
      counters[local.value.ref.node] = {over.low, over.low + over.steps.size};
    }
    declareLocal(over.node, local);
    return;
  }
  AffineForm position;
  position.scalars.push_back({{counter}, 1});
  position.offset = shift;
  bindPattern(over.node->kids[0], elementAt(over.value, position, over.node->kids[1]));
}

//===----------------------------------------------------------------------===//
// Carried values
//===----------------------------------------------------------------------===//

Value Checker::initialValue(const Node *n, const Want &want) {
  Value initial = expr(n, want);
  if (initial.kind == Value::Nothing) {
    Report(*this, code::E0313, n->span, "a value is expected here");
    return {};
  }
  return settled(initial, want, n);
}

/// The value over all indices around, so that the body may depend on them.
Value Checker::carried(const Value &initial, const Node *at) {
  if (initial.poison())
    return initial;
  if (initial.kind != Value::Tuple) {
    std::vector<IndexId> space = frame->active;
    std::sort(space.begin(), space.end());
    return broadcastTo(initial, space, initial.shape());
  }
  Value result = initial;
  for (Value &part : result.parts)
    part = carried(part, at);
  return result;
}

/// Without the spaces of the tensors.
static TypeTree withoutSpace(const Value &value, TypeTree tree) {
  if (!tree.tuple)
    tree.type = {value.ref.type().element, value.shape()};
  for (size_t i = 0; i < tree.parts.size(); ++i)
    tree.parts[i] = withoutSpace(value.parts[i], tree.parts[i]);
  return tree;
}

/// Parameters of a region for the counter and the carried values.
std::vector<Value> Checker::parametersLike(const Value &start, hir::Region &region,
                                           hir::Node *counter) {
  std::vector<Value> leaves, inner;
  region.parameters.push_back(counter);
  if (!start.poison())
    flatten(start, leaves);
  for (const Value &leaf : leaves) {
    hir::Node *parameter = b.detached(hir::Op::Parameter, {leaf.ref.type()});
    region.parameters.push_back(parameter);
    inner.push_back(Value::tensor({parameter}, leaf.space));
  }
  return inner;
}

/// What the block makes of the carried value, in the types of `start`.
Value Checker::nextValue(const Node *body, Value end, const Value &start, const char *word) {
  if (end.kind == Value::Nothing) {
    Report(*this, code::E0313, body->span,
           "the body of " + std::string(word[0] == 'i' ? "an " : "a ") + quoted(word) +
               " ends in the next value");
    return {};
  }
  if (start.poison() || end.poison())
    return {};
  const Node *last = lastOf(body);
  end = settled(end, elementsOf(start), last);
  return coerce(end, withoutSpace(start, treeOf(start)), last,
                "the next value of the " + quoted(word));
}

/// Takes the second part off the value of a block that collects.
Value Checker::collectedPart(const Node *body, Value &end, bool collects, const char *word) {
  if (!collects)
    return Value::of(Value::Nothing);
  if (end.poison())
    return {};
  if (end.kind != Value::Tuple || end.parts.size() != 2) {
    const Node *last = lastOf(body);
    Report(*this, code::E0316, last->span,
           "a " + quoted(word) +
               " that collects ends in the next value and what is collected, found " +
               (end.kind == Value::Nothing ? "nothing" : quoted(show(end))))
        .help("write `(next, part)`");
    end = {};
    return {};
  }
  Value part = end.parts[1], next = end.parts[0];
  end = next;
  return settled(part, {}, lastOf(body));
}

//===----------------------------------------------------------------------===//
// scan
//===----------------------------------------------------------------------===//

/// The stacked parts: one more leading dimension, after those of the space.
Value Checker::collected(hir::Node *node, const hir::Dim &steps, const std::vector<Value> &parts,
                         const Value &like) {
  std::vector<Value> results;
  for (const Value &part : parts) {
    hir::Type type = part.ref.type();
    size_t space = part.space.size();
    type.shape.insert(type.shape.begin(), steps);
    hir::Ref all{node, uint32_t(node->types.size())};
    node->types.push_back(type);
    if (space) {
      std::rotate(type.shape.begin(), type.shape.begin() + 1, type.shape.begin() + 1 + space);
      std::vector<int64_t> from{int64_t(space)};
      for (size_t d = 0; d + 1 < type.shape.size(); ++d)
        from.push_back(int64_t(d < space ? d : d + 1));
      all = b.spread(all, type.shape, from);
    }
    results.push_back(Value::tensor(all, part.space));
  }
  size_t next = 0;
  return grouped(rebuilt(like, results, next));
}

Value Checker::scan(const Node *n, const Want &want) {
  const Node *body = n->kids[3];
  bool collects = !n->text.empty();
  Want first = collects ? want.part(0) : want;
  Value initial = initialValue(n->kids[1], first), start = carried(initial, n);
  std::vector<Over> over;
  bool known = overs(n->kids[2], "scan", over);
  hir::Node *node = b.detached(hir::Op::Scan, {});
  hir::Region region;
  hir::Node *counter = b.detached(hir::Op::Parameter, {hir::Type{Element::I64, {}}});
  if (!over.empty() && over[0].isRange())
    counter->name = over[0].node->text;
  std::vector<Value> leaves, inner = parametersLike(start, region, counter), parts;
  if (!start.poison())
    flatten(start, leaves);
  if (known)
    counters[counter] = {over[0].low, over[0].low + over[0].steps.size};
  Value part;
  {
    Into into(*this, region.nodes);
    Inner scope(*this);
    size_t next = 0;
    bindPattern(n->kids[0], start.poison() ? start : rebuilt(start, inner, next));
    for (const Over &o : over)
      if (known)
        bindOver(o, over, counter);
      else if (o.node->kind == Kind::Binder)
        declareLocal(o.node, Local());
      else if (o.node->kind == Kind::Over)
        bindPattern(o.node->kids[0], Value());
    Want inside = start.poison() ? first : elementsOf(start);
    if (collects) {
      Want both;
      both.parts = {inside, want.part(1)};
      inside = both;
    }
    Value end = block(body, inside);
    part = collectedPart(body, end, collects, "scan");
    end = nextValue(body, end, start, "scan");
    if (end.poison() || part.poison() || !known)
      return {};
    std::vector<Value> ends;
    flatten(end, ends);
    for (size_t i = 0; i < ends.size(); ++i)
      region.results.push_back(broadcastTo(ends[i], leaves[i].space, leaves[i].shape()).ref);
    if (collects)
      flatten(part, parts);
    for (const Value &p : parts)
      region.results.push_back(p.ref);
  }
  node->low = over[0].low;
  node->high = over[0].low + over[0].steps.size;
  node->regions.push_back(std::move(region));
  b.block->push_back(node);
  std::vector<Value> results;
  for (size_t i = 0; i < leaves.size(); ++i) {
    node->operands.push_back(leaves[i].ref);
    node->types.push_back(leaves[i].ref.type());
    results.push_back(Value::tensor({node, uint32_t(i)}, leaves[i].space));
  }
  size_t next = 0;
  Value end = rebuilt(start, results, next);
  if (!collects)
    return end;
  Value both = Value::of(Value::Tuple);
  both.parts = {end, collected(node, over[0].steps, parts, part)};
  return both;
}

//===----------------------------------------------------------------------===//
// iterate
//===----------------------------------------------------------------------===//

Value Checker::conditionValue(const Node *n) {
  Value value = settled(expr(n, Element::Bool), Element::Bool, n);
  bool good = value.isTensor() && value.ref.type().element == Element::Bool && value.rank() == 0 &&
              value.space.empty();
  if (good || value.poison())
    return value;
  Report report(*this, code::E0305, n->span,
                "the condition of an `iterate` is one `bool`, found " + quoted(show(value)));
  if (value.isTensor() && !value.space.empty())
    report.help("it depends on an index around: iterate over all elements at once");
  else if (value.isTensor() && value.ref.type().element == Element::Bool)
    report.help("write " + quoted("all(" + textAt(n) + ")") + " or `any`");
  return {};
}

Value Checker::iterate(const Node *n, const Want &want) {
  const Node *name = n->kids[2], *body = n->kids[5];
  Want inside = name ? want.part(0) : want;
  Value start = carried(initialValue(n->kids[1], inside), n);
  auto limit = sizeOf(n->kids[4], "the limit of an `iterate`");
  auto complain = [&](const std::string &, const std::string &) {
    Report(*this, code::E0212, n->kids[4]->span,
           "the limit of an `iterate` is at least 0, found " + limit->str());
  };
  if (limit && !requireAtLeast(*limit, DimExpr(0), n->kids[4]->span,
                               "the limit of an `iterate` is negative", complain))
    limit.reset();
  hir::Node *node = b.detached(hir::Op::Iterate, {});
  hir::Region regions[2];
  std::vector<Value> leaves;
  if (!start.poison())
    flatten(start, leaves);
  bool good = limit.has_value() && !start.poison();
  for (int part = 0; part < 2; ++part) {
    Into into(*this, regions[part].nodes);
    Inner scope(*this);
    hir::Node *counter = b.detached(hir::Op::Parameter, {hir::Type{Element::I64, {}}});
    std::vector<Value> inner = parametersLike(start, regions[part], counter);
    if (limit)
      counters[counter] = {DimExpr(0), *limit};
    size_t next = 0;
    bindPattern(n->kids[0], start.poison() ? start : rebuilt(start, inner, next));
    if (name) {
      counter->name = name->text;
      Local local;
      local.value = Value::tensor({counter});
      declareLocal(name, local);
    }
    Value end = part ? nextValue(body, block(body, start.poison() ? inside : elementsOf(start)),
                                 start, "iterate")
                     : conditionValue(n->kids[3]);
    good &= !end.poison();
    if (!good)
      continue;
    std::vector<Value> ends;
    flatten(end, ends);
    for (size_t i = 0; i < ends.size(); ++i)
      regions[part].results.push_back(
          part ? broadcastTo(ends[i], leaves[i].space, leaves[i].shape()).ref : ends[i].ref);
  }
  if (!good)
    return {};
  node->high = *limit;
  node->regions.assign(regions, regions + 2);
  b.block->push_back(node);
  std::vector<Value> results;
  for (size_t i = 0; i < leaves.size(); ++i) {
    node->operands.push_back(leaves[i].ref);
    node->types.push_back(leaves[i].ref.type());
    results.push_back(Value::tensor({node, uint32_t(i)}, leaves[i].space));
  }
  node->types.push_back({Element::I64, {}});
  size_t next = 0;
  Value end = rebuilt(start, results, next);
  if (!name)
    return end;
  Value both = Value::of(Value::Tuple);
  both.parts = {end, Value::tensor({node, uint32_t(leaves.size())})};
  return both;
}

//===----------------------------------------------------------------------===//
// for
//===----------------------------------------------------------------------===//

/// Whether the rounds are known, and not too many.
bool Checker::unrollable(const Node *n, const std::vector<Over> &over) {
  auto rounds = over[0].steps.size.constant();
  if (!rounds || !over[0].low.constant()) {
    Report(*this, code::E0211, n->kids[2]->span,
           "the rounds of a `for` must be known when compiling, found " +
               quoted(over[0].steps.size.str()))
        .help("write `scan`");
    return false;
  }
  if (*rounds > maxRounds) {
    Report(*this, code::E0412, n->kids[2]->span,
           "a `for` is unrolled: at most " + std::to_string(maxRounds) + " rounds, found " +
               std::to_string(*rounds))
        .help("write `scan`");
    return false;
  }
  if (unrolled + *rounds > maxUnrolled) {
    Report(*this, code::E0412, n->kids[2]->span,
           "a `for` is unrolled with all that are inside it: at most " +
               std::to_string(maxUnrolled) + " rounds together")
        .help("write `scan`");
    return false;
  }
  unrolled += *rounds;
  return true;
}

/// The tuple of what the rounds give.
Value Checker::collectedRounds(const Node *n, std::vector<Value> parts) {
  Value all = Value::of(Value::Tuple);
  size_t count = 0;
  for (const Value &part : parts)
    count += part.leaves();
  if (!fewTensors(count, n->span, "what a `for` collects"))
    return {};
  all.parts = std::move(parts);
  return all;
}

/// Every round is checked by itself, with its numbers known.
Value Checker::forLoop(const Node *n, const Want &want) {
  const Node *body = n->kids[3];
  bool collects = !n->text.empty(), carries = n->kids[0];
  Value current =
      carries ? expr(n->kids[1], collects ? want.part(0) : want) : Value::of(Value::Nothing);
  std::vector<Over> over;
  if (!overs(n->kids[2], "for", over) || current.poison())
    return {};
  if (!unrolling)
    unrolled = 0;
  if (!unrollable(n, over))
    return {};
  int64_t rounds = *over[0].steps.size.constant();
  // Counts the loops around for its life.
  struct Inside {
    uint32_t &count;
    explicit Inside(uint32_t &count) : count(count) { ++count; }
    ~Inside() { --count; }
  } inside(unrolling);
  std::vector<Value> parts;
  auto binders = frame->binders;
  auto peeked = frame->peeked;
  for (int64_t round = 0; round < rounds; ++round) {
    // Names have other types in each round.
    frame->binders = binders;
    frame->peeked = peeked;
    Inner scope(*this);
    if (carries)
      bindPattern(n->kids[0], current);
    for (const Over &o : over) {
      AffineForm position;
      position.offset = DimExpr(round);
      Local local;
      local.value = Value::integer(o.low + DimExpr(round));
      if (o.isRange())
        declareLocal(o.node, local);
      else if (o.value.kind == Value::Tuple && !o.value.lead)
        bindPattern(o.node->kids[0], o.value.parts[round]);
      else
        bindPattern(o.node->kids[0], elementAt(o.value, position, o.node->kids[1]));
    }
    size_t before = failures;
    Value end = block(body, {});
    if (failures != before || end.poison())
      return {};
    if (carries && collects) {
      parts.push_back(collectedPart(body, end, true, "for"));
      if (end.poison())
        return {};
    } else if (collects) {
      parts.push_back(end);
    }
    if (end.kind == Value::Nothing) {
      Report(*this, code::E0313, body->span, "the body of a `for` ends in a value");
      return {};
    }
    current = end;
  }
  if (!collects)
    return current;
  Value all = collectedRounds(n, std::move(parts));
  if (!carries || all.poison())
    return all;
  Value both = Value::of(Value::Tuple);
  both.parts = {current, all};
  return both;
}

} // namespace mad::elab
