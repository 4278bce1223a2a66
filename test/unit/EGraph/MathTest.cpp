//===- MathTest.cpp - Proofs by algebra -------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The theorems of egg's suite "math", from rules of a ring, of quotients and of roots.
//
//===----------------------------------------------------------------------===//
#include "MathRules.h"
#include "gtest/gtest.h"

using namespace mad::egraph;

namespace {

/// Whether the rules make two terms equal.
bool proves(llvm::StringRef from, llvm::StringRef to, size_t nodes = 75000) {
  Language language;
  MathConstants constants;
  EGraph graph(language);
  graph.attach(constants);
  Id a = term(graph, from), b = term(graph, to);
  Limits limits;
  limits.nodes = nodes;
  limits.iterations = 60;
  limits.seconds = 60;
  limits.reached = [&](const EGraph &g) { return g.find(a) == g.find(b); };
  Runner(graph, mathRules(language, constants), limits).run();
  EXPECT_TRUE(graph.conflict().empty()) << graph.conflict().str();
  return graph.find(a) == graph.find(b);
}

} // namespace

TEST(Math, Products) { EXPECT_TRUE(proves("(* (+ x 3) (+ x 1))", "(+ (+ (* x x) (* 4 x)) 3)")); }

TEST(Math, Sums) {
  EXPECT_TRUE(proves("(+ x (+ x (+ x x)))", "(* 4 x)"));
  EXPECT_TRUE(proves("(+ 1 (- a (* (- 2 1) a)))", "1"));
  EXPECT_TRUE(proves("(+ 0 (+ (+ 1 foo) -1))", "foo"));
}

TEST(Math, Roots) {
  EXPECT_TRUE(
      proves("(/ 1 (- (/ (+ 1 (sqrt five)) 2) (/ (- 1 (sqrt five)) 2)))", "(/ 1 (sqrt five))"));
}

TEST(Math, Powers) { EXPECT_TRUE(proves("(* (pow 2 x) (pow 2 y))", "(pow 2 (+ x y))")); }

TEST(Math, Derivatives) {
  EXPECT_TRUE(proves("(d x x)", "1"));
  EXPECT_TRUE(proves("(d x (+ 1 (* 2 x)))", "2"));
  EXPECT_TRUE(proves("(d x (* x y))", "y"));
}

TEST(Math, WhatIsWrongIsNotProved) {
  EXPECT_FALSE(proves("(+ x y)", "(/ x y)", 20000));
  EXPECT_FALSE(proves("(- x y)", "(- y x)", 20000));
}
