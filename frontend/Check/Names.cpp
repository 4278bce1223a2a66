//===- Names.cpp - Looking names up -----------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Builtins.h"
#include "frontend/Check/Checker.h"
#include "frontend/Check/Frames.h"

#include <algorithm>

namespace mad::elab {

using namespace ast;

//===----------------------------------------------------------------------===//
// Suggestions
//===----------------------------------------------------------------------===//

/// Insertions, deletions, replacements and swaps of neighbours.
static size_t editDistance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> d(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i)
    for (size_t k = 0; k <= b.size(); ++k) {
      if (!i || !k) {
        d[i][k] = i + k;
        continue;
      }
      d[i][k] =
          std::min({d[i - 1][k] + 1, d[i][k - 1] + 1, d[i - 1][k - 1] + (a[i - 1] != b[k - 1])});
      if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
        d[i][k] = std::min(d[i][k], d[i - 2][k - 2] + 1);
    }
  return d[a.size()][b.size()];
}

std::string Checker::suggestion(std::string_view name, const std::vector<std::string> &candidates) {
  std::string best;
  if (name.size() > 64)
    return best;
  size_t limit = std::max<size_t>(1, name.size() / 3), found = limit + 1;
  for (const std::string &candidate : candidates) {
    if (candidate.size() > 64 || candidate == name)
      continue;
    size_t distance = editDistance(name, candidate);
    // One letter for another is no likely slip.
    if (distance >= std::max(name.size(), candidate.size()))
      continue;
    if (distance < found || (distance == found && candidate < best)) {
      found = distance;
      best = candidate;
    }
  }
  return best;
}

/// What names of other languages, and of modules that are not used, stand for.
static std::string habitOfName(std::string_view name) {
  if (name == "True" || name == "False")
    return name == "True" ? "write `true`" : "write `false`";
  if (name == "np" || name == "numpy" || name == "torch" || name == "jnp" || name == "tf")
    return "functions of the language have no prefix: `sum(x)`";
  if (name == "None" || name == "nil" || name == "null")
    return "there is no such value: leave the argument out, or insert a dimension with `reshape`";
  if (name == "len")
    return "write `size(x, axis = 0)`";
  if (name == "print")
    return "a function has no effects: return the value, or check it in a `test`";
  if (name == "pow")
    return "a power is written `a ^ b`";
  if (standardModule("std." + std::string(name)))
    return "write `use std." + std::string(name) + "` at the top of the file";
  return {};
}

/// What attributes and methods of arrays elsewhere are here.
static std::string habitOfMember(std::string_view member, const std::string &object) {
  if (member == "T")
    return "write `transpose(" + object + ")`";
  if (member == "shape" || member == "size")
    return "write `size(" + object + ", axis = 0)`, or the name of the dimension";
  if (member == "dtype")
    return "types are known when compiling: name one with `T: type` in the brackets of the "
           "function";
  if (isBuiltin(member))
    return "write `" + std::string(member) + "(" + object + ")`";
  return {};
}

static std::string declared(const Declaration &decl) {
  return (decl.node->kind == Kind::Rule ? "rule " : "fn ") + decl.name;
}

void Checker::unknownName(const Node *at, std::string_view what) {
  ++failures;
  if (!reportedNames.insert(std::string(at->text)).second)
    return;
  std::vector<std::string> candidates;
  for (Scope *scope = frame->scope; scope; scope = scope->outer)
    for (const auto &[name, _] : scope->sorted())
      candidates.emplace_back(name);
  for (const auto &[name, _] : frame->module->names)
    candidates.push_back(name);
  if (what == "function")
    candidates.insert(candidates.end(), builtinNames().begin(), builtinNames().end());
  Report report(*this, code::E0201, at->nameSpan,
                "there is no " + std::string(what) + " `" + std::string(at->text) + "`");
  std::string member;
  for (const auto &[name, decl] : frame->module->names)
    if (decl->kind == Declaration::Use && decl->used && !at->text.starts_with('_') &&
        decl->used->names.count(at->text))
      member = name + "." + std::string(at->text);
  if (!member.empty())
    report.help("write " + quoted(member));
  else if (std::string known = habitOfName(at->text); !known.empty())
    report.help(known);
  else if (std::string near = suggestion(at->text, candidates); !near.empty())
    report.help("did you mean `" + near + "`?");
  else if (frame->fn && what.starts_with("pack"))
    report.help("it is declared in brackets: " +
                quoted(declared(*frame->fn) + "[" + std::string(at->text) + "...]"));
  else if (inParameters && frame->fn)
    report.help("a dimension that the caller chooses is declared in brackets: " +
                quoted(declared(*frame->fn) + "[" + std::string(at->text) + "]"));
}

