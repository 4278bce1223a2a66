//===- FactorRows.h - A system of polynomials that is being factored --------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_EGRAPH_FACTORROWS_H
#define MAD_PASSES_EGRAPH_FACTORROWS_H

#include "passes/EGraph/StraightLine.h"

namespace mad::egraph {

/// Rows of terms: first the polynomials, then what was made a variable. A variable is one of the
/// system, a row, a product of two, or a constant. Every row is of variables that do not need it.
class FactorRows {
public:
  explicit FactorRows(const System &system);

  void shareProducts(unsigned least);
  void takeFactors();
  void shareSums();
  StraightLine lower();

private:
  using Row = std::vector<Term>; ///< in order of monomials
  struct Definition {
    enum Kind { Given, Sum, Product, Constant } kind = Given;
    uint32_t row = 0;      ///< Sum
    Variable a = 0, b = 0; ///< Product
    double value = 0;      ///< Constant
  };
  struct Scaled {
    Variable variable;
    double scale;
  };
  class Taking;
  class Pairs;
  class Products;
  class Lowering;

  Variable define(Definition definition) {
    definitions.push_back(definition);
    return Variable(definitions.size() - 1);
  }
  Variable variableOf(uint32_t row);
  Variable constant(double value);
  uint32_t addRow(Row row);
  static void sortRow(Row &row);
  static double scaleOf(const Row &row);
  /// Divides a row by its scale, which is returned.
  static double normalize(Row &row);
  static uint64_t hashOf(const Row &row);

  // Factors.
  Scaled sumOf(Row row);

  // Sums.
  bool mergeColumns(size_t leastLength);
  bool mergeRows();

  // Products.
  void absorbCoefficients();

  Monomials monomials;
  std::vector<Row> rows;
  std::vector<Variable> rowVariables; ///< of each row; ~0u: none yet
  std::vector<Definition> definitions;
  llvm::DenseMap<uint64_t, Variable> constants;
  llvm::DenseMap<uint64_t, llvm::SmallVector<std::pair<Row, Variable>, 1>> sums;
  unsigned outputs, variables;
};

/// `a / b`, if that times `b` is `a` without rounding.
std::optional<double> exactRatio(double a, double b);

} // namespace mad::egraph

#endif // MAD_PASSES_EGRAPH_FACTORROWS_H
