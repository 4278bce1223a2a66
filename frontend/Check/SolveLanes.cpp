//===- SolveLanes.cpp - Ensembles: many systems in one `solve` --------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An argument of a `solve` may have dimensions in front of those that its parameter declares:
// one system for each position in them. All that have some have the same ones.
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Solve.h"

#include <algorithm>

namespace mad::elab {

using namespace ast;

static std::string listOf(const std::vector<hir::Dim> &dims) {
  std::string text;
  for (const hir::Dim &dim : dims)
    text += (text.empty() ? "" : ", ") + (dim.name.empty() ? dim.size.str() : dim.name);
  return quoted("[" + text + "]");
}

/// Leaves the dimensions of the systems out of those of an argument.
bool Checker::takeLanes(CallMatch &match, const Node *type, Dims &dims, size_t i) {
  match.lead.resize(match.params.size());
  bool packs = std::any_of(type->kids.begin(), type->kids.end(),
                           [](const Node *kid) { return kid->kind == Kind::Pack; });
  // Parts of records and tuples are those of all systems.
  if (type != match.params[i]->kids[0] || packs || dims.size() <= type->kids.size())
    return true;
  auto own = dims.begin() + (dims.size() - type->kids.size());
  Dims lanes(dims.begin(), own);
  dims.erase(dims.begin(), own);
  match.lead[i] = lanes.size();
  if (match.lanes.empty()) {
    match.lanes = lanes;
    match.lanesFrom = i;
    return true;
  }
  const std::string message = quoted(match.params[i]->text) + " of " + quoted(match.fn->name) +
                              " has systems " + listOf(lanes) + ", but " +
                              quoted(match.params[match.lanesFrom]->text) + " has " +
                              listOf(match.lanes);
  auto complain = [&](const std::string &reason, const std::string &) {
    Report(*this, code::E0205, argumentAt(match, i)->span,
           message + (reason.empty() ? "" : ": " + reason))
        .note("the first ones are here", argumentAt(match, match.lanesFrom)->span)
        .help("what all systems share has no dimension of them");
  };
  if (lanes.size() != match.lanes.size()) {
    complain("", "");
    return false;
  }
  for (size_t d = 0; d < lanes.size(); ++d)
    if (!requireEqual(lanes[d], match.lanes[d], argumentAt(match, i)->span, message, complain))
      return false;
  return true;
}

/// An instance knows what one system has.
void Checker::ofOneSystem(CallMatch &match) {
  for (size_t i = 0; i < match.lead.size(); ++i)
    if (match.lead[i]) {
      hir::Type type = match.values[i].ref.type();
      type.shape.erase(type.shape.begin(), type.shape.begin() + match.lead[i]);
      match.values[i] = Value::tensor({b.detached(hir::Op::Parameter, {type})});
    }
}

/// A beginning or an end: a number, or one a system.
std::optional<Value> Checker::solveTime(const Node *n, Problem &problem, const std::string &what) {
  Value value = expr(n, problem.time);
  if (!value.isTensor() || !value.space.empty() || value.rank() == 0)
    return solveNumber(n, value, problem.time, what);
  value = settled(value, problem.time, n);
  if (value.poison())
    return std::nullopt;
  Dims &lanes = problem.match.lanes;
  const Dims found = value.shape();
  if (lanes.empty())
    lanes = found;
  bool fits = value.ref.type().element == problem.time && found.size() == lanes.size();
  const std::string message = what + " is " + quoted(hir::name(problem.time)) +
                              ", or has one for each of the systems " + listOf(lanes) + ", found " +
                              quoted(show(value));
  auto complain = [&](const std::string &reason, const std::string &help) {
    Report(*this, code::E0302, n->span, message + (reason.empty() ? "" : ": " + reason)).help(help);
  };
  if (!fits)
    complain("", "all systems of an ensemble have the same dimensions in front");
  for (size_t d = 0; fits && d < lanes.size(); ++d)
    fits = requireEqual(found[d], lanes[d], n->span, message, complain);
  return fits ? std::optional<Value>(value) : std::nullopt;
}

} // namespace mad::elab
