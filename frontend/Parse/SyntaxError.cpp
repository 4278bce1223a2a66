//===- SyntaxError.cpp - The texts of syntax errors -------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The parser knows which tokens could follow; a list of fifteen helps nobody.
// What can begin an expression counts as one thing, and so do the operators.
//
//===----------------------------------------------------------------------===//
#include "frontend/Diag/Codes.h"
#include "frontend/Parse/Tokens.h"
#include <algorithm>
#include <bitset>

using namespace mad;
using namespace mad::syntax;
using lex::Token;

namespace {
/// The tokens that could stand at the place of an error.
class Expected {
public:
  explicit Expected(const Parser::context &context) {
    Parser::symbol_kind_type all[Parser::YYNTOKENS];
    int count = context.expected_tokens(all, Parser::YYNTOKENS);
    for (int i = 0; i < count; ++i)
      symbols.set(size_t(all[i]));
  }

  bool has(Token token) const { return symbols.test(size_t(symbolOf(token))); }
  bool expression() const { return has(Token::Number) && has(Token::LeftParen); }
  bool operators() const { return has(Token::Plus) && has(Token::Star); }
  bool statement() const { return has(Token::Let); }
  bool declaration() const { return has(Token::Use); }
  size_t count() const { return symbols.count(); }

  /// `an expression or `)``; empty when it would be too long.
  std::string list(Token previous) const;

private:
  static Parser::symbol_kind_type symbolOf(Token token) {
    switch (token) {
#define MAD_TOKEN(name, spelling)                                                                  \
  case Token::name:                                                                                \
    return Parser::symbol_kind::S_##name;
#include "frontend/Lex/Tokens.def"
    default:
      return Parser::symbol_kind::S_YYEOF;
    }
  }
  bool folded(Token token) const;

  std::bitset<Parser::YYNTOKENS> symbols;
};
} // namespace

static bool isComparison(Token token) { return token >= Token::Equal && token <= Token::Greater; }

static bool beginsExpression(Token token) {
  switch (token) {
  case Token::Name:
  case Token::Number:
  case Token::String:
  case Token::True:
  case Token::False:
  case Token::Not:
  case Token::Minus:
  case Token::Reduction:
  case Token::If:
  case Token::Scan:
  case Token::Iterate:
  case Token::For:
  case Token::Solve:
  case Token::LeftParen:
  case Token::LeftBracket:
    return true;
  default:
    return false;
  }
}

static bool isOperator(Token token) {
  return (token >= Token::Equal && token <= Token::Caret && token != Token::Assign) ||
         token == Token::And || token == Token::Or;
}

/// True when `an expression` or `an operator` already says it.
bool Expected::folded(Token token) const {
  if (expression() && beginsExpression(token))
    return true;
  if (!operators())
    return false;
  bool inList = has(Token::RightBracket) || has(Token::RightParen);
  return isOperator(token) || token == Token::LeftParen || token == Token::LeftBracket ||
         token == Token::Dot || token == Token::With || token == Token::As ||
         (inList && (token == Token::DotDot || token == Token::By || token == Token::Assign));
}

static std::string quoted(Token token) {
  std::string text(lex::spelling(token));
  bool phrase = token == Token::Line || token == Token::Name || token == Token::Number ||
                token == Token::String || token == Token::Reduction;
  return phrase ? text : "`" + text + "`";
}

std::string Expected::list(Token previous) const {
  if (declaration())
    return "`use`, `dim`, `const`, `weight`, `record`, `fn`, `export fn`, `rule`, `ode`, "
           "`reactions` or `test`";
  if (statement())
    return "a statement";
  std::vector<std::string> wanted;
  bool afterType = previous == Token::Colon || previous == Token::Arrow;
  bool type = afterType && has(Token::Name) && !expression();
  if (expression())
    wanted.push_back("an expression");
  if (type)
    wanted.push_back("a type");
  auto add = [&](Token token) {
    bool ofType = type && (token == Token::Name || token == Token::LeftParen ||
                           token == Token::Const || token == Token::State);
    if (has(token) && !folded(token) && !ofType)
      wanted.push_back(quoted(token));
  };
  // Signs before words, the end of the line last.
#define MAD_TOKEN(name, spelling)                                                                  \
  if (Token::name != Token::Line)                                                                  \
    add(Token::name);
#define MAD_WORD(name, spelling)
#include "frontend/Lex/Tokens.def"
#define MAD_TOKEN(name, spelling)
#define MAD_WORD(name, spelling) add(Token::name);
#include "frontend/Lex/Tokens.def"
  if (operators())
    wanted.push_back("an operator");
  add(Token::Line);
  if (wanted.size() > 5)
    return {};
  std::string text;
  for (size_t i = 0; i < wanted.size(); ++i)
    text += (i == 0 ? "" : i + 1 == wanted.size() ? " or " : ", ") + wanted[i];
  return text;
}

