//===- Sexpr.cpp - Terms and rules as text ----------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/EGraph/Sexpr.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace mad::egraph {
namespace {

class Parser {
public:
  Parser(Language &language, StringRef text, Variables &variables)
      : language(language), text(text), variables(variables) {}

  Expected<Pattern> parse() {
    Expected<unsigned> root = term(0);
    if (!root)
      return root.takeError();
    text = text.ltrim();
    if (!text.empty())
      return createStringError("`" + text + "` is left behind the term");
    return std::move(pattern);
  }

private:
  static constexpr unsigned deepest = 10000;

  Expected<unsigned> term(unsigned depth) {
    if (depth > deepest)
      return createStringError("the term is deeper than %u", deepest);
    text = text.ltrim();
    if (text.empty())
      return createStringError("a term ends too early");
    if (!text.consume_front("("))
      return word();
    text = text.ltrim();
    StringRef name = take();
    if (name.empty())
      return createStringError("`(` needs an operation behind it");
    SmallVector<unsigned, 4> operands;
    for (;;) {
      text = text.ltrim();
      if (text.consume_front(")"))
        break;
      Expected<unsigned> operand = term(depth + 1);
      if (!operand)
        return operand.takeError();
      operands.push_back(*operand);
    }
    Symbol symbol = language.symbol(name);
    return pattern.add(symbol, language.op(symbol), operands);
  }

  StringRef take() {
    StringRef word = text.take_until([](char c) { return isSpace(c) || c == '(' || c == ')'; });
    text = text.drop_front(word.size());
    return word;
  }

  Expected<unsigned> word() {
    StringRef name = take();
    if (name.empty())
      return createStringError("`%c` is no term", text.front());
    if (name.starts_with("?"))
      return pattern.addVariable(variables.of(name));
    int64_t number;
    bool isNumber = !name.getAsInteger(10, number);
    Symbol symbol = language.symbol(isNumber ? StringRef(numberSymbol) : name);
    return pattern.add(symbol, language.op(symbol, isNumber ? uint64_t(number) : 0), {});
  }

  Language &language;
  StringRef text;
  Variables &variables;
  Pattern pattern;
};

} // namespace

Expected<Pattern> parsePattern(Language &language, StringRef text, Variables &variables) {
  return Parser(language, text, variables).parse();
}

Expected<Id> parseTerm(EGraph &graph, StringRef text) {
  Variables variables;
  Expected<Pattern> pattern = parsePattern(graph.language(), text, variables);
  if (!pattern)
    return pattern.takeError();
  if (!variables.names.empty())
    return createStringError("`" + variables.names.front() + "` is a variable, in a term");
  return instantiate(graph, *pattern, {});
}

Expected<Rule> parseRule(Language &language, StringRef name, StringRef left, StringRef right) {
  return parseRule(language, name, ArrayRef(left), ArrayRef(right));
}

Expected<Rule> parseRule(Language &language, StringRef name, ArrayRef<StringRef> left,
                         ArrayRef<StringRef> right) {
  auto fault = [&](const Twine &text) { return createStringError("rule " + name + ": " + text); };
  Variables variables;
  Rule rule;
  rule.name = name.str();
  for (auto [side, terms] : {std::pair(left, &rule.left), std::pair(right, &rule.right)}) {
    size_t known = variables.names.size();
    for (StringRef text : side) {
      Expected<Pattern> pattern = parsePattern(language, text, variables);
      if (!pattern)
        return fault(toString(pattern.takeError()));
      terms->push_back(std::move(*pattern));
    }
    if (terms == &rule.right && variables.names.size() != known)
      return fault("`" + variables.names[known] + "` is not on the left side");
  }
  if (rule.left.empty() || rule.left.size() != rule.right.size())
    return fault("both sides need as many terms");
  for (const Pattern &pattern : rule.left)
    if (pattern.nodes.back().isVariable())
      return fault("a variable alone matches everything");
  rule.variables = unsigned(variables.names.size());
  return rule;
}

std::string textOf(const Language &language, OpId op, ArrayRef<std::string> operands) {
  const Op &info = language.get(op);
  StringRef name = language.name(info.symbol);
  if (name == numberSymbol)
    return std::to_string(int64_t(info.payload));
  if (operands.empty())
    return name.str();
  std::string text = "(" + name.str();
  for (const std::string &operand : operands)
    text += " " + operand;
  return text + ")";
}

} // namespace mad::egraph
