//===- Parameters.cpp - Generics and parameters of functions --------------===//
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

void Checker::declareGenerics(Declaration &decl, Scope &scope, bool exported) {
  const Node *generics = decl.node->kids[0];
  if (generics->kind != Kind::Generics) {
    ++failures;
    return;
  }
  for (const Node *g : generics->kids) {
    if (g->kind != Kind::Generic)
      continue;
    std::string name(g->text);
    Local local;
    if (exported && (g->flags & (IsPack | IsType)))
      Report(*this, code::E0405, g->span,
             std::string("an exported function is generic in dimensions only: ") + quoted(name) +
                 (g->flags & IsPack ? " stands for several dimensions" : " is a type"))
          .help("write a private function and export it for the ranks and types that are needed");
    if (g->flags & IsPack) {
      local.kind = Local::Pack;
      local.pack = {{DimExpr::symbol(name + "..."), name + "..."}};
    } else if (g->flags & IsType) {
      local.kind = Local::Element;
      local.element = g->flags & IsInteger ? Element::I64 : Element::F32;
    } else {
      local.value = Value::integer(DimExpr::symbol(name));
      local.value.dimension = name;
      frame->function->dims.push_back(name);
    }
    declareLocal(g, local);
  }
}

/// Parameters of the given type, and their value.
Value Checker::parameter(const TypeTree &type, const std::string &name, Span span,
                         std::vector<hir::Node *> &into) {
  if (type.tuple) {
    Value result = Value::of(Value::Tuple);
    result.record = type.record;
    result.lead = type.lead;
    for (size_t i = 0; i < type.parts.size(); ++i)
      result.parts.push_back(parameter(
          type.parts[i], name + "." + (type.record ? type.record->fields[i] : std::to_string(i)),
          span, into));
    return result;
  }
  Span saved = b.span;
  b.span = span;
  hir::Node *node = b.detached(hir::Op::Parameter, {type.type});
  b.span = saved;
  node->name = name;
  into.push_back(node);
  return Value::tensor({node});
}

/// What a constant parameter is while its function is checked where it is
/// defined: the default, or some value of the type.
Value Checker::sampleConstant(const Node *param) {
  Value value;
  std::optional<TypeTree> type;
  if (param->kids[0])
    type = typeOf(param->kids[0]);
  if (param->kids[1]) {
    value = expr(param->kids[1], type ? Want(*type) : Want());
    if (type)
      value = coerce(value, *type, param->kids[1], quoted(param->text));
  } else if (type && !type->tuple) {
    Element e = type->type.element;
    value = isFloat(e)           ? Value::floating(1)
            : e == Element::Bool ? Value::boolean(true)
                                 : Value::integer(DimExpr(1));
    if (value.isNumber())
      value.element = e;
  }
  bool known = value.isNumber() || value.kind == Value::Truth;
  if (!value.poison() && !known) {
    Report(*this, code::E0311, param->span,
           quoted(param->text) + " is `const`: its default must be a number known when compiling");
    return {};
  }
  return value;
}

static bool hasPack(const Node *type) {
  return std::any_of(type->kids.begin(), type->kids.end(), [](const Node *kid) {
    return kid && (kid->kind == Kind::Pack || hasPack(kid));
  });
}

/// The parameters that have values when running; `first`: one with dimensions.
void Checker::declareTensors(Declaration &decl, bool exported, Value &first) {
  for (const Node *p : decl.node->kids[1]->kids) {
    if (p->kind != Kind::Param || (p->flags & (Constant | Axis | IsShape)))
      continue;
    inParameters = true;
    auto type = p->kids[0] ? typeOf(p->kids[0]) : std::nullopt;
    inParameters = false;
    Local local;
    if (type) {
      local.value =
          parameter(*type, std::string(p->text), p->nameSpan, frame->function->body.parameters);
      if (exported && type->tuple && !type->record)
        Report(*this, code::E0414, p->span, "an exported function takes tensors, not tuples");
      if (p->kids[1] && !exported) {
        std::vector<hir::Node *> dropped;
        Into into(*this, dropped);
        Value value = expr(p->kids[1], Want(*type));
        // Of which rank a pack is depends on the call.
        if (!hasPack(p->kids[0]))
          coerce(value, *type, p->kids[1], quoted(p->text));
      }
    } else {
      ++failures;
    }
    if (first.poison() && local.value.isTensor() && local.value.rank() > 0)
      first = local.value;
    declareLocal(p, local);
  }
}