static std::string foundText(const lex::Lexeme &lexeme) {
  static constexpr size_t maxShown = 40;
  switch (lexeme.token) {
  case Token::Line:
    if (lexeme.text.empty())
      return "the end of the file";
    return lexeme.text == "\n" ? quoted(Token::Line) : "`" + std::string(lexeme.text) + "`";
  case Token::Name:
  case Token::Number:
  case Token::Reduction:
    if (lexeme.text.size() > maxShown)
      return "`" + std::string(lexeme.text.substr(0, maxShown)) + "...`";
    return "`" + std::string(lexeme.text) + "`";
  default:
    return quoted(lexeme.token);
  }
}

/// Words that are a mistake for a name rather than the start of something else.
static bool isMisusedWord(Token token, const Expected &expected) {
  if (!lex::isWord(token) || !expected.has(Token::Name))
    return false;
  switch (token) {
  case Token::Use:
  case Token::Fn:
  case Token::Export:
  case Token::Let:
  case Token::Else:
  case Token::And:
  case Token::Or:
  case Token::With:
  case Token::Assert:
    return !expected.expression();
  default:
    return true;
  }
}

namespace {
struct Text {
  uint16_t code;
  std::string text;
  std::string help;
};
} // namespace

/// Words of other languages where a declaration begins.
static std::string declarationHelp(std::string_view word) {
  if (word == "def" || word == "func" || word == "function" || word == "fun")
    return "a function begins with `fn`";
  if (word == "import" || word == "from" || word == "include" || word == "using")
    return "`use std.nn` takes a module in";
  if (word == "class" || word == "struct")
    return "there are no classes: write functions";
  return {};
}

/// Words of other languages that stand where a statement begins.
static std::string statementHelp(std::string_view word) {
  if (word == "return")
    return "the last line of a block is its result: leave `return` out";
  if (word == "mut")
    return "values never change: leave `mut` out";
  if (word == "var" || word == "val" || word == "auto")
    return "a value is named with `let`";
  if (word == "lambda")
    return "functions have names: declare one with `fn`";
  return {};
}

static bool isTypeWord(std::string_view word) {
  static constexpr std::string_view words[] = {"f16",    "bf16",  "f32",  "f64",  "i8",
                                               "u8",     "i32",   "i64",  "bool", "int",
                                               "double", "float", "auto", "long"};
  return std::find(std::begin(words), std::end(words), word) != std::end(words);
}

/// What was meant, where habits of other languages say so.
static std::string habit(const Driver &driver, const Expected &expected) {
  const lex::Lexeme &found = driver.last(), &before = driver.beforeLast();
  // A character behind the last one of a file is NUL.
  char next = found.text.empty() ? 0 : found.text.data()[found.text.size()];
  if (found.token == Token::Star && before.token == Token::Star)
    return "a power is written `a ^ b`";
  bool computes = before.token >= Token::Plus && before.token <= Token::Percent;
  bool shifts = found.token == Token::Less || found.token == Token::Greater;
  if (shifts && before.token == found.token && before.span.end == found.span.begin)
    return found.token == Token::Less ? "bits are moved by `shift_left(a, b)`"
                                      : "bits are moved by `shift_right(a, b)`";
  if (found.token == Token::Assign && computes)
    return "values never change: give the new one a name with `let`";
  if (found.token == Token::Colon && next == '=')
    return "a value is named with `let`: `let " + std::string(before.text) + " = ...`";
  if (found.token == Token::Colon && expected.has(Token::RightBracket))
    return "a slice is written `2..6`, with a step `2..6 by 2`";
  if (found.token == Token::Dot && expected.expression() && next >= '0' && next <= '9')
    return "write a digit before the point: `0." + std::string(1, next) + "`";
  if (found.token == Token::If && expected.operators())
    return "a choice is written `if c { a } else { b }`";
  if (found.token == Token::Less && before.token == Token::Name &&
      expected.has(Token::LeftBracket) && !expected.expression())
    return "a tensor is written with its sizes in brackets: `f32[N, M]`";
  if (before.token == Token::Name && expected.count() == 1 && expected.has(Token::Colon) &&
      (found.token == Token::RightParen || found.token == Token::Comma))
    return "a parameter has a type: `" + std::string(before.text) + ": f32`";
  if (found.token == Token::Name && before.token == Token::Name) {
    if (expected.count() == 1 && expected.has(Token::Colon)) {
      // `f32 x` as in C, or `x f32` without the colon.
      bool typeFirst = isTypeWord(before.text) && !isTypeWord(found.text);
      std::string name(typeFirst ? found.text : before.text);
      std::string type(typeFirst ? before.text : found.text);
      return (typeFirst ? "the name comes first: `" : "write `") + name + ": " + type + "`";
    }
    return statementHelp(before.text);
  }
  return {};
}

