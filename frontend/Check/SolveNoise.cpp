//===- SolveNoise.cpp - Stochastic differential equations -------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Ode/Tableaus/Tableau.h"
#include "frontend/Check/Dependence.h"
#include "frontend/Check/Solve.h"

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

/// Milstein's method needs no more than increments where the noise of an element depends on that
/// element alone.
bool Checker::diagonalNoise(const Problem &problem, const hir::Function &rates) {
  const hir::Solve &solve = problem.solve;
  if (solve.method != ode::milstein)
    return true;
  const Declaration &ode = *problem.match.fn;
  const std::vector<std::vector<bool>> depends = hir::dependence(rates);
  size_t result = problem.states;
  for (size_t i = 0; i < problem.states; ++i) {
    if (!solve.noisy[i])
      continue;
    const bool isOne = rates.body.parameters[i]->types[0].shape.empty();
    std::string why;
    for (size_t j = 0; j < problem.states && why.empty(); ++j)
      if (j != i && depends[result][j])
        why = "depends on " + quoted(solve.states[j]);
    if (why.empty() && !isOne && !hir::isElementwise(rates, result, i))
      why = "is not computed element by element from " + quoted(solve.states[i]);
    ++result;
    if (why.empty())
      continue;
    const std::string name = "noise(" + solve.states[i] + ")";
    Span place = ode.node->nameSpan;
    for (const Node *line : ode.node->kids[3]->kids)
      if (line && line->kind == Kind::Der && (line->flags & Noise) && line->text == solve.states[i])
        place = line->span;
    Report(*this, code::E0221, problem.method->span,
           "`milstein` needs noise of each element that depends on it alone: " + quoted(name) +
               " " + why)
        .note(quoted(name) + " is here", place)
        .help("take `euler_maruyama`, which is for all noise");
    return false;
  }
  return true;
}

} // namespace mad::elab
