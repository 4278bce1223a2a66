//===- Networks.cpp - What is told of networks of reactions -----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "tools/mad/Networks.h"
#include "dialects/Ode/Networks/Conservation.h"

namespace mad::tool {

static std::string counted(size_t count, const std::string &one, const std::string &several) {
  return std::to_string(count) + " " + (count == 1 ? one : several);
}

std::string describe(const ast::Network &network) {
  size_t terms = 0;
  for (const auto &change : network.changes)
    terms += change.size();
  std::string text = std::string(network.name) + ": " +
                     counted(network.species.size(), "species", "species") + ", " +
                     counted(network.changes.size(), "reaction", "reactions") + ", " +
                     counted(terms, "change of a species", "changes of species") + "\n";
  auto laws = ode::conservationLaws(int32_t(network.species.size()), network.changes);
  if (!laws)
    return text + "  what it keeps was not looked for: it is too large\n";
  if (laws->empty())
    text += "  keeps no sum of amounts\n";
  for (const ode::Integers &law : *laws) {
    text += "  keeps";
    for (auto [species, weight] : law) {
      int64_t size = weight < 0 ? -weight : weight;
      bool first = species == law.front().first;
      text += first ? " " : weight < 0 ? " - " : " + ";
      text += (size == 1 ? "" : std::to_string(size) + " ") +
              std::string(network.species[size_t(species)]);
    }
    text += "\n";
  }
  return text;
}

} // namespace mad::tool
