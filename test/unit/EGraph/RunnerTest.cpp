//===- RunnerTest.cpp - Saturation ------------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Terms.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"
#include <random>

using namespace mad::egraph;

namespace {

std::vector<Rule> sumRules(Language &language) {
  return {rule(language, "comm", "(+ ?a ?b)", "(+ ?b ?a)"),
          rule(language, "assoc", "(+ (+ ?a ?b) ?c)", "(+ ?a (+ ?b ?c))")};
}

std::string sumOf(unsigned n) {
  std::string text = "x0";
  for (unsigned i = 1; i < n; ++i)
    text = "(+ x" + std::to_string(i) + " " + text + ")";
  return text;
}

} // namespace

// All sums of n different leaves: a class for each subset but the empty one, a node for each
// ordered way to part one into two, and the leaves.
TEST(Runner, SumsHaveTheirClosedForm) {
  const std::pair<size_t, size_t> expected[] = {
      {15, 54}, {31, 185}, {63, 608}, {127, 1939}, {255, 6058}};
  for (unsigned n = 4; n <= 8; ++n) {
    Language language;
    EGraph graph(language);
    term(graph, sumOf(n));
    Report report = Runner(graph, sumRules(language), noLimits()).run();
    EXPECT_EQ(report.stop, Stop::Saturated);
    EXPECT_EQ(graph.numClasses(), expected[n - 4].first) << n;
    EXPECT_EQ(graph.numNodes(), expected[n - 4].second) << n;
  }
}

// The same with sums whose operands have no order: half of the nodes, one rule.
TEST(Runner, CommutativeSumsNeedNoRuleForIt) {
  Language language;
  language.setCommutative(language.symbol("+"));
  EGraph graph(language);
  term(graph, sumOf(7));
  Report report =
      Runner(graph, {rule(language, "assoc", "(+ (+ ?a ?b) ?c)", "(+ ?a (+ ?b ?c))")}, noLimits())
          .run();
  EXPECT_EQ(report.stop, Stop::Saturated);
  EXPECT_EQ(graph.numClasses(), 127u);
  EXPECT_EQ(graph.numNodes(), (1939u - 7u) / 2 + 7u);
}

// What is found where something changed is what is found everywhere.
TEST(Runner, LooksOnlyWhereTheGraphChanged) {
  Language language;
  EGraph graph(language);
  std::vector<Rule> rules = sumRules(language);
  rules.push_back(rule(language, "deep", "(+ ?a (+ ?b (+ ?c ?a)))", "(f ?a)"));
  rules.push_back(rule(language, "twice", "(+ ?a ?a)", "(* 2 ?a)"));
  rules.push_back(rule(language, "same", "(f ?x)", "x0"));
  Id all = term(graph, "(+ x0 (+ x1 (+ x2 x0)))");
  term(graph, "(+ (f x0) x0)");
  Report report = Runner(graph, rules, noLimits()).run();
  EXPECT_EQ(report.stop, Stop::Saturated);
  EXPECT_EQ(graph.find(all), graph.find(term(graph, "x0")));
  EXPECT_EQ(graph.find(term(graph, "(+ (f x0) x0)")), graph.find(term(graph, "(* 2 x0)")));
  for (const Rule &r : rules) {
    Matcher matcher(language, r.left[0], r.variables, 0);
    Matches matches{1, r.variables, 0, {}};
    graph.rebuild();
    matcher.search(graph, matches, ~size_t(0) - 1);
    for (size_t i = 0; i < matches.size(); ++i)
      EXPECT_EQ(graph.find(matches.rootsOf(i)[0]),
                graph.find(instantiate(graph, r.right[0], matches[i])))
          << r.name;
  }
}

namespace {

/// Terms and rules by chance, over one constant that rules speak of, two that they do not, and
/// operations of one and two operands.
class RandomRules {
public:
  explicit RandomRules(unsigned seed) : random(seed) {}

