//===- FactorSums.cpp - Sums that several rows have -------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Here a monomial is a column of a sparse matrix and nothing more. What is made a variable gets a
// greater monomial than all before it, so rows stay in order when it is appended.
//
//===----------------------------------------------------------------------===//
#include "passes/EGraph/FactorRows.h"
#include "llvm/ADT/Hashing.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/bit.h"
#include <queue>

using namespace llvm;

namespace mad::egraph {

//===----------------------------------------------------------------------===//
// Columns and rows in proportion
//===----------------------------------------------------------------------===//

/// Terms that stand in the same rows, at least two, with coefficients in proportion, become one.
/// Only rows of a length count. False if there are none.
bool FactorRows::mergeColumns(size_t leastLength) {
  // Columns as rows: for each monomial where it stands.
  std::vector<uint32_t> first(monomials.size() + 1);
  auto forTerms = [&](auto visit) {
    for (auto [r, row] : enumerate(rows))
      if (row.size() >= leastLength)
        for (Term t : row)
          visit(uint32_t(r), t);
  };
  forTerms([&](uint32_t, Term t) { ++first[t.monomial + 1]; });
  for (size_t i = 1; i < first.size(); ++i)
    first[i] += first[i - 1];
  Row entries(first.back());
  std::vector<uint32_t> next(first.begin(), first.end() - 1);
  forTerms([&](uint32_t r, Term t) { entries[next[t.monomial]++] = {r, t.coefficient}; });

  struct Group {
    Row column, terms;
  };
  std::vector<Group> groups;
  DenseMap<uint64_t, SmallVector<uint32_t, 1>> byHash;
  for (Monomial m = 0; m + 1 < first.size(); ++m) {
    Row column(entries.begin() + first[m], entries.begin() + first[m + 1]);
    if (column.size() < 2)
      continue;
    const double scale = normalize(column);
    auto &same = byHash[hashOf(column)];
    auto at = llvm::find_if(same, [&](uint32_t g) { return groups[g].column == column; });
    if (at != same.end()) {
      groups[*at].terms.push_back({m, scale});
      continue;
    }
    same.push_back(uint32_t(groups.size()));
    groups.push_back({std::move(column), {{m, scale}}});
  }
  llvm::erase_if(groups, [](const Group &g) { return g.terms.size() < 2; });
  if (groups.empty())
    return false;

  std::vector<bool> merged(monomials.size());
  for (const Group &group : groups)
    for (Term t : group.terms)
      merged[t.monomial] = true;
  for (Row &row : rows)
    if (row.size() >= leastLength)
      llvm::erase_if(row, [&](Term t) { return merged[t.monomial]; });
  for (Group &group : groups) {
    const double scale = normalize(group.terms);
    Monomial sum = monomials.of(variableOf(addRow(std::move(group.terms))));
    for (Term t : group.column) // a row and the coefficient there
      rows[t.monomial].push_back({sum, scale * t.coefficient});
  }
  return true;
}

/// Rows in proportion become one. False if there are none.
bool FactorRows::mergeRows() {
  bool changed = false;
  DenseMap<uint64_t, SmallVector<std::pair<uint32_t, double>, 1>> byHash;
  for (uint32_t r = 0; r < rows.size(); ++r) {
    const bool isVariable = rows[r].size() == 1 && monomials.degree(rows[r][0].monomial) < 2;
    if (rows[r].empty() || (isVariable && rows[r][0].coefficient == 1))
      continue;
    Row row = rows[r];
    const double scale = isVariable ? 1 : normalize(row);
    auto &same = byHash[hashOf(row)];
    auto at = llvm::find_if(same, [&](auto &entry) {
      Row other = rows[entry.first];
      if (!isVariable)
        normalize(other);
      return other == row;
    });
    std::optional<double> ratio;
    if (at != same.end())
      ratio = exactRatio(scale, at->second);
    if (!ratio) {
      same.push_back({r, scale});
      continue;
    }
    rows[r] = {{monomials.of(variableOf(at->first)), *ratio}};
    changed = true;
  }
  return changed;
}

//===----------------------------------------------------------------------===//
// Pairs of terms
//===----------------------------------------------------------------------===//

/// Counts in how many rows each pair of terms stands with the same ratio of coefficients. Long
/// rows are not counted, since a row of n has n^2 pairs; but where a pair is made a variable it
/// becomes one in them, too.
class FactorRows::Pairs {
public:
  explicit Pairs(FactorRows &system) : system(system) {
    for (auto [r, row] : enumerate(system.rows))
      for (Term t : row)
        listOf(t.monomial).push_back(uint32_t(r));
    for (const auto &list : rowsWith)
      shared.push_back(list.size() > 1);
    chooseLongest();
    for (const Row &row : system.rows)
      countAll(row);
    for (auto &[pair, rows] : counts)
      push(pair, rows);
  }