//===----------------------------------------------------------------------===//
// Values of names
//===----------------------------------------------------------------------===//

std::optional<hir::Element> Checker::elementName(std::string_view name) {
  for (Element e : hir::elements)
    if (name == hir::name(e))
      return e;
  if (frame)
    if (Local *local = frame->scope->find(name); local && local->kind == Local::Element)
      return local->element;
  return std::nullopt;
}

Declaration *Checker::findDeclaration(std::string_view name) {
  auto it = frame->module->names.find(name);
  return it == frame->module->names.end() ? nullptr : it->second;
}

Value Checker::nameValue(const Node *n, const Want &want) {
  if (Local *local = frame->scope->find(n->text)) {
    switch (local->kind) {
    case Local::Value:
      return local->value;
    case Local::Index:
      return indexValue(local->index);
    case Local::Element:
      Report(*this, code::E0202, n->span, quoted(n->text) + " is a type, not a value");
      return {};
    case Local::Pack:
      Report(*this, code::E0202, n->span,
             quoted(n->text) + " stands for several dimensions, not for a value")
          .help("write it in a type: " + quoted("[" + std::string(n->text) + "...]"));
      return {};
    }
  }
  if (Declaration *decl = findDeclaration(n->text))
    return declarationValue(*decl, n, want);
  if (elementName(n->text)) {
    Report(*this, code::E0202, n->span, quoted(n->text) + " is a type, not a value");
    return {};
  }
  if (isBuiltin(n->text)) {
    Report(*this, code::E0202, n->span, quoted(n->text) + " is a function, not a value")
        .help("call it: " + quoted(std::string(n->text) + "(...)"));
    return {};
  }
  unknownName(n, "name");
  return {};
}

Value Checker::declarationValue(Declaration &decl, const Node *at, const Want &want) {
  switch (decl.kind) {
  case Declaration::Dim:
    dimValue(decl);
    return decl.value;
  case Declaration::Const: {
    if (decl.state == Declaration::Bad)
      return {};
    if (needsItself(decl))
      return {};
    // Tensors are created where they are used.
    if (decl.state == Declaration::Good && !decl.value.isTensor() &&
        decl.value.kind != Value::Tuple)
      return decl.value;
    decl.state = Declaration::Busy;
    Scope scope;
    Frame inner = frame->at(decl.module, &scope);
    inner.precision = decl.module->precision.value_or(frame->precision);
    Enter enter(*this, inner);
    const Node *type = decl.node->kids[0];
    std::optional<TypeTree> tree = type ? typeOf(type) : std::nullopt;
    decl.value = expr(decl.node->kids[1], tree ? Want(*tree) : Want());
    if (tree && !decl.value.poison())
      decl.value = coerce(decl.value, *tree, decl.node->kids[1], quoted(decl.name));
    decl.state = decl.value.poison() ? Declaration::Bad : Declaration::Good;
    return decl.value;
  }
  case Declaration::Weight:
    weightValue(decl);
    if (decl.state != Declaration::Good)
      return {};
    return weightOf(decl.type, decl.weight);
  case Declaration::Record:
    Report(*this, code::E0202, at->span, quoted(decl.name) + " is a record, not a value")
        .note(quoted(decl.name) + " is declared here", decl.node->nameSpan)
        .help("make one: " + quoted(decl.name + "(...)"));
    return {};
  case Declaration::Fn:
    Report(*this, code::E0202, at->span,
           quoted(decl.name) + (decl.node->flags & IsOde ? " is an ode" : " is a function") +
               ", not a value")
        .note(quoted(decl.name) + " is declared here", decl.node->nameSpan);
    return {};
  case Declaration::Use:
    if (decl.used)
      Report(*this, code::E0202, at->span, quoted(decl.name) + " is a module, not a value");
    else
      ++failures;
    return {};
  }
  return {};
}

