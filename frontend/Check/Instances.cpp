//===- Instances.cpp - Functions as calls need them -----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Checker.h"
#include "frontend/Check/Frames.h"

namespace mad::elab {

using namespace ast;

/// More instances come from programs that only a generator writes.
static constexpr uint32_t maxInstances = 10000;

/// What an instance depends on, as text.
std::string Checker::signature(const CallMatch &match) {
  std::string key = std::to_string(reinterpret_cast<uintptr_t>(match.fn));
  key += hir::name(precisionOf(*match.fn, frame->precision));
  bool symbolic = false;
  std::function<void(const Value &)> add = [&](const Value &value) {
    key += ";";
    if (value.kind == Value::Tuple) {
      key += "(" + std::to_string(reinterpret_cast<uintptr_t>(value.record)) + "," +
             std::to_string(value.lead) + ":";
      for (const Value &part : value.parts)
        add(part);
      key += ")";
      return;
    }
    if (!value.isTensor())
      return;
    key += hir::name(value.ref.type().element);
    for (const hir::Dim &dim : value.ref.type().shape)
      symbolic |= !dim.size.constant();
  };
  for (const Value &value : match.values)
    add(value);
  for (const auto &[name, local] : match.scope.sorted()) {
    key += ";" + std::string(name) + "=";
    for (const hir::Dim &dim : local->pack)
      key += dim.size.str() + "'" + dim.name + ",";
    const Value &value = local->value;
    if (value.kind == Value::Integer || value.kind == Value::Axis) {
      key += value.number.str();
      symbolic |= !value.number.constant();
    } else if (value.kind == Value::Real) {
      char text[40];
      std::snprintf(text, sizeof text, "%a", value.real);
      key += text;
    } else if (value.kind == Value::Truth) {
      key += value.truth ? "true" : "false";
    }
  }
  for (const CallMatch::Equation &equation : match.equations)
    key += ";" + equation.actual.size.str();
  // What is known about sizes belongs to the exported function around.
  if (symbolic)
    key += ";root" + std::to_string(frame->root->number);
  return key;
}

Instance &Checker::instantiate(CallMatch &match) {
  auto [it, fresh] = instances.try_emplace(signature(match));
  Instance &instance = it->second;
  if (!fresh)
    return instance;
  if (++instanceCount > maxInstances) {
    if (instanceCount == maxInstances + 1)
      Report(*this, code::E0412, match.call->span,
             "the program needs too many instances of functions");
    instance.failed = true;
    return instance;
  }
  Declaration &decl = *match.fn;
  size_t before = failures;
  auto function = std::make_unique<hir::Function>();
  function->name = decl.module->prefix + decl.name;
  function->doc = docText(decl.node->doc);
  function->span = decl.node->nameSpan;

  Frame own;
  own.fn = &decl;
  own.module = decl.module;
  own.function = function.get();
  own.root = frame->root;
  own.scope = &match.scope;
  own.precision = function->precision = precisionOf(decl, frame->precision);
  {
    Enter enter(*this, own);
    Into into(*this, function->body.nodes);
    stack.push_back({&decl, match.call});
    Value value = functionBody(decl, [&] {
      for (size_t i = 0; i < match.params.size(); ++i) {
        const Node *p = match.params[i];
        if (p->flags & (Constant | Axis | IsShape))
          continue;
        Local local;
        if (auto type = typeOf(p->kids[0]))
          local.value =
              parameter(*type, std::string(p->text), p->nameSpan, function->body.parameters);
        declareLocal(p, local);
      }
    });
    stack.pop_back();
    instance.failed = failures != before || value.poison();
    if (!instance.failed)
      setResults(*function, value);
    instance.result = value;
  }
  Builder::sweep(function->body);
  instance.function = function.get();
  (instance.failed ? dropped : functions).push_back(std::move(function));
  return instance;
}

} // namespace mad::elab
