//===- CalibratedWeights.cpp - Weights that are rounded by their activations ===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `weight w = quant.gptq(base, 4, calibration = "FILE")`. The data are those of the weight that is
// defined, so such a call is the whole value of a weight. `std.quant` declares all parameters but
// this one, which no other function has.
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Checker.h"

#include <algorithm>

namespace mad::elab {

using namespace ast;

/// The function of `std.quant` that is called; else null.
static Declaration *roundingOf(Declaration *decl) {
  bool rounds = decl && decl->kind == Declaration::Fn && decl->module->name == "std.quant";
  return rounds ? decl : nullptr;
}

bool Checker::isRounding(const Node *expression) {
  return expression->kind == Kind::Call && expression->kids[0]->kind == Kind::Member &&
         roundingOf(memberDeclaration(expression->kids[0]));
}

/// Whether the constants of a call of `std.quant`, if it is one, are those of some grid.
bool Checker::checkRounding(const CallMatch &match) {
  if (!roundingOf(match.fn))
    return true;
  for (size_t i = 0; i < match.params.size(); ++i) {
    const Value &value = match.values[i];
    auto number = value.kind == Value::Integer ? value.number.constant() : std::nullopt;
    std::string wrong;
    if (number && match.params[i]->text == "bits")
      wrong = lut::Format().set("bits", std::to_string(*number));
    else if (number && match.params[i]->text == "group" && *number < 0)
      wrong = "a group has at least one element, or is 0 for all, found " + std::to_string(*number);
    if (wrong.empty())
      continue;
    Report(*this, code::E0410, argumentAt(match, i)->span,
           quoted("quant." + match.fn->name) + ": " + wrong);
    return false;
  }
  return true;
}

/// The argument that names the data, of a call of `quant.gptq`; else null.
const Node *Checker::calibrationOf(const Node *expression) {
  if (expression->kind != Kind::Call)
    return nullptr;
  auto named =
      std::find_if(expression->kids.begin() + 1, expression->kids.end(), [](const Node *kid) {
        return kid->kind == Kind::Named && kid->text == "calibration";
      });
  const Node *name = expression->kids[0];
  if (named == expression->kids.end() || (name->kind != Kind::Name && name->kind != Kind::Member))
    return nullptr;
  std::string builtin;
  Declaration *decl = roundingOf(callee(name, builtin));
  return decl && decl->name == "gptq" ? *named : nullptr;
}

/// The weight before it is rounded; `gptq` says how it will be.
Value Checker::calibratedValue(const Node *expression, const Node *calibration, hir::Gptq &gptq) {
  auto path = textOf(calibration->kids[0], "the file of calibration data");
  if (!path)
    return {};
  if (path->empty()) {
    Report(*this, code::E0410, calibration->span, "the file of calibration data needs a name");
    return {};
  }
  gptq.path = *path;
  Node call = *expression;
  std::erase(call.kids, calibration);
  CallMatch match;
  std::string builtin;
  match.fn = callee(expression->kids[0], builtin);
  match.call = &call;
  defineFunction(*match.fn);
  if (match.fn->state != Declaration::Good || !matchArguments(match))
    return {};
  openGenerics(match);
  if (!evaluateArguments(match) || !solveDims(match) || !checkEquations(match) ||
      !evaluateDefaults(match))
    return {};
  for (size_t i = 0; i < match.params.size(); ++i) {
    std::string_view name = match.params[i]->text;
    const Value &value = match.values[i];
    int64_t number = value.kind == Value::Integer ? value.number.constant().value_or(-1) : -1;
    if (name == "bits")
      gptq.grid.bits = int(std::clamp<int64_t>(number, -1, 99));
    else if (name == "group")
      gptq.grid.group = number;
    else if (name == "affine")
      gptq.grid.affine = value.truth;
    else if (name == "half")
      gptq.grid.half = value.truth;
    else if (name == "act_order")
      gptq.order = value.truth;
    else if (name == "search")
      gptq.search = value.truth;
    else if (name == "damp")
      gptq.damp = value.real;
  }
  if (!(gptq.damp >= 0)) {
    Report(*this, code::E0410, expression->span, "`damp` is negative");
    return {};
  }
  return match.values[0];
}

} // namespace mad::elab
