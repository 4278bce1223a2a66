//===- FactorProducts.cpp - Products that several monomials have ------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/EGraph/FactorRows.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>
#include <queue>

using namespace llvm;

namespace mad::egraph {

/// Coefficients of products of two or more become factors: then they can be shared, too.
void FactorRows::absorbCoefficients() {
  for (Row &row : rows) {
    bool changed = false;
    for (Term &t : row) {
      const double size = std::abs(t.coefficient);
      if (size == 1 || monomials.degree(t.monomial) < 2)
        continue;
      t.monomial = monomials.times(t.monomial, monomials.of(constant(size)));
      t.coefficient /= size;
      changed = true;
    }
    if (changed)
      sortRow(row);
  }
}

/// All monomials that are used, each once, and how often they have each pair of factors. Products
/// of two take part only once something greater has that pair.
class FactorRows::Products {
public:
  Products(FactorRows &system, unsigned least) : system(system), least(least) {
    for (const Row &row : system.rows)
      for (Term t : row)
        if (numberOf.try_emplace(t.monomial, uint32_t(products.size())).second) {
          products.push_back(t.monomial);
          list(uint32_t(products.size() - 1));
        }
    for (auto &[pair, list] : productsWith)
      push(pair);
  }

  void run() {
    while (!queue.empty()) {
      auto [count, a, b] = queue.top();
      queue.pop();
      Pair pair(~a, ~b);
      uint32_t now = countOf(pair);
      if (now == count)
        share(pair);
      else if (now >= least)
        queue.push({now, a, b});
    }
    for (Row &row : system.rows) {
      for (Term &t : row)
        t.monomial = products[numberOf.lookup(t.monomial)];
      sortRow(row);
    }
  }

private:
  using Pair = std::pair<Variable, Variable>; ///< the first at most the second

  /// How often a product has the pair.
  uint32_t countIn(uint32_t product, Pair pair) const {
    uint32_t a = 0, b = 0;
    for (Power p : system.monomials[products[product]]) {
      a = p.base == pair.first ? p.exponent : a;
      b = p.base == pair.second ? p.exponent : b;
    }
    return pair.first == pair.second ? a / 2 : std::min(a, b);
  }

  /// The same in all products of three or more, whose list is cleaned.
  uint32_t countOf(Pair pair) {
    auto &list = productsWith[pair];
    llvm::sort(list);
    list.erase(llvm::unique(list), list.end());
    uint32_t count = 0;
    llvm::erase_if(list, [&](uint32_t product) {
      uint32_t here = system.monomials.degree(products[product]) < 3 ? 0 : countIn(product, pair);
      count += here;
      return here == 0;
    });
    return count;
  }

  void list(uint32_t product) {
    Monomial m = products[product];
    auto &lists = system.monomials.degree(m) < 3 ? small : productsWith;
    ArrayRef<Power> powers = system.monomials[m];
    for (auto [i, x] : enumerate(powers)) {
      if (x.exponent > 1)
        lists[{x.base, x.base}].push_back(product);
      for (Power y : powers.drop_front(i + 1))
        lists[{x.base, y.base}].push_back(product);
    }
  }

  void push(Pair pair) {
    if (uint32_t count = countOf(pair); count >= least)
      queue.push({count, ~pair.first, ~pair.second});
  }

  /// The pair becomes a variable in all products that have it.
  void share(Pair pair) {
    auto [a, b] = pair;
    SmallVector<uint32_t> changed = llvm::to_vector(productsWith[pair]);
    productsWith.erase(pair);
    if (auto at = small.find(pair); at != small.end())
      changed.append(at->second);
    Variable variable = system.define({Definition::Product, 0, a, b, 0});
    SmallVector<Pair> pairs;
    for (uint32_t product : changed) {
      const uint32_t times = countIn(product, pair);
      SmallVector<Power, 4> powers;
      for (Power p : system.monomials[products[product]]) {
        if (p.base == a || p.base == b)
          p.exponent -= a == b ? 2 * times : times;
        if (p.exponent > 0)
          powers.push_back(p);
      }
      powers.push_back({variable, times});
      products[product] = system.monomials.of(powers);
      list(product);
      for (Power p : powers)
        pairs.push_back({p.base, variable});
    }
    llvm::sort(pairs);
    pairs.erase(llvm::unique(pairs), pairs.end());
    for (Pair pair : pairs)
      if (productsWith.count(pair))
        push(pair);
  }

  FactorRows &system;
  const unsigned least;
  std::vector<Monomial> products; ///< as they are now
  DenseMap<Monomial, uint32_t> numberOf;
  DenseMap<Pair, SmallVector<uint32_t, 2>> productsWith, small;
  std::priority_queue<std::tuple<uint32_t, Variable, Variable>> queue;
};

/// Pairs of factors that monomials have at least so often become variables.
void FactorRows::shareProducts(unsigned least) {
  absorbCoefficients();
  Products(*this, least).run();
}

} // namespace mad::egraph
