//===- Species.cpp - Networks of reactions where they are solved ------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The state of a network is one vector; its elements have the names of the species where
// they are given, `solve net(X = 1.0; ...)`, and in the solution, `sol.X`.
//
//===----------------------------------------------------------------------===//
#include "frontend/Check/Solve.h"

#include <algorithm>

namespace mad::elab {

using namespace ast;

/// Initial amounts by the names of species as a list; what is not named is 0. Other arguments stay
/// as they are. Null, after a message, where a name is no species.
const Node *Checker::namedSpecies(const Node *states, const Declaration &ode) {
  const Network *network = ode.node->network;
  auto isSpecies = [&](const Node *argument) {
    return argument->kind == Kind::Named && argument->text != ode.node->kids[1]->kids[0]->text;
  };
  if (!network || std::none_of(states->kids.begin(), states->kids.end(), isSpecies))
    return states;
  std::vector<std::string> names(network->species.begin(), network->species.end());
  Node nothing = *states;
  nothing.kind = Kind::Number;
  nothing.text = "0.0";
  nothing.kids.clear();
  made.push_back(nothing);
  Node list = *states;
  list.kind = Kind::Array;
  list.kids.assign(names.size(), &made.back());
  std::vector<bool> given(names.size(), false);
  for (Node *argument : states->kids) {
    auto at = std::find(names.begin(), names.end(), argument->text);
    size_t species = size_t(at - names.begin());
    if (argument->kind == Kind::Named && at != names.end() && !given[species]) {
      list.kids[species] = argument->kids[0];
      given[species] = true;
      continue;
    }
    if (argument->kind != Kind::Named)
      Report(*this, code::E0309, argument->span, "the amounts of the other species have names")
          .help("write " + quoted(names[0] + " = ..."));
    else if (at == names.end())
      Report(*this, code::E0309, argument->nameSpan,
             quoted(argument->text) + " is no species of " + quoted(ode.name))
          .note(quoted(ode.name) + " is declared here", ode.node->nameSpan)
          .help(suggestion(argument->text, names).empty()
                    ? ""
                    : "did you mean " + quoted(suggestion(argument->text, names)) + "?");
    else
      Report(*this, code::E0309, argument->nameSpan,
             "the species " + quoted(argument->text) + " is given twice");
    return nullptr;
  }
  made.push_back(list);
  Node *array = &made.back();
  Node arguments = *states;
  arguments.kids = {array};
  made.push_back(arguments);
  return &made.back();
}

/// The amount of each species, at the end or at all saved times.
void Checker::addSpecies(const Declaration &ode, hir::Ref amounts, RecordType &record, Value &all) {
  const Network *network = ode.node->network;
  if (!network)
    return;
  const auto &shape = amounts.type().shape;
  std::vector<hir::Dim> kept(shape.begin(), shape.end() - 1);
  for (size_t i = 0; i < network->species.size(); ++i) {
    if (record.fields.size() == all.parts.size())
      record.fields.emplace_back(network->species[i]);
    std::vector<hir::Affine> map;
    for (size_t d = 0; d < kept.size(); ++d) {
      hir::Affine along;
      along.coefficients.assign(kept.size(), 0);
      along.coefficients[d] = 1;
      map.push_back(along);
    }
    hir::Affine at;
    at.coefficients.assign(kept.size(), 0);
    at.offset = int64_t(i);
    map.push_back(at);
    all.parts.push_back(Value::tensor(b.view(amounts, kept, map)));
  }
}

} // namespace mad::elab