/// For values that are called like a reduction: with a bracket behind it the name begins one.
static std::string renameHelp(const Driver &driver) {
  std::string name(driver.lastReduction().text);
  return "`" + name + "[` begins a reduction; a value with subscripts needs another name than `" +
         name + "`";
}

static bool beginsValue(Token token) {
  return token == Token::Name || token == Token::Number || token == Token::Reduction ||
         token == Token::If;
}

/// Behind `sum[`, with nothing but blanks in between.
static bool isInReductionBracket(const Driver &driver) {
  const lex::Lexeme &open = driver.beforeLast(), &reduction = driver.lastReduction();
  return open.token == Token::LeftBracket && reduction.token == Token::Reduction &&
         reduction.span.end <= open.span.begin && open.span.begin - reduction.span.end < 4;
}

/// The mistakes that deserve a text of their own.
static Text special(const Driver &driver, const Expected &expected, const std::string &found) {
  Token token = driver.last().token;
  if (expected.declaration()) {
    Text text{code::E0129, "found " + found + ", expected " + expected.list(Token::Line), {}};
    if (token == Token::Let)
      text.help = "outside functions a value is declared with `const`";
    else if (token == Token::Slash)
      text.help = "a comment begins with `//`";
    else if (token == Token::Name)
      text.help = declarationHelp(driver.last().text);
    return text;
  }
  if (isMisusedWord(token, expected)) {
    std::string help = token == Token::Where ? "to choose elements write `select(condition, a, b)`"
                       : token == Token::Dim && expected.has(Token::Number)
                           ? "the dimensions of a reduction are named by `axis`"
                       : token == Token::While
                           ? "values never change: repeat with `scan` or `iterate`"
                           : "";
    return {code::E0122, found + " is a word of the language, it cannot be a name", help};
  }
  if (isComparison(token) && expected.operators() && !expected.has(token))
    return {code::E0125, "comparisons do not chain", "write `a < b and b < c`"};
  if (token == Token::Assign && expected.operators())
    return {code::E0126, "found `=` in an expression",
            "to compare write `==`, to name a value write `let`"};
  if (token == Token::With && expected.operators())
    return {code::E0130, "`with` cannot stand inside an expression",
            "put parentheses around the expression and its `with`"};
  // Behind the condition of an `iterate` a name can follow, and it is `max`.
  if (token == Token::LeftBrace && expected.operators() && expected.has(Token::Name) &&
      !expected.has(Token::LeftBrace))
    return {code::E0120, "found `{`, expected `max` or an operator",
            "an `iterate` states how many rounds it runs at most: `while c max 100 { ... }`"};
  bool bodyOnly = expected.count() == 1 && expected.has(Token::LeftParen);
  if (bodyOnly && driver.beforeLast().token == Token::RightBracket && !driver.isInHeader())
    return {code::E0128,
            "found " + found + ", expected `(`: the body of a reduction stands in parentheses",
            beginsValue(token) ? "" : renameHelp(driver)};
  return {};
}

void Parser::error(const location_type &location, const std::string &message) {
  d.error(code::E0120, location, message);
}

void Parser::report_syntax_error(const context &context) const {
  const lex::Lexeme &lexeme = d.last();
  Expected expected(context);
  // A bracket that was closed by force has been reported; the rest of its line is inside.
  bool afterForced = d.beforeLast().synthetic && lexeme.token == Token::Line;
  bool known = lexeme.synthetic || afterForced;
  bool inReduction = expected.count() == 1 && expected.has(Token::Name) && isInReductionBracket(d);
  std::string found = foundText(lexeme);
  Text text = special(d, expected, found);
  if (!text.code) {
    std::string list = expected.list(d.beforeLast().token);
    text.code = expected.expression() && !expected.statement() ? code::E0121 : code::E0120;
    text.text = "found " + found + (list.empty() ? "" : ", expected " + list);
    text.help = inReduction ? renameHelp(d) : habit(d, expected);
  }
  // The rest of a broken line begins no declaration.
  known |= text.code == code::E0129 && d.lineIsBroken();
  known |= text.code == code::E0128 && d.lastReductionReported();
  if (inReduction)
    d.reportedReduction();
  if (!known) {
    Diagnostic &error = d.error(text.code, context.location(), std::move(text.text));
    error.help = std::move(text.help);
    bool unfinished = text.code == code::E0120 || text.code == code::E0121;
    bool inList = expected.has(Token::RightParen) || expected.has(Token::RightBracket);
    const Span *open = d.innermostBracket();
    if (unfinished && inList && open && d.onEarlierLine(*open))
      error.notes.push_back({"the bracket opened here is still open", *open, true});
  }
  d.recover();
}
