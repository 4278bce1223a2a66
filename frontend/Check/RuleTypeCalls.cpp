//===- RuleTypeCalls.cpp - Types that calls in rules say --------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Builtins.h"
#include "frontend/Check/Rules.h"

#include <algorithm>

namespace mad::elab {

using namespace ast;
using Types = Checker::RuleTypes;

/// The number behind the sign of `axis = -1`, else 0.
static int64_t axisFromEnd(const Node *n) {
  bool literal = n->kind == Kind::Unary && isNumberLiteral(n) && n->kids[0]->text.size() == 1;
  return literal ? n->kids[0]->text[0] - '0' : 0;
}

/// The axis is one dimension, none of a pack.
bool Types::hasAxis(const Type &type, const Node *axis) {
  int64_t count = axisFromEnd(axis);
  uint32_t shape = row();
  for (int64_t d = 0; d < count; ++d)
    shape = row(Row::Cons, shape, size());
  return count > 0 && equalRows(type.row, shape);
}

/// `sum(x)`, `max(x, axis = -1, keep = true)`.
std::optional<Types::Type> Types::reduction(const Node *n, const std::string &name) {
  int64_t axis = 0;
  bool keep = false;
  const Node *argument = nullptr;
  for (size_t i = 1; i < n->kids.size(); ++i) {
    const Node *kid = n->kids[i];
    if (kid->kind != Kind::Named) {
      argument = kid;
      continue;
    }
    const Node *value = kid->kids[0];
    if (kid->text == "keep" && value->kind == Kind::Bool)
      keep = value->text == "true";
    else if (kid->text == "axis" && axisFromEnd(value) > 0)
      axis = axisFromEnd(value);
    else
      return refuse(n, "the axis is to be counted from the last one: `axis = -1`");
  }
  auto value = argument ? expr(argument) : std::nullopt;
  bool logic = name == "all" || name == "any";
  if (!value || value->kind != Type::Tensor || name == "argmax" || (!axis && keep))
    return value ? refuse(n, "the shape of its result is not followed") : std::nullopt;
  if (!elements(*value, logic ? Bool : Float))
    return refuse(n, quoted(name) + " takes " + (logic ? "`bool`" : "numbers"));
  Type result = *value;
  if (!axis) {
    result.row = row(Row::Nil);
    return result;
  }
  // The dimensions up to the axis, as unknowns.
  std::vector<uint32_t> passed;
  uint32_t rest = row(), shape = rest, out = rest;
  for (int64_t d = axis; d > 0; --d) {
    uint32_t dim = size();
    shape = row(Row::Cons, shape, dim);
    if (d != axis)
      out = row(Row::Cons, out, dim);
    else if (keep)
      out = row(Row::Cons, out, size(1));
  }
  if (!equalRows(value->row, shape))
    return refuse(n, "there is no such axis");
  result.row = out;
  return result;
}

static bool isElementwise(const std::string &name) {
  static constexpr std::string_view others[] = {
      "all",         "any",         "argmax",      "argsort",     "bf16",    "bool",   "broadcast",
      "close",       "concat",      "cummax",      "cummin",      "cumprod", "cumsum", "f16",
      "f32",         "f64",         "full",        "i32",         "i64",     "i8",     "iota",
      "known",       "linspace",    "mean",        "ones",        "philox",  "prod",   "reshape",
      "scatter_add", "scatter_max", "scatter_min", "scatter_set", "size",    "sort",   "sum",
      "take",        "top_k",       "transpose",   "u8",          "zeros"};
  return std::find(std::begin(others), std::end(others), name) == std::end(others) &&
         !name.starts_with("bit_") && !name.starts_with("shift_");
}

std::optional<Types::Type> Types::builtin(const Node *n, const std::string &name) {
  size_t plain = std::count_if(n->kids.begin() + 1, n->kids.end(),
                               [](const Node *kid) { return kid->kind != Kind::Named; });
  bool reduces = name == "sum" || name == "prod" || name == "mean" || name == "all" ||
                 name == "any" || name == "argmax" ||
                 ((name == "max" || name == "min") && plain == 1);
  if (reduces)
    return reduction(n, name);
  if (plain + 1 != n->kids.size() || (!isElementwise(name) && name != "transpose")) {
    declareNames(n);
    return refuse(n, "the result of " + quoted(name) + " can have several types");
  }
  std::vector<Type> parts;
  for (size_t i = 1; i < n->kids.size(); ++i) {
    auto part = expr(n->kids[i]);
    if (!part)
      return part;
    parts.push_back(*part);
  }
  if (name == "transpose" && parts.size() == 1 && parts[0].kind == Type::Tensor) {
    uint32_t a = size(), b = size(), nil = row(Row::Nil);
    if (!equalRows(parts[0].row, row(Row::Cons, row(Row::Cons, nil, a), b)))
      return refuse(n, "`transpose` is read as that of a matrix");
    Type result = parts[0];
    result.row = row(Row::Cons, row(Row::Cons, nil, b), a);
    return result;
  }
  if (!isElementwise(name))
    return refuse(n, "the result of " + quoted(name) + " can have several types");
  if (name == "select" && parts.size() == 3) {
    Type condition = parts[0];
    if (!elements(condition, Bool))
      return refuse(n, "the condition of `select` is `bool`");
    auto chosen = together(n, {parts[1], parts[2]}, Open);
    if (!chosen || condition.kind != Type::Tensor || chosen->kind != Type::Tensor)
      return chosen;
    auto shape = joined(condition.row, chosen->row);
    if (!shape)
      return refuse(n, "the operands have different shapes");
    chosen->row = *shape;
    return chosen;
  }
  for (const Type &part : parts)
    if (!elements(part, Float))
      return refuse(n, quoted(name) + " takes numbers");
  bool predicate = name == "isfinite" || name == "isinf" || name == "isnan";
  return together(n, parts, predicate ? Bool : Open);
}

/// The type that a function declares, with unknowns for its generics.
std::optional<Types::Type> Types::declared(const Node *type, std::map<std::string, uint32_t> &packs,
                                           std::map<std::string, uint32_t> &dims,
                                           std::map<std::string, uint32_t> &elements) {
  Type result;
  if (type->kind == Kind::TupleType) {
    result.kind = Type::Tuple;
    for (const Node *kid : type->kids) {
      auto part = declared(kid, packs, dims, elements);
      if (!part)
        return part;
      result.parts.push_back(*part);
    }
    return result;
  }
  if (type->kind != Kind::TensorType)
    return std::nullopt;
  auto element = elements.find(std::string(type->text));
  if (element == elements.end() && type->text != "bool")
    return std::nullopt;
  uint32_t shape = row(Row::Nil);
  for (const Node *kid : type->kids) {
    if (kid->kind == Kind::Pack) {
      auto pack = packs.find(std::string(kid->text));
      if (kid != type->kids[0] || pack == packs.end())
        return std::nullopt;
      shape = pack->second;
      continue;
    }
    auto dim = kid->kind == Kind::Name ? dims.find(std::string(kid->text)) : dims.end();
    bool one = kid->kind == Kind::Number && kid->text == "1";
    shape = row(Row::Cons, shape, dim != dims.end() ? dim->second : one ? size(1) : size());
  }
  result = tensor(shape, element == elements.end() ? Bool : Open);
  if (element != elements.end())
    result.element = element->second;
  return result;
}

std::optional<Types::Type> Types::function(const Node *n, Declaration &decl) {
  std::map<std::string, uint32_t> packs, dims, types;
  for (const Node *g : decl.node->kids[0]->kids) {
    std::string name(g->text);
    if (g->flags & IsPack)
      packs[name] = row();
    else if (g->flags & IsType)
      types[name] = tensor(0, Float).element;
    else
      dims[name] = size();
  }
  const Nodes &params = decl.node->kids[1]->kids;
  size_t position = 0;
  std::optional<Type> first; // which the axes of a function are those of
  for (size_t i = 1; i < n->kids.size(); ++i) {
    const Node *argument = n->kids[i], *param = nullptr;
    if (argument->kind == Kind::Named) {
      for (const Node *p : params)
        if (p->text == argument->text)
          param = p;
      argument = argument->kids[0];
    } else if (position < params.size()) {
      param = params[position++];
    }
    if (param && param->kind == Kind::Param && (param->flags & Axis) && first)
      if (!hasAxis(*first, argument))
        return refuse(n, "the axis is to be counted from the last one: `axis = -1`");
    if (!param || param->kind != Kind::Param || (param->flags & (Constant | Axis | IsShape)))
      continue;
    auto type = declared(param->kids[0], packs, dims, types);
    auto value = expr(argument);
    if (!value)
      return value;
    if (!type)
      return refuse(argument, "the type of " + quoted(param->text) + " of " + quoted(decl.name) +
                                  " is not for all floats, or not followed");
    if (!first && value->kind == Type::Tensor)
      first = *value;
    if (!equal(*value, *type))
      return refuse(argument,
                    "it does not fit " + quoted(c.textAt(param)) + " of " + quoted(decl.name));
  }
  auto result =
      decl.node->kids[2] ? declared(decl.node->kids[2], packs, dims, types) : std::nullopt;
  if (!result)
    return refuse(n,
                  "the result of " + quoted(decl.name) + " is not declared, or not for all floats");
  return result;
}

std::optional<Types::Type> Types::call(const Node *n) {
  const Node *callee = n->kids[0];
  Declaration *decl = nullptr;
  if (callee->kind == Kind::Member && callee->kids[0]->kind == Kind::Name) {
    auto used = module.names.find(callee->kids[0]->text);
    if (used != module.names.end() && used->second->used)
      if (auto it = used->second->used->names.find(callee->text);
          it != used->second->used->names.end())
        decl = it->second;
  } else if (callee->kind == Kind::Name) {
    if (auto it = module.names.find(callee->text); it != module.names.end())
      decl = it->second;
    if ((!decl || decl->kind != Declaration::Fn) && isBuiltin(callee->text))
      return builtin(n, std::string(callee->text));
  }
  if (!decl || decl->kind != Declaration::Fn) {
    Report(c, code::E0201, callee->nameSpan, "there is no function " + quoted(c.textAt(callee)));
    return std::nullopt;
  }
  return function(n, *decl);
}

} // namespace mad::elab
