//===- Lexer.cpp - Strings, numbers, comments and doc comments --------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is not worth a regular expression; the rules themselves are in Lexer.re.
//
//===----------------------------------------------------------------------===//
#include "frontend/Lex/Lexer.h"
#include "frontend/Diag/Codes.h"
#include "frontend/Diag/Lines.h"
#include <algorithm>
#include <charconv>
#include <cstdio>

using namespace mad;
using namespace mad::lex;

std::string_view lex::spelling(Token token) {
  static constexpr std::string_view table[] = {
      "the end of the file",
      "an invalid character",
#define MAD_TOKEN(name, spelling) spelling,
#include "frontend/Lex/Tokens.def"
  };
  return table[size_t(token)];
}

bool lex::isWord(Token token) {
  switch (token) {
#define MAD_TOKEN(name, spelling)
#define MAD_WORD(name, spelling) case Token::name:
#include "frontend/Lex/Tokens.def"
    return true;
  default:
    return false;
  }
}

bool lex::checkText(std::string_view text, uint32_t file, Diagnostics &diagnostics) {
  for (size_t at = 0; at < text.size();) {
    size_t begin = at;
    char32_t point = diag::decode(text, at);
    Span span{uint32_t(begin), uint32_t(at), file};
    if (point == 0) {
      diagnostics.error(code::E0102, span, "the text holds a NUL byte, it is not a program");
      return false;
    }
    // A real U+FFFD has three bytes.
    if (point == 0xFFFD && at - begin == 1) {
      char byte[8];
      std::snprintf(byte, sizeof byte, "0x%02X", unsigned(static_cast<unsigned char>(text[begin])));
      diagnostics.error(code::E0101, span,
                        std::string("the byte ") + byte +
                            " is not UTF-8, the encoding of programs");
      return false;
    }
  }
  return true;
}

Lexer::Lexer(std::string_view text, uint32_t file, Diagnostics &diagnostics,
             std::deque<std::string> &strings)
    : source(text), file(file), diagnostics(diagnostics), strings(strings), cursor(text.data()),
      limit(text.data() + text.size()), start(text.data()) {
  skipByteOrderMark();
}

void Lexer::skipByteOrderMark() {
  if (source.substr(0, 3) == "\xEF\xBB\xBF")
    cursor += 3;
}

Lexeme Lexer::next() {
  value = {};
  broken = false;
  Lexeme lexeme;
  lexeme.token = scan();
  lexeme.span = span();
  lexeme.onNewLine = newLine;
  lexeme.broken = broken;
  switch (lexeme.token) {
  case Token::String:
    lexeme.text = value;
    break;
  case Token::Use:
  case Token::Dim:
  case Token::Const:
  case Token::Weight:
  case Token::Fn:
  case Token::Export:
  case Token::Test:
    lexeme.text = doc;
    break;
  default:
    lexeme.text = std::string_view(start, cursor - start);
    if (lexeme.text == "rule" || lexeme.text == "reactions")
      lexeme.doc = doc;
  }
  doc = {};
  newLine = false;
  previous = lexeme.token;
  return lexeme;
}

/// Joins `///` lines that follow each other; others are no documentation.
void Lexer::comment() {
  std::string_view text(start, cursor - start);
  if (text.ends_with('\r'))
    text.remove_suffix(1);
  if (!newLine || !text.starts_with("///") || text.starts_with("////"))
    return;
  bool follows = false;
  if (!doc.empty()) {
    const char *end = doc.data() + doc.size();
    follows = std::count(end, start, '\n') == 1;
  }
  doc = follows ? std::string_view(doc.data(), text.data() + text.size() - doc.data()) : text;
}

void Lexer::unknownCharacter() {
  char name[16] = {*start};
  bool control = *start < 0x20 || *start == 0x7F;
  if (control)
    std::snprintf(name, sizeof name, "U+%04X", unsigned(static_cast<unsigned char>(*start)));
  // `&&` is one mistake.
  if ((*start == '&' || *start == '|') && cursor < limit && *cursor == *start)
    name[1] = *cursor++;
  Diagnostic &error = diagnostics.error(code::E0104, span(),
                                        std::string(name[1] && !control ? "`" : "the character `") +
                                            name + "` has no meaning here");
  switch (*start) {
  case '#':
    error.help = "a comment begins with `//`";
    break;
  case '&':
    error.help = name[1] ? "write `and`" : "write `and`; of the bits of integers `bit_and(a, b)`";
    break;
  case '|':
    error.help = name[1] ? "write `or`" : "write `or`; of the bits of integers `bit_or(a, b)`";
    break;
  case '!':
    error.help = "write `not`";
    break;
  case '?':
    error.help = "a choice is written `if c { a } else { b }`";
    break;
  case '\'':
    error.help = "strings stand in double quotes; `transpose(x)` transposes";
    break;
  }
}

