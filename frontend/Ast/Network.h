//===- Network.h - Reactions as they are written ----------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_FRONTEND_AST_NETWORK_H
#define MAD_FRONTEND_AST_NETWORK_H

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace mad::ast {

/// What is kept of a `reactions` item beside its function: names, and how much of which species
/// each reaction makes.
struct Network {
  std::string_view name;
  std::vector<std::string_view> species; ///< in the order of the elements of the state
  /// Of each reaction the species that it changes, ascending, and by how many. A reversible one
  /// counts once.
  std::vector<std::vector<std::pair<int32_t, int64_t>>> changes;
};

} // namespace mad::ast

#endif // MAD_FRONTEND_AST_NETWORK_H
