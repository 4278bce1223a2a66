//===- StraightLine.cpp - Sums of products, one after the other -------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/EGraph/StraightLine.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

using namespace llvm;

namespace mad::egraph {

Operations StraightLine::count(bool fuses) const {
  Operations result;
  for (const Step &step : steps) {
    bool positive = false;
    for (auto [i, s] : enumerate(step.sum)) {
      const unsigned values = (s.a != nothing) + (s.b != nothing);
      const bool scaled = std::abs(s.scale) != 1 && values > 0;
      const unsigned products = values + scaled - (values + scaled > 0);
      for (Value v : {s.a, s.b})
        result.operands += v != nothing && !isConstant(v);
      positive |= s.scale > 0 || products > 0;
      if (i == 0) {
        result.multiplications += products;
      } else if (products > 0 && fuses) {
        ++result.fused;
        result.multiplications += products - 1;
      } else {
        ++result.adds;
        result.multiplications += products;
      }
    }
    // Nothing to subtract from, and no product to change the sign of.
    result.adds += !positive && !step.sum.empty() && step.sum[0].a != nothing;
  }
  return result;
}

std::vector<Polynomial> StraightLine::expand(Monomials &monomials) const {
  std::vector<Polynomial> values;
  for (Variable v = 0; v < variables; ++v)
    values.emplace_back().add(monomials.of(v), 1);
  for (const Step &step : steps) {
    Polynomial sum;
    for (const Summand &s : step.sum) {
      if (s.a == nothing)
        sum.add(one, s.scale);
      else if (s.b == nothing)
        sum.add(values[s.a], s.scale);
      else
        sum.add(*multiply(monomials, values[s.a], values[s.b]), s.scale);
    }
    values.push_back(std::move(sum));
  }
  std::vector<Polynomial> results;
  for (Value v : outputs)
    results.push_back(values[v]);
  return results;
}

namespace {

class Writer {
public:
  Writer(const StraightLine &program, raw_ostream &os, function_ref<std::string(Variable)> nameOf,
         unsigned chain)
      : program(program), os(os), nameOf(nameOf), chain(std::max(2u, chain)) {}

  std::string name(StraightLine::Value v) const {
    if (v < program.variables)
      return nameOf(v);
    if (!program.isConstant(v))
      return "t" + std::to_string(v - program.variables);
    const auto &sum = program.steps[v - program.variables].sum;
    return number(sum.empty() ? 0 : sum[0].scale);
  }

  void write(size_t step) {
    if (program.isConstant(StraightLine::Value(program.variables + step)))
      return;
    // Begin with what is not negative: that needs no instruction.
    std::vector<std::string> parts;
    for (bool negative : {false, true})
      for (const StraightLine::Summand &s : program.steps[step].sum)
        if ((s.scale < 0) == negative)
          parts.push_back(textOf(s));
    while (parts.size() > chain) {
      std::vector<std::string> joined;
      for (size_t at = 0; at < parts.size(); at += chain) {
        joined.push_back(" + p" + std::to_string(partial));
        os << "  const double p" << partial++ << " = ";
        join(ArrayRef(parts).slice(at, std::min<size_t>(chain, parts.size() - at)));
      }
      parts = std::move(joined);
    }
    os << "  const double t" << step << " = ";
    join(parts);
  }

private:
  static std::string number(double value) {
    std::string text;
    raw_string_ostream(text) << format("%.17g", value);
    return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
  }

  std::string textOf(const StraightLine::Summand &s) const {
    std::string text = s.scale < 0 ? " - " : " + ";
    const double size = std::abs(s.scale);
    if (s.a == StraightLine::nothing)
      return text + number(size);
    if (size != 1)
      text += number(size) + " * ";
    text += name(s.a);
    if (s.b != StraightLine::nothing)
      text += " * " + name(s.b);
    return text;
  }

  void join(ArrayRef<std::string> parts) {
    for (auto [i, part] : enumerate(parts)) {
      StringRef text = part;
      os << (i > 0                     ? text
             : text.starts_with(" - ") ? "-" + text.drop_front(3)
                                       : text.drop_front(3));
    }
    os << ";\n";
  }

  const StraightLine &program;
  raw_ostream &os;
  function_ref<std::string(Variable)> nameOf;
  const unsigned chain;
  size_t partial = 0;
};

} // namespace

void StraightLine::writeC(raw_ostream &os, function_ref<std::string(Variable)> nameOf,
                          function_ref<std::string(unsigned)> resultOf, unsigned chain) const {
  Writer writer(*this, os, nameOf, chain);
  std::vector<SmallVector<unsigned, 1>> outputsOf(variables + steps.size());
  for (auto [i, value] : enumerate(outputs))
    outputsOf[value].push_back(unsigned(i));
  for (Value v = 0; v < outputsOf.size(); ++v) {
    if (v >= variables)
      writer.write(v - variables);
    for (unsigned output : outputsOf[v])
      os << "  " << resultOf(output) << " = " << writer.name(v) << ";\n";
  }
}

} // namespace mad::egraph
