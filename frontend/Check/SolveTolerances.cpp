//===- SolveTolerances.cpp - Tolerances of the elements of states -----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `rtol` and `atol` are numbers, or say of each state what its elements have; those of an ensemble
// may have the dimensions of its systems in front.
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

/// That of one state: a number or a tensor of its shape, which may have the systems in front.
std::optional<Value> Checker::tolerancePart(const Node *at, Value value, const Dims &shape,
                                            const Dims &lanes, const std::string &what) {
  value = settled(value, Element::F64, at);
  if (value.poison())
    return std::nullopt;
  Dims full = lanes;
  full.insert(full.end(), shape.begin(), shape.end());
  auto typed = [&](const Dims &dims) {
    return quoted(show(TypeTree{false, {Element::F64, dims}, {}}));
  };
  std::string message = what + " is `f64`";
  if (!shape.empty())
    message += (lanes.empty() ? " or " : ", ") + typed(shape);
  if (!lanes.empty())
    message += " or, of each system, " + typed(full);
  message += ", found " + quoted(show(value));
  auto complain = [&](const std::string &reason, const std::string &help) {
    Report(*this, code::E0221, at->span, message + (reason.empty() ? "" : ": " + reason))
        .help(help);
  };
  const size_t rank = value.rank();
  const bool isOfSystems = !lanes.empty() && rank == full.size();
  if (!value.isTensor() || !value.space.empty() || value.ref.type().element != Element::F64 ||
      (rank > 0 && rank != shape.size() && !isOfSystems)) {
    complain("", "");
    return std::nullopt;
  }
  // A dimension of 1 in the text stands for all systems or elements.
  const Dims &wanted = isOfSystems ? full : shape;
  std::vector<int64_t> from;
  bool stretches = false;
  for (size_t d = 0; d < rank; ++d) {
    const bool isOne = isOfSystems && value.shape()[d].size.constant() == 1;
    if (!isOne && !requireEqual(value.shape()[d], wanted[d], at->span, message, complain))
      return std::nullopt;
    stretches |= isOne;
    from.push_back(isOne ? -1 : int64_t(d));
  }
  if (isNegative(value.ref)) {
    Report(*this, code::E0221, at->span, what + " must not be negative, found " + textAt(at));
    return std::nullopt;
  }
  if (rank == 0 && !shape.empty())
    return Value::tensor(b.spread(value.ref, shape, {}));
  return stretches ? Value::tensor(b.spread(value.ref, wanted, from)) : withSizes(value, wanted);
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

/// `rtol` or `atol` of a method that is no number: all elements of the states in a line, of each
/// system if it is given for systems.
bool Checker::solveTolerance(const Node *argument, Value value, Problem &problem) {
  const std::string name(argument->text), what = quoted(name);
  const Node *at = argument->kids[0];
  const CallMatch &match = problem.match;
  const Dims &lanes = match.lanes;
  std::vector<size_t> order = {0};
  std::vector<Value> given = {value};
  const bool isTuple = value.kind == Value::Tuple;
  // A number for each system is for all states.
  const bool isShared = !isTuple && problem.states > 1 && !lanes.empty() && value.isTensor() &&
                        value.rank() == lanes.size();
  if (isShared) {
    order.assign(problem.states, 0);
  } else if (isTuple || problem.states != 1) {
    auto found = toleranceOrder(at, value, problem, what);
    if (!found)
      return false;
    order = *found;
    given = value.parts;
  }
  std::vector<Value> parts;
  std::vector<Dims> shapes;
  bool isOfSystems = false;
  for (size_t i = 0; i < problem.states; ++i) {
    Dims shape = match.values[i].ref.type().shape;
    shape.erase(shape.begin(), shape.begin() + (i < match.lead.size() ? match.lead[i] : 0));
    const Node *part = isTuple && at->kind == Kind::Tuple ? at->kids[order[i]] : at;
    auto own = tolerancePart(part, given[order[i]], isShared ? Dims() : shape, lanes,
                             isTuple ? what + " of " + quoted(problem.solve.states[i]) : what);
    if (!own)
      return false;
    isOfSystems |= isShared || own->rank() > shape.size();
    parts.push_back(*own);
    shapes.push_back(shape);
  }
  const size_t lead = isOfSystems ? lanes.size() : 0;
  std::vector<hir::Ref> lines;
  DimExpr all(0);
  for (size_t i = 0; i < problem.states; ++i) {
    Dims line(lanes.begin(), lanes.begin() + lead), full = line;
    full.insert(full.end(), shapes[i].begin(), shapes[i].end());
    DimExpr size(1);
    for (const hir::Dim &dim : shapes[i])
      size = size * dim.size;
    line.push_back(hir::Dim{size, {}});
    hir::Ref ref = parts[i].ref;
    if (parts[i].rank() != full.size()) {
      // Of all elements, or of all systems.
      std::vector<int64_t> from;
      for (size_t d = 0; d < parts[i].rank(); ++d)
        from.push_back(int64_t(isShared ? d : d + lead));
      ref = b.spread(ref, full, from);
    }
    lines.push_back(shapes[i].size() == 1 ? ref : b.reshape(ref, line));
    all = all + size;
  }
  problem.options[name] = Value::tensor(
      lines.size() == 1 ? lines[0] : b.concat(lines, uint32_t(lead), hir::Dim{all, {}}));
  return true;
}

} // namespace mad::elab
