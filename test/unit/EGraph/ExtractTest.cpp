//===- ExtractTest.cpp - The cheapest program -------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/EGraph/Extract.h"
#include "Terms.h"
#include "passes/EGraph/Dot.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"
#include <limits>
#include <random>

using namespace mad::egraph;

namespace {

double unit(const EGraph &, Id) { return 1; }

} // namespace

// (g (g x)) is the smaller term, (f x x x) needs fewer nodes.
TEST(Extract, SharingCountsInGraphs) {
  Language language;
  EGraph graph(language);
  Id root = term(graph, "(f x x x)");
  graph.unite(root, term(graph, "(g (g x))"));
  graph.rebuild();
  Extraction tree = extractTree(graph, root, unit), dag = extractDag(graph, root, unit),
             exact = extractExact(graph, root, unit);
  EXPECT_EQ(textOf(graph, tree, root), "(g (g x))");
  EXPECT_EQ(tree.cost, 3);
  EXPECT_EQ(textOf(graph, dag, root), "(f x x x)");
  EXPECT_EQ(dag.cost, 2);
  EXPECT_EQ(exact.cost, 2);
  EXPECT_TRUE(exact.isExact);
}

TEST(Extract, RingsAreNotTaken) {
  Language language;
  EGraph graph(language);
  Id x = term(graph, "x");
  graph.unite(x, term(graph, "(+ x 0)"));
  graph.rebuild();
  for (const Extraction &e :
       {extractTree(graph, x, unit), extractDag(graph, x, unit), extractExact(graph, x, unit)})
    EXPECT_EQ(textOf(graph, e, x), "x");
  // Without a way out there is nothing.
  Id p = term(graph, "(p (q z))");
  graph.unite(term(graph, "z"), p);
  graph.rebuild();
  auto noLeaf = [&](const EGraph &g, Id node) {
    return g.operands(node).empty() ? std::numeric_limits<double>::infinity() : 1;
  };
  EXPECT_EQ(extractDag(graph, p, noLeaf).cost, std::numeric_limits<double>::infinity());
  EXPECT_EQ(extractExact(graph, p, noLeaf).cost, std::numeric_limits<double>::infinity());
}

// A class that became one of two has its parent twice.
TEST(Extract, OperandsThatBecameOne) {
  Language language;
  EGraph graph(language);
  Id root = term(graph, "(f a b c)");
  graph.unite(term(graph, "a"), term(graph, "b"));
  graph.rebuild();
  auto cost = [&](const EGraph &g, Id node) {
    return g.symbolOf(node) == language.symbol("c") ? 5.0 : 1.0;
  };
  Extraction tree = extractTree(graph, root, cost);
  EXPECT_EQ(tree.cost, 8);
  EXPECT_NE(tree.nodeOf(graph, root), none);
}

TEST(Extract, SeveralRootsShare) {
  Language language;
  EGraph graph(language);
  Id a = term(graph, "(f (h x))"), b = term(graph, "(g (h x))");
  graph.unite(term(graph, "(h x)"), term(graph, "(k x)"));
  graph.rebuild();
  auto cost = [&](const EGraph &g, Id node) {
    return g.symbolOf(node) == language.symbol("k") ? 2.0 : 1.0;
  };
  Extraction e = extractExact(graph, {a, b}, cost);
  EXPECT_EQ(e.cost, 4); // f, g, h, x
  EXPECT_EQ(textOf(graph, e, b), "(g (h x))");
}

//===----------------------------------------------------------------------===//
// Against trying all choices
//===----------------------------------------------------------------------===//

namespace {

struct RandomGraph {
  Language language;
  EGraph graph{language};
  std::vector<double> price; ///< by operation
  Id root;

  explicit RandomGraph(unsigned seed) {
    std::mt19937 random(seed);
    std::vector<Id> ids;
    for (unsigned i = 0; i < 18; ++i) {
      std::vector<Id> operands;
      for (unsigned k = ids.empty() ? 0 : random() % 4; k > 0; --k)
        operands.push_back(ids[random() % ids.size()]);
      OpId op = language.op(language.symbol("f" + std::to_string(i)));
      price.resize(op + 1);
      price[op] = 1 + random() % 9;
      ids.push_back(graph.add(op, operands));
    }
    root = ids.back();
    for (unsigned i = 0; i < 8; ++i)
      graph.unite(ids[random() % ids.size()], ids[random() % ids.size()]);
    graph.rebuild();
  }
  Cost cost() const {
    return [this](const EGraph &g, Id node) { return price[g.op(node)]; };
  }
  double best() {
    std::vector<Id> chosen(graph.numIds(), none);
    double least = std::numeric_limits<double>::infinity();
    auto choose = [&](auto &&self, size_t i) -> void {
      if (i == graph.classes().size()) {
        least = std::min(least, costOf(graph, chosen, root, cost()));
        return;
      }
      Id id = graph.classes()[i];
      for (Id node : graph.nodesOf(id)) {
        chosen[id] = node;
        self(self, i + 1);
      }
    };
    choose(choose, 0);
    return least;
  }
};

} // namespace

