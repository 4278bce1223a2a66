//===- LayoutTest.cpp - Tokens, newlines and brackets -----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Lex/Layout.h"
#include <gtest/gtest.h>

using namespace mad;
using lex::Token;

/// The tokens with spaces between; `|` is the end of a line, `'` marks what the
/// layout added, `?` what is invalid.
static std::string tokens(const std::string &text, std::string *errors = nullptr) {
  Sources sources;
  uint32_t file = sources.add("t.mad", text);
  Diagnostics diagnostics;
  std::deque<std::string> strings;
  lex::Lexer lexer(sources[file].text, file, diagnostics, strings);
  lex::Layout layout(lexer, diagnostics);
  std::string out;
  for (;;) {
    lex::Lexeme lexeme = layout.next();
    if (lexeme.token == Token::End)
      break;
    out += out.empty() ? "" : " ";
    if (lexeme.token == Token::Line)
      out += "|";
    else if (lexeme.token == Token::Invalid)
      out += "?";
    else if (lexeme.token == Token::String)
      out += "'" + std::string(lexeme.text) + "'";
    else if (lexeme.token == Token::Name || lexeme.token == Token::Number)
      out += lexeme.text;
    else if (lexeme.token == Token::Reduction)
      out += "<" + std::string(lexeme.text) + ">";
    else
      out += lex::spelling(lexeme.token);
    out += lexeme.synthetic ? "'" : "";
  }
  std::string found;
  for (const Diagnostic &error : diagnostics.all())
    found += std::to_string(error.code) + "@" + std::to_string(error.span.begin) + " ";
  if (errors)
    *errors = found;
  else
    EXPECT_EQ(found, "");
  return out;
}

static std::string errorsOf(const std::string &text) {
  std::string errors;
  tokens(text, &errors);
  return errors;
}

TEST(Lexer, Numbers) {
  EXPECT_EQ(tokens("1 1_000 2.5 1e-3 2.5E+3"), "1 1_000 2.5 1e-3 2.5E+3 |");
  EXPECT_EQ(tokens("1..2"), "1 .. 2 |");
  EXPECT_EQ(tokens("t.0.1"), "t . 0 . 1 |");
  EXPECT_EQ(tokens("B..."), "B ... |");
  EXPECT_EQ(errorsOf("1. + 2"), "107@0 ");
  EXPECT_EQ(errorsOf("0x10"), "107@0 ");
  EXPECT_EQ(errorsOf("1_ 1__0 1e 2.x 1f"), "107@0 107@3 107@8 107@11 107@15 ");
}

TEST(Lexer, WordsAndReductions) {
  EXPECT_EQ(tokens("sum[k] sum (x) summary[1]"), "<sum> [ k ] sum ( x ) summary [ 1 ] |");
  EXPECT_EQ(tokens("max(a) any  [i]"), "max ( a ) <any> [ i ] |");
  EXPECT_EQ(tokens("axis type f32 lets inner"), "axis type f32 lets inner |");
  EXPECT_EQ(tokens("a->b ==c!=d<=e>=f"), "a -> b == c != d <= e >= f |");
}