/// Kinds of parameters that only private, or only exported, functions have.
void Checker::refuseParameters(const Declaration &decl, bool exported) {
  const Node *params = decl.node->kids[1];
  for (const Node *p : params->kids)
    if (!exported && p->kind == Kind::Param && (p->flags & IsState))
      Report(*this, code::E0416, p->span,
             "a `state` is a parameter of an exported function: " + quoted(decl.name) +
                 " is private")
          .help("leave `state` away: inside a program it is a value like any other");
  for (const Node *p : params->kids)
    if (exported && p->kind == Kind::Param &&
        ((p->flags & (Constant | Axis | IsShape)) || p->kids[1]))
      Report(*this, code::E0414, p->span,
             std::string("an exported function takes tensors alone: ") + quoted(p->text) +
                 (p->flags & Axis       ? " is an axis"
                  : p->flags & Constant ? " is a constant"
                  : p->flags & IsShape  ? " is a shape"
                                        : " has a default"));
}

void Checker::declareParameters(Declaration &decl, bool exported) {
  const Node *params = decl.node->kids[1];
  if (params->kind != Kind::Params) {
    ++failures;
    return;
  }
  // Types may use constants that stand further right.
  for (const Node *p : params->kids)
    if (p->kind == Kind::Param && (p->flags & Constant)) {
      Local local;
      local.value = sampleConstant(p);
      declareLocal(p, local);
    }
  Value first;
  declareTensors(decl, exported, first);
  for (const Node *p : params->kids)
    if (p->kind == Kind::Param && (p->flags & Axis)) {
      Local local;
      local.value = Value::of(Value::Axis);
      local.value.number = DimExpr(first.poison() ? 0 : int64_t(first.rank()) - 1);
      declareLocal(p, local);
    }
  for (const Node *p : params->kids)
    if (p->kind == Kind::Param && (p->flags & IsShape)) {
      Local local;
      if (auto shape = declaredShape(p))
        local.value = shapeValue(*shape);
      declareLocal(p, local);
    }
  refuseParameters(decl, exported);
}

/// Every dimension parameter of an exported function follows from the shapes of
/// its arguments.
void Checker::bindableDims(Declaration &decl) {
  std::vector<DimExpr> sizes;
  for (const hir::Node *p : frame->function->body.parameters)
    for (const hir::Dim &dim : p->types[0].shape)
      sizes.push_back(dim.size);
  std::set<std::string> known;
  for (bool progress = true; progress;) {
    progress = false;
    for (const DimExpr &size : sizes) {
      std::vector<std::string> open;
      for (const std::string &name : size.symbols())
        if (!known.count(name))
          open.push_back(name);
      if (open.size() != 1)
        continue;
      DimExpr slope =
          size.substitute({{open[0], DimExpr(1)}}) - size.substitute({{open[0], DimExpr(0)}});
      bool linear =
          size == size.substitute({{open[0], DimExpr(0)}}) + slope * DimExpr::symbol(open[0]);
      if (linear && slope.constant().value_or(0) != 0)
        progress |= known.insert(open[0]).second;
    }
  }
  for (const Node *g : decl.node->kids[0]->kids)
    if (g->kind == Kind::Generic && !(g->flags & (IsPack | IsType)) &&
        !known.count(std::string(g->text)))
      Report(*this, code::E0408, g->span,
             "no parameter determines " + quoted(g->text) +
                 ": the size of some argument must depend on it alone")
          .help("take an argument with a dimension " + quoted(g->text));
}

} // namespace mad::elab
