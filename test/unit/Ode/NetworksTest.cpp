//===- NetworksTest.cpp - What networks keep, and their tables --------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Ode/Networks/Conservation.h"
#include "dialects/Ode/Networks/TermTables.h"
#include "gtest/gtest.h"
#include <random>

using namespace mad::ode;

namespace {

int64_t product(const Integers &x, const Integers &y) {
  int64_t sum = 0;
  for (auto [i, a] : x)
    for (auto [j, b] : y)
      sum += i == j ? a * b : 0;
  return sum;
}

TEST(Conservation, SumsOfAmounts) {
  // E + S <-> ES -> E + P
  auto laws = conservationLaws(4, {{{0, -1}, {1, -1}, {2, 1}}, {{0, 1}, {2, -1}, {3, 1}}});
  ASSERT_TRUE(laws);
  std::vector<Integers> expected = {{{0, 1}, {2, 1}}, {{1, 1}, {2, 1}, {3, 1}}};
  EXPECT_EQ(*laws, expected);
  // Without reactions all is kept.
  EXPECT_EQ(conservationLaws(2, {})->size(), 2u);
  // 2 H2 + O2 -> 2 H2O: weights other than 1.
  EXPECT_EQ((*conservationLaws(3, {{{0, -2}, {1, -1}, {2, 2}}}))[0], (Integers{{1, 2}, {2, 1}}));
  EXPECT_TRUE(conservationLaws(1, {{{0, 1}}})->empty());
}

/// Changes that are made of two laws: these are found, whatever the numbers, and no others.
TEST(Conservation, FindsWhatWasPutIn) {
  std::mt19937 random(7);
  std::uniform_int_distribution<int> number(1, 5), place(0, 39);
  std::vector<Integers> changes;
  while (changes.size() < 400) {
    int a = place(random), b = place(random);
    // Species i weighs 1 + i % 3, on each of two islands.
    if (a == b || a / 20 != b / 20)
      continue;
    int64_t x = (1 + b % 3) * number(random), y = -x * (1 + a % 3) / (1 + b % 3);
    if (x * (1 + a % 3) % (1 + b % 3))
      continue;
    changes.push_back(a < b ? Integers{{a, x}, {b, y}} : Integers{{b, y}, {a, x}});
  }
  auto laws = conservationLaws(40, changes);
  ASSERT_TRUE(laws);
  ASSERT_EQ(laws->size(), 2u);
  for (const Integers &law : *laws) {
    EXPECT_EQ(law.size(), 20u);
    for (const Integers &change : changes)
      EXPECT_EQ(product(law, change), 0);
    for (auto [species, weight] : law)
      EXPECT_EQ(weight, 1 + species % 3);
  }
}

TEST(Conservation, SaysWhereNumbersAreTooLarge) {
  std::vector<Integers> changes;
  for (int32_t i = 0; i + 1 < 100; ++i)
    changes.push_back({{i, 3}, {i + 1, -5}});
  EXPECT_FALSE(conservationLaws(100, changes));
}

TEST(TermTables, HoldAllTermsAndFewMore) {
  std::mt19937 random(3);
  std::vector<std::vector<std::pair<int32_t, int64_t>>> sums(500);
  int32_t next = 0;
  size_t terms = 0;
  for (auto &sum : sums) {
    size_t length = random() % 40;
    for (size_t i = 0; i < length; ++i)
      sum.emplace_back(next++, i % 2 ? 1 : -2);
    terms += length;
  }
  TermTables tables = termTables(sums, next);
  std::vector<int64_t> value(size_t(next) + 1);
  for (int32_t i = 0; i < next; ++i)
    value[size_t(i)] = 7 * i + 1;
  std::vector<int64_t> found;
  size_t places = 0;
  for (const TermTable &table : tables.tables)
    for (size_t s = 0; s < table.sums.size(); ++s) {
      int64_t sum = 0;
      for (size_t l = 0; l < table.places.size(); ++l) {
        sum += table.factors[l][s] * value[size_t(table.places[l][s])];
        ++places;
      }
      found.push_back(sum);
    }
  EXPECT_LE(places, terms * 4 / 3 + sums.size());
  for (size_t s = 0; s < sums.size(); ++s) {
    int64_t expected = 0;
    for (auto [place, factor] : sums[s])
      expected += factor * value[size_t(place)];
    EXPECT_EQ(found[size_t(tables.order[s])], expected) << s;
  }
}

} // namespace
