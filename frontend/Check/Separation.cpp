//===- Separation.cpp - Positions and velocities of symplectic methods ------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A state and one that its derivative depends on are of different kinds. So the kinds are the two
// colours of a graph, whose first state, and the first one that nothing else decides, is a
// position.
//
//===----------------------------------------------------------------------===//
#include "dialects/Ode/Tableaus/Tableau.h"
#include "frontend/Check/Dependence.h"
#include "frontend/Check/Solve.h"

namespace mad::elab {

using namespace ast;

namespace {

struct Kinds {
  std::vector<bool> positions;
  /// The derivative of a state that depends on one of its kind, if there is one.
  std::optional<std::pair<size_t, size_t>> conflict;
};

/// `depends[i][j]`: the derivative of state i depends on state j.
Kinds kindsOf(const std::vector<std::vector<bool>> &depends, size_t states) {
  Kinds kinds;
  kinds.positions.assign(states, true);
  for (size_t i = 0; i < states; ++i)
    if (depends[i][i]) {
      kinds.conflict = {i, i};
      return kinds;
    }
  std::vector<bool> known(states);
  for (size_t first = 0; first < states; ++first) {
    if (known[first])
      continue;
    known[first] = true;
    std::vector<size_t> reached = {first};
    for (size_t at = 0; at < reached.size(); ++at) {
      size_t i = reached[at];
      for (size_t j = 0; j < states; ++j) {
        if (!depends[i][j] && !depends[j][i])
          continue;
        if (!known[j]) {
          known[j] = true;
          kinds.positions[j] = !kinds.positions[i];
          reached.push_back(j);
        } else if (kinds.positions[j] == kinds.positions[i]) {
          kinds.conflict = depends[i][j] ? std::pair(i, j) : std::pair(j, i);
          return kinds;
        }
      }
    }
  }
  return kinds;
}

} // namespace

/// Decides which states are positions, where the method is symplectic.
bool Checker::separate(Problem &problem, const hir::Function &rates) {
  hir::Solve &solve = problem.solve;
  if (ode::methodOf(solve.method).family != ode::Family::Symplectic)
    return true;
  Kinds kinds = kindsOf(hir::dependence(rates), problem.states);
  solve.positions = kinds.positions;
  if (!kinds.conflict)
    return true;
  auto [from, on] = *kinds.conflict;
  const std::string name = "der(" + solve.states[from] + ")", other = quoted(solve.states[on]);
  const Declaration &ode = *problem.match.fn;
  Span place = ode.node->nameSpan;
  for (const Node *line : ode.node->kids[3]->kids)
    if (line && line->kind == Kind::Der && !(line->flags & Noise) &&
        line->text == solve.states[from])
      place = line->span;
  std::string why = from == on ? quoted(name) + " depends on " + other
                               : quoted(name) + " depends on " + other +
                                     ", though by the other equations both are " +
                                     (kinds.positions[from] ? "positions" : "velocities");
  Report(*this, code::E0221, problem.method->span,
         quoted(solve.method) + " needs positions and velocities: " + why)
      .note(quoted(name) + " is here", place)
      .help(
          "derivatives of positions depend on velocities alone (and the time), those of velocities "
          "on positions; for other systems there are `rk4` or `dop853`");
  return false;
}

} // namespace mad::elab