TEST(Extract, ExactIsTheBestOfAllChoices) {
  unsigned greedyIsBest = 0;
  for (unsigned seed = 0; seed < 300; ++seed) {
    RandomGraph random(seed);
    double best = random.best();
    Extraction exact = extractExact(random.graph, random.root, random.cost(), {500, 10});
    ASSERT_TRUE(exact.isExact) << seed;
    ASSERT_EQ(exact.cost, best) << seed;
    ASSERT_EQ(costOf(random.graph, exact.chosen, random.root, random.cost()), best) << seed;
    Extraction dag = extractDag(random.graph, random.root, random.cost());
    ASSERT_GE(dag.cost, best) << seed;
    ASSERT_EQ(costOf(random.graph, dag.chosen, random.root, random.cost()), dag.cost) << seed;
    greedyIsBest += dag.cost == best;
    Extraction tree = extractTree(random.graph, random.root, random.cost());
    ASSERT_LE(dag.cost, costOf(random.graph, tree.chosen, random.root, random.cost())) << seed;
  }
  EXPECT_GT(greedyIsBest, 290u);
}

TEST(Extract, ExactEndsAtItsLimits) {
  Language language;
  EGraph graph(language);
  Id root = term(graph, "(f (g x) (h x))");
  graph.unite(term(graph, "(g x)"), term(graph, "(k y)"));
  graph.rebuild();
  EXPECT_TRUE(extractExact(graph, root, unit).isExact);
  for (ExactLimits limits : {ExactLimits{0, 10}, ExactLimits{500, 0}}) {
    Extraction few = extractExact(graph, root, unit, limits);
    EXPECT_FALSE(few.isExact);
    EXPECT_EQ(few.cost, 4);
    EXPECT_EQ(textOf(graph, few, root), "(f (g x) (h x))");
  }
}

//===----------------------------------------------------------------------===//
// Chains of matrices
//===----------------------------------------------------------------------===//

namespace {

using Shape = std::pair<int64_t, int64_t>;

/// Shapes of products and of the matrices m0, m1, ...
class Shapes : public ValueAnalysis<Shape> {
public:
  explicit Shapes(std::vector<int64_t> sizes) : sizes(std::move(sizes)) {}
  Shape make(EGraph &graph, Id node) override {
    llvm::ArrayRef<Id> operands = graph.operands(node);
    if (operands.size() == 2)
      return {of(graph, operands[0]).first, of(graph, operands[1]).second};
    unsigned number = 0;
    graph.language().name(graph.symbolOf(node)).drop_front().getAsInteger(10, number);
    return {sizes[number], sizes[number + 1]};
  }
  bool join(EGraph &graph, Shape &into, const Shape &from) override {
    if (into != from)
      graph.setConflict("two shapes");
    return false;
  }
  std::vector<int64_t> sizes;
};

/// The fewest multiplications, by dynamic programming over where a chain is parted.
double fewest(const std::vector<int64_t> &sizes) {
  size_t n = sizes.size() - 1;
  std::vector<std::vector<double>> best(n, std::vector<double>(n, 0));
  for (size_t length = 1; length < n; ++length)
    for (size_t i = 0; i + length < n; ++i) {
      size_t j = i + length;
      best[i][j] = std::numeric_limits<double>::infinity();
      for (size_t k = i; k < j; ++k)
        best[i][j] = std::min(best[i][j], best[i][k] + best[k + 1][j] +
                                              double(sizes[i] * sizes[k + 1] * sizes[j + 1]));
    }
  return best[0][n - 1];
}

double chainCost(const std::vector<int64_t> &sizes) {
  Language language;
  Shapes shapes(sizes);
  EGraph graph(language);
  graph.attach(shapes);
  std::string text = "m0";
  for (size_t i = 1; i + 1 < sizes.size(); ++i)
    text = "(* " + text + " m" + std::to_string(i) + ")";
  Id root = term(graph, text);
  Report report = Runner(graph,
                         {rule(language, "right", "(* (* ?a ?b) ?c)", "(* ?a (* ?b ?c))"),
                          rule(language, "left", "(* ?a (* ?b ?c))", "(* (* ?a ?b) ?c)")},
                         noLimits())
                      .run();
  EXPECT_EQ(report.stop, Stop::Saturated);
  auto cost = [&](const EGraph &g, Id node) {
    if (g.operands(node).empty())
      return 0.0;
    Shape x = shapes.of(g, g.operands(node)[0]), y = shapes.of(g, g.operands(node)[1]);
    return double(x.first * x.second * y.second);
  };
  return extractTree(graph, root, cost).cost;
}

} // namespace

TEST(Extract, ChainsOfMatricesAreOptimal) {
  EXPECT_EQ(chainCost({10, 100, 5, 50}), 7500);
  EXPECT_EQ(chainCost({30, 35, 15, 5, 10, 20, 25}), 15125);
  std::mt19937 random(1);
  for (unsigned length = 2; length <= 12; ++length) {
    std::vector<int64_t> sizes;
    for (unsigned i = 0; i <= length; ++i)
      sizes.push_back(1 + random() % 100);
    EXPECT_EQ(chainCost(sizes), fewest(sizes)) << length;
  }
}

TEST(Dot, ShowsClassesAndChoices) {
  Language language;
  EGraph graph(language);
  Id x = term(graph, "x");
  graph.unite(x, term(graph, "(+ x 0)"));
  graph.rebuild();
  Extraction e = extractTree(graph, x, unit);
  std::string text;
  llvm::raw_string_ostream os(text);
  writeDot(graph, os, &e);
  EXPECT_NE(text.find("subgraph cluster_"), std::string::npos);
  EXPECT_NE(text.find("label = \"x\", style = filled"), std::string::npos);
  EXPECT_NE(text.find("label = \"+\"]"), std::string::npos);
}
