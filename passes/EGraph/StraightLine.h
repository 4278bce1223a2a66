//===- StraightLine.h - Sums of products, one after the other ---------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_EGRAPH_STRAIGHTLINE_H
#define MAD_PASSES_EGRAPH_STRAIGHTLINE_H

#include "passes/EGraph/Polynomial.h"

namespace llvm {
class raw_ostream;
} // namespace llvm

namespace mad::egraph {

/// How often a program does what.
struct Operations {
  size_t adds = 0, multiplications = 0, fused = 0; ///< fused: both in one
  size_t operands = 0;                             ///< variables and results that are read
  size_t total() const { return adds + multiplications + fused; }
};

/// A program without branches whose steps are sums of products of at most two values.
struct StraightLine {
  /// A variable, or `variables` plus the number of a step.
  using Value = uint32_t;
  static constexpr Value nothing = ~0u;

  /// `scale`, times `a` if there is one, times `b` if there is one too.
  struct Summand {
    double scale;
    Value a = nothing, b = nothing;
  };
  struct Step {
    std::vector<Summand> sum; ///< of nothing: 0
  };

  unsigned variables = 0;
  std::vector<Step> steps; ///< of values before them
  std::vector<Value> outputs;

  bool isConstant(Value value) const {
    if (value < variables)
      return false;
    const Step &step = steps[value - variables];
    return step.sum.empty() || (step.sum.size() == 1 && step.sum[0].a == nothing);
  }
  /// With or without instructions that multiply and add.
  Operations count(bool fuses = true) const;
  /// Each output as a polynomial of the variables.
  std::vector<Polynomial> expand(Monomials &monomials) const;

  /// The outputs for values of the variables, by operators + and * of `T`, which is made of
  /// doubles.
  template <typename T> std::vector<T> evaluate(llvm::ArrayRef<T> inputs) const {
    std::vector<T> values(inputs.begin(), inputs.end());
    for (const Step &step : steps) {
      T sum(0.0);
      for (const Summand &s : step.sum) {
        T product(s.scale);
        if (s.a != nothing)
          product = product * values[s.a];
        if (s.b != nothing)
          product = product * values[s.b];
        sum = sum + product;
      }
      values.push_back(sum);
    }
    std::vector<T> results;
    for (Value v : outputs)
      results.push_back(values[v]);
    return results;
  }

  /// Statements of C: `nameOf` says how variables are read, `resultOf` where outputs are written.
  /// Sums of more than `chain` summands are sums of shorter ones, none of which waits for another.
  void writeC(llvm::raw_ostream &os, llvm::function_ref<std::string(Variable)> nameOf,
              llvm::function_ref<std::string(unsigned)> resultOf, unsigned chain = 8) const;
};

} // namespace mad::egraph

#endif // MAD_PASSES_EGRAPH_STRAIGHTLINE_H
