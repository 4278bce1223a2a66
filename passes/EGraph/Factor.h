//===- Factor.h - Cheap programs for systems of polynomials -----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Finds a program with few operations that computes all polynomials of a system. As real
// functions its outputs are equal to the polynomials term by term; as floating-point numbers they
// are rounded differently, so it is for operations that may be reassociated.
//
// A system is rows of terms, and three steps rewrite them:
//
// - products: the pair of factors that most monomials have becomes a variable, again and again.
//   Breuer, "Generation of optimal code for expressions via factorization" (CACM 1969).
// - factors: the variable that most terms of a row have is taken out of them (with all that they
//   have in common), and the sum that is left is a new row, where that goes on; rows that are
//   equal but for a scale are one. Of one variable this is Horner's rule; Ceberio and Kreinovich,
//   "Greedy algorithms for optimizing multivariate Horner schemes" (2004).
// - sums: terms that stand in the same rows with coefficients in proportion become a variable,
//   and so do rows that are in proportion; then the pair of terms that saves most, with one ratio
//   of coefficients, again and again. Paar, "Optimized arithmetic for Reed-Solomon encoders"
//   (ISIT 1997); Hosangadi, Fallah, Kastner, "Optimizing polynomial expressions by algebraic
//   factorization and common subexpression elimination" (TCAD 2006).
//
// Each can spoil what another would have found: a rate that three equations share is gone when
// one of them is factored. So several orders are tried, and the cheapest program wins.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_EGRAPH_FACTOR_H
#define MAD_PASSES_EGRAPH_FACTOR_H

#include "passes/EGraph/StraightLine.h"
#include "llvm/ADT/StringRef.h"

namespace mad::egraph {

/// What a program costs: by default the slots of instructions. An operand that is read costs
/// about half of an operation, because two of them can be read in the time of one.
struct FactorCost {
  bool fuses = true; ///< a product and a sum are one operation
  double operation = 1, operand = 0.5;
  double of(const Operations &operations) const {
    return operation * double(operations.total()) + operand * double(operations.operands);
  }
};

/// A step of an order.
enum class FactorStep { Products, Factors, Sums };

/// The cheapest of several orders.
StraightLine factor(const System &system, const FactorCost &cost = {});
/// One order; what it leaves, products of more than two factors, becomes products of pairs.
StraightLine factor(const System &system, llvm::ArrayRef<FactorStep> order);
/// Each term by itself, as it is written: nothing is shared.
StraightLine writeOut(const System &system);

} // namespace mad::egraph

#endif // MAD_PASSES_EGRAPH_FACTOR_H
