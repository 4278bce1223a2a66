//===- TermTables.h - Sums of few terms each, as tables of one shape --------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_ODE_NETWORKS_TERMTABLES_H
#define MAD_DIALECTS_ODE_NETWORKS_TERMTABLES_H

#include <cstdint>
#include <utility>
#include <vector>

namespace mad::ode {

/// Sums of almost the same number of terms. Term l of sum s is factors[l][s] * value[places[l][s]].
struct TermTable {
  std::vector<int32_t> sums; ///< their numbers
  std::vector<std::vector<int32_t>> places;
  std::vector<std::vector<int64_t>> factors;
};

struct TermTables {
  std::vector<TermTable> tables;
  /// Where each sum is, counted through all tables.
  std::vector<int32_t> order;
};

/// Puts sums of about the same length into one table. `sums` are the places and factors of the
/// terms of each; a sum that is shorter than others of its table, by a quarter at most, is filled
/// up with the place `zero`, whose value must be 0.
TermTables termTables(const std::vector<std::vector<std::pair<int32_t, int64_t>>> &sums,
                      int32_t zero);

} // namespace mad::ode

#endif // MAD_DIALECTS_ODE_NETWORKS_TERMTABLES_H
