//===- SolveTolerances.cpp - Tolerances of the elements of states -----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `rtol` and `atol` are numbers, or say of each state what its elements have. All systems of an
// ensemble have the same.
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Solve.h"

#include <algorithm>

namespace mad::elab {

using namespace ast;

/// Whether a number that is known when compiling is negative, or NaN.
static bool isNegative(const hir::Ref &ref) {
  const hir::Node &node = *ref.node;
  if (node.op == hir::Op::Constant)
    return std::any_of(node.values.begin(), node.values.end(), [](double x) { return !(x >= 0); });
  return false;
}

/// That of one state, in its shape: a number or a tensor of it.
std::optional<Value> Checker::tolerancePart(const Node *at, Value value, const Dims &shape,
                                            const std::string &what) {
  value = settled(value, Element::F64, at);
  if (value.poison())
    return std::nullopt;
  const TypeTree type{false, {Element::F64, shape}, {}};
  const std::string message = what + " is `f64`" +
                              (shape.empty() ? "" : " or " + quoted(show(type))) + ", found " +
                              quoted(show(value));
  auto complain = [&](const std::string &reason, const std::string &help) {
    Report(*this, code::E0221, at->span, message + (reason.empty() ? "" : ": " + reason))
        .help(help);
  };
  bool fits = value.isTensor() && value.space.empty() && value.ref.type().element == Element::F64 &&
              (value.rank() == 0 || value.rank() == shape.size());
  if (!fits)
    complain("", "");
  for (size_t d = 0; fits && d < value.rank(); ++d)
    fits = requireEqual(value.shape()[d], shape[d], at->span, message, complain);
  if (!fits)
    return std::nullopt;
  if (isNegative(value.ref)) {
    Report(*this, code::E0221, at->span, what + " must not be negative, found " + textAt(at));
    return std::nullopt;
  }
  if (value.rank() == 0 && !shape.empty())
    return Value::tensor(b.spread(value.ref, shape, {}));
  return withSizes(value, shape);
}

/// Those of the states, in their order, from a tuple or a record that names each of them.
std::optional<std::vector<size_t>> Checker::toleranceOrder(const Node *at, const Value &value,
                                                           const Problem &problem,
                                                           const std::string &what) {
  const std::vector<std::string> &states = problem.solve.states;
  std::string list;
  for (const std::string &state : states)
    list += (list.empty() ? "`" : ", `") + state + "`";
  auto refuse = [&](const std::string &found) {
    Report(*this, code::E0221, at->span,
           what + " is a number, or has a part for each of the states " + list + ", found " + found)
        .note(quoted(problem.match.fn->name) + " is declared here",
              problem.match.fn->node->nameSpan)
        .help("write a tuple in the order of the states, or a record with a field of each name");
    return std::nullopt;
  };
  if (value.kind != Value::Tuple || value.lead || value.parts.size() != states.size())
    return refuse(quoted(show(value)));
  std::vector<size_t> order;
  for (size_t i = 0; i < states.size(); ++i) {
    order.push_back(i);
    if (!value.record)
      continue;
    const std::vector<std::string> &fields = value.record->fields;
    order[i] = size_t(std::find(fields.begin(), fields.end(), states[i]) - fields.begin());
    if (order[i] == fields.size())
      return refuse(quoted(value.record->name) + " without a field " + quoted(states[i]));
  }
  return order;
}

/// `rtol` or `atol` of a method that is no number: all elements of the states in a line.
bool Checker::solveTolerance(const Node *argument, Value value, Problem &problem) {
  const std::string name(argument->text), what = quoted(name);
  const Node *at = argument->kids[0];
  std::vector<size_t> order = {0};
  std::vector<Value> given = {value};
  const bool isTuple = value.kind == Value::Tuple;
  if (isTuple || problem.states != 1) {
    auto found = toleranceOrder(at, value, problem, what);
    if (!found)
      return false;
    order = *found;
    given = value.parts;
  }
  std::vector<hir::Ref> lines;
  DimExpr all(0);
  for (size_t i = 0; i < problem.states; ++i) {
    const CallMatch &match = problem.match;
    Dims shape = match.values[i].ref.type().shape;
    shape.erase(shape.begin(), shape.begin() + (i < match.lead.size() ? match.lead[i] : 0));
    const Node *part = isTuple && at->kind == Kind::Tuple ? at->kids[order[i]] : at;
    auto own = tolerancePart(part, given[order[i]], shape,
                             isTuple ? what + " of " + quoted(problem.solve.states[i]) : what);
    if (!own)
      return false;
    DimExpr size(1);
    for (const hir::Dim &dim : shape)
      size = size * dim.size;
    lines.push_back(shape.size() == 1 ? own->ref : b.reshape(own->ref, {hir::Dim{size, {}}}));
    all = all + size;
  }
  problem.options[name] =
      Value::tensor(lines.size() == 1 ? lines[0] : b.concat(lines, 0, hir::Dim{all, {}}));
  return true;
}

} // namespace mad::elab
