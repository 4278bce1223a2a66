//===- SumsTest.cpp - Sums and products of an e-graph as polynomials --------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/EGraph/Sums.h"
#include "Terms.h"
#include "passes/EGraph/Extract.h"
#include "gtest/gtest.h"
#include <algorithm>
#include <numeric>
#include <random>

using namespace mad::egraph;

namespace {

/// `+ - * neg` and numbers of terms as text.
Ring ringOf(Language &language, bool isExact) {
  Symbol number = language.symbol(numberSymbol), plus = language.symbol("+"),
         minus = language.symbol("-"), times = language.symbol("*"), neg = language.symbol("neg"),
         fma = language.symbol("fma");
  Ring ring;
  ring.isExact = isExact;
  ring.meaning = [=](const EGraph &graph, Id node) -> Ring::Meaning {
    const Op &op = graph.language().get(graph.op(node));
    if (op.symbol == number)
      return {Ring::Constant, double(int64_t(op.payload))};
    for (auto [symbol, kind] : {std::pair(plus, Ring::Add), std::pair(minus, Ring::Subtract),
                                std::pair(times, Ring::Multiply), std::pair(neg, Ring::Negate),
                                std::pair(fma, Ring::MultiplyAdd)})
      if (op.symbol == symbol)
        return {kind};
    return {};
  };
  auto binary = [](Symbol symbol) {
    return
        [=](EGraph &graph, Id a, Id b) { return graph.add(graph.language().op(symbol), {a, b}); };
  };
  ring.add = binary(plus);
  ring.subtract = binary(minus);
  ring.multiply = binary(times);
  ring.negate = [=](EGraph &graph, Id a) { return graph.add(graph.language().op(neg), {a}); };
  ring.constant = [=](EGraph &graph, double value) {
    return graph.add(graph.language().op(number, uint64_t(int64_t(value))));
  };
  return ring;
}

double cost(const EGraph &graph, Id node) { return graph.operands(node).empty() ? 0 : 1; }

} // namespace

TEST(Sums, EqualWhateverTheOrder) {
  Language language;
  EGraph graph(language);
  Ring ring = ringOf(language, true);
  std::vector<std::pair<const char *, const char *>> equal = {
      {"(+ a (+ b c))", "(+ (+ c a) b)"}, {"(* (+ a b) (- a b))", "(- (* a a) (* b b))"},
      {"(+ x (+ x (+ x x)))", "(* 4 x)"}, {"(* (+ x 3) (+ x 1))", "(+ (+ (* x x) (* 4 x)) 3)"},
      {"(+ 1 (- a (* (- 2 1) a)))", "1"}, {"(fma a b (neg (* b a)))", "0"},
      {"(f (+ a b))", "(f (+ b a))"}};
  std::vector<Id> all;
  for (auto [left, right] : equal)
    for (const char *text : {left, right})
      all.push_back(term(graph, text));
  Id other = term(graph, "(+ a (* b c))");
  all.push_back(other);
  all.push_back(term(graph, "(+ a b)"));
  all.push_back(term(graph, "(+ b a)"));
  uniteEqualSums(graph, ring, all);
  for (size_t i = 0; i < equal.size(); ++i)
    EXPECT_EQ(graph.find(all[2 * i]), graph.find(all[2 * i + 1])) << equal[i].first;
  EXPECT_NE(graph.find(other), graph.find(all[0]));
}

TEST(Sums, LongSumsStaySmall) {
  // With a rule for associativity a sum of 10 has 57012 nodes in 1023 classes.
  Language language;
  EGraph graph(language);
  Ring ring = ringOf(language, true);
  constexpr unsigned n = 1000, orders = 10;
  std::vector<Id> leaves;
  for (unsigned i = 0; i < n; ++i)
    leaves.push_back(graph.add(language.op("x" + std::to_string(i))));
  std::mt19937 random(1);
  std::vector<Id> sums;
  for (unsigned order = 0; order < orders; ++order) {
    std::vector<Id> parts = leaves;
    std::shuffle(parts.begin(), parts.end(), random);
    while (parts.size() > 1) { // any two become one
      std::swap(parts[random() % parts.size()], parts.back());
      Id last = parts.back();
      parts.pop_back();
      Id &with = parts[random() % parts.size()];
      with = ring.add(graph, with, last);
    }
    sums.push_back(parts[0]);
  }
  EXPECT_EQ(uniteEqualSums(graph, ring, sums), orders - 1);
  EXPECT_LE(graph.numNodes(), n + orders * (n - 1));
}

TEST(Sums, CyclesAreAtoms) {
  Language language;
  EGraph graph(language);
  Ring ring = ringOf(language, true);
  Id x = term(graph, "x"), more = term(graph, "(+ x 0)");
  graph.unite(x, more);
  Id sum = term(graph, "(+ x (+ x y))"), same = term(graph, "(+ y (* 2 x))");
  // Two classes, each a sum of the other; neither is anything else.
  Id p = term(graph, "(+ q 1)");
  graph.unite(term(graph, "(- p 1)"), term(graph, "q"));
  graph.unite(p, term(graph, "p"));
  EXPECT_EQ(uniteEqualSums(graph, ring, {sum, same, p}), 1u);
  EXPECT_EQ(graph.find(sum), graph.find(same));
}

