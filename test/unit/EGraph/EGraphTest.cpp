//===- EGraphTest.cpp - Nodes, unions, congruence, facts --------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "MathRules.h"
#include "gtest/gtest.h"
#include <map>
#include <random>

using namespace mad::egraph;

TEST(EGraph, SameNodesAreOne) {
  Language language;
  EGraph graph(language);
  EXPECT_EQ(term(graph, "(+ x (* y 2))"), term(graph, "(+ x (* y 2))"));
  EXPECT_NE(term(graph, "(+ x y)"), term(graph, "(+ y x)"));
  EXPECT_NE(term(graph, "1"), term(graph, "2"));
  graph.rebuild();
  EXPECT_EQ(graph.numNodes(), 8u); // x, y, 2, *, the three sums, 1
  EXPECT_EQ(graph.numClasses(), graph.numNodes());
  EXPECT_FALSE(graph.lookup(language.op("-")));
}

TEST(EGraph, FlagsAndPayloadsTellOperationsApart) {
  Language language;
  EGraph graph(language);
  Symbol f = language.symbol("f");
  Id plain = graph.add(language.op(f)), payload = graph.add(language.op(f, 7)),
     flags = graph.add(language.op(f, 0, 7));
  EXPECT_NE(plain, payload);
  EXPECT_NE(plain, flags);
  EXPECT_NE(payload, flags);
  graph.rebuild();
  EXPECT_EQ(graph.classesWith(f).size(), 3u);
}

TEST(EGraph, CommutativeOperandsAreOrdered) {
  Language language;
  language.setCommutative(language.symbol("+"));
  EGraph graph(language);
  EXPECT_EQ(term(graph, "(+ x y)"), term(graph, "(+ y x)"));
  EXPECT_NE(term(graph, "(- x y)"), term(graph, "(- y x)"));
  // The order follows leaders: (+ p q) and (+ q r) meet when p and r do.
  Id pq = term(graph, "(+ p q)"), qr = term(graph, "(+ q r)");
  graph.unite(term(graph, "p"), term(graph, "r"));
  graph.rebuild();
  EXPECT_EQ(graph.find(pq), graph.find(qr));
}

TEST(EGraph, OneRebuildClosesAllLevels) {
  Language language;
  EGraph graph(language);
  Id a = term(graph, "(f (f (f a)))"), b = term(graph, "(f (f (f b)))");
  graph.unite(term(graph, "a"), term(graph, "b"));
  EXPECT_NE(graph.find(a), graph.find(b));
  graph.rebuild();
  EXPECT_EQ(graph.find(a), graph.find(b));
  EXPECT_EQ(graph.numClasses(), 4u);
  EXPECT_EQ(graph.numNodes(), 5u); // a, b and f three times
}

TEST(EGraph, OperandsBeyondTheInlinedOnes) {
  Language language;
  EGraph graph(language);
  Id a = term(graph, "(g a b c d e)"), b = term(graph, "(g a b c d f)");
  graph.unite(term(graph, "e"), term(graph, "f"));
  graph.rebuild();
  EXPECT_EQ(graph.find(a), graph.find(b));
  EXPECT_EQ(graph.operands(graph.nodesOf(a)[0]).size(), 5u);
}

TEST(EGraph, IndexKnowsNodesBySymbol) {
  Language language;
  EGraph graph(language);
  Id sum = term(graph, "(+ x y)"), product = term(graph, "(* x y)");
  graph.unite(sum, product);
  graph.unite(sum, term(graph, "(+ y x)"));
  graph.rebuild();
  EXPECT_EQ(graph.nodesOf(sum).size(), 3u);
  EXPECT_EQ(graph.nodesOf(sum, language.symbol("+")).size(), 2u);
  EXPECT_EQ(graph.nodesOf(sum, language.symbol("*")).size(), 1u);
  EXPECT_EQ(graph.nodesOf(sum, language.symbol("x")).size(), 0u);
  EXPECT_EQ(graph.classesWith(language.symbol("+")).size(), 1u);
  EXPECT_TRUE(graph.classesWith(language.symbol("new")).empty());
}

//===----------------------------------------------------------------------===//
// Against a closure that is slow and plain
//===----------------------------------------------------------------------===//