  void run() {
    while (!queue.empty()) {
      auto [gain, pair] = queue.top();
      queue.pop();
      uint32_t rows = counts.lookup(pair);
      if (rows >= 2 && gainOf(pair, rows) == gain)
        share(pair);
    }
  }

private:
  /// `a + ratio * b`, the ratio by its bits.
  struct Pair {
    Monomial a = 0, b = 0;
    uint64_t ratio = 0;
    auto key() const { return std::tuple(a, b, ratio); }
    bool operator==(const Pair &other) const { return key() == other.key(); }
    bool operator<(const Pair &other) const { return key() > other.key(); } // small ones first
  };
  struct PairInfo {
    static Pair getEmptyKey() { return {~0u, 0, 0}; }
    static Pair getTombstoneKey() { return {~0u, 1, 0}; }
    static unsigned getHashValue(Pair p) {
      uint64_t hash = (uint64_t(p.a) << 32 | p.b) * 0x9E3779B97F4A7C15ull ^ p.ratio;
      return unsigned((hash ^ hash >> 32) * 0xD6E8FEB86659FD93ull >> 32);
    }
    static bool isEqual(Pair a, Pair b) { return a == b; }
  };
  static constexpr size_t mostPairs = 500'000;

  SmallVector<uint32_t, 2> &listOf(Monomial m) {
    if (m >= rowsWith.size())
      rowsWith.resize(m + 1);
    return rowsWith[m];
  }
  /// Terms of several rows.
  size_t sharedOf(const Row &row) const {
    return size_t(llvm::count_if(row, [&](Term t) { return shared[t.monomial]; }));
  }

  /// The longest rows that are counted, so that there are not too many pairs.
  void chooseLongest() {
    std::vector<size_t> sizes;
    for (const Row &row : system.rows)
      sizes.push_back(sharedOf(row));
    llvm::sort(sizes);
    size_t pairs = 0;
    for (size_t size : sizes) {
      pairs += size * (size - 1) / 2;
      if (size > 2 && pairs > mostPairs)
        break;
      longest = size;
    }
  }

  std::optional<Pair> pairOf(Term x, Term y) const {
    if (x.monomial > y.monomial)
      std::swap(x, y);
    std::optional<double> ratio = exactRatio(y.coefficient, x.coefficient);
    if (!ratio)
      return std::nullopt;
    return Pair{x.monomial, y.monomial, bit_cast<uint64_t>(*ratio)};
  }

  void count(Term x, Term y) {
    if (std::optional<Pair> pair = pairOf(x, y)) {
      ++counts[*pair];
      touched.push_back(*pair);
    }
  }

  void uncount(Term x, Term y) {
    if (std::optional<Pair> pair = pairOf(x, y)) {
      --counts[*pair];
      touched.push_back(*pair); // its place in the queue is wrong now
    }
  }

  void countAll(const Row &row) {
    if (sharedOf(row) > longest)
      return;
    for (size_t i = 0; i < row.size(); ++i)
      if (shared[row[i].monomial])
        for (size_t j = i + 1; j < row.size(); ++j)
          if (shared[row[j].monomial])
            count(row[i], row[j]);
  }

