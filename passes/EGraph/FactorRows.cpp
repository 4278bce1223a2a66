//===- FactorRows.cpp - A system of polynomials that is being factored ------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/EGraph/FactorRows.h"
#include "llvm/ADT/Hashing.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/bit.h"
#include <cmath>

using namespace llvm;

namespace mad::egraph {

std::optional<double> exactRatio(double a, double b) {
  double ratio = a / b;
  // What rounding leaves must not underflow.
  if (std::isfinite(ratio) && ratio != 0 && std::abs(a) > 0x1p-900 && std::fma(ratio, b, -a) == 0)
    return ratio;
  return std::nullopt;
}

FactorRows::FactorRows(const System &system)
    : outputs(unsigned(system.polynomials.size())), variables(system.variables) {
  definitions.resize(variables);
  DenseMap<Monomial, Monomial> own;
  for (const Polynomial &polynomial : system.polynomials) {
    Row row;
    for (Term t : polynomial.terms()) {
      auto [at, isNew] = own.try_emplace(t.monomial, one);
      if (isNew)
        at->second = monomials.of(system.monomials[t.monomial]);
      row.push_back({at->second, t.coefficient});
    }
    sortRow(row);
    addRow(std::move(row));
  }
}

void FactorRows::sortRow(Row &row) {
  llvm::sort(row, [](Term a, Term b) { return a.monomial < b.monomial; });
}

uint32_t FactorRows::addRow(Row row) {
  rows.push_back(std::move(row));
  rowVariables.push_back(~0u);
  return uint32_t(rows.size() - 1);
}

Variable FactorRows::variableOf(uint32_t row) {
  if (rowVariables[row] == ~0u)
    rowVariables[row] = define({Definition::Sum, row});
  return rowVariables[row];
}

Variable FactorRows::constant(double value) {
  auto [at, isNew] = constants.try_emplace(bit_cast<uint64_t>(value), 0);
  if (isNew)
    at->second = define({Definition::Constant, 0, 0, 0, value});
  return at->second;
}

/// The size of coefficient that most terms have, with the sign of the first: what to divide by so
/// that rows in proportion become equal. Only the sign where dividing would round.
double FactorRows::scaleOf(const Row &row) {
  SmallVector<std::pair<double, unsigned>, 8> sizes;
  for (Term t : row) {
    const double size = std::abs(t.coefficient);
    auto at = llvm::find_if(sizes, [&](auto &entry) { return entry.first == size; });
    if (at != sizes.end())
      ++at->second;
    else if (sizes.size() < 64)
      sizes.push_back({size, 1});
  }
  double scale =
      llvm::max_element(sizes, [](auto &a, auto &b) { return a.second < b.second; })->first;
  if (!llvm::all_of(row, [&](Term t) { return exactRatio(t.coefficient, scale).has_value(); }))
    scale = 1;
  return row[0].coefficient < 0 ? -scale : scale;
}

double FactorRows::normalize(Row &row) {
  const double scale = scaleOf(row);
  for (Term &t : row)
    t.coefficient /= scale;
  return scale;
}

uint64_t FactorRows::hashOf(const Row &row) {
  hash_code hash(row.size());
  for (Term t : row)
    hash = hash_combine(hash, t.monomial, bit_cast<uint64_t>(t.coefficient));
  return uint64_t(hash) >> 1;
}

} // namespace mad::egraph
