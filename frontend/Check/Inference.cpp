//===- Inference.cpp - What the arguments say about generics ----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The dimensions of parameter types are equations. Those with one unknown that
// occurs linearly are solved; the others are checked.
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Checker.h"
#include "frontend/Check/Frames.h"

#include <algorithm>

namespace mad::elab {

using namespace ast;

static std::string placeholder(std::string_view name) { return "?" + std::string(name); }

/// Without the mark of placeholders.
static std::string plain(std::string text) {
  text.erase(std::remove(text.begin(), text.end(), '?'), text.end());
  return text;
}

Report Checker::badArgument(CallMatch &match, size_t i, uint16_t kind, const std::string &reason) {
  const Node *p = match.params[i];
  return Report(
      *this, kind, argumentAt(match, i)->span,
      "argument " + quoted(p->text) + " of " + quoted(match.fn->name) + " is " +
          quoted(textAt(p->kids[0])) + ", found " +
          quoted(p->flags & IsShape ? textAt(argumentAt(match, i)) : show(match.values[i])) +
          reason);
}

//===----------------------------------------------------------------------===//
// Types and packs
//===----------------------------------------------------------------------===//

/// Whether an element type is among those that `T: float` or `T: integer` takes.
bool Checker::fitsKind(CallMatch &match, const std::string &name, Element found, size_t i) {
  for (const Node *g : match.fn->node->kids[0]->kids) {
    if (g->text != name)
      continue;
    bool floats = g->flags & IsFloat, integers = g->flags & IsInteger;
    if (floats ? isFloat(found) : !integers || isInteger(found))
      return true;
    std::string fix = floats ? "f32(" : "i64(";
    badArgument(match, i, code::E0302,
                ": " + quoted(name) + " is " + (floats ? "a float type" : "an integer type"))
        .note(quoted(match.fn->name) + " is declared here", match.fn->node->nameSpan)
        .help("write " + quoted(fix + textAt(argumentAt(match, i)) + ")"));
    return false;
  }
  return true;
}

bool Checker::matchType(CallMatch &match, const Node *type, Value &value, size_t i) {
  match.values[i] = value;
  if (isRecord(match, type))
    return matchRecord(match, type, value, i);
  if (type->kind == Kind::TupleType) {
    if (value.kind != Value::Tuple || value.record || value.parts.size() != type->kids.size()) {
      badArgument(match, i, code::E0308, "");
      return false;
    }
    bool good = true;
    Value whole = value;
    for (size_t k = 0; k < whole.parts.size(); ++k)
      good &= matchType(match, type->kids[k], whole.parts[k], i);
    value = whole;
    match.values[i] = whole;
    return good;
  }
  if (type->kind != Kind::TensorType)
    return false;
  if (!value.isTensor() && !value.isNumber() && value.kind != Value::Truth) {
    badArgument(match, i, value.kind == Value::Tuple ? code::E0308 : code::E0302, "")
        .note(quoted(match.fn->name) + " is declared here", match.fn->node->nameSpan);
    return false;
  }
  // An unknown element type is that of the argument.
  std::string name(type->text);
  if (match.open.count(name)) {
    Want context = value.untyped() ? wantOf(match, type) : Want();
    match.open.erase(name);
    Element found = context.element.value_or(treeOf(value).type.element);
    match.scope.names.find(name)->second.element = found;
    if (!fitsKind(match, name, found, i))
      return false;
  }
  Element element = *wantOf(match, type).element;
  if (value.untyped())
    value = literal(value, element, argumentAt(match, i));
  else if (!value.isTensor() && value.element == element)
    value = literal(value, element, argumentAt(match, i));
  if (value.poison())
    return false;
  if (!value.isTensor() || value.ref.type().element != element) {
    badArgument(match, i, code::E0302,
                match.scope.names.count(name)
                    ? ": " + quoted(name) + " is " + quoted(hir::name(element))
                    : "")
        .help("write " +
              quoted(std::string(hir::name(element)) + "(" + textAt(argumentAt(match, i)) + ")"));
    return false;
  }
  return matchShape(match, type, value, i);
}

bool Checker::matchShape(CallMatch &match, const Node *type, const Value &value, size_t i) {
  Dims dims = value.shape();
  if (match.ensemble && !takeLanes(match, type, dims, i))
    return false;
  return matchDims(match, type, dims, i);
}

/// Dimensions of an argument against those of a parameter.
bool Checker::matchDims(CallMatch &match, const Node *type, const Dims &dims, size_t i) {
  size_t packs = std::count_if(type->kids.begin(), type->kids.end(),
                               [](const Node *kid) { return kid->kind == Kind::Pack; });
  size_t plainDims = type->kids.size() - packs;
  if (packs > 1) {
    Report(*this, code::E0214, type->span, "a type has one pack of dimensions at most");
    return false;
  }
  if (packs ? dims.size() < plainDims : dims.size() != plainDims) {
    badArgument(match, i, code::E0205,
                ": " + (packs ? std::to_string(dims.size()) + " of at least " +
                                    std::to_string(plainDims) + " dimensions"
                              : ranks(dims.size(), plainDims)))
        .note(quoted(match.fn->name) + " is declared here", match.fn->node->nameSpan);
    return false;
  }
  Frame inner = frame->at(match.fn->module, &match.scope);
  size_t at = 0;
  for (const Node *kid : type->kids) {
    if (kid->kind == Kind::Pack) {
      size_t count = dims.size() - plainDims;
      if (!bindPack(match, kid, Dims(dims.begin() + at, dims.begin() + at + count), i))
        return false;
      at += count;
      continue;
    }
    std::optional<DimExpr> declared;
    {
      Enter enter(*this, inner);
      declared = sizeOf(kid, "a dimension");
    }
    if (!declared)
      return false;
    match.equations.push_back({*declared, dims[at++], i});
  }
  return true;
}

bool Checker::bindPack(CallMatch &match, const Node *pack, Dims dims, size_t i) {
  auto it = match.scope.names.find(pack->text);
  if (it == match.scope.names.end() || it->second.kind != Local::Pack)
    return false;
  Dims &known = it->second.pack;
  if (match.open.erase(std::string(pack->text))) {
    // A name of the function means its own dimension there.
    for (hir::Dim &dim : dims)
      if (match.scope.names.count(dim.name))
        dim.name.clear();
    known = std::move(dims);
    return true;
  }
  if (known.size() != dims.size()) {
    badArgument(match, i, code::E0205,
                ": " + quoted(std::string(pack->text) + "...") + " has " +
                    std::to_string(known.size()) + " dimensions elsewhere, here " +
                    std::to_string(dims.size()));
    return false;
  }
  for (size_t d = 0; d < dims.size(); ++d) {
    auto complain = [&](const std::string &reason, const std::string &help) {
      badArgument(match, i, code::E0205,
                  ": " + quoted(std::string(pack->text) + "...") + " differs, " + reason)
          .help(help);
    };
    std::string message = "argument " + quoted(match.params[i]->text) + " of " +
                          quoted(match.fn->name) + " has another shape than the others";
    if (!requireEqual(known[d], dims[d], argumentAt(match, i)->span, message, complain))
      return false;
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Dimensions
//===----------------------------------------------------------------------===//

/// Binds the only unknown of an equation. `plain`: only where it stands alone.
bool Checker::solveOne(CallMatch &match, const CallMatch::Equation &equation, bool plainOnly) {
  DimExpr declared = equation.declared.substitute(match.bound);
  std::vector<std::string> open;
  for (const std::string &name : declared.symbols())
    if (name[0] == '?')
      open.push_back(name);
  if (open.size() != 1 || (plainOnly && !declared.asSymbol()))
    return false;
  const std::string &name = open[0];
  auto solved = declared.solve(name, equation.actual.size);
  if (!solved) {
    // 2 * N = H: N is H / 2, and that it fits is checked like any equation.
    DimExpr rest = declared.substitute({{name, DimExpr(0)}});
    DimExpr slope = declared.substitute({{name, DimExpr(1)}}) - rest;
    bool linear = declared == rest + slope * DimExpr::symbol(name);
    if (linear && slope.constant().value_or(0) != 0)
      solved = DimExpr::floorDiv(equation.actual.size - rest, slope);
  }
  if (!solved || !solved->valid())
    return false;
  match.bound[name] = *solved;
  if (declared.asSymbol())
    match.names[plain(name)] = equation.actual.name;
  else
    match.names[plain(name)] = "";
  return true;
}

bool Checker::solveDims(CallMatch &match) {
  for (const CallMatch::Equation &equation : match.equations)
    solveOne(match, equation, true);
  for (bool progress = true; progress;) {
    progress = false;
    for (const CallMatch::Equation &equation : match.equations)
      progress |= solveOne(match, equation, false);
  }
  std::string missing;
  for (const Node *g : match.fn->node->kids[0]->kids) {
    std::string name(g->text);
    Local &local = match.scope.names.find(name)->second;
    bool isDim = local.kind == Local::Value;
    if (isDim ? !match.bound.count(placeholder(name)) : match.open.count(name) > 0)
      missing = missing.empty() ? name : missing;
    else if (isDim)
      local.value.number = match.bound[placeholder(name)];
  }
  if (missing.empty())
    return true;
  Report(*this, code::E0214, match.call->span,
         "the arguments of " + quoted(match.fn->name) + " do not determine " + quoted(missing))
      .note(quoted(match.fn->name) + " is declared here", match.fn->node->nameSpan);
  return false;
}

bool Checker::checkEquations(CallMatch &match) {
  for (CallMatch::Equation &equation : match.equations) {
    DimExpr value = equation.declared.substitute(match.bound);
    hir::Dim declared{value, plain(equation.declared.str())};
    auto complain = [&](const std::string &reason, const std::string &help) {
      badArgument(match, equation.param, code::E0205, ": " + reason)
          .note(quoted(match.fn->name) + " is declared here", match.fn->node->nameSpan)
          .help(help);
    };
    std::string message = "argument " + quoted(match.params[equation.param]->text) + " of " +
                          quoted(match.fn->name) + " does not fit " +
                          quoted(textAt(match.params[equation.param]->kids[0]));
    if (!requireEqual(equation.actual, declared, argumentAt(match, equation.param)->span, message,
                      complain))
      return false;
  }
  for (auto &[name, value] : match.bound) {
    auto complain = [&](const std::string &reason, const std::string &help) {
      Report(*this, code::E0212, match.call->span,
             quoted(plain(name)) + " of " + quoted(match.fn->name) +
                 " would be negative: " + reason)
          .help(help);
    };
    if (!requireAtLeast(value, DimExpr(0), match.call->span,
                        quoted(plain(name)) + " of " + quoted(match.fn->name) +
                            " must not be negative",
                        complain))
      return false;
  }
  return true;
}

} // namespace mad::elab
