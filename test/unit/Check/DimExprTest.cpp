//===- DimExprTest.cpp ----------------------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/DimExpr.h"
#include <gtest/gtest.h>

using mad::DimExpr;

namespace {

DimExpr dim(std::string_view text) {
  auto e = DimExpr::parse(text);
  EXPECT_TRUE(e) << text;
  return e.value_or(DimExpr());
}

/// The normal form of a text.
std::string form(std::string_view text) { return dim(text).str(); }

TEST(DimExpr, NormalForm) {
  EXPECT_EQ(form("1 + H - K"), "H - K + 1");
  EXPECT_EQ(form("N + M - N"), "M");
  EXPECT_EQ(form("(N + 1) * (N - 1)"), "N * N - 1");
  EXPECT_EQ(form("M * N - N * M"), "0");
  EXPECT_EQ(form("1 - K"), "1 - K");
  EXPECT_EQ(form("-K - 1"), "-K - 1");
  EXPECT_EQ(form("(H - K) / 2 + 1"), "(H - K) / 2 + 1");
  EXPECT_EQ(form("(H - 3) / 2"), "(H - 3) / 2");
  EXPECT_EQ(form("2 * (W / 2)"), "2 * (W / 2)");
  EXPECT_EQ(form("-(W / 2)"), "-(W / 2)");
  EXPECT_EQ(form("B... + 1"), "B... + 1");
}

TEST(DimExpr, FloorDivision) {
  EXPECT_EQ(form("7 / 2"), "3");
  EXPECT_EQ(form("-7 / 2"), "-4");
  EXPECT_EQ(form("7 / -2"), "-4");
  EXPECT_EQ(form("(4 * N + 6) / 2"), "2 * N + 3");
  EXPECT_EQ(form("(4 * N + 3) / 2"), "2 * N + 1");
  EXPECT_EQ(form("(W - 1) / 2 + 1"), "(W + 1) / 2");
  EXPECT_EQ(form("(W + 3) / 2"), "(W + 1) / 2 + 1");
  EXPECT_EQ(form("(2 * N + 1) / 4"), "N / 2");
  EXPECT_EQ(form("(N / 2) / 3"), "N / 6");
  EXPECT_EQ(form("((N + 1) / 2 + 1) / 2"), "(N + 3) / 4");
  EXPECT_EQ(form("N * M / N"), "M");
  EXPECT_EQ(form("(N * M + N) / (M + 1)"), "N");
  EXPECT_EQ(form("(2 * N * M) / (4 * N)"), "M / 2");
  EXPECT_EQ(form("(N * M + 1) / N"), "1 / N + M");
  EXPECT_EQ(dim("(W - 1) / 2 + 1"), dim("(W + 1) / 2"));
  EXPECT_EQ(dim("(W - 1) / s + 1"), dim("1 + (W - 1) / s"));
  EXPECT_FALSE(DimExpr::parse("N / 0"));
  EXPECT_FALSE(DimExpr::floorDiv(DimExpr(1), DimExpr(0)).valid());
}

TEST(DimExpr, NormalFormKeepsTheValue) {
  const char *texts[] = {"(H - 3) / 2 + 1",           "(H + 2 * P - K) / S + 1",
                         "-(H / 2) * 3 + K",          "((H + 1) / 2 - 7) / 3",
                         "(H * K + 3 * H) / (2 * H)", "(5 - H) / 4",
                         "(3 * H - 2 * K) / 6 + P",   "H / -3",
                         "(H - K) * (H + K) / 7"};
  for (const char *text : texts) {
    DimExpr e = dim(text);
    DimExpr again = dim(e.str());
    EXPECT_EQ(e, again) << text << " prints as " << e.str();
    for (int64_t h : {1, 2, 5, 16, 31})
      for (int64_t k : {1, 3, 4}) {
        auto value = [&](const std::string &name) -> std::optional<int64_t> {
          return name == "H" ? h : name == "K" ? k : name == "P" ? 2 : 3;
        };
        EXPECT_EQ(e.evaluate(value), again.evaluate(value)) << text;
      }
  }
  auto at = [](int64_t h) {
    return [h](const std::string &) -> std::optional<int64_t> { return h; };
  };
  for (int64_t h = -9; h < 10; ++h) {
    EXPECT_EQ(dim("(H - 3) / 2 + 1").evaluate(at(h)),
              (h - 3 >= 0 ? (h - 3) / 2 : -((4 - h) / 2)) + 1);
    EXPECT_EQ(dim("(H / 2) / 3").evaluate(at(h)), h >= 0 ? h / 6 : -((5 - h) / 6));
  }
}

TEST(DimExpr, Evaluate) {
  auto none = [](const std::string &) -> std::optional<int64_t> { return std::nullopt; };
  auto zero = [](const std::string &) -> std::optional<int64_t> { return 0; };
  auto huge = [](const std::string &) -> std::optional<int64_t> { return INT64_MAX; };
  EXPECT_EQ(dim("3").evaluate(none), 3);
  EXPECT_EQ(dim("N").evaluate(none), std::nullopt);
  EXPECT_EQ(dim("1 / N").evaluate(zero), std::nullopt);
  EXPECT_EQ(dim("N + 1").evaluate(huge), std::nullopt);
  EXPECT_EQ(dim("N * N").evaluate(huge), std::nullopt);
}

TEST(DimExpr, Substitute) {
  EXPECT_EQ(dim("(N + 1) / 2 + M").substitute({{"N", DimExpr(4)}}).str(), "M + 2");
  EXPECT_EQ(dim("N * M").substitute({{"N", dim("M + 1")}}).str(), "M * M + M");
  // All at once: the new M is not replaced again.
  EXPECT_EQ(dim("N - M").substitute({{"N", dim("M")}, {"M", dim("N")}}).str(), "M - N");
}

TEST(DimExpr, Solve) {
  auto solve = [](const char *e, const char *name, const char *other) -> std::string {
    auto result = dim(e).solve(name, dim(other));
    return result ? result->str() : "none";
  };
  EXPECT_EQ(solve("N", "N", "M + 1"), "M + 1");
  EXPECT_EQ(solve("H - K + 1", "K", "4"), "H - 3");
  EXPECT_EQ(solve("2 * N", "N", "4 * M + 2"), "2 * M + 1");
  EXPECT_EQ(solve("2 * N", "N", "M"), "none");
  EXPECT_EQ(solve("N * M", "N", "6 * M"), "6");
  EXPECT_EQ(solve("N * N", "N", "4"), "none");
  EXPECT_EQ(solve("N / 2", "N", "4"), "none");
  EXPECT_EQ(solve("N", "N", "N + 1"), "none");
  EXPECT_EQ(solve("M", "N", "4"), "none");
}

TEST(DimExpr, LowerBound) {
  auto low = [](const char *text) { return dim(text).lowerBound(); };
  EXPECT_EQ(low("N + 1"), 1);
  EXPECT_EQ(low("N * M - 2"), -2);
  EXPECT_EQ(low("N - M"), std::nullopt);
  EXPECT_EQ(low("(N + 4) / 2"), 2);
  EXPECT_EQ(low("N - 2 * (N / 2)"), 0);
  EXPECT_EQ(low("H - K - 2 * ((H - K) / 2)"), 0);
  EXPECT_EQ(low("(N - M) / 2"), std::nullopt);
  EXPECT_EQ(low("N / M"), 0);
}

TEST(DimExpr, Symbols) {
  EXPECT_EQ(dim("(N + 1) / M + K").symbols(), (std::set<std::string>{"K", "M", "N"}));
  EXPECT_EQ(dim("N").asSymbol(), "N");
  EXPECT_EQ(dim("N + 1").asSymbol(), std::nullopt);
  EXPECT_EQ(dim("N / 2").asSymbol(), std::nullopt);
  EXPECT_EQ(dim("3").constant(), 3);
  EXPECT_EQ(dim("N").constant(), std::nullopt);
}

TEST(DimExpr, Overflow) {
  DimExpr big(INT64_MAX);
  EXPECT_FALSE((big + DimExpr(1)).valid());
  EXPECT_FALSE((big * DimExpr(2)).valid());
  EXPECT_FALSE((big * DimExpr::symbol("N") * DimExpr(2)).valid());
  EXPECT_FALSE((big + DimExpr(1)) == (big + DimExpr(1)));
  EXPECT_FALSE(DimExpr::parse("9223372036854775808"));
  DimExpr least(INT64_MIN);
  EXPECT_EQ(DimExpr::parse(least.str()), least);
  DimExpr scaled = least * DimExpr::symbol("N") + least;
  EXPECT_EQ(DimExpr::parse(scaled.str()), scaled);
}

TEST(DimExpr, HostileExpressionsEnd) {
  DimExpr e = dim("A + B + C + D + E + F + G");
  DimExpr power(1);
  for (int i = 0; i < 40; ++i)
    power = power * e;
  EXPECT_FALSE(power.valid());
  DimExpr nested = DimExpr::symbol("N");
  for (int i = 0; i < 100; ++i)
    nested = DimExpr::floorDiv(nested * nested + DimExpr(1), DimExpr(3));
  EXPECT_FALSE(nested.valid());
}

TEST(DimExpr, RefusesWhatIsNoExpression) {
  for (const char *text : {"", "N +", "N M", "(N", "N)", "+", "N ** 2", "1..2", "N - - "})
    EXPECT_FALSE(DimExpr::parse(text)) << text;
  EXPECT_FALSE(DimExpr::parse(std::string(100000, '(')));
  EXPECT_FALSE(DimExpr::parse(std::string(100000, '-') + "N"));
}

// Twice the work for each level would never end.
TEST(DimExpr, DivisionsInsideDivisions) {
  DimExpr a = DimExpr::symbol("A"), e = DimExpr::floorDiv(a, DimExpr(2));
  for (int level = 0; level < 60; ++level)
    e = DimExpr::floorDiv(e + DimExpr::floorDiv(a, DimExpr(3)), DimExpr(2));
  EXPECT_TRUE(e.valid());
  EXPECT_EQ(e.lowerBound(), 0);
  EXPECT_EQ((e - a).lowerBound(), std::nullopt);
  EXPECT_EQ(DimExpr::parse(e.str()), e);
  // For A = 6 it begins with 3; (3 + 2) / 2 is 2, and so is (2 + 2) / 2.
  EXPECT_EQ(e.evaluate([](const std::string &) { return std::optional<int64_t>(6); }), 2);
}

} // namespace
