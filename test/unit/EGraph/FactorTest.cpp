//===- FactorTest.cpp - Cheap programs for systems of polynomials -----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Coefficients are small integers, so that expanding a program is exact.
//
//===----------------------------------------------------------------------===//
#include "passes/EGraph/Factor.h"
#include "Systems.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"
#include <cmath>

using namespace llvm;
using namespace mad::egraph;
using enum FactorStep;

namespace {

const std::vector<std::vector<FactorStep>> orders = {{},
                                                     {Products},
                                                     {Factors},
                                                     {Sums},
                                                     {Products, Factors, Sums},
                                                     {Factors, Sums},
                                                     {Sums, Factors, Sums},
                                                     {Sums, Products, Factors, Sums}};

/// The program computes the polynomials of the system, and no step uses a later one.
void expectEqual(System &system, const StraightLine &program) {
  ASSERT_EQ(program.outputs.size(), system.polynomials.size());
  for (size_t i = 0; i < program.steps.size(); ++i)
    for (const StraightLine::Summand &s : program.steps[i].sum)
      for (StraightLine::Value v : {s.a, s.b})
        if (v != StraightLine::nothing)
          ASSERT_LT(v, program.variables + i);
  std::vector<Polynomial> expanded = program.expand(system.monomials);
  for (size_t i = 0; i < expanded.size(); ++i)
    EXPECT_TRUE(expanded[i] == system.polynomials[i])
        << textOf(system.monomials, expanded[i]) << "\ninstead of\n"
        << textOf(system.monomials, system.polynomials[i]);
}

void expectEqualInAllOrders(System &system) {
  expectEqual(system, writeOut(system));
  for (const auto &order : orders)
    expectEqual(system, factor(system, order));
  expectEqual(system, factor(system));
}

size_t operationsOf(System &system, bool fuses = true) {
  StraightLine program = factor(system, FactorCost{fuses});
  expectEqual(system, program);
  return program.count(fuses).total();
}

size_t operationsOf(ArrayRef<StringRef> texts, bool fuses = true) {
  System system = systemOf(texts);
  return operationsOf(system, fuses);
}

/// Random polynomials. With few different variables much is shared.
System randomSystem(unsigned seed, unsigned variables, unsigned polynomials, unsigned terms,
                    unsigned degree, int largest) {
  std::mt19937 random(seed);
  auto below = [&](unsigned n) { return unsigned(random() % n); };
  System system;
  system.variables = variables;
  std::vector<Monomial> pool;
  for (unsigned i = 0; i < 2 * terms; ++i) {
    Monomial m = one;
    for (unsigned d = below(degree + 1); d > 0; --d)
      m = system.monomials.times(m, system.monomials.of(below(variables)));
    pool.push_back(m);
  }
  for (unsigned p = 0; p < polynomials; ++p) {
    Polynomial polynomial;
    for (unsigned t = below(terms + 1); t > 0; --t)
      polynomial.add(pool[below(unsigned(pool.size()))], int(below(2 * largest + 1)) - largest);
    system.polynomials.push_back(std::move(polynomial));
  }
  return system;
}

} // namespace

TEST(Factor, RandomSystemsStayEqual) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    System system = randomSystem(seed, 2 + seed % 7, 1 + seed % 9, 1 + seed % 13, 1 + seed % 5,
                                 1 + int(seed % 4));
    expectEqualInAllOrders(system);
    if (HasFailure())
      return;
  }
}

TEST(Factor, EdgeCases) {
  System system = systemOf({"0", "5", "-3", "a", "-a", "2*a", "a^9", "a", "a + b", "-a - b",
                            "2*a + 2*b", "a - b", "b - a", "3*a + 3*b - 3", "7*a*b*c"});
  expectEqualInAllOrders(system);
  System none = systemOf({});
  expectEqualInAllOrders(none);
}