TEST(Lexer, Strings) {
  EXPECT_EQ(tokens(R"("a" "" "\n\t\r\\\"")"), "'a' '' '\n\t\r\\\"' |");
  EXPECT_EQ(tokens(R"("\u{e9}\u{1F600}")"), "'\xC3\xA9\xF0\x9F\x98\x80' |");
  EXPECT_EQ(tokens("\"\xC3\xA9 // no comment\""), "'\xC3\xA9 // no comment' |");
  EXPECT_EQ(errorsOf(R"("\q")"), "106@1 ");
  EXPECT_EQ(errorsOf(R"("\u{}" "\u{d800}" "\u{110000}" "\u41" "\u{12")"),
            "106@1 106@8 106@19 106@32 106@39 ");
  EXPECT_EQ(errorsOf("\"abc\ndef"), "105@0 ");
  EXPECT_EQ(errorsOf("\"abc\\\""), "105@0 ");
}

TEST(Lexer, CharactersAndComments) {
  EXPECT_EQ(tokens("a // b $ \xC3\xA9\nc"), "a | c |");
  EXPECT_EQ(tokens(""), "");
  EXPECT_EQ(tokens("// only this"), "");
  EXPECT_EQ(tokens("\xEF\xBB\xBF"
                   "a\r\nb\r\n"),
            "a | b |");
  EXPECT_EQ(errorsOf("a $ b \xC3\xA9\xC3\xA9 c"), "104@2 104@6 ");
}

TEST(Lexer, TextMustBeText) {
  auto check = [](std::string_view text) {
    Diagnostics diagnostics;
    bool good = lex::checkText(text, 0, diagnostics);
    EXPECT_EQ(good, !diagnostics.hasErrors());
    return good ? ""
                : std::to_string(diagnostics.all()[0].code) + "@" +
                      std::to_string(diagnostics.all()[0].span.begin);
  };
  EXPECT_EQ(check("plain \xC3\xA9 \xEF\xBF\xBD \xF0\x9F\x98\x80"), "");
  EXPECT_EQ(check(std::string_view("a\0b", 3)), "102@1");
  EXPECT_EQ(check("a\xFF"), "101@1");
  EXPECT_EQ(check("ab\xC3"), "101@2");
  EXPECT_EQ(check("\xC0\x80"), "101@0") << "an overlong form";
  EXPECT_EQ(check("\xED\xA0\x80"), "101@0") << "a surrogate";
}

TEST(Layout, NewlinesEndStatements) {
  EXPECT_EQ(tokens("a\nb"), "a | b |");
  EXPECT_EQ(tokens("a\n\n\n// c\nb\n\n"), "a | b |");
  EXPECT_EQ(tokens("a; b"), "a | b |");
  EXPECT_EQ(tokens("a;\nb"), "a | b |");
  EXPECT_EQ(tokens("f()\n{ a }"), "f ( ) { a | } |");
  EXPECT_EQ(tokens("{\n  a\n  b\n}\n"), "{ a | b | } |");
  EXPECT_EQ(tokens("true\n-x"), "true | - x |") << "`-` may begin a line";
}

TEST(Layout, NewlinesThatEndNothing) {
  EXPECT_EQ(tokens("a +\nb"), "a + b |");
  EXPECT_EQ(tokens("let a =\n  b"), "let a = b |");
  EXPECT_EQ(tokens("a, \n b"), "a , b |");
  EXPECT_EQ(tokens("not\na and\nb"), "not a and b |");
  EXPECT_EQ(tokens("f(a\n, b\n)\nc"), "f ( a , b ) | c |");
  EXPECT_EQ(tokens("x[\n1\n]"), "x [ 1 ] |");
  EXPECT_EQ(tokens("a\nwith b"), "a with b |");
  EXPECT_EQ(tokens("if a { b }\nelse { c }"), "if a { b | } else { c | } |");
  EXPECT_EQ(tokens("a\n.b\n -> c\nwhere d\nfrom e\nover f"), "a . b -> c where d from e over f |");
}

TEST(Layout, BlocksInsideParentheses) {
  EXPECT_EQ(tokens("f(if a {\n b\n c\n} else { d }\n)"), "f ( if a { b | c | } else { d | } ) |");
}

TEST(Layout, ClosesWhatIsLeftOpen) {
  std::string errors;
  EXPECT_EQ(tokens("{ let a = (b + [c\nlet d = e }", &errors),
            "{ let a = ( b + [ c ]' )' | let d = e | } |");
  EXPECT_EQ(errors, "108@15 108@10 ");
  EXPECT_EQ(tokens("fn f() {\n a\nfn g() { b }", &errors),
            "fn f ( ) { a |' }' | fn g ( ) { b | } |");
  EXPECT_EQ(errors, "108@7 ");
  EXPECT_EQ(tokens("a (b }", &errors), "a ( b )' |");
  EXPECT_EQ(errors, "109@5 108@2 ");
  EXPECT_EQ(tokens("{ a (b }", &errors), "{ a ( b )' | } |");
  EXPECT_EQ(errors, "108@4 ");
}

TEST(Layout, WrongAndStrayBrackets) {
  std::string errors;
  EXPECT_EQ(tokens("f(a] + b", &errors), "f ( a ) + b |");
  EXPECT_EQ(errors, "110@3 ");
  EXPECT_EQ(tokens("f(x[a) + b", &errors), "f ( x [ a ]' ) + b |");
  EXPECT_EQ(errors, "108@3 ");
  EXPECT_EQ(tokens("a) b] c}", &errors), "a b c |");
  EXPECT_EQ(errors, "109@1 109@4 109@7 ");
}

TEST(Layout, UnfinishedStringsReportNoBracketsOfTheirLine) {
  std::string errors;
  tokens("fn f() { g(\"abc) }\nfn h() { }", &errors);
  EXPECT_EQ(errors, "105@11 ");
}

TEST(Layout, TooManyBrackets) {
  std::string errors;
  std::string text(300, '(');
  std::string out = tokens(text + "a" + std::string(300, ')') + "\nb", &errors);
  EXPECT_EQ(errors, "111@256 ");
  EXPECT_NE(out.find("( ? )"), std::string::npos);
  EXPECT_EQ(out.substr(out.size() - 7), ") | b |");
}