/// Whether a name of another module is for what stands here: one that begins with `_`
/// is for its module, and for tests.
static bool isShared(std::string_view name, const Frame &here) {
  bool inTest = here.function && here.function->kind == hir::Function::Test && !here.fn;
  return inTest || !name.starts_with('_');
}

Declaration *Checker::memberDeclaration(const Node *n) {
  const Node *object = n->kids[0];
  if (object->kind != Kind::Name || frame->scope->find(object->text))
    return nullptr;
  Declaration *decl = findDeclaration(object->text);
  if (!decl || decl->kind != Declaration::Use || !decl->used || !isShared(n->text, *frame))
    return nullptr;
  auto it = decl->used->names.find(n->text);
  return it != decl->used->names.end() && it->second->kind != Declaration::Use ? it->second
                                                                               : nullptr;
}

Value Checker::memberValue(const Node *n, const Want &want) {
  if (Declaration *decl = memberDeclaration(n))
    return declarationValue(*decl, n, want);
  const Node *object = n->kids[0];
  if (object->kind == Kind::Name && !frame->scope->find(object->text))
    if (Declaration *decl = findDeclaration(object->text); decl && decl->kind == Declaration::Use) {
      ++failures;
      if (!decl->used)
        return {};
      std::vector<std::string> candidates;
      for (const auto &[name, _] : decl->used->names)
        if (isShared(name, *frame))
          candidates.push_back(name);
      auto it = decl->used->names.find(n->text);
      if (it != decl->used->names.end() && !isShared(n->text, *frame)) {
        Report(*this, code::E0201, n->nameSpan,
               quoted(n->text) + " is for " + quoted(decl->used->name) +
                   " alone, as its name begins with `_`")
            .note(quoted(n->text) + " is declared here", it->second->node->nameSpan);
        return {};
      }
      Report report(*this, code::E0201, n->nameSpan,
                    quoted(decl->used->name) + " has no " + quoted(n->text));
      if (std::string near = suggestion(n->text, candidates); !near.empty())
        report.help("did you mean `" + near + "`?");
      return {};
    }
  Value value = expr(object);
  if (value.poison())
    return {};
  auto number = memberNumber(n, value);
  return number ? value.parts[*number] : Value();
}

/// The part of a tuple that `.0` names, or of a record that `.q` does.
std::optional<size_t> Checker::memberNumber(const Node *n, const Value &value) {
  if (value.kind == Value::Tuple && value.record) {
    const std::vector<std::string> &fields = value.record->fields;
    auto it = std::find(fields.begin(), fields.end(), n->text);
    if (it != fields.end())
      return it - fields.begin();
    Report report(*this, code::E0308, n->nameSpan,
                  quoted(value.record->name) + " has no field " + quoted(n->text));
    report.label(n->kids[0]->span);
    if (std::string near = suggestion(n->text, fields); !near.empty())
      report.help("did you mean " + quoted(near) + "?");
    return std::nullopt;
  }
  bool digits = !n->text.empty() && std::all_of(n->text.begin(), n->text.end(),
                                                [](char c) { return c >= '0' && c <= '9'; });
  if (value.poison())
    return std::nullopt;
  if (value.kind != Value::Tuple || !digits) {
    Report(*this, code::E0308, n->nameSpan,
           quoted(show(value)) + " has no member " + quoted(n->text))
        .label(n->kids[0]->span)
        .help(habitOfMember(n->text, textAt(n->kids[0])));
    return std::nullopt;
  }
  size_t i = n->text.size() > 4 ? value.parts.size() : std::stoul(std::string(n->text));
  if (i < value.parts.size())
    return i;
  Report(*this, code::E0308, n->nameSpan,
         "the tuple has " + std::to_string(value.parts.size()) +
             " parts, numbered from 0: there is no " + quoted(n->text))
      .label(n->kids[0]->span);
  return std::nullopt;
}

