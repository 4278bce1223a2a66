//===- Facts.h - What is known of the classes of a graph ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_EGRAPH_BRIDGE_FACTS_H
#define MAD_PASSES_EGRAPH_BRIDGE_FACTS_H

#include "passes/EGraph/Bridge/Terms.h"

namespace mad::rewrite {

/// Why a constant is in a class: it was computed.
constexpr uint32_t becauseFolded = egraph::none - 2;
/// Why a sum is another one: both are the same polynomial.
constexpr uint32_t becauseFactored = egraph::none - 3;
/// Why a sum of products is another one: its factors are multiplied in another order.
constexpr uint32_t becauseOrdered = egraph::none - 4;

/// The one number that all elements of a class have; null when none is known. A class that has
/// one gets it as a node.
class Constants : public egraph::ValueAnalysis<mlir::Attribute> {
public:
  explicit Constants(Terms &terms) : terms(terms) {}
  mlir::Attribute make(egraph::EGraph &graph, egraph::Id node) override;
  bool join(egraph::EGraph &graph, mlir::Attribute &into, const mlir::Attribute &from) override;
  void modify(egraph::EGraph &graph, egraph::Id id) override;

private:
  mlir::Attribute evaluate(const Term &term, llvm::ArrayRef<mlir::Attribute> operands);
  Terms &terms;
};

/// Whether constants and weights alone decide a class.
class Known : public egraph::ValueAnalysis<char> {
public:
  explicit Known(const Terms &terms) : terms(terms) {}
  char make(egraph::EGraph &graph, egraph::Id node) override;
  bool join(egraph::EGraph &graph, char &into, const char &from) override;

private:
  const Terms &terms;
};

/// Numbers that elements of a class of floats can be.
struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool nan = true;      ///< or not a number
  unsigned changes = 0; ///< since its class was made
  bool isFinite() const { return !nan && std::isfinite(low) && std::isfinite(high); }
};

class Ranges : public egraph::ValueAnalysis<Range> {
public:
  Ranges(const Terms &terms, const Constants &constants) : terms(terms), constants(constants) {}
  Range make(egraph::EGraph &graph, egraph::Id node) override;
  bool join(egraph::EGraph &graph, Range &into, const Range &from) override;

private:
  const Terms &terms;
  const Constants &constants;
};

struct Facts {
  explicit Facts(Terms &terms) : constants(terms), known(terms), ranges(terms, constants) {}
  void attachTo(egraph::EGraph &graph) {
    graph.attach(constants);
    graph.attach(known);
    graph.attach(ranges);
  }
  Constants constants;
  Known known;
  Ranges ranges;
};

/// Cycles that a node takes without its operands.
double cyclesOf(const egraph::EGraph &graph, egraph::Id node, const Terms &terms,
                const Facts &facts);

} // namespace mad::rewrite

#endif // MAD_PASSES_EGRAPH_BRIDGE_FACTS_H