TEST(Sums, LimitsMakeAtoms) {
  Language language;
  EGraph graph(language);
  Ring ring = ringOf(language, true);
  Id power = term(graph, "(* (* (+ a b) (+ c d)) (+ e f))");
  graph.rebuild();
  Sums all(graph, ring), few(graph, ring, 4);
  EXPECT_EQ(all.of(power).size(), 8u);
  EXPECT_EQ(few.of(power).size(), 1u);
  EXPECT_TRUE(few.isAtom(power));
}

TEST(Sums, AtomsAreNotMadeEqualIfThatRounds) {
  for (bool isExact : {false, true}) {
    Language language;
    EGraph graph(language);
    Ring ring = ringOf(language, isExact);
    Id a = term(graph, "a"), more = term(graph, "(- (+ a b) b)"), zero = term(graph, "0"),
       nothing = term(graph, "(- a a)"), alsoNothing = term(graph, "(- b b)");
    uniteEqualSums(graph, ring, {a, more, zero, nothing, alsoNothing});
    EXPECT_EQ(graph.find(a) == graph.find(more), isExact);
    EXPECT_EQ(graph.find(zero) == graph.find(nothing), isExact);
    EXPECT_EQ(graph.find(nothing), graph.find(alsoNothing));
    addFactored(graph, ring, {more, nothing, zero}, [&](Id a, Id b) { graph.unite(a, b); });
    graph.rebuild();
    EXPECT_EQ(graph.find(a) == graph.find(more), isExact);
    EXPECT_EQ(graph.find(zero) == graph.find(nothing), isExact);
  }
}

TEST(Sums, StrictOperationsAreAtoms) {
  // Only sums with a flag may be reassociated.
  Language language;
  EGraph graph(language);
  Symbol plus = language.symbol("+");
  Ring ring = ringOf(language, false);
  ring.meaning = [=](const EGraph &graph, Id node) -> Ring::Meaning {
    const Op &op = graph.language().get(graph.op(node));
    return {op.symbol == plus && op.flags == 1 ? Ring::Add : Ring::Atom};
  };
  Id a = term(graph, "a"), b = term(graph, "b"), c = term(graph, "c");
  auto sum = [&](uint32_t flags, Id x, Id y) {
    return graph.add(language.op(plus, 0, flags), {x, y});
  };
  Id strict = sum(0, a, sum(0, b, c)), strictOther = sum(0, sum(0, a, b), c),
     free = sum(1, a, sum(1, b, c)), freeOther = sum(1, sum(1, a, b), c),
     mixed = sum(1, a, sum(0, b, c));
  EXPECT_EQ(uniteEqualSums(graph, ring, {strict, strictOther, free, freeOther, mixed}), 1u);
  EXPECT_EQ(graph.find(free), graph.find(freeOther));
  EXPECT_NE(graph.find(free), graph.find(mixed));
}

TEST(Sums, FactoredProgramsAreExtracted) {
  Language language;
  EGraph graph(language);
  Ring ring = ringOf(language, true);
  // A reaction a + b <-> c in three equations, and a product of sums that was expanded.
  std::vector<Id> roots = {term(graph, "(- (* l c) (* k (* a b)))"),
                           term(graph, "(- (* l c) (* (* k a) b))"),
                           term(graph, "(- (* (* k b) a) (* c l))"),
                           term(graph, "(+ (+ (* p r) (* p s)) (+ (* q r) (* q s)))")};
  graph.rebuild();
  EXPECT_EQ(extractDag(graph, roots, cost).cost, 4 + 3 + 4 + 7);
  addFactored(graph, ring, roots, [&](Id a, Id b) { graph.unite(a, b); });
  graph.rebuild();
  // Three products, a difference and its sign; two sums and a product.
  EXPECT_EQ(extractDag(graph, roots, cost).cost, 5 + 3);
}

TEST(Sums, AsSweepsOfRules) {
  // (f (* (+ a b) c)) and (f (+ (* b c) (* c a))) meet; a rule then sees through them.
  Language language;
  EGraph graph(language);
  Ring ring = ringOf(language, true);
  Id left = term(graph, "(g (f (* (+ a b) c)) (f (+ (* b c) (* c a))))"), y = term(graph, "y");
  std::vector<Rule> rules;
  rules.push_back(rule(language, "same", "(g ?x ?x)", "y"));
  rules.emplace_back();
  rules.back().name = "sums";
  rules.back().sweep = [&](EGraph &graph, llvm::function_ref<void(Id, Id)> unite) {
    std::vector<Id> all(graph.classes());
    findEqualSums(graph, ring, all, unite, 16);
  };
  Report report = Runner(graph, rules, noLimits()).run();
  EXPECT_EQ(report.stop, Stop::Saturated);
  EXPECT_EQ(graph.find(left), graph.find(y));
}

TEST(Sums, DeepChains) {
  Language language;
  EGraph graph(language);
  Ring ring = ringOf(language, true);
  // Deeper than a stack of calls would allow; each prefix has another sum.
  Id sum = term(graph, "x"), x = sum, c = term(graph, "c");
  for (unsigned i = 0; i < 200000; ++i)
    sum = ring.add(graph, sum, i % 2 ? x : c);
  graph.rebuild();
  Sums sums(graph, ring);
  EXPECT_EQ(sums.of(sum).size(), 2u);
  EXPECT_EQ(sums.of(sum)[sums.monomials().of(sums.atoms()[0] == x ? 0 : 1)], 100001);
}
