//===- SparseLu.h - Factors of matrices of one pattern ----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What can be known of a sparse matrix before its numbers: where its factors have entries.
// No MLIR here.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_ODE_SPARSE_SPARSELU_H
#define MAD_DIALECTS_ODE_SPARSE_SPARSELU_H

#include <cstdint>
#include <vector>

namespace mad::ode {

using Numbers = std::vector<int32_t>;

/// A square pattern, row by row: the columns of row i are columns[starts[i]] to
/// columns[starts[i + 1] - 1], ascending.
struct SparsePattern {
  Numbers starts, columns;
  int32_t size() const { return int32_t(starts.size()) - 1; }
};

/// An order of rows and columns alike in which elimination makes few new entries: next is the row
/// with fewest neighbours in what is left of the pattern made symmetric (Tinney and Walker, "Direct
/// solutions of sparse network equations by optimally ordered triangular factorization", 1967); of
/// equal ones the first. Deterministic.
Numbers minimumDegree(const SparsePattern &pattern);

/// The factors of `diagonal I + scale A` in a given order, without pivoting. Row i of L and U is
/// row order[i] of the matrix.
struct SparseLu {
  SparseLu(const SparsePattern &pattern, const Numbers &order);

  /// Places of the factors, row by row, columns ascending: L left of the diagonal, whose diagonal
  /// is 1, then the inverse of the pivot, then U.
  Numbers starts, columns, diagonals;
  /// Entries of A in this order: their columns, and their numbers among the values.
  Numbers entryStarts, entryColumns, entryValues;
  Numbers order;
  /// Multiplications of one factorisation.
  int64_t work = 0;
  /// Rows from `dense` on have all columns from there on: little is missing in this corner, and
  /// full blocks are several times as fast. `size()` where there is none; the rows of one are a
  /// multiple of `denseUnit`.
  int32_t dense = 0;
  static constexpr int32_t denseUnit = 48;

  int32_t size() const { return int32_t(order.size()); }
  int64_t places() const { return int64_t(columns.size()); }

  /// Of each row of U the place from which on its columns are the last ones, one behind the other.
  Numbers tails() const;

  /// -1, or the number of the first row of A whose pivot is 0 or not finite.
  int32_t factor(const std::vector<double> &values, double diagonal, double scale,
                 std::vector<double> &factors) const;
  void solve(const std::vector<double> &factors, std::vector<double> &x) const;

private:
  void fillCorner();
};

} // namespace mad::ode

#endif // MAD_DIALECTS_ODE_SPARSE_SPARSELU_H