  std::string term(unsigned depth) {
    unsigned kind = random() % (depth == 0 ? 3 : 6);
    if (kind < 3)
      return std::string(1, "abc"[kind]);
    return kind == 3 ? "(f " + term(depth - 1) + ")"
                     : std::string(kind == 4 ? "(g " : "(h ") + term(depth - 1) + " " +
                           term(depth - 1) + ")";
  }
  std::string pattern(unsigned depth, bool isRoot, unsigned variables) {
    unsigned kind = isRoot ? 3 + random() % 3 : random() % (depth == 0 ? 4 : 7);
    if (!isRoot && kind < 3)
      return std::string("?") + "xyz"[random() % variables];
    if (!isRoot && kind == 3)
      return "a";
    auto below = [&] { return pattern(depth - 1, false, variables); };
    kind = isRoot ? kind + 1 : kind;
    return kind == 4 ? "(f " + below() + ")"
                     : std::string(kind == 5 ? "(g " : "(h ") + below() + " " + below() + ")";
  }
  Rule rule(Language &language) {
    for (;;) {
      auto made = parseRule(language, "random", pattern(3, true, 3),
                            pattern(random() % 2 + 1, random() % 2, 3));
      if (made)
        return std::move(*made);
      llvm::consumeError(made.takeError());
    }
  }
  std::mt19937 random;
};

/// All matches of all rules hold.
void expectFixpoint(EGraph &graph, llvm::ArrayRef<Rule> rules, unsigned seed) {
  graph.rebuild();
  for (const Rule &r : rules) {
    Matches matches{1, r.variables, 0, {}};
    Matcher(graph.language(), r.left[0], r.variables, 0).search(graph, matches, 1 << 20);
    for (size_t i = 0; i < matches.size(); ++i) {
      if (r.condition && !r.condition(graph, matches[i]))
        continue;
      uint64_t made = graph.numMade();
      Id right = instantiate(graph, r.right[0], matches[i]);
      ASSERT_EQ(graph.numMade(), made) << "seed " << seed;
      ASSERT_EQ(graph.find(matches.rootsOf(i)[0]), graph.find(right)) << "seed " << seed;
    }
  }
}

} // namespace

TEST(Runner, WhatSaturatesIsAFixpoint) {
  unsigned saturated = 0;
  for (unsigned seed = 0; seed < 3000; ++seed) {
    RandomRules random(seed);
    Language language;
    if (seed % 3 == 0)
      language.setCommutative(language.symbol("g"));
    EGraph graph(language);
    for (unsigned i = 0; i < 4; ++i)
      term(graph, random.term(4));
    std::vector<Rule> rules;
    for (unsigned i = 0; i < 4; ++i)
      rules.push_back(random.rule(language));
    // Facts that change late: whether a class has the constant `b`.
    Symbol known = language.symbol("b");
    rules[0].condition = [known](const EGraph &g, const Bindings &b) {
      return b.classes.empty() || !g.nodesOf(b.classes[0], known).empty();
    };
    Limits limits = noLimits();
    limits.nodes = 600;
    limits.iterations = 60;
    if (Runner(graph, rules, limits).run().stop != Stop::Saturated)
      continue;
    ++saturated;
    expectFixpoint(graph, rules, seed);
    if (HasFatalFailure())
      return;
  }
  EXPECT_GT(saturated, 1000u);
}

TEST(Runner, EndsAtEachLimit) {
  auto run = [](auto change) {
    Language language;
    EGraph graph(language);
    term(graph, "(f x)");
    Limits limits = noLimits();
    change(limits);
    return Runner(graph, {rule(language, "grows", "(f ?x)", "(f (g ?x))")}, limits).run();
  };
  EXPECT_EQ(run([](Limits &l) { l.iterations = 5; }).stop, Stop::Iterations);
  Report nodes = run([](Limits &l) { l.nodes = 100; });
  EXPECT_EQ(nodes.stop, Stop::Nodes);
  EXPECT_LE(nodes.nodes, 110u);
  EXPECT_EQ(run([](Limits &l) {
              l.seconds = 0.01;
              l.iterations = ~0u;
            }).stop,
            Stop::Time);
  EXPECT_EQ(run([](Limits &l) { l.bytes = 100000; }).stop, Stop::Memory);
}

// A rule with too many matches waits, and what is found is the same in the end.
TEST(Runner, RulesWaitAndComeBack) {
  Language language;
  EGraph graph(language);
  term(graph, sumOf(6));
  Limits limits = noLimits();
  limits.matches = 10;
  Report report = Runner(graph, sumRules(language), limits).run();
  EXPECT_EQ(report.stop, Stop::Saturated);
  EXPECT_GT(report.rules[0].bans + report.rules[1].bans, 2u);
  EXPECT_EQ(graph.numNodes(), 608u);
  std::string text;
  llvm::raw_string_ostream os(text);
  report.print(os);
  EXPECT_NE(text.find("stopped: saturated"), std::string::npos);
  EXPECT_NE(text.find("times left out"), std::string::npos);
}

