//===- FactorTaking.cpp - Takes factors out of rows -------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/EGraph/FactorRows.h"
#include "llvm/ADT/STLExtras.h"
#include <queue>

using namespace llvm;

namespace mad::egraph {

/// A sum as a scale and a variable, which is the same for sums in proportion.
FactorRows::Scaled FactorRows::sumOf(Row row) {
  sortRow(row);
  const double scale = normalize(row);
  auto &same = sums[hashOf(row)];
  for (auto &[key, variable] : same)
    if (key == row)
      return {variable, scale};
  Variable variable = variableOf(addRow(row));
  same.push_back({std::move(row), variable});
  return {variable, scale};
}

/// One row: its terms, and which of them each variable is in. Terms that were taken away stay in
/// the lists, which are looked at anew when a variable has its turn.
class FactorRows::Taking {
public:
  Taking(FactorRows &system, Row row) : system(system) {
    for (Term t : row)
      add(t);
    for (auto &[variable, list] : termsWith)
      push(variable);
  }

  Row run() {
    while (!queue.empty()) {
      auto [count, reversed] = queue.top();
      queue.pop();
      Variable variable = ~reversed;
      auto &list = termsWith[variable];
      llvm::erase_if(list, [&](uint32_t i) { return taken[i]; });
      if (list.size() == count)
        take(variable);
      else
        push(variable);
    }
    Row left;
    for (auto [i, t] : enumerate(terms))
      if (!taken[i])
        left.push_back(t);
    sortRow(left);
    return left;
  }

private:
  void add(Term term) {
    for (Power p : system.monomials[term.monomial])
      termsWith[p.base].push_back(uint32_t(terms.size()));
    terms.push_back(term);
    taken.push_back(false);
  }

  /// Most terms first, then the smallest number.
  void push(Variable variable) {
    if (size_t count = termsWith[variable].size(); count > 1)
      queue.push({uint32_t(count), ~variable});
  }

  void take(Variable variable) {
    Monomials &monomials = system.monomials;
    Row with;
    for (uint32_t i : termsWith[variable]) {
      with.push_back(terms[i]);
      taken[i] = true;
    }
    Monomial divisor = with[0].monomial;
    for (Term t : with)
      divisor = monomials.common(divisor, t.monomial);
    for (Term &t : with)
      t.monomial = monomials.over(t.monomial, divisor);
    Scaled sum = system.sumOf(std::move(with));
    add({monomials.times(divisor, monomials.of(sum.variable)), sum.scale});
    for (Power p : monomials[terms.back().monomial]) // `variable` is in no other term now
      push(p.base);
  }

  FactorRows &system;
  Row terms;
  std::vector<bool> taken;
  DenseMap<Variable, SmallVector<uint32_t, 2>> termsWith;
  std::priority_queue<std::pair<uint32_t, Variable>> queue;
};

void FactorRows::takeFactors() {
  sums.clear(); // what was a row then may be other variables now
  for (uint32_t row = 0; row < rows.size(); ++row) { // grows
    Row left = Taking(*this, rows[row]).run();
    rows[row] = std::move(left);
  }
}

} // namespace mad::egraph
