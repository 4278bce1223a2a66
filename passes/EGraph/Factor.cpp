//===- Factor.cpp - Cheap programs for systems of polynomials ---------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/EGraph/Factor.h"
#include "passes/EGraph/FactorRows.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>

using namespace llvm;

namespace mad::egraph {

/// Writes down what outputs need, each value before it is first used.
class FactorRows::Lowering {
public:
  explicit Lowering(FactorRows &system) : system(system) {
    program.variables = system.variables;
    values.assign(system.definitions.size(), StraightLine::nothing);
    for (Variable v = 0; v < system.variables; ++v)
      values[v] = v;
  }

  StraightLine run() {
    for (unsigned output = 0; output < system.outputs; ++output) {
      const Row &row = system.rows[output];
      if (system.rowVariables[output] != ~0u) {
        program.outputs.push_back(valueOf(system.rowVariables[output]));
      } else if (std::optional<Variable> same = aliasOf(row)) {
        program.outputs.push_back(valueOf(*same));
      } else {
        needs(row);
        program.outputs.push_back(emit(row));
      }
    }
    return std::move(program);
  }

private:
  /// A row that is another variable.
  std::optional<Variable> aliasOf(const Row &row) const {
    if (row.size() != 1 || row[0].coefficient != 1)
      return std::nullopt;
    ArrayRef<Power> powers = system.monomials[row[0].monomial];
    if (powers.size() != 1 || powers[0].exponent != 1)
      return std::nullopt;
    return powers[0].base;
  }

  StraightLine::Value valueOf(Variable variable) {
    SmallVector<Variable> waiting{variable};
    needs(waiting);
    return values[variable];
  }
  void needs(const Row &row) {
    for (Term t : row)
      for (Power p : system.monomials[t.monomial])
        if (values[p.base] == StraightLine::nothing)
          valueOf(p.base);
  }

  /// Without recursion: what a variable needs may be deep.
  void needs(SmallVector<Variable> &waiting) {
    while (!waiting.empty()) {
      Variable v = waiting.back();
      const size_t before = waiting.size();
      if (values[v] == StraightLine::nothing)
        forOperands(v, [&](Variable operand) {
          if (values[operand] == StraightLine::nothing)
            waiting.push_back(operand);
        });
      if (waiting.size() > before) {
        // The operand that the text names first is to come first.
        std::reverse(waiting.begin() + before, waiting.end());
        continue;
      }
      waiting.pop_back();
      if (values[v] == StraightLine::nothing)
        values[v] = emit(v);
    }
  }

  template <typename Visit> void forOperands(Variable v, Visit visit) {
    const Definition &definition = system.definitions[v];
    if (definition.kind == Definition::Product) {
      visit(definition.a);
      visit(definition.b);
    } else if (definition.kind == Definition::Sum) {
      for (Term t : system.rows[definition.row])
        for (Power p : system.monomials[t.monomial])
          visit(p.base);
    }
  }

  StraightLine::Value emit(Variable v) {
    const Definition &definition = system.definitions[v];
    if (definition.kind == Definition::Product)
      return emit(StraightLine::Step{{{1, values[definition.a], values[definition.b]}}});
    if (definition.kind == Definition::Constant)
      return emit(StraightLine::Step{{{definition.value}}});
    const Row &row = system.rows[definition.row];
    std::optional<Variable> same = aliasOf(row);
    return same ? values[*same] : emit(row);
  }

  StraightLine::Value emit(const Row &row) {
    StraightLine::Step step;
    for (Term t : row) {
      StraightLine::Summand s{t.coefficient};
      for (Power p : system.monomials[t.monomial])
        for (uint32_t i = 0; i < p.exponent; ++i)
          (s.a == StraightLine::nothing ? s.a : s.b) = values[p.base];
      step.sum.push_back(s);
    }
    return emit(std::move(step));
  }

  StraightLine::Value emit(StraightLine::Step step) {
    program.steps.push_back(std::move(step));
    return StraightLine::Value(program.variables + program.steps.size() - 1);
  }

  FactorRows &system;
  StraightLine program;
  std::vector<StraightLine::Value> values; ///< of variables
};

StraightLine FactorRows::lower() {
  shareProducts(1);
  return Lowering(*this).run();
}

StraightLine factor(const System &system, ArrayRef<FactorStep> order) {
  FactorRows rows(system);
  for (FactorStep step : order)
    switch (step) {
    case FactorStep::Products:
      rows.shareProducts(2);
      break;
    case FactorStep::Factors:
      rows.takeFactors();
      break;
    case FactorStep::Sums:
      rows.shareSums();
      break;
    }
  return rows.lower();
}

StraightLine factor(const System &system, const FactorCost &cost) {
  using enum FactorStep;
  static constexpr FactorStep orders[][4] = {{Products, Factors, Sums, Products},
                                             {Factors, Sums, Products, Products},
                                             {Sums, Factors, Sums, Products},
                                             {Sums, Products, Factors, Sums},
                                             {Sums, Products, Products, Products}};
  StraightLine best;
  double least = HUGE_VAL;
  for (ArrayRef<FactorStep> order : orders) {
    StraightLine program = factor(system, order);
    double price = cost.of(program.count(cost.fuses));
    if (price < least) {
      least = price;
      best = std::move(program);
    }
  }
  return best;
}

StraightLine writeOut(const System &system) {
  StraightLine program;
  program.variables = system.variables;
  auto emit = [&](StraightLine::Step step) {
    program.steps.push_back(std::move(step));
    return StraightLine::Value(program.variables + program.steps.size() - 1);
  };
  for (const Polynomial &polynomial : system.polynomials) {
    StraightLine::Step sum;
    const std::vector<Term> terms = polynomial.terms();
    if (terms.size() == 1 && terms[0].coefficient == 1 &&
        system.monomials.degree(terms[0].monomial) == 1) {
      program.outputs.push_back(system.monomials[terms[0].monomial][0].base);
      continue;
    }
    for (Term t : terms) {
      StraightLine::Summand product{t.coefficient};
      for (Power p : system.monomials[t.monomial])
        for (uint32_t i = 0; i < p.exponent; ++i) {
          if (product.b != StraightLine::nothing)
            product = {t.coefficient, emit({{{1, product.a, product.b}}})};
          (product.a == StraightLine::nothing ? product.a : product.b) = p.base;
        }
      sum.sum.push_back(product);
    }
    program.outputs.push_back(emit(std::move(sum)));
  }
  return program;
}

} // namespace mad::egraph