Token Lexer::string() {
  std::string_view body(start + 1, cursor - start - 2);
  value = body;
  if (body.find('\\') != std::string_view::npos)
    escapes(body);
  return Token::String;
}

Token Lexer::unfinishedString() {
  while (cursor < limit && *cursor != '\n')
    ++cursor;
  if (cursor[-1] == '\r')
    --cursor;
  Diagnostic &error = diagnostics.error(code::E0105, span(), "this string has no end on its line");
  error.help = "write `\"` at its end, and `\\\"` for a quote inside it";
  value = std::string_view(start + 1, cursor - start - 1);
  broken = true;
  return Token::String;
}

void Lexer::unknownEscape(std::string_view body, size_t at, size_t length) {
  uint32_t begin = offset(body.data() + at);
  Diagnostic &error =
      diagnostics.error(code::E0106, {begin, begin + uint32_t(length), file},
                        "`" + std::string(body.substr(at, length)) + "` is no escape of a string");
  error.help = "the escapes are `\\n`, `\\r`, `\\t`, `\\\\`, `\\\"` and `\\u{1F600}`";
}

/// Reads one to six hexadecimal digits as a code point.
static bool readPoint(std::string_view digits, char32_t &point) {
  if (digits.size() > 6)
    return false;
  for (char digit : digits) {
    size_t value = std::string_view("0123456789abcdef0123456789ABCDEF").find(digit);
    if (value == std::string_view::npos)
      return false;
    point = point << 4 | char32_t(value % 16);
  }
  return point <= 0x10FFFF && (point < 0xD800 || point > 0xDFFF);
}

void Lexer::escapes(std::string_view body) {
  std::string out;
  for (size_t at = 0; at < body.size(); ++at) {
    if (body[at] != '\\') {
      out += body[at];
      continue;
    }
    static constexpr std::string_view names = "nrt\\\"", values = "\n\r\t\\\"";
    char name = body[at + 1];
    if (size_t which = names.find(name); which != std::string_view::npos) {
      out += values[which];
      ++at;
      continue;
    }
    size_t close = name == 'u' && body.substr(at + 2, 1) == "{" ? body.find('}', at) : 0;
    char32_t point = 0;
    bool good = close > at + 3 && close != std::string_view::npos &&
                readPoint(body.substr(at + 3, close - at - 3), point);
    if (!good) {
      size_t next = at + 1;
      diag::decode(body, next);
      unknownEscape(body, at, next - at);
      at = next - 1;
      continue;
    }
    diag::encode(point, out);
    at = close;
  }
  strings.push_back(std::move(out));
  value = strings.back();
}

Token Lexer::number() {
  // The fields of `t.0.1` are two whole numbers.
  if (previous == Token::Dot)
    cursor = std::find_if(start, limit, [](char c) { return c < '0' || c > '9'; });
  return Token::Number;
}

/// Reads what begins like a number and goes on like none.
/// The base that the text names, `0x1F`, or 0.
static int baseOf(std::string_view text) {
  if (text.size() < 3 || text[0] != '0')
    return 0;
  switch (text[1] | 0x20) {
  case 'x':
    return 16;
  case 'o':
    return 8;
  case 'b':
    return 2;
  default:
    return 0;
  }
}

/// Where numbers are decimal alone: what to write instead.
static std::string decimalHelp(std::string_view text, int base) {
  int64_t value = 0;
  const char *end = text.data() + text.size();
  auto [at, failed] = std::from_chars(text.data() + 2, end, value, base);
  bool known = failed == std::errc() && at == end;
  return "numbers are decimal" + (known ? ": write `" + std::to_string(value) + "`" : "");
}

Token Lexer::malformedNumber() {
  if (previous == Token::Dot)
    return number();
  std::string text(start, cursor);
  bool point = text.back() == '.';
  Diagnostic &error =
      diagnostics.error(code::E0107, span(),
                        point ? "the number `" + text + "` ends in a point, a digit must follow"
                              : "`" + text + "` is no number");
  if (point)
    error.help = "write `" + text + "0`";
  else if (int base = baseOf(text))
    error.help = decimalHelp(text, base);
  else if (text.back() == 'f' || text.back() == 'F')
    error.help = "write `" + text.substr(0, text.size() - 1) +
                 "`: a number takes its type from where "
                 "it stands";
  return Token::Number;
}