  /// Operations and half of the operands, times 2: a term of one factor is an operation and an
  /// operand, one of two an operand more; the first term of a sum is no operation if it is one
  /// factor.
  int64_t gainOf(Pair pair, uint32_t rows) const {
    auto weight = [&](Monomial m) { return system.monomials.degree(m) > 1 ? 4 : 3; };
    int64_t a = weight(pair.a), b = weight(pair.b);
    int64_t once = a + b - (std::min(a, b) == 3 ? 2 : 0);
    return int64_t(rows) * (a + b - 3) - once;
  }

  void push(Pair pair, uint32_t rows) {
    if (rows < 2)
      return;
    if (int64_t gain = gainOf(pair, rows); gain > 0)
      queue.push({gain, pair});
  }

  static const Term *find(const Row &row, Monomial m) {
    auto at = llvm::partition_point(row, [&](Term t) { return t.monomial < m; });
    return at != row.end() && at->monomial == m ? &*at : nullptr;
  }

  void share(Pair pair) {
    SmallVector<uint32_t, 8> where;
    const auto &a = listOf(pair.a), &b = listOf(pair.b);
    SmallVector<uint32_t, 8> candidates(a.size() < b.size() ? ArrayRef(a) : ArrayRef(b));
    llvm::sort(candidates);
    candidates.erase(llvm::unique(candidates), candidates.end());
    for (uint32_t r : candidates) {
      const Term *x = find(system.rows[r], pair.a), *y = find(system.rows[r], pair.b);
      if (x && y && pairOf(*x, *y) == pair)
        where.push_back(r);
    }
    const double ratio = bit_cast<double>(pair.ratio);
    const uint32_t made = system.addRow({{pair.a, 1}, {pair.b, ratio}});
    const Monomial sum = system.monomials.of(system.variableOf(made));
    listOf(sum).append(where);
    shared.resize(rowsWith.size());
    shared[sum] = true;
    touched.clear();
    for (uint32_t r : where)
      replace(system.rows[r], pair, sum);
    for (Monomial m : {pair.a, pair.b}) {
      auto &list = listOf(m);
      llvm::erase_if(list, [&](uint32_t r) { return llvm::is_contained(where, r); });
      list.push_back(made);
    }
    llvm::sort(touched);
    touched.erase(llvm::unique(touched), touched.end());
    for (Pair p : touched)
      push(p, counts.lookup(p));
  }

  void replace(Row &row, Pair pair, Monomial sum) {
    const Term x = *find(row, pair.a), y = *find(row, pair.b), made{sum, x.coefficient};
    const bool counted = sharedOf(row) <= longest;
    llvm::erase_if(row, [&](Term t) { return t == x || t == y; });
    if (counted) {
      uncount(x, y);
      for (Term t : row)
        if (shared[t.monomial]) {
          uncount(x, t);
          uncount(y, t);
          count(made, t);
        }
    }
    row.push_back(made);
    if (!counted) // it may be short enough now
      countAll(row);
  }

  FactorRows &system;
  size_t longest = 0;
  std::vector<SmallVector<uint32_t, 2>> rowsWith; ///< of a monomial
  std::vector<bool> shared;                       ///< of a monomial: was in several rows
  DenseMap<Pair, uint32_t, PairInfo> counts;
  std::vector<Pair> touched;
  std::priority_queue<std::pair<int64_t, Pair>> queue;
};

/// Terms that stand in the same long rows are merged there even if short rows have one of them
/// without the other: pairs of long rows are not counted.
void FactorRows::shareSums() {
  auto mergeAll = [&](size_t leastLength) {
    bool changed;
    do {
      changed = mergeColumns(leastLength);
      changed |= mergeRows();
    } while (changed);
  };
  mergeAll(0);
  for (size_t length = 1024; length >= 32; length /= 2)
    mergeAll(length);
  Pairs(*this).run();
  mergeRows();
}

} // namespace mad::egraph
