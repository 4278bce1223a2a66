//===- ExplainTest.cpp - Why two terms are equal ----------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/EGraph/Explain.h"
#include "Terms.h"
#include "gtest/gtest.h"
#include <random>

using namespace mad::egraph;

namespace {

/// The names of the rules on the way, in order; those that were used from right to left with `<-`.
std::vector<std::string> way(const EGraph &graph, llvm::ArrayRef<Rule> rules, Id a, Id b) {
  std::vector<std::string> result;
  for (const ProofStep &step : graph.proofs()->explain(graph, a, b))
    result.push_back((step.forward ? "" : "<-") +
                     (step.because == becauseGiven ? "given" : rules[step.because].name));
  return result;
}

/// Checks that each step turns the left side of its rule into the right one: both are terms
/// of the graph that are equal by the rule alone.
void check(EGraph &graph, llvm::ArrayRef<Rule> rules, Id a, Id b) {
  for (const ProofStep &step : graph.proofs()->explain(graph, a, b)) {
    if (step.because == becauseGiven)
      continue;
    const Rule &rule = rules[step.because];
    Id left = step.forward ? step.from : step.to, right = step.forward ? step.to : step.from;
    // The same operations as the patterns, with equal classes for equal variables.
    std::vector<Id> bound(rule.variables, none);
    auto fits = [&](auto &&self, const Pattern &pattern, unsigned at, Id id) -> bool {
      const Pattern::Node &node = pattern.nodes[at];
      if (node.isVariable()) {
        Id &known = bound[node.variable];
        known = known == none ? graph.find(id) : known;
        return known == graph.find(id);
      }
      if (graph.op(id) != node.op)
        return false;
      for (unsigned i = 0; i < node.operands.size(); ++i)
        if (!self(self, pattern, node.operands[i], graph.given(id)[i]))
          return false;
      return true;
    };
    EXPECT_TRUE(fits(fits, rule.left[0], rule.left[0].root(), left)) << rule.name;
    EXPECT_TRUE(fits(fits, rule.right[0], rule.right[0].root(), right)) << rule.name;
  }
}

} // namespace

TEST(Explain, OneRuleAfterTheOther) {
  Language language;
  EGraph graph(language, /*explains=*/true);
  std::vector<Rule> rules = {rule(language, "ab", "(a ?x)", "(b ?x)"),
                             rule(language, "bc", "(b ?x)", "(c ?x)"),
                             rule(language, "dc", "(d ?x)", "(c ?x)")};
  Id a = term(graph, "(a 1)"), d = term(graph, "(d 1)");
  Runner(graph, rules, noLimits()).run();
  EXPECT_EQ(way(graph, rules, a, d), (std::vector<std::string>{"ab", "bc", "<-dc"}));
  EXPECT_EQ(way(graph, rules, d, a), (std::vector<std::string>{"dc", "<-bc", "<-ab"}));
  EXPECT_TRUE(way(graph, rules, a, a).empty());
  check(graph, rules, a, d);
}

TEST(Explain, OperandsThatBecameEqual) {
  Language language;
  EGraph graph(language, true);
  std::vector<Rule> rules = {rule(language, "zero", "(+ ?x 0)", "?x"),
                             rule(language, "one", "(* ?x 1)", "?x")};
  Id whole = term(graph, "(f (+ a 0) (g (* b 1)))"), plain = term(graph, "(f a (g b))");
  graph.rebuild();
  EXPECT_TRUE(way(graph, rules, whole, plain).empty());
  Runner(graph, rules, noLimits()).run();
  EXPECT_EQ(way(graph, rules, whole, plain), (std::vector<std::string>{"zero", "one"}));
  check(graph, rules, whole, plain);
}

// A term that meets an equal node, not the same one, keeps what it was made of.
TEST(Explain, TermsMadeOfEqualOperands) {
  Language language;
  EGraph graph(language, true);
  std::vector<Rule> rules = {rule(language, "zero", "(+ ?x 0)", "?x")};
  Id plain = term(graph, "(f a)");
  term(graph, "(+ a 0)");
  Runner(graph, rules, noLimits()).run();
  Id later = term(graph, "(f (+ a 0))");
  EXPECT_NE(later, plain);
  EXPECT_EQ(term(graph, "(f (+ a 0))"), later);
  EXPECT_EQ(graph.find(later), graph.find(plain));
  EXPECT_EQ(way(graph, rules, later, plain), std::vector<std::string>{"zero"});
}

TEST(Explain, StepsAreUsesOfRules) {
  Language language;
  EGraph graph(language, true);
  std::vector<Rule> rules = {rule(language, "comm", "(+ ?a ?b)", "(+ ?b ?a)"),
                             rule(language, "assoc", "(+ (+ ?a ?b) ?c)", "(+ ?a (+ ?b ?c))"),
                             rule(language, "double", "(+ ?a ?a)", "(* 2 ?a)"),
                             rule(language, "given", "(h ?a)", "(+ ?a ?a)")};
  Id start = term(graph, "(+ (+ x (+ y z)) (+ (+ z y) x))"),
     end = term(graph, "(* 2 (+ z (+ y x)))"), other = term(graph, "(h (+ x (+ z y)))");
  Limits limits = noLimits();
  limits.nodes = 20000;
  limits.iterations = 6;
  Runner(graph, rules, limits).run();
  ASSERT_EQ(graph.find(start), graph.find(end));
  ASSERT_EQ(graph.find(start), graph.find(other));
  EXPECT_FALSE(way(graph, rules, start, end).empty());
  check(graph, rules, start, end);
  check(graph, rules, other, start);
}
