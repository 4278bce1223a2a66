//===- Rules.cpp - Rewrite rules --------------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Rules.h"
#include "frontend/Check/Frames.h"

#include <algorithm>

namespace mad::elab {

using namespace ast;

static constexpr std::string_view permissionNames[] = {"reassoc", "contract", "afn", "arcp",
                                                       "nsz",     "nnan",     "ninf"};

bool isNumberLiteral(const Node *n) {
  return n->kind == Kind::Number ||
         (n->kind == Kind::Unary && n->text == "-" && n->kids[0]->kind == Kind::Number);
}

std::vector<const Node *> relationsOf(const Node *where) {
  std::vector<const Node *> all;
  for (const Node *n : where ? where->kids : Nodes()) {
    size_t first = all.size();
    for (; n->kind == Kind::Binary && n->text == "and"; n = n->kids[0])
      all.push_back(n->kids[1]);
    all.push_back(n);
    std::reverse(all.begin() + first, all.end());
  }
  return all;
}

static bool declares(const Node *params, std::string_view name) {
  return params && std::any_of(params->kids.begin(), params->kids.end(), [&](const Node *p) {
           return p->kind == Kind::Param && p->text == name;
         });
}

const Node *definition(const Node *n, const Node *params) {
  bool defines = n->kind == Kind::Binary && n->text == "==" && n->kids[0]->kind == Kind::Name &&
                 !isNumberLiteral(n->kids[1]) && !declares(params, n->kids[0]->text);
  return defines ? n->kids[1] : nullptr;
}

//===----------------------------------------------------------------------===//
// Heads
//===----------------------------------------------------------------------===//

void Checker::Rules::check(Module &module) {
  std::map<std::string_view, const Node *> seen;
  for (const Node *item : module.file->items) {
    if (item->kind != Kind::Rule)
      continue;
    auto [first, fresh] = seen.emplace(item->text, item);
    if (fresh)
      rule(module, item);
    else
      Report(c, code::E0401, item->nameSpan, "there is another rule called " + quoted(item->text))
          .note("the first one is here", first->second->nameSpan);
  }
}

bool Checker::Rules::permissions(Work &work) {
  const Node *list = work.source->kids[2];
  size_t before = c.failures;
  for (const Node *n : list ? list->kids : Nodes()) {
    std::string name(n->text);
    auto &all = work.rule.permissions;
    if (std::find(std::begin(permissionNames), std::end(permissionNames), name) ==
        std::end(permissionNames))
      Report(c, code::E0133, n->span,
             quoted(name) + " is no permission of a rule: expected `reassoc`, `contract`, `afn`, "
                            "`arcp`, `nsz`, `nnan` or `ninf`");
    else if (std::find(all.begin(), all.end(), name) == all.end())
      all.push_back(name);
  }
  return c.failures == before;
}

/// Which side is looked for.
bool Checker::Rules::sides(Work &work) {
  const Node *sides = work.source->kids[3];
  bool reversed = sides->text == "<=";
  work.matched = sides->kids[reversed];
  work.built = sides->kids[!reversed];
  work.rule.both = sides->text == "<=>";
  return !hasErrors(sides);
}

/// The variables have types, declared or inferred, and are tensors.
bool Checker::Rules::variables(Work &work) {
  const Node *params = work.source->kids[1];
  if (!params && !work.source->kids[0]->kids.empty()) {
    Report(c, code::E0422, work.source->kids[0]->span,
           quoted(work.decl.name) + " declares sizes or types, but no variables")
        .help("write the variables in parentheses behind the brackets, or leave both away");
    return false;
  }
  if (!params)
    return RuleTypes(c, *work.decl.module, work.source, work.matched, work.built)
        .infer(work.completed);
  size_t before = c.failures;
  for (const Node *p : params->kids) {
    if (p->kind != Kind::Param)
      return false;
    const char *what = p->flags & Axis                       ? " is an axis"
                       : p->flags & Constant                 ? " is a constant"
                       : p->flags & IsShape                  ? " is a shape"
                       : p->flags & IsState                  ? " is a state"
                       : p->kids[1]                          ? " has a default"
                       : p->kids[0]->kind == Kind::TupleType ? " is a tuple"
                                                             : nullptr;
    if (what)
      Report(c, code::E0414, p->span,
             "the variables of a rule are tensors: " + quoted(p->text) + what);
  }
  return c.failures == before;
}

/// What elements the variables stand for.
bool Checker::Rules::elements(Work &work) {
  work.rule.elements = hir::Rule::Exact;
  for (const Node *g : work.completed.kids[0]->kids) {
    if (g->kind != Kind::Generic || !(g->flags & IsType))
      continue;
    if (g->flags & IsInteger || !work.type.empty()) {
      Report(c, code::E0414, g->span,
             g->flags & IsInteger ? "the elements of a rule are `float` or `type`, all numbers, or "
                                    "a type like `i32`"
                                  : "a rule has one element type in brackets at most");
      return false;
    }
    work.type = g->text;
    work.rule.elements = g->flags & IsFloat ? hir::Rule::Float : hir::Rule::Number;
  }
  for (const Node *p : work.completed.kids[1]->kids)
    if (!work.type.empty() && p->kids[0]->text == hir::name(Element::F32)) {
      Report(c, code::E0414, p->span,
             quoted(p->text) + " is `f32` in a rule for all types " + quoted(work.type))
          .help("write " + quoted(work.type) + ", or `f32` for all variables");
      return false;
    }
  return true;
}

/// Whether two instances of a rule differ in nothing but the element type.
static bool sameShape(const hir::Region &a, const hir::Region &b) {
  std::map<const hir::Node *, const hir::Node *> twin;
  auto same = [&](const hir::Node *x, const hir::Node *y) {
    twin[x] = y;
    if (x->op != y->op || x->mnemonic != y->mnemonic || x->types.size() != y->types.size() ||
        x->operands.size() != y->operands.size() ||
        x->values.size() + x->integers.size() != y->values.size() + y->integers.size())
      return false;
    for (size_t i = 0; i < x->operands.size(); ++i)
      if (twin[x->operands[i].node] != y->operands[i].node)
        return false;
    for (size_t i = 0; i < x->types.size(); ++i) {
      hir::Element own = x->types[i].element, other = y->types[i].element;
      if ((own == hir::Element::F32) == (own == other))
        return false;
    }
    return true;
  };
  return std::equal(a.parameters.begin(), a.parameters.end(), b.parameters.begin(),
                    b.parameters.end(), same) &&
         std::equal(a.nodes.begin(), a.nodes.end(), b.nodes.begin(), b.nodes.end(), same);
}

void Checker::Rules::rule(Module &module, const Node *n) {
  Work work;
  work.source = n;
  work.completed = *n;
  work.decl.name = n->text;
  work.decl.module = &module;
  work.decl.node = &work.completed;
  work.rule.name = (module.name.empty() ? "" : module.name + ".") + work.decl.name;
  work.rule.doc = docText(n->doc);
  work.rule.span = n->nameSpan;
  if (n->kids[0]->kind != Kind::Generics || n->kids[3]->kind != Kind::Sides ||
      (n->kids[1] && n->kids[1]->kind != Kind::Params)) {
    ++c.failures;
    return;
  }
  if (!permissions(work) || !sides(work) || !variables(work) || !elements(work)) {
    ++c.failures;
    return;
  }
  c.b.inexact = false;
  if (!body(work, Element::F32, work.rule) || !patterns(work, work.rule))
    return;
  work.rule.inexact = c.b.inexact && work.rule.elements != hir::Rule::Exact;
  // The library's own are known to hold for all types: its tests say so.
  std::vector<Element> others;
  if (work.rule.elements != hir::Rule::Exact && (!c.inLibrary(n->span) || work.rule.inexact))
    others.push_back(Element::F64);
  if (work.rule.elements == hir::Rule::Number && !c.inLibrary(n->span))
    others.push_back(Element::I32);
  for (Element other : others) {
    hir::Rule instance;
    c.ruleNote = Note{quoted(work.type) + " of " + quoted(work.decl.name) + " stands for all " +
                          (work.rule.elements == hir::Rule::Float ? "floats" : "numbers") +
                          ", here for " + quoted(hir::name(other)),
                      n->nameSpan, true};
    bool good = body(work, other, instance);
    if (good && !sameShape(work.rule.body, instance.body)) {
      Report(c, code::E0414, n->nameSpan,
             quoted(work.decl.name) + " is not the same rule for `f32` and " +
                 quoted(hir::name(other)))
          .help("declare the variables with one element type");
      good = false;
    }
    c.ruleNote.reset();
    if (!good)
      return;
    if (other == Element::F64)
      work.rule.wide = std::move(instance.body);
  }
  c.program->rules.push_back(std::move(work.rule));
}

//===----------------------------------------------------------------------===//
// Bodies
//===----------------------------------------------------------------------===//

bool Checker::Rules::body(Work &work, Element element, hir::Rule &out) {
  hir::Function function;
  Root root;
  root.kind = Root::Rule;
  root.number = ++c.rootCount;
  root.name = work.decl.name;
  Scope scope;
  Frame own;
  own.fn = &work.decl;
  own.module = work.decl.module;
  own.function = &function;
  own.root = &root;
  own.scope = &scope;
  own.inlines = true;
  size_t before = c.failures;
  Enter enter(c, own);
  Into into(c, out.body.nodes);
  c.stack.push_back({&work.decl, nullptr});
  bool good = inFrame(work, element, out, function);
  c.stack.pop_back();
  if (!good || c.failures != before) {
    c.failures += c.failures == before;
    return false;
  }
  out.constraints = std::move(function.constraints);
  Builder::sweep(out.body);
  return true;
}

bool Checker::Rules::inFrame(Work &work, Element element, hir::Rule &out, hir::Function &function) {
  size_t before = c.failures;
  c.declareGenerics(work.decl, *c.frame->scope, false);
  out.packs.clear();
  for (auto &[name, local] : c.frame->scope->names) {
    if (local.kind == Local::Element)
      local.element = element;
    // One dimension, whose size has the name of the pack.
    if (local.kind == Local::Pack) {
      local.pack = {{DimExpr::symbol(name), name + "..."}};
      out.packs.push_back(name);
    }
  }
  std::sort(out.packs.begin(), out.packs.end());
  c.declareParameters(work.decl, false);
  if (c.failures != before)
    return false;
  out.body.parameters = function.body.parameters;
  if (out.body.parameters.size() != work.completed.kids[1]->kids.size()) {
    Report(c, code::E0414, work.completed.kids[1]->span,
           "the variables of a rule are tensors: one of " + quoted(work.decl.name) +
               " is a record");
    return false;
  }
  return conditions(work, out) && results(work, out);
}

/// A number without a type fills the shape of the other side.
Value Checker::Rules::filled(Value value, const Value &like, const Node *at) {
  if (value.kind == Value::Tuple && like.kind == Value::Tuple &&
      value.parts.size() == like.parts.size()) {
    for (size_t i = 0; i < value.parts.size(); ++i)
      value.parts[i] =
          filled(value.parts[i], like.parts[i], at->kind == Kind::Tuple ? at->kids[i] : at);
    return value;
  }
  if (!value.untyped() || !like.isTensor())
    return c.settled(value, {}, at);
  Value number = c.literal(value, like.ref.type().element, at);
  return number.poison() ? number : c.broadcastTo(number, {}, like.shape());
}

bool Checker::Rules::sameType(Work &work, const std::vector<Value> &matched,
                              const std::vector<Value> &built, const Value &left,
                              const Value &right) {
  bool same = matched.size() == built.size();
  for (size_t i = 0; same && i < matched.size(); ++i) {
    const hir::Type &a = matched[i].ref.type(), &b = built[i].ref.type();
    same = a.element == b.element && a.shape.size() == b.shape.size();
    for (size_t d = 0; same && d < a.shape.size(); ++d)
      same = c.frame->root->facts.equal(a.shape[d].size, b.shape[d].size) == Answer::Yes;
  }
  if (!same)
    Report(c, code::E0418, work.source->kids[3]->nameSpan,
           "the sides of the rule " + quoted(work.decl.name) + " have different types: " +
               quoted(c.show(left)) + " is matched and " + quoted(c.show(right)) + " is built")
        .label(work.matched->span)
        .label(work.built->span);
  return same;
}

bool Checker::Rules::results(Work &work, hir::Rule &out) {
  Value left = c.expr(work.matched);
  Value right = c.expr(work.built, left.poison() ? Want() : Want(c.treeOf(left)));
  for (auto [value, side] : {std::pair(&left, work.matched), std::pair(&right, work.built)})
    if (value->kind == Value::Nothing) {
      Report(c, code::E0313, side->span, "a side of a rule is a value");
      return false;
    }
  if (left.poison() || right.poison())
    return false;
  if (left.untyped() && right.isTensor())
    left = filled(left, right, work.matched);
  else
    left = c.settled(left, {}, work.matched);
  right = filled(right, left, work.built);
  if (left.poison() || right.poison())
    return false;
  std::vector<Value> matched, built;
  c.flatten(left, matched);
  c.flatten(right, built);
  auto isTensor = [](const Value &value) { return value.isTensor(); };
  if (!std::all_of(matched.begin(), matched.end(), isTensor) ||
      !std::all_of(built.begin(), built.end(), isTensor) ||
      !sameType(work, matched, built, left, right))
    return false;
  for (const auto *side : {&matched, &built})
    for (const Value &value : *side)
      out.body.results.push_back(value.ref);
  return true;
}

//===----------------------------------------------------------------------===//
// Conditions
//===----------------------------------------------------------------------===//

bool Checker::Rules::badCondition(const Node *n) {
  if (!hasErrors(n))
    Report(c, code::E0421, n->span, "a rule cannot have the condition " + quoted(c.textAt(n)))
        .help("conditions are `constant(a, b)`, `finite(a)`, comparisons of a variable with a "
              "number, definitions like `c == max(x)`, and relations of sizes");
  return false;
}

/// The number of the variable that a name is.
std::optional<uint32_t> Checker::Rules::variable(const Node *n, const hir::Rule &out) {
  for (uint32_t i = 0; n->kind == Kind::Name && i < out.body.parameters.size(); ++i)
    if (out.body.parameters[i]->name == n->text)
      return i;
  return std::nullopt;
}

bool Checker::Rules::callCondition(Work &work, const Node *n, hir::Rule &out) {
  const Node *callee = n->kids[0];
  bool known =
      callee->kind == Kind::Name && (callee->text == "constant" || callee->text == "finite");
  if (!known || n->kids.size() < 2)
    return badCondition(n);
  for (size_t i = 1; i < n->kids.size(); ++i) {
    auto number = variable(n->kids[i], out);
    if (!number) {
      Report(c, code::E0421, n->kids[i]->span,
             quoted(callee->text) + " is about variables of the rule, found " +
                 quoted(c.textAt(n->kids[i])));
      return false;
    }
    out.conditions.push_back({*number, std::string(callee->text), 0});
  }
  return true;
}

static const char *predicateOf(std::string_view op, bool swapped) {
  return op == "=="   ? "eq"
         : op == "!=" ? "ne"
         : op == "<"  ? (swapped ? "gt" : "lt")
         : op == "<=" ? (swapped ? "ge" : "le")
         : op == ">"  ? (swapped ? "lt" : "gt")
         : op == ">=" ? (swapped ? "le" : "ge")
                      : nullptr;
}

/// `x > 0.0`, or swapped, `0.0 < x`.
bool Checker::Rules::comparison(Work &work, const Node *n, bool swapped, hir::Rule &out) {
  auto number = variable(n->kids[swapped], out);
  const Node *other = n->kids[!swapped];
  const char *predicate = predicateOf(n->text, swapped);
  Value value = c.expr(other);
  if (value.poison())
    return false;
  auto integer = value.kind == Value::Integer ? value.number.constant() : std::nullopt;
  if (!predicate || (value.kind != Value::Real && !integer))
    return badCondition(n);
  Element element = out.body.parameters[*number]->types[0].element;
  if (element == Element::Bool || c.literal(value, element, other).poison())
    return element == Element::Bool ? badCondition(n) : false;
  out.conditions.push_back({*number, predicate, integer ? double(*integer) : value.real});
  return true;
}

bool Checker::Rules::condition(Work &work, const Node *n, hir::Rule &out) {
  if (const Node *value = definition(n, work.completed.kids[1]);
      value && !c.frame->scope->find(n->kids[0]->text)) {
    Local local;
    local.value = c.expr(value);
    c.declareLocal(n->kids[0], local);
    return !local.value.poison();
  }
  if (n->kind == Kind::Call)
    return callCondition(work, n, out);
  if (n->kind != Kind::Binary)
    return badCondition(n);
  std::function<bool(const Node *)> hasVariable = [&](const Node *part) {
    return variable(part, out) || anyPart(part, hasVariable);
  };
  for (bool swapped : {false, true})
    if (variable(n->kids[swapped], out) && !hasVariable(n->kids[!swapped]))
      return comparison(work, n, swapped, out);
  if (hasVariable(n))
    return badCondition(n);
  size_t before = c.failures;
  if (predicateOf(n->text, false) && n->text != "!=")
    c.whereRelation(work.decl, n, true, nullptr);
  else
    return badCondition(n);
  return c.failures == before;
}

bool Checker::Rules::conditions(Work &work, hir::Rule &out) {
  bool good = true;
  for (const Node *n : relationsOf(work.source->kids[4]))
    good &= condition(work, n, out);
  return good;
}

} // namespace mad::elab
