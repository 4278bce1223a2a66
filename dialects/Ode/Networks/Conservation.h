//===- Conservation.h - What a network of reactions keeps -------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// No MLIR here: the parser and the tools use it.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_ODE_NETWORKS_CONSERVATION_H
#define MAD_DIALECTS_ODE_NETWORKS_CONSERVATION_H

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace mad::ode {

/// A sparse vector over the species: their numbers, ascending, and integers other than 0.
using Integers = std::vector<std::pair<int32_t, int64_t>>;

/// A basis of all vectors w of integers with w . change = 0 for each reaction: what the amounts of
/// the species sum up to with these weights never changes. `changes` are the columns of the
/// stoichiometric matrix. Each law has no common divisor and a positive first weight; negative
/// weights are avoided where a sum of two laws does so. Exact arithmetic. Empty where numbers leave
/// 64 bits or it would take more than about a second.
std::optional<std::vector<Integers>> conservationLaws(int32_t species,
                                                      const std::vector<Integers> &changes);

} // namespace mad::ode

#endif // MAD_DIALECTS_ODE_NETWORKS_CONSERVATION_H