TEST(Factor, HornerOfOneVariable) {
  std::string text = "z";
  for (unsigned i = 1; i <= 20; ++i)
    text += " + " + std::string(1, char('a' + i)) + "*a^" + std::to_string(i);
  EXPECT_EQ(operationsOf({text}), 20u);        // n fused operations
  EXPECT_EQ(operationsOf({text}, false), 40u); // n products, n sums
}

TEST(Factor, PowersByDoubling) {
  EXPECT_EQ(operationsOf({"a^8"}), 3u);
  EXPECT_EQ(operationsOf({"a^1024"}), 10u);
  EXPECT_EQ(operationsOf({"a^15"}), 6u); // five are enough
  EXPECT_EQ(operationsOf({"a^3*b^3"}), 3u);
}

TEST(Factor, KnownOptima) {
  EXPECT_EQ(operationsOf({"a*c + a*d + b*c + b*d"}, false), 3u); // (a + b) * (c + d)
  EXPECT_EQ(operationsOf({"a + b", "a + b + c", "a + b + d"}), 3u);
  EXPECT_EQ(operationsOf({"a*b - c*d", "c*d - a*b", "a*b - c*d + e"}), 4u); // two, a change of sign
  EXPECT_EQ(operationsOf({"2*a + 4*b", "3*a + 6*b + c"}), 3u); // a + 2*b, times 2, times 3 plus c
  // A rate that three equations share: two products, and no other but a change of its sign.
  EXPECT_EQ(operationsOf({"-k*a*b", "-k*a*b", "k*a*b"}), 3u);
  // What Hosangadi and others begin with: the Taylor series of the sine, which takes three
  // products for its coefficients, two for x and the powers, and three sums.
  EXPECT_EQ(operationsOf({"x - s*x^3 + t*x^5 - u*x^7"}, false), 8u);
}

TEST(Factor, SumsOfALine) {
  // Every sum of two halves, all signs, as a fast transform: n log n instead of n^2.
  System system;
  system.variables = 16;
  for (unsigned row = 0; row < 16; ++row) {
    Polynomial p;
    for (unsigned v = 0; v < 16; ++v)
      p.add(system.monomials.of(v), popcount(row & v) % 2 ? -1 : 1);
    system.polynomials.push_back(std::move(p));
  }
  EXPECT_EQ(operationsOf(system), 64u);
}

TEST(Factor, TermsOfTheSameRowsAreOne) {
  // Two blocks of ones that overlap: columns of three kinds.
  System system;
  system.variables = 300;
  for (auto [from, to] : {std::pair(0u, 200u), std::pair(100u, 300u)})
    for (unsigned copy = 0; copy < 3; ++copy) {
      Polynomial p;
      for (unsigned v = from; v < to; ++v)
        p.add(system.monomials.of(v), copy + 1);
      system.polynomials.push_back(std::move(p));
    }
  // 99 sums a block, two of blocks, four scales.
  EXPECT_EQ(operationsOf(system), 3 * 99 + 2 + 4u);
}

TEST(Factor, Coefficients) {
  // Dividing 3 by 7 rounds, so nothing divides by them.
  System system = systemOf({"3*a + 7*b", "7*a + 3*b", "6*a + 14*b + c", "-3*a - 7*b"});
  expectEqualInAllOrders(system);
  System tenths;
  tenths.variables = 3;
  for (double scale : {0.1, 0.2, 0.3}) {
    Polynomial p;
    p.add(tenths.monomials.of(0), scale);
    p.add(tenths.monomials.of(1), 0.7);
    p.add(tenths.monomials.of(2), scale);
    tenths.polynomials.push_back(std::move(p));
  }
  for (const auto &order : orders) {
    StraightLine program = factor(tenths, order);
    std::vector<double> out = program.evaluate<double>(ArrayRef<double>({1, 0, 0}));
    EXPECT_EQ(out, std::vector<double>({0.1, 0.2, 0.3}));
  }
}