TEST(Runner, ConditionsAndBuilders) {
  Language language;
  EGraph graph(language);
  Id x = term(graph, "(/ x 1)"), y = term(graph, "(/ x 2)"), z = term(graph, "(next 4)");
  Symbol number = language.symbol(numberSymbol);
  auto valueOf = [&](const EGraph &g, Id id) -> std::optional<int64_t> {
    for (Id node : g.nodesOf(id, number))
      return int64_t(g.language().get(g.op(node)).payload);
    return {};
  };
  Rule one = rule(language, "one", "(/ ?x ?n)", "?x");
  one.condition = [&](const EGraph &g, const Bindings &b) { return valueOf(g, b.classes[1]) == 1; };
  Rule next = rule(language, "next", "(next ?n)", "0");
  next.build = [&](EGraph &g, const Bindings &b) -> std::optional<Id> {
    auto value = valueOf(g, b.classes[0]);
    if (!value || *value > 5)
      return {};
    return g.add(language.op("next"), {g.add(language.op(number, uint64_t(*value + 1)))});
  };
  Report report = Runner(graph, {one, next}, noLimits()).run();
  EXPECT_EQ(report.stop, Stop::Saturated);
  EXPECT_EQ(graph.find(x), graph.find(term(graph, "x")));
  EXPECT_NE(graph.find(y), graph.find(term(graph, "x")));
  EXPECT_EQ(graph.find(z), graph.find(term(graph, "(next 6)")));
  EXPECT_FALSE(graph.lookup(language.op(number, 7)));
}

// Permissions: only what carries them is matched; what is made carries what all had.
TEST(Runner, FlagsOfMatchesGoOn) {
  Language language;
  Symbol plus = language.symbol("+");
  language.setFlagged(plus);
  EGraph graph(language);
  Id x = term(graph, "x"), y = term(graph, "y"), z = term(graph, "z");
  auto sum = [&](uint32_t flags, Id a, Id b) {
    return graph.add(language.op(plus, 0, flags), {a, b});
  };
  Id both = sum(3, sum(5, x, y), z), strict = sum(1, sum(0, y, z), x);
  Rule assoc = rule(language, "assoc", "(+ (+ ?a ?b) ?c)", "(+ ?a (+ ?b ?c))");
  assoc.flags = 1;
  Runner(graph, {assoc}, noLimits()).run();
  EXPECT_EQ(graph.find(both), graph.find(sum(1, x, sum(1, y, z))));
  EXPECT_EQ(graph.nodesOf(strict).size(), 1u);
}

// With explanations too, where the flags of a matched term differ from each other.
TEST(Runner, FlagsOfMatchesGoOnWithExplanations) {
  Language language;
  Symbol plus = language.symbol("+");
  language.setFlagged(plus);
  EGraph graph(language, /*explains=*/true);
  Id x = term(graph, "x"), y = term(graph, "y"), z = term(graph, "z");
  auto sum = [&](uint32_t flags, Id a, Id b) {
    return graph.add(language.op(plus, 0, flags), {a, b});
  };
  Id both = sum(3, sum(5, x, y), z);
  Rule assoc = rule(language, "assoc", "(+ (+ ?a ?b) ?c)", "(+ ?a (+ ?b ?c))");
  assoc.flags = 1;
  Runner(graph, {assoc}, noLimits()).run();
  EXPECT_EQ(graph.find(both), graph.find(sum(1, x, sum(1, y, z))));
}

// An operation that a variable stands for keeps only what all had.
TEST(Runner, FlagsOfVariablesOfOperations) {
  Language language;
  Symbol wrap = language.symbol("wrap"), plus = language.symbol("+");
  language.setFlagged(wrap);
  language.setFlagged(plus);
  EGraph graph(language);
  Id x = term(graph, "x"), y = term(graph, "y");
  Id root = graph.add(language.op(wrap, 9, 3), {graph.add(language.op(plus, 0, 1), {x, y})});
  Rule drop;
  drop.name = "drop";
  drop.variables = 2;
  drop.opVariables = 1;
  Pattern left, right;
  unsigned a = left.addVariable(0), b = left.addVariable(1);
  left.add(wrap, none, {left.add(plus, language.op(plus), {a, b})}, 0);
  right.add(wrap, none, {right.addVariable(0)}, 0);
  drop.left = {left};
  drop.right = {right};
  Runner(graph, {drop}, noLimits()).run();
  EXPECT_EQ(graph.find(root), graph.find(graph.add(language.op(wrap, 9, 1), {x})));
}

