//===- Derivatives.cpp - `jvp(f)` and `jacobian(f)` -------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Arguments: those of the function that is differentiated, then a tangent for each of its
// parameters that has floats. Where a derivative is taken of a derivative, this holds at each
// level.
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Derivatives.h"
#include "frontend/Check/Frames.h"

#include <algorithm>

namespace mad::elab {

using namespace ast;

bool Checker::Derivatives::isDerivative(Checker &c, const Node *callee) {
  if (callee->kind != Kind::Call || callee->kids[0]->kind != Kind::Name)
    return false;
  std::string_view name = callee->kids[0]->text;
  return (name == "jvp" || name == "jacobian") && !c.findDeclaration(name);
}

Value Checker::Derivatives::call(const Node *call) {
  n = call;
  for (size_t i = 1; i < n->kids.size(); ++i)
    (n->kids[i]->kind == Kind::Named ? named : positional).push_back(n->kids[i]);
  std::optional<Applied> found = applied(n->kids[0]);
  if (!found || !nothingLeft(*found)) {
    ++c.failures;
    return {};
  }
  hir::Node *node = c.b.detached(hir::Op::Call, {});
  node->callee = found->function;
  for (const Parameter &parameter : found->parameters)
    node->operands.insert(node->operands.end(), parameter.leaves.begin(), parameter.leaves.end());
  std::vector<Value> results;
  for (hir::Ref ref : found->function->body.results) {
    hir::Type type = ref.type();
    c.renameForCaller(type, found->match);
    if (Builder::isHuge(type))
      c.b.huge = type;
    node->types.push_back(std::move(type));
    results.push_back(Value::tensor({node, uint32_t(results.size())}));
  }
  c.b.block->push_back(node);
  size_t next = 0;
  return c.rebuilt(found->result, results, next);
}

/// Arguments that nobody has taken.
bool Checker::Derivatives::nothingLeft(const Applied &found) {
  if (!named.empty()) {
    std::vector<std::string> names;
    for (const Parameter &parameter : found.parameters)
      names.push_back(parameter.name);
    Report report(c, code::E0309, named[0]->nameSpan,
                  text(n->kids[0]) + " has no parameter " + quoted(named[0]->text));
    if (std::string near = c.suggestion(named[0]->text, names); !near.empty())
      report.help("did you mean " + quoted(near) + "?");
    return false;
  }
  if (positional.empty())
    return true;
  size_t count = n->kids.size() - 1, taken = count - positional.size();
  Report(c, code::E0309, positional[0]->span,
         text(n->kids[0]) + " takes " + std::to_string(taken) +
             (taken == 1 ? " argument" : " arguments") + ", found " + std::to_string(count));
  return false;
}

//===----------------------------------------------------------------------===//
// Functions of the program
//===----------------------------------------------------------------------===//

std::optional<Checker::Derivatives::Applied> Checker::Derivatives::applied(const Node *callee) {
  if (!isDerivative(c, callee))
    return plain(callee);
  if (callee->kids.size() != 2 || callee->kids[1]->kind == Kind::Named) {
    Report(c, code::E0309, callee->span,
           quoted(callee->kids[0]->text) + " takes one function, found " +
               std::to_string(callee->kids.size() - 1) + " arguments")
        .help("the arguments of the function follow: " +
              quoted(std::string(callee->kids[0]->text) + "(f)(x)"));
    return std::nullopt;
  }
  return callee->kids[0]->text == "jvp" ? jvp(callee) : jacobian(callee);
}

/// A call of the function with those arguments that are its own: by their names, and from the
/// front.
const Node *Checker::Derivatives::synthetic(const Node *callee, const Declaration &decl) {
  Node &made = c.made.emplace_back();
  made.kind = Kind::Call;
  made.span = made.nameSpan = n->span;
  made.kids = {const_cast<Node *>(callee)};
  size_t open = 0;
  for (const Node *p : decl.node->kids[1]->kids) {
    if (p->kind != Kind::Param)
      continue;
    auto it = std::find_if(named.begin(), named.end(),
                           [&](const Node *argument) { return argument->text == p->text; });
    open += it == named.end();
    if (it == named.end())
      continue;
    made.kids.push_back(const_cast<Node *>(*it));
    named.erase(it);
  }
  size_t own = std::min(open, positional.size());
  made.kids.insert(made.kids.begin() + 1, const_cast<Node **>(positional.data()),
                   const_cast<Node **>(positional.data()) + own);
  positional.erase(positional.begin(), positional.begin() + own);
  return &made;
}

std::optional<Checker::Derivatives::Applied> Checker::Derivatives::plain(const Node *callee) {
  std::string builtin;
  Declaration *decl = c.callee(callee, builtin);
  if (!builtin.empty())
    Report(c, code::E0430, callee->span,
           quoted(builtin) + " is a function of the language itself: a derivative is one of a "
                             "function of the program or of a module")
        .help("write a function that calls it");
  bool isRecord = decl && decl->kind == Declaration::Record;
  bool isOde = decl && decl->kind == Declaration::Fn && (decl->node->flags & ast::IsOde);
  if (isRecord)
    Report(c, code::E0430, callee->span, quoted(decl->name) + " is a record, not a function");
  if (isOde)
    Report(c, code::E0430, callee->span, quoted(decl->name) + " is an ode, not a function")
        .help("a function whose body is `solve " + decl->name + "(...) ...` has derivatives");
  if (!decl || isRecord || isOde)
    return std::nullopt;
  Applied found;
  // What the named parameters are must be known before arguments can be told from tangents.
  c.defineFunction(*decl);
  const Node *call = decl->node->kids.size() > 1 ? synthetic(callee, *decl) : n;
  if (!c.matchCall(*decl, call, {}, found.match))
    return std::nullopt;
  if (c.frame->inlines ||
      std::any_of(found.match.values.begin(), found.match.values.end(), hasSpace)) {
    Report(c, code::E0430, n->span,
           text(n->kids[0]) + (c.frame->inlines
                                   ? " cannot stand in a rule"
                                   : " takes whole tensors: it cannot be called under an index"));
    return std::nullopt;
  }
  Instance &instance = c.instantiate(found.match);
  if (instance.failed || !instance.function)
    return std::nullopt;
  c.takeConstraints(found.match, *instance.function);
  found.function = instance.function;
  found.result = instance.result;
  size_t next = 0;
  for (size_t i = 0; i < found.match.params.size(); ++i) {
    if (found.match.params[i]->flags & (Constant | Axis | IsShape))
      continue;
    Parameter parameter{std::string(found.match.params[i]->text), found.match.values[i], {}};
    parameter.leaves = c.operandsOf(found.match.values[i], *instance.function, next);
    next += parameter.leaves.size();
    found.parameters.push_back(std::move(parameter));
  }
  return found;
}

const hir::Node *nodeWithoutDerivative(const hir::Function &function) {
  std::set<const hir::Function *> seen;
  const hir::Node *found = nullptr;
  std::function<void(const hir::Region &)> look = [&](const hir::Region &region) {
    for (const hir::Node *node : region.nodes) {
      if (node->op == hir::Op::Quantize)
        found = node;
      if (node->callee && seen.insert(node->callee).second)
        look(node->callee->body);
      for (const hir::Region &inner : node->regions)
        look(inner);
    }
  };
  look(function.body);
  return found;
}

/// Whether all that the function computes has a derivative.
bool Checker::Derivatives::differentiable(const Node *callee, const hir::Function &function) {
  const hir::Node *found = nodeWithoutDerivative(function);
  if (!found)
    return true;
  Report(c, code::E0430, n->span,
         text(callee) + " does not exist: what is rounded to 8 bits has no derivative")
      .note("a product with quantised activations is here", found->span);
  return false;
}

//===----------------------------------------------------------------------===//
// jvp
//===----------------------------------------------------------------------===//

static bool hasFloats(const std::vector<hir::Ref> &leaves) {
  return std::any_of(leaves.begin(), leaves.end(),
                     [](hir::Ref leaf) { return isFloat(leaf.type().element); });
}

/// The tangent of a parameter: a value like the argument. Only its floats count.
Value Checker::Derivatives::tangentOf(const Node *callee, const Parameter &parameter,
                                      const Node *argument) {
  TypeTree type = c.treeOf(parameter.value);
  Value value = c.expr(argument, Want(type));
  value = c.coerce(value, type, argument,
                   "the tangent of " + quoted(parameter.name) + " for " + text(callee));
  return value.poison() ? value : c.settled(value, Want(type), argument);
}

/// For each parameter its tangent, or nothing: then it does not vary.
bool Checker::Derivatives::takeTangents(const Node *callee,
                                        const std::vector<Parameter> &parameters,
                                        std::vector<Value> &tangents) {
  std::vector<const Node *> given(parameters.size());
  auto takes = [&](size_t i) { return hasFloats(parameters[i].leaves); };
  for (size_t i = 0; i < parameters.size(); ++i)
    for (auto it = named.begin(); it != named.end(); ++it)
      if ((*it)->text == "d" + parameters[i].name && takes(i)) {
        given[i] = (*it)->kids[0];
        named.erase(it);
        break;
      }
  bool byName = std::any_of(given.begin(), given.end(), [](const Node *node) { return node; });
  if (byName && !positional.empty()) {
    Report(c, code::E0309, positional[0]->span,
           "the tangents of " + text(callee) + " all have a name, or none has");
    return false;
  }
  bool good = true;
  const Parameter *missing = nullptr;
  for (size_t i = 0; i < parameters.size() && !byName; ++i) {
    if (!takes(i))
      continue;
    if (positional.empty()) {
      missing = missing ? missing : &parameters[i];
      continue;
    }
    given[i] = positional[0];
    positional.erase(positional.begin());
  }
  if (missing) {
    Report(c, code::E0309, n->span,
           text(callee) + " is called without the tangent of " + quoted(missing->name))
        .help("tangents follow the arguments, one for each with floats; with names, as " +
              quoted("d" + missing->name + " = ...") + ", those that do not vary can be left out");
    return false;
  }
  for (size_t i = 0; i < parameters.size(); ++i) {
    tangents.push_back(given[i] ? tangentOf(callee, parameters[i], given[i])
                                : Value::of(Value::Nothing));
    good &= !tangents.back().poison();
  }
  return good;
}

std::optional<Checker::Derivatives::Applied> Checker::Derivatives::jvp(const Node *callee) {
  std::optional<Applied> inner = applied(callee->kids[1]);
  if (!inner)
    return std::nullopt;
  if (std::none_of(inner->parameters.begin(), inner->parameters.end(),
                   [](const Parameter &p) { return hasFloats(p.leaves); })) {
    Report(c, code::E0430, n->span,
           text(callee) + " does not exist: " + text(callee->kids[1]) +
               " has no argument with floats");
    return std::nullopt;
  }
  std::vector<Value> tangents;
  if (!differentiable(callee, *inner->function) ||
      !takeTangents(callee, inner->parameters, tangents))
    return std::nullopt;
  std::vector<uint32_t> active;
  std::vector<Parameter> more;
  uint32_t leaf = 0;
  for (size_t i = 0; i < inner->parameters.size(); ++i) {
    const Parameter &parameter = inner->parameters[i];
    Parameter tangent{"d" + parameter.name, tangents[i], {}};
    std::vector<Value> parts;
    if (tangents[i].kind != Value::Nothing)
      c.flatten(tangents[i], parts);
    // The floats of the value are the leaves of a tangent, in their order.
    std::erase_if(parts, [](const Value &part) {
      return !part.isTensor() || !isFloat(part.ref.type().element);
    });
    size_t next = 0;
    for (size_t k = 0; k < parameter.leaves.size(); ++k, ++leaf) {
      if (!isFloat(parameter.leaves[k].type().element) || parts.empty())
        continue;
      active.push_back(leaf);
      tangent.leaves.push_back(
          c.withSizes(parts[next++], inner->function->body.parameters[leaf]->types[0].shape).ref);
    }
    if (!parts.empty())
      more.push_back(std::move(tangent));
  }
  inner->parameters.insert(inner->parameters.end(), more.begin(), more.end());
  inner->function = jvpFunction(*inner->function, active);
  Value both = Value::of(Value::Tuple);
  both.parts = {inner->result, inner->result};
  inner->result = both;
  return inner;
}

//===----------------------------------------------------------------------===//
// jacobian
//===----------------------------------------------------------------------===//

std::optional<Checker::Derivatives::Applied> Checker::Derivatives::jacobian(const Node *callee) {
  std::optional<Applied> inner = applied(callee->kids[1]);
  if (!inner)
    return std::nullopt;
  auto refuse = [&](const std::string &reason) {
    Report(c, code::E0430, n->span, text(callee) + " does not exist: " + reason);
    return std::nullopt;
  };
  std::string name = text(callee->kids[1]);
  if (inner->parameters.empty())
    return refuse(name + " has no argument");
  const Parameter &first = inner->parameters[0];
  bool single = first.value.kind != Value::Tuple && first.leaves.size() == 1;
  if (!single || !isFloat(first.leaves[0].type().element))
    return refuse("the first argument of " + name + " is " + quoted(c.show(first.value)) +
                  ", not a tensor of floats");
  for (hir::Ref result : inner->function->body.results)
    if (!isFloat(result.type().element))
      return refuse("a result of " + name + " is " + quoted(c.show(result.type())) +
                    ", not one of floats");
  if (!differentiable(callee, *inner->function))
    return std::nullopt;
  for (hir::Ref result : inner->function->body.results)
    if (!c.fewDimensions(result.type().shape.size() + first.leaves[0].type().shape.size(), 0, n))
      return std::nullopt;
  inner->function = jacobianFunction(*inner->function);
  return inner;
}

//===----------------------------------------------------------------------===//
// Nodes
//===----------------------------------------------------------------------===//

hir::Function *Checker::Derivatives::begin(const hir::Function &inner, const char *what) {
  auto function = std::make_unique<hir::Function>();
  function->name = inner.name + "." + what;
  function->span = inner.span;
  function->precision = inner.precision;
  function->constraints = inner.constraints;
  for (const hir::Node *parameter : inner.body.parameters) {
    hir::Node *copy = c.b.detached(hir::Op::Parameter, parameter->types);
    copy->name = parameter->name;
    function->body.parameters.push_back(copy);
  }
  c.functions.push_back(std::move(function));
  return c.functions.back().get();
}

/// The results of `inner`, then the tangents of those that are floats.
hir::Node *Checker::Derivatives::node(hir::Function &inner, const std::vector<uint32_t> &active,
                                      std::vector<hir::Ref> operands,
                                      const std::optional<hir::Dim> &directions) {
  std::vector<hir::Type> types;
  for (hir::Ref result : inner.body.results)
    types.push_back(result.type());
  for (hir::Ref result : inner.body.results)
    if (isFloat(result.type().element)) {
      types.push_back(result.type());
      if (directions)
        types.back().shape.insert(types.back().shape.begin(), *directions);
    }
  hir::Node *made = c.b.append(hir::Op::Jvp, std::move(types));
  made->callee = &inner;
  made->dims = active;
  made->operands = std::move(operands);
  if (directions) {
    made->index = 1;
    made->high = directions->size;
  }
  return made;
}

hir::Function *Checker::Derivatives::jvpFunction(hir::Function &inner,
                                                 const std::vector<uint32_t> &active) {
  std::string key = "jvp" + std::to_string(reinterpret_cast<uintptr_t>(&inner));
  for (uint32_t leaf : active)
    key += "," + std::to_string(leaf);
  hir::Function *&function = c.derivatives[key];
  if (function)
    return function;
  function = begin(inner, "jvp");
  Into into(c, function->body.nodes);
  for (uint32_t leaf : active) {
    const hir::Node *parameter = inner.body.parameters[leaf];
    hir::Node *tangent = c.b.detached(hir::Op::Parameter, parameter->types);
    tangent->name = "d" + parameter->name;
    function->body.parameters.push_back(tangent);
  }
  std::vector<hir::Ref> operands;
  for (hir::Node *parameter : function->body.parameters)
    operands.push_back({parameter});
  hir::Node *made = node(inner, active, std::move(operands), std::nullopt);
  uint32_t count = uint32_t(inner.body.results.size()), next = count;
  for (uint32_t i = 0; i < count; ++i)
    function->body.results.push_back({made, i});
  for (uint32_t i = 0; i < count; ++i) {
    const hir::Type &type = made->types[i];
    // Integers do not vary.
    function->body.results.push_back(
        isFloat(type.element) ? hir::Ref{made, next++}
                              : c.b.spread(c.b.constant(type.element, int64_t(0)), type.shape, {}));
  }
  return function;
}

hir::Dim Checker::Derivatives::elementsOf(const hir::Type &type) {
  hir::Dim count;
  count.size = DimExpr(1);
  for (const hir::Dim &dim : type.shape)
    count.size = count.size * dim.size;
  if (type.shape.size() == 1)
    count.name = type.shape[0].name;
  return count;
}

/// One tangent for each element: 1 there and 0 elsewhere.
hir::Ref Checker::Derivatives::identity(const hir::Type &type, const hir::Dim &directions) {
  if (type.shape.empty())
    return c.b.spread(c.b.constant(type.element, 1.0), {directions}, {});
  std::vector<hir::Dim> square{directions, directions};
  hir::Ref same = c.b.elementwise("eq", {c.b.iota(square, 0), c.b.iota(square, 1)}, Element::Bool);
  std::vector<hir::Dim> shape{directions};
  shape.insert(shape.end(), type.shape.begin(), type.shape.end());
  hir::Ref numbers = c.b.cast(same, type.element);
  return type.shape.size() == 1 ? numbers : c.b.reshape(numbers, std::move(shape));
}

hir::Function *Checker::Derivatives::jacobianFunction(hir::Function &inner) {
  std::string key = "jacobian" + std::to_string(reinterpret_cast<uintptr_t>(&inner));
  hir::Function *&function = c.derivatives[key];
  if (function)
    return function;
  function = begin(inner, "jacobian");
  Into into(c, function->body.nodes);
  const hir::Type by = inner.body.parameters[0]->types[0];
  hir::Dim directions = elementsOf(by);
  std::vector<hir::Ref> operands;
  for (hir::Node *parameter : function->body.parameters)
    operands.push_back({parameter});
  operands.push_back(identity(by, directions));
  hir::Node *made = node(inner, {0}, std::move(operands), directions);
  uint32_t count = uint32_t(inner.body.results.size());
  for (uint32_t i = 0; i < count; ++i) {
    std::vector<hir::Dim> out = made->types[i].shape, turned = out;
    turned.push_back(directions);
    std::vector<int64_t> from{int64_t(out.size())};
    for (size_t d = 0; d < out.size(); ++d)
      from.push_back(int64_t(d));
    hir::Ref columns = c.b.spread({made, count + i}, turned, from);
    out.insert(out.end(), by.shape.begin(), by.shape.end());
    function->body.results.push_back(by.shape.size() == 1 ? columns : c.b.reshape(columns, out));
  }
  return function;
}

} // namespace mad::elab