TEST(Factor, ReactionsShareTheirRates) {
  // a + b <-> c with constants k and l: a net rate, then its sign.
  System system = systemOf({"-k*a*b + l*c", "-k*a*b + l*c", "k*a*b - l*c"});
  StraightLine program = factor(system);
  expectEqual(system, program);
  EXPECT_LE(program.count().total(), 4u);
}

TEST(Factor, LargeNetworksAtRandomPoints) {
  // Too large to expand; equal at points of a field of 2^61 elements.
  std::mt19937 random(3);
  System system;
  const unsigned species = 1100;
  system.variables = species + 40;
  system.polynomials.resize(species);
  for (unsigned r = 0; r < 8000; ++r) {
    unsigned a = random() % species, b = random() % 40, c = random() % species;
    Monomials &m = system.monomials;
    Monomial rate = m.times(m.of(a), m.times(m.of(b), m.of(species + random() % 40)));
    for (auto [s, sign] : {std::pair(a, -1), std::pair(b, -1), std::pair(c, 1)})
      system.polynomials[s].add(rate, sign);
  }
  std::vector<Residue> point = randomPoint(system.variables, 5);
  std::vector<Residue> expected = writeOut(system).evaluate<Residue>(point);
  for (const auto &order : orders)
    EXPECT_TRUE(factor(system, order).evaluate<Residue>(point) == expected);
  EXPECT_LT(factor(system).count().total() * 9, writeOut(system).count().total() * 5);
}

TEST(Factor, TheSameProgramEachTime) {
  auto textOf = [](const StraightLine &program) {
    std::string text;
    raw_string_ostream os(text);
    program.writeC(
        os, [](Variable v) { return "x" + std::to_string(v); },
        [](unsigned i) { return "out" + std::to_string(i); });
    return text;
  };
  System system = randomSystem(11, 12, 40, 30, 3, 3), again = randomSystem(11, 12, 40, 30, 3, 3);
  EXPECT_EQ(textOf(factor(system)), textOf(factor(again)));
}

TEST(StraightLine, AsC) {
  System system = systemOf({"a*b - c", "-a - b", "0", "2.5", "a", "3*a*b"});
  std::string text;
  raw_string_ostream os(text);
  writeOut(system).writeC(
      os, [](Variable v) { return std::string(1, char('a' + v)); },
      [](unsigned i) { return "out[" + std::to_string(i) + "]"; });
  EXPECT_EQ(text, "  out[4] = a;\n"
                  "  const double t0 = a * b - c;\n"
                  "  out[0] = t0;\n"
                  "  const double t1 = -a - b;\n"
                  "  out[1] = t1;\n"
                  "  out[2] = 0.0;\n"
                  "  out[3] = 2.5;\n"
                  "  const double t4 = 3.0 * a * b;\n"
                  "  out[5] = t4;\n");
}

TEST(StraightLine, LongSumsDoNotWait) {
  StraightLine program;
  program.variables = 7;
  program.steps.push_back({});
  for (unsigned v = 0; v < 7; ++v)
    program.steps[0].sum.push_back({v % 2 ? -1.0 : 1.0, v});
  program.outputs = {7};
  std::string text;
  raw_string_ostream os(text);
  program.writeC(
      os, [](Variable v) { return std::string(1, char('a' + v)); },
      [](unsigned) { return std::string("out"); }, 3);
  EXPECT_EQ(text, "  const double p0 = a + c + e;\n"
                  "  const double p1 = g - b - d;\n"
                  "  const double p2 = -f;\n"
                  "  const double t0 = p0 + p1 + p2;\n"
                  "  out = t0;\n");
}

TEST(StraightLine, Counts) {
  System system = systemOf({"a*b + c*d - e", "2*a*b + c", "-a"});
  Operations plain = writeOut(system).count(false), fused = writeOut(system).count();
  EXPECT_EQ(plain.multiplications, 4u);
  EXPECT_EQ(plain.adds, 4u); // one of them the sign
  EXPECT_EQ(fused.total(), 7u);
  EXPECT_EQ(fused.fused, 1u);
}