// Two runs with rules of different depth on one graph, and one of them twice.
TEST(Runner, SeveralRunsOnOneGraph) {
  Language language;
  EGraph graph(language);
  Id root = term(graph, sumOf(5));
  std::vector<Rule> deep = sumRules(language),
                    shallow = {rule(language, "name", "(+ ?a ?b)", "(sum ?a ?b)")};
  deep.push_back(rule(language, "deep", "(+ ?a (+ ?b (+ ?c ?d)))", "(four ?a ?b ?c ?d)"));
  Limits limits = noLimits();
  limits.matches = 3;
  Runner first(graph, deep, limits), second(graph, shallow, limits);
  EXPECT_EQ(first.run().stop, Stop::Saturated);
  EXPECT_EQ(second.run().stop, Stop::Saturated);
  graph.unite(root, term(graph, "(+ y (+ z root))"));
  EXPECT_EQ(first.run().stop, Stop::Saturated);
  graph.rebuild();
  expectFixpoint(graph, deep, 0);
}

// Flags that are no permissions are part of the operation.
TEST(Runner, OtherFlagsTellOperationsApart) {
  Language language;
  EGraph graph(language);
  Symbol f = language.symbol("f");
  Id x = term(graph, "x"), plain = graph.add(language.op(f), {x}),
     marked = graph.add(language.op(f, 0, 4), {x});
  Runner(graph, {rule(language, "drop", "(f ?x)", "?x")}, noLimits()).run();
  EXPECT_EQ(graph.find(plain), graph.find(x));
  EXPECT_NE(graph.find(marked), graph.find(x));
}

//===----------------------------------------------------------------------===//
// Several terms
//===----------------------------------------------------------------------===//

TEST(Query, TermsThatShareVariables) {
  Language language;
  EGraph graph(language);
  // Products of one x are parts of one product.
  Id q = term(graph, "(matmul x wq)"), k = term(graph, "(matmul x wk)");
  Id other = term(graph, "(matmul y wk)");
  Rule merge = llvm::cantFail(
      parseRule(language, "merge", {"(matmul ?x ?a)", "(matmul ?x ?b)"},
                {"(first (matmul ?x (concat ?a ?b)))", "(second (matmul ?x (concat ?a ?b)))"}));
  graph.rebuild();
  Query query(language, merge);
  Matches matches{2, merge.variables, 0, {}};
  query.search(graph, matches, 1000);
  // Each with itself, and q and k in both orders.
  EXPECT_EQ(matches.size(), 5u);
  matches.rows.clear();
  query.search(graph, matches, 2);
  EXPECT_EQ(matches.size(), 3u); // one more than the limit says enough
  Limits limits = noLimits();
  limits.iterations = 1;
  Runner(graph, {merge}, limits).run();
  EXPECT_EQ(graph.find(q), graph.find(term(graph, "(first (matmul x (concat wq wk)))")));
  EXPECT_EQ(graph.find(k), graph.find(term(graph, "(second (matmul x (concat wq wk)))")));
  EXPECT_NE(graph.find(other), graph.find(k));
}

// The matches of one term are those of the machine.
/// Counts what nodes a class has by now: the greatest number of operands.
class Widths : public ValueAnalysis<unsigned> {
public:
  unsigned make(EGraph &graph, Id node) override { return unsigned(graph.operands(node).size()); }
  bool join(EGraph &, unsigned &into, const unsigned &from) override {
    return into < from && (into = from, true);
  }
};