namespace {

/// All terms and a partition, closed by looking at all pairs until nothing changes.
class PlainClosure {
public:
  unsigned add(unsigned f, std::vector<unsigned> operands) {
    terms.push_back({f, std::move(operands)});
    parts.push_back(unsigned(parts.size()));
    return unsigned(terms.size()) - 1;
  }
  void unite(unsigned a, unsigned b) {
    unsigned from = parts[b], into = parts[a];
    for (unsigned &p : parts)
      if (p == from)
        p = into;
  }
  void close() {
    for (bool changed = true; changed;) {
      changed = false;
      std::map<std::pair<unsigned, std::vector<unsigned>>, unsigned> first;
      for (unsigned i = 0; i < terms.size(); ++i) {
        std::vector<unsigned> key;
        for (unsigned operand : terms[i].second)
          key.push_back(parts[operand]);
        auto [entry, isNew] = first.try_emplace({terms[i].first, key}, i);
        if (!isNew && parts[entry->second] != parts[i]) {
          unite(entry->second, i);
          changed = true;
        }
      }
    }
  }
  std::vector<std::pair<unsigned, std::vector<unsigned>>> terms;
  std::vector<unsigned> parts;
};

void compareRandom(unsigned seed, bool explains) {
  std::mt19937 random(seed);
  Language language;
  EGraph graph(language, explains);
  PlainClosure plain;
  std::vector<Id> ids;
  OpId ops[] = {language.op("a"), language.op("b"), language.op("c"),
                language.op("f"), language.op("g"), language.op("h")};
  const unsigned arities[] = {0, 0, 0, 1, 2, 3};
  for (unsigned step = 0; step < 300; ++step) {
    unsigned f = ids.size() < 3 ? unsigned(ids.size()) : 3 + random() % 3;
    std::vector<unsigned> operands;
    std::vector<Id> classes;
    for (unsigned i = 0; i < arities[f]; ++i) {
      operands.push_back(unsigned(random() % ids.size()));
      classes.push_back(ids[operands.back()]);
    }
    plain.add(f, operands);
    ids.push_back(graph.add(ops[f], classes));
    if (step % 7 == 6) {
      unsigned a = unsigned(random() % ids.size()), b = unsigned(random() % ids.size());
      plain.unite(a, b);
      graph.unite(ids[a], ids[b]);
    }
    if (random() % 20 == 0)
      graph.rebuild();
  }
  graph.rebuild();
  plain.close();
  for (unsigned a = 0; a < ids.size(); ++a)
    for (unsigned b = 0; b < a; ++b)
      ASSERT_EQ(graph.find(ids[a]) == graph.find(ids[b]), plain.parts[a] == plain.parts[b])
          << "seed " << seed << ", terms " << a << " and " << b;
  // Each node is in one class, and no two of them are the same.
  std::map<std::pair<OpId, std::vector<Id>>, Id> seen;
  size_t nodes = 0;
  for (Id id : graph.classes())
    for (Id node : graph.nodesOf(id)) {
      ++nodes;
      std::vector<Id> operands;
      for (Id operand : graph.operands(node)) {
        ASSERT_EQ(operand, graph.find(operand));
        operands.push_back(operand);
      }
      ASSERT_TRUE(seen.try_emplace({graph.op(node), operands}, node).second);
      ASSERT_EQ(graph.lookup(graph.op(node), operands), node);
    }
  ASSERT_EQ(nodes, graph.numNodes());
}

} // namespace

TEST(EGraph, ClosesAsThePlainClosureDoes) {
  for (unsigned seed = 0; seed < 200; ++seed)
    compareRandom(seed, seed % 2);
}

//===----------------------------------------------------------------------===//
// Facts
//===----------------------------------------------------------------------===//

TEST(EGraph, ConstantsAreFound) {
  Language language;
  MathConstants constants;
  EGraph graph(language);
  graph.attach(constants);
  Id sum = term(graph, "(+ (* 2 3) (+ 4 (+ x 1)))"), inner = term(graph, "(* 2 3)");
  graph.rebuild();
  EXPECT_EQ(graph.find(inner), graph.find(term(graph, "6")));
  EXPECT_FALSE(constants.of(graph, sum));
  // What becomes known later goes up to the root.
  graph.unite(term(graph, "x"), term(graph, "5"));
  graph.rebuild();
  EXPECT_EQ(constants.of(graph, sum), 16);
  EXPECT_EQ(graph.find(sum), graph.find(term(graph, "16")));
  EXPECT_TRUE(graph.conflict().empty());
}

TEST(EGraph, ContradictionsAreReported) {
  Language language;
  MathConstants constants;
  EGraph graph(language);
  graph.attach(constants);
  graph.unite(term(graph, "(+ 1 1)"), term(graph, "3"));
  graph.rebuild();
  EXPECT_FALSE(graph.conflict().empty());
  Runner runner(graph, {}, noLimits());
  EXPECT_EQ(runner.run().stop, Stop::Conflict);
}
