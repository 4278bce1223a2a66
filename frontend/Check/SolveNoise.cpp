//===- SolveNoise.cpp - Stochastic differential equations -------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Ode/Tableaus/Tableau.h"
#include "frontend/Check/Dependence.h"
#include "frontend/Check/Solve.h"

#include <algorithm>

namespace mad::elab {

using namespace ast;

static bool isStochastic(const std::string &method) {
  return ode::methodOf(method).family == ode::Family::Stochastic;
}

/// `key = k` of a method: two words.
bool Checker::solveKey(const Node *value, Problem &problem) {
  if (!isStochastic(problem.solve.method)) {
    Report(*this, code::E0221, value->span,
           quoted(problem.solve.method) + " draws no random numbers: it has no `key`")
        .help("leave it out, or take `euler_maruyama` for an ode with `noise`");
    return false;
  }
  const TypeTree type{false, {Element::I32, {hir::Dim{DimExpr(2), {}}}}, {}};
  Value key = expr(value, Element::I32);
  if (key.isTensor() && !key.space.empty()) {
    Report(*this, code::E0221, value->span, "the key of a `solve` does not depend on an index")
        .help("the systems of an ensemble have noise of their own from one key");
    return false;
  }
  key = settled(coerce(key, type, value, "the key of a method"), Want(type), value);
  if (key.poison())
    return false;
  problem.options["key"] = key;
  return true;
}

/// Which states have noise, and whether the method is one for it.
bool Checker::solveNoise(const Node *at, Problem &problem) {
  hir::Solve &solve = problem.solve;
  const Declaration &ode = *problem.match.fn;
  bool any = false;
  std::vector<bool> noisy;
  for (const Node *p : ode.node->kids[1]->kids) {
    if (!(p->flags & Unknown))
      continue;
    bool has = false;
    for (const Node *line : ode.node->kids[3]->kids)
      has |= line && line->kind == Kind::Der && (line->flags & Noise) && line->text == p->text;
    noisy.push_back(has);
    any |= has;
  }
  auto refuse = [&](const std::string &text, const std::string &help) {
    Report(*this, code::E0221, at->span, text)
        .note(quoted(ode.name) + " is declared here", ode.node->nameSpan)
        .help(help);
    return false;
  };
  if (any && !isStochastic(solve.method))
    return refuse(quoted(ode.name) + " has noise, but " + quoted(solve.method) +
                      " is for equations without",
                  "write `with euler_maruyama(steps = 1000, key = random.key(1))`");
  if (!any && isStochastic(solve.method))
    return refuse(quoted(solve.method) + " is for equations with noise, but " + quoted(ode.name) +
                      " has none",
                  "write `noise(u) = ...` for a state u, or take `euler` or `rk4`");
  if (any && !problem.options.count("key"))
    return refuse(quoted(solve.method) + " has no key for its random numbers",
                  "write `key = random.key(1)`; the same key gives the same path");
  if (any)
    solve.noisy = noisy;
  return true;
}

/// `noise(u) = value`: the amplitudes in the shape of u, one process for each element; or with one
/// more dimension behind it, of as many processes that all states with such noise have in common.
void Checker::noisePart(const Node *n) {
  const std::string name = "noise(" + std::string(n->text) + ")";
  std::optional<TypeTree> type;
  for (const Node *p : frame->fn->node->kids[1]->kids)
    if (p->text == n->text)
      type = typeOf(p->kids[0]);
  Local local;
  local.span = n->nameSpan;
  const Node *written = n->kids[0];
  Value value = expr(written, type ? Want(*type) : Want());
  if (value.kind == Value::Nothing) {
    Report(*this, code::E0313, written->span, "a value is expected here");
    value = {};
  }
  const size_t rank = type && !type->tuple ? type->type.shape.size() : 0;
  // A number stands for a tensor by mistake; another rank, where common processes were meant.
  const bool isCommon = value.isTensor() && value.space.empty() && value.rank() != rank &&
                        value.rank() > 0 && type && !type->tuple &&
                        value.ref.type().element == type->type.element;
  if (isCommon)
    local.value = commonNoise(value, *type, n);
  else if (type)
    local.value = settled(coerce(value, *type, written, quoted(name)), Want(*type), written);
  frame->scope->names.emplace(name, local);
}

/// Noise of common processes: as many as that of the states in front of it has.
Value Checker::commonNoise(Value value, const TypeTree &type, const Node *n) {
  const std::string name = "noise(" + std::string(n->text) + ")";
  const Node *written = n->kids[0];
  Dims shape = type.type.shape;
  std::string message = quoted(name) + " is " + quoted(show(type)) +
                        ", or has one more dimension behind it for common processes, found " +
                        quoted(show(value));
  auto complain = [&](const std::string &reason, const std::string &help) {
    Report(*this, code::E0302, written->span, message + (reason.empty() ? "" : ": " + reason))
        .help(help);
  };
  if (value.rank() != shape.size() + 1) {
    complain(std::to_string(value.rank()) + (value.rank() == 1 ? " dimension" : " dimensions") +
                 ", not " + std::to_string(shape.size()) + " or " +
                 std::to_string(shape.size() + 1),
             "");
    return {};
  }
  for (size_t d = 0; d < shape.size(); ++d)
    if (!requireEqual(value.shape()[d], shape[d], written->span, message, complain))
      return {};
  shape.push_back(value.shape().back());
  for (const Node *p : frame->fn->node->kids[1]->kids) {
    const std::string otherName = "noise(" + std::string(p->text) + ")";
    const Local *other = frame->scope->find(otherName);
    const Local *state = frame->scope->find(p->text);
    if (!other || !other->value.isTensor() || !state || !state->value.isTensor() ||
        other->value.rank() != state->value.rank() + 1)
      continue;
    message = "the processes of noise are common to all states: " + quoted(name) + " has " +
              quoted(show(shape.back())) + " of them, but " + quoted(otherName) + " has " +
              quoted(show(other->value.shape().back()));
    if (!requireEqual(shape.back(), other->value.shape().back(), written->span, message, complain))
      return {};
  }
  return withSizes(value, shape);
}

/// Milstein's method needs no more than increments where noise commutes. It is known to where the
/// noise of an element depends on no element with noise but that one, where there is one process
/// alone, and where noise depends on nothing that has some (Kloeden and Platen, Numerical Solution
/// of Stochastic Differential Equations, 10.3).
bool Checker::commutativeNoise(const Problem &problem, const hir::Function &rates) {
  const hir::Solve &solve = problem.solve;
  if (solve.method != ode::milstein)
    return true;
  const std::vector<std::vector<bool>> depends = hir::dependence(rates);
  size_t result = problem.states, common = 0;
  std::string varies, own;
  bool isOne = true, isDiagonal = true;
  size_t blamed = 0;
  for (size_t i = 0; i < problem.states; ++i) {
    if (!solve.noisy[i])
      continue;
    const auto &shape = rates.body.results[result].type().shape;
    const size_t rank = rates.body.parameters[i]->types[0].shape.size();
    const bool isCommon = shape.size() > rank;
    common += isCommon;
    isOne &= isCommon && shape.back().size.constant() == 1;
    std::string why;
    for (size_t j = 0; j < problem.states; ++j) {
      if (!solve.noisy[j] || !depends[result][j])
        continue;
      if (varies.empty())
        varies =
            quoted("noise(" + solve.states[i] + ")") + " depends on " + quoted(solve.states[j]);
      if (j != i && why.empty())
        why = "depends on " + quoted(solve.states[j]);
    }
    if (why.empty() && rank && !isCommon && !hir::isElementwise(rates, result, i))
      why = "is not computed element by element from " + quoted(solve.states[i]);
    if (own.empty() && !why.empty()) {
      own = quoted("noise(" + solve.states[i] + ")") + " " + why;
      blamed = i;
    }
    isDiagonal &= !isCommon && why.empty();
    ++result;
  }
  if (varies.empty() || isOne || isDiagonal)
    return true;
  const Declaration &ode = *problem.match.fn;
  if (common)
    blamed = size_t(std::find(solve.noisy.begin(), solve.noisy.end(), true) - solve.noisy.begin());
  const std::string name = "noise(" + solve.states[blamed] + ")";
  Span place = ode.node->nameSpan;
  for (const Node *line : ode.node->kids[3]->kids)
    if (line && line->kind == Kind::Der && (line->flags & Noise) &&
        line->text == solve.states[blamed])
      place = line->span;
  Report(*this, code::E0221, problem.method->span,
         common
             ? "`milstein` needs noise of one process, or that depends on no state with noise: " +
                   varies + ", and there are more processes"
             : "`milstein` needs noise of each element that depends on it alone: " + own)
      .note(quoted(name) + " is here", place)
      .help("take `euler_maruyama`, which is for all noise");
  return false;
}

} // namespace mad::elab
