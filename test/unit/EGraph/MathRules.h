//===- MathRules.h - Rules of algebra for tests and benchmarks --------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Over the rationals, with leaves that are unknowns; `(d x e)` is the derivative of e by x.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_TEST_UNIT_EGRAPH_MATHRULES_H
#define MAD_TEST_UNIT_EGRAPH_MATHRULES_H

#include "Terms.h"

namespace mad::egraph {

/// Integers that terms are, which become their nodes.
class MathConstants : public ValueAnalysis<std::optional<int64_t>> {
public:
  std::optional<int64_t> make(EGraph &graph, Id node) override {
    const Op &op = graph.language().get(graph.op(node));
    llvm::StringRef name = graph.language().name(op.symbol);
    if (name == numberSymbol)
      return int64_t(op.payload);
    llvm::ArrayRef<Id> operands = graph.operands(node);
    if (operands.size() != 2)
      return {};
    auto x = of(graph, operands[0]), y = of(graph, operands[1]);
    int64_t result;
    if (!x || !y)
      return {};
    if (name == "+" && !__builtin_add_overflow(*x, *y, &result))
      return result;
    if (name == "-" && !__builtin_sub_overflow(*x, *y, &result))
      return result;
    if (name == "*" && !__builtin_mul_overflow(*x, *y, &result))
      return result;
    if (name == "/" && *y != 0 && *y != -1 && *x % *y == 0)
      return *x / *y;
    return {};
  }
  bool join(EGraph &graph, std::optional<int64_t> &into,
            const std::optional<int64_t> &from) override {
    if (into && from && *into != *from)
      graph.setConflict(std::to_string(*into) + " is not " + std::to_string(*from));
    if (into || !from)
      return false;
    into = from;
    return true;
  }
  void modify(EGraph &graph, Id id) override {
    if (auto value = of(graph, id)) {
      Language &language = graph.language();
      graph.unite(id, graph.add(language.op(language.symbol(numberSymbol), uint64_t(*value))));
    }
  }
};

inline std::vector<Rule> mathRules(Language &language, const MathConstants &constants) {
  auto make = [&](llvm::StringRef name, llvm::StringRef left, llvm::StringRef right) {
    return rule(language, name, left, right);
  };
  std::vector<Rule> rules = {
      make("comm-add", "(+ ?a ?b)", "(+ ?b ?a)"),
      make("comm-mul", "(* ?a ?b)", "(* ?b ?a)"),
      make("assoc-add", "(+ ?a (+ ?b ?c))", "(+ (+ ?a ?b) ?c)"),
      make("assoc-mul", "(* ?a (* ?b ?c))", "(* (* ?a ?b) ?c)"),
      make("sub", "(- ?a ?b)", "(+ ?a (* -1 ?b))"),
      make("zero-add", "(+ ?a 0)", "?a"),
      make("zero-mul", "(* ?a 0)", "0"),
      make("one-mul", "(* ?a 1)", "?a"),
      make("sub-same", "(- ?a ?a)", "0"),
      make("distribute", "(* ?a (+ ?b ?c))", "(+ (* ?a ?b) (* ?a ?c))"),
      make("factor", "(+ (* ?a ?b) (* ?a ?c))", "(* ?a (+ ?b ?c))"),
      make("twice", "(+ ?a ?a)", "(* 2 ?a)"),
      make("one-more", "(+ (* ?a ?b) ?b)", "(* (+ ?a 1) ?b)"),
      make("pow-mul", "(* (pow ?a ?b) (pow ?a ?c))", "(pow ?a (+ ?b ?c))"),
      make("d-add", "(d ?x (+ ?a ?b))", "(+ (d ?x ?a) (d ?x ?b))"),
      make("d-mul", "(d ?x (* ?a ?b))", "(+ (* ?a (d ?x ?b)) (* ?b (d ?x ?a)))"),
  };
  auto isNumber = [&constants](unsigned variable) {
    return [&constants, variable](const EGraph &graph, const Bindings &bindings) {
      return constants.of(graph, bindings.classes[variable]).has_value();
    };
  };
  auto isNonZero = [&constants](unsigned variable) {
    return [&constants, variable](const EGraph &graph, const Bindings &bindings) {
      auto value = constants.of(graph, bindings.classes[variable]);
      return value && *value != 0;
    };
  };
  auto when = [&](Rule rule, auto condition) {
    rule.condition = condition;
    rules.push_back(std::move(rule));
  };
  Symbol number = language.symbol(numberSymbol);
  auto isLeaf = [number](const EGraph &graph, Id id) {
    for (Id node : graph.nodesOf(id))
      if (graph.symbolOf(node) != number && graph.operands(node).empty())
        return true;
    return false;
  };
  // The derivative of an unknown by itself, and by another.
  when(make("d-same", "(d ?x ?x)", "1"),
       [isLeaf](const EGraph &graph, const Bindings &b) { return isLeaf(graph, b.classes[0]); });
  when(make("d-other", "(d ?x ?y)", "0"), [isLeaf](const EGraph &graph, const Bindings &b) {
    return isLeaf(graph, b.classes[0]) && isLeaf(graph, b.classes[1]) &&
           graph.find(b.classes[0]) != graph.find(b.classes[1]);
  });
  when(make("d-number", "(d ?x ?c)", "0"), isNumber(1));
  // Quotients by numbers, and of sums.
  rules.push_back(make("div-add", "(+ (/ ?a ?c) (/ ?b ?c))", "(/ (+ ?a ?b) ?c)"));
  rules.push_back(make("div-mul", "(* ?a (/ ?b ?c))", "(/ (* ?a ?b) ?c)"));
  when(make("cancel", "(/ (* ?a ?b) ?a)", "?b"), isNonZero(0));
  when(make("div-one", "(/ ?a 1)", "?a"), [](const EGraph &, const Bindings &) { return true; });
  return rules;
}

} // namespace mad::egraph

#endif // MAD_TEST_UNIT_EGRAPH_MATHRULES_H