TEST(Runner, FreeIdsAreClosedUpAtTheEnd) {
  Language language;
  Widths widths;
  EGraph graph(language);
  graph.attach(widths);
  Id sum = term(graph, "(+ a (+ b (+ c (+ d (+ e (+ f (+ g h)))))))"), a = term(graph, "a"),
     user = term(graph, "(f a (+ b a) (g d) h)");
  std::vector<Rule> rules = {rule(language, "comm", "(+ ?a ?b)", "(+ ?b ?a)"),
                             rule(language, "assoc", "(+ (+ ?a ?b) ?c)", "(+ ?a (+ ?b ?c))")};
  for (unsigned again = 0; again < 2; ++again) {
    Report report = Runner(graph, rules, noLimits()).run();
    EXPECT_EQ(report.stop, Stop::Saturated);
    EXPECT_EQ(report.nodes, 6058u + 2); // f and g
    EXPECT_EQ(report.classes, 255u + 2);
    // Ids of nodes, and of those that stand for a class though they are equal to another.
    EXPECT_LE(graph.numIds(), graph.numNodes() + graph.numClasses());
    EXPECT_LT(report.bytes, 100 * report.nodes);
  }
  // What was there before the run has the ids that it had.
  EXPECT_EQ(term(graph, "a"), a);
  EXPECT_EQ(graph.find(term(graph, "(f a (+ a b) (g d) h)")), graph.find(user));
  EXPECT_EQ(graph.find(term(graph, "(+ (+ (+ h c) (+ a e)) (+ (+ g b) (+ f d)))")),
            graph.find(sum));
  for (Id id : graph.classes()) {
    unsigned most = 0, parents = 0, users = 0;
    for (Id node : graph.nodesOf(id)) {
      EXPECT_EQ(graph.find(node), id);
      EXPECT_EQ(graph.lookup(graph.op(node), graph.operands(node)), node);
      most = std::max(most, unsigned(graph.operands(node).size()));
    }
    EXPECT_EQ(widths.of(graph, id), most);
    graph.forParents(id, [&](Id node) {
      ++parents;
      EXPECT_TRUE(llvm::is_contained(graph.operands(node), id));
    });
    for (Id other : graph.classes())
      for (Id node : graph.nodesOf(other))
        users += llvm::is_contained(graph.operands(node), id);
    EXPECT_EQ(parents, users);
  }
  // It goes on as any graph.
  graph.unite(a, term(graph, "b"));
  graph.rebuild();
  EXPECT_EQ(graph.find(term(graph, "(+ a c)")), graph.find(term(graph, "(+ b c)")));
  EXPECT_EQ(graph.find(term(graph, "(+ (+ a c) d)")), graph.find(term(graph, "(+ (+ c b) d)")));
  EXPECT_LT(graph.numClasses(), 255u);
}

TEST(Query, FindsWhatTheMatcherFinds) {
  Language language;
  language.setCommutative(language.symbol("*"));
  EGraph graph(language);
  term(graph, "(+ (* a b) (* c a))");
  term(graph, "(+ (* a a) (* b (+ a c)))");
  std::vector<Rule> rules = sumRules(language);
  rules.push_back(rule(language, "factor", "(+ (* ?a ?b) (* ?a ?c))", "(* ?a (+ ?b ?c))"));
  rules.push_back(rule(language, "spread", "(* ?a (+ ?b ?c))", "(+ (* ?a ?b) (* ?a ?c))"));
  Limits limits = noLimits();
  limits.nodes = 3000;
  Runner(graph, rules, limits).run();
  graph.rebuild();
  for (const Rule &r : rules) {
    Matches one{1, r.variables, 0, {}}, two = one;
    Matcher(language, r.left[0], r.variables, 0).search(graph, one, 1 << 20);
    Query(language, r).search(graph, two, 1 << 20);
    auto sorted = [](const Matches &m) {
      std::vector<std::vector<uint32_t>> rows;
      for (size_t i = 0; i < m.size(); ++i)
        rows.push_back(m.row(i).vec());
      std::sort(rows.begin(), rows.end());
      rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
      return rows;
    };
    EXPECT_GT(one.size(), 0u);
    EXPECT_EQ(sorted(one), sorted(two)) << r.name;
  }
}

TEST(Sexpr, WrongRulesAreRefused) {
  Language language;
  auto fault = [&](llvm::StringRef left, llvm::StringRef right) {
    auto made = parseRule(language, "bad", left, right);
    return made ? std::string() : llvm::toString(made.takeError());
  };
  EXPECT_EQ(fault("(f ?x)", "(g ?y)"), "rule bad: `?y` is not on the left side");
  EXPECT_EQ(fault("?x", "(g ?x)"), "rule bad: a variable alone matches everything");
  EXPECT_EQ(fault("(f ?x", "?x"), "rule bad: a term ends too early");
  EXPECT_EQ(fault("(f ?x) y", "?x"), "rule bad: `y` is left behind the term");
  EXPECT_EQ(fault("()", "x"), "rule bad: `(` needs an operation behind it");
}
