//===- SolveLinear.cpp - Linear parts of differential equations --------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `linear(u) = L` in an ode: der(u) = L u + N(t, u). Exponential methods take N as what der(u) has
// besides, so an L that is wrong costs digits or steps and never changes the equations.
//
//===----------------------------------------------------------------------===//
#include "dialects/Ode/Tableaus/Tableau.h"
#include "frontend/Check/Solve.h"

#include <set>

namespace mad::elab {

using namespace ast;

/// The nodes among `wanted` that a node is computed from; null if none.
static const hir::Node *reached(const hir::Node *from, const std::set<const hir::Node *> &wanted,
                                std::set<const hir::Node *> &seen) {
  std::vector<const hir::Node *> open{from};
  while (!open.empty()) {
    const hir::Node *node = open.back();
    open.pop_back();
    if (!node || !seen.insert(node).second)
      continue;
    if (wanted.count(node))
      return node;
    for (const hir::Ref &operand : node->operands)
      open.push_back(operand.node);
    for (const hir::Region &region : node->regions) {
      open.insert(open.end(), region.nodes.begin(), region.nodes.end());
      for (const hir::Ref &result : region.results)
        open.push_back(result.node);
    }
  }
  return nullptr;
}

/// `linear(u) = value`: a number, a diagonal of the shape of u, or a matrix [N, N] for a u [N].
void Checker::linearPart(const Node *n) {
  const std::string name = "linear(" + std::string(n->text) + ")";
  Local local;
  local.span = n->nameSpan;
  auto finish = [&](Value value) {
    local.value = value;
    frame->scope->names.emplace(name, local);
  };
  std::optional<TypeTree> type;
  std::set<const hir::Node *> varying;
  for (const Node *p : frame->fn->node->kids[1]->kids) {
    if (p->text == n->text)
      type = typeOf(p->kids[0]);
    const Local *known = frame->scope->find(std::string(p->text));
    if ((p->flags & (Unknown | Time)) && known && known->value.isTensor())
      varying.insert(known->value.ref.node);
  }
  const Node *written = n->kids[0];
  if (!type || type->tuple)
    return finish({});
  Element element = type->type.element;
  Value value = settled(expr(written, element), element, written);
  if (value.kind == Value::Nothing) {
    Report(*this, code::E0313, written->span, "a value is expected here");
    return finish({});
  }
  if (value.poison())
    return finish({});
  const Dims &shape = type->type.shape;
  bool isMatrix = shape.size() == 1 && value.isTensor() && value.rank() == 2;
  const std::string text =
      quoted(name) + " is a number, a diagonal " + quoted(show(TypeTree{*type})) +
      (shape.size() == 1 ? ", or a matrix with that many rows and columns" : "") + ", found " +
      quoted(show(value));
  auto complain = [&](const std::string &reason, const std::string &help) {
    Report(*this, code::E0302, written->span, text + (reason.empty() ? "" : ": " + reason))
        .help(help);
    return finish({});
  };
  if (!value.isTensor() || !value.space.empty() || value.ref.type().element != element ||
      (value.rank() != 0 && value.rank() != shape.size() && !isMatrix))
    return complain("", "");
  for (size_t d = 0; d < value.rank(); ++d)
    if (!requireEqual(value.shape()[d], shape[isMatrix ? 0 : d], written->span, text, complain))
      return;
  std::set<const hir::Node *> seen;
  if (const hir::Node *state = reached(value.ref.node, varying, seen)) {
    Report(*this, code::E0221, written->span,
           quoted(name) + " depends on " + quoted(state->name) + ", but it is constant")
        .help("it depends on parameters alone; what varies is in `der(" + std::string(n->text) +
              ")`, which is still the whole derivative");
    return finish({});
  }
  finish(value);
}

/// The linear parts of the ode, if the method needs them.
bool Checker::solveLinear(Problem &problem) {
  hir::Solve &solve = problem.solve;
  if (!ode::methodOf(solve.method).linear)
    return true;
  const Declaration &ode = *problem.match.fn;
  int64_t state = 0;
  for (const Node *p : ode.node->kids[1]->kids) {
    if (!(p->flags & Unknown))
      continue;
    for (const Node *line : ode.node->kids[3]->kids)
      if (line && line->kind == Kind::Der && (line->flags & Linear) && line->text == p->text)
        solve.linear.push_back(state);
    ++state;
  }
  if (!solve.linear.empty())
    return true;
  const std::string name = solve.states.empty() ? "u" : solve.states[0];
  Report(*this, code::E0221, problem.method->span,
         quoted(solve.method) + " needs the linear part of the equations, but " + quoted(ode.name) +
             " declares none")
      .note(quoted(ode.name) + " is declared here", ode.node->nameSpan)
      .help("write `linear(" + name + ") = L` in it, where `der(" + name +
            ")` is the sum of `L * " + name +
            "` and other terms; `exprb2` takes the Jacobian instead");
  return false;
}

} // namespace mad::elab