Declaration *Checker::callee(const Node *n, std::string &builtin) {
  if (n->kind == Kind::Member) {
    if (Declaration *decl = memberDeclaration(n)) {
      if (decl->kind == Declaration::Fn || decl->kind == Declaration::Record)
        return decl;
      Report(*this, code::E0202, n->span, quoted(decl->name) + " is not a function");
      return nullptr;
    }
    if (Value value = memberValue(n, {}); !value.poison())
      Report(*this, code::E0202, n->span, "a value cannot be called");
    return nullptr;
  }
  if (n->kind != Kind::Name) {
    if (n->kind != Kind::Error && !expr(n).poison())
      Report(*this, code::E0202, n->span, "a value cannot be called");
    ++failures;
    return nullptr;
  }
  // A value of the same name is no reason to hide a function.
  if (Declaration *decl = findDeclaration(n->text)) {
    if (decl->kind == Declaration::Fn || decl->kind == Declaration::Record)
      return decl;
    if (!isBuiltin(n->text)) {
      ++failures;
      if (decl->kind != Declaration::Use || decl->used)
        Report(*this, code::E0202, n->span, quoted(n->text) + " is not a function")
            .note(quoted(n->text) + " is declared here", decl->node->nameSpan);
      return nullptr;
    }
  }
  if (isBuiltin(n->text) || elementName(n->text)) {
    builtin = n->text;
    return nullptr;
  }
  if (Local *local = frame->scope->find(n->text)) {
    ++failures;
    if (local->kind != Local::Value || !local->value.poison())
      Report(*this, code::E0202, n->span, quoted(n->text) + " is not a function")
          .note(quoted(n->text) + " is declared here", local->span);
    return nullptr;
  }
  unknownName(n, "function");
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Declaring
//===----------------------------------------------------------------------===//

void Checker::declareLocal(const Node *name, Local local) {
  local.span = name->nameSpan;
  std::string text(name->text);
  if (text == "_")
    return;
  auto [it, fresh] = frame->scope->names.emplace(text, local);
  if (fresh)
    return;
  Report(*this, code::E0401, name->nameSpan, quoted(text) + " is declared twice")
      .note("the first declaration is here", it->second.span)
      .help("values never change: choose another name");
  it->second = local;
}

void Checker::bindPattern(const Node *pattern, const Value &value) {
  if (pattern->kind == Kind::Name) {
    if (value.isTensor() && value.ref.node->name.empty() && value.ref.node->types.size() == 1)
      value.ref.node->name = pattern->text;
    Local local;
    local.value = value;
    declareLocal(pattern, local);
    return;
  }
  if (pattern->kind != Kind::TuplePattern)
    return;
  // Of a tensor, the parts along its first dimension.
  bool rows = value.isTensor() && value.rank() > 0 &&
              value.shape()[0].size == DimExpr(int64_t(pattern->kids.size()));
  for (size_t i = 0; rows && i < pattern->kids.size(); ++i) {
    AffineForm position;
    position.offset = DimExpr(int64_t(i));
    bindPattern(pattern->kids[i], elementAt(value, position, pattern));
  }
  if (rows)
    return;
  bool fits = value.kind == Value::Tuple && value.parts.size() == pattern->kids.size();
  if (!fits && !value.poison())
    Report(*this, code::E0308, pattern->span,
           "the pattern has " + std::to_string(pattern->kids.size()) + " parts, the value is " +
               quoted(show(value)));
  for (size_t i = 0; i < pattern->kids.size(); ++i)
    bindPattern(pattern->kids[i], fits ? value.parts[i] : Value());
}

void Checker::noteDeclaration(Report &report, const Node *n) {
  if (n->kind != Kind::Name || frame->scope->find(n->text))
    return;
  Declaration *decl = findDeclaration(n->text);
  if (decl && (decl->kind == Declaration::Weight || decl->kind == Declaration::Const))
    report.note(quoted(n->text) + " is declared here", decl->node->nameSpan);
}

} // namespace mad::elab
