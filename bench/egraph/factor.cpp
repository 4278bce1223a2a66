//===- factor.cpp - Factors a system of polynomials and writes it as C ------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// usage: factor SYSTEM OUTPUT.c
//
// The first line of SYSTEM is `y N k M`: variables 0 to N - 1 are y, then those of k. Each line
// after it is a polynomial, terms with ` + ` between them: a coefficient, then variables. A line
// of JSON tells operations and seconds of the processor, for each order of steps and for the best.
//
//===----------------------------------------------------------------------===//
#include "passes/EGraph/Factor.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"
#include <ctime>

using namespace llvm;
using namespace mad::egraph;

namespace {

Error readTerm(StringRef text, System &system, Polynomial &polynomial) {
  SmallVector<StringRef, 4> words;
  text.trim().split(words, ' ', -1, false);
  double coefficient;
  if (words.empty() || words[0].getAsDouble(coefficient))
    return createStringError("`" + text + "` is not a coefficient and variables");
  Monomial product = one;
  for (StringRef word : ArrayRef(words).drop_front()) {
    Variable v;
    if (word.getAsInteger(10, v) || v >= system.variables)
      return createStringError("`" + word + "` is no variable");
    product = system.monomials.times(product, system.monomials.of(v));
  }
  polynomial.add(product, coefficient);
  return Error::success();
}

Error readSystem(StringRef text, System &system, unsigned &states) {
  SmallVector<StringRef> lines, terms;
  text.split(lines, '\n', -1, false);
  SmallVector<StringRef, 4> head;
  unsigned constants;
  if (!lines.empty())
    lines[0].split(head, ' ');
  if (head.size() != 4 || head[1].getAsInteger(10, states) || head[3].getAsInteger(10, constants))
    return createStringError("the first line is not `y N k M`");
  system.variables = states + constants;
  for (StringRef line : ArrayRef(lines).drop_front()) {
    Polynomial polynomial;
    terms.clear();
    line.split(terms, " + ");
    for (StringRef term : terms)
      if (Error error = readTerm(term, system, polynomial))
        return error;
    system.polynomials.push_back(std::move(polynomial));
  }
  return Error::success();
}

std::string textOf(const Operations &o) {
  std::string text;
  raw_string_ostream(text) << "{\"adds\": " << o.adds
                           << ", \"multiplications\": " << o.multiplications
                           << ", \"fused\": " << o.fused << ", \"operands\": " << o.operands << "}";
  return text;
}

template <typename Run> StraightLine timed(StringRef name, Run run) {
  std::clock_t start = std::clock();
  StraightLine program = run();
  double seconds = double(std::clock() - start) / CLOCKS_PER_SEC;
  outs() << "\"" << name << "\": {\"plain\": " << textOf(program.count(false))
         << ", \"fused\": " << textOf(program.count(true))
         << format(", \"seconds\": %.4f}", seconds);
  return program;
}

} // namespace

int main(int argc, char **argv) {
  if (argc != 3) {
    errs() << "usage: factor SYSTEM OUTPUT.c\n";
    return 2;
  }
  auto file = MemoryBuffer::getFile(argv[1]);
  if (!file) {
    errs() << "factor: cannot read `" << argv[1] << "`: " << file.getError().message() << "\n";
    return 1;
  }
  System system;
  unsigned states = 0;
  if (Error error = readSystem((*file)->getBuffer(), system, states)) {
    errs() << "factor: " << toString(std::move(error)) << "\n";
    return 1;
  }
  using enum FactorStep;
  outs() << "{";
  timed("as written", [&] { return writeOut(system); });
  const std::pair<const char *, std::vector<FactorStep>> orders[] = {
      {"products", {Products}},
      {"products, factors, sums", {Products, Factors, Sums}},
      {"factors, sums", {Factors, Sums}},
      {"sums, factors, sums", {Sums, Factors, Sums}},
      {"sums, products, factors, sums", {Sums, Products, Factors, Sums}},
      {"sums, products", {Sums, Products}}};
  for (const auto &[name, order] : orders) {
    outs() << ", ";
    timed(name, [&] { return factor(system, order); });
  }
  outs() << ", ";
  StraightLine best = timed("best", [&] { return factor(system); });
  outs() << "}\n";

  std::error_code failure;
  raw_fd_ostream os(argv[2], failure);
  if (failure) {
    errs() << "factor: cannot write `" << argv[2] << "`: " << failure.message() << "\n";
    return 1;
  }
  os << "void rhs(const double *restrict y, const double *restrict k, double *restrict d) {\n";
  best.writeC(
      os,
      [&](Variable v) {
        return v < states ? "y[" + utostr(v) + "]" : "k[" + utostr(v - states) + "]";
      },
      [](unsigned output) { return "d[" + utostr(output) + "]"; });
  os << "}\n";
  return 0;
}
